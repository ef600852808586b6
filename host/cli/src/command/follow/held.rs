//! What a run holds at this moment, as far as its events tell.

use agent_core::effect::Verb;
use agent_core::hint;
use agent_core::record::{Record, RecordedEffect};
use agent_core::{Effect, Event, Mode, Risk, RunId};

use super::Known;
use crate::ink::Tone;
use crate::render::change;
use crate::render::words::changes;
use crate::report;
use crate::terminal::Sink;

/// So many of the changes that stand are named.
const NAMED: usize = 6;

/// What was changed and not put back.
#[derive(Debug, Default)]
pub(super) struct Held {
    effects: Vec<Effect>,
    /// What was changed for good.
    lasting: Vec<Effect>,
    /// Something was changed for good, or a controller was asked to act.
    changed: bool,
}

impl Held {
    /// Takes note of an event.
    pub(super) fn hear(&mut self, event: &Event) {
        match event {
            Event::Changed { effect } if effect.temporary || effect.verb == Verb::OVERWRITE => {
                self.effects.push(effect.clone())
            }
            Event::Changed { effect } => {
                self.changed = true;
                if effect.verb != Verb::SIGNAL {
                    self.lasting.push(effect.clone());
                }
            }
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

    /// Says of a run that did not come to its end which of its changes stand all the same, for nothing is to put them back.
    pub(super) fn left(
        &self,
        run: &RunId,
        known: &Known<'_>,
        record: Option<&Record>,
        to: &mut Sink,
    ) {
        let (standing, is_revertible) = match record {
            Some(record) => {
                let recorded_effects = record.lasting();
                let is_revertible = recorded_effects.iter().any(RecordedEffect::is_revertible);
                let effects = recorded_effects
                    .into_iter()
                    .map(|recorded| recorded.intent.effect);
                (effects.collect(), is_revertible)
            }
            None => (self.lasting.clone(), false),
        };
        if standing.is_empty() {
            return;
        }
        let count = changes(u64::try_from(standing.len()).unwrap_or(u64::MAX));
        let verb = if standing.len() == 1 {
            "stands"
        } else {
            "stand"
        };
        let heading = format!("{count} of run {run} {verb}:");
        let heading = to.ink.paint(Tone::Warn, heading);
        to.line(heading);
        for effect in standing.iter().rev().take(NAMED) {
            let (done, target) = (effect.verb.done(), change::target(effect));
            to.line(format_args!("  {target} was {done}"));
        }
        let more = standing.len().saturating_sub(NAMED);
        if more > 0 {
            to.line(format_args!("  … and {more} more"));
        }
        if known.options.sandbox {
            return;
        }
        let remedy = match is_revertible {
            true => hint!(
                "agent runs show {}, and agent undo {} takes back what can be",
                run,
                run
            ),
            false => hint!("agent runs show {}", run),
        };
        report::hint(&remedy, to);
    }

    /// Says of a run that was stopped at once what it leaves behind, and that it is to be taken back: the first signal is on record, and nothing goes
    /// on from there. The record knows more than the events, where it can be read: what was settled, and what was held before it was taken up.
    pub(super) fn report(
        &self,
        run: &RunId,
        known: &Known<'_>,
        record: Option<&Record>,
        to: &mut Sink,
    ) {
        let looks = known.operation.risk == Risk::Read || known.options.mode() == Mode::Plan;
        let passing = known.options.sandbox;
        let held = match record {
            Some(record) => record.held(),
            None => self.effects.clone(),
        };
        let heading = match held.len() {
            _ if passing => "stopped at once, and the simulated cluster with it".to_owned(),
            _ if looks => "stopped at once".to_owned(),
            // Something may be on its way all the same.
            0 if self.is_nothing() && known.to.is_none() => {
                format!("stopped at once; no change of run {run} was confirmed")
            }
            0 => format!("stopped at once while run {run} was being taken back"),
            _ => format!("stopped at once while run {run} was being taken back; it still holds"),
        };
        let heading = to.ink.paint(Tone::Bad, heading);
        to.line(heading);
        if looks || passing {
            return;
        }
        for line in lines(&held) {
            to.line(line);
        }
        let remedy = if held.is_empty() && self.is_nothing() && known.to.is_none() {
            hint!("agent runs show {}", run)
        } else {
            hint!("agent undo {}", run)
        };
        report::hint(&remedy, to);
    }
}

/// Returns a line for each held change, newest first. What is older than something that may be half overwritten must not be put back by hand before
/// that is in order: it would start an app on it.
fn lines(held: &[Effect]) -> Vec<String> {
    let mut half = false;
    let newest_first = held.iter().rev();
    let line = |effect: &Effect| {
        let target = change::target(effect);
        if effect.verb == Verb::OVERWRITE {
            half = true;
            return format!("  {target} may be half overwritten: do not start anything on it");
        }
        match half {
            true => format!("  {target} stays as it is until that is undone"),
            false => change::before(effect),
        }
    };
    newest_first.map(line).collect()
}
