//! How often a server is asked that answers at once: a watch that it ends as soon as it has begun, a list that is out of date when it is there.

use std::time::Duration;

use tokio::time::Instant;

/// How long a watch lasts that is one, and the time between two lists that are needed.
const LASTING: Duration = Duration::from_secs(10);

/// Between two requests of a kind when the first was over too soon; twice as long after each further one.
const FIRST: Duration = Duration::from_secs(1);
const CEILING: Duration = Duration::from_secs(10);

/// The requests of one kind. Those without an answer do not count: who is away is asked again by other rules.
#[derive(Debug, Default)]
pub(super) struct Pace {
    answered: Option<Instant>,
    in_vain: u32,
}

impl Pace {
    /// Returns how long to wait before the next one is sent.
    pub(super) fn before_next(&mut self, now: Instant) -> Duration {
        let Some(answered) = self.answered.take() else {
            return Duration::ZERO;
        };
        let lasted = now.duration_since(answered);
        if lasted >= LASTING {
            self.in_vain = 0;
            return Duration::ZERO;
        }
        let wait = FIRST.saturating_mul(1 << self.in_vain.min(8)).min(CEILING);
        self.in_vain = self.in_vain.saturating_add(1);
        wait.saturating_sub(lasted)
    }

    /// Notes that one was answered.
    pub(super) fn answered(&mut self, now: Instant) {
        self.answered = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How long is waited before each of several, which last so many seconds; none for one without an answer.
    fn waits(lasting: &[Option<u64>]) -> Vec<u64> {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let waits = lasting.iter().map(|lasts| {
            let wait = pace.before_next(now);
            now += wait;
            if let Some(seconds) = lasts {
                pace.answered(now);
                now += Duration::from_secs(*seconds);
            }
            wait.as_secs()
        });
        waits.collect()
    }

    #[test]
    fn what_is_over_at_once_is_asked_for_ever_more_seldom() {
        assert_eq!(waits(&[Some(0); 8]), [0, 1, 2, 4, 8, 10, 10, 10]);
    }

    #[test]
    fn watch_that_lasts_and_a_server_that_is_away_cost_no_wait() {
        assert_eq!(waits(&[Some(30); 4]), [0; 4]);
        assert_eq!(waits(&[None; 4]), [0; 4]);
        assert_eq!(waits(&[Some(30), None, None, Some(30), Some(30)]), [0; 5]);
    }

    #[test]
    fn one_that_lasted_begins_the_count_anew() {
        assert_eq!(
            waits(&[Some(0), Some(0), Some(12), Some(0), Some(0)]),
            [0, 1, 2, 0, 1]
        );
    }
}
