//! Candidates for a word at a prompt: from clap's own tree, from descriptors, and from the cluster through the agent.

use std::ffi::OsString;
use std::path::Path;

use agent_core::Agent;
use agent_core::record::{Filter, Summary};
use clap_complete::CompletionCandidate;

use crate::catalog::usable;
use crate::clean;
use crate::operation;
use crate::parse::{Global, Split, clap_command, global};

mod argument;
mod script;

pub(crate) use script::script;

/// The line by which the shell is told to complete the name of a file, which it does best. No candidate begins with a tab.
const FILE: &str = "\tfile";

/// The words of a line, and the one with the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prompt {
    /// The words between the program and the cursor.
    before: Vec<OsString>,
    /// The word with the cursor.
    current: String,
    /// How much of `current` the shell does not replace: bash takes `--output=j` for three words.
    kept: usize,
}

impl Prompt {
    /// Reads the words of a line, program first. None when there is no such word, or it is not UTF-8.
    pub(crate) fn of(words: &[OsString], index: usize) -> Option<Prompt> {
        let mut words = words.get(1..)?.to_vec();
        words.truncate(index);
        if words.len() < index {
            // The cursor is behind the last word.
            words.push(OsString::new());
        }
        let (mut joined, kept) = join(&words);
        let current = joined.pop()?.into_string().ok()?;
        Some(Prompt {
            before: joined,
            current,
            kept,
        })
    }

    /// Returns the words between the program and the cursor.
    pub(crate) fn before(&self) -> &[OsString] {
        &self.before
    }

    /// Returns the operation whose words are being written.
    pub(crate) fn operation(&self) -> Option<String> {
        let split = Split::of(&self.before);
        let [run, operation, ..] = split.rest.as_slice() else {
            return None;
        };
        (run == "run").then(|| operation.to_str().map(str::to_owned))?
    }

    /// Returns whether the word with the cursor is the name of a file.
    fn is_file(&self) -> bool {
        let by_equals = self.current.split_once('=').map(|(name, _)| name);
        let before = || self.before.last().and_then(|word| word.to_str());
        let Some(name) = by_equals.or_else(before) else {
            return false;
        };
        let tree = clap_command();
        let mut command = &tree;
        for word in &Split::of(&self.before).rest {
            command = command.find_subcommand(word).unwrap_or(command);
        }
        let mut known = tree.get_arguments().chain(command.get_arguments());
        known.any(|arg| {
            let long = arg
                .get_long()
                .is_some_and(|long| name == format!("--{long}"));
            long && script::is_file(arg)
        })
    }

    /// Returns whether the word with the cursor belongs to a global option.
    fn is_global_value(&self) -> bool {
        let wants = |word: &OsString| matches!(global(word), Some(Global::WantsValue));
        let by_equals = self.current.contains('=') && global(self.current.as_ref()).is_some();
        by_equals || self.before.last().is_some_and(wants)
    }
}

/// Joins what bash has split. Returns the words, and how much of the last one bash does not replace.
pub(crate) fn join(words: &[OsString]) -> (Vec<OsString>, usize) {
    let mut joined: Vec<OsString> = Vec::new();
    let (mut kept, mut glue) = (0, false);
    for word in words {
        let is_break = word == "=" || word == ":";
        match joined.last_mut().filter(|_| is_break || glue) {
            Some(last) => {
                kept = last.len() + usize::from(is_break);
                last.push(word);
            }
            None => {
                kept = 0;
                joined.push(word.clone());
            }
        }
        glue = is_break;
    }
    (joined, kept)
}

/// A candidate and what it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) value: String,
    pub(crate) help: String,
}

impl Candidate {
    pub(crate) fn new(value: impl Into<String>, help: &str) -> Candidate {
        Candidate {
            value: value.into(),
            help: clean::line(help),
        }
    }
}

/// Returns the lines for the shell: a candidate, and behind a tab what it is.
pub(crate) async fn candidates(prompt: &Prompt, agent: &dyn Agent) -> Vec<String> {
    if prompt.is_file() {
        return vec![FILE.to_owned()];
    }
    let found = find(prompt, agent).await;
    let fits = found
        .into_iter()
        .filter(|candidate| candidate.value.starts_with(&prompt.current))
        .filter(|candidate| clean::line(&candidate.value) == candidate.value);
    fits.map(|candidate| {
        let value = candidate.value.get(prompt.kept..).unwrap_or_default();
        if candidate.help.is_empty() {
            value.to_owned()
        } else {
            format!("{value}\t{}", candidate.help)
        }
    })
    .collect()
}

