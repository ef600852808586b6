//! Rights on objects of the cluster.

use std::fmt;
use std::str::FromStr;

use super::InvalidRight;
use super::field::narrower_field;
use crate::manifest::ClusterVerb;
use crate::name::{Field, Misnamed, Namespace, ObjectName, Resource};
use crate::object::ObjectType;

/// To do one thing, or anything, with objects of one type, or any, in one namespace, or all. It may be for some of their fields only, and for one object
/// only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterRight {
    /// None for every verb.
    pub verb: Option<ClusterVerb>,
    /// None for every type.
    pub resource: Option<Resource>,
    /// None for every field. Only of a verb that has fields.
    pub field: Option<Field>,
    /// None for all namespaces and for cluster-scoped objects.
    pub namespace: Option<Namespace>,
    /// None for objects of any name.
    pub name: Option<ObjectName>,
}

/// What somebody wishes to do with objects of one type.
#[derive(Clone, Copy, Debug)]
pub struct Wish<'a> {
    /// What.
    pub verb: ClusterVerb,
    /// With which type.
    pub of: &'a ObjectType,
    /// Where; none for the whole cluster.
    pub namespace: Option<&'a str>,
    /// With which objects. Empty for whatever there is, which no right on an object of one name allows.
    pub names: &'a [&'a str],
    /// The fields that it sets or removes, as JSON Pointers; the empty one is the object as a whole. Of a verb without fields there are none.
    pub fields: &'a [String],
}

impl ClusterRight {
    /// Reads `VERB:RESOURCE[#FIELD]:NAMESPACE[/NAME]`; none when there are not three parts. A field may have a colon in it, what stands before and behind it
    /// has none.
    pub(super) fn parse(text: &str) -> Option<Result<ClusterRight, InvalidRight>> {
        let (verb, rest) = text.split_once(':')?;
        let (of, place) = rest.rsplit_once(':')?;
        Some(ClusterRight::of_parts(verb, of, place))
    }

    fn of_parts(verb: &str, of: &str, place: &str) -> Result<ClusterRight, InvalidRight> {
        let mut verbs = ClusterVerb::ALL.into_iter();
        let verb = match verbs.find(|known| known.as_str() == verb) {
            Some(verb) => Some(verb),
            None if verb == "*" => None,
            None => {
                return Err(InvalidRight::Verb {
                    verb: verb.to_owned(),
                });
            }
        };
        let (resource, field) = match of.split_once('#') {
            Some((resource, field)) => (resource, Some(field)),
            None => (of, None),
        };
        let (namespace, name) = place.split_once('/').unwrap_or((place, "*"));
        if field.is_some() && !verb.is_some_and(ClusterVerb::has_fields) {
            return Err(InvalidRight::Fieldless {
                verb: verb.map_or("*", ClusterVerb::as_str),
            });
        }
        let field = field.map(str::parse).transpose();
        Ok(ClusterRight {
            verb,
            resource: any(resource)?,
            field: field.map_err(InvalidRight::Name)?,
            namespace: any(namespace)?,
            name: any(name)?,
        })
    }

    /// Returns whether it is about what a wish is about, whatever the names and fields of that are.
    fn is_about(&self, wish: &Wish<'_>) -> bool {
        self.verb.is_none_or(|allowed| allowed == wish.verb)
            && self
                .resource
                .as_ref()
                .is_none_or(|allowed| *allowed == wish.of.resource())
            && self
                .namespace
                .as_deref()
                .is_none_or(|allowed| wish.namespace == Some(allowed))
    }

    /// Returns whether it is for the object of that name, or without one for objects of any name.
    fn is_for(&self, name: Option<&str>) -> bool {
        self.name
            .as_deref()
            .is_none_or(|allowed| name == Some(allowed))
    }

    fn has_field(&self, pointer: &str) -> bool {
        self.field
            .as_ref()
            .is_none_or(|field| field.covers(pointer))
    }

    /// Returns whether it is for objects of any name and with all their fields.
    pub(super) fn is_unbounded(&self) -> bool {
        self.name.is_none() && self.field.is_none()
    }

