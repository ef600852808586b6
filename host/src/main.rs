//! `agent`: the operations of a Kubernetes home cluster, as sandboxed plugins.
//!
//! Parse, wire, run, exit code. Everything with a name of its own has a room of its own.

mod wire;

fn main() {
    let code = match wire::runtime() {
        Ok(runtime) => runtime.block_on(wire::run()),
        Err(_no_threads) => agent_core::exit::BUG,
    };
    // Not by returning: a thread may still wait for a line that nobody will type.
    std::process::exit(code.into());
}
