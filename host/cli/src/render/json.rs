//! One JSON object a line, and nothing else on standard output. For a run these are the very events that every door gets.

use agent_core::{Event, Outcome};
use serde::Serialize;

use crate::clean;
use crate::report;
use crate::terminal::{Sink, Terminal};

/// Writes an event. A failure is also told to the person.
pub(super) fn event(event: &Event, terminal: &mut Terminal) {
    line(event, &mut terminal.stdout);
    if let Event::Finished {
        outcome: Outcome::Failed { failure, .. },
    } = event
    {
        report::error(failure, &mut terminal.stderr);
    }
}

/// Writes documents.
pub(crate) fn lines(documents: &[impl Serialize], to: &mut Sink) {
    for document in documents {
        line(document, to);
    }
}

fn line(document: &impl Serialize, to: &mut Sink) {
    match serde_json::to_string(document) {
        Ok(text) => to.document(&clean::json(&text)),
        Err(error) => tracing::error!(%error, "writing JSON"),
    }
}