    /// Returns whether it lets anything be read or written.
    pub(super) fn is_access(&self) -> bool {
        self.verb != Some(ClusterVerb::Ignore)
    }

    /// Returns what both allow.
    pub(super) fn meet(&self, other: &ClusterRight) -> Option<ClusterRight> {
        Some(ClusterRight {
            verb: narrower(self.verb.as_ref(), other.verb.as_ref())?,
            resource: narrower(self.resource.as_ref(), other.resource.as_ref())?,
            field: narrower_field(self.field.as_ref(), other.field.as_ref())?,
            namespace: narrower(self.namespace.as_ref(), other.namespace.as_ref())?,
            name: narrower(self.name.as_ref(), other.name.as_ref())?,
        })
    }

    pub(super) fn covers(&self, other: &ClusterRight) -> bool {
        self.meet(other).as_ref() == Some(other)
    }
}

/// Returns what these rights together do not allow of a wish.
pub(super) fn lacking<'r, 'w>(
    rights: impl Iterator<Item = &'r ClusterRight>,
    wish: &Wish<'w>,
) -> Option<Lack<'w>> {
    let near: Vec<&ClusterRight> = rights.filter(|right| right.is_about(wish)).collect();
    let of_object = |name: Option<&'w str>| {
        let here: Vec<_> = near.iter().filter(|right| right.is_for(name)).collect();
        let has = |field: &str| here.iter().any(|right| right.has_field(field));
        let fields = wish.fields.iter().map(String::as_str);
        let fields: Vec<&str> = fields.filter(|field| !has(field)).collect();
        let allowed = !here.is_empty() && fields.is_empty();
        // It is named where that is what makes the difference.
        let elsewhere = here.is_empty() && !near.is_empty();
        (!allowed).then(|| Lack {
            name: name.filter(|_| elsewhere),
            fields,
        })
    };
    match wish.names {
        [] => of_object(None),
        names => names.iter().find_map(|name| of_object(Some(name))),
    }
}

/// Returns the fields that rights on an object name, of those that are for the verb of a wish and for no other.
pub(super) fn fields_of<'r>(
    rights: impl Iterator<Item = &'r ClusterRight>,
    wish: &Wish<'_>,
) -> Vec<Field> {
    let name = wish.names.first().copied();
    let meant = |right: &&ClusterRight| right.verb.is_some() && right.is_about(wish);
    let rights = rights.filter(meant).filter(|right| right.is_for(name));
    rights.filter_map(|right| right.field.clone()).collect()
}

/// What nobody has a right to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack<'a> {
    /// The object, where there are rights on others.
    pub name: Option<&'a str>,
    /// The fields; none where it is no right to some fields that is missing.
    pub fields: Vec<&'a str>,
}

/// Returns the part of a right that two such parts have in common, where none stands for everything; none when they have nothing in common.
pub(super) fn narrower<T: Clone + PartialEq>(
    one: Option<&T>,
    other: Option<&T>,
) -> Option<Option<T>> {
    match (one, other) {
        (None, any) | (any, None) => Some(any.cloned()),
        (Some(one), Some(other)) => (one == other).then(|| Some(one.clone())),
    }
}

/// Reads a part of a right, which `*` stands for whole.
pub(super) fn any<T: FromStr<Err = Misnamed>>(part: &str) -> Result<Option<T>, InvalidRight> {
    match part {
        "*" => Ok(None),
        one => one.parse().map(Some).map_err(InvalidRight::Name),
    }
}

impl fmt::Display for ClusterRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = self.verb.map_or("*", ClusterVerb::as_str);
        write!(f, "{verb}:{}", self.resource.as_deref().unwrap_or("*"))?;
        if let Some(field) = &self.field {
            write!(f, "#{field}")?;
        }
        write!(f, ":{}", self.namespace.as_deref().unwrap_or("*"))?;
        match &self.name {
            Some(name) => write!(f, "/{name}"),
            None => Ok(()),
        }
    }
}
