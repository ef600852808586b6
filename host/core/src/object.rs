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

    /// Returns the type in another version, which a server names.
    ///
    /// # Errors
    /// When the text is not a version: `v1`, `v2beta1`.
    pub fn in_version(&self, version: &str) -> Result<ObjectType, InvalidObjectType> {
        let other = ObjectType {
            version: version.to_owned(),
            ..self.clone()
        };
        match is_version(version) {
            true => Ok(other),
            false => Err(InvalidObjectType(other.to_string())),
        }
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
        let grouped = match text.splitn(3, '.').nth(2) {
            None => true,
            Some(group) => is_subdomain(group),
        };
        if !is_label(plural) || !is_version(version) || !grouped {
            return Err(invalid());
        }
        Ok(ObjectType {
            plural: plural.to_owned(),
            version: version.to_owned(),
            group: group.to_owned(),
        })
    }
}

fn is_version(text: &str) -> bool {
    let number = text.strip_prefix('v');
    is_label(text) && number.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
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
    fn version_that_a_server_names_is_one() {
        let of: ObjectType = "deployments.v1.apps".parse().expect("valid");
        for right in ["v1", "v2beta1", "v10alpha3"] {
            let other = of.in_version(right).expect(right);
            assert_eq!(other.to_string(), format!("deployments.{right}.apps"));
        }
        let long = format!("v1{}", "a".repeat(62));
        for wrong in [
            "", "v", "1", "latest", "v1.evil", "v1/x", "v1-", "V1", "v1 ", &long,
        ] {
            assert!(of.in_version(wrong).is_err(), "{wrong}");
        }
    }

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
