//! The lines that a guest writes, bounded.

use std::sync::{Arc, Mutex, PoisonError};

use agent_core::event::{Event, Level};
use agent_core::text::plain;

use crate::gate::Gate;

/// What an event takes beside its text. A guest that reports without end must come to its end too.
const EVENT: usize = 32;

/// The log of one instance: lines of `run.log`, standard output and standard error share its room. Clones are the same log.
#[derive(Clone)]
pub struct LogBook {
    gate: Gate,
    room: Arc<Mutex<Room>>,
}

struct Room {
    bytes: usize,
    dropped: u64,
}

impl LogBook {
    pub(crate) fn new(gate: Gate, bytes: usize) -> LogBook {
        LogBook {
            gate,
            room: Arc::new(Mutex::new(Room { bytes, dropped: 0 })),
        }
    }

    /// Writes a line as long as there is room; beyond it lines are counted.
    pub fn line(&self, level: Level, message: &str) {
        if self.with(|room| room.take(message.len())) {
            let message = plain(message);
            let line = Event::Logged { level, message };
            self.gate.tell(&self.gate.here(), line);
        }
    }

    /// Returns where a text that goes on can be cut, so that no secret is told in two halves.
    pub fn cut(&self, text: &[u8]) -> usize {
        self.gate.run.secrets.cut(text)
    }

    /// Returns whether there is room for an event that is no line of the log, and takes it.
    pub(crate) fn has_room(&self, text: &str) -> bool {
        self.with(|room| room.take(text.len() + EVENT))
    }

    /// Tells how many lines were dropped. The engine calls it when the guest is done.
    pub fn finish(&self) {
        let lines = self.with(|room| std::mem::take(&mut room.dropped));
        if lines > 0 {
            self.gate.emit(Event::LogsDropped { lines });
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Room) -> T) -> T {
        act(&mut self.room.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Room {
    fn take(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.bytes;
        if fits {
            self.bytes -= bytes;
        } else {
            self.dropped += 1;
        }
        fits
    }
}
