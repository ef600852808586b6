//! What every capability gets from the gate, whichever it is: plans, `kill -9` at every request, resuming, undoing, requests that are refused or lost, denials.
//!
//! A capability has rows in [`SUBJECTS`], and nothing else here.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent_core::agent::{Agent as _, Run};
use agent_core::call::{Call, Consent, Goal, Mode, OnFailure, Resumption};
use agent_core::event::{Event, Outcome};
use agent_core::failure::{Failure, Kind};
use agent_core::origin::{Cluster, Who};
use agent_core::plan::Plan;
use agent_core::record::Filter;
use agent_core::secret::Secrets;
use agent_engine::{LocalAgent, Noun, Parts};
use agent_journal::Journal;
use agent_sandbox::ApiServer;
use agent_store::{Bundled, Sources, Store};
use agent_toy::{Device, Fault};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::artifact;
use crate::world::{
    Ended, FOREVER, LIMITS, call, client_by, connected, finish, nobody, server, shared_cache,
};

/// One operation of one capability.
struct Subject {
    open: fn(Arc<Faulty>) -> BoxFuture<'static, Stage>,
    operation: &'static str,
    argument: Option<(&'static str, &'static str)>,
}

const SUBJECTS: [Subject; 6] = [
    of_cluster("guests.change"),
    of_cluster("guests.hold-and-keep"),
    of_cluster("guests.hold-and-return"),
    of_toy("toy.turn"),
    of_toy("toy.hold-and-turn"),
    of_toy("toy.hold-call"),
];

/// What an operation must not do: the operation, and the code by which it is refused.
const DENIED: [(Subject, &str); 4] = [
    (of_cluster("guests.read-beyond"), "cluster.not-granted"),
    (
        of_cluster("guests.write-while-reading"),
        "cluster.read-only",
    ),
    (of_toy("toy.look-beyond"), "toy.not-granted"),
    (of_toy("toy.turn-while-reading"), "toy.read-only"),
];

const fn of_cluster(operation: &'static str) -> Subject {
    Subject {
        open: |faulty| Box::pin(cluster(faulty)),
        operation,
        argument: None,
    }
}

const fn of_toy(operation: &'static str) -> Subject {
    Subject {
        open: |faulty| Box::pin(async { toy(faulty) }),
        operation,
        argument: Some(("lamp", "shelf")),
    }
}

/// Where an operation acts.
struct Stage {
    /// Makes an agent that lives in the runtime which calls it.
    agent: Box<dyn Fn(Journal) -> BoxFuture<'static, LocalAgent> + Send + Sync>,
    /// Tells what there is.
    state: Box<dyn Fn() -> Value + Send + Sync>,
    /// Changes what a plan rests on, as somebody else would.
    touch: Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
    _server: Option<ApiServer>,
}

/// What requests meet: one of them something, and all others nothing.
#[derive(Default)]
struct Faulty {
    count: AtomicUsize,
    met: Mutex<Option<(usize, Fault)>>,
    hangs: Notify,
}

impl Faulty {
    fn at(number: usize, fault: Fault) -> Arc<Faulty> {
        Arc::new(Faulty {
            met: Mutex::new(Some((number, fault))),
            ..Faulty::default()
        })
    }

    fn next(&self) -> Fault {
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        match *self.met.lock().expect("a plan") {
            Some((at, fault)) if at == number => {
                if matches!(fault, Fault::HangsBefore | Fault::HangsAfter) {
                    self.hangs.notify_one();
                }
                fault
            }
            _ => Fault::None,
        }
    }

