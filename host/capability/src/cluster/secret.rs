//! What is secret in an object of the type Secret.

use std::collections::HashSet;

use agent_gate::Secrets;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use zeroize::Zeroizing;

/// Has a mask learn the values of a Secret that a guest was told, or that went out. What names the Secret or a field of it is known to everybody.
pub(crate) fn learn(mask: &Secrets, secret: &Value) {
    let names = names(secret);
    for text in texts(secret, "/data") {
        if let Ok(bytes) = STANDARD.decode(text) {
            let bytes = Zeroizing::new(bytes);
            match std::str::from_utf8(&bytes) {
                Ok(text) if names.contains(text.trim()) => continue,
                Ok(text) => mask.learn_value(text),
                Err(_) => mask.learn_bytes(&bytes),
            }
        }
        mask.learn_text(text);
    }
    let written = texts(secret, "/stringData");
    for text in written.filter(|text| !names.contains(text.trim())) {
        mask.learn_value(text);
    }
    let applied = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
    let applied = secret.pointer(applied).and_then(Value::as_str);
    if let Some(Ok(applied)) = applied.map(serde_json::from_str::<Value>) {
        learn(mask, &applied);
    }
}

/// Returns what names a Secret and its fields.
fn names(secret: &Value) -> HashSet<&str> {
    let own = ["/metadata/name", "/metadata/namespace"];
    let own = own
        .into_iter()
        .filter_map(|path| secret.pointer(path)?.as_str());
    let keys = ["/data", "/stringData"].into_iter();
    let keys = keys.filter_map(|path| secret.pointer(path)?.as_object());
    own.chain(keys.flat_map(|fields| fields.keys().map(String::as_str)))
        .collect()
}

fn texts<'a>(secret: &'a Value, pointer: &str) -> impl Iterator<Item = &'a str> {
    let fields = secret.pointer(pointer).and_then(Value::as_object);
    fields
        .into_iter()
        .flat_map(|fields| fields.values().filter_map(Value::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn encoded(text: &str) -> String {
        STANDARD.encode(text)
    }

    #[test]
    fn values_are_known_from_what_was_applied_and_from_what_is_written() {
        let secrets = Secrets::default();
        let applied = json!({ "stringData": { "token": "first-token" } }).to_string();
        learn(
            &secrets,
            &json!({
                "metadata": { "annotations": { "kubectl.kubernetes.io/last-applied-configuration": applied } },
                "stringData": { "token": "second-token" },
            }),
        );
        let said = format!("first-token {}", encoded("second-token"));
        assert_eq!(secrets.text(said), "*** ***");
    }

    #[test]
    fn what_names_a_secret_or_a_field_of_it_is_no_secret() {
        let secrets = Secrets::default();
        learn(
            &secrets,
            &json!({
                "metadata": { "name": "plex-login", "namespace": "media-apps" },
                "data": { "username": encoded("plex-login"), "place": encoded("media-apps"), "key": encoded("username") },
                "stringData": { "other": "plex-login" },
            }),
        );
        let said = "media-apps/plex-login has a username".to_owned();
        assert_eq!(secrets.text(said.clone()), said);
    }
}
