//! What a run holds at this moment, as far as its events tell.

use agent_core::effect::Verb;
use agent_core::hint;
use agent_core::{Effect, Event, Mode, Risk, RunId};

use super::Known;
use crate::ink::Tone;
use crate::render::change;
use crate::report;
use crate::terminal::Sink;

/// What was changed and not put back.
#[derive(Debug, Default)]
pub(super) struct Held {
    effects: Vec<Effect>,
    /// Something was changed for good.
    changed: bool,
}

impl Held {
    /// Takes note of an event.
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Changed { effect } if effect.temporary || effect.verb == Verb::Overwrite => {
                self.effects.push(effect.clone())
            }
            Event::Changed { .. } => self.changed = true,
            Event::PutBack(one) if one.failure.is_none() => {
                let newest = self
                    .effects
                    .iter()
                    .rposition(|effect| effect.target.to_string() == one.target);
                if let Some(newest) = newest {
                    self.effects.remove(newest);
                }
            }
            _ => {}
        }
    }

    /// Returns whether nothing is other than before.
    pub(super) fn is_nothing(&self) -> bool {
        self.effects.is_empty() && !self.changed
    }

    /// Says of a run that was stopped at once what it leaves behind, and how it is taken up again.
    pub(super) fn report(&self, run: &RunId, known: &Known<'_>, to: &mut Sink) {
        let looks = known.operation.risk == Risk::Read || known.options.mode() == Mode::Plan;
        let passing = known.options.sandbox;
        let heading = match self.effects.len() {
            _ if passing => "stopped at once, and the simulated cluster with it".to_owned(),
            _ if looks => "stopped at once".to_owned(),
            // What it held before it was taken up is not in its events.
            0 if known.to.is_some() => format!("stopped at once; run {run} can be taken up again"),
            // Something may be on its way all the same.
            0 if !self.changed => format!("stopped at once; no change of run {run} was confirmed"),
            0 => format!("stopped at once; run {run} holds nothing, and can be taken up again"),
            _ => format!("stopped at once; run {run} can be taken up again, and still holds"),
        };
        let heading = to.ink.paint(Tone::Bad, heading);
        to.line(heading);
        if looks || passing {
            return;
        }
        for effect in self.effects.iter().rev() {
            to.line(change::before(effect));
        }
        let remedy = if self.is_nothing() && known.to.is_none() {
            hint!("agent runs show {}", run)
        } else {
            hint!("agent resume {}, or agent undo {}", run, run)
        };
        report::hint(&remedy, to);
    }
}
