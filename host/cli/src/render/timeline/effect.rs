//! The changes of a run: what they were, and what became of each.

use agent_core::failure::OVERWRITTEN;
use agent_core::journal::{Entry, Intent};
use agent_core::record::{InDoubt, Record, RecordedEffect, Settled, State};
use agent_core::{Outcome, UndoReport, Verb};
use jiff::Timestamp;

use super::Timeline;
use super::line::Mark;
use crate::clean;
use crate::render::change;
use crate::render::words::changes;

impl Timeline<'_> {
    /// A creation that is tried again is announced again, and stays where it was announced first.
    pub(super) fn change(&mut self, at: Timestamp, intent: &Intent) {
        let effect = &intent.effect;
        if self.shown.contains(&effect.number) {
            return;
        }
        self.shown.push(effect.number);
        let recorded = self
            .recorded_effects
            .iter()
            .find(|recorded| recorded.effect().number == effect.number);
        let (settled, fate) = recorded.map_or((Settled::InDoubt, ""), |recorded| {
            (recorded.settled, self.fate(recorded))
        });
        let text = format!("{} {}", done(&effect.verb, settled), change::target(effect));
        let why = self.refusal(effect.number).unwrap_or_default();
        let by = if effect.by == self.record.summary.operation {
            String::new()
        } else {
            format!("by {}", clean::line(effect.by.as_str()))
        };
        let details = change::fields(effect, self.verbose);
        let held = recorded.is_some_and(RecordedEffect::is_held);
        let line = self.say(at, Mark::None, &text);
        line.warns = held || settled == Settled::InDoubt;
        line.extras = vec![by, fate.to_owned(), why];
        line.details = details;
    }

    /// Returns what became of a temporary change.
    fn fate(&self, recorded: &RecordedEffect) -> &'static str {
        match (recorded.put_back, recorded.kept) {
            (true, _) => "put back",
            (_, true) => "kept",
            _ if !recorded.is_held() => "",
            _ if self.record.summary.state == State::Running => "held",
            _ => "still held",
        }
    }

    /// Returns why a change did not happen, or perhaps did not.
    fn refusal(&self, number: u64) -> Option<String> {
        let results = self.record.entries.iter().rev();
        results
            .filter_map(|noted| match &noted.entry {
                Entry::Result {
                    number: of,
                    failure,
                    ..
                } if *of == number => Some(failure.as_ref()),
                _ => None,
            })
            .next()?
            .map(|failure| clean::line(&failure.message))
    }

    pub(super) fn undone(&mut self, at: Timestamp, left: u64, outcome: Option<&Outcome>) {
        let stays: Vec<String> = self
            .recorded_effects
            .iter()
            .filter(|recorded| recorded.stands() && recorded.undo.is_none())
            .map(|recorded| {
                let done = recorded.effect().verb.done();
                format!(
                    "{} was {done}, and stays so",
                    change::target(recorded.effect())
                )
            })
            .collect();
        for text in stays {
            self.say(at, Mark::None, &text).warns = true;
        }
        let given_up = given_up(outcome);
        if left == 0 && given_up > 0 {
            let text = format!(
                "given up: what could not be put back stays as it is, {}",
                changes(given_up)
            );
            self.say(at, Mark::Bad, &text);
        } else if left == 0 {
            self.say(at, Mark::Good, "taken back");
        } else {
            let text = format!("taken back, but {} could not be", changes(left));
            self.say(at, Mark::Bad, &text);
        }
    }
}

/// Returns how many changes could not be put back. What was overwritten for good is none: nobody held it.
fn given_up(outcome: Option<&Outcome>) -> u64 {
    let Some(Outcome::Undone { put_back, .. }) = outcome else {
        return 0;
    };
    let stuck = |one: &&UndoReport| {
        let failure = one.failure.as_ref();
        failure.is_some_and(|why| why.code != OVERWRITTEN)
    };
    u64::try_from(put_back.iter().filter(stuck).count()).unwrap_or(u64::MAX)
}

/// Returns where the record of a run that was cut off ends, and what is not known therefore.
pub(super) fn in_doubt(record: &Record) -> Vec<String> {
    let in_doubt = record.in_doubt();
    if in_doubt.is_empty() {
        let mut ends =
            vec!["the record ends outside any change, and none is made before it is on record"];
        if record
            .recorded_effects()
            .iter()
            .any(RecordedEffect::is_held)
        {
            // Where there was no room for that, it was put back all the same.
            ends.push("whether what it holds still stands is looked up when the run is taken up");
        }
        return ends.into_iter().map(str::to_owned).collect();
    }
    let begun = in_doubt.iter().map(|one| match one {
        InDoubt::Change(effect) => {
            let (verb, target) = (effect.verb.as_str(), change::target(effect));
            format!("the record ends in the middle of: {verb} {target}")
        }
        InDoubt::PutBack(effect) => {
            let target = change::target(effect);
            format!("the record ends in the middle of: put back {target}")
        }
    });
    let unknown = match in_doubt.len() {
        1 => "whether it happened is looked up when the run is taken up",
        _ => "which of them happened is looked up when the run is taken up",
    };
    begun.chain([unknown.to_owned()]).collect()
}

fn done(verb: &Verb, settled: Settled) -> String {
    match settled {
        Settled::Applied => verb.done(),
        Settled::Rejected => format!("not {}", verb.done()),
        Settled::InDoubt => format!("perhaps {}", verb.done()),
    }
}
