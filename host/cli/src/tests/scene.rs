//! A command line, an agent that plays a script, and what was printed.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_core::agent::{Control, Grantee, Plugin};
use agent_core::call::Goal;
use agent_core::event::Level;
use agent_core::plan::Plan;
use agent_core::record::{Filter, Pruned, Record, Retention, Summary};
use agent_core::secret::Secrets;
use agent_core::{
    Agent, Call, Completion, Consent, Digest, Event, Failure, Kind, OnFailure, OperationName,
    PluginId, Resumption, Right, Run, RunId,
};
use async_trait::async_trait;
use futures::channel::mpsc;
use futures::stream::{self, BoxStream, StreamExt};
use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};
use serde_json::Value;

use super::{past, plugins};
use crate::{Clock, Command, Facts, Terminal, execute, parse};

mod desk;

use desk::{Shown, Tape, keep, keyboard, no_file};

/// Nobody reads from the pipe.
pub(super) const EPIPE: i32 = 32;

/// What the agent does next.
pub(super) enum Beat {
    Event(Box<Event>),
    /// Time passes.
    Wait(u64),
    /// It goes on after an answer or a cancellation; what came is in the shot.
    Listen,
    /// So many lines at once, and no more once a cancellation came; that is in the shot.
    Flood(u32),
    /// The person presses Ctrl-C.
    Interrupt,
    /// The screen is remembered.
    Look,
}

impl Beat {
    /// Returns the same once more.
    pub(super) fn again(&self) -> Beat {
        match self {
            Beat::Event(event) => Beat::Event(event.clone()),
            Beat::Wait(ms) => Beat::Wait(*ms),
            Beat::Listen => Beat::Listen,
            Beat::Flood(lines) => Beat::Flood(*lines),
            Beat::Interrupt => Beat::Interrupt,
            Beat::Look => Beat::Look,
        }
    }
}

/// Reads an event from its wire form.
pub(super) fn event(document: Value) -> Beat {
    Beat::Event(Box::new(
        serde_json::from_value(document).expect("an event"),
    ))
}

pub(super) struct Scene {
    line: Vec<String>,
    /// None when nobody touches the keyboard.
    stdin: Option<String>,
    facts: Facts,
    /// The numbers of the errors that the streams fail with.
    unwritable: (Option<i32>, Option<i32>),
    beats: Vec<Beat>,
    refusal: Option<Failure>,
    refused_plugin: bool,
    past: Vec<Record>,
    plan: String,
    disk_is_full: bool,
    files: BTreeMap<PathBuf, String>,
    interrupted: bool,
    unlisted: Vec<Plugin>,
    reading: Duration,
}

/// What came out.
pub(super) struct Shot {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: u8,
    /// How often all plugins were looked for, those in the user's directory among them.
    pub(super) looked_everywhere: usize,
    pub(super) calls: Vec<Call>,
    pub(super) taken_up: Vec<(String, Resumption)>,
    pub(super) applied: Vec<(Plan, Consent, OnFailure, Secrets)>,
    pub(super) pruned: Vec<Option<Retention>>,
    /// What the file that `--out` names holds.
    pub(super) kept: Option<String>,
    /// When what is typed was hidden and shown again.
    pub(super) hidden: Vec<&'static str>,
    /// How often what was typed before was forgotten.
    pub(super) forgotten: u32,
    pub(super) controls: Vec<Control>,
    pub(super) screens: Vec<String>,
}

impl fmt::Display for Shot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            writeln!(f, "--- {name}")?;
            f.write_str(&text.replace('\x1b', "␛"))?;
            if !text.is_empty() && !text.ends_with('\n') {
                writeln!(f, "⏎")?;
            }
        }
        for screen in &self.screens {
            writeln!(f, "--- screen\n{screen}")?;
        }
        write!(f, "--- exit code {}", self.code)
    }
}

/// Opens a scene with a command line, split at blanks.
pub(super) fn scene(line: &str) -> Scene {
    Scene {
        line: line.split(' ').map(str::to_owned).collect(),
        stdin: Some(String::new()),
        facts: Facts::default(),
        unwritable: (None, None),
        beats: Vec::new(),
        refusal: None,
        refused_plugin: false,
        past: Vec::new(),
        plan: String::new(),
        disk_is_full: false,
        files: BTreeMap::new(),
        interrupted: false,
        unlisted: Vec::new(),
        reading: Duration::ZERO,
    }
}

