//! Plans: what a run that only plans has seen and would do, and the bounds of a run that does what a plan says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use agent_core::effect::{Effect, FieldChange};
use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::object::ObjectRef;
use agent_core::plan::{Plan, Rest, StandIn};
use serde_json::Value;

/// What a run that plans has come to.
#[derive(Debug, Default)]
pub struct Drawing {
    /// The changes, in order.
    pub effects: Vec<Effect>,
    /// What they rest on.
    pub rests_on: Vec<Rest>,
    /// The texts in them that only a run knows.
    pub stand_ins: Vec<StandIn>,
}

/// Collects what a plan consists of.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    effects: Mutex<Vec<Effect>>,
    rests_on: Mutex<BTreeMap<ObjectRef, Rest>>,
}

impl Sketch {
    pub(super) fn add(&self, effect: &Effect) {
        lock(&self.effects).push(effect.clone());
    }

    /// Adds what was seen of an object, beside what was seen of it before.
    pub(super) fn rest(&self, rest: Rest) {
        let mut rests = lock(&self.rests_on);
        match rests.get_mut(&rest.target) {
            Some(known) => known.fields.extend(rest.fields),
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

    /// Returns an effect with what the texts stand for in their place, so that the same effect of another run is equal to it.
    fn general(&self, effect: &Effect) -> General {
        let mut all = self.all();
        // A text may be part of another one.
        all.sort_by_key(|stand_in| std::cmp::Reverse(stand_in.text.len()));
        let text = |text: &str| {
            all.iter().fold(text.to_owned(), |text, stand_in| {
                text.replace(&stand_in.text, &format!("<{}>", stand_in.name))
            })
        };
        let after = |field: &FieldChange| {
            let after = field.after.as_ref().map(|value| within(value, &text));
            (field.path.clone(), after)
        };
        General {
            what: format!(
                "{} {}",
                effect.verb.as_str(),
                text(&effect.target.to_string())
            ),
            of: effect.target.of.to_string(),
            fields: effect.fields.iter().map(after).collect(),
        }
    }
}

/// An effect without what differs from run to run.
#[derive(Debug, PartialEq)]
struct General {
    what: String,
    of: String,
    fields: BTreeMap<String, Option<Value>>,
}

fn within(value: &Value, text: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(string) => Value::String(text(string)),
        Value::Array(items) => items.iter().map(|item| within(item, text)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (text(name), within(value, text)))
            .collect(),
        _ => value.clone(),
    }
}

/// The effects that a run may have, each once.
#[derive(Debug)]
pub(super) struct Bound {
    planned: Vec<General>,
    /// Which one each call has had. A call that tries again has the same again.
    had: Mutex<HashMap<CallId, usize>>,
}

impl Bound {
    pub(super) fn new(plan: &Plan) -> Bound {
        let stand_ins = StandIns::new(&plan.stand_ins);
        let planned = plan.effects.iter();
        Bound {
            planned: planned.map(|effect| stand_ins.general(effect)).collect(),
            had: Mutex::default(),
        }
    }

    /// Refuses an effect that is not in the plan, or not in it any more.
    pub(super) fn allow(
        &self,
        call: &CallId,
        effect: &Effect,
        stand_ins: &StandIns,
    ) -> Result<(), Failure> {
        let wanted = stand_ins.general(effect);
        let mut had = lock(&self.had);
        if had.get(call).is_some_and(|at| self.planned[*at] == wanted) {
            return Ok(());
        }
        let taken: BTreeSet<usize> = had.values().copied().collect();
        let fits = |at: &usize| !taken.contains(at) && self.planned[*at] == wanted;
        match (0..self.planned.len()).find(fits) {
            Some(at) => {
                had.insert(call.clone(), at);
                Ok(())
            }
            None => Err(self.refusal(&wanted, effect)),
        }
    }

