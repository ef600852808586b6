//! The run itself: what the person sees of it, what they are asked, and time.

use std::fmt;

use agent_core::event::Event;
use agent_core::failure::Failure;
use agent_core::id::CallId;
use agent_core::text::plain;

use agent_gate::{Access, Gate, Request};

/// To let time pass.
struct Sleep;

impl Request for Sleep {
    fn capability(&self) -> &'static str {
        "run"
    }

    fn access(&self) -> Access {
        Access::Wait
    }

    fn allowed(&self, _gate: &Gate) -> Result<(), Failure> {
        Ok(())
    }
}

impl fmt::Display for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sleep")
    }
}

mod host;
mod log;

pub use log::LogBook;

/// A part of the work that a person can follow.
pub struct Step {
    gate: Gate,
    place: CallId,
    /// Nothing is shown of it once it has ended, nor when the run's log had no room for its title.
    shown: bool,
}

impl Step {
    fn begin(gate: &Gate, title: &str, shown: bool) -> Step {
        let step = Step {
            gate: gate.clone(),
            place: gate.next_call(),
            shown,
        };
        let (title, depth) = (plain(title), gate.depth());
        step.tell(|step| Event::StepStarted { step, title, depth });
        step
    }

    fn tell(&self, event: impl FnOnce(CallId) -> Event) {
        if self.shown {
            let event = event(self.place.clone());
            self.gate.tell(&self.gate.here(), event);
        }
    }

    fn end(&mut self, event: impl FnOnce(CallId) -> Event) {
        self.tell(event);
        self.shown = false;
    }
}

impl Step {
    /// Returns the step, unless it has ended.
    fn goes_on(self) -> Option<Step> {
        self.shown.then_some(self)
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let reason = String::new();
        self.end(|step| Event::StepFailed { step, reason });
    }
}
