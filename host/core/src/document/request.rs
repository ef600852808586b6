//! Whether the parts of a request go together: parameters with what they name, and verbs with fields.

use super::{Unfit, signal};
use crate::descriptor::{Operation, Type};
use crate::manifest::{ClusterRequest, ClusterVerb};
use crate::name::ParameterName;

/// What is wrong, and what to do.
pub(super) type Wrong = (&'static str, &'static str);

pub(super) const EVERYWHERE: Wrong = (
    "may be left out",
    "write `{parameter|*}` for all namespaces then, or make it required",
);
pub(super) const ANYTHING: Wrong = (
    "may be left out",
    "make it required, or leave the names away",
);

/// Returns what is wrong when the value of a parameter could be no name of anything, or `left_out` when an invocation could do without it.
pub(super) fn binds(
    operation: &Operation,
    name: &ParameterName,
    left_out: Option<Wrong>,
) -> Result<(), Wrong> {
    const RESTRICT: &str = "name the `operations` that the request is for";
    let Some(parameter) = operation.parameter(name) else {
        return Err(("does not exist", RESTRICT));
    };
    if parameter.schema.of != Type::String || parameter.secret {
        return Err(("is not text that names anything", RESTRICT));
    }
    let given = parameter.required || parameter.default.is_some();
    match left_out {
        Some(wrong) if !given => Err(wrong),
        _ => Ok(()),
    }
}

/// Returns how many rights a request comes to.
pub(super) fn rights_of(request: &ClusterRequest) -> usize {
    let listed = [
        request.verbs.len(),
        request.resources.len(),
        request.namespaces.len(),
        request.fields.len().max(1),
        request.names.len().max(1),
    ];
    let objects = listed.into_iter().fold(1, usize::saturating_mul);
    objects.saturating_add(request.managers.len())
}

/// Judges whether the verbs of a request go with its fields.
pub(super) fn judge_fields(
    place: impl Fn() -> String,
    request: &ClusterRequest,
) -> Result<(), Unfit> {
    let applies = request.verbs.contains(&ClusterVerb::Apply);
    if !request.managers.is_empty() && !applies {
        return Err(Unfit::Managers { place: place() });
    }
    for verb in request.verbs.iter().copied() {
        let with_fields = !request.fields.is_empty();
        if with_fields && !verb.has_fields() {
            return Err(Unfit::Fieldless {
                place: place(),
                verb: verb.as_str(),
            });
        }
        if !with_fields && verb.needs_fields() {
            return Err(Unfit::WithoutFields {
                place: place(),
                verb: verb.as_str(),
            });
        }
    }
    if !request.verbs.contains(&ClusterVerb::Signal) {
        return Ok(());
    }
    let resources = request.resources.iter().filter_map(signal::of_type);
    let fields = request.fields.iter().filter_map(signal::of_field);
    match resources.chain(fields).next() {
        Some((what, why)) => Err(Unfit::Signal {
            place: place(),
            what,
            why,
        }),
        None => Ok(()),
    }
}
