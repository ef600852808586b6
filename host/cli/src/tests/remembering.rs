//! The runs that are remembered: listed, shown, pruned, and announced when one is not finished.

use agent_core::record::{Record, Retention, State};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::past::{done, ended, entry, intent, put_back, result, run, step, told};
use super::running::{effect, finished, started};
use super::scene::{Scene, scene};

pub(super) fn beginning() -> Vec<Value> {
    vec![
        step(0, 1, "Look at `plex`", 0),
        done(400, 1, "23 snapshots"),
        told(
            450,
            json!({"event": "asked", "question": 1, "text": "Overwrite the volume of `plex`?", "facts": []}),
        ),
        entry(
            1900,
            json!({"entry": "answered", "call": "3", "ask": "confirm", "at": "2026-11-22T06:00:00Z", "answer": {"value": null}}),
        ),
        step(2000, 4, "Hold the app", 0),
        intent(2000, 1),
        result(2020, 1),
        step(2100, 7, "Suspend kustomization media/plex", 1),
        intent(2100, 2),
        told(
            2110,
            json!({"event": "step-noted", "step": "7", "text": "attempt 2"}),
        ),
        result(2120, 2),
        done(2200, 7, ""),
        intent(2300, 3),
        told(
            2310,
            json!({"event": "logged", "level": "warn", "message": "cache is \u{1b}[2Jfull"}),
        ),
    ]
}

/// Cut off in the middle of its third change.
pub(super) fn cut_off() -> Record {
    run("cutoffaa", 300, beginning())
}

/// Cut off, taken up again, failed, and all but one change put back.
fn failed() -> Record {
    let failure = json!({"kind": "timeout", "code": "volsync.restore-failed", "message": "the mover of `plex` did not restore the snapshot in 30m",
        "hint": "kubectl logs -n media job/volsync-dst-plex", "causes": ["the repository is locked"]});
    let back = json!({"target": "deployments media/plex", "summary": "spec.replicas is 1 again", "left": []});
    let left = json!({"target": "kustomizations media/plex", "summary": "spec.suspend is as it was", "left": ["spec.interval was changed by kubectl-edit since"]});
    let stuck = json!({"target": "scaledobjects media/plex", "summary": "", "left": [], "failure": {
        "kind": "unavailable", "code": "cluster.unreachable", "message": "the API server does not answer", "causes": ["connection refused"]}});
    let mut entries = beginning();
    entries.extend([
        entry(290_000, json!({"entry": "resumed", "host": "desk", "process": 4800, "to": "finish"})),
        step(290_000, 1, "Look at `plex`", 0),
        done(290_000, 1, "23 snapshots"),
        step(290_100, 4, "Hold the app", 0),
        intent(290_200, 3),
        result(290_300, 3),
        done(290_400, 4, ""),
        told(290_400, json!({"event": "changed", "effect": super::running::effects()[2]})),
        step(290_500, 9, "Make a safety snapshot", 0),
        told(290_600, json!({"event": "step-skipped", "step": "9", "reason": "the source is broken"})),
        step(290_700, 11, "Restore the snapshot", 0),
        intent(290_800, 4),
        entry(290_900, json!({"entry": "result", "number": 4, "failure": {"kind": "denied", "code": "cluster.forbidden", "message": "no right to create `replicationdestinations`"}, "uncertain": false, "undo": null})),
        told(2_090_000, json!({"event": "step-failed", "step": "11"})),
        entry(2_090_000, json!({"entry": "ended", "end": {"Err": failure}})),
        told(2_090_000, json!({"event": "taking-back", "failure": failure, "held": 3})),
        put_back(2_090_100, 3, back.clone()),
        put_back(2_090_200, 2, left.clone()),
        put_back(2_094_000, 1, stuck.clone()),
        entry(2_094_000, json!({"entry": "finished", "outcome": {"outcome": "failed", "failure": failure, "put-back": [back, left, stuck]}, "held": 1})),
    ]);
    ended(run("failedaa", 90_000, entries), State::Failed, 2094, 1, 6)
}

/// Came to its good end.
fn good() -> Record {
    let outcome = json!({"outcome": "done", "value": {"snapshot": "1a2b3c4d"}, "failed": 0, "not-put-back": []});
    let mut entries = beginning();
    entries.extend([
        result(2400, 3),
        done(2400, 4, ""),
        intent(2500, 4),
        result(2600, 4),
        entry(60_000, json!({"entry": "ended", "end": {"Ok": {"value": {"snapshot": "1a2b3c4d"}, "failed": 0}}})),
        put_back(60_100, 3, json!({"target": "deployments media/plex", "summary": "spec.replicas is 1 again", "left": []})),
        entry(60_200, json!({"entry": "kept", "number": 2})),
        put_back(60_300, 1, json!({"target": "scaledobjects media/plex", "summary": "it runs again", "left": []})),
        entry(67_000, json!({"entry": "finished", "outcome": outcome, "held": 0})),
    ]);
    ended(
        run("goodaaaa", 31_536_000 + 3600, entries),
        State::Done,
        67,
        0,
        0,
    )
}

