//! The record of a run, as a list of entries that is only ever added to. `journal` keeps it on disk; the gate writes it and, when a run is
//! resumed, is fed from it.
//!
//! What a plugin does is a function of what its host calls answered, so a run that was cut off is finished by starting the plugin again and
//! answering from the record until it ends.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Goal;
use crate::effect::Effect;
use crate::event::{Event, Outcome, UndoReport};
use crate::failure::Failure;
use crate::id::{CallId, Digest, OperationName};
use crate::undo::{Holder, Undo};

/// One thing that happened in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "entry",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
#[expect(
    clippy::large_enum_variant,
    reason = "an entry is written down as soon as it is made, and records are read once"
)]
pub enum Entry {
    /// An operation that was called begins.
    Called {
        /// Where it stands.
        call: CallId,
        /// Which one.
        operation: OperationName,
        /// The artifact that it is in. A resumed run takes the same.
        digest: Digest,
        /// What the plugin's clocks show in the beginning; none in records of old.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<Timestamp>,
    },
    /// A host call came to its end.
    Answered {
        /// Which call.
        call: CallId,
        /// What was asked for. A replay that asks for something else has diverged.
        ask: String,
        /// What the plugin's clocks show from then on.
        at: Timestamp,
        /// What the plugin was told.
        answer: Answer,
    },
    /// An effect is about to happen.
    Intent(Intent),
    /// What came of an effect.
    Result {
        /// The effect's number.
        number: u64,
        /// None when it happened; why when it did not.
        failure: Option<Failure>,
        /// Whether it may have happened all the same, because its answer was lost.
        uncertain: bool,
        /// How it is put back, as far as its answer tells more than the intent did.
        undo: Option<Undo>,
    },
    /// These held effects are about to be put back. Everything before it is on disk then: what led to it must not be asked for again, for it
    /// may not be so any more.
    Releasing {
        /// The effects' numbers.
        numbers: Vec<u64>,
    },
    /// A held effect was put back, or could not be.
    PutBack {
        /// The effect's number.
        number: u64,
        /// What was put back.
        take_back: UndoReport,
    },
    /// A held effect is permanent now.
    Kept {
        /// The effect's number.
        number: u64,
    },
    /// The plugin has come to its end, well or not, or is stopped and will. What is left to do is to put back what is held. The last one counts.
    Ended {
        /// What it returned.
        end: Result<Returned, Failure>,
    },
    /// Whoever watches was told this.
    Told {
        /// The event.
        event: Event,
    },
    /// A process took the run up again.
    Resumed {
        /// On which machine.
        host: String,
        /// As which process.
        process: u32,
        /// Whether to finish the run or to take it back.
        to: Goal,
    },
    /// The run is over.
    Finished {
        /// How it ended.
        outcome: Outcome,
        /// How many changes are still held: those that could not be put back, or were to be kept after a failure.
        held: u64,
    },
    /// The run was taken back after its end.
    Undone {
        /// How many changes could not be put back.
        left: u64,
        /// What came of it, for whoever watches.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome>,
    },
}

/// What an operation returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Returned {
    /// Its result.
    pub value: Value,
    /// How many of the things it worked on failed.
    pub failed: u32,
    /// One sentence for lists of runs and other tools; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
}

/// What a host call told the plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// This.
    Value(Value),
    /// That it failed.
    Failure(Failure),
    /// Something that is secret: the keyed hash of it. A replay asks again, and compares.
    Secret(String),
}

/// An effect that is about to happen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The effect, without the values of Secrets.
    pub effect: Effect,
    /// The call that wished it.
    pub call: CallId,
    /// Who puts it back at the end; none when it is to stay.
    pub holder: Option<Holder>,
    /// How it would be put back; none for a signal or a deletion.
    pub undo: Option<Undo>,
    /// The uid of the object that is deleted.
    pub uid: Option<String>,
    /// Which effect of the plan that is applied it is, from 0; none when no plan is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub planned: Option<u64>,
}

/// What an entry has to survive before the run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Survives {
    /// The end of this process. Costs a write.
    Process,
    /// The loss of power. Costs an fsync, which entries that come at the same time share.
    PowerLoss,
}

/// The record of one run, for writing. Entries keep the order in which they came, also between the two functions: an entry that was written
/// has all those before it on disk.
#[async_trait]
pub trait RunJournal: Send + Sync {
    /// Adds an entry that may be lost, because it can be made again. It goes to disk with the next one that is written, or after a while.
    fn note(&self, entry: Entry);

    /// Adds an entry and returns when it survives.
    ///
    /// # Errors
    /// `unavailable` (`journal.unwritable`) when it cannot be kept; what it announces must not happen then.
    async fn write(&self, entry: Entry, survives: Survives) -> Result<(), Failure>;

    /// Adds the last entry of a run that changed nothing. Nobody waits for it, and neither does whoever closes the record then: should the
    /// process be killed meanwhile, that somebody looked is forgotten.
    fn note_last(&self, entry: Entry);
}
