//! What was seen and not handed over yet, and how it is handed over.

use std::collections::{BTreeMap, VecDeque};

use agent_core::failure::Failure;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::bindings::ops::cluster::cluster as wit;
use crate::cluster::list::within;
use crate::cluster::sealed::Sealed;

/// One thing that a guest was told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sighting {
    pub(super) query: u32,
    pub(super) sight: Sight,
    pub(super) object: Sealed,
}

/// The cases of the contract, for the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Sight {
    Applied,
    Removed,
    Synced,
    Failed,
}

/// The last state of each object since the last call, in the order of the first sighting.
#[derive(Default)]
pub(super) struct Batch {
    order: VecDeque<(usize, String)>,
    states: BTreeMap<(usize, String), (Sight, Sealed)>,
    pub(super) synced: VecDeque<usize>,
    /// Queries that cannot be watched, and why.
    pub(super) failed: VecDeque<(usize, Failure)>,
    /// What the states take.
    pub(super) bytes: usize,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty() && self.synced.is_empty() && self.failed.is_empty()
    }

    pub(super) fn put(&mut self, index: usize, uid: String, sight: Sight, state: Sealed) {
        let key = (index, uid);
        self.bytes += state.told().len();
        match self.states.insert(key.clone(), (sight, state)) {
            Some((_, before)) => self.bytes -= before.told().len(),
            None => self.order.push_back(key),
        }
    }

    /// Takes out as many events as fit; the rest stays.
    pub(super) fn hand_out(&mut self, limit: usize) -> Result<Vec<Sighting>, Failure> {
        let (mut events, mut bytes) = (Vec::new(), 0);
        while let Some(key) = self.order.pop_front() {
            let Some((sight, state)) = self.states.remove(&key) else {
                continue;
            };
            bytes += state.told().len();
            if bytes > limit && !events.is_empty() {
                self.states.insert(key.clone(), (sight, state));
                self.order.push_front(key);
                return Ok(events);
            }
            self.bytes -= state.told().len();
            within(bytes, limit, "watched objects")?;
            events.push(Sighting {
                query: number(key.0),
                sight,
                object: state,
            });
        }
        events.extend(self.synced.drain(..).map(|index| Sighting {
            query: number(index),
            sight: Sight::Synced,
            object: Sealed::identity(&Value::Null),
        }));
        events.extend(self.failed.drain(..).map(|(index, failure)| Sighting {
            query: number(index),
            sight: Sight::Failed,
            object: Sealed::masked(&json!(failure)),
        }));
        Ok(events)
    }
}

impl Sighting {
    /// Returns the uid of the object; none when the sighting is of none.
    pub(super) fn uid(&self) -> Option<String> {
        let object = self.object.parsed();
        let uid = object.pointer("/metadata/uid").and_then(Value::as_str);
        uid.map(str::to_owned)
    }
}

impl From<Sighting> for wit::WatchEvent {
    fn from(sighting: Sighting) -> wit::WatchEvent {
        wit::WatchEvent {
            query: sighting.query,
            kind: match sighting.sight {
                Sight::Applied => wit::WatchEventKind::Applied,
                Sight::Removed => wit::WatchEventKind::Removed,
                Sight::Synced => wit::WatchEventKind::Synced,
                Sight::Failed => wit::WatchEventKind::Failed,
            },
            object: sighting.object.into_told(),
        }
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}
