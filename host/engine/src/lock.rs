//! The locks of a run: two runs that declare the same one exclude each other, on this machine and in this cluster.

use agent_capability::Lease;
use agent_core::failure::Failure;
use agent_core::record::{RunHeader, State};
use futures::FutureExt as _;
use futures::future::select_all;

use crate::runtime::Runtime;

/// What a run has locked.
pub(crate) struct Locks {
    leases: Vec<Lease>,
    in_cluster: bool,
    local: Option<agent_journal::Locks>,
}

impl Locks {
    pub(crate) fn none() -> Locks {
        Locks {
            leases: Vec::new(),
            in_cluster: false,
            local: None,
        }
    }

    /// Takes the locks that a run declares on this machine, all or none. Only one that is `entitled` to something in the cluster gets them there too:
    /// a plugin that was granted nothing makes no object by the person's credentials.
    ///
    /// # Errors
    /// `conflict` (`lock.held`, `lock.unfinished`) when another run has one of them.
    pub(crate) fn take(
        runtime: &Runtime,
        begun: &RunHeader,
        entitled: bool,
    ) -> Result<Locks, Failure> {
        let mut locks = Locks {
            in_cluster: entitled,
            ..Locks::none()
        };
        if !begun.locks.is_empty() {
            let names = begun.local_locks();
            locks.local = Some(runtime.journal()?.lock(&names, &begun.run)?);
        }
        Ok(locks)
    }

    /// Takes them in the cluster too. The run is on record then: a Lease that is left behind must lead to it. Returns why that is not possible
    /// when this user may not use Leases: then only runs of this machine exclude each other.
    ///
    /// # Errors
    /// `conflict` (`lock.held`) when a run of another machine has one of them; what was taken before stays until it is let go.
    pub(crate) async fn take_in_cluster(
        &mut self,
        runtime: &Runtime,
        begun: &RunHeader,
    ) -> Result<Option<Failure>, Failure> {
        for name in begun.locks.iter().filter(|_| self.in_cluster) {
            let is_over = |run: &str| is_over(runtime, run);
            match Lease::take(&runtime.client, name, &begun.run, &begun.who, &is_over).await {
                Ok(lease) => self.leases.push(lease),
                Err(failure) if failure.code == "cluster.forbidden" => {
                    let message = "runs on other machines are not kept away from this one";
                    return Ok(Some(failure.while_doing(message)));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    }

    /// Waits until one of them is lost in the cluster, and returns why: the run is not alone any more. It may be dropped and called again.
    pub(crate) async fn lost(&mut self) -> Failure {
        let lost = self.leases.iter_mut().map(|lease| lease.lost().boxed());
        let lost: Vec<_> = lost.collect();
        if lost.is_empty() {
            return std::future::pending().await;
        }
        select_all(lost).await.0
    }

    /// Lets go in the cluster, newest first. On this machine they are held until this is dropped. Returns why those stay that do.
    pub(crate) async fn let_go_in_cluster(&mut self) -> Vec<Failure> {
        let mut stay = Vec::new();
        while let Some(lease) = self.leases.pop() {
            stay.extend(lease.let_go().await.err());
        }
        stay
    }
}

/// Removes what Leases a run may have left behind that is over.
pub(crate) async fn sweep(runtime: &Runtime, begun: &RunHeader) {
    for name in &begun.locks {
        // It is tried again by whoever wants the lock next on this machine.
        drop(Lease::sweep(&runtime.client, name, &begun.run).await);
    }
}

/// Says whether the journal of this machine knows a run, and that nothing is left to do about it.
fn is_over(runtime: &Runtime, run: &str) -> bool {
    let known = || -> Result<bool, Failure> {
        let journal = runtime.journal()?;
        let run = journal.resolve(run)?;
        let summary = journal.summary(&run)?;
        Ok(summary.run == run && summary.state != State::Running && !summary.is_open())
    };
    run != "last" && known().unwrap_or(false)
}
