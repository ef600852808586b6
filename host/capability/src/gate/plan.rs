//! Plans: what a run that only plans has seen and would do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_core::effect::Effect;
use agent_core::object::ObjectRef;
use agent_core::plan::{Listing, Rest, StandIn};

use super::texts::{Begins, Texts};
use crate::memory::{RunMemory, weight, weight_of_fields};

/// What a run that plans has come to.
#[derive(Debug, Default)]
pub struct Drawing {
    /// The changes, in order.
    pub effects: Vec<Effect>,
    /// What they rest on.
    pub rests_on: Vec<Rest>,
    /// The lists that they rest on.
    pub listed: Vec<Listing>,
    /// The texts in them that only a run knows.
    pub stand_ins: Vec<StandIn>,
}

/// Collects what a plan consists of.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    effects: Mutex<Vec<Effect>>,
    rests_on: Mutex<BTreeMap<ObjectRef, Rest>>,
    listed: Mutex<Vec<Listing>>,
    /// The queries of these, as text.
    queries: Mutex<BTreeSet<String>>,
    /// What pays for all that.
    memory: RunMemory,
}

impl Sketch {
    pub(super) fn new(memory: RunMemory) -> Sketch {
        Sketch {
            memory,
            ..Sketch::default()
        }
    }

    pub(super) fn add(&self, effect: &Effect) {
        self.memory.add(weight_of_fields(&effect.fields));
        lock(&self.effects).push(effect.clone());
    }

    /// Writes down that a change which was to be put back is to stay.
    pub(super) fn keep(&self, number: u64) {
        let mut effects = lock(&self.effects);
        let kept = effects.iter_mut().filter(|effect| effect.number == number);
        kept.for_each(|effect| effect.temporary = false);
    }

    /// Adds what a query found. What it found first counts.
    pub(super) fn list(&self, listing: Listing) {
        let query = query(&listing);
        let found = listing.found.iter();
        let found = found.map(|(uid, name)| uid.len() + name.len());
        let bytes = 2 * query.len() + found.sum::<usize>();
        if lock(&self.queries).insert(query) {
            self.memory.add(bytes);
            lock(&self.listed).push(listing);
        }
    }

    /// Adds what was seen of an object, beside what was seen of it before.
    pub(super) fn rest(&self, rest: Rest) {
        let fields = rest.fields.iter();
        let bytes = fields.map(|(pointer, value)| pointer.len() + weight(value));
        self.memory.add(bytes.sum());
        let mut rests = lock(&self.rests_on);
        match rests.get_mut(&rest.target) {
            Some(known) => {
                for (pointer, value) in rest.fields {
                    known.fields.entry(pointer).or_insert(value);
                }
            }
            None => {
                rests.insert(rest.target.clone(), rest);
            }
        }
    }

    pub(super) fn finish(&self, stand_ins: &StandIns) -> Drawing {
        let mut effects = std::mem::take(&mut *lock(&self.effects));
        effects.sort_by_key(|effect| effect.number);
        let rests = std::mem::take(&mut *lock(&self.rests_on));
        Drawing {
            effects,
            rests_on: rests.into_values().collect(),
            listed: std::mem::take(&mut *lock(&self.listed)),
            stand_ins: stand_ins.all(),
        }
    }
}

/// Texts that only a run knows, by what they stand for.
#[derive(Debug, Default)]
pub(super) struct StandIns(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    all: BTreeSet<StandIn>,
    /// What each text stands for.
    names: Texts<String>,
}

impl Known {
    /// Returns how many bytes of memory that took. Of several things that a text stands for, the first by name counts.
    fn add(&mut self, stand_in: StandIn) -> usize {
        let StandIn { name, text } = &stand_in;
        let (bytes, known) = self.names.insert(text, name.clone());
        if let Some(known) = known
            && *known > *name
        {
            known.clone_from(name);
        }
        let bytes = bytes + text.len() + 2 * name.len();
        self.all.insert(stand_in);
        bytes
    }
}

impl StandIns {
    pub(super) fn new(all: &[StandIn]) -> StandIns {
        let mut known = Known::default();
        for stand_in in all {
            known.add(stand_in.clone());
        }
        StandIns(Mutex::new(known))
    }

    /// Returns how many bytes of memory that took.
    pub(super) fn add(&self, name: &str, text: &str) -> usize {
        if text.is_empty() {
            return 0;
        }
        let (name, text) = (name.to_owned(), text.to_owned());
        lock(&self.0).add(StandIn { name, text })
    }

    pub(super) fn all(&self) -> Vec<StandIn> {
        lock(&self.0).all.iter().cloned().collect()
    }

    /// Returns a text with what the texts stand for in their place, the longest where several begin.
    pub(super) fn general(&self, text: &str) -> String {
        let known = lock(&self.0);
        let mut general = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            match known.names.at(rest.as_bytes()) {
                Begins::With(length, name) => {
                    general.push('<');
                    general.push_str(name);
                    general.push('>');
                    rest = &rest[rest.floor_char_boundary(length)..];
                }
                Begins::Perhaps | Begins::Not => {
                    general.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        general
    }
}

/// Returns a text that is another one for each other query.
fn query(listing: &Listing) -> String {
    let Listing {
        of,
        namespace,
        labels,
        fields,
        found: _,
    } = listing;
    format!("{of}\n{namespace:?}\n{labels:?}\n{fields:?}")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
