//! The clock that interrupts guests: every 10 ms it makes each running one look up. On a thread of the operating system, because a guest that
//! computes may occupy the very executor that a task would need.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};
use std::time::Duration;

use wasmtime::Engine;

/// How long a guest runs before it looks up.
const TICK: Duration = Duration::from_millis(10);

/// The thread. It sleeps while no guest runs, and ends with the engine.
#[derive(Debug)]
pub(crate) struct Ticker {
    thread: Thread,
    running: Arc<AtomicUsize>,
}

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> io::Result<Ticker> {
        let running = Arc::new(AtomicUsize::new(0));
        let (engine, counted) = (engine.weak(), running.clone());
        let tick = move || {
            while let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
                drop(engine);
                if counted.load(Ordering::Acquire) == 0 {
                    thread::park();
                } else {
                    thread::sleep(TICK);
                }
            }
        };
        let handle = thread::Builder::new()
            .name("epochs".to_owned())
            .spawn(tick)?;
        Ok(Ticker {
            thread: handle.thread().clone(),
            running,
        })
    }

    /// Ticks until the answer is dropped.
    pub(crate) fn tick(&self) -> Ticking {
        self.running.fetch_add(1, Ordering::AcqRel);
        self.thread.unpark();
        Ticking(self.running.clone())
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
pub(crate) struct Ticking(Arc<AtomicUsize>);

impl Drop for Ticking {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
