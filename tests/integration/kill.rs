//! Runs that are killed with SIGKILL, and then finished or taken back.
//!
//! A clean run says which writes an operation makes, and how the cluster looks afterwards. Then the agent's process is killed before the
//! server has seen a write, or after it has done it and before the agent hears of it. `agent resume` ends in the state of the clean run and
//! has made nothing twice; `agent undo` ends in the state before. By default a sample of the kills is made; `AGENT_TEST_KILLS=all` makes all.
#![expect(clippy::print_stdout, reason = "the table is what these tests are for")]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use agent_testbed::fault::{Fault, Kind, Request};
use rustix::process::Signal;

use super::agent::{Agent, Ran};
use super::app::App;
use super::fault::Place;
use super::kind::DEPLOYMENT;
use super::scenario::scenarios;
use super::state::State;
use super::world::World;
use made::Made;
pub(crate) use victim::TOKENS;
use victim::Victim;

mod made;
pub(crate) mod power;
mod victim;

scenarios![
    killed_restore_is_finished_by_resume,
    killed_restore_is_taken_back_by_undo,
    unfinished_run_keeps_others_from_its_app,
    run_does_not_go_on_when_somebody_has_started_the_app,
    run_that_is_stopped_at_once_is_taken_back_and_never_finished,
    restore_that_is_killed_at_any_moment_is_finished_or_taken_back,
];

/// How many kills of an operation a sample has.
const SAMPLE: usize = 6;
/// How many kills at random moments a sample has, and how many all are.
const MOMENTS: (usize, usize) = (4, 60);
/// How long the agent may take to a write.
const PATIENCE: Duration = Duration::from_secs(300);

fn all() -> bool {
    std::env::var("AGENT_TEST_KILLS").is_ok_and(|value| value == "all")
}

/// When the process is killed.
enum Moment {
    /// When a write comes to that fault.
    At(Fault),
    /// As soon as so many requests have been made.
    After(usize),
}

/// What is the same in every run of an operation that nobody disturbs.
struct Clean {
    before: State,
    after: State,
    made: Made,
    log: Vec<Request>,
}

/// An operation, where it is run.
struct Trial<'a> {
    place: Place<'a>,
    victim: &'static Victim,
}

impl<'a> Trial<'a> {
    async fn new(world: &'a World, victim: &'static Victim) -> Self {
        let place = Place::new(world, victim.namespace, victim.app).await;
        Trial { place, victim }
    }

