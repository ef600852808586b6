//! Keeps VolSync from backing the volume up while it is overwritten, by any source that backs it up.
//!
//! A schedule is held at one that does not come. `spec.paused` is no way to do that: a source that is paused still copies the volume when its
//! schedule comes, half-restored, and backs that copy up once it is not paused any more. A mover that runs is waited for, except one that
//! keeps failing: VolSync would start it again for ever. That one is paused; it has its copy already, or mounts the volume itself.
//!
//! `spec.restic` is only touched while no mover runs: VolSync kills a mover whose settings change.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;
use agent_sdk::{cluster, operations};

use super::look::Scene;
use super::{Restore, gitops};
use crate::app;
use crate::source::{FIELDS, Source};
use crate::sync::trigger::{self, NEVER, Turn};

/// More snapshots than any repository has. VolSync takes the number as text.
const ALL: &str = "100000";

/// What keeps the source of the restore quiet.
#[derive(Default)]
pub(super) struct Quiet {
    /// A tag that was handled: the schedule is off for as long as it is there.
    pub(super) tag: Option<trigger::Set>,
    /// Oldest first: Flux, for it would put back the others, which stand in git; the schedule; retention.
    held: Vec<Held>,
    flux: bool,
    schedule: bool,
}

impl Quiet {
    pub(super) fn has_flux(&self) -> bool {
        self.flux
    }

    /// Says whether its schedule is held by this run.
    pub(super) fn has_schedule(&self) -> bool {
        self.schedule
    }

    /// Puts it back, and says what was left to others. Retention goes before the schedule, which may start a mover at once.
    ///
    /// # Errors
    ///
    /// Something could not be put back; the host tries once more when the run ends.
    pub(super) fn release(self) -> Result<Vec<String>> {
        Held::release_all(
            self.held
                .into_iter()
                .chain(self.tag.and_then(|tag| tag.held)),
        )
    }
}

/// Keeps the source of the restore quiet, and with `keep_all` drops no snapshot for as long.
///
/// # Errors
///
/// `volsync.flux-busy`, `volsync.busy`; those of the holds.
pub(super) fn keep(step: &Step, scene: &Scene, args: &Restore, keep_all: bool) -> Result<Quiet> {
    let mut quiet = Quiet::default();
    let flux: Vec<_> = scene.kustomizations.iter().collect();
    if !flux.is_empty() {
        step.note("suspending Flux");
        quiet
            .held
            .push(operations::hold(&gitops::suspend(&flux))?.0);
        quiet.flux = true;
        gitops::settle(step, &flux, args.down_timeout)?;
    }
    let schedule = one(step, &scene.source, None, args.timeout)?;
    quiet.schedule = schedule.is_some();
    quiet.held.extend(schedule);
    if keep_all {
        quiet.held.push(keep_snapshots(&scene.source)?);
    }
    Ok(quiet)
}

/// Keeps all the other sources of the volume quiet, and that of the restore, unless it is. Returns what is held, oldest first.
///
/// # Errors
///
/// `volsync.busy`; those of the holds.
pub(super) fn rest(
    step: &Step,
    scene: &Scene,
    quieted: &Quiet,
    timeout: SignedDuration,
) -> Result<Vec<Held>> {
    let tag = quieted.tag.as_ref().map(|set| set.tag.as_str());
    let own = (!quieted.has_schedule()).then_some((&scene.source, tag));
    let others = scene.siblings.iter().map(|source| (source, None));
    let mut held = Vec::new();
    for (source, tag) in own.into_iter().chain(others) {
        held.extend(one(step, source, tag, timeout)?);
    }
    Ok(held)
}

/// Keeps one source quiet. `ours`: the tag that this run holds on it.
fn one(
    step: &Step,
    source: &Source,
    ours: Option<&str>,
    timeout: SignedDuration,
) -> Result<Option<Held>> {
    let deadline = Deadline::after(timeout);
    loop {
        let Some(source) = at_rest(step, source, ours, deadline, timeout)? else {
            return Ok(None);
        };
        let Some(body) = body(&source) else {
            return Ok(None);
        };
        let body = trigger::resting_on(&source.version, body);
        match cluster::hold(&[Change::patch(&source.target(), body)], &[]) {
            // Somebody was faster.
            Err(error) if error.code() == "cluster.conflict" && !deadline.left().is_zero() => {}
            held => return Ok(Some(held?.0)),
        }
    }
}

