//! `volsync.restore` with one request lost or refused: whichever it is, the cluster ends restored or exactly as before.
//!
//! A clean run says how many requests there are. Then each of them meets each fault, one fault a run. Every run begins with the
//! same history and a new content on the volume, so that what is in the volume afterwards tells what happened. By default a
//! sample of the injections is made; `AGENT_TEST_FAULTS=all` makes them all, and `AGENT_TEST_FAULTS=200` about so many.
#![expect(clippy::print_stdout, reason = "the table is what this test is for")]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use agent_testbed::fault::{Fault, Kind, Proxy, Request};

use super::agent::{Agent, Ran};
use super::app::App;
use super::scenario::scenarios;
use super::world::World;

scenarios![lost_and_refused_writes_end_restored_or_as_before];

/// What a request meets.
const FAULTS: [(&str, Kind); 5] = [
    ("500", Kind::Answer(500)),
    ("429", Kind::Answer(429)),
    ("403", Kind::Answer(403)),
    ("lost before", Kind::DropBefore),
    ("lost after", Kind::DropAfter),
];

/// How many injections a sample has.
const SAMPLE: usize = 40;
/// How many clusters run side by side.
const CLUSTERS: usize = 3;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The snapshot is in the volume, everything else as before, and the agent says so.
    Restored,
    /// The snapshot is in the volume, everything else as before, and the agent reports a failure after that.
    RestoredWithFailure,
    /// Everything is as before, the volume included.
    AsBefore,
    /// Neither.
    Violated,
}

impl End {
    fn letter(self) -> char {
        match self {
            End::Restored => 'R',
            End::RestoredWithFailure => 'r',
            End::AsBefore => 'B',
            End::Violated => '!',
        }
    }
}

/// One injection and what came of it.
struct Injection {
    at: usize,
    fault: &'static str,
    /// The request that met the fault; none when the run was shorter.
    met: Option<Request>,
    end: End,
    explanation: String,
}

/// An app in a world of its own, behind a proxy.
pub(crate) struct Place<'a> {
    pub(crate) app: App<'a>,
    pub(crate) proxy: Proxy,
}

impl<'a> Place<'a> {
    pub(crate) async fn new(world: &'a World, namespace: &'static str, name: &'static str) -> Self {
        Place {
            app: world.app(namespace, name).await,
            proxy: world.proxy(),
        }
    }

    /// Restores under a fault, or without one.
    async fn run(&self, number: usize, fault: Option<Fault>) -> (End, String, Vec<Request>) {
        let app = &self.app;
        app.begin_anew(&format!("what the app wrote before run {number}"));
        let (before, present) = (app.state().await, app.content());
        let newest = app.snapshots()[0].tree.clone();
        self.proxy.clear();
        if let Some(fault) = fault {
            self.proxy.plan(fault);
        }
        let line = format!(
            "run volsync.restore media {} --yes --timeout 40s --down-timeout 40s --ready-timeout 40s",
            app.name
        );
        let ran = Agent::with_kubeconfig(self.proxy.kubeconfig())
            .run(&line)
            .await;
        let log = self.proxy.log();
        let mut wrong = app.not_as(&before).await;
        wrong.extend(app.harm());
        let (end, text) = judge(&ran, &app.content(), &newest, &present, &wrong);
        (end, text, log)
    }
}

fn judge(ran: &Ran, content: &str, newest: &str, present: &str, wrong: &[String]) -> (End, String) {
    let end = match (ran.code(), content == newest, content == present) {
        _ if !wrong.is_empty() => End::Violated,
        (Some(0), true, _) => End::Restored,
        (Some(1 | 4 | 5 | 6), true, _) => End::RestoredWithFailure,
        (Some(1 | 4 | 5 | 6), _, true) => End::AsBefore,
        _ => End::Violated,
    };
    let said = ran.stderr.lines().filter(|line| !line.contains('·'));
    let said: Vec<_> = said.collect();
    let text = format!(
        "exit {:?}, content {content}\n{}\n{}",
        ran.code(),
        wrong.join("\n"),
        said.join("\n")
    );
    (end, text)
}

/// Each of the N requests of a restore meets each fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_at_every_request_ends_restored_or_as_before() {
    let wanted = std::env::var("AGENT_TEST_FAULTS").unwrap_or_default();
    let count = clean_run().await;
    let every: Vec<_> = (1..=count)
        .flat_map(|at| FAULTS.map(|(name, kind)| (at, name, kind)))
        .collect();
    let stride = match (wanted.as_str(), wanted.parse()) {
        ("all", _) => 1,
        (_, Ok(sample)) => coprime(every.len() / usize::max(sample, 1)),
        (_, Err(_)) => coprime(every.len() / SAMPLE + 1),
    };
    let chosen: Vec<_> = every.into_iter().step_by(stride).collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let workers = (0..CLUSTERS).map(|_| work(&chosen, &next, &done));
    futures::future::join_all(workers).await;
    let mut done = done.into_inner().expect("results");
    done.sort_by_key(|injection| (injection.at, injection.fault));
    println!("{}", table(count, &done));
    let violated = done.iter().filter(|one| one.end == End::Violated);
    let violated: Vec<_> = violated.map(explain).collect();
    assert!(violated.is_empty(), "{}", violated.join("\n\n"));
}

