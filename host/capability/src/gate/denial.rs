//! What a denial says. The hint is the product.

use agent_core::descriptor::Risk;
use agent_core::effect::Verb;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::{ClusterRight, Right};
use agent_core::id::OperationName;
use agent_core::manifest::ClusterVerb;
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
        of.plural
    );
    let right = ClusterRight {
        verb: Some(verb),
        resource: Some(of.resource()),
        namespace: namespace.map(str::to_owned),
    };
    outside(
        gate,
        "cluster.not-granted",
        message,
        &format!("cluster.{}", verb.as_str()),
        &Right::Cluster(right),
    )
}

pub(super) fn call(gate: &Gate, operation: &OperationName) -> Failure {
    let message = format!("plugin `{}` may not call `{operation}`", plugin_id(gate));
    outside(
        gate,
        "operations.not-granted",
        message,
        "operations.call",
        &Right::Call(operation.to_string()),
    )
}

/// While a run goes on, everything that the manifest requests has been granted; so what is missing is missing from the manifest, or is
/// outside what this invocation named.
fn outside(gate: &Gate, code: &str, message: String, power: &str, right: &Right) -> Failure {
    let (plugin, run) = (&gate.actor.plugin, &gate.run.id);
    Failure::new(Kind::Denied, code, message)
        .because(format!(
            "`{power}` is outside its grants ({plugin}, operation {}, run {run})",
            gate.actor.operation
        ))
        .hinted(format!(
            "request it in the plugin's plugin.toml, then: agent plugin grant {} '{right}'",
            plugin_id(gate)
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
