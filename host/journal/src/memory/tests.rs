use agent_core::call::{Consent, Mode};
use agent_core::effect::Verb;
use agent_core::object::ObjectRef;
use serde_json::Map;

use super::*;

fn call() -> Call {
    Call {
        operation: "flux.suspend".parse().expect("a name"),
        arguments: Map::new(),
        mode: Mode::Perform,
        consent: Consent::Given,
    }
}

fn run(byte: u8) -> RunId {
    RunId::from_random([byte; 8])
}

fn effect(number: u64, temporary: bool) -> Effect {
    Effect {
        number,
        by: "flux.suspend".parse().expect("a name"),
        verb: Verb::Patch,
        target: ObjectRef {
            of: "deployments.v1.apps".parse().expect("a type"),
            namespace: Some("media".to_owned()),
            name: "plex".to_owned(),
        },
        fields: Vec::new(),
        temporary,
        recovery: Verb::Patch.recovery(),
    }
}

fn take_back(failure: Option<Failure>) -> TakeBack {
    TakeBack {
        target: "deployments media/plex".to_owned(),
        summary: "spec.replicas is 1 again".to_owned(),
        left: Vec::new(),
        failure,
    }
}

fn begun(journal: &MemoryJournal, id: &RunId) -> Box<dyn RunJournal> {
    let digest = Digest::from_sha256(&[7; 32]);
    journal.begin(id, &call(), &digest).expect("begins")
}

#[test]
fn intent_without_result_is_unsettled() {
    let journal = MemoryJournal::new();
    let record = begun(&journal, &run(1));
    record.intent(&effect(1, false)).expect("noted");
    record.intent(&effect(2, false)).expect("noted");
    record.result(1, Ok(()));
    let kept = journal.record(&run(1)).expect("there");
    let unsettled: Vec<u64> = kept.unsettled().map(|effect| effect.number).collect();
    assert_eq!(unsettled, [2]);
}

#[test]
fn held_is_what_happened_and_was_neither_put_back_nor_kept_newest_first() {
    let journal = MemoryJournal::new();
    let record = begun(&journal, &run(1));
    for number in 1..=6 {
        record.intent(&effect(number, number != 6)).expect("noted");
    }
    let refused = Failure::new(Kind::Denied, "cluster.forbidden", "no");
    record.result(1, Ok(()));
    record.result(2, Err(&refused));
    for number in 3..=6 {
        record.result(number, Ok(()));
    }
    record.put_back(3, &take_back(None));
    record.put_back(4, &take_back(Some(refused)));
    record.kept(5);
    let held = journal.record(&run(1)).expect("there");
    let numbers: Vec<u64> = held.held().iter().map(|effect| effect.number).collect();
    assert_eq!(numbers, [4, 1]);
}

#[test]
fn one_run_has_one_record() {
    let journal = MemoryJournal::new();
    let _first = begun(&journal, &run(1));
    let digest = Digest::from_sha256(&[7; 32]);
    let second = journal.begin(&run(1), &call(), &digest);
    assert_eq!(second.err().expect("refused").code, "journal.run-exists");
}

#[test]
fn records_of_runs_do_not_mix_and_keep_their_outcome() {
    let journal = MemoryJournal::new();
    let (one, two) = (begun(&journal, &run(1)), begun(&journal, &run(2)));
    one.intent(&effect(1, true)).expect("noted");
    two.finish(&Outcome::Failed {
        failure: Failure::cancelled(),
        put_back: Vec::new(),
    });
    let (one, two) = (journal.record(&run(1)), journal.record(&run(2)));
    assert_eq!(one.as_ref().map(|record| record.entries.len()), Some(1));
    assert_eq!(one.and_then(|record| record.outcome), None);
    let two = two.expect("there");
    assert!(two.entries.is_empty() && two.outcome.is_some());
    assert_eq!(journal.records().len(), 2);
}
