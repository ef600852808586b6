//! URLs and headers of the Kubernetes API.

use agent_core::failure::Failure;
use agent_core::object::{ObjectRef, ObjectType};
use http::request::Builder;

/// Asks for names and other metadata only.
const METADATA: &str =
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io, application/json";
const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io, application/json";

/// What of an object is wanted in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Whole,
    Metadata,
    MetadataList,
}

impl Wanted {
    pub(crate) fn accept(self) -> &'static str {
        match self {
            Wanted::Whole => "application/json",
            Wanted::Metadata => METADATA,
            Wanted::MetadataList => METADATA_LIST,
        }
    }
}

/// Returns the path of a group and version.
pub(crate) fn root(of: &ObjectType) -> String {
    if of.group.is_empty() {
        format!("/api/{}", of.version)
    } else {
        format!("/apis/{}/{}", of.group, of.version)
    }
}

/// Returns the path of a collection, or of one object in it. Names are single segments: `convert` lets no others in.
pub(crate) fn path(of: &ObjectType, namespace: Option<&str>, name: Option<&str>) -> String {
    let mut path = root(of);
    if let Some(namespace) = namespace {
        path.push_str("/namespaces/");
        path.push_str(namespace);
    }
    path.push('/');
    path.push_str(&of.plural);
    if let Some(name) = name {
        path.push('/');
        path.push_str(name);
    }
    path
}

/// Returns the path of an object, of a type as it is served, or of a subresource of it.
pub(crate) fn object(of: &ObjectType, target: &ObjectRef) -> String {
    let mut path = path(of, target.namespace.as_deref(), Some(&target.name));
    if let Some(subresource) = &of.subresource {
        path.push('/');
        path.push_str(subresource);
    }
    path
}

/// Returns a query string with its values escaped; pairs with an empty value are left out.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{key}={}", escape(value)))
        .collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    }
}

fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// Finishes a request.
pub(crate) fn body(
    builder: Builder,
    wanted: Wanted,
    body: Vec<u8>,
) -> Result<http::Request<Vec<u8>>, Failure> {
    builder
        .header(http::header::ACCEPT, wanted.accept())
        .body(body)
        .map_err(|error| super::bug(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_api() {
        let path = |of: &str, namespace, name| path(&of.parse().unwrap(), namespace, name);
        assert_eq!(
            path("pods.v1", Some("media"), Some("plex")),
            "/api/v1/namespaces/media/pods/plex"
        );
        assert_eq!(path("nodes.v1", None, Some("m01")), "/api/v1/nodes/m01");
        assert_eq!(
            path("deployments.v1.apps", None, None),
            "/apis/apps/v1/deployments"
        );
    }

    #[test]
    fn path_of_a_subresource_begins_with_that_of_its_object() {
        let of: ObjectType = "deployments.v1.apps/scale".parse().unwrap();
        let target = ObjectRef {
            of: of.clone(),
            namespace: Some("media".to_owned()),
            name: "plex".to_owned(),
        };
        assert_eq!(
            object(&of, &target),
            "/apis/apps/v1/namespaces/media/deployments/plex/scale"
        );
    }

    #[test]
    fn selectors_are_escaped() {
        assert_eq!(
            query(&[("labelSelector", "a in (b,c)"), ("fieldSelector", "")]),
            "?labelSelector=a%20in%20%28b%2Cc%29"
        );
    }
}
