//! Operations whose only work is the host's: what is measured of them is the engine and the gate.
//!
//! `cargo xtask bench` builds this plugin and runs it. Nothing of it is part of the agent.

use agent_sdk::NoArgs;
use agent_sdk::bindings::ops::cluster::cluster as host;
use agent_sdk::operations::{self, Call};
use agent_sdk::prelude::*;

/// How often to call the host.
#[derive(Args)]
struct Often {
    /// How often
    #[arg(positional)]
    times: u32,
}

/// Do nothing.
#[operation(risk = "read")]
fn nothing(_args: NoArgs) -> Result<Value> {
    Ok(Value::Null)
}

/// Read one object again and again, by the call itself: what the SDK makes of the answer is the plugin's own work.
#[operation(risk = "read")]
fn look(args: Often) -> Result<Value> {
    let target = host::ObjectRef {
        of: kinds::CONFIG_MAP.as_str().to_owned(),
        namespace: Some("default".to_owned()),
        name: "settings".to_owned(),
    };
    let projection = ["/data/mode".to_owned()];
    for _ in 0..args.times {
        host::get(&target, &projection)?;
    }
    Ok(Value::Null)
}

/// Call the operation that does nothing again and again.
#[operation(risk = "read")]
fn call(args: Often) -> Result<Value> {
    let nothing = [Call::new("bench.nothing", json!({}))];
    for _ in 0..args.times {
        operations::call(&nothing)
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
    }
    Ok(Value::Null)
}

agent_sdk::plugin! {
    manifest = "plugin.toml",
    operations = [nothing, look, call]
}