    /// From now on nothing is met.
    fn heal(&self) {
        *self.met.lock().expect("a plan") = None;
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

async fn cluster(faulty: Arc<Faulty>) -> Stage {
    let server = server().await;
    let (kubeconfig, url, handle) = (server.kubeconfig(), server.url(), server.handle());
    let others = client_by(&kubeconfig).await;
    let agent = move |journal: Journal| -> BoxFuture<'static, LocalAgent> {
        let (kubeconfig, url, faulty) = (kubeconfig.clone(), url.clone(), faulty.clone());
        Box::pin(async move {
            let client = client_by(&kubeconfig).await;
            let service =
                tower::service_fn(move |request| met(client.clone(), faulty.next(), request));
            let client = connected(kube::Client::new(service, "default"), url);
            agent(journal, "guests", artifact::guests(), client, Vec::new())
        })
    };
    let touch = move || -> BoxFuture<'static, ()> {
        let others = others.clone();
        Box::pin(async move {
            let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
                kube::Api::namespaced(others, "default");
            let patch = kube::api::Patch::Merge(json!({"data": {"mode": "another"}}));
            maps.patch("settings", &Default::default(), &patch)
                .await
                .expect("patches");
        })
    };
    Stage {
        agent: Box::new(agent),
        state: Box::new(move || {
            let settings = handle.object("", "configmaps", "default", "settings");
            settings.expect("there")["data"].clone()
        }),
        touch: Box::new(touch),
        _server: Some(server),
    }
}

/// Sends a request that meets something.
async fn met(
    client: kube::Client,
    fault: Fault,
    request: http::Request<Body>,
) -> Result<http::Response<Body>, Infallible> {
    let answer = |code: u16, document: &Value| {
        let body = Body::from(document.to_string().into_bytes());
        http::Response::builder()
            .status(code)
            .body(body)
            .expect("an answer")
    };
    let lost = || {
        answer(
            503,
            &json!({"kind": "Status", "code": 503, "message": "away"}),
        )
    };
    let sent = async { client.send(request).await.expect("an answer") };
    Ok(match fault {
        Fault::None => sent.await,
        Fault::Refused => answer(
            403,
            &json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"}),
        ),
        Fault::LostBefore => lost(),
        Fault::LostAfter => {
            sent.await;
            lost()
        }
        Fault::HangsBefore => std::future::pending().await,
        Fault::HangsAfter => {
            sent.await;
            std::future::pending().await
        }
    })
}

fn toy(faulty: Arc<Faulty>) -> Stage {
    let levels = [("desk", 80), ("shelf", 20)];
    let levels = levels.map(|(lamp, level)| (lamp.to_owned(), level));
    let device = Device::new(levels.into(), Arc::new(move || faulty.next()));
    let (lamps, others) = (device.clone(), device.clone());
    let agent = move |journal: Journal| -> BoxFuture<'static, LocalAgent> {
        let noun: Arc<dyn Noun> = Arc::new(device.clone());
        Box::pin(async move { agent(journal, "toy", artifact::toy(), nobody(), vec![noun]) })
    };
    Stage {
        agent: Box::new(agent),
        state: Box::new(move || json!(lamps.levels())),
        touch: Box::new(move || {
            others.set("shelf", 55);
            Box::pin(async {})
        }),
        _server: None,
    }
}

fn agent(
    journal: Journal,
    name: &'static str,
    wasm: &'static [u8],
    client: agent_capability::ClusterClient,
    nouns: Vec<Arc<dyn Noun>>,
) -> LocalAgent {
    let store = Store::new(Sources {
        bundled: vec![Bundled { name, wasm }],
        directory: Ok(None),
        given: Vec::new(),
        config: Ok(None),
        kept: Ok(None),
        agent: semver::Version::new(0, 1, 0),
    });
    LocalAgent::new(Parts {
        store,
        code: Some(shared_cache()),
        compile: None,
        journal: Ok(journal),
        retention: FOREVER,
        client,
        nouns,
        cluster: Cluster::default(),
        who: Who::default(),
        limits: LIMITS,
    })
}

/// A stage with a journal.
struct Play {
    stage: Arc<Stage>,
    faulty: Arc<Faulty>,
    journal: Journal,
    call: Call,
}