    fn app(&self) -> &App<'_> {
        &self.place.app
    }

    /// An agent with a home that outlives its processes.
    fn agent(&self) -> Agent {
        Agent::with_kubeconfig(self.place.proxy.kubeconfig())
    }

    async fn state(&self) -> State {
        self.app().state().await.without(victim::TOKENS)
    }

    /// Brings the app to where the operation begins.
    async fn begin(&self) -> (State, Made) {
        self.app().begin_anew("what the app wrote");
        self.victim.start.bring(self.app()).await;
        self.app().world.settle().await;
        self.place.proxy.clear();
        (self.state().await, self.made(&[]).await)
    }

    /// What there is, and what the requests have made.
    async fn made(&self, log: &[Request]) -> Made {
        let mut objects = BTreeMap::new();
        for request in log.iter().filter(|request| request.has_created()) {
            let path = request.path.split('?').next().unwrap_or_default();
            if path.ends_with("/leases") {
                // A lock that was let go is taken again by whoever takes the run up.
                continue;
            }
            *objects.entry(path.to_owned()).or_default() += 1;
        }
        Made {
            objects,
            snapshots: self.app().snapshots().len(),
            releases: victim::releases(self.app()).await,
        }
    }

    async fn made_since(&self, before: &Made, log: &[Request]) -> Made {
        let now = self.made(log).await;
        Made {
            snapshots: now.snapshots.saturating_sub(before.snapshots),
            releases: now.releases - before.releases,
            ..now
        }
    }

    /// Runs it to its end.
    async fn clean(&self) -> Clean {
        let (before, made) = self.begin().await;
        let ran = self.agent().run(self.victim.line).await;
        assert_eq!(ran.code(), Some(0), "{ran}");
        self.app().world.settle().await;
        let log = self.place.proxy.log();
        Clean {
            before,
            after: self.state().await,
            made: self.made_since(&made, &log).await,
            log,
        }
    }

    /// Starts it and kills it then. Returns what it has asked for; none when it was over before.
    async fn kill(&self, agent: &Agent, moment: Moment) -> Option<Vec<Request>> {
        let proxy = &self.place.proxy;
        let count = match moment {
            Moment::At(fault) => {
                proxy.plan(fault);
                usize::MAX
            }
            Moment::After(count) => count,
        };
        let mut running = agent.start(self.victim.line);
        let begin = Instant::now();
        while !proxy.stalled() && proxy.log().len() < count {
            if running.has_ended() || begin.elapsed() > PATIENCE {
                return None;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        running.signal(Signal::KILL);
        let ran = running.end().await;
        let log = proxy.log();
        proxy.clear();
        (ran.code() != Some(0)).then_some(log)
    }

    /// Kills it there, and demands that `how` (`resume` or `undo`) sets it right.
    async fn survives(&self, how: &str, what: &str, clean: &Clean, moment: Moment) {
        let nothing = async |_: &Agent| ();
        let reached = self.survives_with(nothing, how, what, clean, moment).await;
        assert!(reached, "{}: {what} was not reached", self.victim.line);
    }

    /// The same after something else has happened to what it left. Says whether it was there at all: how often a run looks is different each time.
    async fn survives_with(
        &self,
        happens: impl AsyncFnOnce(&Agent),
        how: &str,
        what: &str,
        clean: &Clean,
        moment: Moment,
    ) -> bool {
        let (_, made_before) = self.begin().await;
        let present = self.app().content();
        let newest = self.app().snapshots()[0].tree.clone();
        let agent = self.agent();
        let Some(mut log) = self.kill(&agent, moment).await else {
            self.place.proxy.clear();
            return false;
        };
        happens(&agent).await;
        let ran = agent.run(&format!("{how} last --yes")).await;
        log.extend(self.place.proxy.log());
        let explain = |ran: &Ran| format!("{how} after a kill {what}: {ran}");
        let begun = !ran.stderr.contains("no run");
        // Once the app has begun to start on what was restored, that is not taken from it, and the command that does is named.
        let stays =
            how == "undo" && ran.stdout.contains("used since") && ran.stdout.contains("--snapshot");
        let code = i32::from(stays);
        if begun {
            assert_eq!(ran.code(), Some(code), "{}", explain(&ran));
        }
        let finished = begun && how == "resume";
        let restores = self.victim.line.contains("volsync.restore");
        let content = self.app().content();
        let right = match (finished, restores) {
            (true, true) => content == newest,
            (false, true) if stays => content == newest,
            _ => content == present,
        };
        assert!(right, "content {content}\n{}", explain(&ran));
        let wished = if finished {
            &clean.after
        } else {
            &clean.before
        };
        let mut wrong = self.app().never_as_but(wished, victim::TOKENS).await;
        wrong.extend(self.app().harm());
        let made = self.made_since(&made_before, &log).await;
        // What brings the volume back makes a mover and Jobs of its own.
        if !(how == "undo" && restores) {
            wrong.extend(made.beyond(&clean.made));
        }
        assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), explain(&ran));
        if begun {
            let again = agent.run(&format!("{how} last --yes")).await;
            assert_eq!(again.code(), Some(code), "nothing is left: {again}");
        }
        true
    }
}

