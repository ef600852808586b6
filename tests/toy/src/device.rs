//! What the lamps hang on.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use agent_core::failure::{Failure, Kind};
use agent_gate::{Pass, WriteError, WritePass};

use crate::{Faults, Levels, lock};

/// What a request meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// It is refused.
    Refused,
    /// It is lost on its way.
    LostBefore,
    /// It is carried out, and its answer is lost.
    LostAfter,
    /// It never arrives, and nobody says so.
    HangsBefore,
    /// It is carried out, and its answer never arrives.
    HangsAfter,
}

/// Lamps, and the turns that were made. Clones are the same lamps.
#[derive(Clone)]
pub struct Device {
    room: Arc<Mutex<Room>>,
    faults: Faults,
}

#[derive(Default)]
struct Room {
    levels: Levels,
    /// The markers of the turns that were made.
    made: BTreeSet<String>,
}

impl Device {
    /// Makes lamps, and says what requests to them meet.
    pub fn new(levels: Levels, faults: Faults) -> Device {
        let room = Room {
            levels,
            made: BTreeSet::new(),
        };
        Device {
            room: Arc::new(Mutex::new(room)),
            faults,
        }
    }

    /// Returns how bright all are.
    pub fn levels(&self) -> Levels {
        lock(&self.room).levels.clone()
    }

    /// Turns a lamp as somebody else would.
    pub fn set(&self, lamp: &str, level: i32) {
        lock(&self.room).levels.insert(lamp.to_owned(), level);
    }

    pub(crate) async fn level(&self, _pass: &Pass, lamp: &str) -> Result<i32, Failure> {
        let level = self.met(|room| room.levels.get(lamp).copied()).await;
        level?.ok_or_else(|| {
            let message = format!("there is no lamp `{lamp}`");
            Failure::new(Kind::NotFound, "toy.no-lamp", message)
        })
    }

    /// Returns whether a turn was made.
    pub(crate) async fn has_made(&self, _pass: &Pass, marker: &str) -> Result<bool, Failure> {
        Ok(self.met(|room| room.made.contains(marker)).await?)
    }

    /// Turns it, under a marker by which the turn is known again.
    pub(crate) async fn turn(
        &self,
        _pass: &WritePass,
        lamp: &str,
        level: i32,
        marker: &str,
    ) -> Result<(), WriteError> {
        self.met(|room| {
            room.made.insert(marker.to_owned());
            room.levels.insert(lamp.to_owned(), level);
        })
        .await
    }

    /// Sends a request.
    async fn met<T>(&self, act: impl FnOnce(&mut Room) -> T) -> Result<T, WriteError> {
        let fault = (self.faults)();
        let lost = |uncertain| WriteError {
            uncertain,
            ..WriteError::surely(Failure::new(
                Kind::Unavailable,
                "toy.away",
                "the lamps do not answer",
            ))
        };
        match fault {
            Fault::None => Ok(act(&mut lock(&self.room))),
            Fault::Refused => Err(WriteError::surely(Failure::new(
                Kind::Failed,
                "toy.refused",
                "the lamps refuse it",
            ))),
            Fault::LostBefore => Err(lost(true)),
            Fault::LostAfter => {
                act(&mut lock(&self.room));
                Err(lost(true))
            }
            Fault::HangsBefore => std::future::pending().await,
            Fault::HangsAfter => {
                act(&mut lock(&self.room));
                std::future::pending().await
            }
        }
    }
}
