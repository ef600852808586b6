//! What a run holds: the changes to be put back, oldest first.

use std::sync::Mutex;

use agent_core::event::TakeBack;
use agent_core::failure::Failure;
use agent_core::id::CallId;
use agent_core::object::ObjectRef;
use agent_core::undo::{Holder, Scope, Undo};

/// One change that is held.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The effect's number, which orders entries.
    pub(crate) number: u64,
    pub(crate) holder: Holder,
    pub(crate) target: ObjectRef,
    pub(crate) undo: Undo,
}

/// The entries of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Vec<Entry>>);

impl Ledger {
    /// Makes the ledger of a run that is taken up again. Entries come oldest first.
    pub(crate) fn new(entries: Vec<Entry>) -> Ledger {
        Ledger(Mutex::new(entries))
    }

    pub(crate) fn put(&self, entry: Entry) {
        self.with(|entries| {
            entries.retain(|other| other.number != entry.number);
            entries.push(entry);
            entries.sort_by_key(|entry| entry.number);
        });
    }

    /// Forgets an entry whose change did not happen.
    pub(crate) fn forget(&self, number: u64) {
        self.with(|entries| entries.retain(|entry| entry.number != number));
    }

    /// Takes out entries, newest first.
    pub(crate) fn take(&self, which: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        self.with(|entries| {
            let mut taken: Vec<Entry> = entries.extract_if(.., |entry| which(entry)).collect();
            taken.reverse();
            taken
        })
    }

    /// Hands entries over to a scope, or takes them out for good. Returns the numbers of the latter.
    pub(crate) fn keep(&self, numbers: &[u64], scope: Option<&Scope>) -> Vec<u64> {
        self.with(|entries| {
            let mut kept = Vec::new();
            for entry in entries
                .iter_mut()
                .filter(|entry| numbers.contains(&entry.number))
            {
                entry.holder.own = false;
                match scope {
                    Some(scope) => entry.holder.scope = Some(scope.clone()),
                    None => kept.push(entry.number),
                }
            }
            entries.retain(|entry| !kept.contains(&entry.number));
            kept
        })
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

    /// Returns all entries, oldest first.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.with(|entries| entries.clone())
    }

    pub(crate) fn len(&self) -> u64 {
        self.with(|entries| u64::try_from(entries.len()).unwrap_or(u64::MAX))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Entry>) -> T) -> T {
        act(&mut self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// What was put back without the guest's saying so, by the actor that held it: the report of a run that fails.
#[derive(Debug, Default)]
pub(crate) struct Undone(Mutex<Vec<(CallId, TakeBack)>>);

impl Undone {
    pub(crate) fn add(&self, actor: &CallId, take_backs: Vec<TakeBack>) {
        self.with(|undone| {
            for take_back in take_backs {
                // What could not be put back at first is tried again, and only the last try counts.
                undone.retain(|(_, earlier)| {
                    earlier.failure.is_none() || earlier.target != take_back.target
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

    pub(crate) fn take(&self) -> Vec<TakeBack> {
        self.with(std::mem::take)
            .into_iter()
            .map(|(_, take_back)| take_back)
            .collect()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<(CallId, TakeBack)>) -> T) -> T {
        act(&mut self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// The report of an entry that could not be put back.
pub(crate) fn unsettled(entry: &Entry, failure: Failure) -> TakeBack {
    TakeBack {
        target: entry.target.to_string(),
        summary: String::new(),
        left: Vec::new(),
        failure: Some(failure),
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
            target: ObjectRef {
                of: "pods.v1".parse().unwrap(),
                namespace: Some("media".into()),
                name: "plex".into(),
            },
            undo: Undo::Withheld,
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
    fn what_is_kept_inside_a_scope_is_held_by_the_scope() {
        let ledger = Ledger::default();
        ledger.put(entry(1, 5));
        assert!(ledger.keep(&[1], Some(&scope())).is_empty());
        assert_eq!(ledger.numbers_in(&scope()), [1]);
        assert_eq!(ledger.keep(&[1], None), [1]);
        assert_eq!(ledger.len(), 0);
    }
}
