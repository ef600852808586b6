//! How objects of a cluster are named.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::name::{is_label, is_subdomain, shown};

/// A type of object: `PLURAL.VERSION.GROUP`, or `PLURAL.VERSION` for the core group. Not every server serves that version; it is a wish.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectType {
    /// The plural name in lower case, such as `deployments`.
    pub plural: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The group; empty for the core group.
    pub group: String,
}

/// A text that does not name a type of object.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "`{}` is no type of object: write PLURAL.VERSION.GROUP such as `deployments.v1.apps`, or PLURAL.VERSION such as `pods.v1`",
    shown(.0)
)]
pub struct InvalidObjectType(pub String);

impl ObjectType {
    /// Returns whether it is a type of Kubernetes itself. `k8s.io` is kept for those, and no other group is without a dot.
    pub fn is_built_in(&self) -> bool {
        !self.group.contains('.') || self.group.ends_with(".k8s.io")
    }

    /// Returns the name without the version, which is how rights and RBAC name it: `deployments.apps`, `pods`.
    pub fn resource(&self) -> String {
        if self.group.is_empty() {
            self.plural.clone()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }

    /// Returns whether the values of its objects must be shown to nobody and kept nowhere.
    pub fn is_secret(&self) -> bool {
        self.plural == "secrets" && self.group.is_empty()
    }

    /// Returns the `apiVersion` of its objects.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.plural, self.version)?;
        if self.group.is_empty() {
            Ok(())
        } else {
            write!(f, ".{}", self.group)
        }
    }
}

impl FromStr for ObjectType {
    type Err = InvalidObjectType;

    fn from_str(text: &str) -> Result<Self, InvalidObjectType> {
        let invalid = || InvalidObjectType(text.to_owned());
        let mut parts = text.splitn(3, '.');
        let (plural, version) = (
            parts.next().unwrap_or_default(),
            parts.next().ok_or_else(invalid)?,
        );
        let group = parts.next().unwrap_or_default();
        let versioned =
            version.starts_with('v') && version.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
        let grouped = match text.splitn(3, '.').nth(2) {
            None => true,
            Some(group) => is_subdomain(group),
        };
        if !is_label(plural) || !is_label(version) || !versioned || !grouped {
            return Err(invalid());
        }
        Ok(ObjectType {
            plural: plural.to_owned(),
            version: version.to_owned(),
            group: group.to_owned(),
        })
    }
}

impl TryFrom<String> for ObjectType {
    type Error = InvalidObjectType;

    fn try_from(text: String) -> Result<Self, InvalidObjectType> {
        text.parse()
    }
}

impl From<ObjectType> for String {
    fn from(of: ObjectType) -> String {
        of.to_string()
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Its type.
    pub of: ObjectType,
    /// Its namespace; none for a cluster-scoped object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.of.plural, self.name),
            None => write!(f, "{} {}", self.of.plural, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_keeps_the_dots_of_its_group() {
        let of: ObjectType = "kustomizations.v1.kustomize.toolkit.fluxcd.io"
            .parse()
            .expect("valid");
        assert_eq!(of.group, "kustomize.toolkit.fluxcd.io");
        assert_eq!(of.resource(), "kustomizations.kustomize.toolkit.fluxcd.io");
        assert_eq!(
            of.to_string(),
            "kustomizations.v1.kustomize.toolkit.fluxcd.io"
        );
    }

    #[test]
    fn core_type_has_no_group() {
        let of: ObjectType = "pods.v1".parse().expect("valid");
        assert_eq!(
            (of.resource().as_str(), of.api_version().as_str()),
            ("pods", "v1")
        );
    }

    #[test]
    fn type_without_a_version_is_refused() {
        for wrong in [
            "pods",
            "pods.",
            "deployments.apps",
            "a/b.v1",
            ".v1",
            "pods.v1.",
            "Pods.v1",
            "pods.v1.Apps",
            "pods.v1..apps",
            "pods.v1.apps/x",
            "-pods.v1",
            "a'b.v1",
        ] {
            assert!(wrong.parse::<ObjectType>().is_err(), "{wrong}");
        }
    }
}
