//! `volsync.restore`: put an app's volume back to a snapshot.
//!
//! Ten steps, in this order, a file each: [`look`] (reads only), [`select`] (the real list), [`consent`], [`safety`] (a backup of the present
//! state, and the proof that the chosen snapshot is still there), [`holds`] (everything that could write or scale, or start a backup: [`gitops`],
//! [`quiet`]), [`drain`] (until no pod mounts the volume), [`destination`] (VolSync restores, unless a [`rival`] does or a pod mounts the
//! volume after all, and [`verify`] compares), the holds put back, [`ready`].
//!
//! Nothing is overwritten before the first six have succeeded. Everything that is changed is held, so whatever way the run ends, the host
//! puts it back; there is no clean-up code in here. What VolSync may have overwritten by then the host has brought back by [`rollback`].

mod consent;
mod destination;
mod drain;
mod gitops;
mod holds;
mod lock;
mod look;
mod quiet;
mod ready;
mod rival;
pub(crate) mod rollback;
mod safety;
mod select;
mod verify;

use agent_sdk::prelude::*;
use serde::Serialize;

use crate::restic::Snapshot;
use destination::Order;
use look::Scene;
use safety::Safety;

/// Arguments of `volsync.restore`.
#[derive(Args)]
pub(crate) struct Restore {
    /// Namespace of the app
    #[arg(positional, names(namespace))]
    namespace: String,
    /// The app, or its ReplicationSource
    #[arg(
        positional,
        names(object = "replicationsources.v1alpha1.volsync.backube")
    )]
    app: String,
    /// Skip so many of the newest snapshots; 0 is the newest
    #[arg(short = 'p', minimum = 0)]
    previous: Option<usize>,
    /// The newest snapshot that is not younger than this time
    as_of: Option<Timestamp>,
    /// The snapshot with this id, or with an id that begins so (six hexadecimal digits or more)
    #[arg(short = 's')]
    snapshot: Option<String>,
    /// Do not back up the present state first
    no_safety_snapshot: bool,
    /// Do not compare the volume with the snapshot afterwards, for which every file is read
    no_verify: bool,
    /// How long a mover may fail or stand still; one that gets on may take as long as it needs
    #[arg(default = "30m")]
    timeout: SignedDuration,
    /// How long Flux may take to end what it has begun, and pods to let go of the volume
    #[arg(default = "5m")]
    down_timeout: SignedDuration,
    /// How long the app may take to be ready again
    #[arg(default = "5m")]
    ready_timeout: SignedDuration,
}

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Report {
    namespace: String,
    app: String,
    pvc: String,
    snapshot: Option<String>,
    snapshot_time: Option<Timestamp>,
    safety_snapshot: Option<String>,
    down_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

/// Restore an app's volume from a snapshot.
///
/// Stops the app, overwrites its volume with the snapshot (files that are not in the snapshot are deleted), and starts the app as it was.
/// Every file is compared with the snapshot before the app starts, and what restic has restored wrongly is mended.
/// Which snapshot: the newest, or --previous, --as-of or --snapshot; `agent run volsync.list` shows them. The present state is backed up
/// first.
///
/// While it runs, KEDA is paused, the Kustomization and the HelmRelease are suspended, CronJobs and Jobs that mount the volume are suspended,
/// workloads are at 0, and no backup of the volume starts. Whatever way the run ends, all of that is put back. What was suspended or at 0
/// before stays so.
#[operation(
    risk = "destroy",
    constraints(at_most_one(previous, as_of, snapshot)),
    locks("volsync:{namespace}/{app}"),
    examples(
        "volsync.restore media plex",
        "volsync.restore media plex --previous 2",
        "volsync.restore media plex --as-of 2026-11-22T06:00:00Z",
        "volsync.restore media plex --snapshot ab12cd34 --yes"
    )
)]
pub(crate) fn restore(args: Restore) -> Result<Report> {
    let wish = select::wish(&args)?;
    let scene = look::look(&args)?;
    let (list, chosen) = select::choose(&scene, &wish)?;
    consent::ask(&scene, &wish, chosen.as_ref(), &args)?;
    let mut safety = safety::back_up(&scene, &args, &list, chosen.as_ref())?;
    let pin = select::prove(&scene, &wish, &list, chosen.as_ref(), &mut safety)?;
    let down = run::now();
    let held = holds::hold(&scene, &args, &safety.quiet)?;
    drain::wait(&scene, args.down_timeout)?;
    let unsaved = safety.unsaved(&scene, run::now());
    let order = Order {
        pin: &pin,
        chosen: chosen.as_ref(),
        timeout: args.timeout,
        verify: !args.no_verify,
    };
    let announce = || rollback::announce(&scene, chosen.as_ref(), &safety);
    // When it fails, a mover may still write: the host puts everything back when the run ends, newest first, and nothing while something newer
    // is still there.
    let restored = destination::restore(&scene, &order, announce)?;
    restored.iter().for_each(|note| warn!("{note}"));
    let mut notes = scene.notes.clone();
    notes.extend(safety.note.take());
    notes.extend(unsaved);
    notes.extend(safety.is_newest(chosen.as_ref()));
    notes.extend(restored);
    notes.extend(holds::release(held)?);
    let left = std::mem::take(&mut safety.quiet).release()?;
    left.iter().for_each(|sentence| warn!("{sentence}"));
    notes.extend(left);
    notes.extend(ready::wait(&scene, args.ready_timeout)?);
    Ok(report(&scene, chosen.as_ref(), &safety, down, notes))
}

fn report(
    scene: &Scene,
    chosen: Option<&Snapshot>,
    safety: &Safety,
    down: Timestamp,
    notes: Vec<String>,
) -> Report {
    let seconds = run::now().duration_since(down).as_secs();
    Report {
        namespace: scene.source.namespace.clone(),
        app: scene.app.clone(),
        pvc: scene.source.claim().to_owned(),
        snapshot: chosen.map(|snapshot| snapshot.short().to_owned()),
        snapshot_time: chosen.map(|snapshot| snapshot.time),
        safety_snapshot: safety.id().map(str::to_owned),
        down_seconds: (!run::planning()).then_some(seconds),
        notes,
    }
}
