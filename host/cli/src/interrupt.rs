//! Ctrl-C, SIGTERM and SIGHUP as a stream.
//!
//! A hang-up (the connection dropped, the window was closed) may ask a run to stop, but it is nobody's second Ctrl-C: what is held is put back
//! although nobody watches any more.

use std::io;
#[cfg(unix)]
use std::time::Duration;

use futures::stream::{BoxStream, Stream, StreamExt};
#[cfg(unix)]
use tokio::time::Instant;

/// How close signals are that are one. Nobody presses Ctrl-C twice as fast.
#[cfg(unix)]
const TOGETHER: Duration = Duration::from_millis(100);

/// What the system says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    /// Ctrl-C or SIGTERM.
    Stop,
    /// The terminal is gone. A shell and the system may both say so.
    HangUp,
}

/// Returns a stream with an item for each Ctrl-C and each SIGTERM, and with one for a SIGHUP that comes before all of them. From then on none
/// of them ends the process by itself.
///
/// Without `hang_up`, SIGHUP stays as it is: whoever was started under `nohup` goes on when the terminal is gone.
///
/// Must be called inside a tokio runtime.
///
/// # Errors
/// When the handlers cannot be installed.
#[cfg(unix)]
pub fn interrupts(hang_up: bool) -> io::Result<BoxStream<'static, ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let stops = futures::stream::poll_fn(move |ctx| match interrupt.poll_recv(ctx) {
        std::task::Poll::Ready(item) => std::task::Poll::Ready(item),
        std::task::Poll::Pending => terminate.poll_recv(ctx),
    });
    let hang_ups = if hang_up {
        let mut hang_up = signal(SignalKind::hangup())?;
        futures::stream::poll_fn(move |ctx| hang_up.poll_recv(ctx)).boxed()
    } else {
        futures::stream::empty().boxed()
    };
    let stops = settled(stops);
    // Of a SIGTERM and a SIGHUP at once, which is how a session is ended, the SIGTERM is first, and the SIGHUP adds nothing.
    let signals = futures::stream::select_with_strategy(
        stops.map(|()| Signal::Stop),
        hang_ups.map(|()| Signal::HangUp),
        |&mut ()| futures::stream::PollNext::Left,
    );
    Ok(counted(signals).boxed())
}

/// Returns a stream with an item for each Ctrl-C. From then on it does not end the process by itself.
///
/// # Errors
/// When the handler cannot be installed.
#[cfg(not(unix))]
pub fn interrupts(_hang_up: bool) -> io::Result<BoxStream<'static, ()>> {
    let presses = futures::stream::unfold((), |()| async {
        let pressed = tokio::signal::ctrl_c().await.ok();
        pressed.map(|()| (Signal::Stop, ()))
    });
    Ok(counted(presses).boxed())
}

/// Of signals that come together, the first one counts: `timeout` of coreutils sends its signal to the program and then to the whole group.
#[cfg(unix)]
fn settled(signals: impl Stream<Item = ()>) -> impl Stream<Item = ()> {
    let mut last: Option<Instant> = None;
    signals.filter(move |()| {
        let now = Instant::now();
        let alone = last.is_none_or(|last| now.duration_since(last) >= TOGETHER);
        last = Some(now);
        std::future::ready(alone)
    })
}

/// Drops each hang-up that is not the first signal.
fn counted(signals: impl Stream<Item = Signal>) -> impl Stream<Item = ()> {
    let mut heard = false;
    signals.filter_map(move |signal| {
        let counts = signal == Signal::Stop || !heard;
        heard = true;
        std::future::ready(counts.then_some(()))
    })
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::Signal::{HangUp, Stop};
    use super::*;

    #[test]
    fn hang_up_may_be_the_first_signal_and_never_the_second() {
        let table: [(&[Signal], usize); 8] = [
            (&[], 0),
            (&[Stop], 1),
            (&[Stop, Stop], 2),
            (&[HangUp], 1),
            (&[HangUp, HangUp, HangUp], 1),
            (&[Stop, HangUp, HangUp], 1),
            (&[HangUp, Stop], 2),
            (&[Stop, HangUp, Stop], 2),
        ];
        for (given, wanted) in table {
            let signals = futures::stream::iter(given.iter().copied());
            let items = counted(signals).count().now_or_never();
            assert_eq!(items, Some(wanted), "{given:?}");
        }
    }

    #[cfg(unix)]
    #[tokio::test(start_paused = true)]
    async fn signals_that_come_together_are_one() {
        let gaps = [0, 0, 1, 150, 5, 99, 100];
        let signals = futures::stream::iter(gaps).then(|gap| async move {
            tokio::time::sleep(Duration::from_millis(gap)).await;
        });
        assert_eq!(settled(signals).count().await, 3);
    }
}
