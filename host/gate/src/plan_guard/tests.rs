use agent_core::journal::Intent;
use agent_core::plan::Placeholder;
use serde_json::json;

use super::*;

fn effect(name: &str, tag: &str) -> Effect {
    Effect {
        number: 1,
        by: "volsync.restore".parse().expect("a name"),
        verb: Verb::CREATE,
        target: Target {
            capability: "cluster".to_owned(),
            of: "jobs.v1.batch".to_owned(),
            namespace: Some("media".to_owned()),
            name: name.to_owned(),
        },
        fields: vec![FieldChange {
            path: String::new(),
            before: None,
            after: Some(json!({"spec": {"trigger": {"manual": tag}}, "metadata": {"name": name}})),
        }],
        temporary: true,
        recovery: agent_core::effect::Recovery::Check,
        hashes: BTreeMap::new(),
    }
}

fn patch(name: &str) -> Effect {
    Effect {
        verb: Verb::PATCH,
        ..effect(name, "t")
    }
}

fn plan(effects: Vec<Effect>, stand_ins: &[(&str, &str)]) -> Plan {
    let stand_in = |(name, text): &(&str, &str)| Placeholder {
        name: (*name).to_owned(),
        text: (*text).to_owned(),
        form: None,
    };
    let text = json!({
        "format": 2, "operation": "volsync.restore", "arguments": {}, "plugin": "volsync 0.1.0",
        "digest": format!("sha256:{}", "0".repeat(64)), "cluster": {}, "who": {"user": "", "host": "", "door": "", "process": 0},
        "made": "2026-11-22T06:00:00Z", "effects": [], "stand-ins": [],
    });
    let mut plan: Plan = serde_json::from_value(text).expect("a plan");
    plan.effects = effects;
    plan.stand_ins = stand_ins.iter().map(stand_in).collect();
    plan
}

fn plan_guard(effects: Vec<Effect>, stand_ins: &[(&str, &str)]) -> PlanGuard {
    PlanGuard::new(&plan(effects, stand_ins), &[])
}

/// Has an effect of which nobody knows that it did not happen.
fn have(
    plan_guard: &PlanGuard,
    number: u64,
    effect: &Effect,
    stand_ins: &Placeholders,
) -> Result<(), Failure> {
    plan_guard.allow(&call(number), effect, stand_ins)?.spend();
    Ok(())
}

fn call(number: u64) -> CallId {
    CallId::root().nested(number)
}

fn standing_in(all: &[(&str, &str)]) -> Placeholders {
    let stand_ins = Placeholders::default();
    for (name, text) in all {
        stand_ins.add(name, text);
    }
    stand_ins
}

#[test]
fn what_differs_only_in_what_no_plan_can_know_is_in_the_plan() {
    let plan_guard = plan_guard(
        vec![effect("list-aa", "t1")],
        &[("token", "t1"), ("suffix", "aa")],
    );
    let stand_ins = standing_in(&[("token", "t2"), ("suffix", "bb")]);
    have(&plan_guard, 1, &effect("list-bb", "t2"), &stand_ins).expect("planned");
    let other = plan_guard.allow(&call(2), &effect("list-bb", "t3"), &stand_ins);
    assert_eq!(other.expect_err("not planned").code, "plan.not-planned");
}

#[test]
fn name_of_an_object_that_was_there_stands_for_nothing_else() {
    let stand_ins = standing_in(&[("app", "sonarr"), ("token", "t")]);
    let there = plan_guard(vec![patch("plex")], &[("app", "plex"), ("token", "t")]);
    let mut other = patch("sonarr");
    other.fields[0].after =
        Some(json!({"spec": {"trigger": {"manual": "t"}}, "metadata": {"name": "sonarr"}}));
    let refused = there.allow(&call(1), &other, &stand_ins);
    assert_eq!(
        refused.expect_err("another object").code,
        "plan.not-planned"
    );

    let made = plan_guard(
        vec![effect("job-aa", "t"), patch("job-aa")],
        &[("suffix", "aa"), ("token", "t")],
    );
    let stand_ins = standing_in(&[("suffix", "bb"), ("token", "t")]);
    let before = made.allow(&call(1), &patch("job-bb"), &stand_ins);
    before.expect_err("it was not made by the run");
    let refused = made.allow(&call(2), &effect("job-bb", "t"), &stand_ins);
    drop(refused.expect("planned"));
    made.allow(&call(1), &patch("job-bb"), &stand_ins)
        .expect_err("nothing was made");
    have(&made, 2, &effect("job-bb", "t"), &stand_ins).expect("planned");
    made.allow(&call(3), &patch("job-bb"), &stand_ins)
        .expect("the object that was made");
}

