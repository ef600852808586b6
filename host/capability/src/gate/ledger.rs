//! What a run holds: the changes to be put back, oldest first.

use std::sync::Mutex;

use agent_core::effect::FieldChange;
use agent_core::event::TakeBack;
use agent_core::failure::Failure;
use agent_core::object::ObjectRef;

use super::Scope;

/// One change that is held.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The effect's number, which orders entries.
    pub(crate) number: u64,
    /// The actor that made the change.
    pub(crate) owner: u64,
    /// Whether that actor holds it itself, and not only whoever called it.
    pub(crate) own: bool,
    /// The hold over a called operation that it belongs to.
    pub(crate) scope: Option<Scope>,
    pub(crate) target: ObjectRef,
    pub(crate) undo: Undo,
}

impl Entry {
    /// Returns whether it goes when that actor is over.
    pub(crate) fn is_held_by(&self, actor: u64) -> bool {
        self.own && self.owner == actor || self.scope.is_some_and(|scope| scope.opener == actor)
    }
}

/// How a change is put back.
#[derive(Clone, Debug)]
pub(crate) enum Undo {
    /// These fields get their values before, where they still have those after.
    Fields {
        /// The object's uid; none when it was not learnt.
        uid: Option<String>,
        fields: Vec<FieldChange>,
        /// Pointers to objects that the change made to hold its fields: they go when they are empty again.
        grown: Vec<String>,
    },
    /// The object is removed.
    Remove {
        /// Its uid; none when the answer to its creation was lost, so that only the marker tells.
        uid: Option<String>,
        marker: String,
    },
}

/// The entries of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger(Mutex<Vec<Entry>>);

impl Ledger {
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
    pub(crate) fn keep(&self, numbers: &[u64], scope: Option<Scope>) -> Vec<u64> {
        self.with(|entries| {
            let mut kept = Vec::new();
            for entry in entries
                .iter_mut()
                .filter(|entry| numbers.contains(&entry.number))
            {
                entry.own = false;
                match scope {
                    Some(_) => entry.scope = scope,
                    None => kept.push(entry.number),
                }
            }
            entries.retain(|entry| !kept.contains(&entry.number));
            kept
        })
    }

    /// Returns the numbers of what a scope holds.
    pub(crate) fn numbers_in(&self, scope: Scope) -> Vec<u64> {
        self.with(|entries| {
            entries
                .iter()
                .filter(|entry| entry.scope == Some(scope))
                .map(|entry| entry.number)
                .collect()
        })
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
pub(crate) struct Undone(Mutex<Vec<(u64, TakeBack)>>);

impl Undone {
    pub(crate) fn add(&self, actor: u64, take_backs: Vec<TakeBack>) {
        self.with(|undone| {
            for take_back in take_backs {
                // What could not be put back at first is tried again, and only the last try counts.
                undone.retain(|(_, earlier)| {
                    earlier.failure.is_none() || earlier.target != take_back.target
                });
                undone.push((actor, take_back));
            }
        });
    }

    /// Forgets what an actor let go of that came to its good end: that was its way of releasing.
    pub(crate) fn forget(&self, actor: u64) {
        self.with(|undone| {
            undone.retain(|(of, take_back)| *of != actor || take_back.failure.is_some())
        });
    }

    pub(crate) fn take(&self) -> Vec<TakeBack> {
        self.with(std::mem::take)
            .into_iter()
            .map(|(_, take_back)| take_back)
            .collect()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<(u64, TakeBack)>) -> T) -> T {
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

    fn entry(number: u64, owner: u64) -> Entry {
        let target = ObjectRef {
            of: "pods.v1".parse().unwrap(),
            namespace: Some("media".into()),
            name: "plex".into(),
        };
        Entry {
            number,
            owner,
            own: true,
            scope: None,
            target,
            undo: Undo::Remove {
                uid: None,
                marker: String::new(),
            },
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
        let scope = Some(Scope { id: 9, opener: 4 });
        let own = Entry {
            scope,
            ..entry(1, 5)
        };
        let callers = Entry {
            scope,
            own: false,
            ..entry(2, 5)
        };
        assert!(own.is_held_by(5) && !callers.is_held_by(5));
        assert!(
            callers.is_held_by(4),
            "the hold over an operation ends with whoever holds it"
        );
    }

    #[test]
    fn what_is_kept_inside_a_scope_is_held_by_the_scope() {
        let ledger = Ledger::default();
        ledger.put(entry(1, 5));
        assert!(
            ledger
                .keep(&[1], Some(Scope { id: 9, opener: 4 }))
                .is_empty()
        );
        assert_eq!(ledger.numbers_in(Scope { id: 9, opener: 4 }), [1]);
        assert_eq!(ledger.keep(&[1], None), [1]);
        assert_eq!(ledger.len(), 0);
    }
}
