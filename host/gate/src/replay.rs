//! What the record of an earlier process says, by which a run that was cut off comes to where it was.
//!
//! The plugin is started again, and what its calls were told before they are told again. A call of which only intents are on record is
//! performed, knowing of them. Values of Secrets are not on record: they are asked for again, and compared by keyed hash.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use agent_core::effect::Verb;
use agent_core::event::UndoReport;
use agent_core::failure::{Failure, Kind};
use agent_core::id::{CallId, Digest};
use agent_core::journal::{Answer, Entry};
use agent_core::record::{self, RecordedEffect, Settled};
use agent_core::undo::Undo;
use hmac::{Hmac, Mac as _};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use crate::seal::Seal;
use crate::{ledger, plan_guard};

/// See the module. Empty for a run that begins.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    answers: HashMap<CallId, Recorded>,
    /// The effects of calls that were not answered, and that may have happened.
    attempts: HashMap<CallId, Vec<RecordedEffect>>,
    /// The operations that were called.
    called: HashMap<CallId, Called>,
    /// The number of the last call of each operation that was answered.
    last: HashMap<CallId, u64>,
    put_back: BTreeMap<u64, UndoReport>,
    /// The effects that an earlier process had begun to put back.
    released: BTreeSet<u64>,
    /// The calls of which an effect was announced.
    went_out: HashSet<CallId>,
    /// The uids of the objects that were made.
    made: HashSet<String>,
    /// The highest number of an effect.
    highest: u64,
}

/// An operation that was called.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    pub(crate) digest: Digest,
    /// What its clocks showed in the beginning.
    pub(crate) at: Option<Timestamp>,
}

/// What a call was told.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) ask: String,
    pub(crate) at: Timestamp,
    pub(crate) answer: Answer,
}

impl Replay {
    pub(crate) fn new(entries: &[Entry]) -> Replay {
        let mut replay = Replay::default();
        for entry in entries {
            replay.read(entry);
        }
        for recorded in record::recorded_effects(entries.iter()) {
            replay.highest = replay.highest.max(recorded.effect().number);
            if recorded.settled != Settled::Rejected {
                replay.went_out.insert(recorded.intent.call.clone());
            }
            if let (true, Some(Undo::Remove { uid: Some(uid), .. })) =
                (recorded.effect().verb == Verb::CREATE, &recorded.undo)
            {
                replay.made.insert(uid.clone());
            }
            if recorded.stands() && !replay.answers.contains_key(&recorded.intent.call) {
                let call = recorded.intent.call.clone();
                replay.attempts.entry(call).or_default().push(recorded);
            }
        }
        replay
    }

    fn read(&mut self, entry: &Entry) {
        match entry {
            Entry::Answered {
                call,
                ask,
                at,
                answer,
            } => {
                if let Some((caller, number)) = call.split() {
                    let last = self.last.entry(caller).or_default();
                    *last = number.max(*last);
                }
                let (ask, at, answer) = (ask.clone(), *at, answer.clone());
                self.answers
                    .insert(call.clone(), Recorded { ask, at, answer });
            }
            Entry::Called {
                call, digest, at, ..
            } => {
                let (digest, at) = (digest.clone(), *at);
                self.called.insert(call.clone(), Called { digest, at });
            }
            Entry::Releasing { numbers } => self.released.extend(numbers),
            Entry::PutBack { number, take_back } => {
                self.put_back.insert(*number, take_back.clone());
            }
            _ => {}
        }
    }

    /// Returns what a call was told.
    pub(crate) fn answer(&self, call: &CallId) -> Option<&Recorded> {
        self.answers.get(call)
    }

    /// Returns the effects of a call that was not answered.
    pub(crate) fn attempts(&self, call: &CallId) -> &[RecordedEffect] {
        self.attempts.get(call).map_or(&[], Vec::as_slice)
    }

    /// Returns whether an effect of a call was announced by an earlier process.
    pub(crate) fn went_out(&self, call: &CallId) -> bool {
        self.went_out.contains(call)
    }

    /// Returns the uids of the objects that earlier processes have made.
    pub(super) fn made(&self) -> HashSet<String> {
        self.made.clone()
    }

    /// Returns how an operation that was called began.
    pub(crate) fn called(&self, call: &CallId) -> Option<&Called> {
        self.called.get(call)
    }

    /// Returns how often an effect was about to be compensated by earlier processes.
    pub(crate) fn compensated(&self, effect: u64) -> u64 {
        let attempts = (1..).map(|attempt| CallId::compensation(effect, attempt));
        let begun = attempts.take_while(|call| self.called.contains_key(call));
        u64::try_from(begun.count()).unwrap_or(u64::MAX)
    }

