//! How long an operation keeps this machine busy: while its own code runs, and while the host computes at its wish, in whatever host call. Most
//! operations mostly wait, and waiting costs nothing: neither for others, nor for a processor that others use. So it is the thread's own clock that
//! counts, and not the one on the wall, by which an honest operation would be too expensive on a busy machine.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What share of the time in which an operation is at work it may compute beside its limit, as one in so many: one that waits for hours looks
/// often, and each look costs a little.
const SHARE: u32 = 10;

/// The stopwatch of one operation. It runs also while an operation computes that this one has called: that one's time is this one's too. Clones
/// share it.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<State>);

#[derive(Debug)]
struct State {
    /// Who called the operation.
    caller: Option<Meter>,
    /// How many milliseconds it may compute.
    most: OnceLock<u64>,
    made: Instant,
    /// In nanoseconds.
    spent: AtomicU64,
    /// From which nanosecond of its thread on it computes; 0 while it waits.
    since: AtomicU64,
    /// Which thread that is.
    thread: AtomicUsize,
}

impl Default for State {
    fn default() -> State {
        State {
            caller: None,
            most: OnceLock::new(),
            made: Instant::now(),
            spent: AtomicU64::new(0),
            since: AtomicU64::new(0),
            thread: AtomicUsize::new(0),
        }
    }
}

impl Meter {
    /// Makes the stopwatch of an operation that this one calls.
    pub(crate) fn below(&self) -> Meter {
        Meter(Arc::new(State {
            caller: Some(self.clone()),
            ..State::default()
        }))
    }

    /// Says how long the operation may compute. Without limit before; the first one counts.
    pub(crate) fn limit(&self, ms: u64) {
        let _ = self.0.most.set(ms);
    }

    /// Does the operation's work, and measures what of it is no waiting. What it calls is done inside it.
    pub async fn measure<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|ctx| {
            self.start();
            let polled = work.as_mut().poll(ctx);
            self.stop();
            polled
        })
        .await
    }

    /// Does a part of the operation's work in another task, and measures it for whoever called the operation as well: they wait meanwhile.
    pub(crate) async fn measure_aside<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|ctx| {
            let begun = now();
            let polled = work.as_mut().poll(ctx);
            let took = now().saturating_sub(begun);
            self.with_callers()
                .for_each(|meter| _ = meter.0.spent.fetch_add(took, Ordering::Relaxed));
            polled
        })
        .await
    }

    /// Returns the limit in milliseconds that is used up: the operation's own, or that of one of its callers.
    pub fn over(&self) -> Option<u64> {
        self.with_callers().find_map(|meter| {
            let most = *meter.0.most.get()?;
            let earned = meter.0.made.elapsed() / SHARE;
            (meter.spent() > Duration::from_millis(most) + earned).then_some(most)
        })
    }

    /// Returns how long it has computed so far. Of what it computes on another thread just now, nothing is known yet.
    pub fn spent(&self) -> Duration {
        let since = self.0.since.load(Ordering::Relaxed);
        let here = self.0.thread.load(Ordering::Relaxed) == this_thread();
        let running = match since {
            since if since > 0 && here => now().saturating_sub(since),
            _ => 0,
        };
        Duration::from_nanos(self.0.spent.load(Ordering::Relaxed) + running)
    }

    fn start(&self) {
        self.0.thread.store(this_thread(), Ordering::Relaxed);
        self.0.since.store(now(), Ordering::Relaxed);
    }

    fn stop(&self) {
        let since = self.0.since.swap(0, Ordering::Relaxed);
        let took = now().saturating_sub(since);
        self.0.spent.fetch_add(took, Ordering::Relaxed);
    }

    fn with_callers(&self) -> impl Iterator<Item = &Meter> {
        std::iter::successors(Some(self), |meter| meter.0.caller.as_ref())
    }
}

/// Returns how many nanoseconds this thread has computed; never 0.
fn now() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let time = time.tv_sec.saturating_mul(1_000_000_000) + time.tv_nsec;
    u64::try_from(time).unwrap_or_default().max(1)
}

/// Returns a number that no other thread has at the same time.
fn this_thread() -> usize {
    thread_local!(static HERE: u8 = const { 0 });
    HERE.with(|here| std::ptr::from_ref(here).addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(20);

    fn compute() {
        let end = now() + u64::try_from(LONG.as_nanos()).expect("short");
        while now() < end {
            std::hint::spin_loop();
        }
    }

    #[tokio::test]
    async fn waiting_costs_nothing_and_computing_on_either_side_of_it_does() {
        let meter = Meter::default();
        let work = async {
            compute();
            tokio::time::sleep(LONG * 10).await;
            compute();
        };
        meter.measure(work).await;
        assert!(meter.spent() >= LONG * 2, "{:?}", meter.spent());
        assert!(meter.spent() < LONG * 10, "{:?}", meter.spent());
    }

    #[tokio::test]
    async fn what_an_operation_calls_is_charged_to_it_as_well_also_when_it_is_done_aside() {
        let caller = Meter::default();
        caller.limit(1);
        let callee = caller.below();
        callee.limit(10_000);
        let aside = callee.clone();
        let work = callee.measure(async move {
            compute();
            let work = async move { aside.measure_aside(async { compute() }).await };
            tokio::spawn(work).await
        });
        caller.measure(work).await.expect("it ends");
        assert!(callee.spent() >= LONG * 2 && caller.spent() >= LONG * 2);
        assert_eq!(callee.over(), Some(1));
    }
}
