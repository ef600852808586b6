//! What a run says to whoever watches it, and what they are asked.

use std::collections::HashMap;
use std::sync::Mutex;

use agent_core::call::Consent;
use agent_core::failure::Failure;
use agent_core::journal::Returned;
use futures::channel::oneshot;

use super::lock;
use crate::outbox::Outbox;

/// So many of the things that were refused are told.
const DENIALS: usize = 20;

/// See the module.
pub(crate) struct Conversation {
    pub(crate) events: Outbox,
    /// How questions are answered.
    pub(crate) consent: Consent,
    questions: Mutex<HashMap<u64, oneshot::Sender<bool>>>,
    /// What the gate has refused, each once, and how often it has refused more.
    denied: Mutex<(Vec<Failure>, usize)>,
}

impl Conversation {
    pub(crate) fn new(consent: Consent, events: Outbox) -> Conversation {
        Conversation {
            events,
            consent,
            questions: Mutex::default(),
            denied: Mutex::default(),
        }
    }

    /// Returns where the answer to a question will come from.
    pub(crate) fn expect(&self, question: u64) -> oneshot::Receiver<bool> {
        let (tx, rx) = oneshot::channel();
        lock(&self.questions).insert(question, tx);
        rx
    }

    pub(crate) fn answer(&self, question: u64, yes: bool) {
        if let Some(tx) = lock(&self.questions).remove(&question) {
            // Whoever asked may have been stopped meanwhile.
            let _ = tx.send(yes);
        }
    }

    /// Writes down what was refused to an operation, to be told in the end.
    pub(crate) fn denied(&self, failure: &Failure) {
        let mut denied = lock(&self.denied);
        let (denied, more) = &mut *denied;
        if denied.iter().any(|it| it.message == failure.message) {
            return;
        }
        match denied.len() < DENIALS {
            true => denied.push(failure.clone()),
            false => *more += 1,
        }
    }

    /// Returns what was refused, but for what the run failed with, and how much more was.
    pub(crate) fn denials(&self, end: &Result<Returned, Failure>) -> Vec<String> {
        let (mut denied, more) = std::mem::take(&mut *lock(&self.denied));
        if let Err(failure) = end {
            let says = |denied: &Failure, text: &String| text.contains(&denied.message);
            let told = |denied: &Failure| {
                let mut texts = std::iter::once(&failure.message).chain(&failure.causes);
                texts.any(|text| says(denied, text))
            };
            denied.retain(|denied| !told(denied));
        }
        let told = denied.into_iter().map(|denied| denied.message);
        let more = (more > 0).then(|| format!("and {more} more"));
        told.chain(more).collect()
    }
}
