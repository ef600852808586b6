//! A run as the journal remembers it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::{Call, Goal};
use crate::effect::{Effect, Verb};
use crate::event::{Event, Outcome};
use crate::failure::Failure;
use crate::id::{Digest, OperationName, RunId};
use crate::journal::{Answer, Entry, Returned};
use crate::origin::{Cluster, Who};
use crate::plan::Plan;

mod in_doubt;
mod recorded_effect;
mod taken_back;

pub use in_doubt::InDoubt;
pub use recorded_effect::{RecordedEffect, Settled, recorded_effects};

/// What is known of a run when it begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunHeader {
    /// The run.
    pub run: RunId,
    /// What was asked for.
    pub call: Call,
    /// Id and version of the plugin, such as `volsync 0.1.0`.
    pub plugin: String,
    /// The artifact.
    pub digest: Digest,
    /// Who signed the artifact; none for a bundled or unsigned one.
    pub signer: Option<String>,
    /// Who asked, and from where.
    pub who: Who,
    /// Which cluster it works on.
    pub cluster: Cluster,
    /// Where the plugin's random numbers come from: 32 bytes in hexadecimal digits.
    pub seed: String,
    /// The locks that it holds until it is over.
    pub locks: Vec<String>,
    /// The secrets that it was given, as keyed hashes by the names of their parameters. Whoever resumes it gives them again.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// When it began.
    pub at: Timestamp,
    /// The plan that it may not go beyond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Box<Plan>>,
}

impl RunHeader {
    /// Returns the run's locks as they are called on this machine, which may be at work on several clusters.
    pub fn local_locks(&self) -> Vec<String> {
        let of_cluster = |name: &String| match &self.cluster.server {
            Some(server) => format!("{name} at {server}"),
            None => name.clone(),
        };
        self.locks.iter().map(of_cluster).collect()
    }
}

/// An entry, with its place in the record and the time when it was added.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noted {
    /// From 1.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub entry: Entry,
}

/// The whole record of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// How it began.
    pub begun: RunHeader,
    /// How it stands.
    pub summary: Summary,
    /// What happened, oldest first.
    pub entries: Vec<Noted>,
    /// Which entries are there and cannot be read, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<String>,
}

/// A run in one line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Summary {
    /// The run.
    pub run: RunId,
    /// What it runs.
    pub operation: OperationName,
    /// With which arguments.
    pub arguments: Map<String, Value>,
    /// Id and version of the plugin.
    pub plugin: String,
    /// Who asked, and from where.
    pub who: Who,
    /// When it began.
    pub begun: Timestamp,
    /// When it ended; none while it has not.
    pub ended: Option<Timestamp>,
    /// How it stands.
    pub state: State,
    /// How many of its changes are still held although it is over.
    pub held: u64,
    /// Its exit code, once it is over.
    pub exit: Option<u8>,
    /// Whether somebody edited what the journal says of it in one line. This is what its record says, then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub edited: bool,
}

impl Summary {
    /// Returns the summary of a run of which nothing is known but how it began.
    pub fn begun(begun: &RunHeader) -> Summary {
        Summary {
            run: begun.run.clone(),
            operation: begun.call.operation.clone(),
            arguments: begun.call.arguments.clone(),
            plugin: begun.plugin.clone(),
            who: begun.who.clone(),
            begun: begun.at,
            ended: None,
            state: State::Unfinished,
            held: 0,
            exit: None,
            edited: false,
        }
    }
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Its process is at work.
    Running,
    /// Its process is gone, and it did not come to its end.
    Unfinished,
    /// It came to its good end.
    Done,
    /// It failed, or a part of it did.
    Failed,
    /// It was taken back by `agent undo`.
    Undone,
    /// It did not come to its end, or holds something, and its record cannot be read as a whole.
    Damaged,
}

impl State {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Unfinished => "unfinished",
            State::Done => "done",
            State::Failed => "failed",
            State::Undone => "undone",
            State::Damaged => "damaged",
        }
    }
}

impl Summary {
    /// Returns whether something is left to do: the run was cut off, or holds changes although it is over.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Unfinished | State::Damaged)
            || self.state != State::Running && self.held > 0
    }
}

/// Which runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// All that are remembered.
    #[default]
    All,
    /// Those that failed or were cut off.
    Failed,
    /// Those of which something is left to do, see [`Summary::is_open`].
    Unfinished,
}

/// How long runs that are over are remembered. Those of which something is left to do are never forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Retention {
    /// Nothing older than so many days.
    pub days: u32,
    /// The oldest go until the journal has at most so many bytes.
    pub bytes: u64,
}

impl Default for Retention {
    /// What is kept unless somebody says otherwise: a season of runs, in what no disk misses.
    fn default() -> Retention {
        Retention {
            days: 90,
            bytes: 256 << 20,
        }
    }
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Pruned {
    /// So many runs.
    pub runs: u64,
    /// The journal's size before, in bytes.
    pub before: u64,
    /// And after.
    pub after: u64,
}

/// Tells the entries of a record as the events that whoever started the run has seen.
#[derive(Debug, Default)]
pub struct Telling {
    effects: BTreeMap<u64, Effect>,
}

impl Telling {
    /// Makes one that has seen nothing yet.
    pub fn new() -> Telling {
        Telling::default()
    }

