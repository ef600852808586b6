//! Whether what a plugin says of itself can be taken: how much of it there is, and whether its parts go together. Names are judged by their types
//! when a document is read; this is about what no single name tells.
//!
//! Every limit is above what the largest bundled plugin needs (a test of `bundle` reads them), and low enough that whatever is
//! done with all of a document, such as comparing its rights with those that were granted, takes less time than anybody sees.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::descriptor::Descriptor;
use crate::manifest::{Manifest, Request};
use crate::name::{ParameterName, Place};

use request::{ANYTHING, EVERYWHERE, binds, judge_fields, rights_of};

mod operation;
mod request;
mod signal;

/// How long a manifest or a descriptor may be, in bytes, as it stands in the artifact. All its texts at their longest would not fit: that is on purpose.
pub const LONGEST: usize = 64 << 10;

/// Requests of a manifest.
const REQUESTS: usize = 64;
/// Names in each list of a request.
const NAMES: usize = 64;
/// Rights that all requests together come to.
const RIGHTS: usize = 2_048;
/// Operations of a plugin.
const OPERATIONS: usize = 200;
/// Locks of an operation: each is a Lease in the cluster.
pub const LOCKS: usize = 8;

/// A line: a summary, a description of a plugin, an example, a value.
const LINE: usize = 300;
/// A reason for a request.
const WHY: usize = 500;

/// Why documents are not taken. Each says where, what is there, and what may be.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unfit {
    /// Too many of something.
    #[error("{place} has {count} {of}, and may have {most}")]
    TooMany {
        /// Whose they are.
        place: String,
        /// What there is too much of, in the plural.
        of: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        most: usize,
    },
    /// A list with nothing in it, which would ask for nothing.
    #[error("{place} has no {of}")]
    None {
        /// Whose they are.
        place: String,
        /// What is missing, in the plural.
        of: &'static str,
    },
    /// A text that is too long.
    #[error("{of} of {place} has {count} characters, and may have {most}")]
    TooLong {
        /// Whose it is.
        place: String,
        /// Which text.
        of: &'static str,
        /// How long it is.
        count: usize,
        /// How long it may be.
        most: usize,
    },
    /// Two with one name.
    #[error("{place} has the {of} `{name}` more than once")]
    Twice {
        /// Whose it is.
        place: String,
        /// What it is.
        of: &'static str,
        /// Its name.
        name: String,
    },
    /// A name that leads nowhere.
    #[error("{place} names the {of} `{name}`, which there is not")]
    Unknown {
        /// Where it is named.
        place: String,
        /// What it is.
        of: &'static str,
        /// The name.
        name: String,
    },
    /// Field managers of a request that applies nothing.
    #[error(
        "{place} has `managers`, and only `apply` is done as one: put them into a request for that"
    )]
    Managers {
        /// The request.
        place: String,
    },
    /// Fields of a verb that has none.
    #[error("{place} has `fields`, and `{verb}` has none: put it into another request")]
    Fieldless {
        /// The request.
        place: String,
        /// The verb.
        verb: &'static str,
    },
    /// A verb that is for some fields only, and does not say for which.
    #[error("{place} has the verb `{verb}`, and does not say for which `fields`")]
    WithoutFields {
        /// The request.
        place: String,
        /// The verb.
        verb: &'static str,
    },
    /// A signal that would be more than one.
    #[error("{place} asks to signal `{what}`: {why}")]
    Signal {
        /// The request.
        place: String,
        /// The field or the type of object.
        what: String,
        /// Why it cannot.
        why: &'static str,
    },
    /// A place or an object that an invocation could leave open.
    #[error("{place} is for `{what}`, and {parameter} {is}: {instead}")]
    Open {
        /// The request.
        place: String,
        /// What it is for.
        what: String,
        /// The parameter that it depends on, of an operation that has the request.
        parameter: String,
        /// What is wrong with the parameter.
        is: &'static str,
        /// What to do about it.
        instead: &'static str,
    },
    /// A lock of another plugin.
    #[error(
        "operation `{operation}` takes the lock `{lock}`, and locks of this plugin begin with `{plugin}:`"
    )]
    ForeignLock {
        /// The operation.
        operation: String,
        /// The lock.
        lock: String,
        /// The plugin.
        plugin: String,
    },
    /// An example that is more than a call of the operation.
    #[error(
        "operation `{operation}` has the example `{example}`, which is not `{plugin}.{operation}` with plain words behind it"
    )]
    Example {
        /// The operation.
        operation: String,
        /// The example.
        example: String,
        /// The plugin.
        plugin: String,
    },
    /// A column that no row could have.
    #[error("operation `{operation}` has a column whose {of} `{text}` cannot be one")]
    Column {
        /// The operation.
        operation: String,
        /// Heading or key.
        of: &'static str,
        /// What is there.
        text: String,
    },
    /// Something of another shape than it must have.
    #[error("{of} of {place} is wrong: it must be {wanted}")]
    Shape {
        /// Whose it is.
        place: String,
        /// What it is.
        of: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
    /// A default or a value that the parameter itself would refuse.
    #[error("parameter `{parameter}` of operation `{operation}` has a {of} that it does not take")]
    Value {
        /// The operation.
        operation: String,
        /// The parameter.
        parameter: String,
        /// Which value.
        of: &'static str,
    },
}

