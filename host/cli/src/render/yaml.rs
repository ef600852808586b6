//! Documents as YAML. Controls in them are written as escapes, so they stay what they are and do nothing.

use serde::Serialize;
use serde_json::Value;

use crate::clean;
use crate::terminal::Sink;

/// Writes one document.
pub(crate) fn document(value: &impl Serialize, to: &mut Sink) {
    to.raw(&text(value));
}

/// Writes several documents as one list.
pub(crate) fn list(values: &[Value], to: &mut Sink) {
    document(&values, to);
}

/// Returns a document as lines.
pub(crate) fn text(value: &impl Serialize) -> String {
    match serde_yaml_ng::to_string(value) {
        // YAML calls the characters that reorder a line printable and leaves them as they are.
        Ok(text) => clean::text(&text),
        Err(error) => {
            tracing::error!(%error, "writing YAML");
            String::new()
        }
    }
}
