//! Guests that compute too much, or break.

use std::hint::black_box;
use std::time::Duration;

use agent_sdk::NoArgs;
use agent_sdk::operations::{self, Call};
use agent_sdk::prelude::*;

/// Compute for ever.
#[operation(risk = "read")]
pub(crate) fn spin(_args: NoArgs) -> Result<Value> {
    info!("begun");
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
        if turns == u64::MAX {
            return Ok(json!(turns));
        }
    }
}

/// Allocate for ever.
#[operation(risk = "read")]
pub(crate) fn eat_memory(_args: NoArgs) -> Result<Value> {
    let mut eaten: Vec<Vec<u8>> = Vec::new();
    loop {
        eaten.push(black_box(vec![1; 1 << 20]));
        if eaten.len() == usize::MAX {
            return Ok(json!(eaten.len()));
        }
    }
}

/// Have much memory for a while, and end well.
#[operation(risk = "read")]
pub(crate) fn have_memory(_args: NoArgs) -> Result<Value> {
    let had = black_box(vec![1_u8; 16 << 20]);
    run::sleep(Duration::from_secs(1))?;
    Ok(json!(had.len()))
}

/// Have eight operations at once that have much memory each, and then one; tell how each ended.
#[operation(risk = "read")]
pub(crate) fn crowd(_args: NoArgs) -> Result<Value> {
    let one = Call::new("guests.have-memory", json!({}));
    let told = |ended: Result<Outcome>| match ended {
        Ok(_) => String::new(),
        Err(error) => error.code().to_owned(),
    };
    let many: Vec<String> = operations::call(&vec![one.clone(); 8])
        .into_iter()
        .map(told)
        .collect();
    let alone: Vec<String> = operations::call(&[one]).into_iter().map(told).collect();
    Ok(json!({ "many": many, "alone": alone }))
}

/// Call itself for ever, inside.
#[operation(risk = "read")]
pub(crate) fn recurse(_args: NoArgs) -> Result<Value> {
    Ok(json!(deeper(u64::MAX, 1)))
}

/// Not a loop in disguise, and nothing in it that the compiler would put into linear memory.
#[inline(never)]
fn deeper(depth: u64, value: u64) -> u64 {
    if depth == 0 {
        return value;
    }
    let inner = deeper(depth - 1, value);
    inner.rotate_left((inner % 7) as u32) ^ depth
}

/// Panic.
#[operation(risk = "read")]
pub(crate) fn trap(_args: NoArgs) -> Result<Value> {
    panic!("the guest's own last words");
}

/// End the process that a plugin is not.
#[operation(risk = "read")]
pub(crate) fn exit(_args: NoArgs) -> Result<Value> {
    std::process::exit(3);
}
