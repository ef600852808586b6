//! Guests that compute too much, or break.

use std::hint::black_box;

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

/// How deep to go.
#[derive(Args)]
pub(crate) struct Depth {
    /// How many there are below
    #[arg(positional, default = 2)]
    depth: u32,
}

/// Have much memory, and call itself twice with it, one after the other; tell what came of those.
#[operation(risk = "read")]
pub(crate) fn crowd(args: Depth) -> Result<Value> {
    let had = black_box(vec![1_u8; 16 << 20]);
    let mut told = Vec::new();
    let twice = if args.depth > 0 { 2 } else { 0 };
    for _ in 0..twice {
        let below = Call::new("guests.crowd", json!({ "depth": args.depth - 1 }));
        told.push(match operations::call(&[below]).remove(0) {
            Ok(outcome) => outcome.value,
            Err(error) => json!(error.code()),
        });
    }
    Ok(json!({ "had": had.len(), "below": told }))
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
