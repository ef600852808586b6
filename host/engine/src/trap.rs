//! Why a guest ended without returning, told to a person: which limit and how high it is, or what the guest wrote last and where it was.

use agent_core::failure::{Failure, Kind};
use agent_core::limits::Limits;
use wasmtime::component::ResourceTableError;
use wasmtime::{Error, Trap, WasmBacktrace};
use wasmtime_wasi::I32Exit;

use crate::limiter::Tripped;

/// How many frames are shown.
const FRAMES: usize = 8;

/// Turns the end of a guest into a failure. `last` are the last lines that it wrote to standard error.
pub(crate) fn failure(plugin: &str, limits: &Limits, last: &[String], error: &Error) -> Failure {
    limit(plugin, limits, error).unwrap_or_else(|| trapped(plugin, last, error))
}

fn limit(plugin: &str, limits: &Limits, error: &Error) -> Option<Failure> {
    let exhausted = |code: &str, what: String| {
        let message = format!("plugin `{plugin}` {what}");
        Some(Failure::new(Kind::Exhausted, code, message))
    };
    if let Some(tripped) = error.downcast_ref::<Tripped>() {
        return match tripped {
            Tripped::Cpu { ms } => exhausted(
                "plugin.out-of-cpu",
                format!("computed for more than its limit of {ms} ms"),
            ),
            Tripped::Memory { bytes } => exhausted(
                "plugin.out-of-memory",
                format!("wanted more than its limit of {bytes} bytes of memory"),
            ),
            Tripped::RunMemory { bytes } => exhausted(
                "plugin.out-of-memory",
                format!(
                    "wanted more memory than all operations of a run may have together, {bytes} bytes"
                ),
            )
            .map(|failure| failure.hinted("the plugin has to call fewer operations at once: tell its author")),
            Tripped::Calls { calls } => exhausted(
                "plugin.too-many-calls",
                format!("called the system more than its limit of {calls} times"),
            ),
            Tripped::Tables { entries } => exhausted(
                "plugin.out-of-tables",
                format!("wanted more than its limit of {entries} table entries"),
            ),
        };
    }
    // A limit of a capability that had no other way to say so.
    if let Some(failure) = error.downcast_ref::<Failure>() {
        return Some(failure.clone());
    }
    if matches!(error.downcast_ref::<Trap>(), Some(Trap::StackOverflow)) {
        let bytes = limits.stack_bytes;
        return exhausted(
            "plugin.out-of-stack",
            format!("used more than its limit of {bytes} bytes of stack"),
        );
    }
    if error
        .downcast_ref::<ResourceTableError>()
        .is_some_and(|it| matches!(it, ResourceTableError::Full))
    {
        let entries = limits.table_entries;
        return exhausted(
            "plugin.too-many-resources",
            format!("held more than its limit of {entries} resources"),
        );
    }
    if is_host_call_too_large(error) {
        let bytes = limits.host_call_bytes;
        return exhausted(
            "plugin.host-call-too-large",
            format!("handed more than its limit of {bytes} bytes to one host call"),
        );
    }
    None
}

/// wasmtime has no type for this error. A test runs a guest that causes it, so a change of the words is seen.
fn is_host_call_too_large(error: &Error) -> bool {
    error.chain().any(|cause| {
        cause
            .to_string()
            .contains("fuel allocated for hostcalls has been exhausted")
    })
}

fn trapped(plugin: &str, last: &[String], error: &Error) -> Failure {
    let failure = match error.downcast_ref::<I32Exit>() {
        Some(exit) => {
            let message = format!(
                "plugin `{plugin}` ended itself with exit code {} instead of returning",
                exit.0
            );
            Failure::new(Kind::Internal, "plugin.exited", message)
        }
        None => Failure::new(
            Kind::Internal,
            "plugin.trapped",
            format!("plugin `{plugin}` crashed"),
        ),
    };
    let advice =
        |line: &&String| !line.is_empty() && !line.starts_with("note: run with `RUST_BACKTRACE");
    let said = last.iter().filter(advice).cloned();
    let why = error.root_cause().to_string();
    said.chain([why])
        .chain(frames(error))
        .fold(failure, Failure::because)
        .hinted("this is a fault of the plugin: tell its author, with this report")
        .bounded()
}

fn frames(error: &Error) -> Vec<String> {
    let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() else {
        return Vec::new();
    };
    let shown = backtrace.frames().iter().take(FRAMES);
    shown
        .map(|frame| {
            let function = match frame.func_name() {
                Some(name) => format!("`{}`", demangled(name)),
                None => format!("function {}", frame.func_index()),
            };
            match frame.func_offset() {
                Some(offset) => format!("at {function} + {offset:#x}"),
                None => format!("at {function}"),
            }
        })
        .collect()
}

fn demangled(name: &str) -> String {
    format!("{:#}", rustc_demangle::demangle(name))
}
