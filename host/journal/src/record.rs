//! What a record of one run holds, and the questions that can be asked of it.

use agent_core::call::Call;
use agent_core::effect::Effect;
use agent_core::event::{Outcome, TakeBack};
use agent_core::failure::Failure;
use agent_core::id::{Digest, RunId};
use jiff::Timestamp;

/// One thing that was noted, in the order in which it happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// An effect is about to happen.
    Intent(Effect),
    /// What came of the effect with that number.
    Result {
        /// The effect's number.
        number: u64,
        /// None when it happened; why when it did not.
        failure: Option<Failure>,
    },
    /// A held effect was put back, or could not be.
    PutBack {
        /// The effect's number.
        number: u64,
        /// What was put back.
        take_back: TakeBack,
    },
    /// A held effect is permanent now.
    Kept {
        /// The effect's number.
        number: u64,
    },
}

/// The record of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Which run.
    pub run: RunId,
    /// What was asked for.
    pub call: Call,
    /// The artifact that ran.
    pub plugin: Digest,
    /// When it was opened.
    pub begun: Timestamp,
    /// What happened, oldest first.
    pub entries: Vec<Entry>,
    /// How it ended; none while it runs.
    pub outcome: Option<Outcome>,
}

impl Record {
    /// Returns the effects that were about to happen, oldest first.
    pub fn intents(&self) -> impl Iterator<Item = &Effect> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Intent(effect) => Some(effect),
            _ => None,
        })
    }

    /// Returns the effects of which it is not known whether they happened.
    pub fn unsettled(&self) -> impl Iterator<Item = &Effect> {
        self.intents()
            .filter(|effect| self.result(effect.number).is_none())
    }

    /// Returns the temporary effects that happened and were neither put back nor made permanent, newest first.
    pub fn held(&self) -> Vec<&Effect> {
        let mut held: Vec<&Effect> = self
            .intents()
            .filter(|effect| effect.temporary && self.is_held(effect.number))
            .collect();
        held.reverse();
        held
    }

    /// Returns what came of an effect; none while that is not known.
    pub fn result(&self, number: u64) -> Option<Result<(), &Failure>> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Result {
                number: of,
                failure,
            } if *of == number => Some(failure.as_ref().map_or(Ok(()), Err)),
            _ => None,
        })
    }

    fn is_held(&self, number: u64) -> bool {
        let happened = matches!(self.result(number), Some(Ok(())));
        let over = self.entries.iter().any(|entry| match entry {
            Entry::PutBack {
                number: of,
                take_back,
            } => *of == number && take_back.failure.is_none(),
            Entry::Kept { number: of } => *of == number,
            _ => false,
        });
        happened && !over
    }
}
