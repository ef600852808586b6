//! A state directory, and runs to put into it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use agent_core::call::{Call, Consent, Mode, OnFailure};
use agent_core::event::{Event, Level, Outcome};
use agent_core::failure::{Failure, Kind};
use agent_core::id::{Digest, RunId};
use agent_core::journal::{Entry, RunJournal as _, Survives};
use agent_core::origin::{Cluster, Who};
use agent_core::record::{Retention, RunHeader};
use agent_core::secret::Secrets;
use agent_journal::{Journal, OpenRun, Options};
use cap_std::ambient_authority;
use cap_std::fs::Dir;
use futures::executor::block_on;
use jiff::Timestamp;
use serde_json::json;
use tempfile::TempDir;

/// A state directory that goes with the test.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Home {
        Home {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn journal(&self) -> Journal {
        journal(self.path(), None).expect("a journal")
    }

    pub(crate) fn journal_that_forgets(&self, retention: Retention) -> Journal {
        journal(self.path(), Some(retention)).expect("a journal")
    }

    /// The names in it, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        names(self.path())
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}

/// Opens the journal of a state directory as this process.
pub(crate) fn journal(path: &Path, retention: Option<Retention>) -> Result<Journal, Failure> {
    let dir = Dir::open_ambient_dir(path, ambient_authority()).expect("the directory");
    let options = Options {
        who: who(),
        retention,
    };
    Journal::open(dir, path, options)
}

pub(crate) fn who() -> Who {
    Who {
        user: "kevin".to_owned(),
        host: "desk".to_owned(),
        door: "terminal".to_owned(),
        process: std::process::id(),
    }
}

pub(crate) fn id(name: &str) -> RunId {
    RunId::try_from(name).expect("an id")
}

/// The id with that number: eight letters.
pub(crate) fn numbered(number: u64) -> RunId {
    id(&format!("n{number:07}"))
}

pub(crate) fn begun(run: &RunId) -> RunHeader {
    let arguments = json!({"namespace": "media", "name": "plex", "previous": 1});
    RunHeader {
        run: run.clone(),
        call: Call {
            operation: "volsync.restore".parse().expect("a name"),
            arguments: arguments.as_object().expect("an object").clone(),
            secrets: Secrets::default(),
            mode: Mode::Perform,
            consent: Consent::Given,
            on_failure: OnFailure::Undo,
        },
        plugin: "volsync 0.1.0".to_owned(),
        digest: digest(1),
        signer: None,
        who: who(),
        cluster: Cluster::default(),
        seed: "5e".repeat(32),
        locks: Vec::new(),
        secrets: BTreeMap::new(),
        at: Timestamp::now(),
        plan: None,
    }
}

pub(crate) fn digest(number: u8) -> Digest {
    Digest::from_sha256(&[number; 32])
}

/// An entry that a number can be read back from.
pub(crate) fn told(number: u64) -> Entry {
    told_at_length(number, 0)
}

/// The same with so many bytes more.
pub(crate) fn told_at_length(number: u64, more: usize) -> Entry {
    Entry::Told {
        event: Event::Logged {
            level: Level::Info,
            message: format!("{number} {}", "x".repeat(more)),
        },
    }
}

pub(crate) fn done() -> Entry {
    Entry::Finished {
        outcome: Outcome::Done {
            value: json!({}),
            failed: 0,
            summary: String::new(),
            not_put_back: Vec::new(),
        },
        held: 0,
    }
}

pub(crate) fn failed(held: u64) -> Entry {
    Entry::Finished {
        outcome: Outcome::Failed {
            failure: Failure::new(Kind::Timeout, "cluster.timeout", "it took too long"),
            put_back: Vec::new(),
            held,
        },
        held,
    }
}

/// Writes an entry that must survive this process.
pub(crate) fn write(run: &OpenRun, entry: Entry) -> Result<(), Failure> {
    block_on(run.write(entry, Survives::Process))
}

/// Writes an entry that must survive the loss of power.
pub(crate) fn sync(run: &OpenRun, entry: Entry) -> Result<(), Failure> {
    block_on(run.write(entry, Survives::PowerLoss))
}

/// Begins a run, lets it come to this end, and closes it.
pub(crate) fn ran(journal: &Journal, begun: RunHeader, end: Entry) {
    let run = journal.begin(begun).expect("begins");
    run.note(told(1));
    write(&run, end).expect("written");
}

/// Begins a run and lets it be cut off.
pub(crate) fn cut_off(journal: &Journal, begun: RunHeader) {
    let run = journal.begin(begun).expect("begins");
    write(&run, told(1)).expect("written");
}

/// The entries of a run.
pub(crate) fn entries(journal: &Journal, run: &RunId) -> Vec<Entry> {
    let noted = journal.entries(run, 0).expect("entries");
    for (at, one) in noted.iter().enumerate() {
        assert_eq!(one.number, at as u64 + 1, "numbers have no gaps");
    }
    noted.into_iter().map(|noted| noted.entry).collect()
}
