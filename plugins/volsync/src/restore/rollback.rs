//! `volsync.rollback`: what undoes a restore that has begun to write. It restores the safety snapshot, before the app is started.
//!
//! The host calls it when a restore is taken back, with the app still down and all that the restore held still held. So it stops nothing and starts
//! nothing itself; while a pod mounts the volume it overwrites nothing.

use agent_sdk::operations::{Call, Overwritten};
use agent_sdk::prelude::*;

use super::destination::{self, Order};
use super::look::{self, Scene};
use super::safety::Safety;
use super::{drain, lock, select, verify};
use crate::restic::Snapshot;

/// Stands in a plan for the beginning of the id of a snapshot that is chosen when the run lists the repository.
const ANY_ID: &str = "ffffffff";

/// Arguments of `volsync.rollback`.
#[derive(Args)]
pub(crate) struct Rollback {
    /// Namespace of the app
    #[arg(positional, names(namespace))]
    namespace: String,
    /// The ReplicationSource
    #[arg(
        positional,
        names(object = "replicationsources.v1alpha1.volsync.backube")
    )]
    source: String,
    /// The snapshot of the state before, by its id
    #[arg(short = 's')]
    snapshot: String,
    /// How long a mover may fail or stand still; one that gets on may take as long as it needs
    #[arg(default = "30m")]
    timeout: SignedDuration,
    /// How long pods may take to let go of the volume
    #[arg(default = "5m")]
    down_timeout: SignedDuration,
}

/// Bring a volume back that a restore left half overwritten.
///
/// `agent undo` calls it by itself. It does not stop the app, and waits until no pod mounts the volume: to restore an app by hand, use
/// volsync.restore.
#[operation(
    risk = "destroy",
    examples("volsync.rollback media plex --snapshot ab12cd34")
)]
pub(crate) fn rollback(args: Rollback) -> Result<Outcome> {
    let scene = look::volume(&args.namespace, &args.source)?;
    let claim = scene.source.claim();
    let question = format!(
        "Overwrite volume `{claim}` of `{}/{}`?",
        args.namespace, args.source
    );
    run::confirm(&question, &[("snapshot", args.snapshot.clone())])?;
    if run::planning() {
        return report(&args, String::new());
    }
    let (chosen, pin) = select::by_id(&scene, &args.snapshot)?;
    drain::refuse_lasting(&scene)?;
    drain::wait(&scene, args.down_timeout)?;
    let order = Order {
        pin: &pin,
        chosen: Some(&chosen),
        timeout: args.timeout,
        verify: true,
    };
    let announce = || announced(&scene, None, chosen.short());
    let note = match destination::restore(&scene, &order, announce) {
        // What keeps this mover from starting may have kept the one before. Contents only: but for that nobody can look.
        Err(error) if destination::left_untouched(&error) => {
            if !verify::is_as(&scene, &chosen, args.timeout)? {
                return Err(error);
            }
            warn!("{error}");
            let summary = format!(
                "has the files of snapshot `{}` as they were",
                chosen.short()
            );
            return report(&args, summary);
        }
        restored => restored?,
    };
    let lock = lock::left(&scene, args.timeout)?;
    note.iter().chain(&lock).for_each(|note| warn!("{note}"));
    let summary = format!("is restored from snapshot `{}`", chosen.short());
    report(&args, summary)
}

fn report(args: &Rollback, summary: String) -> Result<Outcome> {
    let value = json!({
        "namespace": args.namespace, "source": args.source, "snapshot": args.snapshot,
    });
    Ok(Outcome::of(value)?.summary(summary))
}

/// Announces that the volume is about to be overwritten, and what brings it back.
///
/// # Errors
/// Those of the host: nothing must be overwritten then.
pub(super) fn announce(
    scene: &Scene,
    chosen: Option<&Snapshot>,
    safety: &Safety,
) -> Result<Overwritten> {
    let source = &scene.source;
    if let Some(id) = safety.way_back() {
        let arguments =
            json!({"namespace": source.namespace, "source": source.name, "snapshot": id});
        let back = Call::new("volsync.rollback", arguments);
        return announced(scene, Some(&back), id);
    }
    // What was there before is nowhere. What is to be there is, so that is the way on.
    let id = chosen.map_or(ANY_ID, Snapshot::short);
    run::placeholder("first digits of the snapshot's id", id);
    announced(scene, None, id)
}

fn announced(scene: &Scene, back: Option<&Call>, id: &str) -> Result<Overwritten> {
    let source = &scene.source;
    let target = ObjectRef::new(
        kinds::PERSISTENT_VOLUME_CLAIM,
        &source.namespace,
        source.claim(),
    );
    // While the app is held down by the run that did not come to its end, only this restores; afterwards what stops and starts the app.
    let operation = if back.is_some() {
        "restore"
    } else {
        "rollback"
    };
    let by_hand = format!(
        "agent run volsync.{operation} {} {} --snapshot {id}",
        source.namespace, source.name
    );
    operations::overwrite(&target, back, &by_hand)
}
