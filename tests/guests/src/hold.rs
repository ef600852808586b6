//! Guests that hold a change and end in every way there is.

use std::time::Duration;

use agent_sdk::NoArgs;
use agent_sdk::prelude::*;

fn held() -> Result<Held> {
    held_at("held")
}

fn held_at(mode: &str) -> Result<Held> {
    let target = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    let change = Change::patch(&target, json!({ "data": { "mode": mode } }));
    Ok(cluster::hold(&[change], &["/data"])?.0)
}

fn held_job() -> Result<Held> {
    let container = json!({ "name": "mover", "image": "mover" });
    let manifest = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "mover", "namespace": "default" },
        "spec": { "template": { "spec": { "containers": [container], "restartPolicy": "Never" } } },
    });
    Ok(cluster::hold(&[Change::create(kinds::JOB, manifest)], &[])?.0)
}

/// Hold, and let go of it without a word.
#[operation(risk = "change")]
pub(crate) fn hold_and_return(_args: NoArgs) -> Result<Value> {
    held()?;
    Ok(json!("held"))
}

/// Hold, and fail.
#[operation(risk = "change")]
pub(crate) fn hold_and_fail(_args: NoArgs) -> Result<Value> {
    let _held = held()?;
    Err(Error::conflict(
        "guests.failed",
        "it failed as it was told to",
    ))
}

/// Hold, and panic.
#[operation(risk = "change")]
pub(crate) fn hold_and_trap(_args: NoArgs) -> Result<Value> {
    let _held = held()?;
    panic!("while it held");
}

/// Hold, and compute for ever.
#[operation(risk = "change")]
pub(crate) fn hold_and_spin(_args: NoArgs) -> Result<Value> {
    let _held = held()?;
    crate::compute::spin(NoArgs)
}

/// Hold, and wait for ever without hearing a cancel.
#[operation(risk = "change")]
pub(crate) fn hold_and_sleep(_args: NoArgs) -> Result<Value> {
    let _held = held()?;
    info!("holding");
    std::thread::sleep(Duration::from_secs(100 * 24 * 60 * 60));
    Ok(json!("slept"))
}

/// Behave well: hold, and keep what is held.
#[operation(risk = "change")]
pub(crate) fn hold_and_keep(_args: NoArgs) -> Result<Value> {
    held()?.keep()?;
    Ok(json!("kept"))
}

/// Hold a change, then one more object, and wait for ever.
#[operation(risk = "change")]
pub(crate) fn hold_made_and_sleep(_args: NoArgs) -> Result<Value> {
    let _held = held()?;
    let manifest = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "mover", "namespace": "default" },
    });
    let _mover = cluster::hold(&[Change::create(kinds::CONFIG_MAP, manifest)], &[])?;
    info!("holding");
    run::sleep(Duration::from_secs(100 * 24 * 60 * 60))?;
    Ok(json!("slept"))
}

/// Hold a change, then a Job, and wait for ever.
#[operation(risk = "change")]
pub(crate) fn hold_job_and_sleep(_args: NoArgs) -> Result<Value> {
    let _held = held()?;
    let _job = held_job()?;
    info!("holding");
    run::sleep(Duration::from_secs(100 * 24 * 60 * 60))?;
    Ok(json!("slept"))
}

/// Hold a change, then a Job, and let go of both without a word.
#[operation(risk = "change")]
pub(crate) fn hold_job_and_return(_args: NoArgs) -> Result<Value> {
    held()?;
    held_job()?;
    info!("holding");
    Ok(json!("held"))
}

/// Hold a change, then a Job, and fail, which drops them.
#[operation(risk = "change")]
pub(crate) fn hold_job_and_drop(_args: NoArgs) -> Result<Value> {
    let _held = held()?;
    let _job = held_job()?;
    info!("holding");
    Err(Error::conflict(
        "guests.failed",
        "it failed as it was told to",
    ))
}

/// Hold a field, then another value of it, and wait for ever.
#[operation(risk = "change")]
pub(crate) fn hold_twice_and_sleep(_args: NoArgs) -> Result<Value> {
    let _held = held()?;
    let _again = held_at("held again")?;
    info!("holding");
    run::sleep(Duration::from_secs(100 * 24 * 60 * 60))?;
    Ok(json!("slept"))
}

/// Hold under a lock, and wait for ever.
#[operation(risk = "change", locks("guests:settings"))]
pub(crate) fn hold_locked(_args: NoArgs) -> Result<Value> {
    let _held = held()?;
    info!("holding");
    run::sleep(Duration::from_secs(100 * 24 * 60 * 60))?;
    Ok(json!("slept"))
}

/// Hold, and keep it although the run was stopped meanwhile.
#[operation(risk = "change")]
pub(crate) fn hold_and_keep_anyway(_args: NoArgs) -> Result<Value> {
    let held = held()?;
    info!("holding");
    drop(run::sleep(Duration::from_secs(100 * 24 * 60 * 60)));
    drop(held.keep());
    Ok(json!("kept"))
}

/// Behave well: hold, and come to the end a moment later without the host.
#[operation(risk = "change")]
pub(crate) fn hold_and_end_late(_args: NoArgs) -> Result<Value> {
    held()?;
    info!("holding");
    std::thread::sleep(Duration::from_millis(500));
    Ok(json!("held"))
}

/// Behave well: change for good.
#[operation(risk = "change")]
pub(crate) fn change(_args: NoArgs) -> Result<Value> {
    let target = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    let change = Change::patch(&target, json!({ "data": { "mode": "changed" } }));
    cluster::commit_one(change, &["/data"])?;
    Ok(json!("changed"))
}
