//! What a denial says. The hint is the product.

use agent_core::descriptor::Risk;
use agent_core::effect::Target;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::{CallRight, NamedRight, Reach, Right};
use agent_core::hint;
use agent_core::hint::Words;
use agent_core::id::OperationName;
use agent_core::name::{Namespace, shown};

use crate::{Gate, Request};

/// Checks a right to what a capability knows by a name.
///
/// # Errors
/// `denied`, with the code `not-granted` of the capability. `what` says what may not be done, such as `reboot the machine`; the name follows it.
pub fn named(
    gate: &Gate,
    what: &str,
    capability: &str,
    verb: &str,
    name: &str,
) -> Result<(), Failure> {
    let grants = gate.grants();
    if grants.allow_named(capability, verb, name) {
        return Ok(());
    }
    let code = format!("{capability}.not-granted");
    let message = format!(
        "plugin `{}` may not {what} `{}`",
        plugin_id(gate),
        shown(name)
    );
    if grants.has_named(capability, verb, name) {
        let operation = &gate.actor.operation;
        return Err(Failure::new(Kind::Denied, &code, message).because(format!(
            "`{operation}` was called by an operation that may not do so itself"
        )));
    }
    let right = || -> Option<Right> {
        Some(Right::Named(NamedRight {
            capability: capability.parse().ok()?,
            verb: Some(verb.parse().ok()?),
            name: Some(name.parse().ok()?),
        }))
    };
    let rights = right().into_iter().collect();
    Err(outside(
        gate,
        &code,
        message,
        &format!("{capability}.{verb}"),
        rights,
    ))
}

/// The plugin has the right, and was called by one that may not act there: in that namespace, or everywhere.
pub fn beyond_callers(
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
/// outside what this invocation named. `rights` would allow it; none where nobody could grant it.
pub fn outside(
    gate: &Gate,
    code: &str,
    message: String,
    power: &str,
    rights: Vec<Right>,
) -> Failure {
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

pub(crate) fn read_only(gate: &Gate, ask: &dyn Request) -> Failure {
    let (operation, code) = (
        &gate.actor.operation,
        format!("{}.read-only", ask.capability()),
    );
    Failure::new(Kind::Denied, &code, format!("`{operation}` may not {ask}"))
        .because("its descriptor says that its risk is `read`")
        .hinted("declare the operation's real risk: `change`, `disrupt` or `destroy`")
}

pub(crate) fn not_asked(gate: &Gate, ask: &dyn Request) -> Failure {
    let operation = &gate.actor.operation;
    Failure::new(Kind::Denied, "run.not-asked", format!("`{operation}` may not {ask} before the person agreed"))
        .because("its risk is `destroy`, and it has not asked yet")
        .hinted("call `run.confirm` before the first change; call another operation for what must be done before asking")
}

pub(crate) fn harmful(gate: &Gate, target: &Target, risk: Risk, why: &str) -> Failure {
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
    Failure::new(
        Kind::Denied,
        &format!("{}.riskier", target.capability),
        message,
    )
    .because(why)
    .because(format!("its descriptor says that its risk is `{own}`"))
    .hinted(hint)
}

fn word(risk: Risk) -> String {
    format!("{risk:?}").to_lowercase()
}

pub(crate) fn riskier(gate: &Gate, operation: &OperationName, risk: Risk) -> Failure {
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

/// Returns the id of the plugin that acts.
pub fn plugin_id(gate: &Gate) -> &str {
    gate.actor.operation.plugin()
}
