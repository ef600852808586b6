//! The bounds of a run that does what a plan says: it may have each effect of the plan once, and keeps nothing that the plan puts back.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_core::effect::{Effect, FieldChange, Target, Verb};
use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::journal::Entry;
use agent_core::plan::{Form, Plan};
use agent_core::record::{self, Settled};
use agent_core::secret::MASK;
use agent_core::undo::Compensation;
use serde_json::Value;

use crate::plan::{Placeholders, legible};

/// The code of what ends a run that goes beyond its plan.
pub(super) const VIOLATED: &str = "plan.not-planned";

/// See the module.
#[derive(Debug)]
pub(super) struct PlanGuard {
    planned: Vec<Pattern>,
    /// The forms of what the plan leaves open, by name.
    forms: BTreeMap<String, Form>,
    consumed: Mutex<Consumed>,
}

/// What a run has consumed of its plan.
#[derive(Debug, Default)]
struct Consumed {
    /// Which effect each call has consumed. A call that tries again has the same again.
    calls: HashMap<CallId, usize>,
    /// The same by the effects' own numbers.
    numbers: HashMap<u64, usize>,
    /// The objects that the run has made.
    made: BTreeSet<Target>,
}

/// An effect of the plan that a call has taken. Dropped before it is spent, it is given back.
#[derive(Debug)]
pub(super) struct Reservation<'a> {
    plan_guard: &'a PlanGuard,
    call: CallId,
    number: u64,
    /// The place in the plan.
    at: usize,
    /// Whether the call consumed it before, because an earlier attempt of it may have happened.
    again: bool,
    /// What was written down as made by the run for it.
    made: Option<Target>,
    spent: bool,
}

impl Reservation<'_> {
    /// Returns the place in the plan.
    pub(super) fn planned(&self) -> u64 {
        u64::try_from(self.at).unwrap_or(u64::MAX)
    }

    /// Notes that the effect may happen from now on, whether or not anybody hears of it.
    pub(super) fn spend(&mut self) {
        self.spent = true;
    }

    /// Gives it back although it was spent, because the effect has surely not happened.
    pub(super) fn give_back(mut self) {
        self.spent = false;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if self.spent {
            return;
        }
        let mut consumed = self.plan_guard.consumed();
        consumed.numbers.remove(&self.number);
        if !self.again {
            consumed.calls.remove(&self.call);
        }
        if let Some(made) = &self.made {
            consumed.made.remove(made);
        }
    }
}

impl PlanGuard {
    /// Takes a plan, and what an earlier process has consumed of it already.
    pub(super) fn new(plan: &Plan, entries: &[Entry]) -> PlanGuard {
        let stand_ins = Placeholders::new(&plan.stand_ins);
        let (mut made, mut planned) = (BTreeSet::new(), Vec::new());
        for effect in &plan.effects {
            if effect.verb == Verb::CREATE {
                made.insert(effect.target.clone());
            }
            planned.push(Pattern::of(effect, &stand_ins, &made));
        }
        let mut consumed = Consumed::default();
        for recorded in record::recorded_effects(entries.iter()) {
            let at = recorded.intent.planned.map(usize::try_from);
            if let (Some(Ok(at)), true) = (at, recorded.settled != Settled::Rejected) {
                drop(consumed.take(&recorded.intent.call, recorded.effect(), at));
            }
        }
        let open = stand_ins.all().into_iter();
        PlanGuard {
            planned,
            forms: open.filter_map(|it| Some((it.name, it.form?))).collect(),
            consumed: Mutex::new(consumed),
        }
    }

    /// Refuses an effect that is not in the plan, or not in it any more.
    pub(super) fn allow(
        &self,
        call: &CallId,
        effect: &Effect,
        stand_ins: &Placeholders,
    ) -> Result<Reservation<'_>, Failure> {
        let mut consumed = self.consumed();
        let mut made = consumed.made.clone();
        if effect.verb == Verb::CREATE {
            made.insert(effect.target.clone());
        }
        let wanted = Pattern::of(effect, stand_ins, &made);
        let before = consumed.calls.get(call).copied();
        let before = before.filter(|at| self.planned[*at].allows(&wanted));
        let at = before.or_else(|| self.free(&consumed, &wanted));
        let Some(at) = at.filter(|_| stand_ins.fit(&self.forms)) else {
            return Err(self.refusal(&wanted, effect));
        };
        Ok(Reservation {
            plan_guard: self,
            call: call.clone(),
            number: effect.number,
            at,
            again: before.is_some(),
            made: consumed.take(call, effect, at),
            spent: false,
        })
    }

    /// Returns a place in the plan that no call has consumed and that allows an effect, if there is one.
    fn free(&self, consumed: &Consumed, wanted: &Pattern) -> Option<usize> {
        let taken: BTreeSet<usize> = consumed.calls.values().copied().collect();
        let places = || (0..self.planned.len()).filter(|at| !taken.contains(at));
        let same = places().find(|at| self.planned[*at] == *wanted);
        same.or_else(|| places().find(|at| self.planned[*at].allows(wanted)))
    }

    /// Refuses to keep what the plan puts back.
    pub(super) fn may_keep(&self, numbers: &[u64]) -> Result<(), Failure> {
        let consumed = self.consumed();
        let planned = numbers
            .iter()
            .filter_map(|number| consumed.numbers.get(number));
        let mut temporary = planned
            .map(|at| &self.planned[*at])
            .filter(|it| it.temporary);
        match temporary.next() {
            None => Ok(()),
            Some(planned) => {
                let message = format!("to keep `{}` is not in the plan", legible(&planned.what));
                Err(violation(message))
            }
        }
    }

    fn refusal(&self, wanted: &Pattern, effect: &Effect) -> Failure {
        let message = format!(
            "{} {} is not in the plan",
            effect.verb.as_str(),
            effect.target
        );
        let failure = violation(message);
        let same = |planned: &&Pattern| planned.what == wanted.what;
        match self.planned.iter().find(same) {
            None => failure,
            Some(planned) => differences(planned, wanted)
                .into_iter()
                .fold(failure, Failure::because),
        }
    }

    fn consumed(&self) -> MutexGuard<'_, Consumed> {
        self.consumed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Consumed {
    /// Returns what is newly written down as made.
    fn take(&mut self, call: &CallId, effect: &Effect, at: usize) -> Option<Target> {
        self.calls.insert(call.clone(), at);
        self.numbers.insert(effect.number, at);
        let makes = effect.verb == Verb::CREATE && self.made.insert(effect.target.clone());
        makes.then(|| effect.target.clone())
    }
}

