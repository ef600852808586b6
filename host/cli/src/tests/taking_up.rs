//! Runs that are taken up again, and runs that are watched.

use agent_core::agent::Control;
use agent_core::call::Goal;
use agent_core::secret::Secrets;
use agent_core::{Consent, Resumption};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::remembering::{cut_off, gone};
use super::running::{done, effects, finished, started, step};
use super::scene::{Beat, Scene, event, run_id, scene};

fn resumed(to: &str) -> Beat {
    event(json!({
        "event": "resumed", "run": run_id(), "operation": "volsync.restore", "plugin": "volsync 0.1.0",
        "arguments": {"namespace": "media", "name": "plex"}, "to": to,
    }))
}

fn back(target: &str, failure: Option<Value>) -> Value {
    json!({"target": target, "summary": "as it was", "left": [], "failure": failure})
}

fn put_back(take_back: &Value) -> Beat {
    let mut document = take_back.clone();
    document["event"] = json!("put-back");
    event(document)
}

fn undone(put_back: Value, irreversible: Value) -> Beat {
    event(
        json!({"event": "finished", "outcome": {"outcome": "undone", "put-back": put_back, "irreversible": irreversible}}),
    )
}

fn unreachable() -> Value {
    json!({"kind": "unavailable", "code": "cluster.unreachable", "message": "the API server does not answer", "causes": ["connection refused"]})
}

/// A scene in which a run was cut off.
fn after_a_cut(line: &str) -> Scene {
    scene(line).remembers([cut_off()])
}

fn resume() -> Vec<Beat> {
    vec![
        resumed("finish"),
        step(1, "Look at `plex`", 0),
        done(1, "23 snapshots"),
        Beat::Wait(2000),
        finished(&json!({"snapshot": "1a2b3c4d"}), 0),
    ]
}

fn undo() -> Vec<Beat> {
    let (good, left) = (
        back("deployments media/plex", None),
        json!({"target": "kustomizations media/plex", "summary": "spec.suspend is as it was", "left": ["spec.interval was changed by flux since"]}),
    );
    vec![
        resumed("undo"),
        put_back(&good),
        Beat::Wait(300),
        put_back(&left),
        Beat::Look,
        undone(
            json!([good, left]),
            json!(["pods media/plex-0 was deleted"]),
        ),
    ]
}

