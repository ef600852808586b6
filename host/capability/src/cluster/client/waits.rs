//! How long is asked again.

use agent_gate::RetryPolicy;

use std::time::Duration;

use tokio::time::Instant;

use crate::cluster::AWAY;
use crate::cluster::cause::Cause;
use crate::cluster::reply::Fault;

/// The waits between attempts: doubling, up to a ceiling, until the retry policy is at its end.
pub(super) struct Waits {
    retry_policy: RetryPolicy,
    begun: Instant,
    next: Duration,
}

impl Waits {
    const FIRST: Duration = Duration::from_millis(100);
    const CEILING: Duration = Duration::from_secs(5);
    /// The longest wait that a server can ask for.
    const ASKED: Duration = Duration::from_secs(10);

    pub(super) fn new(retry_policy: RetryPolicy) -> Waits {
        Waits {
            retry_policy,
            begun: Instant::now(),
            next: Waits::FIRST,
        }
    }

    /// Returns how long to wait before the next attempt; none when there is to be none. A server that is known and away, as while its node starts
    /// again, is waited for: its name may not resolve meanwhile, and an attempt on a connection that is dead takes as long as an attempt may.
    pub(super) fn after(&mut self, fault: &Fault, known: bool) -> Option<Duration> {
        let outlasts = self.retry_policy.outlasts_connections();
        let away = fault.is_no_word() && (known || outlasts);
        let passing = match fault {
            Fault::Connection { .. } if outlasts => true,
            Fault::Connection { cause, .. } if *cause == Cause::Name => known,
            fault => fault.is_passing(),
        };
        let length = match away {
            true => self.retry_policy.length().max(AWAY),
            false => self.retry_policy.length(),
        };
        if !passing || self.begun.elapsed() > length {
            return None;
        }
        let wait = self.next;
        self.next = (wait * 2).min(Waits::CEILING);
        Some(fault.retry_after().unwrap_or(wait).min(Waits::ASKED))
    }
}

#[cfg(test)]
mod tests;
