use crate::effect::{Recovery, Target, Verb};
use crate::event::UndoReport;
use crate::failure::{Failure, Kind};
use crate::id::CallId;
use crate::journal::Intent;
use crate::undo::Holder;

use super::*;

fn intent(number: u64, held: bool) -> Entry {
    let holder = Holder {
        actor: CallId::root(),
        own: true,
        scope: None,
    };
    Entry::Intent(Intent {
        effect: Effect {
            number,
            by: "flux.suspend".parse().expect("a name"),
            verb: Verb::PATCH,
            target: Target {
                capability: "cluster".to_owned(),
                of: "deployments.v1.apps".to_owned(),
                namespace: Some("media".to_owned()),
                name: "plex".to_owned(),
            },
            fields: Vec::new(),
            hashes: Default::default(),
            temporary: held,
            recovery: Recovery::Retry,
        },
        call: CallId::root().nested(number),
        holder: held.then_some(holder),
        undo: None,
        planned: None,
        uid: None,
    })
}

fn result(number: u64, failure: Option<Failure>, uncertain: bool) -> Entry {
    Entry::Result {
        number,
        failure,
        uncertain,
        undo: None,
    }
}

fn put_back(number: u64, failure: Option<Failure>) -> Entry {
    let take_back = UndoReport {
        number: None,
        target: "deployments media/plex".to_owned(),
        summary: "`spec.replicas` is 1 again".to_owned(),
        left: Vec::new(),
        failure,
    };
    Entry::PutBack { number, take_back }
}

fn no() -> Option<Failure> {
    Some(Failure::new(Kind::Denied, "cluster.forbidden", "no"))
}

#[test]
fn held_is_what_may_have_happened_and_was_neither_put_back_nor_kept() {
    let mut entries: Vec<Entry> = (1..=7).map(|number| intent(number, number != 7)).collect();
    entries.extend([
        result(1, None, false),
        result(2, no(), false),
        result(3, no(), true),
        result(4, None, false),
        result(5, None, false),
        put_back(4, None),
        put_back(5, no()),
        Entry::Kept { number: 6 },
        result(7, None, false),
    ]);
    let recorded_effects = recorded_effects(entries.iter());
    let held: Vec<u64> = recorded_effects
        .iter()
        .filter(|recorded| recorded.is_held())
        .map(|recorded| recorded.effect().number)
        .collect();
    assert_eq!(held, [1, 3, 5]);
    let stands: Vec<u64> = recorded_effects
        .iter()
        .filter(|recorded| recorded.stands())
        .map(|recorded| recorded.effect().number)
        .collect();
    assert_eq!(stands, [1, 3, 5, 6, 7]);
}

#[test]
fn intent_without_a_result_is_not_known_to_have_happened() {
    let recorded_effects = recorded_effects([intent(1, true)].iter());
    assert_eq!(recorded_effects[0].settled, Settled::InDoubt);
}

#[test]
fn creation_that_is_announced_again_counts_once() {
    let entries = [intent(1, true), intent(1, true), result(1, None, false)];
    let recorded_effects = recorded_effects(entries.iter());
    assert_eq!(recorded_effects.len(), 1);
    assert_eq!(recorded_effects[0].settled, Settled::Applied);
}

fn midway_of(entries: Vec<Entry>) -> Vec<(&'static str, u64)> {
    let at = Timestamp::UNIX_EPOCH;
    let noted = (1..).zip(entries);
    let noted: Vec<Noted> = noted
        .map(|(number, entry)| Noted { number, at, entry })
        .collect();
    let told = in_doubt::in_doubt(&noted).into_iter().map(|one| match one {
        InDoubt::Change(effect) => ("change", effect.number),
        InDoubt::PutBack(effect) => ("put back", effect.number),
    });
    told.collect()
}

#[test]
fn record_ends_in_the_middle_of_what_was_announced_and_not_settled() {
    let done = |number| vec![intent(number, true), result(number, None, false)];
    assert_eq!(midway_of(done(1)), []);
    let begun = [done(1), vec![intent(2, true)]].concat();
    assert_eq!(midway_of(begun), [("change", 2)]);
    let lost = [done(1), vec![intent(2, true), result(2, no(), true)]].concat();
    assert_eq!(
        midway_of(lost),
        [],
        "an answer that was lost is on record as lost"
    );
    let releasing = Entry::Releasing {
        numbers: vec![2, 1],
    };
    let ends = [done(1), done(2), vec![releasing, put_back(2, None)]].concat();
    assert_eq!(midway_of(ends), [("put back", 1)]);
}

#[test]
fn change_that_is_announced_again_by_the_same_call_is_told_once() {
    let Entry::Intent(mut again) = intent(2, true) else {
        panic!("an intent");
    };
    again.call = CallId::root().nested(1);
    let entries = vec![intent(1, true), Entry::Intent(again.clone())];
    assert_eq!(midway_of(entries), [("change", 2)]);
    let entries = vec![
        intent(1, true),
        Entry::Intent(again),
        result(2, None, false),
    ];
    assert_eq!(midway_of(entries), []);
}

/// An intent that changed these fields of an object.
fn changed(number: u64, name: &str, paths: &[&str]) -> Entry {
    let Entry::Intent(mut intent) = intent(number, true) else {
        panic!("it is one");
    };
    intent.effect.target.name = name.to_owned();
    let field = |path: &&str| crate::effect::FieldChange {
        path: (*path).to_owned(),
        before: Some(1.into()),
        after: Some(0.into()),
    };
    intent.undo = Some(crate::undo::Undo::Fields {
        uid: None,
        fields: paths.iter().map(field).collect(),
        grown: Vec::new(),
    });
    Entry::Intent(intent)
}

#[test]
fn objects_that_taking_back_writes_to_are_named_once_with_their_fields() {
    let entries = [
        changed(1, "plex", &["/spec/replicas"]),
        changed(
            2,
            "sonarr",
            &["/data/a~1b", "/x1", "/x2", "/x3", "/x4", "/x5"],
        ),
        changed(3, "plex", &["/metadata/annotations/a~1b", "/spec/replicas"]),
        changed(4, "gone", &["/spec/replicas"]),
        put_back(4, None),
    ];
    assert_eq!(
        taken_back::sentences(&recorded_effects(entries.iter())),
        [
            "deployments media/plex: metadata.annotations.a/b, spec.replicas",
            "deployments media/sonarr: data.a/b, x1, x2, x3 and 2 more fields",
        ]
    );
    let many: Vec<Entry> = (0..25)
        .map(|number| changed(number, &format!("app-{number}"), &["/spec/replicas"]))
        .collect();
    let named = taken_back::sentences(&recorded_effects(many.iter()));
    assert_eq!(named.len(), 21);
    assert_eq!(named[20], "5 more objects");
}
