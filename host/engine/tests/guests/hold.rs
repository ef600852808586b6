//! What a run holds is put back however it ends, and the record says so.

use agent_core::event::{Event, Outcome};
use agent_core::limits::Limits;
use agent_core::record::{Filter, Settled};
use serde_json::{Value, json};

use crate::guests;
use crate::world::{Ended, LIMITS, World};

/// Asserts that the change was made, and that it was put back once.
fn assert_put_back(world: &World, ended: &Ended) {
    assert_eq!(world.mode(), "before");
    let changed = ended
        .events
        .iter()
        .filter(|event| matches!(event, Event::Changed { .. }))
        .count();
    let put_back = ended
        .events
        .iter()
        .filter(|event| matches!(event, Event::PutBack(_)))
        .count();
    assert_eq!((changed, put_back), (1, 1), "{:#?}", ended.events);
    let runs = world.journal.runs(Filter::All).expect("reads");
    let records = runs
        .iter()
        .map(|run| world.journal.record(&run.run).expect("reads"));
    let mut changing = records.filter(|record| !record.recorded_effects().is_empty());
    let record = changing.next().expect("a record");
    let recorded_effects = record.recorded_effects();
    assert!(
        recorded_effects
            .iter()
            .all(|recorded| recorded.put_back && recorded.settled == Settled::Applied),
        "{recorded_effects:?}"
    );
    assert_eq!(record.outcome(), Some(&ended.outcome));
    assert!(!record.summary.is_open());
}

/// Pods that the object `mover` runs, which do not go, and of which not even the metadata fits into one answer.
fn movers() -> Vec<Value> {
    let pod = |number: u8| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("mover-{number}"), "namespace": "default", "finalizers": ["example.org/stay"],
                "annotations": { "example.org/long": "x".repeat(200 << 10) },
                "ownerReferences": [{ "apiVersion": "v1", "kind": "ConfigMap", "name": "mover" }],
            },
            "spec": { "containers": [{ "name": "mover", "image": "mover" }] },
        })
    };
    (0..6).map(pod).collect()
}

guests! {
    "hold-and-return": async fn forgotten_hold_is_put_back_when_the_run_ends_well() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.beside("guests.hold-and-return").await;
        assert_eq!(ended.value(), "held");
        assert_put_back(&world, &ended);
        assert_eq!(ended.outcome.exit_code(), 0);
    }

    "hold-and-fail": async fn hold_is_put_back_when_the_operation_fails() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.beside("guests.hold-and-fail").await;
        assert_eq!(ended.failure().code, "guests.failed");
        assert_put_back(&world, &ended);
    }

    "hold-and-trap": async fn hold_is_put_back_after_a_trap() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.beside("guests.hold-and-trap").await;
        assert_eq!(ended.failure().code, "plugin.trapped");
        assert_eq!(ended.put_back().len(), 1);
        assert_eq!(ended.outcome.exit_code(), 6);
        assert_put_back(&world, &ended);
        let taking = ended.events.iter().any(|event| matches!(event, Event::TakingBack { held: 1, .. }));
        assert!(taking, "{:#?}", ended.events);
    }

    "hold-and-spin": async fn hold_is_put_back_after_a_limit() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.beside("guests.hold-and-spin").await;
        assert_eq!(ended.failure().code, "plugin.out-of-cpu");
        assert_put_back(&world, &ended);
    }

    "hold-and-sleep": async fn hold_is_put_back_after_the_deadline_although_the_guest_hears_nothing() {
        let world = World::with_cluster(Limits { wall_ms: 1_500, ..LIMITS }).await;
        let ended = world.beside("guests.hold-and-sleep").await;
        assert_eq!(ended.failure().code, "plugin.out-of-time");
        assert_put_back(&world, &ended);
    }

    "hold-and-keep": async fn what_is_kept_stands_for_as_long_as_a_caller_holds_it() {
        crate::nested::stands_while_held("guests.hold-and-keep", "held").await;
    }

    "hold-made-and-sleep": async fn nothing_older_is_put_back_while_nobody_can_say_whether_a_mover_still_runs() {
        let world = World::with_cluster(LIMITS).await;
        let mut run = world.start("guests.hold-made-and-sleep").await;
        crate::stop::until_line(&mut run, "holding").await;
        world.load(movers());
        run.cancel();
        let ended = crate::world::finish(run).await;
        let codes = ended.put_back().iter().map(|one| one.failure.as_ref().map(|failure| failure.code.as_str()));
        let codes: Vec<Option<&str>> = codes.collect();
        assert_eq!(codes, [Some("cluster.still-there"), Some("run.not-yet")]);
        assert_eq!(world.mode(), "held");
    }

    "hold-and-keep-anyway": async fn nothing_is_kept_once_the_run_is_stopped_and_a_good_end_is_none_then() {
        let world = World::with_cluster(LIMITS).await;
        let mut run = world.start("guests.hold-and-keep-anyway").await;
        crate::stop::until_line(&mut run, "holding").await;
        run.cancel();
        let ended = crate::world::finish(run).await;
        assert_eq!(ended.failure().code, "run.cancelled");
        assert_eq!(world.mode(), "before");
        assert!(!world.last_record().summary.is_open());
    }

    "hold-and-end-late": async fn run_that_was_refused_nothing_has_come_to_its_end_and_its_record_says_so() {
        let world = World::with_cluster(LIMITS).await;
        let mut run = world.start("guests.hold-and-end-late").await;
        crate::stop::until_line(&mut run, "holding").await;
        run.cancel();
        let ended = crate::world::finish(run).await;
        assert_eq!(ended.value(), "held");
        assert_eq!(world.mode(), "before");
        let record = world.last_record();
        assert!(matches!(record.end(), Some(Ok(_))), "{:?}", record.end());
    }

    "change": async fn change_that_is_not_held_stays() {
        let world = World::with_cluster(LIMITS).await;
        assert_eq!(world.run("guests.change").await.value(), "changed");
        assert_eq!(world.mode(), "changed");
    }
}

#[tokio::test]
async fn what_cannot_be_put_back_is_told_although_the_operation_did_well() {
    let world = World::with_cluster(LIMITS).await;
    let run = world.start("guests.hold-and-sleep").await;
    let mut run = run;
    crate::stop::until_line(&mut run, "holding").await;
    // Somebody removes the object meanwhile.
    let client = world.client().await;
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(client, "default");
    maps.delete("settings", &kube::api::DeleteParams::default())
        .await
        .expect("deletes");
    run.cancel();
    let ended = crate::world::finish(run).await;
    let Outcome::Failed { put_back, .. } = &ended.outcome else {
        panic!("{:?}", ended.outcome);
    };
    assert_eq!(put_back.len(), 1, "{put_back:?}");
    assert!(
        put_back[0].failure.is_some() || !put_back[0].left.is_empty(),
        "{put_back:?}"
    );
}
