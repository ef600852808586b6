//! What was overwritten at a guest's wish is brought back before anything older is put back, whatever way the run ends.

use agent_core::agent::{Agent as _, Run};
use agent_core::call::{Consent, Goal, Resumption};
use agent_core::event::UndoReport;
use agent_core::journal::Entry;
use agent_core::limits::Limits;
use agent_core::record::RecordedEffect;
use agent_core::secret::Secrets;
use serde_json::{Value, json};

use crate::guests;
use crate::stop::until_line;
use crate::world::{Ended, LIMITS, World, finish};

async fn world() -> World {
    limited(LIMITS).await
}

async fn limited(limits: Limits) -> World {
    let world = World::with_cluster(limits).await;
    let map = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "default" },
            "data": { "mode": "before" },
        })
    };
    world.load(vec![map("volume"), map("large")]);
    world
}

/// The modes of the volume and of the settings, which were held before it was overwritten.
fn modes(world: &World) -> (String, String) {
    let volume = world
        .cluster()
        .object("", "configmaps", "default", "volume");
    let volume = volume.expect("there")["data"]["mode"]
        .as_str()
        .expect("text")
        .to_owned();
    (volume, world.mode())
}

fn are(volume: &str, settings: &str) -> (String, String) {
    (volume.to_owned(), settings.to_owned())
}

fn arguments(compensation: Option<&str>, end: &str) -> Value {
    match compensation {
        Some(name) => json!({ "compensation": format!("guests.{name}"), "end": end }),
        None => json!({ "end": end }),
    }
}

async fn overwrite(world: &World, compensation: Option<&str>, end: &str) -> Ended {
    world
        .run_with("guests.overwrite", arguments(compensation, end))
        .await
}

async fn undo(world: &World, leave_data: bool) -> Ended {
    let how = Resumption {
        to: Goal::Undo,
        consent: Consent::Given,
        give_up: false,
        leave_data,
        secrets: Secrets::default(),
    };
    let run = world.last_record().summary.run;
    let taken_up = world.agent.resume(run.as_str(), how).await;
    finish(taken_up.expect("is taken up")).await
}

fn codes(put_back: &[UndoReport]) -> Vec<Option<&str>> {
    let failures = put_back.iter().map(|one| one.failure.as_ref());
    failures.map(|one| Some(one?.code.as_str())).collect()
}

/// The record of a run up to the entry before the first one that `is_last` names.
fn until(world: &World, mut is_last: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
    let entries = world
        .last_record()
        .entries
        .into_iter()
        .map(|noted| noted.entry);
    entries.take_while(|entry| !is_last(entry)).collect()
}

async fn sleeping(world: &World) -> Run {
    let arguments = arguments(Some("bring-back"), "sleep");
    let mut run = world
        .start_with("guests.overwrite", arguments, Consent::Given)
        .await;
    until_line(&mut run, "half").await;
    run
}

/// Nothing older is put back while what was overwritten is not whole, and there are two ways on.
async fn stays_down(compensation: Option<&str>, code: &str) {
    let world = world().await;
    let ended = overwrite(&world, compensation, "fail").await;
    assert_eq!(codes(ended.put_back()), [Some(code), Some("run.not-yet")]);
    assert_eq!(ended.outcome.exit_code(), 1);
    let again = undo(&world, false).await;
    assert_eq!(again.outcome.exit_code(), 1, "{:?}", again.outcome);
    let failed = again.put_back().iter().find_map(|one| one.failure.as_ref());
    let failed = failed.expect("not brought back");
    let remedies = format!("{:?} {:?}", failed.causes, failed.hint);
    assert!(remedies.contains("mend it by hand"), "{remedies}");
    assert_eq!(world.mode(), "held");
    assert!(world.last_record().summary.is_open());
    let left = undo(&world, true).await;
    assert_eq!(left.outcome.exit_code(), 0, "{:?}", left.outcome);
    assert_eq!(world.mode(), "before");
    assert!(!world.last_record().summary.is_open());
}