/// What happens to a write when the process is killed.
fn moments() -> [(&'static str, Kind); 2] {
    [("before", Kind::StallBefore), ("after", Kind::StallAfter)]
}

fn is_write(request: &Request) -> bool {
    request.method != "GET"
}

/// Kills an operation at its writes, in a cluster of its own. Returns the row of the table.
async fn row(victim: &'static Victim) -> String {
    let world = World::sandbox().await;
    let trial = Trial::new(&world, victim).await;
    let clean = trial.clean().await;
    let writes: Vec<_> = clean.log.iter().filter(|one| is_write(one)).collect();
    let every: Vec<_> = (1..=writes.len())
        .flat_map(|number| moments().map(|moment| (number, moment)))
        .flat_map(|(number, moment)| ["resume", "undo"].map(|how| (number, moment, how)))
        .collect();
    let stride = if all() { 1 } else { every.len() / SAMPLE + 1 };
    // Odd, so that a sample has every combination.
    let stride = stride + usize::from(stride > 1 && stride.is_multiple_of(2));
    let chosen: Vec<_> = every.into_iter().step_by(stride).collect();
    let mut reached = 0;
    for (number, (moment, kind), how) in &chosen {
        let write = writes[number - 1];
        let path = write.path.split('?').next().unwrap_or_default();
        let what = format!("{moment} write {number}, {} {path}", write.method);
        let fault = Fault::at(*number, *kind).only(is_write);
        let (nothing, moment) = (async |_: &Agent| (), Moment::At(fault));
        let killed = trial.survives_with(nothing, how, &what, &clean, moment);
        reached += usize::from(killed.await);
    }
    // A run that has to ask less often than the clean one, such as for a Lease, is over before the last of its writes.
    let line = victim.line;
    let kills = chosen.len();
    assert!(
        2 * reached > kills,
        "{line}: only {reached} of {kills} were killed"
    );
    format!(
        "kills: {line:<45} {:>3} writes, {reached:>3} kills, 0 differences",
        writes.len()
    )
}

/// Every write of every operation that writes, before and after, finished and taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operation_that_is_killed_at_any_write_is_finished_or_taken_back() {
    use futures::StreamExt as _;
    let rows = futures::stream::iter(victim::ALL).map(row);
    let mut rows = rows.buffer_unordered(2);
    while let Some(row) = rows.next().await {
        println!("{row}");
    }
}

/// The request that tells VolSync to restore: the app is down, and everything is held.
fn restore(kind: Kind) -> Moment {
    let restores = |request: &Request| {
        request.method == "POST" && request.path.contains("/replicationdestinations")
    };
    Moment::At(Fault::at(1, kind).only(restores))
}

async fn killed_restore_is_finished_by_resume(world: &World) {
    let trial = Trial::new(world, &victim::RESTORE_OF_TAUTULLI).await;
    let clean = trial.clean().await;
    for (moment, kind) in moments() {
        trial
            .survives("resume", moment, &clean, restore(kind))
            .await;
    }
}

async fn killed_restore_is_taken_back_by_undo(world: &World) {
    let trial = Trial::new(world, &victim::RESTORE_OF_PROWLARR).await;
    let clean = trial.clean().await;
    for (moment, kind) in moments() {
        trial.survives("undo", moment, &clean, restore(kind)).await;
    }
}

/// The process is gone at a moment that nothing waits for, so what is on its way arrives or does not.
async fn restore_that_is_killed_at_any_moment_is_finished_or_taken_back(world: &World) {
    let trial = Trial::new(world, &victim::RESTORE_OF_LIDARR).await;
    let clean = trial.clean().await;
    let kills = if all() { MOMENTS.1 } else { MOMENTS.0 };
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    let mut reached = 0;
    for number in 0..kills {
        // Xorshift (https://www.jstatsoft.org/article/view/v008i14): the same moments each time.
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        let last = u64::try_from(clean.log.len()).unwrap_or(1);
        let count = usize::try_from(chance % last).unwrap_or(0) + 1;
        let how = ["resume", "undo"][number % 2];
        let what = format!("after request {count} of {last}");
        let (nothing, moment) = (async |_: &Agent| (), Moment::After(count));
        let killed = trial.survives_with(nothing, how, &what, &clean, moment);
        reached += usize::from(killed.await);
    }
    assert!(2 * reached > kills, "only {reached} of {kills} were killed");
    println!("kills: {reached} at random moments, 0 differences");
}

