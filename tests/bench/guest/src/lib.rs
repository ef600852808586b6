//! Operations whose only work is the host's: what is measured of them is the engine and the gate.
//!
//! `cargo xtask bench` builds this plugin and runs it. Nothing of it is part of the agent.

use agent_sdk::NoArgs;
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

/// Read one object again and again.
#[operation(risk = "read")]
fn look(args: Often) -> Result<Value> {
    let target = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    for _ in 0..args.times {
        cluster::get(&target, &["/data/mode"])?;
    }
    Ok(Value::Null)
}

agent_sdk::plugin! {
    manifest = "plugin.toml",
    operations = [nothing, look]
}
