//! What a run may use up. Every limit is named wherever a [`Limits`] is made: there is no `Default`, so none can be forgotten.

use serde::{Deserialize, Serialize};

/// How long a JSON document may be that a plugin writes, in bytes: an object, a patch, arguments, a result. No API server takes a longer one
/// (<https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/server/config.go>, `MaxRequestBodyBytes`).
pub const DOCUMENT: usize = 3 << 20;

/// How long a text may be that a plugin says beside its log, in bytes: a step's title or note, a selector, a question.
pub const TEXT: usize = 4 << 10;

/// The bounds of one run. A plugin's manifest may ask for less, never for more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Time in which an operation may keep this machine busy, in milliseconds: by its own code, by what the host computes at its wish, and by what it
    /// calls. Waiting does not count; one that is at work for long has a small share of that time as well.
    pub cpu_ms: u64,
    /// Time from start to end, waiting included, in milliseconds. Putting back what is held comes on top.
    pub wall_ms: u64,
    /// Linear memory of all the memories of one operation together, in bytes.
    pub memory_bytes: usize,
    /// Memory of a run, in bytes: that of all operations that are under way at the same time, for one that calls others many at once must not have as
    /// many times the memory of one, and what the host holds at their wish.
    pub run_memory_bytes: usize,
    /// Bytes that one host call may hand over, in either direction.
    pub host_call_bytes: usize,
    /// Elements of all the guest's tables together, and entries of the resource table.
    pub table_entries: usize,
    /// Bytes of what the operations of a run say together: log lines, steps, standard output and standard error; beyond them lines are counted and
    /// dropped.
    pub log_bytes: usize,
    /// Queries that are watched at the same time, by all watchers together: each is a connection.
    pub watches: usize,
    /// Host calls of one operation, each change of a batch being one: each may be an entry of the record.
    pub calls: u64,
    /// Bytes that the record of a run may have before its operations can wish for nothing more.
    pub record_bytes: u64,
    /// How deep operations may call operations.
    pub call_depth: usize,
    /// Bytes of the guest's stack.
    pub stack_bytes: usize,
}

impl Limits {
    /// The limits of a run that a person started at a terminal.
    pub const TERMINAL: Limits = Limits {
        cpu_ms: 10_000,
        // A volume of some terabytes is restored and compared in one run.
        wall_ms: 72 * 60 * 60 * 1000,
        memory_bytes: 128 << 20,
        run_memory_bytes: 512 << 20,
        host_call_bytes: 16 << 20,
        table_entries: 20_000,
        log_bytes: 4 << 20,
        watches: 64,
        calls: 500_000,
        record_bytes: 256 << 20,
        call_depth: 4,
        stack_bytes: 1 << 20,
    };

    /// Returns these limits, lowered to what a manifest asks for.
    #[must_use]
    pub fn lowered(&self, asked: &Requested) -> Limits {
        let lower = |limit: u64, asked: Option<u64>| asked.map_or(limit, |asked| asked.min(limit));
        Limits {
            cpu_ms: lower(self.cpu_ms, asked.cpu_ms),
            wall_ms: lower(self.wall_ms, asked.wall_ms),
            memory_bytes: asked
                .memory_bytes
                .map_or(self.memory_bytes, |asked| asked.min(self.memory_bytes)),
            ..self.clone()
        }
    }
}

/// The limits that a manifest may state, each lower than the host's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Requested {
    /// See [`Limits::cpu_ms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// See [`Limits::wall_ms`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_ms: Option<u64>,
    /// See [`Limits::memory_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<usize>,
}
