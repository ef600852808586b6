//! `agent`: the operations of a Kubernetes home cluster, as sandboxed plugins.
//!
//! Parse, wire, run, exit code. Everything with a name of its own has a room of its own.

use std::time::Duration;

mod wire;

/// How long threads may take to end by themselves: what they have begun to write goes to disk meanwhile.
const LAST_WORD: Duration = Duration::from_millis(300);

fn main() {
    if let Some(code) = wire::compiles() {
        std::process::exit(code.into());
    }
    // Before anything else: whatever the rest of the process does, it can be stopped.
    wire::end_at_the_second_signal();
    let code = match wire::runtime() {
        Ok(runtime) => {
            let code = runtime.block_on(wire::run());
            // Dropped, it would wait for a thread that computes, however long that does.
            runtime.shutdown_timeout(LAST_WORD);
            code
        }
        Err(_no_threads) => agent_core::exit::BUG,
    };
    // Not by returning: a thread may still wait for a line that nobody will type.
    std::process::exit(code.into());
}
