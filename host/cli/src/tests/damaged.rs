//! Runs whose record cannot be read as a whole, and where a record ends that was cut off.

use agent_core::record::{Record, State};
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::past::{entry, intent, put_back, result, run};
use super::remembering;
use super::scene::scene;

/// Something came after its fourth change that nobody can read.
fn damaged() -> Record {
    let mut record = remembering::cut_off();
    record.summary.state = State::Damaged;
    record.damage = vec![
        "entry 9 cannot be read: unknown variant `dreamt`".to_owned(),
        "entry 12 cannot be read: invalid\u{1b}[2J utf-8".to_owned(),
    ];
    record
}

/// Two of its changes were about to be put back, and of one it is known that they were.
fn cut_off_at_its_end() -> Record {
    let back = json!({"target": "kustomizations media/plex", "summary": "spec.suspend is as it was", "left": []});
    let entries: Vec<Value> = vec![
        intent(100, 1),
        result(110, 1),
        intent(200, 2),
        result(210, 2),
        entry(300, json!({"entry": "releasing", "numbers": [2, 1]})),
        put_back(320, 2, back),
    ];
    run("cutoffbb", 60, entries)
}

/// Nothing is open: it had only looked.
fn cut_off_at_once() -> Record {
    run("cutoffcc", 30, Vec::new())
}

#[tokio::test(start_paused = true)]
async fn a_damaged_run_is_listed_and_shown_as_far_as_it_can_be_read() {
    for (name, line) in [
        ("runs", "agent runs --unfinished"),
        ("show", "agent runs show cutoffaa"),
        ("show_json", "agent runs show cutoffaa -o json"),
        ("notice", "agent plugin list"),
    ] {
        let shot = scene(line).remembers([damaged()]).shoot().await;
        assert_snapshot!(format!("damaged_{name}"), shot);
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_that_was_cut_off_says_what_it_ends_in_the_middle_of() {
    for (name, record, wanted) in [
        (
            "cutoffbb",
            cut_off_at_its_end(),
            "the record ends in the middle of: put back scaledobjects media/plex",
        ),
        (
            "cutoffcc",
            cut_off_at_once(),
            "the record ends outside any change, and none is made before it is on record",
        ),
    ] {
        let line = format!("agent runs show {name}");
        let shot = scene(&line).remembers([record]).shoot().await;
        let found = shot
            .stdout
            .lines()
            .filter(|line| line.contains("the record ends"));
        assert_eq!(found.map(str::trim).collect::<Vec<_>>(), [wanted]);
    }
}
