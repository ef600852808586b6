//! What a guest writes to standard output and standard error: lines of the run's log at the level `debug`, and the last of them kept
//! for the report of a trap, since that is where a panic says what happened.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use agent_capability::run::LogBook;
use agent_core::event::Level;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// How many lines are kept for the report of a trap.
const LAST: usize = 8;
/// A line is cut here, so that a guest that never ends a line cannot fill the memory; where a secret may have begun, as soon as it has ended.
const LONGEST: usize = 4096;

/// The two streams of an instance, and the log into which they go. Dropping it ends the log: unfinished lines are written, and how many were
/// dropped is told. It is dropped also when the guest is ended in the middle of a call.
pub(crate) struct Output {
    pub(crate) stdout: Captured,
    pub(crate) stderr: Captured,
    log: LogBook,
}

impl Output {
    pub(crate) fn new(log: LogBook) -> Output {
        Output {
            stdout: Captured::new(log.clone()),
            stderr: Captured::new(log.clone()),
            log,
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.stderr.last();
        self.stdout.last();
        self.log.finish();
    }
}

/// One of the two streams. Clones are the same stream.
#[derive(Clone)]
pub(crate) struct Captured(Arc<Mutex<Lines>>);

struct Lines {
    log: LogBook,
    unfinished: Vec<u8>,
    /// How long it may become before it is cut.
    longest: usize,
    last: VecDeque<String>,
}

impl Captured {
    fn new(log: LogBook) -> Captured {
        Captured(Arc::new(Mutex::new(Lines {
            log,
            unfinished: Vec::new(),
            longest: LONGEST,
            last: VecDeque::new(),
        })))
    }

    /// Returns the last lines, oldest first, with what was written of an unfinished one.
    pub(crate) fn last(&self) -> Vec<String> {
        let mut lines = self.lock();
        if !lines.unfinished.is_empty() {
            lines.finish();
        }
        lines.last.iter().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => self.finish(),
                byte => {
                    if self.unfinished.len() >= self.longest {
                        self.cut();
                    }
                    self.unfinished.push(*byte);
                }
            }
        }
    }

    /// Writes what there is of a line, but for what may be the beginning of a secret. That may be longer than a line.
    fn cut(&mut self) {
        let end = self.log.cut(&self.unfinished);
        let rest = self.unfinished.split_off(end);
        if end > 0 {
            self.finish();
        }
        self.longest = rest.len() + LONGEST;
        self.unfinished = rest;
    }

    fn finish(&mut self) {
        let line = agent_core::text::plain(&String::from_utf8_lossy(&self.unfinished));
        self.unfinished.clear();
        self.longest = LONGEST;
        self.log.line(Level::Debug, &line);
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }
}

impl IsTerminal for Captured {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Captured {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn wasmtime_wasi::p2::OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Captured {
    fn poll_write(
        self: Pin<&mut Self>,
        _ctx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.lock().write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _ctx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl wasmtime_wasi::p2::Pollable for Captured {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl wasmtime_wasi::p2::OutputStream for Captured {
    fn write(&mut self, bytes: bytes::Bytes) -> wasmtime_wasi::p2::StreamResult<()> {
        self.lock().write(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> wasmtime_wasi::p2::StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> wasmtime_wasi::p2::StreamResult<usize> {
        Ok(64 << 10)
    }
}
