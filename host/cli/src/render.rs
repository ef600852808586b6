//! From events to what a person, or a script, reads.
//!
//! Results go to standard output, everything else to standard error. Text of guests and of the cluster passes `clean` on its way, and
//! stands behind the margin of [`margin`].

use agent_core::{Event, Failure, Kind, Operation};
use serde::Serialize;
use serde_json::Value;

use crate::ink::Ink;
use crate::options::{Options, Output};
use crate::terminal::Terminal;

pub(crate) mod change;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod margin;
pub(crate) mod plan;
pub(crate) mod steps;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod timeline;
pub(crate) mod value;
pub(crate) mod width;
pub(crate) mod words;
pub(crate) mod yaml;

/// Returns a thing as the document that scripts read.
pub(crate) fn document(thing: &impl Serialize) -> Result<Value, Failure> {
    serde_json::to_value(thing).map_err(|error| Failure::of(Kind::Internal, "agent.json", &error))
}

/// Draws the events of one run.
pub(crate) enum Renderer {
    /// Each event as a line of JSON.
    Json,
    /// Progress, and the result at the end.
    Human(Box<human::Human>),
}

impl Renderer {
    pub(crate) fn new(
        options: &Options,
        operation: &Operation,
        terminal: &mut Terminal,
    ) -> Renderer {
        match options.output {
            Output::Json => Renderer::Json,
            Output::Table | Output::Yaml => {
                Renderer::Human(Box::new(human::Human::new(options, operation, terminal)))
            }
        }
    }

    /// Draws a run of another time or process.
    pub(crate) fn of_another(
        options: &Options,
        operation: &Operation,
        terminal: &mut Terminal,
    ) -> Renderer {
        match Renderer::new(options, operation, terminal) {
            Renderer::Json => Renderer::Json,
            Renderer::Human(human) => Renderer::Human(Box::new(human.untimed())),
        }
    }

    /// Takes what could not be put back for what is left as it is, and nobody holds any more.
    pub(crate) fn gives_up(&mut self) {
        if let Renderer::Human(human) = self {
            human.gives_up();
        }
    }

    /// Draws an event.
    pub(crate) fn event(&mut self, event: &Event, terminal: &mut Terminal) {
        match self {
            Renderer::Json => json::event(event, terminal),
            Renderer::Human(human) => human.event(event, terminal),
        }
    }

    /// Draws the end of a run to which the person said no before anything was changed.
    pub(crate) fn declined(&mut self, event: &Event, terminal: &mut Terminal) {
        match self {
            Renderer::Json => json::event(event, terminal),
            Renderer::Human(human) => human.declined(terminal),
        }
    }

    /// Moves the spinners. Returns at once when there are none.
    pub(crate) fn tick(&mut self, ink: Ink) {
        if let Renderer::Human(human) = self {
            human.tick(ink);
        }
    }

    /// Returns whether anything moves.
    pub(crate) fn is_live(&self) -> bool {
        matches!(self, Renderer::Human(human) if human.is_live())
    }

    /// Takes the spinners off the screen, to make room for a question or a report.
    pub(crate) fn clear(&mut self) {
        if let Renderer::Human(human) = self {
            human.clear();
        }
    }
}
