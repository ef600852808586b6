//! What the thread does: take what has come, commit it together, answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use agent_core::failure::Failure;
use agent_core::journal::{Entry, Survives};
use agent_core::record::Retention;
use futures::channel::oneshot;
use jiff::Timestamp;

use super::{Message, Ticket};
use crate::append::{Line, Tail};
use crate::database::{Checkpoint, Database, Log};
use crate::error::{JournalError, RunError};
use crate::lock::Held;
use crate::prune::Pruner;

/// How long a noted entry may wait for others.
const DELAY: Duration = Duration::from_millis(200);
/// How many entries are committed together at most, so that whoever waits is not kept waiting by those who note.
const TOGETHER: usize = 10_000;
/// When noted entries are tried again that could not be written.
const RETRY: Duration = Duration::from_secs(1);
/// From how many pages on the log is emptied at the end: the next process reads all of it when it opens the journal.
const LOG_AT_END: i64 = 128;
/// From how many pages on the log is copied while runs are at work. Four megabytes.
const LOG_AT_WORK: i64 = 1000;
/// After how many commits the log is looked at.
const LOOK: u32 = 64;

pub(super) struct Thread {
    messages: Receiver<Message>,
    database: Arc<Database>,
    prune: Option<(Arc<Pruner>, Retention)>,
    tails: BTreeMap<Ticket, Tail>,
    items: Vec<Item>,
    closing: Vec<(Ticket, Closing)>,
    due: Option<Instant>,
    commits: u32,
}

/// An entry that is not on disk yet.
struct Item {
    ticket: Ticket,
    line: Line,
    awaited: Option<(Survives, Reply)>,
}

/// Who is told that all of a run is on disk, or cannot be.
enum Closing {
    /// Somebody who waits for it.
    Awaited(SyncSender<()>),
    /// The next one who wants to have the run.
    Left(Option<Held>),
}

type Reply = oneshot::Sender<Result<(), Failure>>;

impl Thread {
    pub(super) fn new(
        messages: Receiver<Message>,
        database: Arc<Database>,
        prune: Option<(Arc<Pruner>, Retention)>,
    ) -> Thread {
        Thread {
            messages,
            database,
            prune,
            tails: BTreeMap::new(),
            items: Vec::new(),
            closing: Vec::new(),
            due: None,
            commits: 0,
        }
    }

    pub(super) fn run(mut self) {
        while self.take_what_has_come() {
            if self.due.is_some_and(|due| due <= Instant::now()) {
                self.commit();
                self.close();
                self.look_at_the_log();
            }
        }
        self.commit();
        self.close();
        self.leave();
    }

    /// Waits for a message or the time to commit, and takes all messages that are there. Returns whether to go on.
    fn take_what_has_come(&mut self) -> bool {
        let Some(first) = self.wait() else {
            return true;
        };
        let mut next = Some(first);
        while let Some(message) = next {
            if matches!(message, Message::Stop) {
                return false;
            }
            self.take(message);
            if self.items.len() >= TOGETHER {
                self.commit_within(Duration::ZERO);
                break;
            }
            next = self.messages.try_recv().ok();
        }
        true
    }

