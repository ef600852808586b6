//! `agent __complete INDEX -- WORDS…`: what a shell asks when somebody presses Tab.
//!
//! Whatever goes wrong, nothing is printed: an error at a prompt is worse than no candidates.

use std::ffi::OsString;
use std::time::Duration;

use agent_core::{Agent, exit};
use clap::Args;

use crate::complete::{Prompt, candidates, join};
use crate::options::Options;
use crate::parse::Split;
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
    prompt: Option<Prompt>,
    /// The words behind the cursor.
    after: Vec<OsString>,
}

impl Words {
    /// Returns the global options of the line that is being written, as far as they can be understood. The word with the cursor is not
    /// finished and says nothing yet.
    pub fn options(&self) -> Options {
        let before = self.prompt.iter().flat_map(Prompt::before);
        let words: Vec<OsString> = before.chain(&self.after).cloned().collect();
        Options::of(Split::of(&words).globals)
    }

    pub(crate) fn may_name_objects(&self) -> bool {
        let prompt = self.prompt.as_ref();
        prompt.is_some_and(|prompt| prompt.operation().is_some())
    }
}

impl From<Arguments> for Words {
    fn from(arguments: Arguments) -> Words {
        let Arguments { index, words } = arguments;
        let after = words.get(index.saturating_add(1)..).unwrap_or_default();
        Words {
            prompt: Prompt::of(&words, index),
            after: join(after).0,
        }
    }
}

pub(crate) async fn execute(words: &Words, agent: &dyn Agent, terminal: &mut Terminal) -> u8 {
    let Some(prompt) = &words.prompt else {
        return exit::DONE;
    };
    if let Ok(found) = tokio::time::timeout(PATIENCE, candidates(prompt, agent)).await {
        for candidate in found {
            terminal.stdout.line(candidate);
        }
    }
    exit::DONE
}