async fn unfinished_run_keeps_others_from_its_app(world: &World) {
    let trial = Trial::new(world, &victim::RESTORE_OF_BAZARR).await;
    let (before, _) = trial.begin().await;
    let agent = trial.agent();
    let killed = trial.kill(&agent, restore(Kind::StallBefore)).await;
    assert!(killed.is_some());
    let line = trial.victim.line;
    agent.run(line).await.exits(1).says("agent resume");
    agent.run("list").await.exits(0).says("was cut off");
    // From another machine only the Lease tells.
    trial
        .agent()
        .run(line)
        .await
        .exits(1)
        .says("is locked by run");
    agent.run("undo last --yes").await.exits(0);
    let wrong = trial.app().never_as_but(&before, victim::TOKENS).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A person has put the app up by hand before they come to resume the run: restoring under it would destroy what it writes.
async fn run_does_not_go_on_when_somebody_has_started_the_app(world: &World) {
    let trial = Trial::new(world, &victim::RESTORE_OF_BAZARR).await;
    let (before, _) = trial.begin().await;
    let present = trial.app().content();
    let agent = trial.agent();
    let killed = trial.kill(&agent, restore(Kind::StallBefore)).await;
    assert!(killed.is_some());
    let up = serde_json::json!({"spec": {"replicas": 1}});
    trial.app().merge(DEPLOYMENT, up).await;
    let ran = agent.run("resume last --yes").await.exits(1);
    let ran = ran
        .says("what it held is not so any more")
        .says("deployments media/bazarr: `spec.replicas` is `1` now")
        .says("agent undo");
    assert_eq!(trial.app().content(), present, "{ran}");
    assert!(!trial.app().is_restoring().await);
    // Nobody overwrites a volume that the app has by now.
    let ran = agent.run("undo last --yes").await.exits(1);
    ran.says("mounted the volume");
    agent.run("undo last --leave-data --yes").await.exits(0);
    let wrong = trial.app().never_as_but(&before, victim::TOKENS).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The second Ctrl-C comes while things are put back: what was put back is no reason to go on, whatever `resume` is asked for.
async fn run_that_is_stopped_at_once_is_taken_back_and_never_finished(world: &World) {
    let trial = Trial::new(world, &victim::RESTORE_OF_BAZARR).await;
    let (before, _) = trial.begin().await;
    let present = trial.app().content();
    let agent = trial.agent();
    let proxy = &trial.place.proxy;
    proxy.plan(
        Fault::at(1, Kind::StallAfter)
            .only(|request| request.method == "PATCH" && request.path.contains("/deployments/")),
    );
    let running = agent.start(trial.victim.line);
    let running = running
        .until("the app is at 0", async || proxy.stalled())
        .await;
    proxy.clear();
    // The first thing that is put back is the first PATCH from now on.
    proxy.plan(Fault::at(1, Kind::StallAfter).only(|request| request.method == "PATCH"));
    running.signal(Signal::INT);
    let running = running
        .until("it is put back", async || proxy.stalled())
        .await;
    running.signal(Signal::INT);
    running.end().await.exits(130);
    proxy.clear();
    let ran = agent.run("resume last --yes").await;
    assert_eq!(trial.app().content(), present, "{ran}");
    let wrong = trial.app().never_as_but(&before, victim::TOKENS).await;
    assert!(wrong.is_empty(), "{}\n{ran}", wrong.join("\n"));
    assert_eq!(agent.run("undo last --yes").await.code(), Some(0));
}
