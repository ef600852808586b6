//! Which names are allowed.

use serde_json::Value;

use crate::object;
use crate::resource::Resource;
use crate::status::Cause;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/// Appends what is wrong with the object's name.
pub(crate) fn check(resource: &Resource, value: &Value, causes: &mut Vec<Cause>) {
    let name = object::name(value);
    let fits = match (resource.group.as_str(), resource.plural.as_str()) {
        ("rbac.authorization.k8s.io", _) => {
            Ok(!name.contains('/') && !name.contains('%') && name != "." && name != "..")
        }
        ("", "namespaces" | "services") => Err((is_label(name) && name.len() <= 63, LABEL)),
        _ => Err((is_subdomain(name), SUBDOMAIN)),
    };
    match fits {
        Ok(true) | Err((true, _)) => {}
        Ok(false) => causes.push(Cause::invalid(
            "metadata.name",
            &Value::from(name),
            "may not contain '/' or '%'",
        )),
        Err((false, rule)) => {
            causes.push(Cause::invalid("metadata.name", &Value::from(name), rule))
        }
    }
}

fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(name: &str) -> bool {
    let inner =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    !name.is_empty() && name.chars().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}