impl Scene {
    /// A screen of so many columns, with a keyboard on which `stdin` is typed.
    pub(super) fn screen(mut self, width: usize, stdin: &str) -> Scene {
        self.facts = Facts {
            stdin_tty: true,
            stdout_tty: true,
            stderr_tty: true,
            width: Some(width),
            no_color: true,
            dumb: false,
        };
        self.stdin = Some(stdin.to_owned());
        self
    }

    /// A person reads a question that slowly, and types at once.
    pub(super) fn reads_slowly(mut self) -> Scene {
        self.reading = Duration::from_secs(3600);
        self
    }

    /// What comes on standard input, which is no keyboard.
    pub(super) fn types(mut self, stdin: &str) -> Scene {
        self.stdin = Some(stdin.to_owned());
        self
    }

    /// Nobody touches the keyboard.
    pub(super) fn types_nothing(mut self) -> Scene {
        self.stdin = None;
        self
    }

    pub(super) fn plays(mut self, beats: impl IntoIterator<Item = Beat>) -> Scene {
        self.beats.extend(beats);
        self
    }

    pub(super) fn refuses(mut self, failure: Failure) -> Scene {
        self.refusal = Some(failure);
        self
    }

    pub(super) fn with_refused_plugin(mut self) -> Scene {
        self.refused_plugin = true;
        self
    }

    /// Runs that are remembered, newest first.
    pub(super) fn remembers(mut self, past: impl IntoIterator<Item = Record>) -> Scene {
        self.past.extend(past);
        self
    }

    /// What the file holds that `agent apply` names.
    pub(super) fn reads(mut self, plan: &str) -> Scene {
        plan.clone_into(&mut self.plan);
        self
    }

    /// There is a file.
    pub(super) fn has_file(mut self, path: &str, text: &str) -> Scene {
        self.files.insert(path.into(), text.to_owned());
        self
    }

    /// Ctrl-C is pressed before anything is run.
    pub(super) fn with_ctrl_c(mut self) -> Scene {
        self.interrupted = true;
        self
    }

    /// There is one more plugin.
    pub(super) fn has_plugin(mut self, plugin: Plugin) -> Scene {
        self.unlisted.push(plugin);
        self
    }

    pub(super) fn fills_the_disk(mut self) -> Scene {
        self.disk_is_full = true;
        self
    }

    /// Whoever reads the results goes.
    pub(super) fn closes_stdout(mut self) -> Scene {
        self.unwritable.0 = Some(EPIPE);
        self
    }

    /// Results, and progress and messages, fail with the errors of these numbers.
    pub(super) fn cannot_write(mut self, stdout: Option<i32>, stderr: Option<i32>) -> Scene {
        self.unwritable = (stdout, stderr);
        self
    }

    /// A screen that shows nothing but lines of text.
    pub(super) fn dumb(mut self) -> Scene {
        self.facts.dumb = true;
        self
    }

