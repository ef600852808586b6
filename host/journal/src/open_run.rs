//! The record of a run that is at work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SendError, Sender, sync_channel};
use std::sync::{Mutex, PoisonError};

use agent_core::failure::Failure;
use agent_core::id::RunId;
use agent_core::journal::{Entry, RunJournal, Survives};
use async_trait::async_trait;
use futures::channel::oneshot;
use jiff::Timestamp;

use crate::append::Tail;
use crate::error::JournalError;
use crate::journal::Journal;
use crate::lock::Held;
use crate::writer::{Message, Ticket};

/// A run that this process has: nobody else can take it up before this is dropped. Dropping it waits until what was noted is on disk, unless the
/// run changed nothing.
#[derive(Debug)]
pub struct OpenRun {
    run: RunId,
    ticket: Ticket,
    messages: Sender<Message>,
    /// Where its record ends, until the thread is told of it.
    unopened: Mutex<Option<Tail>>,
    owner: Option<Held>,
    /// Whether its last entry is one that nobody waits for.
    is_left: AtomicBool,
    /// Keeps the thread that writes.
    _journal: Journal,
}

impl OpenRun {
    pub(crate) fn new(
        tail: Tail,
        ticket: Ticket,
        messages: Sender<Message>,
        owner: Held,
        journal: Journal,
    ) -> OpenRun {
        OpenRun {
            run: tail.run().clone(),
            ticket,
            messages,
            unopened: Mutex::new(Some(tail)),
            owner: Some(owner),
            is_left: AtomicBool::new(false),
            _journal: journal,
        }
    }

    /// Returns which run it is.
    pub fn run(&self) -> &RunId {
        &self.run
    }

    /// Sends a message, and before the first one that there is the run. Both in one go, so that no other thread comes between.
    fn send(&self, message: Message) -> Result<(), SendError<Message>> {
        let mut unopened = self.unopened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tail) = unopened.take() {
            let ticket = self.ticket;
            self.messages.send(Message::Open { ticket, tail })?;
        }
        self.messages.send(message)
    }
}

#[async_trait]
impl RunJournal for OpenRun {
    fn note(&self, entry: Entry) {
        // Without the thread the entry is lost, which whoever writes next is told.
        drop(self.send(Message::Note {
            ticket: self.ticket,
            at: Timestamp::now(),
            entry: Box::new(entry),
        }));
    }

    async fn write(&self, entry: Entry, survives: Survives) -> Result<(), Failure> {
        let (reply, answer) = oneshot::channel();
        let sent = self.send(Message::Write {
            ticket: self.ticket,
            at: Timestamp::now(),
            entry: Box::new(entry),
            survives,
            reply,
        });
        match sent {
            Ok(()) => answer.await.unwrap_or_else(|_| Err(gone())),
            Err(_) => Err(gone()),
        }
    }

    fn note_last(&self, entry: Entry) {
        self.note(entry);
        self.is_left.store(true, Ordering::Relaxed);
    }
}

impl Drop for OpenRun {
    fn drop(&mut self) {
        let (ticket, owner) = (self.ticket, self.owner.take());
        if *self.is_left.get_mut() {
            // Without the thread there is nothing to be kept, and the owner goes with the message.
            drop(self.send(Message::Leave { ticket, owner }));
            return;
        }
        let (done, closed) = sync_channel(1);
        if self.send(Message::Close { ticket, done }).is_ok() {
            // It ends without an answer only when the thread is gone, and then nothing is left to wait for.
            let _ = closed.recv();
        }
        // Not before: whoever takes the run up next must see all of it.
        drop(owner);
    }
}

fn gone() -> Failure {
    JournalError::NoWriter { source: None }.into()
}
