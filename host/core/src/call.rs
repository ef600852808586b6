//! What somebody asks the agent to do.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::id::OperationName;
use crate::secret::Secrets;

/// One request to run an operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The operation.
    pub operation: OperationName,
    /// Its arguments by parameter name. Defaults are filled in by [`crate::arguments::complete`].
    pub arguments: Map<String, Value>,
    /// The values of its secret parameters, which are none of the arguments.
    #[serde(skip)]
    pub secrets: Secrets,
    /// Whether to perform or to plan.
    pub mode: Mode,
    /// What the caller says to questions.
    pub consent: Consent,
    /// What becomes of its temporary changes when it fails.
    #[serde(default, rename = "on-failure")]
    pub on_failure: OnFailure,
}

/// What becomes of a run's temporary changes when it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// They are put back.
    #[default]
    Undo,
    /// They stay, for whoever looks for the fault; `agent undo` puts them back later.
    Keep,
    /// The person is asked; without anybody to ask they are put back.
    Ask,
}

/// Whether effects happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Changes are made.
    Perform,
    /// Changes are proven by the target's dry-run and collected; nothing is written.
    Plan,
}

/// How questions are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// Each question goes to the person as an event and waits for the answer.
    Ask,
    /// The caller agreed beforehand (`--yes`).
    Given,
    /// Nobody can be asked, so the answer is no.
    Withheld,
}

/// What a run that is taken up again is to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// Its end.
    Finish,
    /// The state before it.
    Undo,
}

/// How a run is taken up again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resumption {
    /// What it is to come to.
    pub to: Goal,
    /// How the question whether to do so is answered.
    pub consent: Consent,
    /// Whether what cannot be put back is left as it is, so that the run is over all the same. It is named.
    pub give_up: bool,
    /// Whether what was overwritten stays as it is by now, and the rest is put back: somebody has seen to it.
    pub leave_data: bool,
    /// The values of its secret parameters once more. Only a run that goes on needs them.
    pub secrets: Secrets,
}
