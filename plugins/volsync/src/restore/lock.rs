//! Looks for a lock that a mover has left which was removed while it ran: no backup of the app ends from then on.

use agent_sdk::prelude::*;

use super::look::Scene;
use crate::job::{self, Work};
use crate::restic::lock::{self, Left};

/// Returns what the person should know about locks that stand in the repository, now that no mover of the volume runs. Who cannot look says
/// nothing.
pub(super) fn left(scene: &Scene, timeout: SignedDuration) -> Result<Option<String>> {
    let source = &scene.source;
    let step = Step::new(format!(
        "Look for locks in the repository of `{}/{}`",
        source.namespace, source.name
    ));
    let work = Work {
        purpose: "locks",
        script: lock::SCRIPT,
        args: &[],
        data: None,
        timeout,
        patience: None,
        whole: |log| log.lines().any(|line| line.starts_with("exit ")),
    };
    let log = match job::run(&step, source, &work) {
        Ok(printed) => printed.map(|printed| printed.log).unwrap_or_default(),
        Err(error) if error.code() == job::FAILED => {
            step.skip(error.to_string());
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let Some(newest) = lock::left(&log).into_iter().max_by_key(|lock| lock.since) else {
        step.done("none");
        return Ok(None);
    };
    step.done(format!("that of `{}`", newest.host));
    Ok(Some(told(scene, &newest)))
}

fn told(scene: &Scene, lock: &Left) -> String {
    let (namespace, name) = (&scene.source.namespace, &scene.source.name);
    format!(
        "`{}`, which is gone, has left a lock in the repository: no backup of `{namespace}/{name}` ends before it is removed, which can be done from {} on: \
         agent run volsync.unlock {namespace} {name}",
        lock.host,
        lock.stale()
    )
}
