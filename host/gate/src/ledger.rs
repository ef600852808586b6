//! What a run holds: the changes to be put back, oldest first.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_core::effect::Target;
use agent_core::event::UndoReport;
use agent_core::failure::Failure;
use agent_core::id::CallId;
use agent_core::undo::{Holder, Scope, Undo};

use crate::PutBack;
use crate::memory::{self, RunMemory};

/// One change that is held.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The effect's number, which orders entries.
    pub number: u64,
    /// Who puts it back.
    pub holder: Holder,
    /// What was changed.
    pub target: Target,
    /// How it is put back.
    pub undo: Undo,
    /// Whether values of Secrets are in it that this process does not know: nothing of its values is told.
    pub secret: bool,
}

/// What a run has changed, and what became of it.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    pub(crate) ledger: Ledger,
    /// What a run that applies a plan has changed for good: it is taken back when the run goes beyond the plan.
    pub(crate) standing: Ledger,
    pub(crate) undone: Undone,
    pub(crate) stuck: Stuck,
    /// What identifies that which the run has made: it may remove it.
    made: Mutex<HashSet<String>>,
}

impl Holds {
    pub(crate) fn new(ledger: Ledger, standing: Ledger, made: HashSet<String>) -> Holds {
        Holds {
            ledger,
            standing,
            made: Mutex::new(made),
            ..Holds::default()
        }
    }

    /// Writes down that the run has made something.
    pub(crate) fn makes(&self, uid: String) {
        self.made().insert(uid);
    }

    /// Returns whether the run has made what that identifies.
    pub(crate) fn has_made(&self, uid: &str) -> bool {
        self.made().contains(uid)
    }

    fn made(&self) -> MutexGuard<'_, HashSet<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The entries of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Mutex<Vec<Entry>>,
    /// Whether the run only plans, so that nothing of it has to be put back.
    imagined: bool,
    /// What pays for the entries.
    memory: RunMemory,
}

impl Ledger {
    /// Makes the ledger of a run; of one that is taken up again with what it holds, oldest first.
    pub(crate) fn new(mut entries: Vec<Entry>, imagined: bool, memory: RunMemory) -> Ledger {
        entries.sort_by_key(|entry| entry.number);
        entries.iter().for_each(|entry| memory.add(weight(entry)));
        Ledger {
            memory,
            entries: Mutex::new(entries),
            imagined,
        }
    }

    pub(crate) fn put(&self, entry: Entry) {
        self.memory.add(weight(&entry));
        let replaced = self.with(|entries| {
            let at = entries.binary_search_by_key(&entry.number, |entry| entry.number);
            match at {
                Ok(at) => Some(std::mem::replace(&mut entries[at], entry)),
                Err(at) => {
                    entries.insert(at, entry);
                    None
                }
            }
        });
        self.gone(replaced.as_slice());
    }

    /// Forgets an entry whose change did not happen.
    pub(crate) fn forget(&self, number: u64) {
        drop(self.take(|entry| entry.number == number));
    }

    /// Takes out entries, newest first.
    pub(crate) fn take(&self, which: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let taken = self.with(|entries| {
            let mut taken: Vec<Entry> = entries.extract_if(.., |entry| which(entry)).collect();
            taken.reverse();
            taken
        });
        self.gone(&taken);
        taken
    }

    /// They are somebody else's to pay for.
    fn gone(&self, entries: &[Entry]) {
        let of = |entry: &Entry| self.memory.give_back(weight(entry));
        entries.iter().for_each(of);
    }

    /// Hands entries over to a scope, or takes them out for good. Returns the latter.
    pub(crate) fn keep(&self, numbers: &[u64], scope: Option<&Scope>) -> Vec<Entry> {
        let numbers: BTreeSet<u64> = numbers.iter().copied().collect();
        let kept = self.with(|entries| {
            let kept = |entry: &Entry| numbers.contains(&entry.number);
            for entry in entries.iter_mut().filter(|entry| kept(entry)) {
                entry.holder.own = false;
                if let Some(scope) = scope {
                    entry.holder.scope = Some(scope.clone());
                }
            }
            let for_good = |entry: &mut Entry| scope.is_none() && kept(entry);
            entries.extract_if(.., for_good).collect::<Vec<_>>()
        });
        self.gone(&kept);
        kept
    }

