//! The one trait that the doors know. The local engine implements it, and so will the daemon's client, so that `--remote` is the same
//! command.

use std::fmt;

use async_trait::async_trait;
use futures::channel::mpsc;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::call::{Call, Consent, Goal, OnFailure, Resumption};
use crate::descriptor::{Descriptor, Names};
use crate::event::Event;
use crate::failure::Failure;
use crate::grant::Right;
use crate::id::{Digest, OperationName, PluginId, RunId};
use crate::manifest::Manifest;
use crate::plan::Plan;
use crate::record::{Filter, Pruned, Record, Retention, Summary};
use crate::secret::Secrets;

/// Runs operations.
#[async_trait]
pub trait Agent: Send + Sync {
    /// Returns every plugin that was found, also those that cannot be used, by id.
    ///
    /// # Errors
    /// When the plugins cannot be looked up at all.
    async fn plugins(&self) -> Result<Vec<Plugin>, Failure>;

    /// Returns the plugins among which is the one that has an operation, if there is one. The user's directory is looked into only when none of the others
    /// is it: no file that lies there can be in the way of a bundled one.
    ///
    /// # Errors
    /// When the plugins cannot be looked up at all.
    async fn plugins_for(&self, operation: &OperationName) -> Result<Vec<Plugin>, Failure>;

    /// Returns the plugins that are known without looking into the user's directory, to show runs with; with the operation and the artifact of a run also
    /// that one, if it was kept.
    ///
    /// # Errors
    /// When the plugins cannot be looked up at all.
    async fn plugins_of_runs(
        &self,
        run: Option<(&OperationName, &Digest)>,
    ) -> Result<Vec<Plugin>, Failure>;

    /// Returns why what is remembered of runs cannot be trusted, if that is so. It is told all the same.
    async fn doubt(&self) -> Option<Failure> {
        None
    }

    /// Starts a run. What happens in it comes as events, of which the last is [`Event::Finished`].
    ///
    /// # Errors
    /// Whatever can be known before any guest code runs: an unknown operation, arguments that do not fit, missing grants.
    async fn run(&self, call: Call) -> Result<Run, Failure>;

    /// Returns the values that exist in the world for a parameter, for completion at a prompt.
    ///
    /// # Errors
    /// When they cannot be looked up; a prompt shows nothing then.
    async fn complete(&self, completion: Completion) -> Result<Vec<String>, Failure>;

    /// Notes that a person has been shown what an artifact asks for. Where that cannot be kept, they are told at the grant that they were not.
    async fn inspected(&self, artifact: &Digest);

    /// Grants rights to a plugin: to that artifact, or to the one that is there now.
    ///
    /// # Errors
    /// `not-found` when there is no such plugin; `conflict` (`plugin.other-artifact`) when another artifact is there by now; `unavailable` when the
    /// grant cannot be kept.
    async fn grant(
        &self,
        plugin: &PluginId,
        artifact: Option<&Digest>,
        rights: Vec<Right>,
    ) -> Result<Grantee, Failure>;

    /// Starts a run that does what a plan says and nothing else: an effect that is not in it ends the run, which is taken back then.
    ///
    /// # Errors
    /// As for [`Agent::run`]; `invalid` (`secrets.missing`, `secrets.changed`) when it was planned with others; `conflict` (`plan.outdated`) when an object has changed in what the plan rests on.
    async fn apply(
        &self,
        plan: Plan,
        consent: Consent,
        on_failure: OnFailure,
        secrets: Secrets,
    ) -> Result<Run, Failure>;

    /// Returns the runs that are remembered, newest first.
    ///
    /// # Errors
    /// `unavailable` when the journal cannot be read.
    async fn runs(&self, filter: Filter) -> Result<Vec<Summary>, Failure>;

    /// Returns the record of a run. `run` is its id, the beginning of it that no other run has, or `last`.
    ///
    /// # Errors
    /// `not-found` (`journal.no-such-run`), `invalid` (`journal.ambiguous-run`), `unavailable`.
    async fn record(&self, run: &str) -> Result<Record, Failure>;

    /// Returns the run that is meant as one to take up: then `last` is the newest of which something is left to do or, to take it back, the newest
    /// that has changed anything.
    ///
    /// # Errors
    /// As for [`Agent::record`].
    async fn which(&self, run: &str, to: Goal) -> Result<RunId, Failure>;