    fn refusal(&self, wanted: &General, effect: &Effect) -> Failure {
        let message = format!(
            "{} {} is not in the plan",
            effect.verb.as_str(),
            effect.target
        );
        let failure = Failure::new(Kind::Denied, "plan.not-planned", message)
            .hinted("make a new plan, and look what has become different");
        match self
            .planned
            .iter()
            .find(|planned| planned.what == wanted.what)
        {
            None => failure,
            Some(planned) => differences(planned, wanted)
                .into_iter()
                .fold(failure, Failure::because),
        }
    }
}

fn differences(planned: &General, wanted: &General) -> Vec<String> {
    let paths: BTreeSet<&String> = planned.fields.keys().chain(wanted.fields.keys()).collect();
    let absent = || "absent".to_owned();
    let shown = |value: Option<&Option<Value>>| match value {
        Some(Some(value)) => value.to_string(),
        _ => absent(),
    };
    let differs = paths
        .into_iter()
        .filter(|path| planned.fields.get(*path) != wanted.fields.get(*path));
    let sentence = |path: &String| {
        let (before, now) = (planned.fields.get(path), wanted.fields.get(path));
        format!(
            "`{path}`: the plan says {}, and now it would be {}",
            shown(before),
            shown(now)
        )
    };
    let mut sentences: Vec<String> = differs.map(sentence).collect();
    if sentences.is_empty() {
        sentences.push("the plan has it, but not so often".to_owned());
    }
    sentences
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use agent_core::effect::Verb;
    use serde_json::json;

    use super::*;

    fn effect(name: &str, tag: &str) -> Effect {
        Effect {
            number: 1,
            by: "volsync.restore".parse().expect("a name"),
            verb: Verb::Create,
            target: ObjectRef {
                of: "jobs.v1.batch".parse().expect("a type"),
                namespace: Some("media".to_owned()),
                name: name.to_owned(),
            },
            fields: vec![FieldChange {
                path: String::new(),
                before: None,
                after: Some(
                    json!({"spec": {"trigger": {"manual": tag}}, "metadata": {"name": name}}),
                ),
            }],
            temporary: true,
            recovery: Verb::Create.recovery(),
        }
    }

    fn plan(effects: Vec<Effect>, stand_ins: &[(&str, &str)]) -> Plan {
        let stand_in = |(name, text): &(&str, &str)| StandIn {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        };
        let text = json!({
            "format": 1, "operation": "volsync.restore", "arguments": {}, "plugin": "volsync 0.1.0",
            "digest": format!("sha256:{}", "0".repeat(64)), "cluster": {}, "who": {"user": "", "host": "", "door": "", "process": 0},
            "made": "2026-11-22T06:00:00Z", "effects": [], "rests-on": [], "stand-ins": [],
        });
        let mut plan: Plan = serde_json::from_value(text).expect("a plan");
        plan.effects = effects;
        plan.stand_ins = stand_ins.iter().map(stand_in).collect();
        plan
    }

    fn call(number: u64) -> CallId {
        CallId::root().nested(number)
    }

    #[test]
    fn what_differs_only_in_what_no_plan_can_know_is_in_the_plan() {
        let bound = Bound::new(&plan(
            vec![effect("list-aa", "t1")],
            &[("token", "t1"), ("suffix", "aa")],
        ));
        let stand_ins = StandIns::default();
        stand_ins.add("token", "t2");
        stand_ins.add("suffix", "bb");
        bound
            .allow(&call(1), &effect("list-bb", "t2"), &stand_ins)
            .expect("planned");
        let other = bound.allow(&call(2), &effect("list-bb", "t3"), &stand_ins);
        assert_eq!(other.expect_err("not planned").code, "plan.not-planned");
    }

    #[test]
    fn planned_effect_is_allowed_once_and_to_its_call_again() {
        let bound = Bound::new(&plan(vec![effect("list", "t")], &[]));
        let stand_ins = StandIns::default();
        let allow = |number| bound.allow(&call(number), &effect("list", "t"), &stand_ins);
        allow(1).expect("planned");
        allow(1).expect("the same attempt again");
        let twice = allow(2).expect_err("had already");
        assert_eq!(twice.causes, ["the plan has it, but not so often"]);
    }
}
