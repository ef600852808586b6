//! A command line, an agent that plays a script, and what was printed.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_core::agent::{Control, Origin, Plugin, State, Usable};
use agent_core::event::Level;
use agent_core::{
    Agent, Call, Completion, Digest, Event, Failure, Kind, PluginId, Right, Run, RunId,
};
use async_trait::async_trait;
use futures::channel::mpsc;
use futures::stream::{self, StreamExt};
use indicatif::{InMemoryTerm, ProgressDrawTarget, TermLike};
use serde_json::{Value, json};

use crate::{Facts, Terminal, execute, parse};

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
    stdout_closed: bool,
    beats: Vec<Beat>,
    refusal: Option<Failure>,
    refused_plugin: bool,
}

/// What came out.
pub(super) struct Shot {
    pub(super) stdout: String,
    pub(super) stderr: String,
    pub(super) code: u8,
    pub(super) calls: Vec<Call>,
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
        stdout_closed: false,
        beats: Vec::new(),
        refusal: None,
        refused_plugin: false,
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
        };
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

    pub(super) fn closes_stdout(mut self) -> Scene {
        self.stdout_closed = true;
        self
    }

    pub(super) async fn shoot(self) -> Shot {
        let (stdout, stderr) = (Tape::new(self.stdout_closed), Tape::new(false));
        let (press, presses) = mpsc::unbounded();
        let columns = u16::try_from(self.facts.width.unwrap_or(80)).expect("a width");
        let screen = InMemoryTerm::new(10, columns);
        let mut terminal = Terminal::new(
            keyboard(self.stdin),
            Box::new(stdout.clone()),
            Box::new(stderr.clone()),
            presses.boxed(),
            self.facts.clone(),
        );
        if self.facts.stderr_tty {
            let target: Box<dyn TermLike> = Box::new(screen.clone());
            terminal = terminal.with_live(ProgressDrawTarget::term_like(target));
        }
        let agent = Scripted {
            beats: Mutex::new(self.beats),
            refusal: self.refusal,
            refused_plugin: self.refused_plugin,
            press,
            screen,
            record: Arc::default(),
        };
        let code = match parse(self.line.iter().map(Into::into)) {
            Ok(invocation) => execute(invocation, &agent, terminal).await,
            Err(early) => early.print(&mut terminal),
        };
        let record = std::mem::take(&mut *agent.record.lock().expect("a record"));
        Shot {
            stdout: stdout.text(),
            stderr: stderr.text(),
            code,
            calls: record.calls,
            controls: record.controls,
            screens: record.screens,
        }
    }
}

fn keyboard(typed: Option<String>) -> Box<dyn BufRead + Send> {
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

/// A stream that remembers, or whose reader is gone.
#[derive(Clone)]
struct Tape {
    bytes: Arc<Mutex<Vec<u8>>>,
    closed: bool,
}

impl Tape {
    fn new(closed: bool) -> Tape {
        Tape {
            bytes: Arc::default(),
            closed,
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.bytes.lock().expect("a tape").clone()).expect("UTF-8")
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.bytes.lock().expect("a tape").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[derive(Default)]
struct Record {
    calls: Vec<Call>,
    controls: Vec<Control>,
    screens: Vec<String>,
}

struct Scripted {
    beats: Mutex<Vec<Beat>>,
    refusal: Option<Failure>,
    refused_plugin: bool,
    press: mpsc::UnboundedSender<()>,
    screen: InMemoryTerm,
    record: Arc<Mutex<Record>>,
}

#[async_trait]
impl Agent for Scripted {
    async fn plugins(&self) -> Result<Vec<Plugin>, Failure> {
        let mut plugins = vec![
            plugin(
                "flux",
                "Reconcile, suspend and resume Flux objects",
                super::scene::flux(),
            ),
            plugin(
                "volsync",
                "Back up and restore volumes with VolSync",
                super::scene::volsync(),
            ),
        ];
        if self.refused_plugin {
            let failure = Failure::new(
                Kind::Invalid,
                "plugin.not-a-component",
                "it is 0 bytes long, so it is no component",
            );
            plugins.push(Plugin {
                origin: Origin::File("./empty.wasm".to_owned()),
                digest: Digest::from_sha256(&[0; 32]),
                state: State::Refused { failure },
            });
        }
        Ok(plugins)
    }

    async fn run(&self, call: Call) -> Result<Run, Failure> {
        self.record.lock().expect("a record").calls.push(call);
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
            record: Arc::clone(&self.record),
        };
        Ok(Run::new(
            run_id(),
            stream::unfold(play, Play::next).boxed(),
            tx,
        ))
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

    async fn grant(&self, _: &PluginId, rights: Vec<Right>) -> Result<Vec<Right>, Failure> {
        let before = "cluster:get:pods:*".parse().expect("a right");
        Ok([vec![before], rights].concat())
    }
}

struct Play {
    beats: VecDeque<Beat>,
    controls: mpsc::UnboundedReceiver<Control>,
    press: mpsc::UnboundedSender<()>,
    screen: InMemoryTerm,
    record: Arc<Mutex<Record>>,
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
                    self.record.lock().expect("a record").controls.push(control);
                }
                Beat::Flood(lines) => {
                    if let Ok(control) = self.controls.try_recv() {
                        self.record.lock().expect("a record").controls.push(control);
                    } else if let Some(left) = lines.checked_sub(1) {
                        self.beats.push_front(Beat::Flood(left));
                        let (level, message) = (Level::Info, format!("{left} to go"));
                        return Some((Event::Logged { level, message }, self));
                    }
                }
                Beat::Look => {
                    let screen = self.screen.contents();
                    self.record.lock().expect("a record").screens.push(screen);
                }
            }
        }
    }
}

