//! What a guest may not do is refused as a value, before anything reaches the cluster.

use agent_core::agent::Agent as _;
use agent_core::call::Consent;
use agent_core::event::Event;
use agent_core::failure::Kind;
use agent_core::record::Filter;
use futures::StreamExt as _;
use serde_json::json;

use crate::guests;
use crate::world::{LIMITS, World, call, finish};

guests! {
    "write-while-reading": async fn operation_that_only_reads_cannot_write() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.beside("guests.write-while-reading").await;
        assert_eq!((ended.failure().kind, ended.failure().code.as_str()), (Kind::Denied, "cluster.read-only"));
        assert_eq!(world.mode(), "before");
        assert!(world.cluster().requests().iter().all(|seen| seen.method != "PATCH"));
    }

    "write-unasked": async fn operation_that_destroys_cannot_write_before_it_asked() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.beside("guests.write-unasked").await;
        assert_eq!(ended.failure().kind, Kind::Denied, "{:?}", ended.failure());
        assert_eq!(world.mode(), "before");
    }

    "write-asked": async fn operation_that_destroys_can_write_once_the_person_agreed() {
        let world = World::with_cluster(LIMITS).await;
        assert_eq!(world.run("guests.write-asked").await.value(), "written");
        assert_eq!(world.mode(), "changed");
    }

    "read-beyond": async fn reading_what_was_not_requested_is_denied() {
        let world = World::with_cluster(LIMITS).await;
        let ended = world.beside("guests.read-beyond").await;
        assert_eq!((ended.failure().kind, ended.failure().code.as_str()), (Kind::Denied, "cluster.not-granted"));
        assert_eq!(world.cluster().requests().len(), 0);
    }

    "ask": async fn answer_reaches_the_guest() {
        let world = World::new();
        for (yes, code) in [(true, None), (false, Some("run.declined"))] {
            let mut run = world.start_with("guests.ask", json!({}), Consent::Ask).await;
            let question = loop {
                match run.events.next().await.expect("a question") {
                    Event::Asked { question, text, facts, .. } => {
                        assert_eq!((text.as_str(), facts.len()), ("go on?", 1));
                        break question;
                    }
                    Event::Finished { outcome } => panic!("{outcome:?}"),
                    _ => {}
                }
            };
            run.answer(question, yes);
            let ended = finish(run).await;
            match code {
                None => assert_eq!(ended.value(), "agreed"),
                Some(code) => assert_eq!(ended.failure().code, code),
            }
        }
    }
}

#[tokio::test]
async fn without_anybody_to_ask_the_answer_is_no() {
    let world = World::new();
    let run = world
        .start_with("guests.ask", json!({}), Consent::Withheld)
        .await;
    assert_eq!(finish(run).await.failure().code, "run.declined");
}

#[tokio::test]
async fn what_can_be_known_before_is_refused_before_anything_runs() {
    let world = World::new();
    for (operation, arguments, code) in [
        ("guests.nobody", json!({}), "operations.unknown"),
        ("flux.sync", json!({}), "operations.unknown"),
        (
            "guests.greet",
            json!({ "nme": "x" }),
            "operations.arguments",
        ),
        ("guests.greet", json!({ "name": 1 }), "operations.arguments"),
    ] {
        let refused = world
            .agent
            .run(call(operation, arguments, Consent::Given))
            .await;
        assert_eq!(refused.expect_err("refused").code, code, "{operation}");
    }
    assert_eq!(world.journal.runs(Filter::All).expect("reads"), []);
}

#[tokio::test]
async fn panic_of_the_host_in_a_host_call_is_a_value() {
    let ended = World::broken().beside("guests.write-asked").await;
    assert_eq!(
        (ended.failure().kind, ended.failure().code.as_str()),
        (Kind::Internal, "agent.bug")
    );
}
