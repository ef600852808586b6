//! How much an operation may ask of the host: the number of its calls, the time in which it and what it calls compute, and, together with all other
//! operations of the run, what they leave on record, what they say, and the memory that they have.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use agent_core::failure::{Failure, Kind};
use agent_core::journal::Entry;
use agent_core::limits::Limits;

use crate::Gate;
use crate::memory::{Charge, RunMemory};
use crate::meter::Meter;

/// What an entry of the record takes beside its text.
const ENTRY: u64 = 64;

/// What one operation has for itself. Without limits until [`Gate::limit`].
#[derive(Debug, Default)]
pub(super) struct Quota {
    calls: OnceLock<u64>,
    pub(super) meter: Meter,
    /// What is held for it until it is over.
    burdens: Mutex<Vec<Charge>>,
}

impl Quota {
    pub(super) fn below(caller: &Quota) -> Quota {
        Quota {
            meter: caller.meter.below(),
            ..Quota::default()
        }
    }
}

/// What all operations of a run have together. Without limits until [`Gate::limit`].
#[derive(Debug, Default)]
pub(crate) struct Account {
    pub(super) memory: RunMemory,
    record_bytes: OnceLock<u64>,
    recorded: AtomicU64,
    /// What was on record when the run began to be taken back: there may be as much again.
    before: OnceLock<u64>,
    log: Mutex<LogRoom>,
}

/// How much of the run's log is left.
#[derive(Debug, Default)]
struct LogRoom {
    /// None before the run's limit is known.
    bytes: Option<usize>,
    dropped: u64,
}

impl Account {
    /// Opens the account of a run of which there may be a record already.
    pub(super) fn new(before: &[Entry]) -> Account {
        let account = Account::default();
        before.iter().for_each(|entry| account.wrote(entry));
        account
    }

    /// Gives the run as much room again, once: what undoes its work must not find that it has used up everything.
    pub(super) fn take_back(&self) {
        self.memory.take_back();
        let _ = self.before.set(self.recorded.load(Ordering::Relaxed));
    }

    /// Charges the run for an entry of its record.
    pub(super) fn wrote(&self, entry: &Entry) {
        self.recorded.fetch_add(length(entry), Ordering::Relaxed);
    }

    /// Charges the run for an entry, unless that is more than it may have on record. Returns whether it was charged.
    pub(super) fn may_write(&self, entry: &Entry) -> bool {
        let length = length(entry);
        let most = self.most();
        let within = |recorded: u64| {
            let recorded = recorded.saturating_add(length);
            (recorded <= most).then_some(recorded)
        };
        self.recorded
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, within)
            .is_ok()
    }

    /// Takes room of the log for a text of so many bytes. Returns whether there was so much, and it was not said in vain.
    pub(crate) fn say(&self, bytes: usize, in_vain: bool) -> bool {
        let mut log = self.log();
        if in_vain || log.bytes.is_some_and(|left| bytes > left) {
            log.dropped += 1;
            return false;
        }
        log.bytes = log.bytes.map(|left| left - bytes);
        true
    }

    /// Returns how many texts had no room since this was asked for last.
    pub(crate) fn unsaid(&self) -> u64 {
        std::mem::take(&mut self.log().dropped)
    }

    fn most(&self) -> u64 {
        let before = self.before.get().copied().unwrap_or_default();
        let most = self.record_bytes.get().copied().unwrap_or(u64::MAX);
        most.saturating_add(before)
    }

    fn log(&self) -> MutexGuard<'_, LogRoom> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    /// Returns the memory that the operations of the run share.
    pub fn memory(&self) -> RunMemory {
        self.run.account.memory.clone()
    }

    /// Returns the operation's stopwatch.
    pub fn meter(&self) -> &Meter {
        &self.actor.quota.meter
    }

    /// Returns whether whoever watches the run has to take something before the operation may go on.
    pub fn is_ahead(&self) -> bool {
        self.run.conversation.events.is_full()
    }

    /// Waits until whoever watches the run has taken enough. In vain once the run is stopped, which is no reason to wait any more.
    pub async fn wait_to_be_heard(&self) {
        let room = async {
            self.run.conversation.events.room().await;
            Ok(())
        };
        drop(self.run.ending.stop.unless_stopped(room).await);
    }

    /// Charges the run for a document that the operation gives back, until its gate is gone.
    ///
    /// # Errors
    /// `exhausted` (`plugin.out-of-memory`).
    pub fn burden(&self, document: &str) -> Result<(), Failure> {
        let charge = self.run.account.memory.hold_document(document)?;
        let burdens = self.actor.quota.burdens.lock();
        burdens.unwrap_or_else(PoisonError::into_inner).push(charge);
        Ok(())
    }

    /// Bounds what the operation may ask of the host, and its run.
    pub fn limit(&self, limits: &Limits) {
        // An operation has one instance, and no operation of a run has other limits for the run.
        let _ = self.actor.quota.calls.set(limits.calls);
        self.meter().limit(limits.cpu_ms);
        let account = &self.run.account;
        let _ = account.record_bytes.set(limits.record_bytes);
        account.memory.limit(limits.run_memory_bytes);
        account.log().bytes.get_or_insert(limits.log_bytes);
    }

    /// Charges the run for text that it puts on record, or into a plan.
    ///
    /// # Errors
    /// `exhausted` (`plugin.record-too-large`).
    pub fn charge(&self, bytes: usize) -> Result<(), Failure> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let recorded = &self.run.account.recorded;
        recorded.fetch_add(bytes.saturating_add(ENTRY), Ordering::Relaxed);
        self.within_quota()
    }

    /// Returns whether the operation may go on.
    ///
    /// # Errors
    /// `exhausted` (`plugin.too-many-calls`, `plugin.record-too-large`, `plugin.out-of-memory`, `plugin.out-of-cpu`).
    pub(super) fn within_quota(&self) -> Result<(), Failure> {
        let (quota, account) = (&self.actor.quota, &self.run.account);
        if let Some(calls) = quota.calls.get()
            && self.actor.calls.load(Ordering::Relaxed) > *calls
        {
            let what = format!("made more than its limit of {calls} host calls");
            return Err(self.exhausted("plugin.too-many-calls", &what));
        }
        if account.recorded.load(Ordering::Relaxed) > account.most() {
            return Err(self.too_much_on_record());
        }
        // Guest code is ended by the engine; this is for what the host computes in the course of one call.
        if let Some(ms) = quota.meter.over() {
            let what = format!("computed for more than its limit of {ms} ms");
            return Err(self.exhausted("plugin.out-of-cpu", &what));
        }
        account.memory.within()
    }

    pub(super) fn too_much_on_record(&self) -> Failure {
        let most = self.run.account.most();
        let what = format!("put more than its limit of {most} bytes on record");
        self.exhausted("plugin.record-too-large", &what)
    }

    fn exhausted(&self, code: &str, what: &str) -> Failure {
        let message = format!("plugin `{}` {what}", self.actor.plugin);
        Failure::new(Kind::Exhausted, code, message)
    }
}

/// Returns how many bytes an entry has on record.
fn length(entry: &Entry) -> u64 {
    let mut length = Length(ENTRY);
    // It is written, or not, by the journal in the same way, and that says so.
    let _ = serde_json::to_writer(&mut length, entry);
    length.0
}

/// Counts what is written.
struct Length(u64);

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
