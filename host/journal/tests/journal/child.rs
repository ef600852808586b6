//! Other processes: this test binary once more, which runs [`child`] alone and does there what it is told.

use std::fmt::Display;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::{exclusion, kill, live, room};

const WORK: &str = "AGENT_JOURNAL_CHILD";

/// A process at work on a journal. It is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

#[test]
#[ignore = "the other process of other tests, which start it"]
fn child() {
    let work = std::env::var(WORK).expect("started by another test only");
    let words: Vec<&str> = work.split('\t').collect();
    let [work, path, rest @ ..] = words.as_slice() else {
        panic!("`{work}` says no work and path");
    };
    let path = Path::new(path);
    match *work {
        "stream" => kill::stream(path, rest[0]),
        "hold" => live::hold(path, rest[0]),
        "first" => live::first(path, rest[0]),
        "finish-often" => live::finish_often(path),
        "churn" => kill::churn(path),
        "take-turns" => exclusion::take_turns(path, rest[0], rest[1]),
        "take-often" => exclusion::take_often(path, rest[0]),
        "hold-lock" => exclusion::hold_lock(path, rest[0]),
        "fill" => room::fill(path),
        "limit" => room::limit(path),
        other => panic!("there is no work `{other}`"),
    }
}

/// The command that does a piece of work in another process.
pub(crate) struct Work(String);

impl Work {
    pub(crate) fn new(work: &str, path: &Path, rest: &[&str]) -> Work {
        let mut words = vec![work, path.to_str().expect("UTF-8")];
        words.extend(rest);
        Work(words.join("\t"))
    }

    pub(crate) fn start(&self) -> Process {
        self.start_as(&[])
    }

    /// Starts it by another command, which is to execute what comes after its words.
    pub(crate) fn start_as(&self, by: &[&str]) -> Process {
        let binary = std::env::current_exe().expect("this binary");
        let binary = binary.to_str().expect("UTF-8");
        let mut words = by.to_vec();
        words.extend([
            binary,
            "child::child",
            "--exact",
            "--ignored",
            "--nocapture",
        ]);
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .env(WORK, &self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("starts");
        Process {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().expect("its output")),
            child,
        }
    }
}

impl Process {
    /// Waits for the next thing that it says; none when it has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).expect("reads") == 0 {
                return None;
            }
            // What comes before the mark is the test harness's.
            if let Some((_, said)) = line.trim_end().split_once("> ") {
                return Some(said.to_owned());
            }
        }
    }

    /// Waits until it says this.
    pub(crate) fn expect(&mut self, said: &str) {
        assert_eq!(self.next().as_deref(), Some(said));
    }

    /// Says something to it.
    pub(crate) fn say(&mut self, words: &str) {
        let input = self.input.as_mut().expect("it listens");
        writeln!(input, "{words}").expect("it listens");
    }

    /// Ends it as power loss of the process would: with SIGKILL.
    pub(crate) fn kill(mut self) -> Option<String> {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited");
        let mut last = None;
        while let Some(said) = self.next() {
            last = Some(said);
        }
        last
    }

    /// Lets it come to its end, which must be a good one.
    pub(crate) fn finish(mut self) {
        drop(self.input.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("reads");
        let status = self.child.wait().expect("waited");
        assert!(status.success(), "{status}: {rest}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Either fails when it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// In the other process: says something to whoever started it.
pub(crate) fn say(words: impl Display) {
    // Not by `println!`, which the harness may keep. One write, so that a killed process says a line or nothing.
    let mut output = io::stdout();
    let said = output.write_all(format!("\n> {words}\n").as_bytes());
    said.and_then(|()| output.flush())
        .expect("somebody listens");
}

/// In the other process: waits for the next thing that it is told; none when nothing more comes.
pub(crate) fn hear() -> Option<String> {
    let mut line = String::new();
    let bytes = io::stdin().lock().read_line(&mut line).expect("reads");
    (bytes > 0).then(|| line.trim_end().to_owned())
}
