//! Runs that are remembered.

use agent_core::record::{Filter, Record, State, Summary};
use agent_core::{Failure, Kind};
use jiff::tz::{self, TimeZone};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::running::effects;

pub(super) fn now() -> Timestamp {
    "2026-11-25T22:30:00Z".parse().expect("a time")
}

/// Half an hour before midnight in Greenwich, the next day has begun here.
pub(super) fn zone() -> TimeZone {
    TimeZone::fixed(tz::offset(1))
}

/// Returns those that a filter lets through, as the agent does.
pub(super) fn runs(past: &[Record], filter: Filter) -> Vec<Summary> {
    let wanted = |summary: &&Summary| match filter {
        Filter::All => true,
        Filter::Failed => matches!(
            summary.state,
            State::Failed | State::Unfinished | State::Damaged
        ),
        Filter::Unfinished => summary.is_open(),
    };
    let summaries = past.iter().map(|record| &record.summary);
    summaries.filter(wanted).cloned().collect()
}

/// Finds a run by its name, as the agent does.
pub(super) fn find(past: &[Record], name: &str) -> Result<Record, Failure> {
    let fits = |record: &&Record| name == "last" || record.begun.run.as_str().starts_with(name);
    let found: Vec<&Record> = past.iter().filter(fits).collect();
    match found.as_slice() {
        [] => Err(Failure::new(
            Kind::NotFound,
            "journal.no-such-run",
            format!("there is no run `{name}`"),
        )
        .hinted("agent runs")),
        [one] => Ok((*one).clone()),
        [newest, ..] if name == "last" => Ok((*newest).clone()),
        several => {
            let ids: Vec<&str> = several.iter().map(|one| one.begun.run.as_str()).collect();
            Err(Failure::new(
                Kind::Invalid,
                "journal.ambiguous-run",
                format!("`{name}` is the beginning of {} runs", ids.len()),
            )
            .hinted(agent_core::hint!(
                "known: {}",
                agent_core::hint::Names(ids.to_vec())
            )))
        }
    }
}

/// A run of `volsync.restore media plex` that began so many seconds ago.
pub(super) fn run(id: &str, seconds_ago: i64, entries: Vec<Value>) -> Record {
    let begun = now() - SignedDuration::from_secs(seconds_ago);
    let at = |entry: &Value| begun + SignedDuration::from_millis(entry["ms"].as_i64().unwrap_or(0));
    let noted: Vec<Value> = entries
        .iter()
        .enumerate()
        .map(
            |(index, entry)| json!({"number": index + 1, "at": at(entry), "entry": entry["entry"]}),
        )
        .collect();
    let arguments = json!({"namespace": "media", "name": "plex", "no-safety-snapshot": false, "timeout": "30m"});
    let who = json!({"user": "alice", "host": "desk", "door": "terminal", "process": 4711});
    let call = json!({"operation": "volsync.restore", "arguments": arguments, "mode": "perform", "consent": "ask", "on-failure": "undo"});
    let document = json!({
        "begun": {
            "run": id, "call": call, "plugin": "volsync 0.1.0", "digest": format!("sha256:{}", "07".repeat(32)), "signer": null, "who": who,
            "cluster": {"kubeconfig": null, "context": "home", "server": "https://10.0.0.1:6443"}, "seed": "00".repeat(32),
            "locks": ["pvc:media/plex"], "at": begun,
        },
        "summary": {
            "run": id, "operation": "volsync.restore", "arguments": arguments, "plugin": "volsync 0.1.0", "who": who, "begun": begun,
            "ended": null, "state": "unfinished", "held": 0, "exit": null,
        },
        "entries": noted,
    });
    serde_json::from_value(document).expect("a record")
}

/// Sets how a run ended.
pub(super) fn ended(mut record: Record, state: State, after: i64, held: u64, exit: u8) -> Record {
    let summary = &mut record.summary;
    summary.state = state;
    summary.ended = Some(summary.begun + SignedDuration::from_secs(after));
    summary.held = held;
    summary.exit = Some(exit);
    record
}

pub(super) fn told(ms: u64, event: Value) -> Value {
    json!({"ms": ms, "entry": {"entry": "told", "event": event}})
}

pub(super) fn step(ms: u64, number: u64, title: &str, depth: u64) -> Value {
    told(
        ms,
        json!({"event": "step-started", "step": number.to_string(), "title": title, "depth": depth}),
    )
}

pub(super) fn done(ms: u64, number: u64, summary: &str) -> Value {
    told(
        ms,
        json!({"event": "step-done", "step": number.to_string(), "summary": summary}),
    )
}

/// One of the four effects of a restore is about to happen.
pub(super) fn intent(ms: u64, number: usize) -> Value {
    let effect = effects()[number - 1].clone();
    let holder = effect["temporary"]
        .as_bool()
        .expect("a flag")
        .then(|| json!({"actor": "", "own": true, "scope": null}));
    json!({"ms": ms, "entry": {"entry": "intent", "effect": effect, "call": number.to_string(), "holder": holder, "undo": null, "uid": null}})
}

pub(super) fn result(ms: u64, number: usize) -> Value {
    json!({"ms": ms, "entry": {"entry": "result", "number": number, "failure": null, "uncertain": false, "undo": null}})
}

pub(super) fn put_back(ms: u64, number: usize, take_back: Value) -> Value {
    json!({"ms": ms, "entry": {"entry": "put-back", "number": number, "take-back": take_back}})
}

pub(super) fn entry(ms: u64, entry: Value) -> Value {
    json!({"ms": ms, "entry": entry})
}
