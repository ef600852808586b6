//! What a guest has the host do is charged to its run, and what it has others do as well: each trick ends at a limit, and costs no more than that.

use std::time::Duration;

use agent_core::event::Event;
use agent_core::failure::Kind;
use agent_core::journal::Entry;
use agent_core::limits::Limits;
use agent_core::record::Record;
use serde_json::json;

use crate::guests;
use crate::world::{LIMITS, World, finish};

/// For what only one limit is to end.
const PATIENT: Limits = Limits {
    cpu_ms: 30_000,
    ..LIMITS
};

/// How many bytes are on record.
fn recorded(record: &Record) -> usize {
    let entries = record.entries.iter().map(|noted| &noted.entry);
    let length = |entry: &Entry| serde_json::to_string(entry).expect("JSON").len();
    entries.map(length).sum()
}

guests! {
    "have-others-compute": async fn what_others_compute_is_charged_to_whoever_calls_them() {
        let world = World::new();
        world.run("guests.greet").await;
        let ended = world.beside("guests.have-others-compute").await;
        assert_eq!(ended.failure().code, "plugin.out-of-cpu", "{:?}", ended.failure());
    }

    "compute-a-while": async fn guest_may_compute_for_less_than_its_limit() {
        let world = World::limited(PATIENT);
        assert_eq!(*world.run("guests.compute-a-while").await.value(), json!(50_000_000));
    }

    "print-without-end": async fn what_the_host_does_with_output_is_charged_to_the_guest() {
        let ended = World::new().beside("guests.print-without-end").await;
        assert_eq!(ended.failure().code, "plugin.out-of-cpu", "{:?}", ended.failure());
    }

    "look-at-the-clock": async fn calls_of_the_system_have_a_number() {
        let world = World::limited(Limits { calls: 500, ..PATIENT });
        let ended = world.beside("guests.look-at-the-clock").await;
        assert_eq!(ended.failure().code, "plugin.too-many-calls", "{:?}", ended.failure());
        assert!(ended.failure().message.contains("50000 times"), "{}", ended.failure());
    }

    "have-others-talk": async fn all_operations_of_a_run_have_one_log() {
        let world = World::limited(PATIENT);
        let ended = world.beside("guests.have-others-talk").await;
        assert_eq!(*ended.value(), json!(16));
        let bytes: usize = ended.lines().iter().map(|(_, line)| line.len()).sum();
        assert!(bytes > 0 && bytes <= LIMITS.log_bytes, "{bytes} bytes");
        assert_eq!(ended.lines().len() as u64 + ended.dropped(), 16 * 200);
    }

    "talk-a-while": async fn guest_that_says_less_than_it_may_is_heard() {
        let world = World::limited(Limits { log_bytes: 1 << 20, ..PATIENT });
        let ended = world.run("guests.talk-a-while").await;
        assert_eq!((ended.lines().len(), ended.dropped()), (200, 0));
    }

    "have-others-read": async fn all_operations_of_a_run_have_one_record() {
        let limits = Limits { record_bytes: 50_000, ..PATIENT };
        let world = World::with_cluster(limits).await;
        world.beside("guests.have-others-read").await;
        let runs = world.journal.runs(agent_core::record::Filter::All).expect("reads");
        let run = runs.iter().find(|run| run.operation.as_str() == "guests.have-others-read");
        let record = world.journal.record(&run.expect("it is there").run).expect("reads");
        // The last words of each, and of the run, are written whatever was before.
        let bytes = recorded(&record);
        assert!((25_000..60_000).contains(&bytes), "{bytes} bytes");
    }

    "select-at-length": async fn what_is_asked_for_has_a_length() {
        let world = World::with_cluster(PATIENT).await;
        let ended = world.run("guests.select-at-length").await;
        assert_eq!(*ended.value(), json!(["cluster.invalid"; 5].to_vec()));
        let bytes = recorded(&world.last_record());
        assert!(bytes < 5_000, "{bytes} bytes");
    }

    "fail-at-length": async fn what_a_guest_fails_with_has_a_length() {
        let world = World::limited(PATIENT);
        let ended = world.run("guests.fail-at-length").await;
        assert_eq!((ended.failure().kind, ended.failure().causes.len()), (Kind::Conflict, 5));
        let bytes = serde_json::to_string(ended.failure()).expect("JSON").len();
        assert!(bytes < 32_000, "{bytes} bytes");
    }

    "be-told-at-length": async fn what_a_guest_is_told_of_others_has_a_length() {
        let world = World::with_cluster(PATIENT).await;
        let ended = world.run("guests.be-told-at-length").await;
        assert!(ended.value().as_u64() <= Some(20 * 4096), "{}", ended.value());
        let bytes = recorded(&world.last_record());
        assert!(bytes < 20 * 64_000, "{bytes} bytes");
    }

    "return-at-length": async fn result_has_a_length() {
        let ended = World::limited(PATIENT).beside("guests.return-at-length").await;
        assert_eq!(ended.failure().code, "plugin.result-too-large", "{:?}", ended.failure());
    }

    "ask-in-many-words": async fn question_that_nobody_would_read_to_its_end_is_not_asked() {
        let ended = World::new().run("guests.ask-in-many-words").await;
        assert_eq!(*ended.value(), json!(["run.question-too-long"; 3].to_vec()));
        let asked = |event: &Event| matches!(event, Event::Asked { .. });
        assert!(!ended.events.iter().any(asked), "{:?}", ended.events);
    }

    "name-steps-at-length": async fn steps_and_lines_have_a_length() {
        let world = World::limited(Limits { log_bytes: 1 << 20, ..PATIENT });
        let ended = world.run("guests.name-steps-at-length").await;
        let bytes = serde_json::to_string(&ended.events).expect("JSON").len();
        assert!((20_000..50_000).contains(&bytes), "{bytes} bytes");
    }

    "watch-nothing": async fn watcher_without_queries_is_refused() {
        let world = World::with_cluster(LIMITS).await;
        assert_eq!(world.run("guests.watch-nothing").await.value(), "cluster.invalid");
    }

    "write-at-length": async fn document_that_is_worked_on_is_charged_to_the_run() {
        let limits = Limits { run_memory_bytes: 150 << 20, ..PATIENT };
        let world = World::with_cluster(limits).await;
        let ended = world.run("guests.write-at-length").await;
        // Longer than any API server takes; short as text, and large in memory.
        assert_eq!(*ended.value(), json!(["cluster.invalid", "plugin.out-of-memory"]));
    }

    "hold-at-length": async fn what_is_held_is_charged_to_the_run_and_put_back() {
        let limits = Limits { run_memory_bytes: 16 << 20, record_bytes: 1 << 30, ..PATIENT };
        let world = World::with_cluster(limits).await;
        let ended = world.beside("guests.hold-at-length").await;
        assert_eq!(ended.failure().code, "plugin.out-of-memory", "{:?}", ended.failure());
        assert_eq!(world.mode(), "before");
    }

    "talk-without-end": async fn guest_waits_for_whoever_does_not_listen_until_the_run_is_stopped() {
        let world = World::limited(Limits { log_bytes: 1 << 30, ..PATIENT });
        world.run("guests.greet").await;
        let said = async |stopped_after: Duration| {
            let run = world.start("guests.talk-without-end").await;
            tokio::time::sleep(stopped_after).await;
            run.cancel();
            let ended = finish(run).await;
            assert_eq!(ended.failure().code, "run.cancelled");
            ended.lines().iter().map(|(_, line)| line.len()).sum::<usize>()
        };
        // What may wait, and what it says once it is stopped and before it is ended. How much that is depends on the machine, but not on when it is
        // stopped.
        let soon = said(Duration::from_millis(500)).await;
        let late = said(Duration::from_secs(8)).await;
        assert!(soon > 1 << 20, "{soon} bytes");
        assert!(late < 2 * soon, "{soon} bytes, and {late} bytes later");
    }

    "change-and-talk-to-nobody": async fn run_that_nobody_listens_to_is_stopped_and_put_back() {
        let limits = Limits { record_bytes: 1 << 30, ..PATIENT };
        let world = World::with_cluster(limits).await;
        world.run("guests.greet").await;
        let run = world.start("guests.change-and-talk-to-nobody").await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        run.cancel();
        let ended = finish(run).await;
        assert_eq!(ended.failure().code, "run.cancelled");
        let changed = |event: &&Event| matches!(event, Event::Changed { .. });
        let changes = ended.events.iter().filter(changed).count();
        assert!((10..80).contains(&changes), "{changes} changes");
    }

    "let-go-of-steps": async fn steps_that_a_guest_has_let_go_of_are_kept_by_a_bounded_number() {
        let world = World::limited(Limits { log_bytes: 1 << 30, table_entries: 5_000, ..PATIENT });
        let ended = world.run("guests.let-go-of-steps").await;
        let failed = |events: &[Event]| {
            let failed = events.iter().filter(|event| matches!(event, Event::StepFailed { .. }));
            failed.count()
        };
        assert_eq!(ended.value(), "let go");
        let let_go = ended.events.iter().position(|event| matches!(event, Event::Logged { .. }));
        assert_eq!(failed(&ended.events[..let_go.expect("a line")]), 500);
        assert_eq!(failed(&ended.events), 5_500);
    }

    "talk-to-nobody": async fn whoever_listens_late_hears_all_of_it() {
        let world = World::limited(Limits { log_bytes: 1 << 30, ..PATIENT });
        let run = world.start("guests.talk-to-nobody").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let ended = finish(run).await;
        assert_eq!(ended.value(), "talked");
        assert_eq!((ended.lines().len(), ended.dropped()), (60_000, 0));
    }
}