fn violation(message: String) -> Failure {
    Failure::new(Kind::Denied, VIOLATED, message)
        .hinted("make a new plan, and look what has become different")
}

/// An effect without what differs from run to run.
#[derive(Debug, PartialEq)]
struct Pattern {
    /// As people read it.
    what: String,
    /// Where it is, and its name: of both together there could be two readings.
    place: (Option<String>, String),
    overwrites: bool,
    of: String,
    fields: BTreeMap<String, Option<Value>>,
    /// Of fields that are not shown whole.
    hashes: BTreeMap<String, String>,
    temporary: bool,
}

impl Pattern {
    /// Puts what texts stand for in their place: in values, and in the names of objects that the plan itself makes. Any other name is that of
    /// an object which was there, and stands for nothing but itself.
    fn of(effect: &Effect, stand_ins: &Placeholders, made: &BTreeSet<Target>) -> Pattern {
        let target = Target {
            namespace: effect.target.namespace.as_ref().map(|namespace| {
                // What is in no place itself may be a place, such as a namespace.
                let is_made = |made: &Target| {
                    made.capability == effect.target.capability
                        && made.namespace.is_none()
                        && made.name == *namespace
                };
                name(namespace, stand_ins, made.iter().any(is_made))
            }),
            name: name(
                &effect.target.name,
                stand_ins,
                made.contains(&effect.target),
            ),
            capability: effect.target.capability.clone(),
            of: effect.target.of.clone(),
        };
        let overwrites = effect.verb == Verb::OVERWRITE;
        let general = |field: &FieldChange| match field.after.as_ref()? {
            // A command with an id in it that only the run knows.
            Value::String(text) if overwrites && field.path == Compensation::BY_HAND => {
                Some(Value::String(stand_ins.general_words(text)))
            }
            value => Some(stand_ins.general_value(value)),
        };
        let after = |field: &FieldChange| (field.path.clone(), general(field));
        Pattern {
            what: format!("{} {target}", effect.verb.as_str()),
            place: (target.namespace.clone(), target.name.clone()),
            overwrites,
            of: format!("{} {}", target.capability, target.of),
            fields: effect.fields.iter().map(after).collect(),
            hashes: effect.hashes.clone(),
            temporary: effect.temporary,
        }
    }

    /// Returns whether this planned effect allows that one. What the plan has as permanent may be held before it is kept.
    fn allows(&self, wanted: &Pattern) -> bool {
        let temporary = wanted.temporary || !self.temporary;
        let same = (&self.what, &self.place, &self.of) == (&wanted.what, &wanted.place, &wanted.of);
        let fields = (&self.fields, &self.hashes) == (&wanted.fields, &wanted.hashes);
        temporary
            && same
            && (fields || self.overwrites && !self.has_no_way_back() && wanted.has_no_way_back())
    }

    /// Returns whether it announces what nothing undoes. Whoever may announce it with a way back could settle it at once, and have none either.
    fn has_no_way_back(&self) -> bool {
        !self.fields.contains_key(Compensation::OPERATION)
    }
}

fn name(name: &str, stand_ins: &Placeholders, made: bool) -> String {
    if made {
        stand_ins.general(name)
    } else {
        name.to_owned()
    }
}

/// Returns a general value as people read it.
fn shown(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(legible(text)),
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (legible(name), shown(value)))
            .collect(),
        _ => value.clone(),
    }
}

fn differences(planned: &Pattern, wanted: &Pattern) -> Vec<String> {
    let paths: BTreeSet<&String> = planned.fields.keys().chain(wanted.fields.keys()).collect();
    let absent = || "absent".to_owned();
    let said = |value: Option<&Option<Value>>| match value {
        Some(Some(value)) => shown(value).to_string(),
        _ => absent(),
    };
    let differs = paths
        .into_iter()
        .filter(|path| planned.fields.get(*path) != wanted.fields.get(*path));
    let sentence = |path: &String| {
        let (before, now) = (planned.fields.get(path), wanted.fields.get(path));
        format!(
            "`{path}`: the plan says {}, and now it would be {}",
            said(before),
            said(now)
        )
    };
    let mut sentences: Vec<String> = differs.map(sentence).collect();
    let hidden: BTreeSet<&String> = planned.hashes.keys().chain(wanted.hashes.keys()).collect();
    let hidden = hidden
        .into_iter()
        .filter(|path| planned.hashes.get(*path) != wanted.hashes.get(*path));
    sentences
        .extend(hidden.map(|path| format!("`{path}`: what is `{MASK}` in it is something else")));
    if planned.temporary && !wanted.temporary {
        sentences.push("the plan puts it back at the end, and now it would stay".to_owned());
    }
    if sentences.is_empty() {
        sentences.push("the plan has it, but not so often".to_owned());
    }
    sentences
}

#[cfg(test)]
mod tests;
