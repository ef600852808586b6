//! The one thread of a process that writes, started at first need.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use agent_core::failure::Failure;
use agent_core::journal::{Entry, Survives};
use agent_core::record::Retention;
use futures::channel::oneshot;
use jiff::Timestamp;

use crate::append::Tail;
use crate::database::Database;
use crate::error::JournalError;
use crate::lock::Held;
use crate::prune::Pruner;

mod thread;

use thread::Thread;

/// Which open run a message is about.
pub(crate) type Ticket = u64;

/// What the thread is told. Messages of one run come in the order of its entries.
#[derive(Debug)]
pub(crate) enum Message {
    /// A run is open from now on. It comes with the first entry, so that the thread is not woken twice.
    Open { ticket: Ticket, tail: Tail },
    /// An entry that may wait.
    Note {
        ticket: Ticket,
        at: Timestamp,
        entry: Box<Entry>,
    },
    /// An entry that somebody waits for.
    Write {
        ticket: Ticket,
        at: Timestamp,
        entry: Box<Entry>,
        survives: Survives,
        reply: oneshot::Sender<Result<(), Failure>>,
    },
    /// Nothing more comes of a run. Answered when all of it is on disk, or cannot be.
    Close {
        ticket: Ticket,
        done: SyncSender<()>,
    },
    /// Nothing more comes of a run, and nobody waits. Its owner is let go of when all of it is on disk, or cannot be.
    Leave { ticket: Ticket, owner: Option<Held> },
    /// The journal is closed.
    Stop,
}

/// The thread, seen from outside. Dropping it waits until everything is on disk.
#[derive(Debug)]
pub(crate) struct Writer {
    database: Arc<Database>,
    pruner: Arc<Pruner>,
    retention: Option<Retention>,
    tickets: AtomicU64,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    messages: Sender<Message>,
    thread: JoinHandle<()>,
}

impl Writer {
    pub(crate) fn new(
        database: Arc<Database>,
        pruner: Arc<Pruner>,
        retention: Option<Retention>,
    ) -> Writer {
        Writer {
            database,
            pruner,
            retention,
            tickets: AtomicU64::new(0),
            running: Mutex::new(None),
        }
    }

    /// Returns a ticket for a run that is to be opened, and where its messages go.
    pub(crate) fn admit(&self) -> Result<(Ticket, Sender<Message>), JournalError> {
        let messages = self.messages()?;
        Ok((self.tickets.fetch_add(1, Ordering::Relaxed), messages))
    }

    fn messages(&self) -> Result<Sender<Message>, JournalError> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &*running {
            return Ok(running.messages.clone());
        }
        let (messages, receiver) = channel();
        let thread = self.start(receiver)?;
        *running = Some(Running {
            messages: messages.clone(),
            thread,
        });
        Ok(messages)
    }

    fn start(&self, messages: Receiver<Message>) -> Result<JoinHandle<()>, JournalError> {
        let thread = Thread::new(
            messages,
            Arc::clone(&self.database),
            self.retention
                .map(|retention| (Arc::clone(&self.pruner), retention)),
        );
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(|| thread.run())
            .map_err(|source| JournalError::NoWriter {
                source: Some(source),
            })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let running = self.running.get_mut();
        if let Some(running) = running.unwrap_or_else(PoisonError::into_inner).take() {
            // Either fails only when the thread has panicked, which it has said itself.
            drop(running.messages.send(Message::Stop));
            drop(running.thread.join());
        }
    }
}
