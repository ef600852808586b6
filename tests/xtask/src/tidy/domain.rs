//! The host knows no plugin's domain: which fields of whose types mean what is for plugins to request and for people to grant.

use super::Finding;

/// How types and annotations of those begin or end whom plugins are about.
const DOMAINS: &[&str] = &[
    "fluxcd.io",
    "volsync.backube",
    "keda.sh",
    "external-secrets.io",
    "cert-manager.io",
];

/// Finds them in a source of the host, but for its tests and the clusters that it simulates.
pub(super) fn check(place: &str, text: &str) -> Vec<Finding> {
    let is_test = place.contains("/tests/") || place.ends_with("/tests.rs");
    if !place.starts_with("host/") || place.starts_with("host/sandbox/") || is_test {
        return Vec::new();
    }
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let found = DOMAINS.iter().filter(|domain| text.contains(**domain));
    let finding = |domain: &&str| Finding {
        place: place.to_owned(),
        what: format!("`{domain}` is a plugin's domain: have the plugin request it"),
    };
    found.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_no_domain_of_a_plugin_but_in_tests() {
        let text = "const ASKING: &str = \"reconcile.fluxcd.io/requestedAt\";";
        let found = |place: &str, text: &str| check(place, text).len();
        assert_eq!(found("host/capability/src/signal.rs", text), 1);
        assert_eq!(found("host/capability/src/signal/tests.rs", text), 0);
        assert_eq!(found("host/sandbox/src/flux.rs", text), 0);
        assert_eq!(found("plugins/flux/src/lib.rs", text), 0);
        let tested = format!("#[cfg(test)]\nmod tests {{ {text} }}");
        assert_eq!(found("host/capability/src/signal.rs", &tested), 0);
    }
}
