//! The stop of a run: why it was stopped, and whether anything was refused because of it. A run that was refused nothing has come to its end by
//! itself.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use agent_core::failure::Failure;
use tokio_util::sync::CancellationToken;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    why: OnceLock<Failure>,
    refused: AtomicBool,
}

impl Stop {
    /// Stops the run. The first reason counts.
    pub(super) fn stop(&self, why: Failure) {
        drop(self.why.set(why));
        self.token.cancel();
    }

    /// Returns what is cancelled when the run is stopped.
    pub(super) fn token(&self) -> CancellationToken {
        self.token.clone()
    }

    /// Fails with the reason once the run was stopped.
    pub(super) fn stopped(&self) -> Result<(), Failure> {
        if self.token.is_cancelled() {
            Err(self.reason())
        } else {
            Ok(())
        }
    }

    /// Does what [`Stop::stopped`] does for a wish of an operation, which hears of it.
    pub(super) fn goes_on(&self) -> Result<(), Failure> {
        self.stopped().inspect_err(|_| self.refuse())
    }

    /// Returns whether an operation was refused anything because the run was stopped.
    pub(super) fn refused(&self) -> bool {
        self.refused.load(Ordering::Acquire)
    }

    /// Waits for something as long as the run is not stopped.
    ///
    /// # Errors
    /// Why the run was stopped; what the work fails with.
    pub(crate) async fn unless_stopped<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => {
                self.refuse();
                Err(self.reason())
            }
            result = super::guarded(work) => result,
        }
    }

    fn refuse(&self) {
        self.refused.store(true, Ordering::Release);
    }

    fn reason(&self) -> Failure {
        self.why.get().cloned().unwrap_or_else(Failure::cancelled)
    }
}
