//! Runs that do not come to their end.

use agent_core::agent::Control;
use agent_core::{Failure, Kind};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::running::{effect, effects, finished, started, step};
use super::scene::{Beat, event, scene};

const RESTORE: &str = "agent run volsync.restore media plex --yes";

fn mover_failed() -> Value {
    json!({
        "kind": "timeout", "code": "volsync.restore-failed", "message": "the mover of `plex` did not restore the snapshot in 30m",
        "hint": "kubectl logs -n media job/volsync-dst-plex-abcdefgh",
        "causes": ["the mover's last lines:\nFatal: unable to open repository\nexit status 1", "the repository is locked"],
    })
}

fn taken_back() -> Value {
    json!([
        {"target": "deployments media/plex", "summary": "spec.replicas is 1 again", "left": []},
        {"target": "scaledobjects media/plex", "summary": "it runs again", "left": ["spec.maxReplicaCount was changed by kubectl-edit since"]},
        {"target": "kustomizations media/plex", "summary": "", "left": [], "failure": {
            "kind": "unavailable", "code": "cluster.unreachable", "message": "the API server does not answer", "causes": ["connection refused"],
            "hint": "flux resume kustomization plex -n media"
        }},
    ])
}

fn failing() -> Vec<Beat> {
    let mut beats = vec![
        started("volsync.restore", false),
        step(1, "Restore the snapshot", 0),
    ];
    beats.push(event(
        json!({"event": "step-noted", "step": "1", "text": "attempt 3"}),
    ));
    beats.extend(effects().map(|effect| event(json!({"event": "changed", "effect": effect}))));
    beats.extend([
        Beat::Wait(12_300),
        event(json!({"event": "step-failed", "step": "1"})),
        event(json!({"event": "taking-back", "failure": mover_failed(), "held": 3})),
    ]);
    for one in taken_back().as_array().expect("a list") {
        let mut one = one.clone();
        one["event"] = json!("put-back");
        beats.push(event(one));
    }
    beats.push(event(json!({"event": "finished", "outcome": {"outcome": "failed", "failure": mover_failed(), "put-back": taken_back()}})));
    beats
}

#[tokio::test(start_paused = true)]
async fn a_failed_run_says_what_was_put_back() {
    assert_snapshot!("failure", scene(RESTORE).plays(failing()).shoot().await);
    assert_snapshot!(
        "failure_quiet",
        scene(&format!("{RESTORE} -q"))
            .plays(failing())
            .shoot()
            .await
    );
    assert_snapshot!(
        "failure_verbose",
        scene(&format!("{RESTORE} -v"))
            .plays(failing())
            .shoot()
            .await
    );
    let shot = scene(&format!("{RESTORE} -o json"))
        .plays(failing())
        .shoot()
        .await;
    assert_snapshot!("failure_json", shot.stderr);
    assert_eq!(shot.code, 1);
}

#[tokio::test(start_paused = true)]
async fn done_with_a_hold_that_stayed_is_no_success() {
    let stayed = &taken_back()[2];
    let outcome = json!({"outcome": "done", "value": null, "failed": 0, "not-put-back": [stayed]});
    let beats = [
        started("volsync.restore", false),
        event(json!({"event": "finished", "outcome": outcome})),
    ];
    assert_snapshot!(scene(RESTORE).plays(beats).shoot().await);
}

