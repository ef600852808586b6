//! A change as a person reads it: `patch deployments media/plex`, and `spec.replicas: 1 → 0` for each field.

use agent_core::{Effect, FieldChange, Verb};
use serde_json::Value;

use super::{width, yaml};
use crate::clean;

/// Longer values are cut on a line of their field.
const VALUE_ROOM: usize = 60;

/// What is said of a change that is not shown whole.
const HIDDEN: &str = "(*** stands for what a Secret holds)";

/// Returns the object of a change.
pub(crate) fn target(effect: &Effect) -> String {
    clean::line(&effect.target.to_string())
}

/// Returns a line for each field; a created object is one line, or its whole manifest when `whole`.
pub(super) fn fields(effect: &Effect, whole: bool) -> Vec<String> {
    effect
        .fields
        .iter()
        .flat_map(|field| {
            let hidden = effect.hashes.contains_key(&field.path);
            let lines = match (field.path.as_str(), &field.after) {
                ("", Some(manifest)) if whole => manifest_lines(manifest),
                ("", Some(manifest)) => short(manifest).into_iter().collect(),
                _ => vec![difference(field)],
            };
            lines.into_iter().chain(hidden.then(|| HIDDEN.to_owned()))
        })
        .collect()
}

/// Returns a held change as what a person must put back by hand: each field with its value before.
pub(crate) fn before(effect: &Effect) -> String {
    let target = target(effect);
    if effect.verb == Verb::CREATE {
        return format!("  {target}: delete it");
    }
    if effect.verb == Verb::OVERWRITE {
        return format!("  {target}: it may be half overwritten");
    }
    let was =
        |field: &FieldChange| format!("{} was {}", path(&field.path), shown(field.before.as_ref()));
    let fields: Vec<String> = effect.fields.iter().map(was).collect();
    format!("  {target}: {}", fields.join(", "))
}

fn difference(field: &FieldChange) -> String {
    let path = path(&field.path);
    match (&field.before, &field.after) {
        (before, None) => format!("{path}: {} → (removed)", shown(before.as_ref())),
        (None, Some(after)) => format!("{path}: → {}", shown(Some(after))),
        (before, after) => format!(
            "{path}: {} → {}",
            shown(before.as_ref()),
            shown(after.as_ref())
        ),
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None => "(absent)".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "\"\"".to_owned(),
        Some(Value::String(text)) => clean::line(text),
        Some(other) => clean::line(&other.to_string()),
    };
    width::cut(&text, VALUE_ROOM)
}

fn manifest_lines(manifest: &Value) -> Vec<String> {
    yaml::text(manifest).lines().map(str::to_owned).collect()
}

/// Returns which parts a manifest has besides its name.
fn short(manifest: &Value) -> Option<String> {
    let fields = manifest.as_object()?;
    let spec = fields.get("spec").and_then(Value::as_object);
    let keys: Vec<String> = match spec {
        Some(spec) => spec.keys().map(|key| clean::line(key)).collect(),
        None => fields
            .keys()
            .filter(|key| !matches!(key.as_str(), "apiVersion" | "kind" | "metadata"))
            .map(|key| clean::line(key))
            .collect(),
    };
    (!keys.is_empty()).then(|| format!("with {}", keys.join(", ")))
}

/// Returns a JSON Pointer as a person writes a path: `spec.template["a.b/c"][0]`.
pub(super) fn path(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').skip(1) {
        let part = clean::line(&part.replace("~1", "/").replace("~0", "~"));
        if part.bytes().all(|b| b.is_ascii_digit()) && !part.is_empty() {
            out.push_str(&format!("[{part}]"));
        } else if part
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&part);
        } else {
            out.push_str(&format!("[\"{part}\"]"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_reads_as_a_path() {
        let table = [
            ("/spec/suspend", "spec.suspend"),
            (
                "/metadata/annotations/reconcile.fluxcd.io~1requestedAt",
                "metadata.annotations[\"reconcile.fluxcd.io/requestedAt\"]",
            ),
            ("/spec/containers/0/image", "spec.containers[0].image"),
        ];
        for (pointer, wanted) in table {
            assert_eq!(path(pointer), wanted);
        }
    }
}