    /// Returns the event that an entry was told as. Entries come in their order.
    pub fn tell(&mut self, entry: &Entry) -> Option<Event> {
        match entry {
            Entry::Told { event } => Some(event.clone()),
            Entry::Intent(intent) => {
                let effect = intent.effect.clone();
                self.effects.insert(effect.number, effect);
                None
            }
            Entry::Result {
                number,
                failure: None,
                ..
            } => {
                let effect = self.effects.get(number)?.clone();
                Some(Event::Changed { effect })
            }
            Entry::PutBack { take_back, .. } => Some(Event::PutBack(take_back.clone())),
            Entry::Finished { outcome, .. }
            | Entry::Undone {
                outcome: Some(outcome),
                ..
            } => Some(Event::Finished {
                outcome: outcome.clone(),
            }),
            _ => None,
        }
    }
}

impl Record {
    /// Returns the effects, oldest first.
    pub fn recorded_effects(&self) -> Vec<RecordedEffect> {
        recorded_effects(self.entries.iter().map(|noted| &noted.entry))
    }

    /// Returns the changes that are held, oldest first.
    pub fn held(&self) -> Vec<Effect> {
        let recorded_effects = self.recorded_effects().into_iter();
        let held = recorded_effects.filter(RecordedEffect::is_held);
        held.map(|recorded| recorded.intent.effect).collect()
    }

    /// Returns the changes that stand although nobody is to put them back, oldest first: what a run leaves that did not come to its end. What only asks
    /// a controller to act is none, nor what the run made and removed again, nor what undid something.
    pub fn lasting(&self) -> Vec<RecordedEffect> {
        let recorded_effects = self.recorded_effects();
        let has = |verb: Verb, of: &Effect| {
            let same = |recorded: &&RecordedEffect| {
                recorded.effect().verb == verb && recorded.effect().target == of.target
            };
            recorded_effects
                .iter()
                .filter(same)
                .any(|recorded| recorded.settled != Settled::Rejected)
        };
        let came_and_went = |of: &Effect| {
            let went = has(Verb::DELETE, of) || has(Verb::EVICT, of);
            has(Verb::CREATE, of) && went
        };
        let lasts = |recorded: &&RecordedEffect| {
            recorded.stands()
                && recorded.was_to_last()
                && recorded.effect().verb != Verb::SIGNAL
                && !recorded.intent.call.is_compensating()
                && !came_and_went(recorded.effect())
        };
        recorded_effects.iter().filter(lasts).cloned().collect()
    }

    /// Returns what the record of a run that was cut off ends in the middle of. Each change is on record before it is made, so there is nothing
    /// else of which it is not known whether it happened.
    pub fn in_doubt(&self) -> Vec<InDoubt<'_>> {
        in_doubt::in_doubt(&self.entries)
    }

    /// Returns what taking the run back writes to, in words: each object with the fields of it.
    pub fn taken_back(&self) -> Vec<String> {
        taken_back::sentences(&self.recorded_effects())
    }

    /// Returns whether a question was answered with yes: without that, nothing was destroyed.
    pub fn has_agreement(&self) -> bool {
        has_agreement(&self.entries)
    }

    /// Returns how the run ended; none when it has not.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.entries
            .iter()
            .rev()
            .find_map(|noted| match &noted.entry {
                Entry::Finished { outcome, .. } => Some(outcome),
                _ => None,
            })
    }

    /// Returns whether somebody has begun to take the run back.
    pub fn is_taken_back(&self) -> bool {
        let undone = |noted: &Noted| {
            matches!(
                noted.entry,
                Entry::Resumed { to: Goal::Undo, .. } | Entry::Undone { .. }
            )
        };
        self.entries.iter().any(undone)
    }

    /// Returns what the plugin came to; none when it was cut off.
    pub fn end(&self) -> Option<&Result<Returned, Failure>> {
        let mut entries = self.entries.iter().rev();
        entries.find_map(|noted| match &noted.entry {
            Entry::Ended { end } => Some(end),
            _ => None,
        })
    }

    /// Returns how long processes were at the run: its time without the gaps between a process's last entry and the next one's first.
    pub fn worked(&self) -> SignedDuration {
        let mut last = self.begun.at;
        let mut worked = SignedDuration::ZERO;
        for noted in &self.entries {
            if !matches!(noted.entry, Entry::Resumed { .. }) {
                // A clock that was set back does not make it shorter.
                let step = noted.at.duration_since(last).max(SignedDuration::ZERO);
                worked = worked.saturating_add(step);
            }
            last = noted.at;
        }
        worked
    }
}

/// Returns whether entries tell of something that was to last, or to which the person agreed: what somebody means who takes the last run back. What
/// was only held, such as the Job that lists snapshots, is not.
pub fn has_lasted(entries: &[Noted]) -> bool {
    let recorded_effects = recorded_effects(entries.iter().map(|noted| &noted.entry));
    recorded_effects.iter().any(RecordedEffect::was_to_last) || has_agreement(entries)
}

fn has_agreement(entries: &[Noted]) -> bool {
    let agreed = |noted: &Noted| matches!(&noted.entry, Entry::Answered { ask, answer: Answer::Value(_), .. } if ask == "confirm");
    entries.iter().any(agreed)
}

#[cfg(test)]
mod tests;
