//! The values of Secrets in what people see and in what is on record.

use std::sync::atomic::Ordering;

use agent_core::code;
use agent_core::effect::FieldChange;
use agent_core::event::{Event, Outcome, UndoReport};
use agent_core::failure::Failure;
use agent_core::journal::{Entry, Intent, Returned};
use agent_core::plan::Plan;
use agent_core::undo::{Compensation, Undo};
use serde_json::Value;

use super::Secrets;

impl Secrets {
    /// Returns a value without the values of Secrets, also where they are keys in it.
    pub fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(key, value)| (self.text(key), self.value(value)))
                .collect(),
            value => value,
        }
    }

    /// Returns whether a value of a Secret is anywhere in `value`.
    pub fn is_in(&self, value: &Value) -> bool {
        !self.is_empty()
            && match value {
                Value::String(text) => self.holds(text),
                Value::Array(items) => items.iter().any(|item| self.is_in(item)),
                Value::Object(fields) => fields
                    .iter()
                    .any(|(key, value)| self.holds(key) || self.is_in(value)),
                _ => false,
            }
    }

    /// Returns whether there is nothing to be masked yet.
    pub fn is_empty(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// Returns a failure as it may be shown.
    pub fn failure(&self, failure: Failure) -> Failure {
        if self.is_empty() {
            return failure;
        }
        Failure {
            kind: failure.kind,
            code: if code::is_listed(&failure.code) {
                failure.code
            } else {
                self.text(failure.code)
            },
            message: self.text(failure.message),
            hint: failure
                .hint
                .map(|hint| hint.masked(|text| self.text(text.to_owned()))),
            causes: self.texts(failure.causes),
            retry_after_ms: failure.retry_after_ms,
            details: failure.details.map(|details| {
                let masked = |(key, value)| (self.text(key), self.value(value));
                Box::new(details.into_iter().map(masked).collect())
            }),
        }
    }

    /// Returns the fields of an effect as they may be shown: without the values of Secrets among their values. What names a field is shown as it is, or
    /// nobody could tell what is changed.
    pub fn fields(&self, fields: Vec<FieldChange>) -> Vec<FieldChange> {
        if self.is_empty() {
            return fields;
        }
        let masked = |field: FieldChange| FieldChange {
            path: field.path,
            before: field.before.map(|value| self.leaves(value)),
            after: field.after.map(|value| self.leaves(value)),
        };
        fields.into_iter().map(masked).collect()
    }

    /// Masks values, and no names of fields.
    fn leaves(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Array(items) => items.into_iter().map(|item| self.leaves(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(key, value)| (key, self.leaves(value)))
                .collect(),
            value => value,
        }
    }

    /// Returns what was put back as it may be shown. What it says of fields was made without the values of Secrets, and names them.
    pub(crate) fn take_back(&self, take_back: UndoReport) -> UndoReport {
        UndoReport {
            failure: take_back.failure.map(|failure| self.failure(failure)),
            ..take_back
        }
    }

    /// Returns whether a value of a Secret is among what puts a change back.
    pub(crate) fn is_in_undo(&self, undo: &Undo) -> bool {
        match undo {
            Undo::Fields { fields, .. } => fields.iter().any(|field| {
                let values = field.before.iter().chain(&field.after);
                self.holds(&field.path) || values.into_iter().any(|value| self.is_in(value))
            }),
            Undo::Compensate(compensation) => compensation
                .call
                .as_ref()
                .is_some_and(|call| call.arguments.values().any(|value| self.is_in(value))),
            _ => false,
        }
    }

    /// Masks what a person does by hand. The rest is sealed before where it has to be.
    fn undo(&self, undo: Undo) -> Undo {
        match undo {
            Undo::Compensate(Compensation { call, by_hand }) => Undo::Compensate(Compensation {
                call,
                by_hand: self.text(by_hand),
            }),
            undo => undo,
        }
    }

    /// Returns an event as it may be shown.
    pub(crate) fn event(&self, mut event: Event) -> Event {
        if self.is_empty() {
            return event;
        }
        match &mut event {
            Event::StepStarted { title: text, .. }
            | Event::StepNoted { text, .. }
            | Event::StepDone { summary: text, .. }
            | Event::StepSkipped { reason: text, .. }
            | Event::StepFailed { reason: text, .. }
            | Event::Logged { message: text, .. } => self.mask(text),
            Event::Asked { text, facts, .. } => {
                self.mask(text);
                for (label, value) in facts {
                    self.mask(label);
                    self.mask(value);
                }
            }
            Event::Planned { effect } | Event::Changed { effect } => {
                effect.fields = self.fields(std::mem::take(&mut effect.fields));
            }
            Event::Drawn { plan } => self.plan(plan),
            Event::TakingBack { failure, .. } => *failure = self.failure(failure.clone()),
            Event::PutBack(take_back) => *take_back = self.take_back(take_back.clone()),
            Event::Finished { outcome } => *outcome = self.outcome(outcome.clone()),
            Event::Started { .. }
            | Event::Resumed { .. }
            | Event::StepProgressed { .. }
            | Event::LogsDropped { .. } => {}
        }
        event
    }

    /// Returns an entry as it may be on record. An answer with a secret in it must have become a hash before.
    pub(crate) fn entry(&self, entry: Entry) -> Entry {
        if self.is_empty() {
            return entry;
        }
        match entry {
            Entry::Intent(intent) => Entry::Intent(self.intent(intent)),
            Entry::Result {
                number,
                failure,
                uncertain,
                undo,
            } => Entry::Result {
                number,
                failure: failure.map(|failure| self.failure(failure)),
                uncertain,
                undo: undo.map(|undo| self.undo(undo)),
            },
            Entry::PutBack { number, take_back } => Entry::PutBack {
                number,
                take_back: self.take_back(take_back),
            },
            Entry::Ended { end } => Entry::Ended {
                end: match end {
                    Ok(returned) => Ok(Returned {
                        value: self.value(returned.value),
                        failed: returned.failed,
                        summary: self.text(returned.summary),
                    }),
                    Err(failure) => Err(self.failure(failure)),
                },
            },
            Entry::Told { event } => Entry::Told {
                event: self.event(event),
            },
            Entry::Finished { outcome, held } => Entry::Finished {
                outcome: self.outcome(outcome),
                held,
            },
            Entry::Undone { left, outcome } => Entry::Undone {
                left,
                outcome: outcome.map(|outcome| self.outcome(outcome)),
            },
            // What it asked for is masked where it is known what that is.
            Entry::Answered { .. }
            | Entry::Called { .. }
            | Entry::Releasing { .. }
            | Entry::Kept { .. }
            | Entry::Resumed { .. } => entry,
        }
    }

    fn intent(&self, mut intent: Intent) -> Intent {
        intent.effect.fields = self.fields(intent.effect.fields);
        intent.undo = intent.undo.map(|undo| self.undo(undo));
        intent
    }

    fn outcome(&self, outcome: Outcome) -> Outcome {
        let put_back =
            |all: Vec<UndoReport>| all.into_iter().map(|one| self.take_back(one)).collect();
        match outcome {
            Outcome::Done {
                value,
                failed,
                summary,
                not_put_back,
            } => Outcome::Done {
                value: self.value(value),
                failed,
                summary: self.text(summary),
                not_put_back: put_back(not_put_back),
            },
            Outcome::Failed {
                failure,
                put_back: all,
                held,
            } => Outcome::Failed {
                failure: self.failure(failure),
                put_back: put_back(all),
                held,
            },
            Outcome::Undone {
                put_back: all,
                irreversible,
            } => Outcome::Undone {
                put_back: put_back(all),
                irreversible: self.texts(irreversible),
            },
        }
    }

    fn plan(&self, plan: &mut Plan) {
        for effect in &mut plan.effects {
            effect.fields = self.fields(std::mem::take(&mut effect.fields));
        }
        plan.stand_ins
            .retain(|stand_in| !self.holds(&stand_in.text) && !self.holds(&stand_in.name));
    }

    fn texts(&self, texts: Vec<String>) -> Vec<String> {
        texts.into_iter().map(|text| self.text(text)).collect()
    }

    fn mask(&self, text: &mut String) {
        *text = self.text(std::mem::take(text));
    }
}
