//! What the clocks of a plugin show: when the last of its host calls was answered, which is on record.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// A clock that never goes back: neither when the answers of a batch come in another order than its calls, nor when the host's own clock is set
/// back. So after a batch it shows the same at every replay.
#[derive(Debug)]
pub(super) struct Clock(AtomicI64);

impl Clock {
    pub(super) fn new(at: Timestamp) -> Clock {
        Clock(AtomicI64::new(at.as_microsecond()))
    }

    pub(super) fn advance(&self, to: Timestamp) {
        self.0.fetch_max(to.as_microsecond(), Ordering::Relaxed);
    }

    pub(super) fn shows(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_never_goes_back() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        let clock = Clock::new(at(5));
        for (answered, shown) in [(7, 7), (6, 7), (9, 9), (1, 9)] {
            clock.advance(at(answered));
            assert_eq!(clock.shows(), at(shown));
        }
    }
}