/// Is at work.
fn running() -> Record {
    let mut record = run("workaaaa", 75, vec![step(0, 1, "Ask Flux", 0)]);
    record.summary.operation = "flux.sync".parse().expect("a name");
    record.summary.arguments =
        serde_json::from_value(json!({"kind": "ks", "all": true})).expect("a map");
    record.summary.state = State::Running;
    record
}

/// Of a plugin that is not there any more, and taken back.
pub(super) fn gone() -> Record {
    let removed = effect(1, "delete", "pods.v1", "plex-0", false, json!([]));
    let entries = vec![
        entry(
            500,
            json!({"entry": "intent", "effect": removed, "call": "1", "holder": null, "undo": null, "uid": "u"}),
        ),
        result(600, 1),
        entry(
            1000,
            json!({"entry": "finished", "outcome": {"outcome": "done", "value": null, "failed": 2, "not-put-back": []}, "held": 0}),
        ),
        entry(
            60_000,
            json!({"entry": "resumed", "host": "laptop", "process": 12, "to": "undo"}),
        ),
        entry(61_000, json!({"entry": "undone", "left": 0})),
    ];
    let mut record = ended(run("goneaaaa", 7200, entries), State::Undone, 61, 0, 0);
    record.summary.operation = "talos.upgrade".parse().expect("a name");
    record.summary.who.user = String::new();
    record
}

pub(super) fn all() -> [Record; 5] {
    [running(), cut_off(), gone(), failed(), good()]
}

fn remembering(line: &str) -> Scene {
    scene(line).remembers(all())
}

#[tokio::test(start_paused = true)]
async fn runs_are_listed_newest_first() {
    assert_snapshot!("runs", remembering("agent runs").shoot().await);
    assert_snapshot!(
        "runs_100",
        remembering("agent runs").screen(100, "").shoot().await
    );
    assert_snapshot!(
        "runs_80",
        remembering("agent runs").screen(80, "").shoot().await
    );
    assert_snapshot!(
        "runs_40",
        remembering("agent runs --unfinished")
            .screen(40, "")
            .shoot()
            .await
    );
    assert_snapshot!(
        "runs_failed_in_colour",
        remembering("agent runs --failed --color always")
            .shoot()
            .await
    );
    assert_snapshot!("runs_json", remembering("agent runs -o json").shoot().await);
    assert_snapshot!(
        "runs_yaml",
        remembering("agent runs --unfinished -o yaml").shoot().await
    );
    let quiet = remembering("agent runs -q").shoot().await;
    assert_eq!(quiet.stdout, remembering("agent runs").shoot().await.stdout);
}

