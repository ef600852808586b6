//! Operations of the toy capability.

use agent_sdk::prelude::*;

mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit", "../wit"],
        world: "ops:toy/toy",
        with: {
            "ops:types/types@0.2.0": agent_sdk::bindings::ops::types::types,
            "ops:types/holds@0.2.0": agent_sdk::bindings::ops::types::holds,
        },
    });
}

use bindings::ops::toy::lamps;

/// A lamp.
#[derive(Args)]
struct Lamp {
    /// Which one
    #[arg(positional)]
    lamp: String,
}

/// Turn a lamp up.
#[operation(risk = "change")]
fn turn(args: Lamp) -> Result<Value> {
    let before = lamps::level(&args.lamp)?;
    let after = lamps::turn(&args.lamp, 10)?;
    Ok(json!([before, after]))
}

/// Dim the lamp of the desk, turn up another one meanwhile, and let the first one be as it was.
#[operation(risk = "change")]
fn hold_and_turn(args: Lamp) -> Result<Value> {
    let dimmed = lamps::hold("desk", -20)?;
    let after = lamps::turn(&args.lamp, 10)?;
    let left = dimmed.release()?;
    Ok(json!([after, left]))
}

/// Turn up a lamp for a time by another operation, and let it be as it was.
#[operation(risk = "change")]
fn hold_call(args: Lamp) -> Result<Value> {
    let turn = operations::Call::new("toy.turn", json!({ "lamp": args.lamp }));
    let (held, _) = operations::hold(&[turn])?;
    let during = lamps::level(&args.lamp)?;
    held.release()?;
    Ok(json!(during))
}

/// Turn a lamp, and say that nothing is changed.
#[operation(risk = "read")]
fn turn_while_reading(args: Lamp) -> Result<Value> {
    lamps::turn(&args.lamp, 10)?;
    Ok(Value::Null)
}

/// Look at a lamp without having asked to.
#[operation(risk = "read")]
fn look_beyond(args: Lamp) -> Result<Value> {
    Ok(json!(lamps::level(&args.lamp)?))
}

agent_sdk::plugin! {
    manifest = "plugin.toml",
    operations = [turn, hold_and_turn, hold_call, turn_while_reading, look_beyond],
}
