//! The journal in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_core::call::Call;
use agent_core::effect::Effect;
use agent_core::event::{Outcome, TakeBack};
use agent_core::failure::{Failure, Kind};
use agent_core::id::{Digest, RunId};
use agent_core::journal::{Journal, RunJournal};
use jiff::Timestamp;

use crate::record::{Entry, Record};

/// Records of runs that are lost with the process. Clones share the records.
#[derive(Clone, Debug, Default)]
pub struct MemoryJournal {
    records: Arc<Mutex<BTreeMap<RunId, Record>>>,
}

impl MemoryJournal {
    /// Makes a journal without records.
    pub fn new() -> MemoryJournal {
        MemoryJournal::default()
    }

    /// Returns a copy of the record of a run as it is now.
    pub fn record(&self, run: &RunId) -> Option<Record> {
        self.lock().get(run).cloned()
    }

    /// Returns copies of all records, oldest run first.
    pub fn records(&self) -> Vec<Record> {
        let mut records: Vec<Record> = self.lock().values().cloned().collect();
        records.sort_by_key(|record| record.begun);
        records
    }

    /// A thread that panicked while it held the lock has left whole entries only, so what is there can be used.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RunId, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for MemoryJournal {
    fn begin(
        &self,
        run: &RunId,
        call: &Call,
        plugin: &Digest,
    ) -> Result<Box<dyn RunJournal>, Failure> {
        let mut records = self.lock();
        if records.contains_key(run) {
            return Err(Failure::new(
                Kind::Unavailable,
                "journal.run-exists",
                format!("there is a record of run `{run}` already"),
            )
            .hinted("start the run again: it gets another id"));
        }
        let record = Record {
            run: run.clone(),
            call: call.clone(),
            plugin: plugin.clone(),
            begun: Timestamp::now(),
            entries: Vec::new(),
            outcome: None,
        };
        records.insert(run.clone(), record);
        Ok(Box::new(MemoryRun {
            journal: self.clone(),
            run: run.clone(),
        }))
    }
}

#[derive(Debug)]
struct MemoryRun {
    journal: MemoryJournal,
    run: RunId,
}

impl MemoryRun {
    fn add(&self, entry: Entry) {
        if let Some(record) = self.journal.lock().get_mut(&self.run) {
            record.entries.push(entry);
        }
    }
}

impl RunJournal for MemoryRun {
    fn intent(&self, effect: &Effect) -> Result<(), Failure> {
        self.add(Entry::Intent(effect.clone()));
        Ok(())
    }

    fn result(&self, number: u64, result: Result<(), &Failure>) {
        let failure = result.err().cloned();
        self.add(Entry::Result { number, failure });
    }

    fn put_back(&self, number: u64, take_back: &TakeBack) {
        let take_back = take_back.clone();
        self.add(Entry::PutBack { number, take_back });
    }

    fn kept(&self, number: u64) {
        self.add(Entry::Kept { number });
    }

    fn finish(&self, outcome: &Outcome) {
        if let Some(record) = self.journal.lock().get_mut(&self.run) {
            record.outcome = Some(outcome.clone());
        }
    }
}

#[cfg(test)]
mod tests;
