//! One run from its first event to its last: it listens to whoever started it, bounds its time, and puts back what it held.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use agent_capability::Gate;
use agent_core::agent::Control;
use agent_core::call::{Consent, Goal, OnFailure};
use agent_core::event::{Event, Level, Outcome, UndoReport};
use agent_core::failure::{Failure, Kind};
use agent_core::journal::Returned;
use agent_core::record::{Record, RunHeader};
use futures::StreamExt as _;
use futures::channel::mpsc;
use serde_json::{Map, Value};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::lock::Locks;
use crate::prepare::{Prepared, out_of_time};
use crate::runtime::Runtime;
use crate::{namespace, plan};

/// How long a guest may take to return once it was told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// What is needed to see a run to its end.
pub(crate) struct Supervision {
    pub(crate) gate: Gate,
    pub(crate) control: mpsc::UnboundedReceiver<Control>,
    pub(crate) on_failure: OnFailure,
    pub(crate) consent: Consent,
    pub(crate) locks: Locks,
    /// How the run began, when it only plans.
    pub(crate) plan_draft: Option<RunHeader>,
}

/// Runs what was prepared. The last event is [`Event::Finished`].
pub(crate) async fn supervise(
    runtime: &Arc<Runtime>,
    prepared: Prepared,
    mut supervision: Supervision,
) {
    let gate = supervision.gate.clone();
    if let Some(message) = prepared.found.note.clone() {
        let level = Level::Warn;
        gate.emit(Event::Logged { level, message });
    }
    let wall = Duration::from_millis(prepared.limits.wall_ms);
    let out_of_time = out_of_time(&prepared);
    let prepared = Arc::new(prepared);
    let work = Work::begin(runtime.clone(), prepared.clone(), gate.clone());
    let ended = listen(work, &gate, &mut supervision, wall, out_of_time).await;
    let ended = match ended {
        Ok(returned) => Ok(returned),
        Err(failure) => Err(namespace::explain(&runtime.client, &prepared, failure).await),
    };
    conclude(supervision, ended).await;
}

/// What a run consists of, in a task of its own: whoever supervises it must hear and end it while it computes.
struct Work(JoinHandle<Result<Returned, Failure>>);

impl Work {
    fn begin(runtime: Arc<Runtime>, prepared: Arc<Prepared>, gate: Gate) -> Work {
        Work(tokio::spawn(async move {
            runtime.execute(&prepared, gate).await
        }))
    }

    async fn ended(&mut self) -> Result<Returned, Failure> {
        (&mut self.0).await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Ends it, and returns when nothing of it is left: what is put back then must not be changed by it any more.
    async fn end(mut self) {
        self.0.abort();
        drop((&mut self.0).await);
    }
}

/// Whoever supervises is gone, and so is what it supervises.
impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits for the end, and until then hears answers, the wish to stop, and that the run is not alone any more.
async fn listen(
    mut work: Work,
    gate: &Gate,
    supervision: &mut Supervision,
    wall: Duration,
    out_of_time: Failure,
) -> Result<Returned, Failure> {
    let Supervision { control, locks, .. } = supervision;
    let mut deadline = pin!(sleep(wall));
    let mut listening = true;
    loop {
        tokio::select! {
            biased;
            ended = work.ended() => return ended,
            said = control.next(), if listening => match said {
                Some(Control::Answer { question, yes }) => gate.answer(question, yes),
                Some(Control::Cancel) => return stop(work, gate, Failure::cancelled()).await,
                // Whoever started the run is gone; it goes on without them.
                None => listening = false,
            },
            lost = locks.lost() => return stop(work, gate, lost).await,
            () = &mut deadline => return stop(work, gate, out_of_time).await,
        }
    }
}

/// Makes every host call fail from now on, and gives the guest a moment to return.
async fn stop(mut work: Work, gate: &Gate, why: Failure) -> Result<Returned, Failure> {
    gate.stop(why.clone());
    match timeout(GRACE, work.ended()).await {
        // It had just come to its end: nothing that it still wished was refused.
        Ok(Ok(returned)) if !gate.refused() => Ok(returned),
        Ok(Ok(_)) => Err(why),
        // The plugin may know more about what it was stopped in.
        Ok(Err(failure)) if failure.code == why.code => Err(failure),
        Ok(Err(failure)) => Err(failure
            .causes
            .iter()
            .fold(why.because(&failure.message), |why, cause| {
                why.because(cause)
            })),
        Err(_) => {
            work.end().await;
            let seconds = GRACE.as_secs();
            Err(why.because(format!(
                "the plugin did not return within {seconds} s and was ended"
            )))
        }
    }
}

/// Finishes what is under way and puts back what is held, however the run ended.
pub(crate) async fn conclude(mut supervision: Supervision, ended: Result<Returned, Failure>) {
    let gate = supervision.gate.clone();
    gate.settle().await;
    if let Some(why) = gate.abandoned() {
        return supervision.leave(why);
    }
    // Whatever the plugin made of it: a run that went beyond its plan did not do well.
    let ended = gate.violated().map_or(ended, Err);
    gate.ended(ended.clone()).await;
    if ended.is_ok() {
        gate.close(true).await;
    }
    let outcome = match ended {
        Ok(returned) => {
            let put_back = supervision.release_all().await;
            Outcome::Done {
                value: returned.value,
                failed: u64::from(returned.failed),
                summary: returned.summary,
                not_put_back: put_back.into_iter().filter(could_not_be).collect(),
            }
        }
        Err(failure) => supervision.failed(failure).await,
    };
    supervision.finish(outcome).await;
}

impl Supervision {
    /// Puts back what a run holds that failed, unless it is to be kept.
    async fn failed(&mut self, failure: Failure) -> Outcome {
        let held = self.gate.held();
        if held > 0 && self.keeps(&failure, held).await {
            return Outcome::Failed {
                failure,
                put_back: Vec::new(),
                held,
            };
        }
        if held > 0 {
            let failure = failure.clone();
            self.gate.emit(Event::TakingBack { failure, held });
        }
        let put_back = self.release_all().await;
        Outcome::Failed {
            failure,
            put_back,
            held: 0,
        }
    }

