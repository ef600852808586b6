//! A run that was cut off is told what it was told before.

use std::time::Duration;

use agent_core::call::Goal;
use agent_core::journal::Entry;
use agent_core::record::Record;
use serde_json::json;

use crate::guests;
use crate::world::{LIMITS, World, finish};

fn entries(record: &Record) -> impl Iterator<Item = Entry> {
    record.entries.iter().map(|noted| noted.entry.clone())
}

guests! {
    "sleep-by-itself": async fn clocks_show_the_time_that_a_guest_has_waited_for() {
        let world = World::new();
        let ended = world.run("guests.sleep-by-itself").await;
        assert_eq!(ended.value(), &json!([4, 50]), "of itself, whatever the machine took");
    }

    "tell-time": async fn clock_shows_when_the_caller_was_answered() {
        let world = World::new();
        assert!(world.run("guests.tell-time").await.value()["time"].as_u64() > Some(1_700_000_000_000_000));
    }

    "tell-times": async fn clocks_show_the_same_at_a_replay_however_the_answers_of_a_batch_came() {
        let world = World::new();
        let before = world.run("guests.tell-times").await;
        let record = world.last_record();
        let mut late = None;
        // The first call of the batch was answered long after the second one had begun, and that one was not answered at all.
        let cut = entries(&record).filter_map(|entry| match entry {
            Entry::Answered { call, ask, at, answer } if call.as_str() == "1" => {
                let at = at + Duration::from_secs(100);
                late = Some(at);
                Some(Entry::Answered { call, ask, at, answer })
            }
            Entry::Answered { .. } | Entry::Ended { .. } | Entry::Finished { .. } => None,
            entry => Some(entry),
        });
        let cut = cut.collect();
        let resumed = finish(world.resume(&record.begun, cut, Goal::Finish).await).await;
        assert_eq!(resumed.value()["callee"], before.value()["callee"], "it begins when it began before");
        let late = late.expect("it was answered").as_microsecond();
        assert_eq!(resumed.value()["own"].as_i64(), Some(late), "the clock does not go back");
    }

    "apply-more": async fn applied_manifest_is_there() {
        let world = World::with_cluster(LIMITS).await;
        assert_eq!(world.run("guests.apply-more").await.value()["extra"], "there");
    }

    "apply-less": async fn field_that_an_application_removed_is_back_after_a_crash_and_an_undo() {
        let world = World::with_cluster(LIMITS).await;
        world.set_map("applied", "theirs").await;
        world.run("guests.apply-more").await.value();
        let less = world.run("guests.apply-less").await;
        assert_eq!(less.value(), &serde_json::json!({ "mode": "theirs", "kind": "less" }));
        let record = world.last_record();
        // The process was gone before the answer came.
        let known = entries(&record).take_while(|entry| !matches!(entry, Entry::Result { .. }));
        let known: Vec<Entry> = known.collect();
        assert!(matches!(known.last(), Some(Entry::Intent(_))), "{known:?}");
        let undone = finish(world.resume(&record.begun, known, Goal::Undo).await).await;
        assert_eq!(undone.outcome.exit_code(), 0, "{:?}", undone.outcome);
        let applied = world.cluster().object("", "configmaps", "default", "applied");
        let data = applied.expect("there")["data"].clone();
        assert_eq!(data, serde_json::json!({ "mode": "theirs", "kind": "more", "extra": "there" }));
    }
}
