//! `--with-source`: what an object is made of is reconciled before it, and waited for.
//!
//! A Kustomization has one source. A HelmRelease has a chart, which is an OCIRepository or a HelmChart; a HelmChart has a source of its
//! own, which is reconciled before it.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use crate::kind;
use crate::readiness::FIELDS;
use crate::report::Done;
use crate::request::Extra;
use crate::select;

/// Reconciles what all targets are made of, each source once. A target whose source failed becomes that error; the others are read again.
///
/// # Errors
/// Only of a wait as a whole.
pub(crate) fn reconcile(
    targets: &[ObjectRef],
    objects: &mut [Result<Object>],
    deadline: Deadline,
) -> Result<()> {
    // Suspended objects will refuse anyway: their sources are left alone.
    let nearest: Vec<Option<Result<ObjectRef>>> = targets
        .iter()
        .zip(objects.iter())
        .map(|(target, object)| match object {
            Ok(object) if !object.flag("/spec/suspend") => nearest(target, object),
            _ => None,
        })
        .collect();
    let mut stage: Vec<ObjectRef> = nearest.iter().flatten().flatten().cloned().collect();
    unique(&mut stage);
    let results = reconcile_stage(&stage, deadline)?;
    for (object, source) in objects.iter_mut().zip(nearest) {
        if let Some(error) = failure(source, &stage, &results) {
            *object = Err(error);
        }
    }
    super::read_again(targets, objects);
    Ok(())
}

fn failure(
    source: Option<Result<ObjectRef>>,
    stage: &[ObjectRef],
    results: &[Result<Done>],
) -> Option<Error> {
    let source = match source? {
        Ok(source) => source,
        Err(error) => return Some(error),
    };
    let index = stage.iter().position(|one| *one == source)?;
    let error = results.get(index)?.as_ref().err()?;
    Some(error.clone().while_doing("its source failed"))
}

/// Reconciles sources; Helm charts among them only after their own sources.
fn reconcile_stage(stage: &[ObjectRef], deadline: Deadline) -> Result<Vec<Result<Done>>> {
    let mut objects = select::read_many(stage, &FIELDS);
    let (charts, mut roots) = chart_sources(stage, &objects);
    if !charts.is_empty() {
        unique(&mut roots);
        let root_objects = select::read_many(&roots, &FIELDS);
        let results = wait_for(&roots, root_objects, deadline)?;
        for (index, source) in charts {
            if let Some(error) = failure(Some(source), &roots, &results) {
                objects[index] = Err(error);
            }
        }
        super::read_again(stage, &mut objects);
    }
    wait_for(stage, objects, deadline)
}

/// A chart's place in its stage, and its source.
type ChartSource = (usize, Result<ObjectRef>);

fn chart_sources(
    stage: &[ObjectRef],
    objects: &[Result<Object>],
) -> (Vec<ChartSource>, Vec<ObjectRef>) {
    let charts: Vec<ChartSource> = stage
        .iter()
        .zip(objects)
        .enumerate()
        .filter_map(|(index, (target, object))| {
            let source = nearest(target, object.as_ref().ok()?)?;
            Some((index, source))
        })
        .collect();
    let roots = charts
        .iter()
        .filter_map(|(_, source)| source.as_ref().ok().cloned())
        .collect();
    (charts, roots)
}

fn wait_for(
    targets: &[ObjectRef],
    objects: Vec<Result<Object>>,
    deadline: Deadline,
) -> Result<Vec<Result<Done>>> {
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    super::ask(targets, objects, Extra::default(), deadline)
}

fn unique(targets: &mut Vec<ObjectRef>) {
    targets.sort();
    targets.dedup();
}

/// Returns what an object is made of first-hand; none for a source, an error for what cannot be asked to reconcile.
pub(crate) fn nearest(target: &ObjectRef, object: &Object) -> Option<Result<ObjectRef>> {
    let own = target.namespace.as_deref().unwrap_or_default();
    if target.of == kinds::HELM_RELEASE && object.at("/spec/chartRef").is_null() {
        let source = object.at("/spec/chart/spec/sourceRef");
        let namespace = source["namespace"].as_str().unwrap_or(own);
        let name = format!("{own}-{}", target.name);
        return (!source.is_null())
            .then(|| Ok(ObjectRef::new(kinds::HELM_CHART, namespace, &name)));
    }
    let pointer = if target.of == kinds::HELM_RELEASE {
        "/spec/chartRef"
    } else {
        "/spec/sourceRef"
    };
    let reference = object.at(pointer);
    let kind = reference["kind"].as_str()?;
    let name = reference["name"].as_str().unwrap_or_default();
    let namespace = reference["namespace"].as_str().unwrap_or(own);
    Some(match kind::source_type(kind) {
        Some(of) => Ok(ObjectRef::new(of, namespace, name)),
        None => Err(Error::unsupported(
            "flux.source-kind",
            format!("the source of {target} is a `{kind}`, which cannot be asked to reconcile"),
        )
        .hint("leave --with-source away")),
    })
}

#[cfg(test)]
mod tests;
