//! JSON patch, RFC 6902.

use serde_json::{Value, json};

use crate::status::ApiError;

/// Applies the operations in `patch`; all of them or, with a refusal, none.
pub(crate) fn patch(value: &mut Value, patch: &Value) -> Result<(), ApiError> {
    let operations: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|err| ApiError::bad_request(format!("error decoding patch: {err}")))?;
    json_patch::patch(value, &operations).map_err(|err| {
        // The real server does not say which operation failed either.
        tracing::debug!(%err, "a JSON patch does not apply");
        let text = "the server rejected our request due to an error in our request";
        let mut refusal = ApiError::new(422, "Invalid", text);
        refusal.details = Some(json!({}));
        refusal
    })
}
