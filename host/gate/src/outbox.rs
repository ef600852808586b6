//! The way of events to whoever watches a run, who may be slow, or not read at all. What they have not taken is bounded: an operation waits at its
//! next host call, and at the latest when its code looks up, until they have taken more. Neither stopping the run nor putting back waits for them.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use agent_core::event::Event;
use futures::Stream;
use futures::channel::mpsc;
use tokio::sync::Notify;

use crate::memory::weight_of_fields;

/// How many bytes of events may wait to be taken before operations have to.
const MOST: usize = 4 << 20;
/// What an event takes beside its texts.
const EVENT: usize = 256;

/// Where the events of a run go.
#[derive(Debug)]
pub struct Outbox {
    events: mpsc::UnboundedSender<(Event, usize)>,
    waiting: Arc<Waiting>,
}

/// The events of a run, as they come.
#[derive(Debug)]
pub struct Inbox {
    events: mpsc::UnboundedReceiver<(Event, usize)>,
    waiting: Arc<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: AtomicUsize,
    /// Nobody takes any more.
    gone: AtomicBool,
    taken: Notify,
}

/// Makes both ends.
pub fn outbox() -> (Outbox, Inbox) {
    let (tx, rx) = mpsc::unbounded();
    let waiting = Arc::new(Waiting::default());
    let outbox = Outbox {
        events: tx,
        waiting: waiting.clone(),
    };
    let inbox = Inbox {
        events: rx,
        waiting,
    };
    (outbox, inbox)
}

impl Outbox {
    /// Sends an event. Whoever listened may be gone, which is no error.
    pub fn send(&self, event: Event) {
        let bytes = weight(&event);
        self.waiting.bytes.fetch_add(bytes, Ordering::Relaxed);
        if self.events.unbounded_send((event, bytes)).is_err() {
            self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.is_full()
    }

    /// Waits until there is room.
    pub(super) async fn room(&self) {
        while self.is_full() {
            let mut taken = std::pin::pin!(self.waiting.taken.notified());
            // What is taken from here on is heard of.
            taken.as_mut().enable();
            if self.is_full() {
                taken.await;
            }
        }
    }
}

impl Waiting {
    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > MOST && !self.gone.load(Ordering::Relaxed)
    }
}

impl Stream for Inbox {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, ctx: &mut Context<'_>) -> Poll<Option<Event>> {
        let next = Pin::new(&mut self.events).poll_next(ctx);
        next.map(|taken| {
            let (event, bytes) = taken?;
            let before = self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
            if before > MOST {
                self.waiting.taken.notify_waiters();
            }
            Some(event)
        })
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.waiting.gone.store(true, Ordering::Relaxed);
        self.waiting.taken.notify_waiters();
    }
}

fn weight(event: &Event) -> usize {
    EVENT
        + match event {
            Event::StepStarted { title: text, .. }
            | Event::StepNoted { text, .. }
            | Event::StepDone { summary: text, .. }
            | Event::StepSkipped { reason: text, .. }
            | Event::StepFailed { reason: text, .. }
            | Event::Logged { message: text, .. } => text.len(),
            Event::Asked { text, facts, .. } => {
                let facts = facts.iter().map(|(label, value)| label.len() + value.len());
                text.len() + facts.sum::<usize>()
            }
            Event::Planned { effect } | Event::Changed { effect } => {
                weight_of_fields(&effect.fields)
            }
            // Of the others there are few, and the host makes them.
            _ => 0,
        }
}

#[cfg(test)]
mod tests {
    use agent_core::event::Level;
    use futures::{FutureExt as _, StreamExt as _};

    use super::*;

    fn line(bytes: usize) -> Event {
        Event::Logged {
            level: Level::Info,
            message: "x".repeat(bytes),
        }
    }

    #[test]
    fn room_comes_with_whoever_takes_events_and_with_whoever_goes() {
        let (outbox, mut inbox) = outbox();
        outbox.send(line(MOST / 2));
        assert!(outbox.room().now_or_never().is_some());
        outbox.send(line(MOST / 2));
        let mut room = std::pin::pin!(outbox.room());
        assert!(room.as_mut().now_or_never().is_none());
        assert!(inbox.next().now_or_never().is_some());
        assert!(room.now_or_never().is_some());
        outbox.send(line(MOST));
        assert!(outbox.is_full());
        drop(inbox);
        assert!(outbox.room().now_or_never().is_some());
    }
}
