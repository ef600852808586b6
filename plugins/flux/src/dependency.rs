//! What an object depends on (`spec.dependsOn`), followed until something says how it is.
//!
//! The controllers wait for a dependency for ever, look at it again every 30 s (`--requeue-dependency`; since kustomize-controller 1.8 also when it
//! gets ready), and say of it no more than that it is not ready. So why it is not, and that it will never be, is asked of the dependency itself.

use agent_sdk::prelude::*;

use crate::judge::Judge;
use crate::readiness::{Readiness, readiness};

/// The reason of `Ready=False` while a dependency is not ready.
pub(crate) const NOT_READY: &str = "DependencyNotReady";

/// What kustomize- and helm-controller say when an expression, and not the condition `Ready`, tells whether a dependency is ready.
const BY_EXPRESSION: &str = "according to readyExpr";

/// What kustomize-controller says when a dependency of the same source has not applied the source's newest revision.
const OLD_REVISION: &str = "revision is not up to date";

/// How a dependency is. The text goes on from the name of what depends: "depends on …".
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    /// It is as the controller wants it.
    Ready,
    /// It may become ready.
    AtWork(String),
    /// It has settled as something else than ready, while an expression decides about it.
    Settled(String),
    /// It will not become ready without something new.
    Failed(String),
}

/// Judges what an object depends on, by what its controller said of it. `path` is what led here, the object itself last.
pub(crate) fn state(judge: &Judge, path: &[ObjectRef], object: &Object, said: &str) -> State {
    let Some(target) = path.last() else {
        return State::Ready;
    };
    let all = dependencies(target, object);
    let blamed: Vec<&ObjectRef> = all.iter().filter(|one| is_blamed(one, said)).collect();
    let judged = if blamed.is_empty() {
        all.iter().collect()
    } else {
        blamed
    };
    let states = judged
        .into_iter()
        .map(|dependency| one(judge, path, dependency, said));
    let mut worst = State::Ready;
    for state in states {
        match (&worst, &state) {
            (_, State::Failed(_)) => return state,
            (State::Ready, _) | (State::AtWork(_), State::Settled(_)) => worst = state,
            _ => {}
        }
    }
    worst
}

fn one(judge: &Judge, path: &[ObjectRef], dependency: &ObjectRef, said: &str) -> State {
    let name = place(dependency);
    if let Some(at) = path.iter().position(|one| one == dependency) {
        let mut names: Vec<String> = path[at..].iter().map(place).collect();
        names.push(name);
        return State::Failed(format!("depends on itself: {}", names.join(" → ")));
    }
    let found = match judge.find(dependency) {
        Ok(Some(found)) => found,
        Ok(None) => return State::Failed(format!("depends on {name}, which does not exist")),
        Err(error) => {
            return State::AtWork(format!("depends on {name}, which cannot be read: {error}"));
        }
    };
    if said.contains(BY_EXPRESSION) && is_blamed(dependency, said) {
        return by_expression(&name, &found);
    }
    if is_ready(&found) {
        return ready(
            &name,
            &found,
            said.contains(OLD_REVISION) && is_blamed(dependency, said),
        );
    }
    if found.flag("/spec/suspend") {
        return State::Failed(format!(
            "depends on {name}, which is suspended and not ready"
        ));
    }
    if judge.is_asked(&found) {
        return State::AtWork(format!(
            "depends on {name}, which Flux has been asked to reconcile"
        ));
    }
    unready(judge, path, dependency, &found)
}

fn ready(name: &str, found: &Object, old: bool) -> State {
    if !old {
        return State::Ready;
    }
    if found.flag("/spec/suspend") {
        let at = crate::readiness::revision(found);
        return State::Failed(format!("depends on {name}, which is suspended at `{at}`"));
    }
    State::AtWork(format!(
        "depends on {name}, which has not applied the newest revision yet"
    ))
}

/// The expression itself is the controller's business. It is about the objects alone, so while the dependency does not change it gives the same.
fn by_expression(name: &str, found: &Object) -> State {
    match readiness(found) {
        Readiness::Pending(note) => State::AtWork(format!("depends on {name}: {note}")),
        Readiness::Failed { reason, message }
        | Readiness::Failing { reason, message }
        | Readiness::Artifact { reason, message } => State::Settled(format!(
            "depends on {name}, which failed: `{reason}`: {message}"
        )),
        Readiness::Ready(_) => State::Settled(format!(
            "depends on {name}, which is ready, but not as its `readyExpr` wants it"
        )),
    }
}

fn unready(judge: &Judge, path: &[ObjectRef], dependency: &ObjectRef, found: &Object) -> State {
    let name = place(dependency);
    let failed = |reason: &str, message: &str| {
        let message = message.trim().trim_end_matches('.');
        State::Failed(format!(
            "depends on {name}, which failed: `{reason}`: {message}"
        ))
    };
    let (reason, message) = match readiness(found) {
        Readiness::Failed { reason, message } | Readiness::Failing { reason, message } => {
            return failed(&reason, &message);
        }
        Readiness::Artifact { reason, message } => {
            return match judge.source_failure(dependency, found, (&reason, &message)) {
                Some(why) => failed(&reason, &why),
                None => State::AtWork(format!("depends on {name}: {message}")),
            };
        }
        Readiness::Ready(_) => return State::AtWork(format!("depends on {name}")),
        Readiness::Pending(note) => match found.condition("Ready") {
            Some(ready) if ready.reason == NOT_READY => (note, ready.message),
            _ => return State::AtWork(format!("depends on {name}: {note}")),
        },
    };
    let mut path = path.to_vec();
    path.push(dependency.clone());
    match state(judge, &path, found, message) {
        State::Failed(why) => State::Failed(format!("depends on {name}, which {why}")),
        State::Settled(why) => State::Settled(format!("depends on {name}, which {why}")),
        State::AtWork(why) => State::AtWork(format!("depends on {name}, which {why}")),
        State::Ready => State::AtWork(format!("depends on {name}: {reason}")),
    }
}

/// What the controllers want of a dependency. A suspended one that was ready stays so: its controller goes on to note its generation.
fn is_ready(object: &Object) -> bool {
    let observed = object.integer("/status/observedGeneration");
    observed == Some(object.generation())
        && object.condition("Ready").is_some_and(|one| one.is_true())
}

/// Returns whether a message of a controller names that dependency: `dependency 'default/base' is not ready`.
fn is_blamed(dependency: &ObjectRef, said: &str) -> bool {
    said.contains(&format!("'{}'", place(dependency)))
}

/// Returns the namespace and the name.
fn place(target: &ObjectRef) -> String {
    format!(
        "{}/{}",
        target.namespace.as_deref().unwrap_or_default(),
        target.name
    )
}

/// Returns what an object depends on: objects of its own kind, in its own namespace where no other is named.
fn dependencies(target: &ObjectRef, object: &Object) -> Vec<ObjectRef> {
    let own = target.namespace.as_deref().unwrap_or_default();
    let reference = |one: &Value| {
        let namespace = one["namespace"].as_str().filter(|name| !name.is_empty());
        Some(ObjectRef::new(
            target.of,
            namespace.unwrap_or(own),
            one["name"].as_str()?,
        ))
    };
    object
        .items("/spec/dependsOn")
        .iter()
        .filter_map(reference)
        .collect()
}

#[cfg(test)]
mod tests;
