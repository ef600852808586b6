//! The lock that keeps restic from its work: whose it is, and when `restic unlock` removes it.
//!
//! restic removes a lock that was not refreshed for 30 minutes (`internal/restic/lock.go`, `StaleLockTimeout`), or one of its own host whose process is
//! gone. The host of a mover is its pod, so of a mover that was killed the first rule holds. A restic that lives refreshes its lock every 5 minutes.

use agent_sdk::jiff::{SignedDuration, Timestamp, Unit};
use serde::Deserialize;
use serde_json::Deserializer;

/// How old a lock must be.
const STALE: SignedDuration = SignedDuration::from_mins(30);
/// What the clocks of hosts may differ, and what restic needs to start.
const MARGIN: SignedDuration = SignedDuration::from_secs(5);

/// A lock, as restic names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lock {
    /// The host that made it: the pod, for a mover.
    pub(crate) host: String,
    pub(crate) pid: String,
    /// When it was made or refreshed, by that host's clock, as restic prints it.
    pub(crate) since: String,
    /// How old it was then.
    age: SignedDuration,
}

impl Lock {
    /// Finds the one that a log speaks of last.
    pub(crate) fn of(log: &str) -> Option<Lock> {
        let (_, told) = log.rsplit_once("already locked ")?;
        let (_, told) = told.split_once("by PID ")?;
        let (pid, told) = told.split_once(" on ")?;
        let (host, told) = told.split_once(" by ")?;
        let (_, told) = told.split_once("lock was created at ")?;
        let (since, told) = told.split_once(" (")?;
        let (age, _) = told.split_once(" ago)")?;
        Some(Lock {
            host: host.to_owned(),
            pid: pid.to_owned(),
            since: since.to_owned(),
            // Go writes lengths of time as jiff reads them: `2h3m4.5s`.
            age: age.parse().ok()?,
        })
    }

    /// Returns how long it is until it can be removed, when it was told so long ago.
    pub(crate) fn left(&self, told: SignedDuration) -> SignedDuration {
        (STALE + MARGIN - self.age - told).max(SignedDuration::ZERO)
    }

    /// Says whether its process has refreshed it since it was seen before, and so lives.
    pub(crate) fn is_refresh_of(&self, before: &Lock) -> bool {
        self.host == before.host && self.pid == before.pid && self.since > before.since
    }
}

/// Prints every lock of a repository, as it stands there.
pub(crate) const SCRIPT: &str = r#"restic list locks --no-lock --no-cache -q | while read -r id; do restic cat lock "$id" --no-lock --no-cache -q; done; echo "exit $?""#;

/// A lock as it stands in the repository (`internal/restic/lock.go`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Left {
    /// The host that made it: the pod, for a mover.
    #[serde(rename = "hostname")]
    pub(crate) host: String,
    /// When it was made or refreshed, by that host's clock.
    #[serde(rename = "time")]
    pub(crate) since: Timestamp,
}

impl Left {
    /// Returns from when on `restic unlock` removes it.
    pub(crate) fn stale(&self) -> Timestamp {
        let from = self.since.saturating_add(STALE + MARGIN);
        let from = from.unwrap_or(self.since);
        from.round(Unit::Second).unwrap_or(from)
    }
}

/// Reads what [`SCRIPT`] has printed.
pub(crate) fn left(log: &str) -> Vec<Left> {
    let starts = log.match_indices('{').map(|(at, _)| &log[at..]);
    let lock = |text: &str| Deserializer::from_str(text).into_iter().next()?.ok();
    starts.filter_map(lock).collect()
}

/// Says whose it is.
impl std::fmt::Display for Lock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the lock is that of process {} on `{}`, made or refreshed at {}",
            self.pid, self.host, self.since
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "repo already locked, waiting up to 0s for the lock\n\
        unable to create lock in backend: repository is already locked by PID 27 on volsync-dst-plex-x7k2p by nobody (UID 1000, GID 0)\n\
        lock was created at 2026-11-30 09:31:51 (12m2.819286651s ago)\nstorage ID 48f09705\nthe `unlock` command can be used to remove stale locks\n";

    #[test]
    fn lock_is_read_with_its_holder_and_its_age() {
        let lock = Lock::of(LOG).expect("a lock");
        assert_eq!(
            lock.to_string(),
            "the lock is that of process 27 on `volsync-dst-plex-x7k2p`, made or refreshed at 2026-11-30 09:31:51"
        );
        assert_eq!(
            lock.left(SignedDuration::from_secs(60)).as_secs(),
            17 * 60 + 2
        );
        assert_eq!(
            lock.left(SignedDuration::from_hours(1)),
            SignedDuration::ZERO
        );
        let exclusive = LOG.replace("locked by", "locked exclusively by");
        assert_eq!(Lock::of(&exclusive), Some(lock));
    }

    #[test]
    fn locks_of_which_restic_does_not_tell_the_age_are_none() {
        assert_eq!(
            Lock::of("Fatal: repository is already locked by PID 7\n"),
            None
        );
        assert_eq!(Lock::of("ERROR: failure locking repository\n"), None);
        assert_eq!(Lock::of(&LOG.replace("12m2.8", "some ")), None);
    }

    #[test]
    fn lock_that_gets_younger_is_that_of_a_process_that_lives() {
        let before = Lock::of(LOG).expect("a lock");
        let refreshed = LOG.replace("09:31:51", "09:36:51");
        assert!(Lock::of(&refreshed).is_some_and(|lock| lock.is_refresh_of(&before)));
        assert!(!before.is_refresh_of(&before));
        let of_another = refreshed.replace("PID 27", "PID 28");
        assert!(Lock::of(&of_another).is_some_and(|lock| !lock.is_refresh_of(&before)));
    }

    #[test]
    fn locks_that_stand_in_a_repository_are_read_with_the_time_when_they_can_go() {
        let log = "{\n  \"time\": \"2026-11-30T10:37:12.686207346Z\",\n  \"exclusive\": false,\n  \"hostname\": \"volsync-dst-plex-x7k2p\",\n  \
            \"username\": \"root\",\n  \"pid\": 11430\n}\nexit 0\n";
        let locks = left(&log.repeat(2));
        assert_eq!(locks.len(), 2);
        assert_eq!(locks[0].host, "volsync-dst-plex-x7k2p");
        assert_eq!(locks[0].stale().to_string(), "2026-11-30T11:07:18Z");
        assert_eq!(left("Fatal: wrong password {\nexit 12\n"), []);
    }
}
