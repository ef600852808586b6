//! A run ends when it is told to, whether its guest hears it or not.

use std::time::{Duration, Instant};

use agent_core::agent::Run;
use agent_core::event::Event;
use agent_core::failure::Kind;
use agent_core::limits::Limits;
use futures::StreamExt as _;

use crate::guests;
use crate::world::{LIMITS, World, finish};

/// Reads events until a line was written.
pub(crate) async fn until_line(run: &mut Run, line: &str) {
    loop {
        match run.events.next().await.expect("more events") {
            Event::Logged { message, .. } if message == line => return,
            Event::Finished { outcome } => panic!("{outcome:?}"),
            _ => {}
        }
    }
}

/// Reads events until the guest has begun.
async fn begun(world: &World, operation: &str) -> Run {
    let mut run = world.start(operation).await;
    until_line(&mut run, "begun").await;
    run
}

guests! {
    "sleep-forever": async fn cancel_wakes_a_guest_that_waits_in_the_host() {
        let world = World::new();
        world.run("guests.greet").await;
        let run = begun(&world, "guests.sleep-forever").await;
        let cancelled = Instant::now();
        run.cancel();
        let ended = finish(run).await;
        assert_eq!((ended.failure().kind, ended.failure().code.as_str()), (Kind::Cancelled, "run.cancelled"));
        assert!(cancelled.elapsed() < Duration::from_millis(1500), "{:?}", cancelled.elapsed());
    }

    "sleep-deaf": async fn guest_that_does_not_hear_the_cancel_is_ended_after_its_grace() {
        let world = World::new();
        world.run("guests.greet").await;
        let run = begun(&world, "guests.sleep-deaf").await;
        let cancelled = Instant::now();
        run.cancel();
        let ended = finish(run).await;
        assert_eq!(ended.failure().code, "run.cancelled");
        assert_eq!(ended.failure().causes, ["the plugin did not return within 2 s and was ended"]);
        assert!(cancelled.elapsed() >= Duration::from_secs(2));
    }

    "ignore-cancel": async fn guest_that_ignores_the_cancel_is_ended_after_its_grace() {
        // It may compute for longer than the grace.
        let world = World::limited(Limits { cpu_ms: 60_000, ..LIMITS });
        world.run("guests.greet").await;
        let run = begun(&world, "guests.ignore-cancel").await;
        run.cancel();
        let good = world.run("guests.greet").await;
        assert_eq!(good.value()["greeting"], "hello, world");
        let ended = finish(run).await;
        assert_eq!(ended.failure().code, "run.cancelled");
        assert!(ended.dropped() > 0, "it says how much of its chatter nobody saw");
    }

    "flood-and-sleep": async fn guest_that_is_ended_had_said_more_than_was_kept() {
        let world = World::new();
        world.run("guests.greet").await;
        let run = begun(&world, "guests.flood-and-sleep").await;
        run.cancel();
        let ended = finish(run).await;
        assert_eq!(ended.failure().causes, ["the plugin did not return within 2 s and was ended"]);
        let kept = ended.lines().iter().filter(|(_, line)| line.starts_with("line ")).count();
        // The unfinished line is one of them.
        assert_eq!(ended.dropped() as usize, 2_000 - kept + 1);
        assert!(matches!(ended.events.last(), Some(Event::LogsDropped { .. })), "{:?}", ended.events.last());
    }
}

#[tokio::test]
async fn run_that_takes_too_long_is_stopped_with_the_limit_in_its_failure() {
    let world = World::limited(Limits {
        wall_ms: 400,
        ..LIMITS
    });
    let ended = world.run("guests.sleep-forever").await;
    assert_eq!(
        (ended.failure().kind, ended.failure().code.as_str()),
        (Kind::Exhausted, "plugin.out-of-time")
    );
    assert_eq!(
        ended.failure().message,
        "plugin `guests 0.1.0` took longer than its limit of 400 ms"
    );
}

#[tokio::test]
async fn cancel_is_heard_while_a_guest_computes() {
    let world = World::limited(Limits {
        cpu_ms: 60_000,
        ..LIMITS
    });
    world.run("guests.greet").await;
    let run = begun(&world, "guests.spin").await;
    run.cancel();
    assert_eq!(finish(run).await.failure().code, "run.cancelled");
}

#[tokio::test]
async fn run_goes_on_when_whoever_started_it_is_gone() {
    let world = World::new();
    let run = world.start("guests.patient").await;
    let id = run.id.clone();
    drop(run);
    let outcome = || world.journal.record(&id).ok()?.outcome().cloned();
    let over = async {
        while outcome().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), over)
        .await
        .expect("it ends");
    assert_eq!(outcome().expect("ended").exit_code(), 0);
}
