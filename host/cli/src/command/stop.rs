//! Why nothing is run.

use agent_core::{Event, Failure, Outcome};

use crate::options::Output;
use crate::render::json;
use crate::report;
use crate::terminal::Terminal;
use crate::usage::Early;

/// Reports why nothing was started. Who reads JSON gets the last event of a run all the same.
pub(super) fn stop(early: &Early, output: Output, terminal: &mut Terminal) -> u8 {
    let Early::Usage(failure) = early else {
        return early.show(terminal);
    };
    if output == Output::Json {
        json::lines(&[failed(failure)], &mut terminal.stdout);
    }
    report::report(failure, terminal)
}

/// Returns the last event of a run that never began.
fn failed(failure: &Failure) -> Event {
    Event::Finished {
        outcome: Outcome::Failed {
            failure: failure.clone(),
            put_back: Vec::new(),
            held: 0,
        },
    }
}
