//! The stop of a run: why it was stopped, and whether anything was refused because of it. A run that was refused nothing has come to its end by
//! itself.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_core::failure::Failure;
use tokio_util::sync::CancellationToken;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    inner: Mutex<Inner>,
    refused: AtomicBool,
    flag: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct Inner {
    token: CancellationToken,
    why: Option<Failure>,
}

impl Stop {
    /// Stops the run. The first reason counts.
    pub(super) fn stop(&self, why: Failure) {
        let mut inner = self.lock();
        inner.why.get_or_insert(why);
        inner.token.cancel();
        self.flag.store(true, Ordering::Release);
    }

    /// Lets operations act again: those that undo what a stopped run has done, once its own are gone.
    pub(super) fn lift(&self) {
        *self.lock() = Inner::default();
        self.flag.store(false, Ordering::Release);
    }

    /// Returns what says whether the run is stopped, for who only has to know it now and then.
    pub(super) fn flag(&self) -> Arc<AtomicBool> {
        self.flag.clone()
    }

    /// Fails with the reason once the run was stopped.
    pub(crate) fn stopped(&self) -> Result<(), Failure> {
        let inner = self.lock();
        if inner.token.is_cancelled() {
            Err(inner.reason())
        } else {
            Ok(())
        }
    }

    /// Does what [`Stop::stopped`] does for a wish of an operation, which hears of it.
    pub(crate) fn goes_on(&self) -> Result<(), Failure> {
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
        let token = self.lock().token.clone();
        tokio::select! {
            biased;
            () = token.cancelled() => {
                self.refuse();
                Err(self.lock().reason())
            }
            result = crate::guarded(work) => result,
        }
    }

    fn refuse(&self) {
        self.refused.store(true, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn reason(&self) -> Failure {
        self.why.clone().unwrap_or_else(Failure::cancelled)
    }
}
