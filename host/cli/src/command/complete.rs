//! `agent __complete INDEX -- WORDS…`: what a shell asks when somebody presses Tab.
//!
//! Whatever goes wrong, nothing is printed: an error at a prompt is worse than no candidates.

use std::ffi::OsString;
use std::time::Duration;

use agent_core::{Agent, exit};
use clap::Args;

use crate::complete::{Prompt, candidates};
use crate::terminal::Terminal;

const PATIENCE: Duration = Duration::from_millis(1500);

/// Print candidates for the word at INDEX
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Which word, counted from 0
    index: usize,
    /// The words of the line, program first
    #[arg(last = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// The words at a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    index: usize,
    words: Vec<OsString>,
}

impl Words {
    /// Returns the words of the line, program first, for whoever wants its global options.
    pub fn line(&self) -> &[OsString] {
        &self.words
    }

    pub(crate) fn may_name_objects(&self) -> bool {
        Prompt::of(&self.words, self.index).is_some_and(|prompt| prompt.operation().is_some())
    }
}

impl From<Arguments> for Words {
    fn from(arguments: Arguments) -> Words {
        Words {
            index: arguments.index,
            words: arguments.words,
        }
    }
}

pub(crate) async fn execute(words: &Words, agent: &dyn Agent, terminal: &mut Terminal) -> u8 {
    let Some(prompt) = Prompt::of(&words.words, words.index) else {
        return exit::DONE;
    };
    if let Ok(found) = tokio::time::timeout(PATIENCE, candidates(&prompt, agent)).await {
        for candidate in found {
            terminal.stdout.line(candidate);
        }
    }
    exit::DONE
}