/// What keeps a source quiet; none when nothing could start it.
fn body(source: &Source) -> Option<Value> {
    let mut spec = json!({});
    if source.schedule().is_some() {
        spec["trigger"] = json!({"schedule": NEVER});
    }
    if source.stuck() {
        spec["paused"] = true.into();
    }
    (spec != json!({})).then(|| json!({"spec": spec}))
}

/// Returns the source as soon as no mover of it runs, or only one that keeps failing. None when it is gone.
fn at_rest(
    step: &Step,
    source: &Source,
    ours: Option<&str>,
    deadline: Deadline,
    timeout: SignedDuration,
) -> Result<Option<Source>> {
    let now = app::again(source)?;
    let busy = now.as_ref().and_then(|now| in_use(now, ours));
    if busy.is_none() || run::planning() {
        return Ok(now);
    }
    let mut last = (Turn::Mover, source.clone());
    let fields = &FIELDS;
    let waited = wait::until_one(step, &source.target(), fields, deadline, |object| {
        let now = object.map(|object| Source::new(object.0.clone()));
        match now.as_ref().and_then(|now| Some((in_use(now, ours)?, now))) {
            Some((turn, now)) => {
                let note = turn.wait().unwrap_or_default();
                last = (turn, now.clone());
                Verdict::Pending(format!("`{}` {note}", now.name))
            }
            None => Verdict::Done(now),
        }
    })?;
    match waited {
        Waited::Done(now) => Ok(now),
        Waited::Planned => Ok(None),
        Waited::Failed(error) => Err(error),
        Waited::TimedOut(_) => Err(last.0.late(&last.1, timeout)),
    }
}

/// Says what keeps us from changing a source; none when nothing does.
fn in_use(source: &Source, ours: Option<&str>) -> Option<Turn> {
    let mine = ours.is_some() && source.manual() == ours && !source.synchronizing();
    // What is paused has no pod, and has its copy since it was asked.
    if mine || source.stuck() || source.paused() {
        return None;
    }
    let turn = Turn::of(source, false);
    turn.wait().map(|_| turn)
}

/// Retention runs after a backup, and of two snapshots of one hour it drops the older: that could be the chosen one, such as the safety snapshot
/// of the restore that is to be undone. The schedule is held, so no mover runs that would be killed.
fn keep_snapshots(source: &Source) -> Result<Held> {
    let keep = json!({"spec": {"restic": {"retain": {"last": ALL}}}});
    let (held, _) = cluster::hold(&[Change::patch(&source.target(), keep)], &[])?;
    Ok(held)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn every_schedule_is_held_and_only_a_failing_mover_is_paused() {
        let never = json!({"spec": {"trigger": {"schedule": NEVER}}});
        assert_eq!(body(&source(json!({}))), Some(never));
        let failing = json!({
            "spec": {"trigger": {"schedule": null, "manual": "x"}},
            "status": {"lastSyncStartTime": "2026-11-23T12:00:00Z", "latestMoverStatus": {"result": "Failed"}},
        });
        assert_eq!(
            body(&source(failing)),
            Some(json!({"spec": {"paused": true}}))
        );
        let off = json!({"spec": {"trigger": {"schedule": null, "manual": "old"}}});
        assert_eq!(body(&source(off)), None);
    }

    #[test]
    fn running_mover_is_waited_for_and_a_failing_one_is_not() {
        let running = json!({"status": {"lastSyncStartTime": "2026-11-23T12:00:00Z"}});
        assert_eq!(in_use(&source(running.clone()), None), Some(Turn::Mover));
        let mut failing = running;
        failing["status"]["latestMoverStatus"]["result"] = "Failed".into();
        assert_eq!(in_use(&source(failing.clone()), None), None);
        failing["status"]["latestMoverStatus"]["result"] = "Successful".into();
        failing["spec"]["paused"] = true.into();
        assert_eq!(in_use(&source(failing), None), None);
        assert_eq!(in_use(&source(json!({})), None), None);
    }

    #[test]
    fn our_own_tag_is_not_waited_for() {
        let tag = "2026-11-22T06-00-00.123456789Z-0a1b2c3d";
        let tagged = source(json!({"spec": {"trigger": {"manual": tag}}}));
        assert_eq!(in_use(&tagged, Some(tag)), None);
        assert_eq!(in_use(&tagged, None), Some(Turn::Taken));
    }
}