async fn clean_run() -> usize {
    let world = World::sandbox().await;
    let place = Place::new(&world, "media", "radarr").await;
    let (end, text, log) = place.run(0, None).await;
    assert_eq!(end, End::Restored, "{text}");
    log.len()
}

async fn work(
    chosen: &[(usize, &'static str, Kind)],
    next: &AtomicUsize,
    done: &Mutex<Vec<Injection>>,
) {
    'worlds: loop {
        let world = World::sandbox().await;
        let place = Place::new(&world, "media", "radarr").await;
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            let Some((at, fault, kind)) = chosen.get(number).copied() else {
                return;
            };
            let (end, explanation, log) = place.run(number, Some(Fault::at(at, kind))).await;
            let met = log.into_iter().find(|request| request.fault.is_some());
            let injection = Injection {
                at,
                fault,
                met,
                end,
                explanation,
            };
            println!("{}", line(&injection));
            done.lock().expect("results").push(injection);
            if end == End::Violated {
                continue 'worlds;
            }
        }
    }
}

/// What is told of an injection as soon as it has ended: a table that is stopped half-way has told what it knew.
fn line(injection: &Injection) -> String {
    match injection.end {
        End::Violated => explain(injection),
        end => format!(
            "fault {} at {}: {}",
            injection.fault,
            injection.at,
            end.letter()
        ),
    }
}

fn explain(injection: &Injection) -> String {
    let met = injection.met.as_ref();
    let met = met.map(|request| format!("{} {}", request.method, request.path));
    format!(
        "{} at request {}, {}: {}",
        injection.fault,
        injection.at,
        met.unwrap_or_default(),
        injection.explanation
    )
}

/// A row for each request, a column for each fault, and the sums.
fn table(count: usize, done: &[Injection]) -> String {
    let mut text = format!(
        "faults: {count} requests in a clean run, {} injections\n",
        done.len()
    );
    let mut rows: BTreeMap<usize, (String, BTreeMap<&str, char>)> = BTreeMap::new();
    for injection in done {
        let row = rows.entry(injection.at).or_default();
        if let Some(request) = &injection.met {
            row.0 = format!("{} {}", request.method, brief(&request.path));
        }
        let reached = injection.met.is_some();
        let letter = if reached { injection.end.letter() } else { '-' };
        row.1.insert(injection.fault, letter);
    }
    for (at, (request, ends)) in &rows {
        let letters = FAULTS.map(|(name, _)| ends.get(name).copied().unwrap_or(' ').to_string());
        text += &format!("{at:>4}  {}  {request}\n", letters.join(" "));
    }
    text += "R restored, r restored and reported as failed, B as before, - not reached\n";
    for (name, _) in FAULTS {
        let count = |end: End| {
            let ours = done
                .iter()
                .filter(|one| one.fault == name && one.met.is_some());
            ours.filter(|one| one.end == end).count()
        };
        let [restored, reported, before, violated] = [
            End::Restored,
            End::RestoredWithFailure,
            End::AsBefore,
            End::Violated,
        ]
        .map(count);
        text += &format!(
            "{name:<12} restored {restored}, restored and reported as failed {reported}, as before {before}, violated {violated}\n"
        );
    }
    text
}

fn brief(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

/// The writes that matter most, in both worlds.
async fn lost_and_refused_writes_end_restored_or_as_before(world: &World) {
    let place = Place::new(world, "media", "seerr").await;
    let cases: [(&str, &str, Kind); 8] = [
        ("PATCH", "/replicationsources/", Kind::DropAfter),
        ("PATCH", "/kustomizations/", Kind::DropBefore),
        ("PATCH", "/helmreleases/", Kind::DropAfter),
        ("PATCH", "/deployments/", Kind::Answer(500)),
        ("POST", "/replicationdestinations", Kind::DropAfter),
        ("POST", "/replicationdestinations", Kind::DropBefore),
        ("DELETE", "/replicationdestinations/", Kind::DropAfter),
        ("DELETE", "/replicationdestinations/", Kind::Answer(403)),
    ];
    for (number, (method, part, kind)) in cases.into_iter().enumerate() {
        let fault = Fault::at(1, kind)
            .only(move |request| request.method == method && request.path.contains(part));
        let (end, text, log) = place.run(number, Some(fault)).await;
        assert!(
            log.iter().any(|request| request.fault.is_some()),
            "{method} {part}: {text}"
        );
        assert!(end != End::Violated, "{kind:?} at {method} {part}: {text}");
    }
}

/// The next stride that meets every fault in turn.
fn coprime(stride: usize) -> usize {
    if stride.is_multiple_of(FAULTS.len()) {
        stride + 1
    } else {
        stride
    }
}
