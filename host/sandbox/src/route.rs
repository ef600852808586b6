//! From a path to what it names.

use std::sync::Arc;

use http::Method;

use crate::request::Query;
use crate::resource::{Registry, Resource};
use crate::status::ApiError;

/// An object, a collection, or a subresource of an object.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) resource: Arc<Resource>,
    pub(crate) namespace: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) sub: Option<String>,
}

impl Target {
    /// The namespace as the store writes it: "" for cluster-wide kinds.
    pub(crate) fn space(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn is_status(&self) -> bool {
        self.sub.as_deref() == Some("status")
    }

    /// The verb that access rules speak of.
    pub(crate) fn verb(&self, method: &Method, query: &Query) -> &'static str {
        match (method.as_str(), self.name.is_some()) {
            ("GET" | "HEAD", true) if query.is_true("watch") => "watch",
            ("GET" | "HEAD", true) => "get",
            ("GET" | "HEAD", false) if query.is_true("watch") => "watch",
            ("GET" | "HEAD", false) => "list",
            ("POST", _) => "create",
            ("PUT", _) => "update",
            ("PATCH", _) => "patch",
            ("DELETE", true) => "delete",
            _ => "deletecollection",
        }
    }
}

/// What a path names.
pub(crate) enum Route {
    Resource(Target),
    /// Discovery, health, schemas.
    Other,
}

/// Fails where the path looks like a resource that is not served.
pub(crate) fn find(registry: &Registry, path: &str) -> Result<Route, ApiError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Ok(Route::Other),
    };
    let (namespace, rest) = match rest {
        ["namespaces", _, "status" | "finalize"] => (None, rest),
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => {
            (Some((*namespace).to_owned()), rest)
        }
        _ => (None, rest),
    };
    let (plural, name, sub) = match rest {
        [plural] => (plural, None, None),
        [plural, name] => (plural, Some(name), None),
        [plural, name, sub @ ..] => (plural, Some(name), Some(sub.join("/"))),
        [] => return Err(ApiError::no_such_path()),
    };
    let resource = registry
        .find(group, version, plural)
        .ok_or_else(ApiError::no_such_path)?;
    let misplaced = namespace.is_some() && !resource.namespaced
        || namespace.is_none() && resource.namespaced && name.is_some();
    if misplaced {
        return Err(ApiError::no_such_path());
    }
    Ok(Route::Resource(Target {
        resource,
        namespace,
        name: name.map(|name| decode(name)),
        sub,
    }))
}

fn decode(part: &str) -> String {
    if !part.contains('%') {
        return part.to_owned();
    }
    let escaped = part.replace('+', "%2B");
    form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &str) -> Target {
        match find(&Registry::new(), path) {
            Ok(Route::Resource(target)) => target,
            _ => panic!("{path} is a resource"),
        }
    }

    #[test]
    fn a_namespace_is_an_object_and_a_place() {
        let object = target("/api/v1/namespaces/media");
        assert_eq!(
            (object.resource.kind.as_str(), object.name()),
            ("Namespace", "media")
        );
        let inside = target("/apis/apps/v1/namespaces/media/deployments/plex/scale");
        assert_eq!(
            (inside.space(), inside.name(), inside.sub.as_deref()),
            ("media", "plex", Some("scale"))
        );
        assert_eq!(
            target("/api/v1/namespaces/media/status").sub.as_deref(),
            Some("status")
        );
    }

    #[test]
    fn unknown_resources_are_not_found() {
        assert_eq!(
            find(&Registry::new(), "/api/v1/gadgets")
                .err()
                .map(|err| err.code),
            Some(404)
        );
        assert_eq!(
            find(&Registry::new(), "/api/v1/pods/x")
                .err()
                .map(|err| err.code),
            Some(404)
        );
    }
}