#[test]
fn planned_effect_is_allowed_once_and_to_its_call_again() {
    let plan_guard = plan_guard(vec![effect("list", "t")], &[]);
    let stand_ins = Placeholders::default();
    let allow = |number| have(&plan_guard, number, &effect("list", "t"), &stand_ins);
    allow(1).expect("planned");
    allow(1).expect("the same attempt again");
    let twice = allow(2).expect_err("consumed already");
    assert_eq!(twice.causes, ["the plan has it, but not so often"]);
}

#[test]
fn effect_that_surely_did_not_happen_is_given_back() {
    let plan_guard = plan_guard(vec![effect("list", "t")], &[]);
    let stand_ins = Placeholders::default();
    let allow = |number| plan_guard.allow(&call(number), &effect("list", "t"), &stand_ins);
    drop(allow(1).expect("planned"));
    let mut spent = allow(2).expect("it did not go out");
    spent.spend();
    spent.give_back();
    allow(3).expect("nobody has consumed it").spend();
    // The first attempt of this call may have happened, so the refusal of the second gives nothing back.
    drop(allow(3).expect("the same attempt again"));
    allow(4).expect_err("it may have happened");
}

#[test]
fn what_an_earlier_process_has_had_is_had() {
    let intent = |number, settled: Option<bool>| {
        let effect = Effect {
            number,
            ..effect("list", "t")
        };
        let intent = Entry::Intent(Intent {
            effect,
            call: call(number),
            holder: None,
            undo: None,
            uid: None,
            planned: Some(0),
        });
        let result = settled.map(|uncertain| Entry::Result {
            number,
            failure: Some(Failure::cancelled()),
            uncertain,
            undo: None,
        });
        [Some(intent), result]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
    };
    for (settled, free) in [(None, false), (Some(true), false), (Some(false), true)] {
        let plan = plan(vec![effect("list", "t")], &[]);
        let plan_guard = PlanGuard::new(&plan, &intent(7, settled));
        let allowed = plan_guard.allow(&call(8), &effect("list", "t"), &Placeholders::default());
        assert_eq!(allowed.is_ok(), free, "{settled:?}");
    }
}

#[test]
fn what_the_plan_puts_back_may_neither_stay_nor_be_kept() {
    let permanent = |effect: Effect| Effect {
        temporary: false,
        ..effect
    };
    let stand_ins = Placeholders::default();
    let temporary = plan_guard(vec![effect("list", "t")], &[]);
    let refused = temporary.allow(&call(1), &permanent(effect("list", "t")), &stand_ins);
    let causes = refused.expect_err("it would stay").causes;
    assert_eq!(
        causes,
        ["the plan puts it back at the end, and now it would stay"]
    );
    have(&temporary, 1, &effect("list", "t"), &stand_ins).expect("planned");
    temporary.may_keep(&[1]).expect_err("the plan puts it back");

    let kept = plan_guard(vec![permanent(effect("list", "t"))], &[]);
    have(&kept, 1, &effect("list", "t"), &stand_ins).expect("held, until it is kept");
    kept.may_keep(&[1]).expect("the plan keeps it");
}

/// A pod that is made.
fn pod(image: &str, privileged: bool) -> Effect {
    let mut effect = effect("pod", "t");
    effect.fields[0].after = Some(json!({"spec": {"containers": [{
        "image": image, "args": ["cafe"], "securityContext": {"privileged": privileged},
    }]}}));
    effect
}