impl Play {
    async fn new(subject: &Subject, faulty: Arc<Faulty>) -> Play {
        let argument = subject.argument.into_iter();
        let arguments: Value = argument.map(|(name, value)| (name, json!(value))).collect();
        Play {
            stage: Arc::new((subject.open)(faulty.clone()).await),
            faulty,
            journal: Journal::in_memory().expect("a journal"),
            call: call(
                subject.operation,
                if arguments.is_null() {
                    json!({})
                } else {
                    arguments
                },
                Consent::Given,
            ),
        }
    }

    fn state(&self) -> Value {
        (self.stage.state)()
    }

    /// Does something by an agent in a process of its own, as far as that goes: when it is done, everything else that the agent was at is gone as well.
    async fn by_agent<T: Send + 'static>(
        &self,
        act: impl FnOnce(LocalAgent) -> BoxFuture<'static, T> + Send + 'static,
    ) -> T {
        let (stage, journal) = (self.stage.clone(), self.journal.clone());
        let process = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("a runtime");
            let done = runtime.block_on(async { act((stage.agent)(journal).await).await });
            runtime.shutdown_timeout(Duration::from_secs(10));
            done
        };
        tokio::task::spawn_blocking(process)
            .await
            .expect("it does not panic")
    }

    async fn run(&self, mode: Mode) -> Ended {
        let call = Call {
            mode,
            ..self.call.clone()
        };
        self.by_agent(|agent| {
            Box::pin(async move { finish(agent.run(call).await.expect("starts")).await })
        })
        .await
    }

    async fn apply(&self, plan: Plan) -> Result<Ended, Failure> {
        self.by_agent(|agent| {
            Box::pin(async move {
                let applied =
                    agent.apply(plan, Consent::Given, OnFailure::Undo, Secrets::default());
                Ok(finish(applied.await?).await)
            })
        })
        .await
    }

    /// Runs it until a request hangs, and kills it then. Returns whether one did.
    async fn kill(&self) -> bool {
        let (call, faulty) = (self.call.clone(), self.faulty.clone());
        let killed = self.by_agent(|agent| {
            Box::pin(async move {
                let mut run = agent.run(call).await.expect("starts");
                let hangs = tokio::select! {
                    () = faulty.hangs.notified() => true,
                    () = end(&mut run) => false,
                };
                // Let go of only when nothing is there any more that would hear of it.
                (hangs, run)
            })
        });
        let (hangs, _run) = killed.await;
        self.faulty.heal();
        hangs
    }

    async fn resume(&self, to: Goal) -> Ended {
        let how = Resumption {
            to,
            consent: Consent::Given,
            give_up: false,
            leave_data: false,
            secrets: Secrets::default(),
        };
        let run = self.journal.runs(Filter::All).expect("reads")[0]
            .run
            .to_string();
        self.by_agent(|agent| {
            Box::pin(
                async move { finish(agent.resume(&run, how).await.expect("is taken up")).await },
            )
        })
        .await
    }
}

async fn end(run: &mut Run) {
    while let Some(event) = run.events.next().await {
        if matches!(event, Event::Finished { .. }) {
            return;
        }
    }
}