pub(super) fn run_id() -> RunId {
    RunId::from_random([0, 1, 2, 3, 4, 5, 6, 7])
}

fn plugin(id: &str, description: &str, operations: Value) -> Plugin {
    let manifest = json!({
        "manifest": 1, "id": id, "version": "0.1.0", "description": description, "license": "Apache-2.0", "min-agent": "0.1.0",
        "request": [
            {"capability": "cluster", "verbs": ["get", "list"], "resources": ["pods"], "namespaces": ["{namespace}"], "why": "find the pods that mount the volume"},
            {"capability": "operations", "call": ["flux.suspend"], "operations": ["restore"], "why": "keep Flux from reverting the restore"}
        ]
    });
    let usable = Usable {
        manifest: serde_json::from_value(manifest).expect("a manifest"),
        descriptor: serde_json::from_value(json!({"operations": operations}))
            .expect("a descriptor"),
        imports: vec![
            "ops:run/run@0.1.0".to_owned(),
            "ops:cluster/cluster@0.1.0".to_owned(),
        ],
        granted: vec!["cluster:get:pods:*".parse().expect("a right")],
        missing: vec!["cluster:list:pods:*".parse().expect("a right")],
    };
    Plugin {
        origin: Origin::Bundled,
        digest: Digest::from_sha256(&[7; 32]),
        state: State::Usable(Box::new(usable)),
    }
}

pub(crate) fn volsync() -> Value {
    json!([
        {
            "name": "restore", "summary": "Restore an app's volume from a snapshot", "risk": "destroy",
            "description": "The app is stopped, its volume is overwritten,\nand everything that was stopped is started again.\n\nWhat was suspended before stays suspended.",
            "parameters": [
                {"name": "namespace", "summary": "the app's namespace", "style": "positional", "required": true, "schema": {"type": "string", "format": "name"}, "names": "namespace"},
                {"name": "name", "summary": "the app", "style": "positional", "required": true, "schema": {"type": "string", "format": "name"}, "names": {"object": "replicationsources.v1alpha1.volsync.backube"}},
                {"name": "previous", "summary": "skip the N newest snapshots", "style": "flag", "schema": {"type": "integer", "minimum": 0}},
                {"name": "as-of", "summary": "take the newest snapshot before TIME", "style": "flag", "schema": {"type": "string", "format": "date-time"}},
                {"name": "no-safety-snapshot", "summary": "make no snapshot of the present state first", "style": "flag", "schema": {"type": "boolean"}, "default": false},
                {"name": "timeout", "summary": "give up after that", "style": "flag", "schema": {"type": "string", "format": "duration"}, "default": "30m"}
            ],
            "constraints": [{"at-most-one": ["previous", "as-of"]}],
            "examples": ["volsync.restore media plex", "volsync.restore media plex --previous 1"]
        },
        {"name": "status", "summary": "Show the state of backups", "risk": "read"}
    ])
}

pub(crate) fn flux() -> Value {
    let kinds = json!({"object-by": {"parameter": "kind", "of": {"ks": "kustomizations.v1.kustomize.toolkit.fluxcd.io", "hr": "helmreleases.v2.helm.toolkit.fluxcd.io"}}});
    json!([
        {
            "name": "sync", "summary": "Ask Flux to reconcile now, without waiting", "risk": "change",
            "parameters": [
                {"name": "kind", "summary": "what to reconcile", "style": "positional", "schema": {"type": "string", "enum": ["ks", "hr"]}, "default": "ks"},
                {"name": "namespace", "summary": "the namespace", "style": "positional", "schema": {"type": "string", "format": "name"}, "names": "namespace"},
                {"name": "name", "summary": "the object", "style": "positional", "schema": {"type": "string", "format": "name"}, "names": kinds},
                {"name": "all", "summary": "every object of the kind", "style": "flag", "schema": {"type": "boolean"}, "default": false, "short": "a"}
            ],
            "constraints": [{"exactly-one": ["name", "all"]}],
            "columns": [
                {"heading": "NAMESPACE", "key": "namespace"}, {"heading": "NAME", "key": "name"},
                {"heading": "RESULT", "key": "result"}, {"heading": "MESSAGE", "key": "message"}
            ]
        }
    ])
}