fn agreed(to: Goal) -> Resumption {
    Resumption {
        to,
        consent: Consent::Given,
        give_up: false,
        leave_data: false,
        secrets: Secrets::default(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_resumed_to_its_end() {
    let shot = after_a_cut("agent resume last --yes")
        .plays(resume())
        .shoot()
        .await;
    assert_snapshot!("resume", shot);
    assert_eq!(
        shot.taken_up,
        [("cutoffaa".to_owned(), agreed(Goal::Finish))]
    );
    assert_snapshot!(
        "resume_quiet",
        after_a_cut("agent resume cut -yq")
            .plays(resume())
            .shoot()
            .await
    );
    assert_snapshot!(
        "resume_json",
        after_a_cut("agent resume cut -y -o json")
            .plays(resume())
            .shoot()
            .await
    );
    let shot = after_a_cut("agent resume cut")
        .plays(resume())
        .shoot()
        .await;
    assert_eq!(shot.taken_up[0].1.consent, Consent::Withheld);
}

#[tokio::test(start_paused = true)]
async fn resuming_asks_first() {
    let question = event(
        json!({"event": "asked", "question": 3, "text": "Go on with volsync.restore media plex?", "facts": [["cut off", "5 minutes ago"]]}),
    );
    let beats = [
        resumed("finish"),
        question,
        Beat::Listen,
        finished(&Value::Null, 0),
    ];
    let shot = after_a_cut("agent resume last")
        .screen(60, "y\n")
        .plays(beats)
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert_eq!(
        shot.controls,
        [Control::Answer {
            question: 3,
            yes: true
        }]
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_put_back_is_given_up_when_somebody_says_so() {
    let shot = after_a_cut("agent undo last --yes --give-up")
        .plays(undo())
        .shoot()
        .await;
    assert!(shot.taken_up[0].1.give_up);
}

#[tokio::test(start_paused = true)]
async fn what_was_given_up_is_held_by_nobody_any_more() {
    let (stuck, good) = (
        back("scaledobjects media/plex", Some(unreachable())),
        back("deployments media/plex", None),
    );
    let beats = || [resumed("undo"), undone(json!([good, stuck]), json!([]))];
    let shot = after_a_cut("agent undo last --yes --give-up")
        .plays(beats())
        .shoot()
        .await;
    assert_snapshot!(shot);
    // Who watches hears the same.
    let mut record = cut_off();
    let undone = json!({"outcome": "undone", "put-back": [good, stuck], "irreversible": []});
    let last = super::past::entry(
        4000,
        json!({"entry": "undone", "left": 0, "outcome": undone}),
    );
    let last = super::past::run("cutoffaa", 300, vec![last])
        .entries
        .remove(0);
    record.entries.push(last);
    let record = super::past::ended(record, agent_core::record::State::Failed, 4, 0, 1);
    let watched = scene("agent runs follow last")
        .remembers([record.clone()])
        .plays(beats())
        .shoot()
        .await;
    assert!(
        watched
            .stderr
            .contains("1 change was left as it is; run abcdefgh holds nothing any more"),
        "{watched}"
    );
    let shown = scene("agent runs show last")
        .remembers([record])
        .shoot()
        .await;
    assert!(!shown.stdout.contains("taken back"), "{shown}");
    assert!(
        shown
            .stdout
            .contains("given up: what could not be put back stays as it is, 1 change"),
        "{shown}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_is_taken_back() {
    let shot = after_a_cut("agent undo last --yes")
        .plays(undo())
        .shoot()
        .await;
    assert_snapshot!("undo", shot);
    assert_eq!(shot.taken_up, [("cutoffaa".to_owned(), agreed(Goal::Undo))]);
    assert_snapshot!(
        "undo_on_a_screen",
        after_a_cut("agent undo last -y")
            .screen(40, "")
            .plays(undo())
            .shoot()
            .await
    );
    assert_snapshot!(
        "undo_quiet",
        after_a_cut("agent undo last -yq")
            .plays(undo())
            .shoot()
            .await
    );
    assert_snapshot!(
        "undo_json",
        after_a_cut("agent undo last -y -o json")
            .plays(undo())
            .shoot()
            .await
    );
    assert_snapshot!(
        "undo_yaml",
        after_a_cut("agent undo last -yq -o yaml")
            .plays(undo())
            .shoot()
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_put_back_is_no_success() {
    let stuck = back("scaledobjects media/plex", Some(unreachable()));
    let good = back("deployments media/plex", None);
    let beats = || [resumed("undo"), undone(json!([good, stuck]), json!([]))];
    let shot = after_a_cut("agent undo last --yes")
        .plays(beats())
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert_eq!(shot.code, 1);
}

#[tokio::test(start_paused = true)]
async fn taking_back_what_is_taken_back_is_a_success() {
    let beats = || [resumed("undo"), undone(json!([]), json!([]))];
    let shot = after_a_cut("agent undo last -y")
        .plays(beats())
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert_eq!((shot.stdout.as_str(), shot.code), ("", 0));
    // What overwrites no data leaves none overwritten.
    let mut harmless = cut_off();
    harmless.summary.operation = "flux.sync".parse().expect("a name");
    let shot = scene("agent undo last -y")
        .remembers([harmless])
        .plays(beats())
        .shoot()
        .await;
    assert!(
        shot.stderr.ends_with("nothing is left to do\n"),
        "{}",
        shot.stderr
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_to_ask_takes_nothing_back() {
    let failure = json!({"kind": "declined", "code": "run.declined", "message": "not agreed: take run abcdefgh back?",
        "hint": "add --yes to agree beforehand", "causes": ["there is no terminal to ask at"]});
    let outcome = json!({"outcome": "failed", "failure": failure, "put-back": [], "held": 3});
    let beats = [
        resumed("undo"),
        event(json!({"event": "finished", "outcome": outcome})),
    ];
    let shot = after_a_cut("agent undo last").plays(beats).shoot().await;
    assert_snapshot!(shot);
    assert_eq!(shot.code, 3);
}

fn holding() -> Vec<Beat> {
    let mut beats = vec![started("volsync.restore", false)];
    beats.extend(effects().map(|effect| event(json!({"event": "changed", "effect": effect}))));
    beats
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_run_shows_how_far_the_taking_back_is() {
    let failure = json!({"kind": "cancelled", "code": "run.cancelled", "message": "the run was asked to stop"});
    let one = back("deployments media/plex", None);
    let mut beats = holding();
    beats.extend([
        Beat::Interrupt,
        Beat::Listen,
        event(json!({"event": "taking-back", "failure": failure, "held": 3})),
        put_back(&one),
        Beat::Wait(300),
        Beat::Look,
        event(json!({"event": "finished", "outcome": {"outcome": "failed", "failure": failure, "put-back": [one]}})),
    ]);
    let shot = scene("agent run volsync.restore media plex -y")
        .screen(60, "")
        .plays(beats)
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert_eq!(shot.controls, [Control::Cancel]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_stopped_at_once_can_be_taken_up() {
    let stop = || {
        [
            Beat::Interrupt,
            Beat::Listen,
            Beat::Interrupt,
            Beat::Wait(1000),
            finished(&Value::Null, 0),
        ]
    };
    let mut out = String::new();
    for (line, first) in [
        (
            "agent run volsync.restore media plex -y",
            started("volsync.restore", false),
        ),
        (
            "agent run volsync.restore media plex -y --on-failure keep",
            started("volsync.restore", false),
        ),
        ("agent run volsync.status", started("volsync.status", false)),
        (
            "agent run volsync.restore media plex --plan",
            started("volsync.restore", true),
        ),
        (
            "agent --sandbox run volsync.restore media plex -y",
            started("volsync.restore", false),
        ),
        ("agent resume cut -y", resumed("finish")),
        ("agent undo cut -y", resumed("undo")),
    ] {
        let beats = std::iter::once(first).chain(stop());
        let shot = scene(line)
            .remembers(Some(cut_off()).filter(|_| line.contains("cut")))
            .plays(beats)
            .shoot()
            .await;
        out.push_str(&format!(
            "$ {line}\n{}{}[exit {}]\n\n",
            shot.stdout, shot.stderr, shot.code
        ));
    }
    assert_snapshot!(out);
}

fn overwriting_effect() -> Value {
    super::running::effect(
        5,
        "overwrite",
        "persistentvolumeclaims.v1",
        "plex",
        false,
        json!([]),
    )
}

#[tokio::test(start_paused = true)]
async fn what_may_be_half_overwritten_is_named_as_that_by_a_run_that_is_stopped_at_once() {
    let mut beats = holding();
    beats.push(event(
        json!({"event": "changed", "effect": overwriting_effect()}),
    ));
    beats.extend([
        Beat::Interrupt,
        Beat::Listen,
        Beat::Interrupt,
        Beat::Wait(1000),
    ]);
    let shot = scene("agent run volsync.restore media plex -y")
        .plays(beats)
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert!(!shot.stderr.contains("agent resume"), "{shot}");
}

#[tokio::test(start_paused = true)]
async fn what_the_record_says_is_held_is_told_of_a_run_that_is_stopped_at_once() {
    // Of what it did before it was cut off there are no events.
    let mut record = cut_off();
    record.begun.run = super::scene::run_id();
    let beats = [
        resumed("finish"),
        Beat::Interrupt,
        Beat::Listen,
        Beat::Interrupt,
        Beat::Wait(1000),
    ];
    let shot = scene("agent resume abcdefgh -y")
        .remembers([record])
        .plays(beats)
        .shoot()
        .await;
    assert_snapshot!(shot);
}

#[tokio::test(start_paused = true)]
async fn resume_of_a_run_that_is_only_taken_back_says_so_first() {
    let failure = |kind: &str| json!({"entry": "ended", "end": {"Err": {"kind": kind, "code": "run.cancelled", "message": "the run was asked to stop"}}});
    let undoing = json!({"entry": "resumed", "host": "desk", "process": 4800, "to": "undo"});
    for (last, wanted) in [
        (
            failure("cancelled"),
            "run stopped1 was stopped: what is left is to take it back\n",
        ),
        (
            failure("timeout"),
            "run stopped1 failed: what is left is to take it back\n",
        ),
        (
            undoing,
            "run stopped1 was being taken back: what is left is to take it back\n",
        ),
    ] {
        let mut entries = super::remembering::beginning();
        entries.push(super::past::entry(3000, last));
        let record = super::past::run("stopped1", 300, entries);
        let line = |line: &str| scene(line).remembers([record.clone()]).plays(resume());
        let shot = line("agent resume stopped1 -y").shoot().await;
        assert!(shot.stderr.starts_with(wanted), "{shot}");
        let shot = line("agent undo stopped1 -y").shoot().await;
        assert!(!shot.stderr.contains("what is left"), "{shot}");
    }
    let shot = after_a_cut("agent resume last -y")
        .plays(resume())
        .shoot()
        .await;
    assert!(!shot.stderr.contains("what is left"), "{shot}");
}

#[tokio::test(start_paused = true)]
async fn what_stands_of_a_run_that_was_stopped_after_its_last_change_is_named() {
    let failure = json!({"kind": "cancelled", "code": "run.cancelled", "message": "the run was asked to stop"});
    let end = || {
        event(
            json!({"event": "finished", "outcome": {"outcome": "failed", "failure": failure, "put-back": [], "held": 0}}),
        )
    };
    let mut overwriting = super::past::intent(2600, 1);
    overwriting["entry"]["effect"] = overwriting_effect();
    overwriting["entry"]["undo"] = Value::Null;
    let removed = super::running::effect(
        7,
        "delete",
        "replicationdestinations.v1alpha1.volsync.backube",
        "plex-abcdefgh",
        false,
        json!([]),
    );
    let removed = super::past::entry(
        2800,
        json!({"entry": "intent", "effect": removed, "call": "9", "holder": null, "undo": null, "uid": "u"}),
    );
    let kept = |number: u64| super::past::entry(2900, json!({"entry": "kept", "number": number}));
    // What it made itself and removed again does not stand.
    let entries = vec![
        overwriting,
        super::past::result(2600, 5),
        kept(5),
        super::past::intent(2650, 4),
        super::past::result(2650, 4),
        removed,
        super::past::result(2800, 7),
    ];
    let record = super::past::run("abcdefgh", 300, entries);
    let beats = [
        started("volsync.restore", false),
        Beat::Interrupt,
        Beat::Listen,
        end(),
    ];
    let shot = scene("agent run volsync.restore media plex -y")
        .remembers([record])
        .plays(beats)
        .shoot()
        .await;
    assert_snapshot!(shot);
    // Where no record can be read the events are all that is known.
    let created = event(json!({"event": "changed", "effect": effects()[3]}));
    let beats = [started("volsync.restore", false), created, end()];
    let shot = scene("agent run volsync.restore media plex -y")
        .plays(beats)
        .shoot()
        .await;
    assert!(shot.stderr.contains("1 change of run abcdefgh stands:\n  replicationdestinations media/plex-abcdefgh was created\nHint: agent runs show abcdefgh\n"), "{shot}");
}

#[tokio::test(start_paused = true)]
async fn what_was_to_be_kept_is_named_with_its_remedy() {
    let failure = json!({"kind": "timeout", "code": "volsync.restore-failed", "message": "the mover did not end in 30m"});
    let mut beats = holding();
    beats.push(event(json!({"event": "finished", "outcome": {"outcome": "failed", "failure": failure, "put-back": [], "held": 3}})));
    let shot = scene("agent run volsync.restore media plex -y --on-failure keep")
        .plays(beats)
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert_eq!(shot.calls[0].on_failure, agent_core::OnFailure::Keep);
}

#[tokio::test(start_paused = true)]
async fn a_watched_run_looks_like_ones_own() {
    let beats = || {
        vec![
            started("volsync.restore", false),
            step(1, "Look at `plex`", 0),
            Beat::Wait(2000),
            done(1, "23 snapshots"),
            event(
                json!({"event": "asked", "question": 1, "text": "Overwrite the volume of `plex`?", "facts": []}),
            ),
            step(4, "Hold the app", 0),
            resumed("finish"),
            step(4, "Hold the app", 0),
            done(4, ""),
            finished(&json!({"snapshot": "1a2b3c4d"}), 0),
        ]
    };
    assert_snapshot!(
        "follow",
        after_a_cut("agent runs follow last")
            .plays(beats())
            .shoot()
            .await
    );
    assert_snapshot!(
        "follow_quiet",
        after_a_cut("agent runs follow last -q")
            .plays(beats())
            .shoot()
            .await
    );
    assert_snapshot!(
        "follow_json",
        after_a_cut("agent runs follow last -o json")
            .plays(beats())
            .shoot()
            .await
    );
    let mut screen = beats();
    screen.insert(9, Beat::Look);
    screen.insert(8, Beat::Look);
    screen.insert(3, Beat::Look);
    assert_snapshot!(
        "follow_on_a_screen",
        after_a_cut("agent runs follow last")
            .screen(60, "")
            .plays(screen)
            .shoot()
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn watching_ends_with_the_exit_code_of_the_run() {
    let failure = json!({"kind": "denied", "code": "cluster.forbidden", "message": "no"});
    let failed = || {
        event(
            json!({"event": "finished", "outcome": {"outcome": "failed", "failure": failure, "put-back": []}}),
        )
    };
    let table = [
        (
            vec![started("volsync.restore", false), finished(&Value::Null, 0)],
            0,
        ),
        (
            vec![started("volsync.restore", false), finished(&Value::Null, 2)],
            1,
        ),
        (vec![started("volsync.restore", false), failed()], 4),
        // It was taken back after its end.
        (
            vec![
                started("volsync.restore", false),
                failed(),
                resumed("undo"),
                undone(json!([]), json!([])),
            ],
            0,
        ),
        // It was taken up again, and cut off once more.
        (
            vec![started("volsync.restore", false), failed(), resumed("undo")],
            1,
        ),
    ];
    for (beats, code) in table {
        let shot = after_a_cut("agent runs follow last")
            .plays(beats)
            .shoot()
            .await;
        assert_eq!(shot.code, code, "{}", shot.stderr);
    }
}

#[tokio::test(start_paused = true)]
async fn watching_a_run_that_was_taken_back_ends_well() {
    let beats = [started("volsync.restore", false), resumed("undo")];
    let shot = scene("agent runs follow last")
        .remembers([gone()])
        .plays(beats)
        .shoot()
        .await;
    assert_eq!(shot.code, 0, "{}", shot.stderr);
    assert!(!shot.stderr.contains("cut off"), "{}", shot.stderr);
}

#[tokio::test(start_paused = true)]
async fn watching_a_run_that_was_cut_off_says_so() {
    let beats = [
        started("volsync.restore", false),
        step(1, "Look at `plex`", 0),
    ];
    assert_snapshot!(
        after_a_cut("agent runs follow last")
            .plays(beats)
            .shoot()
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_the_watching_and_not_the_run() {
    let beats = [
        started("volsync.restore", false),
        step(1, "Look at `plex`", 0),
        Beat::Interrupt,
        Beat::Wait(60_000),
        finished(&Value::Null, 0),
    ];
    let shot = after_a_cut("agent runs follow last")
        .plays(beats)
        .shoot()
        .await;
    assert_snapshot!(shot);
    assert!(shot.controls.is_empty());
}

#[tokio::test(start_paused = true)]
async fn resume_of_a_run_that_is_over_says_how_it_ended() {
    for (name, said, code) in [
        (
            "goodaaaa",
            "run goodaaaa has come to its end, and nothing is left to do: done, exit code 0\nHint: agent runs show goodaaaa\n",
            0,
        ),
        (
            "goneaaaa",
            "run goneaaaa has come to its end, and nothing is left to do: undone, exit code 0\nHint: agent runs show goneaaaa\n",
            0,
        ),
    ] {
        let shot = scene(&format!("agent resume {name} -y"))
            .remembers(super::remembering::all())
            .shoot()
            .await;
        assert_eq!((shot.stderr.as_str(), shot.code), (said, code));
        assert_eq!(shot.taken_up.len(), 0);
    }
    let shot = scene("agent resume goodaaaa -y -o json")
        .remembers(super::remembering::all())
        .shoot()
        .await;
    let last: Value = serde_json::from_str(&shot.stdout).expect("an event");
    assert_eq!(last["outcome"]["outcome"], "done", "{shot}");
}

#[tokio::test(start_paused = true)]
async fn run_to_which_somebody_said_no_is_listed_as_declined() {
    let record = super::past::run("declined", 300, Vec::new());
    let record = super::past::ended(record, agent_core::record::State::Failed, 4, 0, 3);
    for line in ["agent runs", "agent runs show last"] {
        let shot = scene(line).remembers([record.clone()]).shoot().await;
        assert!(shot.stdout.contains("  declined"), "{shot}");
        assert!(!shot.stdout.contains("failed"), "{shot}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_put_back_for_one_reason_is_said_once() {
    let stuck = back("replicationsources media/plex", Some(unreachable()));
    let other = back("deployments media/plex", Some(unreachable()));
    let beats = [
        resumed("undo"),
        undone(json!([stuck, other, stuck, stuck]), json!([])),
    ];
    let shot = after_a_cut("agent undo last --yes")
        .plays(beats)
        .shoot()
        .await;
    assert_eq!(shot.stdout.matches("✗").count(), 2, "{shot}");
    assert!(
        shot.stdout
            .contains("✗ replicationsources media/plex (3 changes): the API server"),
        "{shot}"
    );
    assert!(shot.stderr.contains("still holds 4 changes"), "{shot}");
}

#[tokio::test(start_paused = true)]
async fn facts_of_the_agents_own_question_do_not_stand_behind_the_margin() {
    let facts = json!([[
        "will put back",
        "deployments media/plex: spec.replicas, spec.template.metadata.annotations"
    ]]);
    let ask = || {
        event(
            json!({"event": "asked", "question": 3, "text": "take run cutoffaa back?", "facts": facts}),
        )
    };
    let shot = after_a_cut("agent undo last")
        .screen(40, "n\n")
        .plays([
            resumed("undo"),
            ask(),
            Beat::Listen,
            undone(json!([]), json!([])),
        ])
        .shoot()
        .await;
    assert!(!shot.stderr.contains('│'), "{shot}");
    assert!(
        shot.stderr.contains("\n  will put back  deployments"),
        "{shot}"
    );
}

#[tokio::test(start_paused = true)]
async fn resume_with_nothing_to_do_does_not_speak_of_putting_back() {
    let nothing = [resumed("finish"), undone(json!([]), json!([]))];
    let shot = after_a_cut("agent resume last --yes").plays(nothing);
    let shot = shot.shoot().await;
    assert_eq!(shot.code, 0, "{shot}");
    assert!(shot.stderr.contains("nothing is left to do"), "{shot}");
    assert!(!shot.stderr.contains("put back"), "{shot}");
}