/// What there is before and after a run to which nothing happens, and how many requests that has.
async fn clean(subject: &Subject) -> (Value, Value, usize) {
    let play = Play::new(subject, Arc::default()).await;
    let before = play.state();
    play.run(Mode::Perform).await.value();
    (before, play.state(), play.faulty.count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plan_changes_nothing_and_is_applied_as_it_is() {
    for subject in &SUBJECTS {
        let operation = subject.operation;
        let (before, after, _) = clean(subject).await;
        let play = Play::new(subject, Arc::default()).await;
        let planned = play.run(Mode::Plan).await;
        let plan = planned.plan();
        assert_eq!(play.state(), before, "{operation}");
        assert!(
            !plan.effects.is_empty() && !plan.rests_on.is_empty(),
            "{operation}: {plan:?}"
        );
        let applied = play.apply(plan.clone()).await.expect("is as planned");
        applied.value();
        assert_eq!(play.state(), after, "{operation}");
        let other = Play::new(subject, Arc::default()).await;
        let plan = other.run(Mode::Plan).await.plan().clone();
        (other.stage.touch)().await;
        let touched = other.state();
        let refused = other.apply(plan).await.expect_err("outdated");
        assert_eq!(refused.code, "plan.outdated", "{operation}: {refused:?}");
        assert_eq!(other.state(), touched, "{operation}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_is_taken_back_after_its_end() {
    for subject in &SUBJECTS {
        let play = Play::new(subject, Arc::default()).await;
        let before = play.state();
        play.run(Mode::Perform).await.value();
        let undone = play.resume(Goal::Undo).await;
        let told = undone.put_back().iter().all(|one| one.failure.is_none());
        assert!(told, "{}: {undone:?}", subject.operation);
        assert_eq!(play.state(), before, "{}", subject.operation);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_that_is_killed_at_any_request_is_finished_or_taken_back() {
    let mut reached = BTreeSet::new();
    for subject in &SUBJECTS {
        let (before, after, count) = clean(subject).await;
        let kills = (1..=count).flat_map(|at| {
            let faults = [Fault::HangsBefore, Fault::HangsAfter];
            faults.map(|fault| (at, fault))
        });
        for (at, fault) in kills {
            for (to, wanted) in [(Goal::Finish, &after), (Goal::Undo, &before)] {
                let play = Play::new(subject, Faulty::at(at, fault)).await;
                let place = format!("{} {fault:?} {at} of {count}, {to:?}", subject.operation);
                assert!(play.kill().await, "{place}: it came to its end");
                let ended = play.resume(to).await;
                assert_eq!(&play.state(), wanted, "{place}: {ended:?}");
                let stuck = match &ended.outcome {
                    Outcome::Done { not_put_back, .. } => not_put_back.len(),
                    Outcome::Undone { put_back, .. } => {
                        put_back.iter().filter(|one| one.failure.is_some()).count()
                    }
                    Outcome::Failed { failure, .. } => panic!("{place}: {failure:?}"),
                };
                assert_eq!(stuck, 0, "{place}: {ended:?}");
            }
            reached.insert((subject.operation, at));
        }
    }
    assert!(reached.len() > 2 * SUBJECTS.len(), "{reached:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_that_is_refused_or_lost_ends_as_it_is_told() {
    for subject in &SUBJECTS {
        let (before, after, count) = clean(subject).await;
        let faults = (1..=count).flat_map(|at| {
            let faults = [Fault::Refused, Fault::LostBefore, Fault::LostAfter];
            faults.map(|fault| (at, fault))
        });
        for (at, fault) in faults {
            let play = Play::new(subject, Faulty::at(at, fault)).await;
            let place = format!("{} {fault:?} {at} of {count}", subject.operation);
            let ended = play.run(Mode::Perform).await;
            let wanted = match &ended.outcome {
                Outcome::Done { not_put_back, .. } if not_put_back.is_empty() => Some(&after),
                // It is said what stays.
                Outcome::Done { .. } => None,
                Outcome::Failed { failure, .. } if failure.kind == Kind::Uncertain => None,
                Outcome::Failed { put_back, .. } => {
                    let stuck = put_back.iter().any(|one| one.failure.is_some());
                    // What was changed for good stays, and is told.
                    let lasts = |event: &Event| matches!(event, Event::Changed { effect } if !effect.temporary);
                    let lasting = ended.events.iter().any(lasts);
                    (!stuck).then_some(if lasting { &after } else { &before })
                }
                Outcome::Undone { .. } => panic!("{place}: {ended:?}"),
            };
            if let Some(wanted) = wanted {
                assert_eq!(&play.state(), wanted, "{place}: {ended:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_operation_may_not_do_is_refused_before_anything_is_sent() {
    for (subject, code) in &DENIED {
        let play = Play::new(subject, Arc::default()).await;
        let before = play.state();
        let ended = play.run(Mode::Perform).await;
        let failure = ended.failure();
        assert_eq!(failure.code, *code, "{failure:?}");
        assert_eq!(failure.kind, Kind::Denied);
        assert!(failure.hint.is_some(), "{failure:?}");
        assert_eq!(play.state(), before);
    }
}
