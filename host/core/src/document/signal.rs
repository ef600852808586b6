//! What a plugin may not ask to signal. Whoever may signal a field overwrites it for good, so it has to be one that asks a controller, and not one that holds
//! something. Which fields of other people's types those are, the person sees who grants them; of Kubernetes' own it is known.

use crate::name::{Field, Resources};

const ANNOTATIONS: [&str; 2] = [
    "/metadata/annotations/",
    "/spec/template/metadata/annotations/",
];
/// In these, annotations are all that asks anybody.
const HOLDING: [&str; 3] = ["/metadata", "/spec/template", "/spec/jobTemplate"];

const ANY_TYPE: &str =
    "name the types, for what asks the controller of one holds a setting of another";
const SECRET: &str = "a Secret asks nobody, and what was in it would be lost";
const WHOLE: &str = "that is a whole part of the object: name the field in it that asks";
const HELD: &str =
    "of the metadata and of a pod template only annotations ask, each by its own name";
const OPEN: &str = "only of annotations the end may be left open, behind their domain: `/metadata/annotations/example.org~1*`";

/// Returns why objects of a type cannot be signalled.
pub(super) fn of_type(resource: &Resources) -> Option<(String, &'static str)> {
    let why = match resource {
        Resources::Any => ANY_TYPE,
        Resources::One(one) if *one == "secrets" || one.starts_with("secrets/") => SECRET,
        Resources::One(_) => return None,
    };
    Some((resource.to_string(), why))
}

/// Returns why a field cannot be signalled.
pub(super) fn of_field(field: &Field) -> Option<(String, &'static str)> {
    let open = field.ends_with('*');
    let annotation = ANNOTATIONS
        .iter()
        .find_map(|annotations| field.strip_prefix(annotations))
        .filter(|name| !name.contains('/'));
    let why = match annotation {
        Some(name) if open && !name.contains("~1") => OPEN,
        Some(_) => return None,
        None if HOLDING.iter().any(|part| is_within(field, part)) => HELD,
        None if field.matches('/').count() < 2 => WHOLE,
        None if open => OPEN,
        None => return None,
    };
    Some((field.to_string(), why))
}

/// Returns whether a field is a part of the object, or within it.
fn is_within(field: &Field, part: &str) -> bool {
    let rest = field.strip_prefix(part);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
