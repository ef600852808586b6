//! How long one watch has failed without a break.

use std::time::{Duration, Instant};

use kube::runtime::watcher::Event;

use crate::cluster::client::Heard;

/// How long a watch must have lasted to have been there. A server that accepts one and breaks it at once is away.
const LASTING: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Outage {
    heard: Heard,
    /// The first and the last failure.
    failures: Option<(Instant, Instant)>,
}

impl Outage {
    /// Returns where the client notes what it hears.
    pub(super) fn heard(&self) -> &Heard {
        &self.heard
    }

    /// Hears of something that the watcher saw. That it begins to list is nothing that a server has told it.
    pub(super) fn saw<K>(&mut self, event: &Event<K>) {
        if !matches!(event, Event::Init) {
            self.failures = None;
        }
    }

    /// Hears of a failure, and returns how long the outage has lasted.
    pub(super) fn failed(&mut self, now: Instant) -> Duration {
        self.failed_since(self.heard.last(), now)
    }

    fn failed_since(&mut self, heard: Option<Instant>, now: Instant) -> Duration {
        let lasting = self.failures.filter(|(_, last)| {
            heard.is_none_or(|heard| heard <= *last || now.duration_since(heard) < LASTING)
        });
        let since = lasting.map_or(now, |(first, _)| first);
        self.failures = Some((since, now));
        now.duration_since(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Each failure with when the server was heard before it, in seconds.
    fn lasted(failures: &[(Option<u32>, u32)]) -> Duration {
        let (mut outage, begun) = (Outage::default(), Instant::now());
        let lasted = failures.iter().map(|(heard, at)| {
            let heard = heard.map(|heard| begun + SECOND * heard);
            outage.failed_since(heard, begun + SECOND * *at)
        });
        lasted.last().unwrap_or_default()
    }

    #[test]
    fn quiet_watch_that_ends_was_there_in_between() {
        // Each time it is asked for anew, the first attempt fails.
        let quiet = [(None, 0), (Some(1), 31), (Some(32), 62), (Some(63), 93)];
        assert_eq!(lasted(&quiet), Duration::ZERO);
        assert_eq!(lasted(&[(Some(0), 61), (Some(62), 300)]), Duration::ZERO);
    }

    #[test]
    fn server_that_stays_away_is_noticed_however_long_an_attempt_takes() {
        let refused: Vec<(Option<u32>, u32)> = (0..8).map(|it| (None, it * 10)).collect();
        assert_eq!(lasted(&refused), SECOND * 70);
        let silent: Vec<(Option<u32>, u32)> = (0..4).map(|it| (Some(0), 1 + it * 40)).collect();
        assert_eq!(lasted(&silent), SECOND * 120);
        // It accepts each watch, and breaks it.
        let breaks: Vec<(Option<u32>, u32)> = (0..14).map(|it| (Some(it * 5), it * 5)).collect();
        assert_eq!(lasted(&breaks), SECOND * 65);
    }

    #[test]
    fn beginning_to_list_ends_no_outage_and_an_answer_does() {
        let (mut outage, begun) = (Outage::default(), Instant::now());
        outage.failed(begun);
        outage.saw(&Event::<()>::Init);
        assert_eq!(outage.failed(begun + SECOND * 5), SECOND * 5);
        outage.saw(&Event::<()>::InitDone);
        assert_eq!(outage.failed(begun + SECOND * 10), Duration::ZERO);
    }
}
