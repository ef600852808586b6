//! How long one watch has failed without a break. `kube`'s watcher says nothing when it has a watch again in which nothing happens, so failures
//! that are further apart than its attempts explain are told from one that lasts.

use std::time::{Duration, Instant};

use kube::runtime::watcher::{Error, Event};

/// How far apart two failures of requests of one outage can be: the longest wait between them, the longest attempt to connect, and some time to
/// spare.
const ATTEMPTS: Duration = Duration::from_secs(30);
/// The same for watches that break: each was there, so it is only the wait.
const BREAKS: Duration = Duration::from_secs(10);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// The first and the last failure.
    failures: Option<(Instant, Instant)>,
}

impl Outage {
    /// Hears of something that the watcher saw. That it begins to list is nothing that a server has told it.
    pub(super) fn saw<K>(&mut self, event: &Event<K>) {
        if !matches!(event, Event::Init) {
            self.failures = None;
        }
    }

    /// Hears of a failure, and returns how long the outage has lasted.
    pub(super) fn failed(&mut self, error: &Error, now: Instant) -> Duration {
        let explained = match error {
            Error::WatchFailed(_) | Error::WatchError(_) => BREAKS,
            _ => ATTEMPTS,
        };
        let lasting = self
            .failures
            .filter(|(_, last)| now.duration_since(*last) <= explained);
        let since = lasting.map_or(now, |(first, _)| first);
        self.failures = Some((since, now));
        now.duration_since(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn broken() -> Error {
        Error::WatchFailed(kube::Error::LinesCodecMaxLineLengthExceeded)
    }

    fn refused() -> Error {
        Error::WatchStartFailed(kube::Error::LinesCodecMaxLineLengthExceeded)
    }

    fn lasted(failures: &[(u32, Error)]) -> Duration {
        let (mut outage, begun) = (Outage::default(), Instant::now());
        let lasted = failures
            .iter()
            .map(|(at, error)| outage.failed(error, begun + SECOND * *at));
        lasted.last().unwrap_or_default()
    }

    #[test]
    fn quiet_watch_that_breaks_twice_was_there_in_between() {
        assert_eq!(lasted(&[(0, broken()), (61, broken())]), Duration::ZERO);
        assert_eq!(
            lasted(&[(0, broken()), (1, refused()), (20, broken())]),
            Duration::ZERO
        );
        assert_eq!(lasted(&[(0, refused()), (300, refused())]), Duration::ZERO);
    }

    #[test]
    fn server_that_stays_away_is_noticed() {
        let mut failures = vec![(0, broken())];
        failures.extend((1..8).map(|attempt| (attempt * 10, refused())));
        assert_eq!(lasted(&failures), SECOND * 70);
        let breaks: Vec<(u32, Error)> = (0..14).map(|attempt| (attempt * 5, broken())).collect();
        assert_eq!(lasted(&breaks), SECOND * 65);
    }

    #[test]
    fn beginning_to_list_ends_no_outage_and_an_answer_does() {
        let (mut outage, begun) = (Outage::default(), Instant::now());
        outage.failed(&refused(), begun);
        outage.saw(&Event::<()>::Init);
        assert_eq!(outage.failed(&refused(), begun + SECOND * 5), SECOND * 5);
        outage.saw(&Event::<()>::InitDone);
        assert_eq!(
            outage.failed(&refused(), begun + SECOND * 10),
            Duration::ZERO
        );
    }
}