    pub(super) async fn shoot(self) -> Shot {
        let (stdout, stderr) = (Tape::new(self.unwritable.0), Tape::new(self.unwritable.1));
        let (press, presses) = mpsc::unbounded();
        if self.interrupted {
            press.unbounded_send(()).expect("somebody listens");
        }
        let columns = u16::try_from(self.facts.width.unwrap_or(80)).expect("a width");
        let screen = InMemoryTerm::new(10, columns);
        let mut terminal = Terminal::new(
            keyboard(self.stdin),
            Box::new(stdout.clone()),
            Box::new(stderr.clone()),
            presses.boxed(),
            self.facts.clone(),
        )
        .with_clock(Clock {
            now: past::now,
            zone: past::zone,
        });
        let kept = Arc::new(Mutex::new(None));
        let (file, full) = (Arc::clone(&kept), self.disk_is_full);
        terminal = terminal.with_out(Box::new(move |text: &str| keep(&file, full, text)));
        let hidden = Arc::new(Mutex::new(Vec::new()));
        let (files, log) = (self.files, Arc::clone(&hidden));
        let read = move |path: &Path| files.get(path).cloned().ok_or_else(|| no_file(path));
        let unseen = move || {
            log.lock().expect("a log").push("hidden");
            Ok(Box::new(Shown(Arc::clone(&log))) as Box<dyn Send>)
        };
        let forgotten = Arc::new(AtomicU32::new(0));
        let forgets = Arc::clone(&forgotten);
        terminal = terminal
            .with_secrets(Arc::new(read), Box::new(unseen))
            .with_keyboard(Box::new(move || {
                forgets.fetch_add(1, Ordering::Relaxed);
            }))
            .with_reading(self.reading);
        if self.facts.stderr_tty && !self.facts.dumb {
            let target: Box<dyn TermLike> = Box::new(screen.clone());
            terminal = terminal.with_live(ProgressDrawTarget::term_like(target));
        }
        let agent = Scripted {
            beats: Mutex::new(self.beats),
            refusal: self.refusal,
            refused_plugin: self.refused_plugin,
            unlisted: self.unlisted,
            past: self.past,
            press,
            screen,
            heard: Arc::default(),
        };
        let code = match parse(self.line.iter().map(Into::into)) {
            Ok(mut invocation) => {
                if let Command::Apply(apply) = &mut invocation.command {
                    apply.text = self.plan;
                }
                execute(invocation, &agent, terminal).await
            }
            Err(early) => early.print(&mut terminal),
        };
        let heard = std::mem::take(&mut *agent.heard.lock().expect("what was heard"));
        let kept = kept.lock().expect("a file").take();
        Shot {
            stdout: stdout.text(),
            stderr: stderr.text(),
            code,
            looked_everywhere: heard.looked_everywhere,
            calls: heard.calls,
            taken_up: heard.taken_up,
            applied: heard.applied,
            pruned: heard.pruned,
            kept,
            hidden: hidden.lock().expect("a log").clone(),
            forgotten: forgotten.load(Ordering::Relaxed),
            controls: heard.controls,
            screens: heard.screens,
        }
    }
}

#[derive(Default)]
struct Heard {
    looked_everywhere: usize,
    calls: Vec<Call>,
    taken_up: Vec<(String, Resumption)>,
    applied: Vec<(Plan, Consent, OnFailure, Secrets)>,
    pruned: Vec<Option<Retention>>,
    controls: Vec<Control>,
    screens: Vec<String>,
}

struct Scripted {
    beats: Mutex<Vec<Beat>>,
    refusal: Option<Failure>,
    refused_plugin: bool,
    unlisted: Vec<Plugin>,
    past: Vec<Record>,
    press: mpsc::UnboundedSender<()>,
    screen: InMemoryTerm,
    heard: Arc<Mutex<Heard>>,
}

impl Scripted {
    fn play(&self) -> Result<Run, Failure> {
        if let Some(failure) = &self.refusal {
            return Err(failure.clone());
        }
        let (tx, rx) = mpsc::unbounded();
        let beats = std::mem::take(&mut *self.beats.lock().expect("beats"));
        let play = Play {
            beats: beats.into(),
            controls: rx,
            press: self.press.clone(),
            screen: self.screen.clone(),
            heard: Arc::clone(&self.heard),
        };
        Ok(Run::new(
            run_id(),
            stream::unfold(play, Play::next).boxed(),
            tx,
        ))
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().expect("what was heard")
    }
}

#[async_trait]
impl Agent for Scripted {
    async fn plugins(&self) -> Result<Vec<Plugin>, Failure> {
        self.heard().looked_everywhere += 1;
        self.plugins_of_runs(None).await
    }

    async fn plugins_for(&self, _: &OperationName) -> Result<Vec<Plugin>, Failure> {
        self.plugins_of_runs(None).await
    }

    async fn plugins_of_runs(
        &self,
        _: Option<(&OperationName, &Digest)>,
    ) -> Result<Vec<Plugin>, Failure> {
        let mut found = plugins::found(self.refused_plugin);
        found.extend(self.unlisted.iter().cloned());
        Ok(found)
    }

    async fn run(&self, call: Call) -> Result<Run, Failure> {
        self.heard().calls.push(call);
        self.play()
    }

