//! A set of objects of one type.

use crate::ObjectType;
use crate::bindings::ops::cluster::cluster as wit;

/// A set of objects of one type. Made with [`Query::all`] and narrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The type.
    pub of: ObjectType,
    /// The namespace; none for all, or for a cluster-scoped type.
    pub namespace: Option<String>,
    /// A label selector in the API's syntax; empty: all.
    pub labels: String,
    /// A field selector in the API's syntax; empty: all.
    pub fields: String,
    /// Only objects of these names, at most 1000; empty: all.
    pub names: Vec<String>,
}

impl Query {
    /// All objects of a type.
    pub fn all(of: ObjectType) -> Query {
        Query {
            of,
            namespace: None,
            labels: String::new(),
            fields: String::new(),
            names: Vec::new(),
        }
    }

    /// Only those in a namespace; `None` leaves it at all of them.
    #[must_use]
    pub fn namespace<'a>(mut self, namespace: impl Into<Option<&'a str>>) -> Query {
        self.namespace = namespace.into().map(str::to_owned);
        self
    }

    /// Only those that a label selector matches.
    #[must_use]
    pub fn labels(mut self, selector: &str) -> Query {
        selector.clone_into(&mut self.labels);
        self
    }

    /// Only those that a field selector matches.
    #[must_use]
    pub fn fields(mut self, selector: &str) -> Query {
        selector.clone_into(&mut self.fields);
        self
    }

    /// Only the one of that name.
    #[must_use]
    pub fn named(self, name: &str) -> Query {
        self.names([name])
    }

    /// Only those of these names, at most 1000. One that no object has is no error.
    #[must_use]
    pub fn names<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Query {
        self.names = names.into_iter().map(str::to_owned).collect();
        self
    }

    pub(super) fn to_wit(&self) -> wit::Query {
        wit::Query {
            of: self.of.as_str().to_owned(),
            namespace: self.namespace.clone(),
            labels: self.labels.clone(),
            fields: self.fields.clone(),
            names: self.names.clone(),
        }
    }
}
