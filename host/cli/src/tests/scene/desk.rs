//! The streams and files of a scene, in memory.

use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use agent_core::{Failure, Kind};

pub(super) fn keep(file: &Mutex<Option<String>>, full: bool, text: &str) -> Result<(), Failure> {
    if full {
        return Err(
            Failure::new(Kind::Exhausted, "agent.out", "no space left on device")
                .while_doing("writing the plan `plan.json`"),
        );
    }
    *file.lock().expect("a file") = Some(text.to_owned());
    Ok(())
}

pub(super) fn no_file(path: &Path) -> Failure {
    let message = format!("there is no file `{}`", path.display());
    Failure::new(Kind::Invalid, "operations.arguments", message)
}

/// What is typed is shown again from its end on.
pub(super) struct Shown(pub(super) Arc<Mutex<Vec<&'static str>>>);

impl Drop for Shown {
    fn drop(&mut self) {
        self.0.lock().expect("a log").push("shown");
    }
}

pub(super) fn keyboard(typed: Option<String>) -> Box<dyn BufRead + Send> {
    match typed {
        Some(typed) => Box::new(Cursor::new(typed.into_bytes())),
        None => Box::new(BufReader::new(Untouched)),
    }
}

/// A keyboard that nobody touches. Whoever reads from it waits until the end of the process.
struct Untouched;

impl Read for Untouched {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        loop {
            std::thread::park();
        }
    }
}

/// A stream that remembers, or cannot be written to.
#[derive(Clone)]
pub(super) struct Tape {
    bytes: Arc<Mutex<Vec<u8>>>,
    fails: Option<i32>,
}

impl Tape {
    /// With the number of the error that whoever writes gets.
    pub(super) fn new(fails: Option<i32>) -> Tape {
        Tape {
            bytes: Arc::default(),
            fails,
        }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().expect("a tape").clone()).expect("UTF-8")
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(number) = self.fails {
            return Err(io::Error::from_raw_os_error(number));
        }
        self.bytes.lock().expect("a tape").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