    fn wait(&self) -> Option<Message> {
        let Some(due) = self.due else {
            return Some(self.messages.recv().unwrap_or(Message::Stop));
        };
        let patience = due.saturating_duration_since(Instant::now());
        match self.messages.recv_timeout(patience) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Open { ticket, tail } => {
                self.tails.insert(ticket, tail);
            }
            Message::Note { ticket, at, entry } => {
                self.add(ticket, at, &entry, None);
                self.commit_within(DELAY);
            }
            Message::Write {
                ticket,
                at,
                entry,
                survives,
                reply,
            } => {
                self.add(ticket, at, &entry, Some((survives, reply)));
                self.commit_within(Duration::ZERO);
            }
            Message::Close { ticket, done } => {
                self.closing.push((ticket, Closing::Awaited(done)));
                self.commit_within(Duration::ZERO);
            }
            Message::Leave { ticket, owner } => {
                self.closing.push((ticket, Closing::Left(owner)));
                self.commit_within(DELAY);
            }
            Message::Stop => {}
        }
    }

    fn add(
        &mut self,
        ticket: Ticket,
        at: Timestamp,
        entry: &Entry,
        awaited: Option<(Survives, Reply)>,
    ) {
        match (Line::new(entry, at), awaited) {
            (Ok(line), awaited) => self.items.push(Item {
                ticket,
                line,
                awaited,
            }),
            (Err(error), Some((_, reply))) => answer(reply, Err(unspeakable(&error))),
            (Err(_), None) => {}
        }
    }

    fn commit_within(&mut self, time: Duration) {
        let due = Instant::now() + time;
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    /// Puts what has come on disk, in its order.
    fn commit(&mut self) {
        self.due = None;
        if self.items.is_empty() {
            return;
        }
        let awaited = self.items.iter().filter_map(|item| item.awaited.as_ref());
        let survives = awaited.map(|(survives, _)| *survives).max();
        let before = self.tails.clone();
        let (tails, items) = (&mut self.tails, &self.items);
        let written = self
            .database
            .write(survives.unwrap_or(Survives::Process), |transaction| {
                for item in items {
                    if let Some(tail) = tails.get_mut(&item.ticket) {
                        tail.append(transaction, &item.line)?;
                    }
                }
                Ok(())
            });
        match written {
            Ok(()) => self.acknowledge(),
            Err(error) => {
                self.tails = before;
                self.refuse(error);
            }
        }
    }

    fn acknowledge(&mut self) {
        self.commits += 1;
        for item in self.items.drain(..) {
            let tail = self.tails.get(&item.ticket);
            let refused = tail.filter(|tail| tail.is_refused());
            if let Some((_, reply)) = item.awaited {
                answer(reply, refused.map_or(Ok(()), |tail| Err(taken(tail))));
            }
        }
    }

    /// Nothing of it is on disk. What was awaited will not be, for that is what those who wait are told; what was only noted goes before the
    /// next entry.
    fn refuse(&mut self, error: JournalError) {
        let failure = Failure::from(error);
        for item in std::mem::take(&mut self.items) {
            match item.awaited {
                Some((_, reply)) => answer(reply, Err(failure.clone())),
                None => self.items.push(item),
            }
        }
        if !self.items.is_empty() {
            self.commit_within(RETRY);
        }
    }

    /// Lets go of the runs of which nothing more comes.
    fn close(&mut self) {
        if self.closing.is_empty() {
            return;
        }
        for (ticket, closing) in std::mem::take(&mut self.closing) {
            self.tails.remove(&ticket);
            self.items.retain(|item| item.ticket != ticket);
            match closing {
                // Whoever waited may have given up.
                Closing::Awaited(done) => drop(done.send(())),
                Closing::Left(owner) => drop(owner),
            }
        }
        if let (Some((pruner, retention)), true) = (&self.prune, self.tails.is_empty()) {
            // It is tried again after the next run.
            drop(pruner.prune_daily(*retention));
        }
    }

    fn look_at_the_log(&mut self) {
        if self.commits >= LOOK {
            self.commits = 0;
            let is_long = |log: Log| log.pages - log.copied >= LOG_AT_WORK;
            self.checkpoint(is_long, Checkpoint::Passive);
        }
    }

    fn leave(self) {
        self.checkpoint(|log| log.pages >= LOG_AT_END, Checkpoint::TruncateAtOnce);
    }

    /// What cannot be copied now stays in the log, where it is as safe.
    fn checkpoint(&self, is_due: impl FnOnce(Log) -> bool, how: Checkpoint) {
        if self.database.log().is_ok_and(is_due) {
            drop(self.database.checkpoint(how));
        }
    }
}

/// Whoever asked may have gone; the entry is on disk all the same.
fn answer(reply: Reply, result: Result<(), Failure>) {
    drop(reply.send(result));
}

fn taken(tail: &Tail) -> Failure {
    let run = tail.run().clone();
    RunError::Exists { run }.into()
}

fn unspeakable(error: &serde_json::Error) -> Failure {
    Failure::of(
        agent_core::failure::Kind::Internal,
        "journal.unwritable",
        error,
    )
}
