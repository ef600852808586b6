//! Guests that ask too much of the host, and put too much on record.

use agent_sdk::NoArgs;
use agent_sdk::prelude::*;

/// Ask what time it is, for ever.
#[operation(risk = "change")]
pub(crate) fn call_without_end(_args: NoArgs) -> Result<Value> {
    loop {
        run::now();
    }
}

/// Ask for tokens for ever.
#[operation(risk = "change")]
pub(crate) fn token_without_end(_args: NoArgs) -> Result<Value> {
    loop {
        run::token();
    }
}

/// Read the same thing for ever, whatever the host says.
#[operation(risk = "change")]
pub(crate) fn read_too_much(_args: NoArgs) -> Result<Value> {
    let target = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    let mut read = 0_u64;
    loop {
        match cluster::get(&target, &[]) {
            Ok(_) => read += 1,
            Err(error) => return Ok(json!({ "read": read, "code": error.code() })),
        }
    }
}

/// Ask the person at length.
#[operation(risk = "read")]
pub(crate) fn ask_at_length(_args: NoArgs) -> Result<Value> {
    loop {
        run::confirm("go on?", &[("because", "x".repeat(20_000))])?;
    }
}

/// Name stand-ins without end.
#[operation(risk = "read")]
pub(crate) fn stand_in_without_end(_args: NoArgs) -> Result<Value> {
    for number in 0_u64.. {
        run::placeholder("number", &number.to_string());
    }
    Ok(json!("never"))
}

/// End steps at length.
#[operation(risk = "read")]
pub(crate) fn end_steps_at_length(_args: NoArgs) -> Result<Value> {
    for number in 0..100 {
        let step = Step::new("Talk");
        let text = "x".repeat(10_000);
        if number % 2 == 0 {
            step.done(text);
        } else {
            step.skip(text);
        }
    }
    Ok(json!("talked"))
}