    /// Returns whether later calls of the operation that made this one are on record, so that what it tells was told already.
    pub(crate) fn is_past(&self, call: &CallId) -> bool {
        call.split().is_some_and(|(caller, number)| {
            self.last.get(&caller).is_some_and(|last| number < *last)
        })
    }

    /// Returns what was said when an effect was put back by an earlier process.
    pub(crate) fn put_back(&self, number: u64) -> Option<&UndoReport> {
        self.put_back.get(&number)
    }

    /// Returns whether an effect is known to have happened, and the run had not begun to put back that or anything newer. Holds go newest first,
    /// so what is older than one that went is on its way out: Flux, for one, is awake again by then, and may have put it right before us.
    pub(crate) fn is_settled(&self, number: u64) -> bool {
        let attempted = |recorded_effects: &Vec<RecordedEffect>| {
            recorded_effects
                .iter()
                .any(|recorded| recorded.effect().number == number)
        };
        self.released.last().is_none_or(|last| number > *last)
            && !self.attempts.values().any(attempted)
    }

    pub(crate) fn highest(&self) -> u64 {
        self.highest
    }
}

/// Returns what an earlier process has left to be put back, oldest first. With `permanent`, also what was to stay.
pub(super) fn left(entries: &[Entry], permanent: bool, seal: Option<&Seal>) -> Vec<ledger::Entry> {
    let answered: HashSet<&CallId> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Answered { call, .. } => Some(call),
            _ => None,
        })
        .collect();
    // What was overwritten and is settled has been built upon since; only a person can say that it is to go.
    let wanted =
        |recorded: &RecordedEffect| recorded.is_held() || permanent && recorded.is_revertible();
    record::recorded_effects(entries.iter())
        .into_iter()
        .filter(wanted)
        .filter_map(|recorded| {
            let intent = recorded.intent;
            let (number, target) = (intent.effect.number, intent.effect.target);
            let (undo, secret) = match (recorded.undo?, seal) {
                (undo, Some(seal)) => seal.open(undo, number, &target),
                (undo, None) => (undo, false),
            };
            let mut holder = intent.holder.unwrap_or_default();
            // An operation that is over holds nothing itself: it kept what it did not put back.
            holder.own &= !answered.contains(&holder.actor);
            Some(ledger::Entry {
                number,
                holder,
                target,
                undo,
                secret,
            })
        })
        .collect()
}

/// Returns why an earlier process ended the run, if that was because it went beyond its plan.
pub(crate) fn violation(entries: &[Entry]) -> Option<Failure> {
    entries.iter().find_map(|entry| match entry {
        Entry::Ended { end: Err(failure) } if failure.code == plan_guard::VIOLATED => {
            Some(failure.clone())
        }
        _ => None,
    })
}

/// Returns the keyed hash of an answer that must not be on disk.
pub(crate) fn keyed_hash(key: &[u8; 32], answer: &Value) -> String {
    hmac(key, &[answer.to_string().as_bytes()])
}

/// Returns the keyed hash of the value of a secret argument, to the byte.
pub fn hash_of_secret(key: &[u8; 32], name: &str, value: &str) -> String {
    hmac(key, &[name.as_bytes(), b"\0", value.as_bytes()])
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> String {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut hash = Hmac::<Sha256>::new(&block.into());
    parts.iter().for_each(|part| hash.update(part));
    hex::encode(hash.finalize().into_bytes())
}

/// The plugin asked for something else than the run that is resumed.
pub(crate) fn diverged(call: &CallId, before: &str, now: &str) -> Failure {
    let message = format!(
        "the run cannot be resumed: at call {call} the plugin asks for `{now}`, and before it asked for `{before}`"
    );
    Failure::new(Kind::Internal, "run.diverged", message)
}

/// A Secret is not what it was.
pub(crate) fn secret_changed(ask: &str) -> Failure {
    let message = format!(
        "the run cannot be resumed: `{ask}` gives something else than before, so what follows from it is not the same any more"
    );
    Failure::new(Kind::Conflict, "run.secret-changed", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_argument_is_the_same_to_the_byte_or_another_one() {
        let hash = |value: &str| hash_of_secret(&[1; 32], "token", value);
        let alike = [
            ("1e3", "1000.0"),
            ("123456789012345678901234", "123456789012345678901235"),
            (r#"{"a": 1}"#, r#"{"a":1}"#),
            (
                r#"{"metadata":{"resourceVersion":"1"}}"#,
                r#"{"metadata":{"resourceVersion":"2"}}"#,
            ),
        ];
        for (one, other) in alike {
            assert_ne!(hash(one), hash(other));
            assert_eq!(hash(one), hash(one));
        }
        assert_ne!(hash("x"), hash_of_secret(&[1; 32], "pin", "x"));
    }
}
