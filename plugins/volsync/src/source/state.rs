//! How far a synchronisation is, read from a ReplicationSource's status.
//!
//! A status tells of the last synchronisation, whoever asked for it. So every question here is about *our* tag, or compares with what the
//! status was before.

use agent_sdk::jiff::Timestamp;

use super::Source;

/// The state of the synchronisation that a tag asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It has not come to an end.
    Running,
    /// The mover succeeded.
    Succeeded,
    /// The mover failed; VolSync will try again for ever.
    Failed,
    /// Somebody else has changed the tag meanwhile, so this one will never be confirmed.
    Replaced,
    /// The state is from before the tag was set.
    Old,
}

/// What tells two ends of movers apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Before {
    result: Option<String>,
    logs: Option<String>,
    last_sync: Option<String>,
}

impl Source {
    /// Says whether a mover is running, whoever asked for it. While it is, setting a tag would claim its result for that tag.
    pub(crate) fn synchronizing(&self) -> bool {
        self.text("/status/lastSyncStartTime").is_some() || self.reason() == Some("SyncInProgress")
    }

    /// Returns the reason of the condition `Synchronizing`.
    pub(crate) fn reason(&self) -> Option<&str> {
        self.condition()?.get("reason")?.as_str()
    }

    /// Returns the message of the condition `Synchronizing`.
    pub(crate) fn message(&self) -> Option<&str> {
        self.condition()?.get("message")?.as_str()
    }

    fn condition(&self) -> Option<&serde_json::Value> {
        let conditions = self.at("/status/conditions")?.as_array()?;
        conditions
            .iter()
            .find(|condition| condition["type"] == "Synchronizing")
    }

    /// Returns how the last mover ended: `Successful` or `Failed`.
    pub(crate) fn result(&self) -> Option<&str> {
        self.text("/status/latestMoverStatus/result")
    }

    /// Returns what is kept of the last mover's log.
    pub(crate) fn logs(&self) -> &str {
        self.text("/status/latestMoverStatus/logs")
            .unwrap_or_default()
    }

    /// Returns the manual tag that was handled last.
    pub(crate) fn last_manual(&self) -> Option<&str> {
        self.text("/status/lastManualSync")
    }

    /// Returns when the last successful synchronisation ended.
    pub(crate) fn last_sync(&self) -> Option<Timestamp> {
        self.text("/status/lastSyncTime")?.parse().ok()
    }

    /// Returns when the schedule comes next.
    pub(crate) fn next_sync(&self) -> Option<Timestamp> {
        self.text("/status/nextSyncTime")?.parse().ok()
    }

    /// Returns when the running synchronisation began.
    pub(crate) fn started(&self) -> Option<Timestamp> {
        self.text("/status/lastSyncStartTime")?.parse().ok()
    }

    /// Remembers how the last mover ended, so that its end is not taken for that of the next.
    pub(crate) fn before(&self) -> Before {
        Before {
            result: self.result().map(str::to_owned),
            logs: Some(self.logs().to_owned()),
            last_sync: self.text("/status/lastSyncTime").map(str::to_owned),
        }
    }

    /// Says how far the synchronisation with this tag is. `generation` is the one in which the tag was set, on a source at rest: a
    /// synchronisation that confirms it has begun afterwards.
    pub(crate) fn progress(&self, tag: &str, generation: i64, before: &Before) -> Progress {
        if self.generation < generation {
            return Progress::Old;
        }
        if self.last_manual() == Some(tag) {
            return match self.result() {
                Some("Failed") => Progress::Failed,
                _ => Progress::Succeeded,
            };
        }
        if self.manual() != Some(tag) {
            return Progress::Replaced;
        }
        if self.result() == Some("Failed") && self.before() != *before {
            return Progress::Failed;
        }
        Progress::Running
    }

    /// Says whether a mover runs that keeps failing. VolSync starts it again for ever, so its end is not to be waited for.
    pub(crate) fn stuck(&self) -> bool {
        self.synchronizing() && self.result() == Some("Failed")
    }

    /// Says why a backup cannot be expected to work now; none when nothing speaks against it. An error that VolSync reports is none: it may
    /// be of a moment, and it is the backup that tells.
    pub(crate) fn broken(&self) -> Option<String> {
        if self.paused() {
            return Some(format!("`{}` is paused", self.name));
        }
        if self.result() == Some("Failed") {
            let why = crate::restic::cause::why(None, self.logs());
            let last = crate::restic::log::tail(self.logs(), 1).pop();
            let why = why.map(str::to_owned).or(last);
            return Some(match why {
                Some(why) => format!("its last mover failed: {why}"),
                None => "its last mover failed".to_owned(),
            });
        }
        None
    }
}
