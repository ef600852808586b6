//! One run from its first event to its last: it listens to whoever started it, bounds its time, and puts back what it held.

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::time::Duration;

use agent_capability::Gate;
use agent_capability::operations::Returned;
use agent_core::agent::Control;
use agent_core::event::{Event, Level, Outcome, TakeBack};
use agent_core::failure::{Failure, Kind};
use agent_core::id::RunId;
use futures::channel::mpsc;
use futures::{FutureExt as _, StreamExt as _};
use tokio::time::{sleep, timeout};

use crate::agent::Inner;
use crate::namespace;
use crate::prepare::{Prepared, out_of_time};

/// How long a guest may take to return once it was told to stop.
const GRACE: Duration = Duration::from_secs(2);

/// Runs what was prepared. The last event is [`Event::Finished`].
pub(crate) async fn supervise(
    inner: &Inner,
    id: RunId,
    prepared: Prepared,
    gate: Gate,
    planning: bool,
    control: mpsc::UnboundedReceiver<Control>,
) {
    gate.emit(Event::Started {
        run: id,
        operation: prepared.operation.clone(),
        plugin: prepared.plugin(),
        arguments: prepared.arguments.clone(),
        planning,
    });
    if let Some(message) = prepared.found.note.clone() {
        let level = Level::Warn;
        gate.emit(Event::Logged { level, message });
    }
    let wall = Duration::from_millis(prepared.limits.wall_ms);
    let out_of_time = out_of_time(&prepared);
    let work = AssertUnwindSafe(inner.execute(&prepared, gate.clone()))
        .catch_unwind()
        .map(|ended| ended.unwrap_or_else(|_| Err(panicked())));
    let ended = match listen(pin!(work), &gate, control, wall, out_of_time).await {
        Ok(returned) => Ok(returned),
        Err(failure) => Err(namespace::explain(&inner.client, &prepared, failure).await),
    };
    let outcome = conclude(&gate, ended).await;
    gate.finish(outcome);
}

/// Waits for the end, and until then hears answers and the wish to stop.
async fn listen<W>(
    mut work: Pin<&mut W>,
    gate: &Gate,
    mut control: mpsc::UnboundedReceiver<Control>,
    wall: Duration,
    out_of_time: Failure,
) -> Result<Returned, Failure>
where
    W: Future<Output = Result<Returned, Failure>>,
{
    let mut deadline = pin!(sleep(wall));
    let mut listening = true;
    loop {
        tokio::select! {
            biased;
            ended = &mut work => return ended,
            said = control.next(), if listening => match said {
                Some(Control::Answer { question, yes }) => gate.answer(question, yes),
                Some(Control::Cancel) => return stop(work, gate, Failure::cancelled()).await,
                // Whoever started the run is gone; it goes on without them.
                None => listening = false,
            },
            () = &mut deadline => return stop(work, gate, out_of_time).await,
        }
    }
}

/// Makes every host call fail from now on, and gives the guest a moment to return.
async fn stop<W>(work: Pin<&mut W>, gate: &Gate, why: Failure) -> Result<Returned, Failure>
where
    W: Future<Output = Result<Returned, Failure>>,
{
    gate.stop(why.clone());
    match timeout(GRACE, work).await {
        // It had just come to its end.
        Ok(Ok(returned)) => Ok(returned),
        // The plugin may know more about what it was stopped in.
        Ok(Err(failure)) if failure.code == why.code => Err(failure),
        Ok(Err(failure)) => Err(failure
            .causes
            .iter()
            .fold(why.because(&failure.message), |why, cause| {
                why.because(cause)
            })),
        Err(_) => {
            let seconds = GRACE.as_secs();
            Err(why.because(format!(
                "the plugin did not return within {seconds} s and was ended"
            )))
        }
    }
}

/// Finishes what is under way and puts back what is held, however the run ended.
async fn conclude(gate: &Gate, ended: Result<Returned, Failure>) -> Outcome {
    gate.settle().await;
    if ended.is_ok() {
        gate.close(true).await;
    }
    let held = gate.held();
    if let Err(failure) = &ended
        && held > 0
    {
        let failure = failure.clone();
        gate.emit(Event::TakingBack { failure, held });
    }
    let put_back = gate.release_all().await;
    match ended {
        Ok(returned) => Outcome::Done {
            value: returned.value,
            failed: u64::from(returned.failed),
            not_put_back: put_back.into_iter().filter(could_not_be).collect(),
        },
        Err(failure) => Outcome::Failed { failure, put_back },
    }
}

fn could_not_be(take_back: &TakeBack) -> bool {
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
