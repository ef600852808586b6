//! The files of a journal that a killed process left, and what the agent says when the end of the log is lost.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::integration::agent::{Agent, Ran};

/// What a disk writes as a whole, at least.
pub(super) const SECTOR: usize = 512;
/// The header of the log, and of each frame in it (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>).
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The journal of an agent whose process was killed.
pub(super) struct Journal<'a> {
    agent: &'a Agent,
    folder: PathBuf,
    database: Vec<u8>,
    pub(super) log: Vec<u8>,
    /// Where in the log each commit ends.
    pub(super) commits: Vec<usize>,
}

/// What is on record of the one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Told {
    /// How it began and stands; none when the run is not on record.
    pub(super) head: Option<Value>,
    pub(super) entries: Vec<Value>,
}

impl<'a> Journal<'a> {
    pub(super) fn of(agent: &'a Agent) -> Self {
        let folder = agent.home().join(".local/state/agent");
        let read = |name: &str| fs::read(folder.join(name)).expect("a file of the journal");
        let log = read("journal.db-wal");
        Journal {
            agent,
            database: read("journal.db"),
            commits: commits(&log),
            log,
            folder,
        }
    }

    /// Leaves only the beginning of the log, as a loss of power does. What is in memory only is gone with it.
    pub(super) fn cut(&self, length: usize) {
        let write = |name: &str, bytes: &[u8]| {
            fs::write(self.folder.join(name), bytes).expect("writing a file of the journal");
        };
        write("journal.db", &self.database);
        write("journal.db-wal", &self.log[..length]);
        drop(fs::remove_file(self.folder.join("journal.db-shm")));
    }

    /// What the agent says of the run when the log is cut there.
    pub(super) async fn told(&self, length: usize) -> Told {
        self.cut(length);
        let ran = self.agent.run("runs show last -o json").await;
        if ran.code() == Some(1) {
            assert!(ran.stderr.contains("there is no run yet"), "{ran}");
            return Told::default();
        }
        let mut lines = ran.exits(0).events();
        let head = Some(lines.remove(0));
        let entries = lines;
        Told { head, entries }
    }

    /// Where the commit ends that has the last entry which the agent has waited for to be on the disk.
    pub(super) async fn durable(&self) -> usize {
        let whole = self.told(self.log.len()).await.entries;
        let last = whole.iter().rposition(is_durable);
        let wanted = last.expect("a change was announced") + 1;
        let (mut low, mut high) = (0, self.commits.len() - 1);
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.told(self.commits[middle]).await.entries.len() < wanted {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        self.commits[low]
    }

    /// Demands that the agent is honest about what is left with such a record.
    pub(super) async fn is_honest(&self, told: &Told) {
        let run = async |line: &str| self.agent.run(line).await.exits(0);
        let open = run("runs --unfinished -o json").await.events();
        let Some(head) = &told.head else {
            assert!(open.is_empty(), "{open:?}");
            return;
        };
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(open[0]["run"], head["summary"]["run"]);
        assert_eq!(open[0]["state"], "unfinished");
        let shown = run("runs show last").await;
        for part in [&ends(&told.entries), "agent resume"] {
            let shown = flat(&shown);
            assert!(shown.contains(part), "{part}: {shown}");
        }
        run("plugin list").await.says("was cut off");
    }
}

/// What a person reads, whatever the width.
fn flat(ran: &Ran) -> String {
    let text = format!("{} {}", ran.stdout, ran.stderr);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether it must be on the disk before anything of it happens.
fn is_durable(noted: &Value) -> bool {
    ["intent", "releasing", "resumed"]
        .iter()
        .any(|kind| noted["entry"]["entry"] == **kind)
}

/// How a record ends, in the words of the agent.
fn ends(entries: &[Value]) -> String {
    let entry = |noted: &Value, kind: &str| noted["entry"]["entry"] == kind;
    let after = |from: usize, kind: &str, number: &Value| {
        let mut rest = entries[from..].iter();
        rest.any(|noted| entry(noted, kind) && noted["entry"]["number"] == *number)
    };
    for (at, noted) in entries.iter().enumerate() {
        let intent = &noted["entry"];
        let number = &intent["effect"]["number"];
        if entry(noted, "intent") && !after(at, "result", number) {
            let verb = intent["effect"]["verb"].as_str().unwrap_or_default();
            return format!("the record ends in the middle of: {verb} ");
        }
        let numbers = noted["entry"]["numbers"].as_array();
        let mut numbers = numbers.into_iter().flatten();
        if entry(noted, "releasing") && !numbers.all(|number| after(at, "put-back", number)) {
            return "the record ends in the middle of: put back ".to_owned();
        }
    }
    "the record ends outside any change".to_owned()
}

fn commits(log: &[u8]) -> Vec<usize> {
    let number = |at: usize| {
        let bytes = log[at..at + 4].try_into().expect("four bytes");
        u32::from_be_bytes(bytes)
    };
    let page = usize::try_from(number(8)).expect("a page");
    let size = FRAME_HEADER + page;
    let frames = (HEADER..=log.len() - size).step_by(size);
    // The last frame of a commit says how many pages the database has then.
    let last = frames.filter(|at| number(at + 4) > 0);
    last.map(|at| at + size).collect()
}
