//! What the container of a Job does, and what it prints: VolSync's mover, restic itself, or something that we do not know and
//! that just succeeds.

mod environment;
mod mover;
mod restic;

use crate::object::Object;
use crate::world::{Result, World};
pub(crate) use environment::Environment;

/// The Job of a pod; of a mover what VolSync made it for.
pub(crate) fn owner(pod: &Object) -> &str {
    let job = pod
        .label("batch.kubernetes.io/job-name")
        .or_else(|| pod.label("job-name"))
        .unwrap_or_default();
    owner_of(job)
}

/// What a Job is called by those who set faults: of a mover what VolSync made it for, of an agent's list all of them.
pub(crate) fn owner_of(job: &str) -> &str {
    const LIST: &str = "volsync-agent-list";
    if job.starts_with(LIST) {
        return LIST;
    }
    job.strip_prefix("volsync-src-")
        .or_else(|| job.strip_prefix("volsync-dst-"))
        .unwrap_or(job)
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// All that it printed.
    pub(crate) log: String,
    /// Its exit code.
    pub(crate) code: i64,
}

/// What the container of a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Mover,
    Restic,
    Other,
}

/// Tells what the container of a pod will run.
pub(crate) fn program(pod: &Object) -> Program {
    let words = words(pod);
    let image = pod.text("/spec/containers/0/image");
    if words
        .first()
        .is_some_and(|word| word.ends_with("/entry.sh"))
    {
        Program::Mover
    } else if image.contains("restic")
        || words
            .iter()
            .any(|word| word.split_whitespace().any(|part| part.ends_with("restic")))
    {
        Program::Restic
    } else {
        Program::Other
    }
}

/// What the container prints as soon as it has started.
pub(crate) fn first_lines(pod: &Object) -> String {
    match program(pod) {
        Program::Mover => mover::greeting(&arguments(pod)),
        Program::Restic | Program::Other => String::new(),
    }
}

/// Runs the container: has its effect, and tells how it ended. `None` while its environment is incomplete.
pub(crate) async fn run(world: &World, pod: &Object, environment: &Environment) -> Result<Outcome> {
    match program(pod) {
        Program::Mover => mover::run(world, pod, environment).await,
        Program::Restic => Ok(restic::run(world, pod, environment)),
        Program::Other => Ok(Outcome {
            log: format!("{} finished\n", pod.name()),
            code: 0,
        }),
    }
}

fn list(pod: &Object, pointer: &str) -> Vec<String> {
    pod.list(pointer)
        .iter()
        .filter_map(|word| word.as_str().map(str::to_owned))
        .collect()
}

fn arguments(pod: &Object) -> Vec<String> {
    list(pod, "/spec/containers/0/args")
}

/// Command and arguments.
fn words(pod: &Object) -> Vec<String> {
    [list(pod, "/spec/containers/0/command"), arguments(pod)].concat()
}

/// Whether a repository with this address can be reached from the pod: one in a folder needs a volume there, or the name and
/// label by which the cluster's admission policy adds it to VolSync's own Jobs.
fn has_volume_for(pod: &Object, url: &str) -> bool {
    if !url.starts_with('/') {
        return true;
    }
    let mounted = pod
        .list("/spec/containers/0/volumeMounts")
        .iter()
        .filter_map(|mount| mount["mountPath"].as_str())
        .any(|path| {
            url == path
                || url
                    .strip_prefix(path)
                    .is_some_and(|rest| rest.starts_with('/'))
        });
    let job = pod
        .label("batch.kubernetes.io/job-name")
        .or_else(|| pod.label("job-name"))
        .unwrap_or_default();
    let ours = pod.label("app.kubernetes.io/created-by") == Some("volsync");
    mounted || (job.starts_with("volsync-") && ours)
}
