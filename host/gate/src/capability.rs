//! What a capability brings to the gate of each run beside its host functions.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use agent_core::failure::Failure;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::{Entry, Gate, Pass, RunMemory, Secrets};

/// What came of putting a held change back, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutBack {
    /// What was done, such as `removed`.
    pub summary: String,
    /// What was left alone because somebody else has changed it since, a sentence each.
    pub left: Vec<String>,
}

impl PutBack {
    /// All of it was put back, or needed nothing. Says how, such as `removed`.
    pub fn done(summary: impl Into<String>) -> PutBack {
        let (summary, left) = (summary.into(), Vec::new());
        PutBack { summary, left }
    }

    /// Nothing was touched. Says why, a sentence each.
    pub fn left_alone(left: Vec<String>) -> PutBack {
        let summary = "is left as it is".to_owned();
        PutBack { summary, left }
    }
}

/// One capability in one run.
pub trait Capability: Any + Send + Sync {
    /// The word for it in rights, targets and records, such as `cluster`.
    fn name(&self) -> &'static str;

    /// Puts one held change back: exactly what it changed, and only where it is still so. The pass allows to write that.
    ///
    /// # Errors
    /// Whatever writing fails with; the entry is held on then.
    fn put_back<'a>(
        &'a self,
        pass: &'a Pass,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<PutBack, Failure>>;

    /// Says in which way a held change is not in place any more; none when it is, or when nobody can tell.
    ///
    /// # Errors
    /// Whatever looking fails with.
    fn lost<'a>(
        &'a self,
        pass: &'a Pass,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>>;

    /// Has a plan see a held change as put back.
    fn imagine_put_back(&self, entry: &Entry) {
        let _ = entry;
    }

    /// Returns what a plan rests on, in words of its own; none when that is nothing. Values that are secret are in it as keyed hashes only.
    fn rests_on(&self, gate: &Gate) -> Option<Value> {
        let _ = gate;
        None
    }

    /// Returns what of that has changed since, a sentence each.
    ///
    /// # Errors
    /// Whatever looking fails with.
    fn changed<'a>(
        &'a self,
        pass: &'a Pass,
        rests_on: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<String>, Failure>> {
        let _ = (pass, rests_on);
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Returns what a guest is told in place of a failure that is about the person's connection and who uses it; none when it is about something else.
    fn without_details(&self, failure: &Failure) -> Option<&'static str> {
        let _ = failure;
        None
    }
}

/// A capability of the host, from which each run gets one of its own.
pub trait Install: Send + Sync {
    /// Makes that of a run.
    fn of_run(&self, run: &RunParts) -> Arc<dyn Capability>;
}

/// What a capability may know of the run that it is for.
pub struct RunParts {
    /// Set once the run is stopped: nothing waits any longer for what is away, but what is put back.
    pub stopped: Arc<AtomicBool>,
    /// What the run masks. What is secret in a connection is learnt here.
    pub secrets: Arc<Secrets>,
    /// What pays for what is kept until the end of the run.
    pub memory: RunMemory,
}