    /// Returns the events of a run from its beginning and, while it is at work, as they come, also when another process is at it.
    ///
    /// # Errors
    /// As for [`Agent::record`].
    async fn follow(&self, run: &str) -> Result<BoxStream<'static, Event>, Failure>;

    /// Takes up a run that was cut off or is over, to finish it or to take it back. Its first event is [`Event::Resumed`]. The person is asked
    /// first.
    ///
    /// # Errors
    /// As for [`Agent::record`]; `conflict` (`journal.run-is-live`) while its process is at work; `not-found` (`store.no-artifact`) when the plugin
    /// that it ran is not there any more; `invalid` (`secrets.missing`, `secrets.changed`) when it goes on and was given others.
    async fn resume(&self, run: &str, how: Resumption) -> Result<Run, Failure>;

    /// Forgets runs that are over; without a retention, by the one that is set.
    ///
    /// # Errors
    /// `unavailable` when the journal cannot be written.
    async fn prune(&self, retention: Option<Retention>) -> Result<Pruned, Failure>;
}

/// A plugin that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Plugin {
    /// Where it was found.
    pub origin: Origin,
    /// The SHA-256 of the artifact.
    pub digest: Digest,
    /// Its manifest, descriptor, imports and rights; or why it is refused.
    pub state: State,
    /// Whom it stands in for, because somebody named it: another one of its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_place_of: Option<Origin>,
}

/// Whether a plugin can be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum State {
    /// It can.
    Usable(Box<Usable>),
    /// It cannot, and why.
    Refused {
        /// Why, with what would mend it.
        failure: Failure,
    },
}

/// What is known of a plugin without running it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Usable {
    /// Who it says it is, and what it asks for.
    pub manifest: Manifest,
    /// Its operations.
    pub descriptor: Descriptor,
    /// The interfaces that the component imports, WASI included.
    pub imports: Vec<String>,
    /// The rights that it requests and has.
    pub granted: Vec<Right>,
    /// The rights that it requests and has not; it cannot run before all are granted.
    pub missing: Vec<Right>,
}

/// The artifact that rights were granted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grantee {
    /// Its SHA-256.
    pub artifact: Digest,
    /// All that it has been granted.
    pub rights: Vec<Right>,
    /// Whether a person has been shown what it asks for.
    pub inspected: bool,
    /// Whether it comes with the agent, and so has what it asks for without any grant: nothing was added.
    pub bundled: bool,
}

/// Where a plugin was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", content = "path", rename_all = "kebab-case")]
pub enum Origin {
    /// In the agent itself.
    Bundled,
    /// In the user's plugin directory, by file name.
    Directory(String),
    /// Named on the command line.
    File(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Bundled => f.write_str("bundled"),
            Origin::Directory(path) | Origin::File(path) => f.write_str(path),
        }
    }
}

/// What a prompt wants to know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    /// What the parameter's values name.
    pub names: Names,
    /// The arguments that were given so far.
    pub arguments: Map<String, Value>,
    /// How the value begins.
    pub prefix: String,
}

/// A run under way.
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// What happens. Dropping it does not stop the run.
    pub events: BoxStream<'static, Event>,
    control: mpsc::UnboundedSender<Control>,
}

/// What whoever started a run may say to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Control {
    /// The answer to [`Event::Asked`].
    Answer {
        /// Which question.
        question: u64,
        /// Whether they agree.
        yes: bool,
    },
    /// Stop, and put back what is held.
    Cancel,
}

impl Run {
    /// Joins the two ends of a run that an implementor of [`Agent`] has.
    pub fn new(
        id: RunId,
        events: BoxStream<'static, Event>,
        control: mpsc::UnboundedSender<Control>,
    ) -> Run {
        Run {
            id,
            events,
            control,
        }
    }

    /// Answers a question. An answer to a run that is over is lost, which is harmless.
    pub fn answer(&self, question: u64, yes: bool) {
        self.say(Control::Answer { question, yes });
    }

    /// Asks the run to stop. It ends with [`Event::Finished`] after everything held is put back.
    pub fn cancel(&self) {
        self.say(Control::Cancel);
    }

    fn say(&self, control: Control) {
        // The run may be over already; there is nobody to tell then.
        drop(self.control.unbounded_send(control));
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
