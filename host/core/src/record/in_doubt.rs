//! What a record that was cut off ends in the middle of.

use crate::effect::Effect;
use crate::journal::{Entry, Intent};

use super::Noted;

/// Something that was announced and of which the record does not say whether it happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InDoubt<'a> {
    /// A change.
    Change(&'a Effect),
    /// The putting back of a change.
    PutBack(&'a Effect),
}

/// Returns what entries end in the middle of, in the order in which it was announced.
pub(super) fn in_doubt(entries: &[Noted]) -> Vec<InDoubt<'_>> {
    let mut intents: Vec<&Intent> = Vec::new();
    // The places in `intents`, and whether the change is being put back.
    let mut open: Vec<(usize, bool)> = Vec::new();
    for noted in entries {
        let is = |at: usize, number: u64| intents[at].effect.number == number;
        match &noted.entry {
            Entry::Intent(intent) => {
                // A call that is made again announces its change again, some under a number of their own.
                open.retain(|(at, _)| intents[*at].call != intent.call);
                open.push((intents.len(), false));
                intents.push(intent);
            }
            Entry::Result { number, .. } => open.retain(|(at, _)| !is(*at, *number)),
            Entry::Releasing { numbers } => {
                for number in numbers {
                    if let Some(at) = (0..intents.len()).rfind(|at| is(*at, *number)) {
                        open.retain(|(open, _)| *open != at);
                        open.push((at, true));
                    }
                }
            }
            Entry::PutBack { number, .. } | Entry::Kept { number } => {
                open.retain(|(at, _)| !is(*at, *number));
            }
            Entry::Finished { .. } | Entry::Undone { .. } => open.clear(),
            Entry::Called { .. }
            | Entry::Answered { .. }
            | Entry::Ended { .. }
            | Entry::Told { .. }
            | Entry::Resumed { .. } => {}
        }
    }
    let tell = |(at, put_back): (usize, bool)| match (&intents[at].effect, put_back) {
        (effect, true) => InDoubt::PutBack(effect),
        (effect, false) => InDoubt::Change(effect),
    };
    open.into_iter().map(tell).collect()
}
