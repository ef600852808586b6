use agent_core::call::Goal;
use agent_core::event::UndoReport;
use agent_core::failure::{Failure, Kind};
use serde_json::Value;

use super::*;

fn finished(outcome: Outcome, held: u64) -> Option<Standing> {
    Standing::after(&Entry::Finished { outcome, held })
}

fn over(state: State, held: u64, exit: u8) -> Option<Standing> {
    Some(Standing::Over { state, held, exit })
}

fn done(failed: u64, not_put_back: Vec<UndoReport>) -> Outcome {
    Outcome::Done {
        value: Value::Null,
        failed,
        summary: String::new(),
        not_put_back,
    }
}

fn take_back() -> UndoReport {
    UndoReport {
        number: None,
        target: "deployments media/plex".to_owned(),
        summary: String::new(),
        left: Vec::new(),
        failure: Some(Failure::new(Kind::Denied, "cluster.forbidden", "no")),
    }
}

#[test]
fn run_of_which_a_part_failed_has_failed() {
    assert_eq!(
        finished(done(0, Vec::new()), 0),
        over(State::Done, 0, exit::DONE)
    );
    assert_eq!(
        finished(done(1, Vec::new()), 0),
        over(State::Failed, 0, exit::FAILED)
    );
    let stuck = done(0, vec![take_back()]);
    assert_eq!(finished(stuck, 1), over(State::Failed, 1, exit::FAILED));
}

#[test]
fn run_that_was_put_back_after_a_failure_has_failed() {
    let outcome = Outcome::Failed {
        failure: Failure::new(Kind::Timeout, "cluster.timeout", "it took too long"),
        put_back: vec![take_back()],
        held: 0,
    };
    // Not all of it was: that is not what is undone.
    assert_eq!(finished(outcome, 0), over(State::Failed, 0, exit::FAILED));
}

#[test]
fn run_that_was_taken_back_is_undone_however_that_is_told() {
    let outcome = Outcome::Undone {
        put_back: Vec::new(),
        irreversible: Vec::new(),
    };
    assert_eq!(finished(outcome, 0), over(State::Undone, 0, exit::DONE));
    let undone = |left| {
        Standing::after(&Entry::Undone {
            left,
            outcome: None,
        })
    };
    assert_eq!(undone(0), over(State::Undone, 0, exit::DONE));
    assert_eq!(undone(2), over(State::Undone, 2, exit::FAILED));
}

#[test]
fn run_of_which_something_was_given_up_has_failed() {
    let undone = |left| {
        Standing::after(&Entry::Undone {
            left,
            outcome: Some(Outcome::Undone {
                put_back: vec![take_back()],
                irreversible: Vec::new(),
            }),
        })
    };
    assert_eq!(undone(0), over(State::Failed, 0, exit::FAILED));
    // As long as something is left to do, the next attempt may put it back.
    assert_eq!(undone(1), over(State::Undone, 1, exit::FAILED));
}

#[test]
fn run_that_is_taken_up_is_not_over() {
    let resumed = Entry::Resumed {
        host: "desk".to_owned(),
        process: 7,
        to: Goal::Finish,
    };
    assert_eq!(Standing::after(&resumed), Some(Standing::Again));
}
