//! Every limit is tripped, by a guest that ends with a failure which names the limit, while another one goes on.

use agent_core::event::{Event, Level};
use agent_core::failure::Kind;
use agent_core::limits::Limits;
use serde_json::json;

use crate::artifact::raw;
use crate::guests;
use crate::world::{LIMITS, World};

guests! {
    "greet": async fn well_behaved_guest_comes_to_its_end() {
        let world = World::new();
        let ended = world.run("guests.greet").await;
        assert_eq!(ended.value()["greeting"], "hello, world");
        assert_eq!(ended.lines(), [(Level::Info, "hello, world")]);
        assert!(matches!(ended.events[0], Event::Started { .. }), "{:?}", ended.events);
    }

    "spin": async fn guest_that_computes_for_ever_is_ended_when_its_time_is_used_up() {
        let ended = World::new().beside("guests.spin").await;
        assert_eq!(
            (ended.failure().kind, ended.failure().code.as_str()),
            (Kind::Exhausted, "plugin.out-of-cpu")
        );
        assert_eq!(
            ended.failure().message,
            "plugin `guests 0.1.0` computed for more than its limit of 1000 ms"
        );
    }

    "patient": async fn waiting_costs_no_computing_time() {
        // It waits for 1.2 s in a hundred calls, and may compute for a quarter of that.
        let world = World::limited(Limits { cpu_ms: 300, ..LIMITS });
        assert_eq!(world.beside("guests.patient").await.value(), "waited");
    }

    "eat-memory": async fn guest_that_allocates_for_ever_is_ended_at_its_limit() {
        let world = World::limited(Limits { memory_bytes: 32 << 20, cpu_ms: 10_000, ..LIMITS });
        let ended = world.beside("guests.eat-memory").await;
        assert_eq!(ended.failure().code, "plugin.out-of-memory");
        assert!(ended.failure().message.contains("33554432 bytes"), "{}", ended.failure());
    }

    "crowd": async fn operations_of_one_run_have_a_limit_on_all_their_memory() {
        // Two fit, one below the other; what one had that is over, the next one can have.
        let world = World::limited(Limits { run_memory_bytes: 48 << 20, ..LIMITS });
        let ended = world.beside("guests.crowd").await;
        let one = json!({ "had": 16 << 20, "below": ["plugin.out-of-memory", "plugin.out-of-memory"] });
        assert_eq!(*ended.value(), json!({ "had": 16 << 20, "below": [one, one] }));
    }

    "recurse": async fn guest_that_recurses_for_ever_is_ended_at_its_stack() {
        let ended = World::new().beside("guests.recurse").await;
        assert_eq!(ended.failure().code, "plugin.out-of-stack");
        assert!(ended.failure().message.contains("524288 bytes"), "{}", ended.failure());
    }

    "trap": async fn trap_tells_the_guests_last_words_and_where_it_was() {
        let ended = World::new().beside("guests.trap").await;
        let failure = ended.failure();
        assert_eq!(failure.code, "plugin.trapped");
        assert_eq!(failure.message, "plugin `guests 0.1.0` crashed");
        let said = |text: &str| failure.causes.iter().any(|cause| cause.contains(text));
        assert!(said("the guest's own last words"), "{failure:#?}");
        assert!(said("at `") && said("guests"), "{failure:#?}");
        assert!(!said("RUST_BACKTRACE"), "{failure:#?}");
    }

    "exit": async fn exit_is_no_way_to_end_a_plugin() {
        let ended = World::new().beside("guests.exit").await;
        assert_eq!(ended.failure().code, "plugin.exited");
    }

    "flood-log": async fn lines_beyond_the_limit_are_counted_and_dropped() {
        let world = World::limited(Limits { cpu_ms: 10_000, ..LIMITS });
        let ended = world.beside("guests.flood-log").await;
        assert_eq!(ended.value(), "flooded");
        let kept = ended.lines().len() as u64;
        assert_eq!(kept + ended.dropped(), 20_000);
        let bytes: usize = ended.lines().iter().map(|(_, line)| line.len()).sum();
        assert!(kept > 100 && bytes <= LIMITS.log_bytes, "{kept} lines, {bytes} bytes");
    }

    "flood-output": async fn output_is_captured_at_debug_and_bounded_like_the_log() {
        let world = World::limited(Limits { cpu_ms: 10_000, ..LIMITS });
        let ended = world.beside("guests.flood-output").await;
        assert_eq!(ended.value(), "flooded");
        let bytes: usize = ended.lines().iter().map(|(_, line)| line.len()).sum();
        assert!(bytes > 0 && bytes <= LIMITS.log_bytes, "{bytes} bytes");
        assert!(ended.lines().iter().all(|(level, _)| *level == Level::Debug));
        assert!(ended.dropped() > 19_000, "{}", ended.dropped());
    }

    "escape": async fn nothing_a_guest_says_steers_the_terminal() {
        let ended = World::new().beside("guests.escape").await;
        assert_eq!(ended.value(), "escaped");
        assert_eq!(
            ended.lines(),
            [(Level::Info, "log red"), (Level::Debug, "output red")]
        );
        let text = format!("{:?}", ended.events);
        assert!(text.contains("step red") && text.contains("done red"), "{text}");
        assert!(!text.contains("\\u{1b}") && !text.contains("owned"), "{text}");
    }

    "hand-over-too-much": async fn host_call_over_the_limit_ends_the_guest() {
        let world = World::limited(Limits { cpu_ms: 10_000, ..LIMITS });
        let ended = world.beside("guests.hand-over-too-much").await;
        assert_eq!(ended.failure().code, "plugin.host-call-too-large", "{:?}", ended.failure());
        assert!(ended.failure().message.contains("8388608 bytes"), "{}", ended.failure());
    }

    "leak-steps": async fn resources_beyond_the_limit_end_the_guest() {
        let world = World::limited(Limits { cpu_ms: 10_000, ..LIMITS });
        let ended = world.beside("guests.leak-steps").await;
        assert_eq!(ended.failure().kind, Kind::Exhausted, "{:?}", ended.failure());
        assert!(ended.failure().message.contains("5000 resources"), "{}", ended.failure());
    }

    "call-without-end": async fn guest_that_calls_the_host_for_ever_is_ended_at_its_limit() {
        let world = World::limited(Limits { cpu_ms: 10_000, ..LIMITS });
        let ended = world.beside("guests.call-without-end").await;
        assert_eq!((ended.failure().kind, ended.failure().code.as_str()), (Kind::Exhausted, "plugin.too-many-calls"));
        assert_eq!(ended.failure().message, "plugin `guests 0.1.0` made more than its limit of 2000 host calls");
    }

    "token-without-end": async fn guest_that_takes_tokens_for_ever_is_ended_at_its_limit() {
        let world = World::limited(Limits { cpu_ms: 10_000, record_bytes: 10_000, ..LIMITS });
        let ended = world.beside("guests.token-without-end").await;
        assert_eq!(ended.failure().code, "plugin.record-too-large");
        assert_eq!(ended.failure().message, "plugin `guests 0.1.0` put more than its limit of 10000 bytes on record");
    }

    "read-too-much": async fn answers_beyond_the_limit_of_the_record_are_refused_as_a_value() {
        let world = World::with_cluster(Limits { record_bytes: 20_000, ..LIMITS }).await;
        let ended = world.beside("guests.read-too-much").await;
        assert_eq!(ended.value()["code"], "plugin.record-too-large");
        let read = ended.value()["read"].as_u64().expect("a number");
        assert!((5..200).contains(&read), "{read}");
    }

    "ask-at-length": async fn question_beyond_the_limit_of_the_record_is_refused_as_a_value() {
        let ended = World::new().beside("guests.ask-at-length").await;
        assert_eq!(ended.failure().code, "plugin.record-too-large");
    }

    "stand-in-without-end": async fn guest_that_names_stand_ins_for_ever_is_ended_at_its_limit() {
        let world = World::limited(Limits { cpu_ms: 10_000, ..LIMITS });
        let ended = world.beside("guests.stand-in-without-end").await;
        assert_eq!(ended.failure().code, "plugin.record-too-large");
    }

    "end-steps-at-length": async fn step_ends_without_words_when_the_log_is_full() {
        let ended = World::new().beside("guests.end-steps-at-length").await;
        assert_eq!(ended.value(), "talked");
        let bytes = serde_json::to_string(&ended.events).expect("text").len();
        assert!(bytes < 2 * LIMITS.log_bytes, "{bytes}");
        let over = |event: &&Event| matches!(event, Event::StepDone { .. } | Event::StepSkipped { .. });
        let begun = |event: &&Event| matches!(event, Event::StepStarted { .. });
        assert_eq!(ended.events.iter().filter(over).count(), ended.events.iter().filter(begun).count());
        assert!(ended.dropped() > 0);
    }

    "watch-too-much": async fn watcher_beyond_the_limit_is_refused_as_a_value() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.beside("guests.watch-too-much").await;
        assert_eq!(ended.value()["code"], "cluster.too-many-watches");
        assert_eq!(ended.value()["open"], 4);
    }

    "watch-what-is-not-there": async fn query_that_cannot_be_watched_does_not_end_the_others() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.beside("guests.watch-what-is-not-there").await;
        let failed = json!({"query": 0, "code": "cluster.no-such-resource", "kind": "ErrorKind::Unsupported"});
        assert_eq!(ended.value()["failed"], failed);
        assert_eq!(ended.value()["seen"], 1);
    }
}

#[tokio::test]
async fn tables_are_bounded() {
    let wasm = raw(
        "raw",
        include_str!("../../../../tests/guests/raw/eat_tables.wat"),
    );
    let ended = World::and(LIMITS, "raw", wasm).beside("raw.run").await;
    assert_eq!(
        ended.failure().code,
        "plugin.out-of-tables",
        "{:?}",
        ended.failure()
    );
    assert!(
        ended.failure().message.contains("5000 table entries"),
        "{}",
        ended.failure()
    );
}

#[tokio::test]
async fn memories_are_bounded_together() {
    let wasm = raw(
        "raw",
        include_str!("../../../../tests/guests/raw/eat_memories.wat"),
    );
    let limits = Limits {
        memory_bytes: 16 << 20,
        ..LIMITS
    };
    let ended = World::and(limits, "raw", wasm).beside("raw.run").await;
    assert_eq!(
        ended.failure().code,
        "plugin.out-of-memory",
        "{:?}",
        ended.failure()
    );
}
