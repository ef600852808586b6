//! What taking a run back writes to, for the question before it: whoever agrees must have read which objects that are.

use crate::effect::Verb;
use crate::undo::Undo;

use super::recorded_effect::RecordedEffect;

/// So many objects are named.
const OBJECTS: usize = 20;
/// So many fields of each.
const FIELDS: usize = 4;

/// Returns the objects with their fields, in words; those first whose changes come first to be put back.
pub(super) fn sentences(recorded_effects: &[RecordedEffect]) -> Vec<String> {
    let mut objects: Vec<(String, Vec<String>)> = Vec::new();
    for recorded in recorded_effects.iter().rev() {
        let fields = match &recorded.undo {
            Some(Undo::Fields { fields, .. }) => {
                fields.iter().map(|field| dotted(&field.path)).collect()
            }
            // Which values it brings back is sealed, and which fields is not.
            Some(Undo::Sealed { .. }) if recorded.effect().verb != Verb::OVERWRITE => {
                let fields = recorded.effect().fields.iter();
                fields.map(|field| dotted(&field.path)).collect()
            }
            Some(Undo::Remove { .. }) => vec!["will be removed".to_owned()],
            // What an operation brings back is named beside it.
            Some(Undo::Sealed { .. } | Undo::Withheld | Undo::Compensate(_)) | None => continue,
        };
        if !recorded.is_held() && !recorded.is_revertible() {
            continue;
        }
        let target = recorded.effect().target.to_string();
        let at = objects.iter().position(|(known, _)| *known == target);
        let at = at.unwrap_or_else(|| {
            objects.push((target, Vec::new()));
            objects.len() - 1
        });
        let known = &mut objects[at].1;
        known.extend(fields);
        known.sort();
        known.dedup();
    }
    let more = objects.len().saturating_sub(OBJECTS);
    let named = objects.into_iter().take(OBJECTS);
    let mut sentences: Vec<String> = named
        .map(|(target, fields)| format!("{target}: {}", list(&fields)))
        .collect();
    if more > 0 {
        sentences.push(format!("{more} more objects"));
    }
    sentences
}

fn list(fields: &[String]) -> String {
    let more = fields.len().saturating_sub(FIELDS);
    let named = fields[..fields.len() - more].join(", ");
    match more {
        0 => named,
        more => format!("{named} and {more} more fields"),
    }
}

/// Returns a JSON Pointer as people write fields.
fn dotted(pointer: &str) -> String {
    let parts = pointer.trim_start_matches('/').split('/');
    let plain = |part: &str| part.replace("~1", "/").replace("~0", "~");
    parts.map(plain).collect::<Vec<_>>().join(".")
}
