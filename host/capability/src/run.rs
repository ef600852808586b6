//! The run itself: what the person sees of it, what they are asked, and time.

use agent_core::event::Event;
use agent_core::id::CallId;
use agent_core::text::plain;

use agent_gate::Gate;

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
