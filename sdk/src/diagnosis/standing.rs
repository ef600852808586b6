//! Since when causes stand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Cause, Outlook, Patience};
use crate::run::{self, Step};

/// So long a cause must have stood until a person is told of it: a pod that starts is blocked by something for a moment, nearly always.
const TELL: Duration = Duration::from_secs(5);

/// The same for a cause that the cluster mends by itself, or is at work on.
const TELL_LATER: Duration = Duration::from_secs(20);

/// A cause that has been gone for so long is over. Between two tries of a controller its word may be gone for a moment.
const GRACE: Duration = Duration::from_secs(10);

/// Keeps since when each cause stands, tells it once, and says when it has stood for as long as its kind may. One for each thing that is
/// waited for.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    causes: BTreeMap<String, Stood>,
    told: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Stood {
    since: Duration,
    /// Since when it is gone.
    gone: Option<Duration>,
    cause: Cause,
}

impl Standing {
    /// How often to look at what has no watch, so that whatever stands is told within half a minute.
    pub const LOOK: Duration = Duration::from_secs(5);

    /// Takes in what was just seen. Notes it on the step, tells the person once of a cause that has stood for some seconds, and returns one
    /// that has stood for too long. Call it whenever something was seen, and at least every [`Standing::LOOK`].
    pub fn see(&mut self, step: &Step, outlook: &Outlook) -> Option<Cause> {
        let now = run::elapsed();
        let over = self.judge(now, outlook.cause());
        if let Some(note) = outlook.note() {
            step.note(note);
        }
        if over.is_none() {
            self.untold(now)
                .iter()
                .for_each(|cause| crate::warn!("{cause}"));
        }
        over
    }

    /// Returns the cause that has stood longest, for what a wait says at its deadline.
    pub fn longest(&self) -> Option<&Cause> {
        let stood = self.causes.values().min_by_key(|stood| stood.since)?;
        Some(&stood.cause)
    }

    /// Takes in the cause that stands at that time, and returns it when its time is over.
    pub(crate) fn judge(&mut self, now: Duration, cause: Option<&Cause>) -> Option<Cause> {
        let present = cause.map(key);
        self.causes.retain(|key, stood| {
            if present.as_ref() == Some(key) {
                stood.gone = None;
                return true;
            }
            now.saturating_sub(*stood.gone.get_or_insert(now)) < GRACE
        });
        let cause = cause?;
        let stood = self.causes.entry(key(cause)).or_insert_with(|| Stood {
            since: now,
            gone: None,
            cause: cause.clone(),
        });
        stood.cause = cause.clone();
        let over = cause.patience.is_over(now.saturating_sub(stood.since));
        over.then(|| cause.clone())
    }

    /// Returns the causes that are to be told now; each only once.
    pub(crate) fn untold(&mut self, now: Duration) -> Vec<Cause> {
        let due = self.causes.iter().filter(|(_, stood)| {
            let tell = match stood.cause.patience {
                Patience::DEADLINE => TELL_LATER,
                _ => TELL,
            };
            stood.gone.is_none() && now.saturating_sub(stood.since) >= tell
        });
        let fresh: Vec<_> = due.filter(|(key, _)| !self.told.contains(*key)).collect();
        let causes = fresh.iter().map(|(_, stood)| stood.cause.clone()).collect();
        let keys: Vec<String> = fresh.into_iter().map(|(key, _)| key.clone()).collect();
        self.told.extend(keys);
        causes
    }
}

/// What makes two causes the same, although their words differ: a Job's next pod waits for the same image.
fn key(cause: &Cause) -> String {
    let subject = match cause.subject.split_once(' ') {
        Some(("pod", _)) => "pod",
        _ => &cause.subject,
    };
    format!("{subject} {}", cause.reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    fn pull(pod: &str, message: &str) -> Cause {
        Cause::new(
            format!("pod `{pod}`"),
            "ImagePullBackOff",
            message,
            Patience::MINUTE,
        )
    }

    #[test]
    fn cause_is_over_when_it_has_stood_for_as_long_as_it_may() {
        let mut standing = Standing::default();
        assert_eq!(standing.judge(at(3), Some(&pull("a", "no host"))), None);
        assert_eq!(standing.judge(at(62), Some(&pull("a", "no host"))), None);
        let over = standing.judge(at(63), Some(&pull("a", "not found")));
        assert_eq!(over, Some(pull("a", "not found")));
    }

    #[test]
    fn next_pod_with_the_same_cause_does_not_begin_anew() {
        let mut standing = Standing::default();
        standing.judge(at(0), Some(&pull("a", "no host")));
        standing.judge(at(50), Some(&pull("b", "no host")));
        assert!(
            standing
                .judge(at(60), Some(&pull("b", "no host")))
                .is_some()
        );
    }

    #[test]
    fn cause_that_was_gone_for_a_while_begins_anew_and_one_that_blinked_does_not() {
        let mut standing = Standing::default();
        let see = |standing: &mut Standing, second, there: bool| {
            let cause = pull("a", "");
            standing
                .judge(at(second), there.then_some(&cause))
                .is_some()
        };
        see(&mut standing, 0, true);
        see(&mut standing, 30, false);
        see(&mut standing, 39, true);
        assert!(see(&mut standing.clone(), 60, true));
        see(&mut standing, 40, false);
        see(&mut standing, 50, false);
        assert_eq!(standing.longest(), None);
        see(&mut standing, 51, true);
        assert!(!see(&mut standing, 60, true));
        assert!(see(&mut standing, 111, true));
    }

    #[test]
    fn cause_is_told_once_and_not_in_its_first_seconds() {
        let mut standing = Standing::default();
        let mut told = Vec::new();
        for second in 0..30 {
            standing.judge(at(second), Some(&pull("a", "no host")));
            told.extend(
                standing
                    .untold(at(second))
                    .iter()
                    .map(|cause| (second, cause.to_string())),
            );
        }
        assert_eq!(
            told,
            [(5, "pod `a`: `ImagePullBackOff`: no host".to_owned())]
        );
    }

    #[test]
    fn what_the_cluster_is_at_work_on_is_told_later() {
        let mut standing = Standing::default();
        let work = Cause::new(
            "helmreleases media/plex",
            "",
            "Helm is at work",
            Patience::DEADLINE,
        );
        let mut told = Vec::new();
        for second in (0..120).step_by(5) {
            assert_eq!(standing.judge(at(second), Some(&work)), None);
            told.extend(standing.untold(at(second)).iter().map(|_| second));
        }
        assert_eq!(told, [20]);
    }

    #[test]
    fn what_can_only_fail_fails_at_once() {
        let lost = Cause::new("PersistentVolumeClaim `a`", "Lost", "", Patience::NOW);
        assert_eq!(Standing::default().judge(at(0), Some(&lost)), Some(lost));
    }
}
