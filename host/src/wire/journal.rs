//! The journal, and what it says of whoever starts a run.

use std::path::{Path, PathBuf};

use agent_cli::{Options, TakeUp};
use agent_core::origin::{Cluster, Who};
use agent_core::record::Retention;
use agent_core::{Failure, Kind};
use agent_journal::Journal;

use super::directory::StateDirectory;

/// Opens the journal. The simulated cluster is gone with this process, so what is done to it is remembered no longer.
pub(super) fn open(
    state: &Result<StateDirectory, Failure>,
    sandbox: bool,
    retention: Retention,
) -> Result<Journal, Failure> {
    if sandbox {
        return Journal::in_memory();
    }
    let state = state.as_ref().map_err(Clone::clone)?;
    let dir = state
        .folder
        .dir()
        .try_clone()
        .map_err(|error| Failure::of(Kind::Unavailable, "journal.no-directory", &error))?;
    Journal::open(
        dir,
        state.folder.path(),
        agent_journal::Options {
            retention: Some(retention),
            who: who(),
        },
    )
}

/// Returns the options with which a run is taken up: its own cluster, unless another one is named. A run that is not found is told of later.
pub(super) fn as_before(
    options: Options,
    take_up: &TakeUp,
    journal: &Result<Journal, Failure>,
) -> Options {
    if options.kubeconfig.is_some() || options.context.is_some() || options.sandbox {
        return options;
    }
    let record = journal.as_ref().ok().and_then(|journal| {
        let run = journal.which(take_up.run(), take_up.to()).ok()?;
        journal.record(&run).ok()
    });
    let cluster = record
        .map(|record| record.begun.cluster)
        .unwrap_or_default();
    // Several files in a `KUBECONFIG` are still there, or are not: then the usual way says so.
    let file = cluster.kubeconfig.map(PathBuf::from);
    Options {
        kubeconfig: file.filter(|file| file.is_file()),
        context: cluster.context,
        ..options
    }
}

/// Returns who this is.
pub(super) fn who() -> Who {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let named = |names: [&str; 2]| {
        let mut values = names.into_iter().map(variable);
        values.find(|value| !value.is_empty()).unwrap_or_default()
    };
    Who {
        user: named(["USER", "LOGNAME"]),
        host: rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
        door: "terminal".to_owned(),
        process: std::process::id(),
    }
}

/// Returns how the cluster is found again.
pub(super) fn cluster(options: &Options) -> Cluster {
    let absolute = |path: &Path| {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.display().to_string()
    };
    let variable = || {
        std::env::var("KUBECONFIG")
            .ok()
            .filter(|value| !value.is_empty())
    };
    Cluster {
        kubeconfig: options
            .kubeconfig
            .as_deref()
            .map(absolute)
            .or_else(variable),
        context: options.context.clone(),
        server: None,
    }
}
