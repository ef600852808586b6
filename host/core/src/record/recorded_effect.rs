//! What the entries of a record say together about each effect.

use crate::effect::Effect;
use crate::journal::{Entry, Intent};
use crate::undo::Undo;

/// One effect of a run, and all that the record says about it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedEffect {
    /// What was about to happen.
    pub intent: Intent,
    /// What came of it.
    pub settled: Settled,
    /// How it is put back, as far as is known; none for a signal or a deletion.
    pub undo: Option<Undo>,
    /// Whether it was put back.
    pub put_back: bool,
    /// Whether it was made permanent.
    pub kept: bool,
}

/// What came of an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It happened.
    Applied,
    /// It did not happen.
    Rejected,
    /// It is not known: the answer was lost, or the process was gone before it came.
    InDoubt,
}

impl RecordedEffect {
    /// Returns whether it is held: it may have happened, somebody was to put it back, and nobody has.
    pub fn is_held(&self) -> bool {
        self.intent.holder.is_some() && !self.kept && self.stands()
    }

    /// Returns whether it may have happened and was not put back.
    pub fn stands(&self) -> bool {
        self.settled != Settled::Rejected && !self.put_back
    }

    /// Returns whether it may have happened and was no hold, or became none.
    pub fn was_to_last(&self) -> bool {
        self.settled != Settled::Rejected && (self.intent.holder.is_none() || self.kept)
    }

    /// Returns whether others overwrote something, and that was settled: it is no business of whoever takes the run back.
    pub fn is_settled_overwriting(&self) -> bool {
        let compensation = self.undo.as_ref().and_then(Undo::compensation);
        self.kept && compensation.is_some()
    }

    /// Returns whether taking the run back reverts it although it was to stay. What undid something is not undone again.
    pub fn is_revertible(&self) -> bool {
        self.stands()
            && self.undo.is_some()
            && !self.is_settled_overwriting()
            && !self.intent.call.is_compensating()
    }

    /// Returns the effect.
    pub fn effect(&self) -> &Effect {
        &self.intent.effect
    }
}

/// Returns the effects that entries tell of, oldest first.
pub fn recorded_effects<'a>(entries: impl Iterator<Item = &'a Entry>) -> Vec<RecordedEffect> {
    let mut recorded_effects: Vec<RecordedEffect> = Vec::new();
    let find = |recorded_effects: &mut Vec<RecordedEffect>, number: u64| {
        recorded_effects
            .iter()
            .rposition(|recorded| recorded.effect().number == number)
    };
    for entry in entries {
        match entry {
            // A retried creation announces itself again under its number.
            Entry::Intent(intent) => {
                let recorded = RecordedEffect {
                    undo: intent.undo.clone(),
                    intent: intent.clone(),
                    settled: Settled::InDoubt,
                    put_back: false,
                    kept: false,
                };
                match find(&mut recorded_effects, intent.effect.number) {
                    Some(at) => recorded_effects[at] = recorded,
                    None => recorded_effects.push(recorded),
                }
            }
            Entry::Result {
                number,
                failure,
                uncertain,
                undo,
            } => {
                if let Some(at) = find(&mut recorded_effects, *number) {
                    recorded_effects[at].settled = match (failure, uncertain) {
                        (None, _) => Settled::Applied,
                        (Some(_), false) => Settled::Rejected,
                        (Some(_), true) => Settled::InDoubt,
                    };
                    if let Some(undo) = undo {
                        recorded_effects[at].undo = Some(undo.clone());
                    }
                }
            }
            Entry::PutBack { number, take_back } => {
                if let Some(at) = find(&mut recorded_effects, *number) {
                    recorded_effects[at].put_back |= take_back.failure.is_none();
                }
            }
            Entry::Kept { number } => {
                if let Some(at) = find(&mut recorded_effects, *number) {
                    recorded_effects[at].kept = true;
                }
            }
            _ => {}
        }
    }
    recorded_effects
}