guests! {
    "overwrite": async fn what_was_overwritten_is_brought_back_by_every_end_but_a_settled_one() {
        let table = [("fail", 6, "whole"), ("settle", 0, "half"), ("withdraw", 6, "half"), ("forget", 0, "whole"), ("let-go", 0, "whole"),
            ("release", 6, "whole"),];
        for (end, code, volume) in table {
            let world = world().await;
            let ended = overwrite(&world, Some("bring-back"), end).await;
            assert_eq!(ended.outcome.exit_code(), code, "{end}: {:?}", ended.outcome);
            assert_eq!(modes(&world), are(volume, "before"), "{end}");
            assert!(!world.last_record().summary.is_open(), "{end}");
        }
    }

    "bring-back": async fn run_that_is_stopped_or_killed_brings_back_what_was_overwritten() {
        let stopped = world().await;
        let run = sleeping(&stopped).await;
        run.cancel();
        let ended = finish(run).await;
        assert_eq!(ended.outcome.exit_code(), 6, "{:?}", ended.outcome);
        assert_eq!(modes(&stopped), are("whole", "before"));

        let killed = world().await;
        let run = sleeping(&killed).await;
        let cut = until(&killed, |_| false);
        let begun = killed.last_record().begun;
        let undone = finish(killed.resume(&begun, cut, Goal::Undo).await).await;
        assert_eq!(undone.outcome.exit_code(), 0, "{:?}", undone.outcome);
        assert_eq!(modes(&killed), are("whole", "before"));
        drop(run);
    }

    "bring-back-badly": async fn nothing_starts_on_what_is_half_overwritten() {
        stays_down(Some("bring-back-badly"), "guests.failed").await;
        stays_down(None, "run.not-compensated").await;
    }

    "overwrite-while-reading": async fn operation_that_only_reads_has_nothing_overwritten() {
        let ended = world().await.run("guests.overwrite-while-reading").await;
        assert_eq!(ended.failure().code, "cluster.read-only");
    }
}

#[tokio::test]
async fn what_brings_back_has_room_when_the_run_has_used_up_all_of_it() {
    let patient = Limits {
        cpu_ms: 60_000,
        record_bytes: 1 << 30,
        ..LIMITS
    };
    let record = Limits {
        record_bytes: 50_000,
        ..patient
    };
    let memory = Limits {
        run_memory_bytes: 16 << 20,
        ..patient
    };
    for (limits, end, code) in [
        (record, "fill-record", "plugin.record-too-large"),
        (memory, "fill-memory", "plugin.out-of-memory"),
    ] {
        let world = limited(limits).await;
        let ended = overwrite(&world, Some("bring-back"), end).await;
        let why = ended.failure();
        assert_eq!(why.code, code, "{why:?}");
        assert_eq!(modes(&world), are("whole", "before"), "{end}");
        assert!(!world.last_record().summary.is_open(), "{end}");
    }
}

#[tokio::test]
async fn compensation_that_was_cut_off_begins_anew() {
    let world = world().await;
    overwrite(&world, Some("bring-back"), "fail").await;
    world.set_map("settings", "held").await;
    world.set_map("volume", "half").await;
    // It had asked for what there was, and changed nothing yet.
    let mut compensating = false;
    let cut = until(&world, |entry| {
        compensating |= matches!(entry, Entry::Called { .. });
        compensating && matches!(entry, Entry::Intent(_))
    });
    let begun = world.last_record().begun;
    let undone = finish(world.resume(&begun, cut, Goal::Undo).await).await;
    assert_eq!(undone.outcome.exit_code(), 0, "{:?}", undone.outcome);
    assert_eq!(modes(&world).0, "whole");
    let called = world
        .last_record()
        .entries
        .into_iter()
        .filter_map(|noted| match noted.entry {
            Entry::Called { call, .. } => Some(call.to_string()),
            _ => None,
        });
    let called: Vec<String> = called.collect();
    assert_eq!(called.len(), 2, "{called:?}");
    assert!(called[1].ends_with(".2"), "{called:?}");
}

#[tokio::test]
async fn undo_of_a_finished_run_says_that_what_was_overwritten_stays() {
    let world = world().await;
    overwrite(&world, Some("bring-back"), "settle").await;
    let undone = undo(&world, false).await;
    assert_eq!(
        codes(undone.put_back()).last(),
        Some(&Some("run.overwritten"))
    );
    let failure = undone.put_back().last().and_then(|one| one.failure.clone());
    assert_eq!(
        failure.and_then(|one| one.hint).as_deref(),
        Some("mend it by hand")
    );
    assert_eq!(undone.outcome.exit_code(), 1);
}

#[tokio::test]
async fn what_undid_something_is_not_undone() {
    let world = world().await;
    overwrite(&world, Some("bring-back"), "fail").await;
    assert_eq!(modes(&world), are("whole", "before"));
    let run = world.last_record();
    let compensating = |recorded: &RecordedEffect| recorded.intent.call.is_compensating();
    let made = run
        .recorded_effects()
        .into_iter()
        .filter(compensating)
        .count();
    assert!(made > 0, "nothing was brought back");
    assert!(
        run.recorded_effects()
            .iter()
            .filter(|recorded| compensating(recorded))
            .all(|recorded| !recorded.is_revertible())
    );
}
