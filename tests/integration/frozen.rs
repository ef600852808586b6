//! Connections that die without a word: nothing comes over them any more, and nobody closes them. The kernel cannot notice that where something in
//! between answers for the other end.
#![expect(
    clippy::print_stdout,
    reason = "how long it took is told and not judged"
)]

use std::time::Instant;

use agent_testbed::fault::{Fault, Kind, Request};
use rustix::process::Signal;

use super::agent::{Agent, Running};
use super::app::App;
use super::fault::Place;
use super::world::World;

/// Tells how long a run took to notice, and to make up for it. One that never notices outlives the patience of [`Agent`], which is shorter than its deadline.
fn has_noticed(what: &str, since: Instant) {
    println!("frozen: {what}: {:.0} s", since.elapsed().as_secs_f64());
}

/// Starts a restore that waits for VolSync.
async fn restoring(place: &Place<'_>, options: &str) -> Running {
    let app = &place.app;
    let line = format!("run volsync.restore media plex --yes {options}");
    let running = Agent::with_kubeconfig(place.proxy.kubeconfig()).start(&line);
    let running = running.until("the app is down", || app.is_down()).await;
    app.world.controllers().silence("volsync");
    running.until("it restores", || app.is_restoring()).await
}

fn asks(method: &'static str, path: &'static str) -> impl Fn(&Request) -> bool + Send + 'static {
    move |request| request.method == method && request.path.contains(path)
}

/// Demands that a restore has restored.
async fn is_restored(app: &App<'_>, running: Running, since: Instant) {
    // The newest by now is that of the state before.
    let newest = app.snapshots()[1].tree.clone();
    let ran = running.end().await.exits(0);
    has_noticed("all connections of a run", since);
    assert_eq!(app.content(), newest, "{ran}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watch_that_died_is_begun_anew() {
    let world = World::sandbox().await;
    let proxy = world.proxy();
    world.controllers().silence("kustomize");
    let watching = async || proxy.log().iter().any(asks("GET", "watch=true"));
    let running = Agent::with_kubeconfig(proxy.kubeconfig())
        .start("run flux.reconcile ks default atuin")
        .until("it watches", watching)
        .await;
    proxy.freeze();
    let frozen = Instant::now();
    world.controllers().answer("kustomize");
    running.end().await.exits(0);
    has_noticed("a watch", frozen);
}

/// All that a run has open: watches, requests, the connections that it keeps, and the renewal of its Lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_goes_on_when_all_its_connections_died() {
    let world = World::sandbox().await;
    let place = Place::new(&world, "media", "plex").await;
    let before = place.app.state().await;
    let running = restoring(&place, "").await;
    place.proxy.freeze();
    let frozen = Instant::now();
    world.controllers().answer("volsync");
    is_restored(&place.app, running, frozen).await;
    place.app.is_as(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_that_never_comes_is_read_again() {
    let world = World::sandbox().await;
    let proxy = world.proxy();
    proxy.plan(Fault::at(1, Kind::StallBefore).only(asks("GET", "/log")));
    let begun = Instant::now();
    let agent = Agent::with_kubeconfig(proxy.kubeconfig());
    let ran = agent.run("run volsync.list media plex").await.exits(0);
    assert!(proxy.stalled(), "no log was asked for: {ran}");
    has_noticed("a log", begun);
}

/// The connections die when a run is stopped, and a write is lost on its way back as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_put_back_over_connections_that_died() {
    let world = World::sandbox().await;
    let place = Place::new(&world, "media", "plex").await;
    let (before, present) = (place.app.state().await, place.app.content());
    let running = restoring(&place, "").await;
    let lost = Fault::at(1, Kind::StallAfter).only(asks("PATCH", "/deployments/"));
    place.proxy.plan(lost);
    place.proxy.freeze();
    let stopped = Instant::now();
    running.signal(Signal::INT);
    // What was there is brought back by VolSync.
    world.controllers().answer("volsync");
    let ran = running.end().await.exits(6);
    has_noticed("all connections of a run that is stopped", stopped);
    assert_eq!(place.app.content(), present, "{ran}");
    place.app.is_as(&before).await;
}
