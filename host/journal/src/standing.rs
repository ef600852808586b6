//! What an entry says about how its run stands as a whole.

use agent_core::event::Outcome;
use agent_core::exit;
use agent_core::journal::Entry;
use agent_core::record::State;

/// How a run stands after an entry that changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is over.
    Over {
        /// How it ended.
        state: State,
        /// How many changes are still held.
        held: u64,
        /// The exit code.
        exit: u8,
    },
    /// It is not over any more: until the process that took it up comes to an end, something is left to do.
    Again,
}

impl Standing {
    /// Returns how the run stands after an entry; none when that is as before.
    pub(crate) fn after(entry: &Entry) -> Option<Standing> {
        match entry {
            Entry::Finished { outcome, held } => Some(Standing::Over {
                state: state(outcome),
                held: *held,
                exit: outcome.exit_code(),
            }),
            Entry::Undone { left, outcome } => {
                let given_up = outcome
                    .as_ref()
                    .is_some_and(|it| it.exit_code() != exit::DONE);
                let whole = *left == 0 && !given_up;
                Some(Standing::Over {
                    // What was given up is nowhere put back, whatever is left to do.
                    state: if whole || *left > 0 {
                        State::Undone
                    } else {
                        State::Failed
                    },
                    held: *left,
                    exit: if whole { exit::DONE } else { exit::FAILED },
                })
            }
            Entry::Resumed { .. } => Some(Standing::Again),
            // The plugin's end is not the run's: what it held is put back after it.
            Entry::Ended { .. } => None,
            Entry::Called { .. }
            | Entry::Answered { .. }
            | Entry::Intent(_)
            | Entry::Result { .. }
            | Entry::Releasing { .. }
            | Entry::PutBack { .. }
            | Entry::Kept { .. }
            | Entry::Told { .. } => None,
        }
    }
}

fn state(outcome: &Outcome) -> State {
    match outcome {
        Outcome::Undone { .. } => State::Undone,
        Outcome::Done { .. } if outcome.exit_code() == exit::DONE => State::Done,
        Outcome::Done { .. } | Outcome::Failed { .. } => State::Failed,
    }
}

#[cfg(test)]
mod tests;