async fn find(prompt: &Prompt, agent: &dyn Agent) -> Vec<Candidate> {
    let split = Split::of(&prompt.before);
    let rest: Vec<&str> = split.rest.iter().filter_map(|word| word.to_str()).collect();
    let dashed = prompt.current.starts_with('-');
    match rest.as_slice() {
        // `agent run` takes all of them.
        _ if prompt.is_global_value() => {
            let last = prompt.before.last().cloned();
            let words: Vec<OsString> = [OsString::from("run")].into_iter().chain(last).collect();
            from_clap(&words, prompt)
        }
        ["run"] if !dashed => operations(agent).await,
        ["run", operation, words @ ..] => {
            argument::candidates(operation, words, &prompt.current, agent).await
        }
        ["plugin", "inspect" | "grant"] if !dashed => plugins(agent).await,
        ["plugin", "grant", id, ..] if !dashed => {
            let id = id.split_once('@').map_or(*id, |(id, _)| id);
            missing_rights(id, agent).await
        }
        ["resume"] if !dashed => runs(Filter::Unfinished, agent).await,
        ["undo"] | ["runs", "show" | "follow"] if !dashed => runs(Filter::All, agent).await,
        _ => from_clap(&split.rest, prompt),
    }
}

async fn operations(agent: &dyn Agent) -> Vec<Candidate> {
    let plugins = agent.plugins().await.unwrap_or_default();
    let of = |usable: &agent_core::agent::Usable| {
        let name = |operation: &agent_core::Operation| {
            Candidate::new(
                format!("{}.{}", usable.manifest.id, operation.name),
                &operation.summary,
            )
        };
        usable
            .descriptor
            .operations
            .iter()
            .map(name)
            .collect::<Vec<_>>()
    };
    usable(&plugins).flat_map(of).collect()
}

async fn plugins(agent: &dyn Agent) -> Vec<Candidate> {
    let plugins = agent.plugins().await.unwrap_or_default();
    usable(&plugins)
        .map(|usable| Candidate::new(usable.manifest.id.as_str(), &usable.manifest.description))
        .collect()
}

async fn missing_rights(id: &str, agent: &dyn Agent) -> Vec<Candidate> {
    let plugins = agent.plugins().await.unwrap_or_default();
    usable(&plugins)
        .filter(|usable| usable.manifest.id.as_str() == id)
        .flat_map(|usable| &usable.missing)
        .map(|right| Candidate::new(right.to_string(), "not granted yet"))
        .collect()
}

/// Returns the newest runs, with what they are.
async fn runs(filter: Filter, agent: &dyn Agent) -> Vec<Candidate> {
    let runs = agent.runs(filter).await.unwrap_or_default();
    let plugins = agent.plugins_of_runs(None).await.unwrap_or_default();
    let of = |run: &Summary| {
        let call = operation::line(run, &plugins);
        Candidate::new(run.run.as_str(), &format!("{call}, {}", run.state.as_str()))
    };
    let newest = runs.first().map(|newest| Candidate {
        value: "last".to_owned(),
        help: format!("the newest run: {}", of(newest).help),
    });
    // More than a screen can hold help nobody.
    newest
        .filter(|_| filter == Filter::All)
        .into_iter()
        .chain(runs.iter().take(50).map(of))
        .collect()
}

/// Asks clap, for whatever no descriptor knows.
fn from_clap(before: &[OsString], prompt: &Prompt) -> Vec<Candidate> {
    let mut words = vec![OsString::from("agent")];
    words.extend(before.iter().cloned());
    words.push(OsString::from(&prompt.current));
    let index = words.len() - 1;
    let found =
        clap_complete::engine::complete(&mut clap_command(), words, index, Some(Path::new(".")));
    found
        .unwrap_or_default()
        .into_iter()
        .filter(|candidate| !candidate.is_hide_set())
        .filter(|candidate| prompt.current.starts_with('-') || !is_option(candidate))
        .map(|candidate| {
            let help = candidate
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            Candidate::new(candidate.get_value().to_string_lossy(), &help)
        })
        .collect()
}

/// Returns whether a candidate is an option. They are offered to whoever has written a dash.
fn is_option(candidate: &CompletionCandidate) -> bool {
    candidate.get_value().as_encoded_bytes().starts_with(b"-")
}

#[cfg(test)]
mod tests;
