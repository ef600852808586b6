//! Compares the volume with the snapshot once the mover has ended. The mover's word is not enough: restic leaves zeros in some files and calls that a
//! success, see [`compare`].

use agent_sdk::prelude::*;

use super::destination::Order;
use super::drain;
use super::look::Scene;
use crate::job::{self, Access, Printed, Work};
use crate::restic::Snapshot;
use crate::restic::compare::{self, Compared};

/// So long the Job may read. A volume is as large as it is.
const READING: SignedDuration = SignedDuration::from_hours(48);

/// Stands in a plan for the id of a snapshot that is chosen when the run lists the repository.
const ANY_ID: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

/// Proves that the volume is as the snapshot; mends what is not. Returns what the person should know when that cannot be proven.
///
/// # Errors
///
/// `volsync.not-as-snapshot`, which names the files.
pub(super) fn verify(scene: &Scene, order: &Order) -> Result<Option<String>> {
    let what = order.chosen.map_or("the snapshot", Snapshot::short);
    let step = Step::new(format!("Compare `{}` with `{what}`", scene.source.claim()));
    if !order.verify {
        step.skip("--no-verify was given");
        return Ok(None);
    }
    let Some(chosen) = order.chosen else {
        let (reads, mends) = (args(ANY_ID, &[]), args(ANY_ID, &["/".to_owned()]));
        for purpose in ["compare", "again", "mend", "recheck"] {
            let (access, args) = match purpose {
                "mend" => (Access::Write, &mends),
                _ => (Access::Read, &reads),
            };
            job::run(
                &step,
                &scene.source,
                &work(purpose, access, args, order.timeout),
            )?;
        }
        step.skip("compared when the run starts");
        return Ok(None);
    };
    let first = compare(&step, scene, "compare", chosen, order.timeout)?;
    let first = match first {
        // Once more: a repository that did not answer for a moment is no reason to leave it at that.
        Compared::Unknown(_) => compare(&step, scene, "again", chosen, order.timeout)?,
        known => known,
    };
    match first {
        Compared::Same => {
            step.done("every file is as in the snapshot");
            return Ok(None);
        }
        Compared::Unknown(why) => {
            step.skip(&why);
            return Ok(Some(unproven(chosen, &why)));
        }
        Compared::Differs(paths) => {
            drain::refuse_users(scene)?;
            mend(&step, scene, chosen, &paths, order.timeout)?;
        }
    }
    match compare(&step, scene, "recheck", chosen, order.timeout)? {
        Compared::Same => {
            step.done("every file is as in the snapshot");
            Ok(None)
        }
        Compared::Unknown(why) => Err(differs(scene, chosen, &[]).cause(why)),
        Compared::Differs(paths) => Err(differs(scene, chosen, &paths)),
    }
}

/// Says whether the volume is known to be as a snapshot.
///
/// # Errors
///
/// Those of the host.
pub(super) fn is_as(scene: &Scene, chosen: &Snapshot, timeout: SignedDuration) -> Result<bool> {
    let step = Step::new(format!(
        "Compare `{}` with `{}`",
        scene.source.claim(),
        chosen.short()
    ));
    let compared = compare(&step, scene, "compare", chosen, timeout)?;
    step.done(match &compared {
        Compared::Same => "every file is as in the snapshot".to_owned(),
        Compared::Differs(_) => "it differs".to_owned(),
        Compared::Unknown(why) => why.clone(),
    });
    Ok(compared == Compared::Same)
}

fn unproven(chosen: &Snapshot, why: &str) -> String {
    format!(
        "whether every file is as in snapshot `{}` was not compared: {why}",
        chosen.short()
    )
}

/// What a Job gets: the snapshot, and the paths that are to be mended, encoded. Both are known only when the run is performed.
fn args(id: &str, paths: &[String]) -> Vec<String> {
    let mut args = vec![id.to_owned()];
    run::placeholder("id of the snapshot", id);
    if !paths.is_empty() {
        let paths = compare::encoded(paths);
        run::placeholder("files to mend", &paths);
        args.push(paths);
    }
    args
}

fn work<'a>(
    purpose: &'a str,
    access: Access,
    args: &'a [String],
    timeout: SignedDuration,
) -> Work<'a> {
    let (script, whole): (_, fn(&str) -> bool) = match access {
        Access::Read => (compare::SCRIPT, compare::is_whole),
        Access::Write => (compare::MEND, |_| true),
    };
    Work {
        purpose,
        script,
        args,
        data: Some(access),
        timeout,
        patience: Some(READING),
        whole,
    }
}

/// Compares. Where the Job cannot run, nothing is known.
fn compare(
    step: &Step,
    scene: &Scene,
    purpose: &str,
    chosen: &Snapshot,
    timeout: SignedDuration,
) -> Result<Compared> {
    step.note("reads every file");
    let args = args(&chosen.id, &[]);
    match job::run(
        step,
        &scene.source,
        &work(purpose, Access::Read, &args, timeout),
    ) {
        Ok(Some(Printed { log, .. })) => Ok(compare::compared(&log)),
        Ok(None) => Ok(Compared::Same),
        Err(error) if error.code() == job::FAILED => Ok(Compared::Unknown(error.to_string())),
        Err(error) => Err(error),
    }
}

/// Restores into nothing what is not as in the snapshot.
fn mend(
    step: &Step,
    scene: &Scene,
    chosen: &Snapshot,
    paths: &[String],
    timeout: SignedDuration,
) -> Result<()> {
    if !compare::can_be_mended(paths) {
        return Err(differs(scene, chosen, paths));
    }
    warn!(
        "{} not as in the snapshot after the restore: {}; restored once more into nothing",
        match paths.len() {
            1 => "one file is".to_owned(),
            many => format!("{many} files are"),
        },
        named(paths)
    );
    step.note("restores once more what is not as in the snapshot");
    let args = args(&chosen.id, paths);
    let printed = job::run(
        step,
        &scene.source,
        &work("mend", Access::Write, &args, timeout),
    )?;
    match printed {
        Some(Printed { end, log }) if end.exit != 0 => {
            let causes = job::causes(Some(end.exit), &log).into_iter();
            Err(causes.fold(differs(scene, chosen, paths), Error::cause))
        }
        _ => Ok(()),
    }
}

fn differs(scene: &Scene, chosen: &Snapshot, paths: &[String]) -> Error {
    let message = format!(
        "`{}/{}` is not restored: the volume is not as snapshot `{}`",
        scene.source.namespace,
        scene.app,
        chosen.short()
    );
    let error = Error::failed("volsync.not-as-snapshot", message);
    if paths.is_empty() {
        return error;
    }
    error.cause(format!("these differ: {}", named(paths)))
}

/// Names the first of many.
fn named(paths: &[String]) -> String {
    const FIRST: usize = 10;
    let first: Vec<_> = paths
        .iter()
        .take(FIRST)
        .map(|path| format!("`{path}`"))
        .collect();
    match paths.len().saturating_sub(FIRST) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
