//! The clock that interrupts guests: every 10 ms it makes each running one look up. On a thread of the operating system, because a guest that
//! computes may occupy the very executor that a task would need.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// How long a guest runs before it looks up.
const TICK: Duration = Duration::from_millis(10);
/// How many ticks without a guest come before the thread sleeps: to wake it costs more than a short run does.
const IDLE: u32 = 20;

/// The thread. It sleeps while no guest runs, and ends with the engine.
#[derive(Debug)]
pub(crate) struct Ticker {
    thread: Thread,
    state: Arc<State>,
}

/// Both are looked at after the other one was set, so that a guest never runs beside a thread that sleeps.
#[derive(Debug, Default)]
struct State {
    running: AtomicUsize,
    asleep: AtomicBool,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> io::Result<Ticker> {
        let state = Arc::new(State::default());
        let (engine, shared) = (engine.weak(), state.clone());
        let tick = move || {
            let mut idle = 0;
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                let runs = shared.running.load(Ordering::SeqCst) > 0;
                idle = if runs { 0 } else { idle + 1 };
                if idle <= IDLE {
                    thread::sleep(TICK);
                    continue;
                }
                shared.asleep.store(true, Ordering::SeqCst);
                if shared.running.load(Ordering::SeqCst) == 0 {
                    thread::park();
                }
                shared.asleep.store(false, Ordering::SeqCst);
            }
        };
        let handle = thread::Builder::new()
            .name("epochs".to_owned())
            .spawn(tick)?;
        Ok(Ticker {
            thread: handle.thread().clone(),
            state,
        })
    }

    /// Ticks until the answer is dropped.
    pub(crate) fn tick(&self) -> Ticking {
        self.state.running.fetch_add(1, Ordering::SeqCst);
        if self.state.asleep.load(Ordering::SeqCst) {
            self.thread.unpark();
        }
        Ticking(self.state.clone())
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // Awake, it sees that the engine is gone.
        self.thread.unpark();
    }
}

/// Keeps the clock going.
#[derive(Debug)]
pub(crate) struct Ticking(Arc<State>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}
