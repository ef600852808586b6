//! Flux, kept from correcting what a restore changes.
//!
//! A suspended Kustomization or HelmRelease ends what it has begun. Scaled to 0 meanwhile, a workload is scaled up again by its last step, so
//! it is waited for.

use agent_sdk::operations::Call;
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::look::Flux;
use crate::call;

/// Returns the calls that suspend them, Kustomizations before HelmReleases.
pub(super) fn suspend(flux: &[&Flux]) -> Vec<Call> {
    let of = |kind| {
        flux.iter()
            .map(|one| &one.target)
            .filter(move |target| target.of == kind)
    };
    [
        call::each("flux.suspend", of(kinds::KUSTOMIZATION), Some("ks")),
        call::each("flux.suspend", of(kinds::HELM_RELEASE), Some("hr")),
    ]
    .concat()
}

/// Waits until those that were just suspended do nothing any more.
///
/// # Errors
///
/// `volsync.flux-busy`, which names them.
pub(super) fn settle(step: &Step, flux: &[&Flux], timeout: SignedDuration) -> Result<()> {
    let awake = flux.iter().filter(|one| !one.suspended);
    let targets: Vec<_> = awake.map(|one| one.target.clone()).collect();
    let deadline = Deadline::after(timeout);
    let fields = ["/status/conditions"];
    let waited = wait::until(step, &targets, &fields, deadline, |_, object| match object
        .and_then(at_work)
    {
        Some(what) => Verdict::Pending(what),
        None => Verdict::Done(()),
    })?;
    let busy = targets
        .iter()
        .zip(waited)
        .filter_map(|(target, waited)| match waited {
            Waited::TimedOut(note) => Some(format!("{target}: {note}")),
            Waited::Failed(_) | Waited::Done(()) | Waited::Planned => None,
        });
    let busy: Vec<_> = busy.collect();
    if busy.is_empty() {
        return Ok(());
    }
    let message = format!(
        "Flux was still at work after `{timeout:#}`, and would start what is stopped: nothing was overwritten"
    );
    let error = Error::timeout("volsync.flux-busy", message);
    let error = busy.into_iter().fold(error, Error::cause);
    Err(error.hint("wait until it has ended, or give it more time with --down-timeout"))
}

/// Says what Flux does with an object. `ProgressingWithRetry` is none of that: it waits. Nor are health checks, which come after everything is
/// applied, and of an app that is to be restored often fail.
fn at_work(object: &Object) -> Option<String> {
    let reconciling = object.condition("Reconciling")?;
    let works = reconciling.is_true() && reconciling.reason == "Progressing";
    let applied = reconciling.message.starts_with("Running health checks");
    (works && !applied).then(|| format!("is at work: {}", reconciling.message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flux_that_is_at_work_is_told_from_flux_that_waits() {
        let at_work = |status: &str, reason: &str, message: &str| {
            let condition = json!({"type": "Reconciling", "status": status, "reason": reason, "message": message});
            at_work(&Object(json!({"status": {"conditions": [condition]}}))).is_some()
        };
        assert!(at_work("True", "Progressing", "Building manifests"));
        assert!(at_work("True", "Progressing", "Running 'upgrade' action"));
        assert!(!at_work("True", "ProgressingWithRetry", "x"));
        assert!(!at_work("False", "Progressing", "x"));
        let checks = "Running health checks for revision main@sha1:1 with a timeout of 5m";
        assert!(!at_work("True", "Progressing", checks));
        assert_eq!(super::at_work(&Object(json!({}))), None);
    }
}
