//! The lines that a guest writes, bounded.

use agent_core::event::{Event, Level};
use agent_core::text::{cut, plain};

use agent_gate::Gate;

/// What an event takes beside its text. A guest that reports without end must come to its end too.
const EVENT: usize = 32;
/// How long a line is at most.
const LINE: usize = 16 << 10;

/// The log of one instance: lines of `run.log`, standard output and standard error share its room with those of all others in the run. Clones are the
/// same log.
#[derive(Clone)]
pub struct LogBook {
    gate: Gate,
}

impl LogBook {
    pub(crate) fn new(gate: Gate) -> LogBook {
        LogBook { gate }
    }

    /// Writes a line as long as there is room; beyond it lines are counted.
    pub fn line(&self, level: Level, message: &str) {
        let message = cut(message, LINE);
        if self.says(message.len()) {
            let message = plain(&message);
            let line = Event::Logged { level, message };
            self.gate.tell(&self.gate.here(), line);
        }
    }

    /// Returns where a text that goes on can be cut, so that no secret is told in two halves.
    pub fn cut(&self, text: &[u8]) -> usize {
        self.gate.secrets().cut(text)
    }

    /// Returns whether there is room for an event that is no line of the log, and takes it.
    pub(crate) fn has_room(&self, text: &str) -> bool {
        self.says(text.len() + EVENT)
    }

    /// A guest waits for whoever does not listen, but not when it is told to stop: then it talks in vain.
    fn says(&self, bytes: usize) -> bool {
        let in_vain = self.gate.is_ahead() && self.gate.stopped().is_err();
        self.gate.say(bytes, in_vain)
    }

    /// Tells how many lines were dropped. The engine calls it when the guest is done.
    pub fn finish(&self) {
        let lines = self.gate.unsaid();
        if lines > 0 {
            self.gate.emit(Event::LogsDropped { lines });
        }
    }
}