    /// Returns the numbers of what a scope holds.
    pub(crate) fn numbers_in(&self, scope: &Scope) -> Vec<u64> {
        self.with(|entries| {
            entries
                .iter()
                .filter(|entry| entry.holder.scope.as_ref() == Some(scope))
                .map(|entry| entry.number)
                .collect()
        })
    }

    /// Returns the numbers of what is undone by an operation, newest first.
    pub(crate) fn compensations(&self) -> Vec<u64> {
        self.with(|entries| {
            let compensated = entries
                .iter()
                .rev()
                .filter(|entry| entry.undo.compensation().is_some());
            compensated.map(|entry| entry.number).collect()
        })
    }

    /// Returns all entries, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.with(|entries| entries.clone())
    }

    /// Returns how many changes have to be put back.
    pub(crate) fn len(&self) -> u64 {
        if self.imagined {
            return 0;
        }
        self.with(|entries| u64::try_from(entries.len()).unwrap_or(u64::MAX))
    }

    /// Returns whether something older than that is held.
    pub(crate) fn is_older(&self, number: u64) -> bool {
        self.with(|entries| entries.iter().any(|entry| entry.number < number))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Entry>) -> T) -> T {
        act(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What was put back without the guest's saying so, by the actor that held it: the report of a run that fails.
#[derive(Debug, Default)]
pub(crate) struct Undone(Mutex<Vec<(CallId, UndoReport)>>);

impl Undone {
    pub(crate) fn add(&self, actor: &CallId, take_backs: Vec<UndoReport>) {
        self.with(|undone| {
            for take_back in take_backs {
                // What could not be put back at first is tried again, and only the last try counts. One object may have several changes.
                undone.retain(|(_, earlier)| {
                    earlier.failure.is_none() || earlier.number != take_back.number
                });
                undone.push((actor.clone(), take_back));
            }
        });
    }

    /// Forgets what an actor let go of that came to its good end: that was its way of releasing.
    pub(crate) fn forget(&self, actor: &CallId) {
        self.with(|undone| {
            undone.retain(|(of, take_back)| of != actor || take_back.failure.is_some())
        });
    }

    pub(crate) fn take(&self) -> Vec<UndoReport> {
        self.with(std::mem::take)
            .into_iter()
            .map(|(_, take_back)| take_back)
            .collect()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<(CallId, UndoReport)>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What could not be put back, and keeps back something older, whoever lets go of that, and in whatever order.
#[derive(Debug, Default)]
pub(crate) struct Stuck(Mutex<BTreeMap<u64, Entry>>);

impl Stuck {
    /// Writes down whether an entry could not be put back.
    pub(crate) fn set(&self, entry: &Entry, failed: bool) {
        self.with(|stuck| match failed {
            true => stuck.insert(entry.number, entry.clone()),
            false => stuck.remove(&entry.number),
        });
    }

    /// Returns until what an entry must be left as it is, if that is so, as a clause.
    pub(crate) fn keeps(&self, entry: &Entry) -> Option<String> {
        self.with(|stuck| {
            let newer = stuck.range(entry.number + 1..).rev();
            newer.filter_map(|(_, newer)| until(newer, entry)).next()
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<u64, Entry>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns until what an older entry waits, when a newer one could not be put back. An object that was to be removed may still be at work, so
/// everything older waits for it. Fields that still have what the run set keep back what it had set in the same object before: that would be
/// taken for somebody else's change, and never be put back. What is older in other objects does not get worse by them. Nothing starts on what may be
/// half overwritten.
fn until(newer: &Entry, older: &Entry) -> Option<String> {
    match (&newer.undo, &older.undo) {
        (Undo::Remove { .. }, _) => Some(format!("{} is gone", newer.target)),
        (Undo::Compensate(_), _) => Some(format!("{} is whole again", newer.target)),
        (Undo::Fields { .. } | Undo::Sealed { .. } | Undo::Withheld, Undo::Remove { .. }) => None,
        _ if newer.target == older.target => {
            Some("what was changed in it later is put back".to_owned())
        }
        _ => None,
    }
}

/// Returns about how much memory an entry takes.
fn weight(entry: &Entry) -> usize {
    /// What it takes beside the values in it.
    const ENTRY: usize = 512;
    ENTRY
        + match &entry.undo {
            Undo::Fields { fields, .. } => memory::weight_of_fields(fields),
            _ => 0,
        }
}

/// The report of an entry that could not be put back.
pub(crate) fn unsettled(entry: &Entry, failure: Failure) -> UndoReport {
    report(entry, Err(failure))
}

/// The report of an entry of which that came.
pub(crate) fn report(entry: &Entry, came: Result<PutBack, Failure>) -> UndoReport {
    let (PutBack { summary, left }, failure) = match came {
        Ok(done) => (done, None),
        Err(failure) => (PutBack::default(), Some(failure)),
    };
    UndoReport {
        number: Some(entry.number),
        target: entry.target.to_string(),
        summary,
        left,
        failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: u64, actor: u64) -> Entry {
        Entry {
            number,
            holder: Holder {
                actor: place(actor),
                own: true,
                scope: None,
            },
            target: Target {
                capability: "cluster".to_owned(),
                of: "pods.v1".to_owned(),
                namespace: Some("media".into()),
                name: "plex".into(),
            },
            undo: Undo::Withheld,
            secret: false,
        }
    }

    fn place(number: u64) -> CallId {
        CallId::root().nested(number)
    }

    fn scope() -> Scope {
        Scope {
            id: place(4).nested(9),
            opener: place(4),
        }
    }

    #[test]
    fn entries_come_back_newest_first() {
        let ledger = Ledger::default();
        for number in [2, 1, 3] {
            ledger.put(entry(number, 0));
        }
        let numbers: Vec<u64> = ledger
            .take(|_| true)
            .iter()
            .map(|entry| entry.number)
            .collect();
        assert_eq!(numbers, [3, 2, 1]);
        assert_eq!(ledger.len(), 0);
    }

    #[test]
    fn what_a_callee_holds_itself_ends_with_it_and_what_its_caller_holds_does_not() {
        let own = Holder {
            actor: place(5),
            own: true,
            scope: Some(scope()),
        };
        let callers = Holder {
            own: false,
            ..own.clone()
        };
        assert!(own.is(&place(5)) && !callers.is(&place(5)));
        assert!(
            callers.is(&place(4)),
            "the hold over an operation ends with whoever holds it"
        );
    }

    #[test]
    fn failure_to_put_one_change_back_outlives_another_change_of_the_same_object() {
        let (undone, stuck) = (Undone::default(), Failure::cancelled());
        let done = |number| UndoReport {
            failure: None,
            ..unsettled(&entry(number, 1), stuck.clone())
        };
        undone.add(&place(1), vec![unsettled(&entry(2, 1), stuck.clone())]);
        undone.add(&place(1), vec![done(1)]);
        let failed: Vec<bool> = undone
            .take()
            .iter()
            .map(|one| one.failure.is_some())
            .collect();
        assert_eq!(failed, [true, false]);
        undone.add(&place(1), vec![unsettled(&entry(2, 1), stuck.clone())]);
        undone.add(&place(1), vec![done(2)]);
        assert!(
            undone.take().iter().all(|one| one.failure.is_none()),
            "the last try counts"
        );
    }

    #[test]
    fn what_is_kept_inside_a_scope_is_held_by_the_scope() {
        let ledger = Ledger::default();
        ledger.put(entry(1, 5));
        assert!(ledger.keep(&[1], Some(&scope())).is_empty());
        assert_eq!(ledger.numbers_in(&scope()), [1]);
        assert_eq!(ledger.keep(&[1], None)[0].number, 1);
        assert_eq!(ledger.len(), 0);
    }
}
