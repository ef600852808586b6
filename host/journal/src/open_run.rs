//! The record of a run that is at work.

use std::sync::mpsc::{Sender, sync_channel};

use agent_core::failure::Failure;
use agent_core::id::RunId;
use agent_core::journal::{Entry, RunJournal, Survives};
use async_trait::async_trait;
use futures::channel::oneshot;
use jiff::Timestamp;

use crate::error::JournalError;
use crate::journal::Journal;
use crate::lock::Held;
use crate::writer::{Message, Ticket};

/// A run that this process has: nobody else can take it up before this is dropped. Dropping it waits until what was noted is on disk.
#[derive(Debug)]
pub struct OpenRun {
    run: RunId,
    ticket: Ticket,
    messages: Sender<Message>,
    owner: Option<Held>,
    /// Keeps the thread that writes.
    _journal: Journal,
}

impl OpenRun {
    pub(crate) fn new(
        run: RunId,
        ticket: Ticket,
        messages: Sender<Message>,
        owner: Held,
        journal: Journal,
    ) -> OpenRun {
        OpenRun {
            run,
            ticket,
            messages,
            owner: Some(owner),
            _journal: journal,
        }
    }

    /// Returns which run it is.
    pub fn run(&self) -> &RunId {
        &self.run
    }
}

#[async_trait]
impl RunJournal for OpenRun {
    fn note(&self, entry: Entry) {
        // Without the thread the entry is lost, which whoever writes next is told.
        drop(self.messages.send(Message::Note {
            ticket: self.ticket,
            at: Timestamp::now(),
            entry: Box::new(entry),
        }));
    }

    async fn write(&self, entry: Entry, survives: Survives) -> Result<(), Failure> {
        let (reply, answer) = oneshot::channel();
        let sent = self.messages.send(Message::Write {
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
}

impl Drop for OpenRun {
    fn drop(&mut self) {
        let (done, closed) = sync_channel(1);
        let ticket = self.ticket;
        if self.messages.send(Message::Close { ticket, done }).is_ok() {
            // It ends without an answer only when the thread is gone, and then nothing is left to wait for.
            let _ = closed.recv();
        }
        // Not before: whoever takes the run up next must see all of it.
        drop(self.owner.take());
    }
}

fn gone() -> Failure {
    JournalError::NoWriter { source: None }.into()
}
