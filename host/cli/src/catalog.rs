//! Which operations there are, by the plugins that can be used, and what was meant by a name that is none of theirs.

use agent_core::agent::{State, Usable};
use agent_core::hint;
use agent_core::hint::{Either, Names, Remedy};
use agent_core::{Failure, Kind, Operation, OperationName, Plugin, suggest};

/// Returns the plugins that can be used.
pub(crate) fn usable(plugins: &[Plugin]) -> impl Iterator<Item = &Usable> {
    plugins.iter().filter_map(|plugin| match &plugin.state {
        State::Usable(usable) => Some(usable.as_ref()),
        State::Refused { .. } => None,
    })
}

/// Says why a plugin cannot be used, in one line; none when it can.
pub(crate) fn refusal(plugin: &Plugin) -> Option<String> {
    let State::Refused { failure } = &plugin.state else {
        return None;
    };
    let why = match failure.causes.as_slice() {
        [] => failure.to_string(),
        causes => causes.join(": "),
    };
    Some(format!("plugin `{}` is refused: {why}", plugin.origin))
}

/// Finds an operation by its full name.
pub(crate) fn find<'a>(
    wanted: &str,
    plugins: &'a [Plugin],
) -> Result<(OperationName, &'a Operation), Failure> {
    let name: Result<OperationName, _> = wanted.parse();
    let domain = wanted.split('.').next().unwrap_or(wanted);
    let Some(usable) = usable(plugins).find(|usable| usable.manifest.id.as_str() == domain) else {
        return Err(unknown_domain(wanted, domain, plugins));
    };
    let operation = name
        .as_ref()
        .ok()
        .and_then(|name| usable.descriptor.operation(name.operation()));
    match (name, operation) {
        (Ok(name), Some(operation)) => Ok((name, operation)),
        _ => Err(unknown_operation(wanted, usable)),
    }
}

fn unknown_operation(wanted: &str, usable: &Usable) -> Failure {
    let id = &usable.manifest.id;
    let names: Vec<&str> = usable
        .descriptor
        .operations
        .iter()
        .map(|operation| operation.name.as_str())
        .collect();
    let bare = wanted.split_once('.').map_or("", |(_, bare)| bare);
    let near: Vec<String> = suggest::nearest(bare, names.iter().copied())
        .iter()
        .map(|name| format!("{id}.{name}"))
        .collect();
    let known = if near.is_empty() {
        hint!("known: {}", Names(names))
    } else {
        hint!("did you mean {}? known: {}", Either(near), Names(names))
    };
    unknown(
        format!("plugin `{id}` has no operation `{wanted}`"),
        Some(known),
    )
}

fn unknown_domain(wanted: &str, domain: &str, plugins: &[Plugin]) -> Failure {
    let ids: Vec<&str> = usable(plugins)
        .map(|usable| usable.manifest.id.as_str())
        .collect();
    let of_that_name: Vec<String> = usable(plugins)
        .filter(|usable| usable.descriptor.operation(wanted).is_some())
        .map(|usable| format!("{}.{wanted}", usable.manifest.id))
        .collect();
    let known = match of_that_name.is_empty() {
        true => suggest::sentence(domain, ids),
        false => Some(hint!("did you mean {}?", Either(of_that_name))),
    };
    let message = format!("there is no plugin `{domain}` for `{wanted}`");
    let refusals = plugins.iter().filter_map(refusal);
    refusals.fold(unknown(message, known), Failure::because)
}

fn unknown(message: String, known: Option<Remedy>) -> Failure {
    let hint = known.unwrap_or_else(|| "agent plugin list".into());
    Failure::new(Kind::NotFound, "operations.unknown", message).hinted(hint)
}
