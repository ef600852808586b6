//! A yes is for what the person saw: the real program at a terminal of its own.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::process::Child;

use super::agent::Agent;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(300);
const LOOK: Duration = Duration::from_millis(20);
/// Longer than the agent thinks that it takes to read a question.
const READING: Duration = Duration::from_millis(600);

const LINE: &str = "--sandbox run volsync.restore media plex";
const ASKED: &str = "type destroy to agree:";

/// A person at a terminal.
struct Person {
    agent: Child,
    keyboard: File,
    screen: Arc<Mutex<String>>,
}

impl Person {
    /// Starts the agent at a terminal.
    fn start(agent: &Agent, line: &str) -> Person {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&terminal).expect("ours");
        unlockpt(&terminal).expect("open");
        let name = ptsname(&terminal, Vec::new()).expect("a name");
        let end = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty());
        let end = end.expect("its other end");
        let stream = |end: &OwnedFd| Stdio::from(end.try_clone().expect("a stream"));
        let mut command = agent.command(line);
        command
            .stdin(stream(&end))
            .stdout(stream(&end))
            .stderr(stream(&end));
        command.env("TERM", "xterm").env("NO_COLOR", "1");
        let agent = command.spawn().expect("starts");
        let screen = Arc::new(Mutex::new(String::new()));
        let keyboard = File::from(terminal);
        let (mut shown, log) = (keyboard.try_clone().expect("a screen"), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It fails when nobody has the other end any more.
            while let Ok(count @ 1..) = shown.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]);
                log.lock().expect("a screen").push_str(&text);
            }
        });
        Person {
            agent,
            keyboard,
            screen,
        }
    }

    fn types(&mut self, text: &str) {
        self.keyboard
            .write_all(text.as_bytes())
            .expect("a keyboard");
    }

    fn sees(&self) -> String {
        self.screen.lock().expect("a screen").clone()
    }

    /// Waits until a text was on the screen so many times.
    async fn waits_for(&mut self, text: &str, times: usize) {
        let begin = Instant::now();
        while self.sees().matches(text).count() < times {
            let ended = self.agent.try_wait().expect("looking at the agent");
            let late = begin.elapsed() > PATIENCE || ended.is_some();
            assert!(!late, "no `{text}` on the screen:\n{}", self.sees());
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Reads what is on the screen.
    async fn reads(&self) {
        let begin = Instant::now();
        while begin.elapsed() < READING {
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn ends(&mut self) -> Option<i32> {
        let ended = tokio::time::timeout(PATIENCE, self.agent.wait()).await;
        let ended = ended.unwrap_or_else(|_| panic!("it does not end:\n{}", self.sees()));
        ended.expect("an end").code()
    }
}

/// A `y` at 0 s answered the question that came at 2 s, and the volume was overwritten.
#[tokio::test]
async fn what_was_typed_before_a_question_answers_nothing() {
    let agent = Agent::alone();
    let mut person = Person::start(&agent, LINE);
    person.types(&"y\ndestroy\nyes\n".repeat(20));
    person.waits_for("run ", 1).await;
    person.types("destroy\n");
    person.waits_for(ASKED, 1).await;
    person.reads().await;
    assert!(person.agent.try_wait().expect("looking").is_none());
    person.types("no\n");
    assert_eq!(person.ends().await, Some(3), "{}", person.sees());
    assert!(person.sees().contains("declined; nothing was changed"));
}

#[tokio::test]
async fn habit_and_paste_are_no_consent_to_destroy() {
    let agent = Agent::alone();
    let mut person = Person::start(&agent, LINE);
    person.waits_for(ASKED, 1).await;
    // The first is answered, and the rest forgotten.
    person.types(&"y\n".repeat(50));
    person.waits_for(ASKED, 2).await;
    person.waits_for("only the word destroy agrees", 1).await;
    person.reads().await;
    person.types("n\n");
    assert_eq!(person.ends().await, Some(3), "{}", person.sees());
}

#[tokio::test]
async fn person_who_reads_and_types_the_word_agrees() {
    let agent = Agent::alone();
    let mut person = Person::start(&agent, LINE);
    person.waits_for(ASKED, 1).await;
    let asked = person.sees();
    for said in [
        "volsync.restore",
        "asks this; its risk is destroy",
        "what it may do once you agree:",
    ] {
        assert!(asked.contains(said), "{said} is not in:\n{asked}");
    }
    person.reads().await;
    person.types("destroy\n");
    assert_eq!(person.ends().await, Some(0), "{}", person.sees());
}
