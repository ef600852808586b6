//! What a denial says. The hint is the product.

use agent_core::descriptor::Risk;
use agent_core::effect::Verb;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::{CallRight, ClusterRight, Lack, Reach, Right, Wish};
use agent_core::hint;
use agent_core::hint::Words;
use agent_core::id::OperationName;
use agent_core::name::{Field, Namespace, Resource, shown};
use agent_core::object::ObjectRef;

use super::Gate;

/// How many of the fields that are missing the hint has, each as a right.
const NAMED: usize = 4;

pub(super) fn cluster(gate: &Gate, wish: &Wish<'_>) -> Failure {
    const CODE: &str = "cluster.not-granted";
    let lack = gate.actor.grants.lacks(wish);
    let message = format!(
        "plugin `{}` may not {} {}",
        plugin_id(gate),
        wish.verb.as_str(),
        described(wish, lack.as_ref())
    );
    let named = wish.namespace.map(str::parse::<Namespace>).transpose().ok();
    let Some(lack) = lack else {
        return beyond_callers(gate, CODE, message, named.flatten());
    };
    let rights = named.and_then(|namespace| missing(wish, namespace, &lack));
    let power = format!("cluster.{}", wish.verb.as_str());
    outside(gate, CODE, message, &power, rights.unwrap_or_default())
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

pub(super) fn call(gate: &Gate, operation: &OperationName) -> Failure {
    let message = format!("plugin `{}` may not call `{operation}`", plugin_id(gate));
    outside(
        gate,
        "operations.not-granted",
        message,
        "operations.call",
        vec![Right::Call(CallRight {
            operation: Some(operation.clone()),
            reach: Reach::OfCaller,
        })],
    )
}

/// The plugin has the right, and was called by one that may not act there.
fn beyond_callers(
    gate: &Gate,
    code: &str,
    message: String,
    namespace: Option<Namespace>,
) -> Failure {
    let operation = &gate.actor.operation;
    let right = Right::Call(CallRight {
        operation: Some(operation.clone()),
        reach: namespace.map_or(Reach::Everywhere, Reach::Namespace),
    });
    Failure::new(Kind::Denied, code, message)
        .because(format!(
            "`{operation}` was called by an operation that may not act there itself, nor have others act there"
        ))
        .hinted(hint!(
            "a plugin that is to do so needs the right {}, by `namespaces` in its request to call operations",
            right
        ))
}

/// While a run goes on, everything that the manifest requests has been granted; so what is missing is missing from the manifest, or is
/// outside what this invocation named.
fn outside(gate: &Gate, code: &str, message: String, power: &str, rights: Vec<Right>) -> Failure {
    let (plugin, run) = (&gate.actor.plugin, &gate.run.id);
    let failure = Failure::new(Kind::Denied, code, message).because(format!(
        "`{power}` is outside its grants ({plugin}, operation {}, run {run})",
        gate.actor.operation
    ));
    if rights.is_empty() {
        // What was named is no namespace at all.
        return failure;
    }
    failure.hinted(hint!(
        "request it in the plugin.toml of the plugin, then: agent plugin grant {} {}",
        plugin_id(gate),
        Words(rights)
    ))
}

pub(super) fn read_only(gate: &Gate, verb: Verb, target: &ObjectRef) -> Failure {
    let operation = &gate.actor.operation;
    Failure::new(
        Kind::Denied,
        "cluster.read-only",
        format!("`{operation}` may not {} {target}", verb.as_str()),
    )
    .because("its descriptor says that its risk is `read`")
    .hinted("declare the operation's real risk: `change`, `disrupt` or `destroy`")
}

pub(super) fn not_asked(gate: &Gate, verb: Verb, target: &ObjectRef) -> Failure {
    let operation = &gate.actor.operation;
    Failure::new(Kind::Denied, "run.not-asked", format!("`{operation}` may not {} {target} before the person agreed", verb.as_str()))
        .because("its risk is `destroy`, and it has not asked yet")
        .hinted("call `run.confirm` before the first change; call another operation for what must be done before asking")
}

pub(super) fn harmful(gate: &Gate, target: &ObjectRef, risk: Risk, why: &str) -> Failure {
    let operation = &gate.actor.operation;
    let own = word(gate.actor.grants.risk());
    let message = format!(
        "`{operation}` may not do to {target} what needs the risk `{}`",
        word(risk)
    );
    let hint = match risk {
        Risk::Destroy => {
            "declare the operation's real risk, `destroy`, and call `run.confirm` before"
        }
        _ => "declare the operation's real risk",
    };
    Failure::new(Kind::Denied, "cluster.riskier", message)
        .because(why)
        .because(format!("its descriptor says that its risk is `{own}`"))
        .hinted(hint)
}

fn word(risk: Risk) -> String {
    format!("{risk:?}").to_lowercase()
}

pub(super) fn riskier(gate: &Gate, operation: &OperationName, risk: Risk) -> Failure {
    let caller = &gate.actor.operation;
    let message = format!("`{caller}` may not call `{operation}`");
    Failure::new(Kind::Denied, "operations.riskier", message)
        .because(format!(
            "its own risk is `{}`, and that of `{operation}` is `{}`",
            word(gate.actor.grants.risk()),
            word(risk)
        ))
        .hinted("declare the risk of the operation that calls as high as that of what it calls")
}

fn plugin_id(gate: &Gate) -> &str {
    gate.actor.operation.plugin()
}