impl Manifest {
    /// Judges the manifest by itself.
    ///
    /// # Errors
    /// The first thing that cannot be taken.
    pub fn judge(&self) -> Result<(), Unfit> {
        let whole = || "the manifest".to_owned();
        within(whole, "description", &self.description, LINE)?;
        within(whole, "license", &self.license, LINE)?;
        within(whole, "version", &self.version.to_string(), LINE)?;
        at_most(whole, "requests", self.requests.len(), REQUESTS)?;
        let mut rights = 0_usize;
        for (number, request) in self.requests.iter().enumerate() {
            let place = || request_place(number);
            within(place, "why", request.why(), WHY)?;
            at_most(place, "operations", request.operations().len(), NAMES)?;
            at_most(place, "namespaces", request.places().len(), NAMES)?;
            rights = rights.saturating_add(match request {
                Request::Cluster(request) => {
                    some(place, "verbs", request.verbs.len(), NAMES)?;
                    some(place, "resources", request.resources.len(), NAMES)?;
                    some(place, "namespaces", request.namespaces.len(), NAMES)?;
                    at_most(place, "fields", request.fields.len(), NAMES)?;
                    at_most(place, "names", request.names.len(), NAMES)?;
                    at_most(place, "managers", request.managers.len(), NAMES)?;
                    judge_fields(place, request)?;
                    rights_of(request)
                }
                Request::Named(request) => {
                    some(place, "verbs", request.verbs.len(), NAMES)?;
                    some(place, "names", request.names.len(), NAMES)?;
                    request.verbs.len() * request.names.len()
                }
                Request::Operations(request) => {
                    some(place, "operations to call", request.call.len(), NAMES)?;
                    request.call.len() * request.namespaces.len().max(1)
                }
            });
        }
        at_most(whole, "rights that it requests", rights, RIGHTS)
    }
}

impl Descriptor {
    /// Judges the descriptor of a plugin, and whether the manifest goes with it.
    ///
    /// # Errors
    /// The first thing that cannot be taken.
    pub fn judge(&self, manifest: &Manifest) -> Result<(), Unfit> {
        let whole = || "the descriptor".to_owned();
        at_most(whole, "operations", self.operations.len(), OPERATIONS)?;
        let names = self.operations.iter().map(|it| it.name.as_str());
        once(whole, "operation", names)?;
        for operation in &self.operations {
            operation::judge(operation, manifest)?;
        }
        for (number, request) in manifest.requests.iter().enumerate() {
            self.judge_request(number, request)?;
        }
        Ok(())
    }

    fn judge_request(&self, number: usize, request: &Request) -> Result<(), Unfit> {
        for name in request.operations() {
            if self.operation(name).is_none() {
                return Err(Unfit::Unknown {
                    place: request_place(number),
                    of: "operation",
                    name: name.to_string(),
                });
            }
        }
        let users = self.operations.iter().filter(|it| request.is_for(&it.name));
        for operation in users {
            let open = |what: String, name: &ParameterName, (is, instead)| Unfit::Open {
                place: request_place(number),
                what,
                parameter: format!("`{name}` of `{}`", operation.name),
                is,
                instead,
            };
            for place in request.places() {
                if let Some(name) = place.parameter() {
                    let may_be_open = matches!(place, Place::NamedOrEverywhere(_));
                    binds(operation, name, (!may_be_open).then_some(EVERYWHERE))
                        .map_err(|wrong| open(place.to_string(), name, wrong))?;
                }
            }
            let objects = request.names().iter();
            let objects = objects.map(|named| (named.to_string(), named.parameter()));
            let things = request.things().iter();
            let things = things.map(|things| (things.to_string(), things.parameter()));
            for (named, parameter) in objects.chain(things) {
                if let Some(name) = parameter {
                    binds(operation, name, Some(ANYTHING))
                        .map_err(|wrong| open(named, name, wrong))?;
                }
            }
        }
        Ok(())
    }
}

fn request_place(number: usize) -> String {
    format!("request {} of the manifest", number + 1)
}

fn at_most(
    place: impl Fn() -> String,
    of: &'static str,
    count: usize,
    most: usize,
) -> Result<(), Unfit> {
    if count <= most {
        return Ok(());
    }
    Err(Unfit::TooMany {
        place: place(),
        of,
        count,
        most,
    })
}

fn some(
    place: impl Fn() -> String,
    of: &'static str,
    count: usize,
    most: usize,
) -> Result<(), Unfit> {
    if count == 0 {
        return Err(Unfit::None { place: place(), of });
    }
    at_most(place, of, count, most)
}

fn within(
    place: impl Fn() -> String,
    of: &'static str,
    text: &str,
    most: usize,
) -> Result<(), Unfit> {
    let count = text.chars().count();
    if count <= most {
        return Ok(());
    }
    Err(Unfit::TooLong {
        place: place(),
        of,
        count,
        most,
    })
}

fn once<'a>(
    place: impl Fn() -> String,
    of: &'static str,
    names: impl Iterator<Item = &'a str>,
) -> Result<(), Unfit> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Unfit::Twice {
                place: place(),
                of,
                name: name.to_owned(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
