//! `volsync.unlock`: remove stale locks of a repository.

use agent_sdk::prelude::*;

use crate::app;
use crate::operator;
use crate::snapshot::{chosen, finish, title};
use crate::source::Source;
use crate::sync::{self, Wanted};

/// Arguments of `volsync.unlock`.
#[derive(Args)]
pub(crate) struct Unlock {
    /// Namespace of the app
    #[arg(positional, names(namespace))]
    namespace: Option<String>,
    /// The app, or its ReplicationSource
    #[arg(
        positional,
        names(object = "replicationsources.v1alpha1.volsync.backube")
    )]
    app: Option<String>,
    /// Every app of the namespace, or of the cluster
    all: bool,
    /// How many at a time
    #[arg(default = 3, minimum = 1, maximum = 50)]
    parallel: usize,
    /// How long others may use a source, and how long a mover may fail or stand still
    #[arg(default = "1h")]
    timeout: SignedDuration,
}

/// Back up an app, and remove stale locks from its repository before.
///
/// VolSync unlocks only as the first part of a backup, so this makes a backup too, and waits for it. Only stale locks are removed: those that
/// have not been refreshed for 30 minutes. One that a mover left which is gone is waited for until then, as far as `--timeout` allows; where its
/// holder lives, or that takes longer, it is said whose lock it is and when it can be removed. A healthy mover that is running is waited for
/// first; one that keeps failing is restarted.
/// What it writes into `spec.restic.unlock` stays: VolSync unlocks once for each value, and kills a mover when it changes.
#[operation(
    risk = "change",
    columns(namespace, name, result, snapshot, seconds, message),
    constraints(exactly_one(app, all), requires(app, namespace)),
    locks("volsync:{namespace}/{app}"),
    examples("volsync.unlock media plex", "volsync.unlock --all")
)]
pub(crate) fn unlock(args: Unlock) -> Result<Outcome> {
    let one = args.app.is_some();
    let sources = chosen(args.namespace.as_deref(), args.app.as_deref(), args.all)?;
    if let (true, Some(source)) = (one, sources.first()) {
        app::require_restic(source)?;
    }
    operator::refuse_suspended()?;
    let sources: Vec<_> = sources.into_iter().filter(lockable).collect();
    let step = Step::new(title("Unlock the repository of", &sources));
    let wanted = Wanted {
        unlock: true,
        parallel: args.parallel,
        timeout: args.timeout,
        linger: false,
        quiet: false,
    };
    let ends = sync::run(&sources, wanted, &step)?;
    finish(step, &sources, ends, one)
}

/// A merge patch would give a source of another mover a restic section.
fn lockable(source: &Source) -> bool {
    source.restic().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn source_without_a_restic_section_never_gets_one() {
        assert!(lockable(&source(json!({}))));
        assert!(!lockable(&source(
            json!({"spec": {"restic": null, "rclone": {}}})
        )));
    }
}
