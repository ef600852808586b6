//! What a denial says. The hint is the product.

use agent_core::descriptor::Risk;
use agent_core::effect::Verb;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::{CallRight, ClusterRight, Reach, Right};
use agent_core::hint;
use agent_core::id::OperationName;
use agent_core::manifest::ClusterVerb;
use agent_core::name::Namespace;
use agent_core::object::{ObjectRef, ObjectType};

use super::Gate;

pub(super) fn cluster(
    gate: &Gate,
    verb: ClusterVerb,
    of: &ObjectType,
    namespace: Option<&str>,
) -> Failure {
    let place = namespace.map_or_else(
        || "in all namespaces".to_owned(),
        |namespace| format!("in namespace `{namespace}`"),
    );
    let message = format!(
        "plugin `{}` may not {} `{}` {place}",
        plugin_id(gate),
        verb.as_str(),
        of.noun()
    );
    const CODE: &str = "cluster.not-granted";
    let named = namespace.map(str::parse::<Namespace>).transpose().ok();
    if gate.actor.grants.has_right(verb, of, namespace) {
        return beyond_callers(gate, CODE, message, named.flatten());
    }
    let right = named.and_then(|namespace| {
        Some(Right::Cluster(ClusterRight {
            verb: Some(verb),
            resource: Some(of.resource().parse().ok()?),
            namespace,
        }))
    });
    let power = format!("cluster.{}", verb.as_str());
    outside(gate, CODE, message, &power, right)
}

pub(super) fn call(gate: &Gate, operation: &OperationName) -> Failure {
    let message = format!("plugin `{}` may not call `{operation}`", plugin_id(gate));
    outside(
        gate,
        "operations.not-granted",
        message,
        "operations.call",
        Some(Right::Call(CallRight {
            operation: Some(operation.clone()),
            reach: Reach::OfCaller,
        })),
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
fn outside(gate: &Gate, code: &str, message: String, power: &str, right: Option<Right>) -> Failure {
    let (plugin, run) = (&gate.actor.plugin, &gate.run.id);
    let failure = Failure::new(Kind::Denied, code, message).because(format!(
        "`{power}` is outside its grants ({plugin}, operation {}, run {run})",
        gate.actor.operation
    ));
    match right {
        Some(right) => failure.hinted(hint!(
            "request it in the plugin.toml of the plugin, then: agent plugin grant {} {}",
            plugin_id(gate),
            right
        )),
        // What was named is no namespace at all.
        None => failure,
    }
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
