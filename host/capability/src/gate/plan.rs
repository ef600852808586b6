//! Plans: what a run that only plans has seen and would do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_core::effect::Effect;
use agent_core::object::ObjectRef;
use agent_core::plan::{Listing, Rest, StandIn};

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
}

impl Sketch {
    pub(super) fn add(&self, effect: &Effect) {
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
        let mut listed = lock(&self.listed);
        if listed.iter().all(|known| !is_same_query(known, &listing)) {
            listed.push(listing);
        }
    }

    /// Adds what was seen of an object, beside what was seen of it before.
    pub(super) fn rest(&self, rest: Rest) {
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
pub(super) struct StandIns(Mutex<BTreeSet<StandIn>>);

impl StandIns {
    pub(super) fn new(all: &[StandIn]) -> StandIns {
        StandIns(Mutex::new(all.iter().cloned().collect()))
    }

    pub(super) fn add(&self, name: &str, text: &str) {
        if !text.is_empty() {
            let (name, text) = (name.to_owned(), text.to_owned());
            lock(&self.0).insert(StandIn { name, text });
        }
    }

    pub(super) fn all(&self) -> Vec<StandIn> {
        lock(&self.0).iter().cloned().collect()
    }

    /// Returns a text with what the texts stand for in their place, the longest where several begin.
    pub(super) fn general(&self, text: &str) -> String {
        let mut all = self.all();
        all.sort_by_key(|stand_in| std::cmp::Reverse(stand_in.text.len()));
        let mut general = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let fits = |stand_in: &&StandIn| rest.starts_with(&stand_in.text);
            match all.iter().find(fits) {
                Some(stand_in) => {
                    general.push_str(&format!("<{}>", stand_in.name));
                    rest = &rest[stand_in.text.len()..];
                }
                None => {
                    general.push(next);
                    rest = &rest[next.len_utf8()..];
                }
            }
        }
        general
    }
}

fn is_same_query(one: &Listing, other: &Listing) -> bool {
    let found = other.found.clone();
    Listing {
        found,
        ..one.clone()
    } == *other
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
