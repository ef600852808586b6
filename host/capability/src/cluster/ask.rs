//! What a guest asks of the cluster: the rights that it needs, and how it reads in a record.

use std::fmt;

use agent_core::failure::Failure;
use agent_core::grant::{ClusterRight, Lack, Right, Wish};
use agent_core::manifest::ClusterVerb;
use agent_core::name::{Field, Namespace, Resource, ThingName, shown};
use agent_core::object::{CLUSTER, ObjectRef, ObjectType};
use agent_gate::{Access, Gate, Request, denial};
use serde_json::Value;

use super::sealed::stripped;

/// How many of the fields that are missing the hint has, each as a right.
const NAMED: usize = 4;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    /// To read objects.
    Look(Look),
    /// To watch objects, by any number of queries at once.
    Watch(Vec<Look>),
    /// To change an object.
    Change(Wished),
    /// To be told what a change of an object would make of it.
    Rehearse(Wished),
}

/// What is to be changed.
#[derive(Clone, Debug)]
pub(crate) struct Wished {
    pub(crate) verb: ClusterVerb,
    pub(crate) target: ObjectRef,
    pub(crate) fields: Vec<String>,
    /// As which field manager; none for the agent's own.
    pub(crate) manager: Option<ThingName>,
}

/// Which objects are to be read, and how.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    pub(crate) verb: ClusterVerb,
    pub(crate) of: ObjectType,
    pub(crate) namespace: Option<String>,
    /// A name or a selector.
    pub(crate) which: String,
    /// The names of the objects; empty for all that it selects.
    pub(crate) names: Vec<String>,
}

impl Ask {
    /// To read the object of that name.
    pub(crate) fn look(
        verb: ClusterVerb,
        of: &ObjectType,
        namespace: Option<&str>,
        name: &str,
    ) -> Ask {
        Ask::Look(Look {
            verb,
            of: of.clone(),
            namespace: namespace.map(str::to_owned),
            which: name.to_owned(),
            names: vec![name.to_owned()],
        })
    }
}

impl Request for Ask {
    fn capability(&self) -> &'static str {
        CLUSTER
    }

    fn access(&self) -> Access {
        match self {
            Ask::Look(_) | Ask::Rehearse(..) => Access::Read,
            Ask::Watch(_) => Access::Wait,
            Ask::Change(..) => Access::Write,
        }
    }

    fn allowed(&self, gate: &Gate) -> Result<(), Failure> {
        match self {
            Ask::Look(look) => may_look(gate, look),
            Ask::Watch(looks) => looks.iter().try_for_each(|look| may_look(gate, look)),
            Ask::Change(wished) | Ask::Rehearse(wished) => may_change(gate, wished),
        }
    }

    /// What a watch and a change answer keeps its secrets by itself, object by object: see [`super::sealed::Sealed`].
    fn is_secret(&self) -> bool {
        matches!(self, Ask::Look(look) if look.of.is_secret())
    }

    fn compared(&self, answer: Value) -> Value {
        stripped(&answer)
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ask::Look(look) => look.fmt(f),
            Ask::Watch(looks) => {
                for (index, look) in looks.iter().enumerate() {
                    let separator = if index == 0 { "" } else { ", " };
                    write!(f, "{separator}{look}")?;
                }
                Ok(())
            }
            Ask::Change(wished) => wished.fmt(f),
            Ask::Rehearse(wished) => write!(f, "rehearse {wished}"),
        }
    }
}

impl fmt::Display for Wished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb.as_str(), self.target)?;
        match &self.manager {
            Some(manager) => write!(f, " as {}", &**manager),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.verb.as_str(), self.of)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.which)
    }
}

fn may_look(gate: &Gate, look: &Look) -> Result<(), Failure> {
    let names: Vec<&str> = look.names.iter().map(String::as_str).collect();
    may(
        gate,
        &Wish {
            verb: look.verb,
            of: &look.of,
            namespace: look.namespace.as_deref(),
            names: &names,
            fields: &[],
        },
    )
}