    async fn apply(
        &self,
        plan: Plan,
        consent: Consent,
        on_failure: OnFailure,
        secrets: Secrets,
    ) -> Result<Run, Failure> {
        self.heard()
            .applied
            .push((plan, consent, on_failure, secrets));
        self.play()
    }

    async fn runs(&self, filter: Filter) -> Result<Vec<Summary>, Failure> {
        Ok(past::runs(&self.past, filter))
    }

    async fn record(&self, run: &str) -> Result<Record, Failure> {
        past::find(&self.past, run)
    }

    async fn which(&self, run: &str, _to: Goal) -> Result<RunId, Failure> {
        Ok(past::find(&self.past, run)?.begun.run)
    }

    async fn follow(&self, run: &str) -> Result<BoxStream<'static, Event>, Failure> {
        past::find(&self.past, run)?;
        Ok(self.play()?.events)
    }

    async fn resume(&self, run: &str, how: Resumption) -> Result<Run, Failure> {
        past::find(&self.past, run)?;
        self.heard().taken_up.push((run.to_owned(), how));
        self.play()
    }

    async fn prune(&self, retention: Option<Retention>) -> Result<Pruned, Failure> {
        self.heard().pruned.push(retention);
        Ok(Pruned {
            runs: 12,
            before: 3_600_000,
            after: 1_200_000,
        })
    }

    async fn complete(&self, completion: Completion) -> Result<Vec<String>, Failure> {
        let names = serde_json::to_value(&completion.names).expect("JSON");
        let namespace = completion
            .arguments
            .get("namespace")
            .and_then(Value::as_str);
        match (names.as_str(), namespace) {
            (Some("namespace"), _) => Ok(vec![
                "default".into(),
                "media".into(),
                "mov\x1b[2Jie".into(),
                "-rf".into(),
                "--yes".into(),
            ]),
            (_, Some("media")) if completion.prefix == "?" => Ok(vec![format!("?{names}")]),
            (_, Some("media")) => Ok(vec!["plex".into(), "sonarr".into()]),
            (_, Some("slow")) => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(vec!["late".into()])
            }
            _ => Err(Failure::new(
                Kind::Unavailable,
                "cluster.unreachable",
                "no cluster",
            )),
        }
    }

    async fn inspected(&self, _: &Digest) {}

    async fn grant(
        &self,
        plugin: &PluginId,
        artifact: Option<&Digest>,
        rights: Vec<Right>,
    ) -> Result<Grantee, Failure> {
        let before = "cluster:get:pods:*".parse().expect("a right");
        let there = Digest::from_sha256(&[7; 32]);
        Ok(Grantee {
            bundled: plugin.as_str() == "flux",
            inspected: artifact.is_some(),
            artifact: artifact.cloned().unwrap_or(there),
            rights: [vec![before], rights].concat(),
        })
    }
}

struct Play {
    beats: VecDeque<Beat>,
    controls: mpsc::UnboundedReceiver<Control>,
    press: mpsc::UnboundedSender<()>,
    screen: InMemoryTerm,
    heard: Arc<Mutex<Heard>>,
}

impl Play {
    async fn next(mut self) -> Option<(Event, Play)> {
        loop {
            match self.beats.pop_front()? {
                Beat::Event(event) => return Some((*event, self)),
                Beat::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                Beat::Interrupt => self.press.unbounded_send(()).expect("somebody listens"),
                Beat::Listen => {
                    let control = self.controls.next().await?;
                    self.heard
                        .lock()
                        .expect("what was heard")
                        .controls
                        .push(control);
                }
                Beat::Flood(lines) => {
                    if let Ok(control) = self.controls.try_recv() {
                        self.heard
                            .lock()
                            .expect("what was heard")
                            .controls
                            .push(control);
                    } else if let Some(left) = lines.checked_sub(1) {
                        self.beats.push_front(Beat::Flood(left));
                        let (level, message) = (Level::Info, format!("{left} to go"));
                        return Some((Event::Logged { level, message }, self));
                    }
                }
                Beat::Look => {
                    let screen = self.screen.contents();
                    self.heard
                        .lock()
                        .expect("what was heard")
                        .screens
                        .push(screen);
                }
            }
        }
    }
}

pub(super) fn run_id() -> RunId {
    RunId::from_random([0, 1, 2, 3, 4, 5, 6, 7])
}