#[tokio::test(start_paused = true)]
async fn denied_names_the_grant() {
    let failure = Failure::new(
        Kind::Denied,
        "plugin.not-granted",
        "plugin `volsync` asks for rights that it was not granted: `cluster:delete:pods:*`",
    )
    .hinted("agent plugin grant volsync 'cluster:delete:pods:*'");
    assert_snapshot!(
        "denied",
        scene(RESTORE).refuses(failure.clone()).shoot().await
    );
    assert_snapshot!(
        "denied_json",
        scene(&format!("{RESTORE} -o json"))
            .refuses(failure)
            .shoot()
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_to_ask_is_declined() {
    let failure = Failure::new(
        Kind::Denied,
        "run.declined",
        "nobody was there to be asked: overwrite the volume of `plex`?",
    )
    .hinted("pass --yes to agree beforehand");
    let finish = json!({"event": "finished", "outcome": {"outcome": "failed", "failure": failure, "put-back": []}});
    let shot = scene("agent run volsync.restore media plex")
        .plays([started("volsync.restore", false), event(finish)])
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert_eq!(shot.calls[0].consent, agent_core::Consent::Withheld);
}

#[tokio::test(start_paused = true)]
async fn the_first_interrupt_cancels_and_waits() {
    let mut beats = vec![
        started("volsync.restore", false),
        step(1, "Restore the snapshot", 0),
        Beat::Interrupt,
        Beat::Listen,
    ];
    beats.extend(failing().into_iter().skip(8));
    let shot = scene(RESTORE).plays(beats).shoot().await;
    assert_eq!(shot.controls, [Control::Cancel]);
    assert_snapshot!(shot);
}

#[tokio::test(start_paused = true)]
async fn the_second_interrupt_stops_at_once_and_names_what_is_held() {
    let mut beats = vec![started("volsync.restore", false)];
    beats.extend(effects().map(|effect| event(json!({"event": "changed", "effect": effect}))));
    beats.push(event(json!({"event": "put-back", "target": "deployments media/plex", "summary": "spec.replicas is 1 again", "left": []})));
    beats.extend([
        Beat::Interrupt,
        Beat::Listen,
        Beat::Interrupt,
        Beat::Wait(1000),
        finished(&Value::Null, 0),
    ]);
    let shot = scene(RESTORE).plays(beats).shoot().await;
    assert_snapshot!(shot);
    assert_eq!(shot.code, 130);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_is_heard_in_a_flood_of_events() {
    let failure = json!({"event": "finished", "outcome": {"outcome": "failed", "failure": Failure::cancelled(), "put-back": []}});
    let beats = [
        started("volsync.restore", false),
        Beat::Interrupt,
        Beat::Flood(1000),
        event(failure),
    ];
    let shot = scene(RESTORE).plays(beats).shoot().await;
    assert_eq!(shot.controls, [Control::Cancel]);
    assert!(!shot.stderr.contains("\n0 to go\n"), "{}", shot.stderr);
}

fn asked(question: u64) -> Beat {
    event(
        json!({"event": "asked", "question": question, "text": "Overwrite the volume of `plex`?", "facts": []}),
    )
}

fn failed(failure: &Failure) -> Beat {
    event(
        json!({"event": "finished", "outcome": {"outcome": "failed", "failure": failure, "put-back": []}}),
    )
}

fn no_was_said() -> Failure {
    Failure::new(Kind::Declined, "run.declined", "not agreed").because("the answer was no")
}

const NO: Control = Control::Answer {
    question: 1,
    yes: false,
};

/// Somebody at a keyboard, who never gets to type an answer.
async fn interrupted(beats: impl IntoIterator<Item = Beat>) -> super::scene::Shot {
    let scene = scene("agent run volsync.restore media plex").screen(80, "");
    scene.types_nothing().plays(beats).shoot().await
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_at_a_question_is_a_no() {
    let shot = interrupted([
        started("volsync.restore", false),
        asked(1),
        Beat::Interrupt,
        Beat::Listen,
        failed(&no_was_said()),
    ])
    .await;
    assert_eq!(shot.controls, [NO]);
    assert_eq!(shot.code, 3);
    assert_snapshot!(shot);
}

/// A plugin may take a no for something else.
#[tokio::test(start_paused = true)]
async fn an_operation_that_goes_on_after_an_interrupt_at_a_question_is_stopped() {
    let shot = interrupted([
        started("volsync.restore", false),
        asked(1),
        Beat::Interrupt,
        Beat::Listen,
        asked(2),
        Beat::Listen,
        Beat::Listen,
        failed(&Failure::cancelled()),
    ])
    .await;
    let second = Control::Answer {
        question: 2,
        yes: false,
    };
    assert_eq!(shot.controls, [NO, second, Control::Cancel]);
    assert_eq!(shot.code, 1);
    assert!(shot.stderr.contains("asked to stop"), "{}", shot.stderr);
}

#[tokio::test(start_paused = true)]
async fn a_no_after_a_change_is_no_nothing() {
    let kept = effect(
        1,
        "patch",
        "deployments.v1.apps",
        "plex",
        false,
        json!([{"path": "/spec/replicas", "before": 1, "after": 0}]),
    );
    for changed in [kept, effects()[2].clone()] {
        let shot = interrupted([
            started("volsync.restore", false),
            event(json!({"event": "changed", "effect": changed})),
            asked(1),
            Beat::Interrupt,
            Beat::Listen,
            failed(&no_was_said()),
        ])
        .await;
        assert!(!shot.stderr.contains("nothing was"), "{}", shot.stderr);
        assert!(shot.stderr.contains("the answer was no"), "{}", shot.stderr);
    }
}

#[tokio::test(start_paused = true)]
async fn a_no_is_one_line() {
    let shot = scene("agent run volsync.restore media plex")
        .screen(80, "n\n")
        .plays([
            started("volsync.restore", false),
            asked(1),
            Beat::Listen,
            failed(&no_was_said()),
        ])
        .shoot()
        .await;
    assert_snapshot!(shot);
}

#[tokio::test(start_paused = true)]
async fn json_readers_are_told_of_a_no() {
    let shot = scene("agent run volsync.restore media plex -o json")
        .screen(80, "n\n")
        .plays([
            started("volsync.restore", false),
            asked(1),
            Beat::Listen,
            failed(&no_was_said()),
        ])
        .shoot()
        .await;
    assert_eq!((shot.controls.as_slice(), shot.code), (&[NO][..], 3));
    assert!(shot.stdout.contains("run.declined"), "{}", shot.stdout);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_breaks_off_is_a_bug() {
    let shot = scene(RESTORE)
        .plays([started("volsync.restore", false)])
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert_eq!(shot.code, 70);
}
