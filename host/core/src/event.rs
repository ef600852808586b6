//! What happens during a run. These types are the interface between the engine and every door: the terminal draws them, `-o json` prints one
//! a line, the daemon streams them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::Goal;
use crate::descriptor::Risk;
use crate::effect::Effect;
use crate::exit;
use crate::failure::Failure;
use crate::id::{CallId, OperationName, RunId};
use crate::plan::Plan;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Event {
    /// The run began.
    Started {
        /// The run.
        run: RunId,
        /// What it runs.
        operation: OperationName,
        /// Id and version of the plugin.
        plugin: String,
        /// With all defaults filled in.
        arguments: Map<String, Value>,
        /// Whether nothing will be written.
        planning: bool,
    },
    /// A run that was cut off, or that is over, is taken up again.
    Resumed {
        /// The run.
        run: RunId,
        /// What it runs.
        operation: OperationName,
        /// Id and version of the plugin.
        plugin: String,
        /// With all defaults filled in.
        arguments: Map<String, Value>,
        /// Whether it is finished or taken back.
        to: Goal,
    },
    /// A step began.
    StepStarted {
        /// Where it stands in the run.
        step: CallId,
        /// What is being done.
        title: String,
        /// How deep operations have called operations; 0 for the operation that was called for.
        depth: u32,
    },
    /// The line of detail of a step changed.
    StepNoted {
        /// Which step.
        step: CallId,
        /// The new line.
        text: String,
    },
    /// A step came further.
    StepProgressed {
        /// Which step.
        step: CallId,
        /// So much is done.
        done: u64,
        /// Of so much; 0 when that is not known.
        total: u64,
    },
    /// A step ended well.
    StepDone {
        /// Which step.
        step: CallId,
        /// What came of it; may be empty.
        summary: String,
    },
    /// A step was not needed.
    StepSkipped {
        /// Which step.
        step: CallId,
        /// Why.
        reason: String,
    },
    /// A step did not end well.
    StepFailed {
        /// Which step.
        step: CallId,
        /// Why, where the plugin said so; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// The plugin wrote a line.
    Logged {
        /// How much it matters.
        level: Level,
        /// The line, without terminal escapes.
        message: String,
    },
    /// Lines were dropped because the run's log limit is reached.
    LogsDropped {
        /// How many.
        lines: u64,
    },
    /// The person is asked; the run waits for [`crate::agent::Run::answer`].
    Asked {
        /// To be given back with the answer.
        question: u64,
        /// A question for yes or no.
        text: String,
        /// Label and value, in order.
        facts: Vec<(String, String)>,
        /// What has to be typed to agree, instead of yes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        phrase: Option<String>,
        /// Who asks, as the host knows it; none when the host itself asks about the run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Asker>,
        /// What a yes opens, in the host's words, a clause each: `may delete persistentvolumeclaims in media`. Empty when it opens nothing that was
        /// not open before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        opens: Vec<String>,
    },
    /// While planning: a change that would be made.
    Planned {
        /// The change.
        effect: Effect,
    },
    /// While planning: the whole plan, after the last change of it.
    Drawn {
        /// The plan, for a file.
        plan: Box<Plan>,
    },
    /// A change was made.
    Changed {
        /// The change.
        effect: Effect,
    },
    /// What was held is being put back because the run did not end well.
    TakingBack {
        /// Why: the failure that ended the run.
        failure: Failure,
        /// How many changes are still held.
        held: u64,
    },
    /// One change was put back, or could not be.
    PutBack(UndoReport),
    /// The run is over. Always the last event.
    Finished {
        /// How it ended.
        outcome: Outcome,
    },
}

/// The operation that asks something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Asker {
    /// Which one.
    pub operation: OperationName,
    /// Id and version of the plugin that it is in.
    pub plugin: String,
    /// How much harm it can do.
    pub risk: Risk,
}

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// For whoever looks for a fault; shown with `-v`.
    Debug,
    /// For everybody.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}

/// The putting back of one change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct UndoReport {
    /// The number of the effect; none in records of old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// The object, such as `deployments media/plex`.
    pub target: String,
    /// What was put back, such as `spec.replicas is 1 again`.
    pub summary: String,
    /// What was left as it is because somebody else changed it since, a sentence each.
    pub left: Vec<String>,
    /// Why it could not be put back; none when it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "outcome",
    rename_all = "kebab-case",
    rename_all_fields = "kebab-case"
)]
pub enum Outcome {
    /// The operation came to its end.
    Done {
        /// What it gave back.
        value: Value,
        /// How many of the things it worked on failed.
        failed: u64,
        /// What came of it, in one sentence; may be empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        summary: String,
        /// Holds that could not be put back at the end, although the operation succeeded. Empty when all is well.
        not_put_back: Vec<UndoReport>,
    },
    /// The operation did not come to its end.
    Failed {
        /// Why.
        failure: Failure,
        /// What was put back, newest first; empty when nothing had been changed.
        put_back: Vec<UndoReport>,
        /// How many changes are still held, because they were to be kept.
        #[serde(default, skip_serializing_if = "is_zero")]
        held: u64,
    },
    /// The run was taken back after its end.
    Undone {
        /// What was put back, newest first; empty when nothing was left to put back.
        put_back: Vec<UndoReport>,
        /// What cannot be put back, a sentence each, such as an object that was removed.
        irreversible: Vec<String>,
    },
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Outcome {
    /// Returns the exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Outcome::Done {
                failed: 0,
                not_put_back,
                ..
            } if not_put_back.is_empty() => exit::DONE,
            Outcome::Done { .. } => exit::FAILED,
            Outcome::Failed {
                failure,
                put_back,
                held,
            } if put_back.is_empty() || *held > 0 => exit::of(failure),
            // Not all is as before: that must not look like what is undone.
            Outcome::Failed { put_back, .. } if is_stuck(put_back) => exit::FAILED,
            Outcome::Failed { .. } => exit::UNDONE,
            Outcome::Undone { put_back, .. } if is_stuck(put_back) => exit::FAILED,
            Outcome::Undone { .. } => exit::DONE,
        }
    }
}

fn is_stuck(put_back: &[UndoReport]) -> bool {
    put_back.iter().any(|one| one.failure.is_some())
}
