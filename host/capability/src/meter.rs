//! How long an operation keeps this machine busy: while its own code runs, and while the host computes at its wish, in whatever host call. Most
//! operations mostly wait, and waiting costs nothing.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// What share of the time in which an operation is at work it may compute beside its limit, as one in so many: one that waits for hours looks
/// often, and each look costs a little.
const SHARE: u32 = 20;

/// The stopwatch of one operation. It runs also while an operation computes that this one has called: that one's time is this one's too. Clones
/// share it.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<State>);

#[derive(Debug)]
struct State {
    /// Who called the operation.
    caller: Option<Meter>,
    /// How many milliseconds it may compute.
    most: OnceLock<u64>,
    made: Instant,
    /// In nanoseconds.
    spent: AtomicU64,
    /// The nanosecond after `made` from which on it computes; 0 while it waits.
    since: AtomicU64,
}

impl Default for State {
    fn default() -> State {
        State {
            caller: None,
            most: OnceLock::new(),
            made: Instant::now(),
            spent: AtomicU64::new(0),
            since: AtomicU64::new(0),
        }
    }
}

impl Meter {
    /// Makes the stopwatch of an operation that this one calls.
    pub(crate) fn below(&self) -> Meter {
        Meter(Arc::new(State {
            caller: Some(self.clone()),
            ..State::default()
        }))
    }

    /// Says how long the operation may compute. Without limit before; the first one counts.
    pub(crate) fn limit(&self, ms: u64) {
        let _ = self.0.most.set(ms);
    }

    /// Does the operation's work, and measures what of it is no waiting. What it calls is done inside it.
    pub async fn measure<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|ctx| {
            self.start();
            let polled = work.as_mut().poll(ctx);
            self.stop();
            polled
        })
        .await
    }

    /// Does a part of the operation's work in another task, and measures it for whoever called the operation as well: they wait meanwhile.
    pub(crate) async fn measure_aside<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|ctx| {
            let begun = Instant::now();
            let polled = work.as_mut().poll(ctx);
            let took = nanoseconds(begun.elapsed());
            self.with_callers()
                .for_each(|meter| _ = meter.0.spent.fetch_add(took, Ordering::Relaxed));
            polled
        })
        .await
    }

    /// Returns the limit in milliseconds that is used up: the operation's own, or that of one of its callers.
    pub fn over(&self) -> Option<u64> {
        self.with_callers().find_map(|meter| {
            let most = *meter.0.most.get()?;
            let earned = meter.0.made.elapsed() / SHARE;
            (meter.spent() > Duration::from_millis(most) + earned).then_some(most)
        })
    }

    /// Returns how long it has computed so far.
    pub fn spent(&self) -> Duration {
        let since = self.0.since.load(Ordering::Relaxed);
        let running = match since {
            0 => 0,
            since => self.now().saturating_sub(since),
        };
        Duration::from_nanos(self.0.spent.load(Ordering::Relaxed) + running)
    }

    fn start(&self) {
        self.0.since.store(self.now(), Ordering::Relaxed);
    }

    fn stop(&self) {
        let since = self.0.since.swap(0, Ordering::Relaxed);
        let took = self.now().saturating_sub(since);
        self.0.spent.fetch_add(took, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        nanoseconds(self.0.made.elapsed()).max(1)
    }

    fn with_callers(&self) -> impl Iterator<Item = &Meter> {
        std::iter::successors(Some(self), |meter| meter.0.caller.as_ref())
    }
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_millis(20);

    fn compute() {
        let begun = Instant::now();
        while begun.elapsed() < LONG {
            std::hint::spin_loop();
        }
    }

    #[tokio::test]
    async fn waiting_costs_nothing_and_computing_on_either_side_of_it_does() {
        let meter = Meter::default();
        let work = async {
            compute();
            tokio::time::sleep(LONG * 10).await;
            compute();
        };
        meter.measure(work).await;
        assert!(meter.spent() >= LONG * 2, "{:?}", meter.spent());
        assert!(meter.spent() < LONG * 10, "{:?}", meter.spent());
    }

    #[tokio::test]
    async fn what_an_operation_calls_is_charged_to_it_as_well_also_when_it_is_done_aside() {
        let caller = Meter::default();
        caller.limit(1);
        let callee = caller.below();
        callee.limit(10_000);
        let aside = callee.clone();
        let work = callee.measure(async move {
            compute();
            let work = async move { aside.measure_aside(async { compute() }).await };
            tokio::spawn(work).await
        });
        caller.measure(work).await.expect("it ends");
        assert!(callee.spent() >= LONG * 2 && caller.spent() >= LONG * 2);
        assert_eq!(callee.over(), Some(1));
    }
}
