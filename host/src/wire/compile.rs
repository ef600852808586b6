//! Compiling a plugin in a process of its own: the same program, with nothing but the plugin on its standard input. It bounds its own memory and
//! processor time, is ended when it takes too long, and ends with whoever waits for it.

use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use agent_core::{Limits, exit};
use agent_engine::{Elsewhere, LONGEST_COMPILATION, NotCompiled};
use futures::FutureExt as _;
use rustix::process::{Resource, Rlimit, Signal, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// The argument by which the program knows that it is to compile. Not for people.
const ARGUMENT: &str = "--compile-plugin";
/// How much memory compiling a plugin may take: some times what a large one does.
const MEMORY: u64 = 1 << 30;
/// What each thread of the compiler takes of the address space without using it.
const THREAD: u64 = 256 << 20;
/// How much of what the compiler says is listened to.
const WORDS: u64 = 4 << 10;

/// Compiles the plugin on standard input, if the program was started for that. Returns the exit code.
pub(crate) fn compiles() -> Option<u8> {
    let mut arguments = std::env::args_os().skip(1);
    let asked = arguments.next().as_deref() == Some(OsStr::new(ARGUMENT));
    (asked && arguments.next().is_none()).then(|| match here() {
        Ok(()) => exit::DONE,
        Err(why) => {
            // Whoever asked may be gone.
            drop(io::stderr().write_all(why.as_bytes()));
            exit::FAILED
        }
    })
}

fn here() -> Result<(), String> {
    bound();
    let mut wasm = Vec::new();
    io::stdin()
        .lock()
        .read_to_end(&mut wasm)
        .map_err(|error| error.to_string())?;
    let code =
        agent_engine::compile(&wasm, &Limits::TERMINAL).map_err(|error| error.to_string())?;
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(&code).and_then(|()| stdout.flush());
    written.map_err(|error| error.to_string())
}

/// What cannot be bounded, the parent's patience bounds.
fn bound() {
    let limit = |most| Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = u64::try_from(threads).unwrap_or(1);
    let _ = setrlimit(Resource::As, limit(MEMORY + THREAD * threads));
    let seconds = LONGEST_COMPILATION.as_secs();
    let _ = setrlimit(Resource::Cpu, limit(seconds * threads));
    // Its end by a limit is no fault to be looked into.
    let _ = setrlimit(Resource::Core, limit(0));
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
}

/// Returns how a plugin is compiled in another process.
pub(super) fn elsewhere() -> Elsewhere {
    Box::new(|wasm| in_a_child(wasm).boxed())
}

async fn in_a_child(wasm: Vec<u8>) -> Result<Vec<u8>, NotCompiled> {
    let run = run(wasm).await;
    let (status, code, words) = run.map_err(|source| NotCompiled::NoProcess { source })?;
    if status.success() {
        return Ok(code);
    }
    let by = |signals: &[Signal]| {
        let signal = status.signal();
        signals.iter().any(|it| signal == Some(it.as_raw()))
    };
    if by(&[Signal::XCPU]) {
        let seconds = LONGEST_COMPILATION.as_secs();
        return Err(NotCompiled::TooLong { seconds });
    }
    // An allocation that fails ends a program so.
    if by(&[Signal::ABORT, Signal::SEGV, Signal::BUS, Signal::KILL]) {
        return Err(NotCompiled::TooLarge { bytes: MEMORY });
    }
    match status.code() {
        Some(code) if code == i32::from(exit::FAILED) => Err(NotCompiled::Refused {
            why: String::from_utf8_lossy(&words).into_owned(),
        }),
        _ => Err(NotCompiled::NoProcess {
            source: io::Error::other(status.to_string()),
        }),
    }
}

async fn run(wasm: Vec<u8>) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let mut child = Command::new(program()?)
        .arg(ARGUMENT)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut code, mut words) = (Vec::new(), Vec::new());
    let hand_over = async {
        if let Some(mut stdin) = stdin {
            // One that ended before has said why.
            drop(stdin.write_all(&wasm).await);
        }
    };
    let take = async {
        match stdout {
            Some(stdout) => stdout.take(MEMORY).read_to_end(&mut code).await.map(drop),
            None => Ok(()),
        }
    };
    let hear = async {
        if let Some(stderr) = stderr {
            drop(stderr.take(WORDS).read_to_end(&mut words).await);
        }
    };
    let ((), taken, ()) = tokio::join!(hand_over, take, hear);
    taken?;
    Ok((child.wait().await?, code, words))
}

/// Returns the program that runs here, also when another one has been put in its place since.
fn program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe()
    }
}
