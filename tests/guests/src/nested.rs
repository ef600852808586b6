//! Guests that call operations.

use agent_sdk::NoArgs;
use agent_sdk::operations::Call;
use agent_sdk::prelude::*;

/// Call itself for ever, through the host.
#[operation(risk = "read")]
pub(crate) fn call_itself(_args: NoArgs) -> Result<Value> {
    let mut called = operations::call(&[Call::new("guests.call-itself", json!({}))]);
    let outcome = called.remove(0)?;
    Ok(json!({ "inner": outcome.value }))
}

/// What to call.
#[derive(Args)]
pub(crate) struct Called {
    /// The full name of the operation
    #[arg(positional)]
    operation: String,
}

/// Call an operation and tell what came of it.
#[operation(risk = "change")]
pub(crate) fn call(args: Called) -> Result<Value> {
    tell(args)
}

/// Only read, and call what changes.
#[operation(risk = "read")]
pub(crate) fn call_riskier(args: Called) -> Result<Value> {
    tell(args)
}

fn tell(args: Called) -> Result<Value> {
    let called = operations::call(&[Call::new(&args.operation, json!({}))]).remove(0);
    Ok(match called {
        Ok(outcome) => json!({ "value": outcome.value }),
        Err(error) => json!({ "code": error.code(), "message": error.message() }),
    })
}

/// Call an operation as a hold, look at what it has changed, and return without letting go.
#[operation(risk = "change")]
pub(crate) fn hold_call(args: Called) -> Result<Value> {
    let (held, _) = operations::hold(&[Call::new(&args.operation, json!({}))])?;
    let changed = held.changed();
    info!("held");
    let settings = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    let settings = cluster::get(&settings, &["/data/mode"])?;
    Ok(json!({ "changed": changed, "mode": settings.text("/data/mode") }))
}

/// Behave well: call an operation as a hold, and keep what it has changed.
#[operation(risk = "change")]
pub(crate) fn keep_call(_args: NoArgs) -> Result<Value> {
    operations::hold(&[Call::new("guests.change", json!({}))])?
        .0
        .keep()?;
    Ok(json!("kept"))
}
