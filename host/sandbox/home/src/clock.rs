//! Times relative to now, as the API server writes them: UTC, whole seconds.

use jiff::{SignedDuration, Timestamp};

/// The present time of one cluster.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    now: Timestamp,
}

impl Clock {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { now }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    pub(crate) fn minutes_ago(&self, minutes: i64) -> String {
        text(self.now - SignedDuration::from_mins(minutes))
    }

    pub(crate) fn days_ago(&self, days: i64) -> String {
        text(self.now - SignedDuration::from_hours(days * 24 + 5))
    }
}

/// A time with whole seconds, `2026-11-23T06:00:00Z`.
pub(crate) fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
