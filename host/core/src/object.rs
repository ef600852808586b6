//! How objects of a cluster are named.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::effect::Target;
use crate::name::{is_label, is_subdomain, shown};

/// Subresources that are no objects to read and to patch: they do something when they are asked, or hand out what lets one do anything. Their verbs for
/// the access control are those of objects all the same (`get` of `pods/exec` runs a command), so no right to read or to make may lead to them.
const ACTIONS: [(&str, &str); 9] = [
    ("attach", "it attaches to a process"),
    ("binding", "it binds a pod to a node"),
    ("ephemeralcontainers", "it starts a container in a pod"),
    ("eviction", "a pod is moved away by the change `evict`"),
    ("exec", "it runs a command"),
    ("log", "a log is read by `logs`"),
    ("portforward", "it opens a connection"),
    ("proxy", "it passes on whatever is asked"),
    ("token", "it hands out credentials"),
];

/// Returns why a subresource is no type of object, if it is none.
pub(crate) fn action(subresource: &str) -> Option<&'static str> {
    let mut actions = ACTIONS.iter();
    let (_, why) = actions.find(|(name, _)| *name == subresource)?;
    Some(why)
}

/// A type of object: `PLURAL.VERSION.GROUP`, or `PLURAL.VERSION` for the core group. Not every server serves that version; it is a wish. A subresource of it
/// follows a slash, `deployments.v1.apps/scale`, and is a type of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectType {
    /// The plural name in lower case, such as `deployments`.
    pub plural: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The group; empty for the core group.
    pub group: String,
    /// The subresource, such as `status`; none for the objects themselves.
    pub subresource: Option<String>,
}

/// A text that does not name a type of object.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum InvalidObjectType {
    /// It has another form.
    #[error(
        "`{}` is not a type of object: write PLURAL.VERSION.GROUP such as `deployments.v1.apps`, or PLURAL.VERSION such as `pods.v1`",
        shown(.0)
    )]
    Form(String),
    /// It names what is done, and not what there is.
    #[error(
        "`{}` is not a type of object that can be read and changed: {why}",
        shown(of)
    )]
    Action {
        /// The text.
        of: String,
        /// What it is instead.
        why: &'static str,
    },
}

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
            false => Err(InvalidObjectType::Form(other.to_string())),
        }
    }

    /// Returns the name without the version, which is how rights name it: `deployments.apps`, `pods`, `deployments.apps/scale`.
    pub fn resource(&self) -> String {
        let resource = match self.group.as_str() {
            "" => self.plural.clone(),
            group => format!("{}.{group}", self.plural),
        };
        self.with_subresource(resource)
    }

    /// Returns the name as people say it: `deployments`, `deployments/scale`.
    pub fn noun(&self) -> String {
        self.with_subresource(self.plural.clone())
    }

    fn with_subresource(&self, mut name: String) -> String {
        if let Some(subresource) = &self.subresource {
            name.push('/');
            name.push_str(subresource);
        }
        name
    }

    /// Returns the type of the objects that it is a subresource of, or the type itself.
    #[must_use]
    pub fn whole(&self) -> ObjectType {
        self.part(None)
    }

    /// Returns a subresource of the type, or the type of the objects themselves.
    #[must_use]
    pub fn part(&self, subresource: Option<&str>) -> ObjectType {
        ObjectType {
            subresource: subresource.map(str::to_owned),
            ..self.clone()
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
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match &self.subresource {
            Some(subresource) => write!(f, "/{subresource}"),
            None => Ok(()),
        }
    }
}

impl FromStr for ObjectType {
    type Err = InvalidObjectType;

    fn from_str(text: &str) -> Result<Self, InvalidObjectType> {
        let invalid = || InvalidObjectType::Form(text.to_owned());
        let (whole, subresource) = match text.split_once('/') {
            Some((whole, subresource)) => (whole, Some(subresource)),
            None => (text, None),
        };
        let mut parts = whole.splitn(3, '.');
        let (plural, version) = (
            parts.next().unwrap_or_default(),
            parts.next().ok_or_else(invalid)?,
        );
        let group = parts.next().unwrap_or_default();
        let grouped = match whole.splitn(3, '.').nth(2) {
            None => true,
            Some(group) => is_subdomain(group),
        };
        let named = is_label(plural) && subresource.is_none_or(is_label);
        if !named || !is_version(version) || !grouped {
            return Err(invalid());
        }
        if let Some(why) = subresource.and_then(action) {
            let of = text.to_owned();
            return Err(InvalidObjectType::Action { of, why });
        }
        Ok(ObjectType {
            plural: plural.to_owned(),
            version: version.to_owned(),
            group: group.to_owned(),
            subresource: subresource.map(str::to_owned),
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

/// The capability that objects belong to.
pub const CLUSTER: &str = "cluster";

impl From<&ObjectRef> for Target {
    fn from(object: &ObjectRef) -> Target {
        Target {
            capability: CLUSTER.to_owned(),
            of: object.of.to_string(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
        }
    }
}

impl TryFrom<&Target> for ObjectRef {
    type Error = InvalidObjectType;

    fn try_from(target: &Target) -> Result<ObjectRef, InvalidObjectType> {
        Ok(ObjectRef {
            of: target.of.parse()?,
            namespace: target.namespace.clone(),
            name: target.name.clone(),
        })
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.of.noun(), self.name),
            None => write!(f, "{} {}", self.of.noun(), self.name),
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
    fn subresource_is_a_type_of_its_own() {
        let scale: ObjectType = "deployments.v1.apps/scale".parse().expect("valid");
        assert_eq!(scale.to_string(), "deployments.v1.apps/scale");
        assert_eq!(scale.resource(), "deployments.apps/scale");
        assert_eq!(scale.noun(), "deployments/scale");
        assert_eq!(scale.whole().to_string(), "deployments.v1.apps");
        assert_eq!(scale.whole().part(Some("scale")), scale);
        assert_ne!(scale.whole(), scale);
        let other = scale.in_version("v2").expect("a version");
        assert_eq!(other.to_string(), "deployments.v2.apps/scale");
        let target = ObjectRef {
            of: "pods.v1/status".parse().expect("valid"),
            namespace: Some("media".to_owned()),
            name: "plex".to_owned(),
        };
        assert_eq!(target.to_string(), "pods/status media/plex");
        let text = serde_json::to_string(&target).expect("text");
        assert_eq!(serde_json::from_str::<ObjectRef>(&text).ok(), Some(target));
    }

    /// To the access control each of these is an object that is read or made.
    #[test]
    fn what_does_something_when_it_is_asked_is_no_type() {
        for action in [
            "pods.v1/exec",
            "pods.v1/attach",
            "pods.v1/portforward",
            "pods.v1/proxy",
            "pods.v1/log",
            "pods.v1/eviction",
            "pods.v1/binding",
            "pods.v1/ephemeralcontainers",
            "nodes.v1/proxy",
            "services.v1/proxy",
            "serviceaccounts.v1/token",
            "virtualmachineinstances.v1.subresources.kubevirt.io/portforward",
        ] {
            let refused = action.parse::<ObjectType>().expect_err(action);
            assert!(
                matches!(refused, InvalidObjectType::Action { .. }),
                "{refused}"
            );
        }
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
            "pods.v1/",
            "pods.v1.apps/x/y",
            "pods.v1.apps/../x",
            "pods.v1/Status",
            "pods/status",
            "-pods.v1",
            "a'b.v1",
        ] {
            assert!(wrong.parse::<ObjectType>().is_err(), "{wrong}");
        }
    }
}