    /// Puts back everything that the run holds. Who asks it to stop meanwhile stops what undoes an overwriting, which may take hours: that and what is
    /// older stays held then.
    pub(crate) async fn release_all(&mut self) -> Vec<UndoReport> {
        let gate = self.gate.clone();
        let mut released = pin!(gate.release_all());
        let mut listening = true;
        loop {
            tokio::select! {
                biased;
                put_back = &mut released => return put_back,
                said = self.control.next(), if listening => match said {
                    Some(Control::Cancel) => gate.stop(Failure::cancelled()),
                    Some(Control::Answer { .. }) => {}
                    None => listening = false,
                },
            }
        }
    }

    /// Decides whether what is held stays. Whoever stopped the run wants it taken back, and where nobody says that it is to stay, it goes back.
    async fn keeps(&mut self, failure: &Failure, held: u64) -> bool {
        match self.on_failure {
            _ if failure.kind == Kind::Cancelled => false,
            _ if self.gate.violated().is_some() => false,
            OnFailure::Undo => false,
            OnFailure::Keep => true,
            OnFailure::Ask if self.consent != Consent::Ask => false,
            OnFailure::Ask => {
                let why = ("the run failed".to_owned(), failure.message.clone());
                let text = format!("put back its {held} changes?");
                let answer = self.ask(text, vec![why]).await;
                answer.is_err_and(|no| no.kind == Kind::Declined)
            }
        }
    }

    /// Asks the person whether to take the run up.
    pub(crate) async fn agreed(
        &mut self,
        record: &Record,
        to: Goal,
        leave_data: bool,
    ) -> Result<(), Failure> {
        let (summary, begun) = (&record.summary, &record.begun);
        // One that failed or was stopped is not gone on with.
        let back = to == Goal::Undo || matches!(record.end(), Some(Err(_)));
        let text = match back {
            false => format!("finish run {}?", summary.run),
            true => format!("take run {} back?", summary.run),
        };
        let fact = |label: &str, value: String| (label.to_owned(), value);
        let mut facts = vec![
            fact("operation", begun.call.operation.to_string()),
            fact("arguments", told(&begun.call.arguments)),
            fact(
                "begun",
                begun.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            ),
            fact("by", format!("{} on {}", begun.who.user, begun.who.host)),
            fact("state", summary.state.as_str().to_owned()),
            fact("changes held", self.gate.held().to_string()),
        ];
        if back {
            let label = match leave_data {
                true => "will leave half overwritten",
                false => "will bring back",
            };
            let compensated = self.gate.compensations().into_iter();
            facts.extend(compensated.map(|what| fact(label, what)));
            let written = record.taken_back().into_iter();
            facts.extend(written.map(|what| fact("will put back", what)));
        }
        facts.extend(
            begun
                .cluster
                .server
                .clone()
                .map(|server| fact("cluster", server)),
        );
        self.ask(text, facts).await
    }

    /// Asks, and hears the answer.
    async fn ask(&mut self, text: String, facts: Vec<(String, String)>) -> Result<(), Failure> {
        let gate = self.gate.clone();
        let mut asked = pin!(gate.ask_about_run(text, facts));
        loop {
            tokio::select! {
                biased;
                answer = &mut asked => return answer,
                said = self.control.next() => match said {
                    Some(Control::Answer { question, yes }) => gate.answer(question, yes),
                    Some(Control::Cancel) => return Err(Failure::cancelled()),
                    None => return Err(Failure::cancelled()),
                },
            }
        }
    }

    /// Ends the run. Its Leases go first: one that outlives its run's end would lead to nothing that could be done.
    pub(crate) async fn finish(mut self, outcome: Outcome) {
        if let (Some(begun), Outcome::Done { .. }) = (self.plan_draft.take(), &outcome) {
            let plan = Box::new(plan::drawn(&self.gate, begun));
            self.gate.emit(Event::Drawn { plan });
        }
        // What is still held is still locked: nobody else may begin there.
        if self.gate.held() == 0 {
            let failures = self.locks.let_go_in_cluster().await;
            failures.iter().for_each(|failure| self.gate.warn(failure));
        }
        self.gate.finish(outcome).await;
    }

    /// Leaves the run as it is, to be taken up later.
    pub(crate) fn leave(self, why: Failure) {
        self.gate.leave(why);
    }
}

/// Returns arguments as a person reads them, such as `name=plex namespace=media`.
fn told(arguments: &Map<String, Value>) -> String {
    let pairs = arguments.iter().map(|(name, value)| match value.as_str() {
        Some(text) => format!("{name}={text}"),
        None => format!("{name}={value}"),
    });
    pairs.collect::<Vec<_>>().join(" ")
}

fn could_not_be(take_back: &UndoReport) -> bool {
    take_back.failure.is_some()
}

fn panicked() -> Failure {
    Failure::new(
        Kind::Internal,
        "agent.bug",
        "the agent panicked while the plugin ran",
    )
    .hinted("this is a bug of the agent: report it with the lines above")
}
