//! The end of the process at the second Ctrl-C or SIGTERM, whatever its threads are at.
//!
//! Who follows a run ends the process in good order: it says what is still held. It may itself be kept from that (nobody reads what it
//! writes, both workers compute), so a thread that does nothing else gives it a moment, and then ends the process. What is on record leads
//! `agent undo` and `agent resume` from there, as after a `kill -9`.

use std::io::Write as _;
use std::thread;
use std::time::Duration;

use futures::StreamExt as _;
use rustix::process::{Signal, getpid, kill_process};
use tokio::runtime::Builder;

use super::screen;

/// The exit code of a shell's custom for what was stopped by Ctrl-C.
const STOPPED_AT_ONCE: i32 = 130;
/// How long whoever follows the run may take to end the process itself.
const IN_GOOD_ORDER: Duration = Duration::from_millis(500);
/// How long the end of the process may take: what is in its streams is written, and nobody may be there to read it.
const LAST: Duration = Duration::from_millis(200);

/// Starts the thread. Where it cannot be started, the process ends in good order only.
pub(crate) fn end_at_the_second_signal() {
    let started = thread::Builder::new().name("ending".to_owned()).spawn(wait);
    drop(started);
}

/// The signals come through a runtime of this thread's own: that of the process hears them with its workers, and those may be busy. Whoever of the
/// two reads them from the system hands them to both.
fn wait() {
    let Ok(runtime) = Builder::new_current_thread().enable_io().build() else {
        return;
    };
    let heard = runtime.block_on(async {
        let signals = agent_cli::interrupts(!screen::hang_up_is_ignored());
        let mut signals = signals.ok()?.skip(1);
        signals.next().await
    });
    if heard.is_some() {
        end();
    }
}

fn end() {
    thread::sleep(IN_GOOD_ORDER);
    let exits = thread::Builder::new().spawn(|| {
        let said = "\nstopped at once; what it left is told by: agent runs\n";
        // Where nobody reads there is nobody to tell.
        drop(std::io::stderr().write_all(said.as_bytes()));
        std::process::exit(STOPPED_AT_ONCE);
    });
    drop(exits);
    thread::sleep(LAST);
    // Nothing that a thread holds keeps this from happening.
    let _ = kill_process(getpid(), Signal::KILL);
}