/// Checks the rights to a change.
fn may_change(gate: &Gate, wished: &Wished) -> Result<(), Failure> {
    let (verb, target) = (wished.verb, &wished.target);
    may_set(gate, verb, target, &wished.fields)?;
    if let Some(manager) = &wished.manager {
        let what = "apply as the field manager";
        denial::named(gate, what, CLUSTER, ClusterVerb::APPLY_AS, manager)?;
    }
    // What changes nothing has shown that the value is the one that was tried.
    if target.of.is_secret() && matches!(verb, ClusterVerb::Patch | ClusterVerb::Apply) {
        may(gate, &wish(target, ClusterVerb::Get, &[&target.name], &[]))?;
    }
    Ok(())
}

/// Checks the rights to change fields of an object.
pub(crate) fn may_set(
    gate: &Gate,
    verb: ClusterVerb,
    target: &ObjectRef,
    fields: &[String],
) -> Result<(), Failure> {
    may(gate, &wish(target, verb, &[&target.name], fields))
}

fn may(gate: &Gate, wish: &Wish<'_>) -> Result<(), Failure> {
    if gate.grants().allow_cluster(wish) {
        Ok(())
    } else {
        Err(denied(gate, wish))
    }
}

fn wish<'a>(
    target: &'a ObjectRef,
    verb: ClusterVerb,
    names: &'a [&'a str],
    fields: &'a [String],
) -> Wish<'a> {
    Wish {
        verb,
        of: &target.of,
        namespace: target.namespace.as_deref(),
        names,
        fields,
    }
}

fn denied(gate: &Gate, wish: &Wish<'_>) -> Failure {
    const CODE: &str = "cluster.not-granted";
    let lack = gate.grants().lacks(wish);
    let message = format!(
        "plugin `{}` may not {} {}",
        denial::plugin_id(gate),
        wish.verb.as_str(),
        described(wish, lack.as_ref())
    );
    let named = wish.namespace.map(str::parse::<Namespace>).transpose().ok();
    let Some(lack) = lack else {
        return denial::beyond_callers(gate, CODE, message, named.flatten());
    };
    let rights = named.and_then(|namespace| missing(wish, namespace, &lack));
    let power = format!("cluster.{}", wish.verb.as_str());
    denial::outside(gate, CODE, message, &power, rights.unwrap_or_default())
}

/// Returns what it is that may not be done, as people read it.
fn described(wish: &Wish<'_>, lack: Option<&Lack<'_>>) -> String {
    let fields = lack.map_or(&[][..], |lack| &lack.fields);
    let of = match fields {
        // The object as a whole.
        [] | ["", ..] => String::new(),
        [one] => format!("`{}` of ", shown(one)),
        [one, others @ ..] => format!("`{}` and {} more fields of ", shown(one), others.len()),
    };
    let name = match lack.and_then(|lack| lack.name) {
        Some(name) => format!(" `{}`", shown(name)),
        None => String::new(),
    };
    let place = match wish.namespace {
        Some(namespace) => format!("in namespace `{namespace}`"),
        None => "in all namespaces".to_owned(),
    };
    format!("{of}`{}`{name} {place}", wish.of.noun())
}

/// Returns the rights that would allow what is missing, as narrow as they can be written; none when they cannot.
fn missing(wish: &Wish<'_>, namespace: Option<Namespace>, lack: &Lack<'_>) -> Option<Vec<Right>> {
    let name = lack.name.map(str::parse).transpose().ok()?;
    let resource: Resource = wish.of.resource().parse().ok()?;
    let right = |field| {
        Right::Cluster(ClusterRight {
            verb: Some(wish.verb),
            resource: Some(resource.clone()),
            field,
            namespace: namespace.clone(),
            name: name.clone(),
        })
    };
    let fields = match lack.fields.as_slice() {
        [] | ["", ..] => return Some(vec![right(None)]),
        fields => fields.iter().take(NAMED),
    };
    let fields: Result<Vec<Field>, _> = fields.map(|field| field.parse()).collect();
    Some(fields.ok()?.into_iter().map(Some).map(right).collect())
}
