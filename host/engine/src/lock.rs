//! The locks of a run: two runs that declare the same one exclude each other, on this machine and in this cluster.

use agent_capability::Lease;
use agent_core::failure::Failure;
use agent_core::record::Begun;

use crate::agent::Inner;

/// What a run has locked.
pub(crate) struct Locks {
    leases: Vec<Lease>,
    local: Option<agent_journal::Locks>,
}

impl Locks {
    pub(crate) fn none() -> Locks {
        Locks {
            leases: Vec::new(),
            local: None,
        }
    }

    /// Takes the locks that a run declares on this machine, all or none.
    ///
    /// # Errors
    /// `conflict` (`lock.held`, `lock.unfinished`) when another run has one of them.
    pub(crate) fn take(inner: &Inner, begun: &Begun) -> Result<Locks, Failure> {
        let mut locks = Locks::none();
        if !begun.locks.is_empty() {
            locks.local = Some(inner.journal()?.lock(&begun.locks, &begun.run)?);
        }
        Ok(locks)
    }

    /// Takes them in the cluster too. The run is on record then: a Lease that is left behind must lead to it.
    ///
    /// # Errors
    /// `conflict` (`lock.held`) when a run of another machine has one of them; what was taken before stays until it is let go.
    pub(crate) async fn take_in_cluster(
        &mut self,
        inner: &Inner,
        begun: &Begun,
    ) -> Result<(), Failure> {
        for name in &begun.locks {
            let lease = Lease::take(&inner.client, name, &begun.run, &begun.who).await?;
            self.leases.extend(lease);
        }
        Ok(())
    }

    /// Lets go in the cluster, newest first. On this machine they are held until this is dropped.
    pub(crate) async fn let_go_in_cluster(&mut self) {
        while let Some(lease) = self.leases.pop() {
            lease.let_go().await;
        }
    }
}