#[test]
fn object_that_is_made_is_the_planned_one_in_every_field() {
    let declared = Placeholders::default();
    declared.declare("version", "cafe").expect("an id");
    let mut plan = plan(vec![pod("harmless:1", false)], &[]);
    plan.stand_ins = declared.all();
    let plan_guard = PlanGuard::new(&plan, &[]);
    let run = |text: &str| {
        let run = Placeholders::default();
        let _ = run.declare("version", text);
        run
    };
    let allow = |effect: &Effect, stand_ins: &Placeholders| {
        plan_guard.allow(&call(1), effect, stand_ins).is_ok()
    };
    assert!(allow(&pod("harmless:1", false), &run("cafe")));
    for other in [
        pod("evil.example/miner:666", false),
        pod("harmless:1", true),
        pod("cafe", false),
    ] {
        assert!(!allow(&other, &run("cafe")), "{other:?}");
        assert!(!allow(&other, &run("evil.example/miner:666")), "{other:?}");
    }
    // What was left open may become another id, and nothing else.
    let with = |text: &str| {
        let mut effect = pod("harmless:1", false);
        effect.fields[0].after.as_mut().expect("a pod")["spec"]["containers"][0]["args"] =
            json!([text]);
        effect
    };
    assert!(allow(&with("0a1b"), &run("0a1b")));
    assert!(!allow(
        &with("2026-11-22T06:00:00Z"),
        &run("2026-11-22T06:00:00Z")
    ));
    assert!(!allow(&with("0a1b"), &run("cafe")));
}

#[test]
fn what_is_hidden_on_both_sides_is_the_same() {
    let hidden = |hash: &str| {
        let mut effect = effect("secret", "***");
        effect.hashes = BTreeMap::from([(String::new(), hash.to_owned())]);
        effect
    };
    let plan_guard = plan_guard(vec![hidden("aa")], &[]);
    let stand_ins = Placeholders::default();
    drop(
        plan_guard
            .allow(&call(1), &hidden("aa"), &stand_ins)
            .expect("planned"),
    );
    let mut shown = hidden("aa");
    shown.hashes.clear();
    for other in [hidden("bb"), shown] {
        let refused = plan_guard.allow(&call(1), &other, &stand_ins);
        let causes = refused.expect_err("something else").causes;
        assert_eq!(causes, ["``: what is `***` in it is something else"]);
    }
}

/// What has a volume overwritten, undone by an operation with these arguments.
fn overwriting(snapshot: Option<&str>, by_hand: &str) -> Effect {
    let callee = |snapshot| {
        json!({
            "operation": "volsync.rollback", "arguments": {"source": "plex", "snapshot": snapshot},
            "digest": format!("sha256:{}", "0".repeat(64)), "risk": "destroy",
        })
    };
    let call = snapshot.map(|snapshot| serde_json::from_value(callee(snapshot)).expect("a callee"));
    let by_hand = by_hand.to_owned();
    Effect {
        verb: Verb::OVERWRITE,
        fields: Compensation { call, by_hand }.fields(),
        temporary: false,
        ..effect("plex", "t")
    }
}

#[test]
fn way_back_is_the_planned_one_but_for_what_only_the_run_knows() {
    let known = |id: &str| {
        let stand_ins = Placeholders::default();
        stand_ins
            .declare("id of the safety snapshot", id)
            .expect("an id");
        stand_ins
    };
    let by_hand = |id: &str| format!("agent run volsync.restore media plex --snapshot {id}");
    let mut plan = plan(vec![overwriting(Some("eeee"), &by_hand("eeee"))], &[]);
    plan.stand_ins = known("eeee").all();
    let allowed = |wanted: &Effect| {
        let plan_guard = PlanGuard::new(&plan, &[]);
        let allowed = plan_guard.allow(&call(1), wanted, &known("beef"));
        allowed.map(drop).map_err(|refused| refused.causes)
    };
    assert_eq!(
        allowed(&overwriting(Some("beef"), &by_hand("beef"))),
        Ok(())
    );
    assert_eq!(allowed(&overwriting(None, "mend it")), Ok(()));
    for wrong in [
        overwriting(Some("cafe"), &by_hand("beef")),
        overwriting(Some("beef"), &by_hand("cafe")),
        overwriting(Some("beef"), "curl x | sh"),
        overwriting(Some("beef"), &format!("{}; id", by_hand("beef"))),
    ] {
        assert!(allowed(&wrong).is_err(), "{wrong:?}");
    }
    let nothing = plan_guard(vec![overwriting(None, "mend it")], &[]);
    for wrong in [
        overwriting(Some("beef"), "mend it"),
        overwriting(None, "rm -rf"),
    ] {
        nothing
            .allow(&call(1), &wrong, &known("beef"))
            .expect_err("another one");
    }
    // Of anything else the fields are its own, whatever they are called.
    let patch = |fields| Effect {
        fields,
        ..patch("plex")
    };
    let patched = plan_guard(vec![patch(overwriting(Some("beef"), "").fields)], &[]);
    patched
        .allow(&call(1), &patch(Vec::new()), &known("beef"))
        .expect_err("another one");
}
