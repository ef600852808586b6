//! Runs that are killed with SIGKILL while a write is on its way, and then finished or taken back.
//!
//! A clean run says which writes there are. Before the server has seen one, or after it has done it and before the agent hears of it, the
//! agent's process is killed. `agent resume` then ends in the state of a run that nobody disturbed, and `agent undo` in the state before. By
//! default a sample of the kills is made; `AGENT_TEST_KILLS=all` makes them all.
#![expect(clippy::print_stdout, reason = "the table is what this test is for")]

use std::time::{Duration, Instant};

use agent_testbed::fault::{Fault, Kind, Request};
use rustix::process::Signal;

use super::agent::{Agent, Ran};
use super::fault::Place;
use super::scenario::scenarios;
use super::world::World;

scenarios![
    killed_restore_is_finished_by_resume,
    killed_restore_is_taken_back_by_undo,
    unfinished_run_keeps_others_from_its_app,
];

const LINE: &str = "--yes --timeout 40s --down-timeout 40s --ready-timeout 40s";
/// How many kills a sample has.
const SAMPLE: usize = 12;
/// How long the agent may take to a write.
const PATIENCE: Duration = Duration::from_secs(60);

impl Place<'_> {
    /// An agent with a home that outlives its processes.
    fn agent(&self) -> Agent {
        Agent::with_kubeconfig(self.proxy.kubeconfig())
    }

    /// Starts a restore and kills it when it comes to that fault. Whether it came there.
    async fn kill(&self, agent: &Agent, fault: Fault) -> bool {
        self.proxy.clear();
        self.proxy.plan(fault);
        let line = format!("run volsync.restore media {} {LINE}", self.app.name);
        let running = agent.start(&line);
        let begin = Instant::now();
        while !self.proxy.stalled() {
            if begin.elapsed() > PATIENCE {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        running.signal(Signal::KILL);
        running.end().await;
        self.proxy.clear();
        true
    }

    /// Kills a restore there, and demands that `how` (`resume` or `undo`) sets it right.
    async fn survives(&self, how: &str, what: &str, fault: Fault) {
        let app = &self.app;
        app.begin_anew(&format!("what the app wrote before {what}"));
        let (before, present) = (app.state().await, app.content());
        let newest = app.snapshots()[0].tree.clone();
        let agent = self.agent();
        assert!(self.kill(&agent, fault).await, "{what} was not reached");
        let ran = agent.run(&format!("{how} last --yes")).await;
        let explain = |ran: &Ran| format!("{how} after a kill {what}: {ran}");
        if ran.stderr.contains("no run") || ran.stderr.contains("journal.no-such-run") {
            // It had not begun.
            assert_eq!(app.content(), present, "{}", explain(&ran));
        } else {
            assert_eq!(ran.code(), Some(0), "{}", explain(&ran));
            let content = app.content();
            let right = content == newest || how == "undo" && content == present;
            assert!(right, "content {content}\n{}", explain(&ran));
        }
        let mut wrong = app.not_as(&before).await;
        wrong.extend(app.harm());
        assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), explain(&ran));
        let again = agent.run(&format!("{how} last --yes")).await;
        assert_eq!(again.code(), Some(0), "nothing is left: {again}");
    }

    /// The writes of a run that nobody disturbs.
    async fn writes(&self) -> Vec<Request> {
        self.app.begin_anew("what the app wrote before a clean run");
        self.proxy.clear();
        let line = format!("run volsync.restore media {} {LINE}", self.app.name);
        self.agent().run(&line).await.exits(0);
        let mut log = self.proxy.log();
        log.retain(|request| request.method != "GET");
        log
    }
}

/// What happens to a write when the process is killed.
fn moments() -> [(&'static str, Kind); 2] {
    [("before", Kind::StallBefore), ("after", Kind::StallAfter)]
}

/// Every write of a restore, before and after, finished and taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restore_that_is_killed_at_any_write_is_finished_or_taken_back() {
    let all = std::env::var("AGENT_TEST_KILLS").is_ok_and(|value| value == "all");
    let world = World::sandbox().await;
    let place = Place::new(&world, "radarr").await;
    let writes = place.writes().await;
    let numbers = 1..=writes.len();
    let every: Vec<_> = numbers
        .flat_map(|number| moments().map(|moment| (number, moment)))
        .flat_map(|(number, moment)| ["resume", "undo"].map(|how| (number, moment, how)))
        .collect();
    let stride = if all { 1 } else { every.len() / SAMPLE + 1 };
    // Not a multiple of four, so that a sample has every combination.
    let stride = stride + usize::from(stride > 1 && stride.is_multiple_of(2));
    let chosen: Vec<_> = every.into_iter().step_by(stride).collect();
    for (number, (moment, kind), how) in &chosen {
        let write = &writes[number - 1];
        let path = write.path.split('?').next().unwrap_or_default();
        let what = format!("{moment} write {number}, {} {path}", write.method);
        println!("{how:<7}{what}");
        let fault = Fault::at(*number, *kind).only(|request| request.method != "GET");
        place.survives(how, &what, fault).await;
    }
    println!(
        "kills: {} writes, {} kills, 0 differences",
        writes.len(),
        chosen.len()
    );
}

/// The request that tells VolSync to restore: the app is down, and everything is held.
fn restore(kind: Kind) -> Fault {
    let restores = |request: &Request| {
        request.method == "POST" && request.path.contains("/replicationdestinations")
    };
    Fault::at(1, kind).only(restores)
}

async fn killed_restore_is_finished_by_resume(world: &World) {
    let place = Place::new(world, "tautulli").await;
    for (moment, kind) in moments() {
        place.survives("resume", moment, restore(kind)).await;
    }
}

async fn killed_restore_is_taken_back_by_undo(world: &World) {
    let place = Place::new(world, "prowlarr").await;
    for (moment, kind) in moments() {
        place.survives("undo", moment, restore(kind)).await;
    }
}

async fn unfinished_run_keeps_others_from_its_app(world: &World) {
    let place = Place::new(world, "bazarr").await;
    let before = place.app.state().await;
    let agent = place.agent();
    assert!(place.kill(&agent, restore(Kind::StallBefore)).await);
    let line = format!("run volsync.restore media bazarr {LINE}");
    agent.run(&line).await.exits(1).says("agent resume");
    agent.run("list").await.exits(0).says("was cut off");
    // From another machine only the Lease tells.
    place
        .agent()
        .run(&line)
        .await
        .exits(1)
        .says("is locked by run");
    agent.run("undo last --yes").await.exits(0);
    place.app.is_as(&before).await;
}
