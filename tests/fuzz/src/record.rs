//! The record of a run: an entry a line, after the line that says how it began.

use agent_core::journal::Entry;
use agent_core::record::{Noted, Record, RunHeader, Summary, Telling, has_lasted};
use jiff::Timestamp;

pub(crate) fn run(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let Some(begun) = lines
        .next()
        .and_then(|line| serde_json::from_slice::<RunHeader>(line).ok())
    else {
        return;
    };
    let entries: Vec<Noted> = lines
        .filter_map(|line| serde_json::from_slice::<Entry>(line).ok())
        .zip(1..)
        .map(|(entry, number)| noted(entry, number))
        .collect();
    let run = begun.run.as_str();
    assert!(
        run.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "an id is printed as it is"
    );
    has_lasted(&entries);
    let mut telling = Telling::new();
    for one in &entries {
        telling.tell(&one.entry);
    }
    begun.local_locks();
    let record = Record {
        summary: Summary::begun(&begun),
        begun,
        entries,
        damage: Vec::new(),
    };
    record.recorded_effects();
    record.in_doubt();
    record.taken_back();
    record.worked();
    record.has_agreement();
    record.end();
    record.outcome();
    serde_json::to_string(&record).expect("it can be told as JSON");
}

fn noted(entry: Entry, number: u64) -> Noted {
    Noted {
        number,
        at: Timestamp::UNIX_EPOCH,
        entry,
    }
}