#[tokio::test(start_paused = true)]
async fn a_list_without_runs_says_so() {
    for (line, wanted) in [
        ("agent runs", "no run is remembered\n"),
        (
            "agent runs --failed",
            "no run that is remembered failed or was cut off\n",
        ),
        (
            "agent runs --unfinished",
            "no run is unfinished: nothing is left to do\n",
        ),
        ("agent runs -o json", ""),
    ] {
        let shot = scene(line).shoot().await;
        assert_eq!(
            (shot.stdout.as_str(), shot.stderr.as_str(), shot.code),
            ("", wanted, 0),
            "{line}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_shown_with_all_that_happened_in_order() {
    for name in ["cutoffaa", "failedaa", "goodaaaa", "goneaaaa", "workaaaa"] {
        let shot = remembering(&format!("agent runs show {name}"))
            .shoot()
            .await;
        assert_snapshot!(format!("show_{name}"), shot);
        assert_eq!(shot.code, 0);
    }
    assert_snapshot!(
        "show_verbose",
        remembering("agent runs show good -v").shoot().await
    );
    assert_snapshot!(
        "show_40",
        remembering("agent runs show failed")
            .screen(40, "")
            .shoot()
            .await
    );
    assert_snapshot!(
        "show_in_colour",
        remembering("agent runs show failed --color always")
            .shoot()
            .await
    );
    assert_snapshot!(
        "show_json",
        remembering("agent runs show cutoff -o json").shoot().await
    );
    assert_snapshot!(
        "show_yaml",
        remembering("agent runs show last -o yaml").shoot().await
    );
    for line in ["agent runs show failed", "agent runs show failed -v"] {
        let shot = remembering(line).screen(40, "").shoot().await;
        for line in shot.stdout.lines() {
            let wide = crate::render::width::of(line) > 40;
            assert!(
                !wide || line.split_whitespace().count() <= 2,
                "only one word may be too long: {line}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_cannot_steer_the_terminal() {
    for output in ["table", "yaml", "json"] {
        let mut evil = failed();
        let text = "\u{1b}]0;pwned\u{7}\u{1b}[2Jwiped\r\u{202e}gnp.exe".to_owned();
        evil.summary.who.user.clone_from(&text);
        evil.begun.who.host.clone_from(&text);
        evil.begun.plugin.clone_from(&text);
        evil.begun.locks.push(text.clone());
        evil.begun.call.arguments.insert(text.clone(), json!(text));
        evil.summary
            .arguments
            .insert("name".to_owned(), json!(text));
        for line in ["agent runs", "agent runs show last -v"] {
            let shot = scene(&format!("{line} -o {output}"))
                .remembers([evil.clone()])
                .shoot()
                .await;
            let printed = shot.stdout + &shot.stderr;
            let bad = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!printed.contains(bad), "{line} {output}: {printed:?}");
            assert!(printed.contains("wiped"), "{line} {output}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn runs_that_are_not_found_are_explained() {
    let mut out = String::new();
    for line in [
        "agent runs show nothing",
        "agent runs show g",
        "agent runs follow nothing",
        "agent resume nothing",
        "agent undo nothing -o json",
    ] {
        let shot = remembering(line).shoot().await;
        out.push_str(&format!(
            "$ {line}\n{}{}[exit {}]\n\n",
            shot.stdout, shot.stderr, shot.code
        ));
    }
    assert_snapshot!(out);
}

#[tokio::test(start_paused = true)]
async fn pruning_says_what_is_gone() {
    let table = [
        ("agent runs prune", None),
        ("agent runs prune --days 30", Some((30, u64::MAX))),
        ("agent runs prune --size 50M", Some((u32::MAX, 50 << 20))),
        ("agent runs prune --days 7 --size 4096", Some((7, 4096))),
    ];
    for (line, wanted) in table {
        let shot = scene(line).shoot().await;
        let wanted = wanted.map(|(days, bytes)| Retention { days, bytes });
        assert_eq!(shot.pruned, [wanted], "{line}");
        assert_eq!(
            shot.stdout,
            "12 runs were forgotten; the journal has 1.1M, before it had 3.4M\n"
        );
    }
    let shot = scene("agent runs prune -o json").shoot().await;
    assert_eq!(
        shot.stdout,
        "{\"after\":1200000,\"before\":3600000,\"runs\":12}\n"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unfinished_run_is_announced_before_something_else_begins() {
    let beats = || {
        [
            started("volsync.restore", false),
            finished(&json!({"a": 1}), 0),
        ]
    };
    let restore = "agent run volsync.restore media plex -y";
    let one = || scene(restore).remembers([good(), cut_off()]).plays(beats());
    assert_snapshot!("notice", one().shoot().await);
    assert_snapshot!(
        "notice_of_several",
        remembering("agent plugin list").shoot().await
    );
    assert_snapshot!(
        "notice_of_a_failed_one",
        scene("agent list -o json")
            .remembers([failed()])
            .shoot()
            .await
    );
    assert_snapshot!(
        "notice_in_colour",
        scene("agent plugin list --color always")
            .remembers([cut_off()])
            .shoot()
            .await
    );
    assert!(
        one()
            .shoot()
            .await
            .stderr
            .contains("was cut off 4 minutes ago and still holds 3 changes: agent resume cutoffaa")
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_announced_to_those_who_did_not_ask() {
    for line in [
        "agent run volsync.restore media plex -yq",
        "agent run volsync.restore --help",
        "agent runs",
        "agent runs show good",
        "agent runs prune",
        "agent resume cut -y",
        "agent undo cut -y",
        "agent completions bash",
        "agent __complete 2 -- agent run v",
    ] {
        let beats = [
            started("volsync.restore", false),
            finished(&json!({"a": 1}), 0),
        ];
        let shot = remembering(line).plays(beats).shoot().await;
        assert!(
            !shot.stderr.contains("agent resume"),
            "{line}: {}",
            shot.stderr
        );
    }
    let shot = scene("agent list")
        .remembers([good(), running(), gone()])
        .shoot()
        .await;
    assert_eq!(shot.stderr, "");
}
