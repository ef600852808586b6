//! How long a guest has computed. Most operations mostly wait, and waiting in a host call must not count.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A stopwatch that runs while guest code runs. One store has one; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    spent: Duration,
    since: Option<Instant>,
}

impl Meter {
    /// Starts the watch: guest code runs from now on.
    pub fn start(&self) {
        self.with(|state| state.since = Some(Instant::now()));
    }

    /// Stops the watch: the guest waits.
    pub fn stop(&self) {
        self.with(|state| {
            state.spent += state
                .since
                .take()
                .map_or(Duration::ZERO, |since| since.elapsed())
        });
    }

    /// Returns how long guest code has run so far.
    pub fn spent(&self) -> Duration {
        self.with(|state| state.spent + state.since.map_or(Duration::ZERO, |since| since.elapsed()))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
