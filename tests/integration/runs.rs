//! What is remembered of runs, and what can be done with it afterwards.

use serde_json::{Value, json};

use super::agent::{Agent, Ran};
use super::kind::{HELM_RELEASE, KUSTOMIZATION, REPLICATION_SOURCE, SCALED_OBJECT};
use super::scenario::scenarios;
use super::world::World;

scenarios![
    failed_run_that_is_kept_is_taken_back_later,
    failed_run_that_nobody_is_asked_about_is_taken_back,
    run_that_is_over_is_taken_back_once,
    later_change_of_somebody_else_is_left_alone,
    what_cannot_be_put_back_is_tried_again_or_given_up,
    run_whose_cluster_is_gone_is_given_up: "the real control plane stays",
    run_is_named_by_the_beginning_of_its_id,
    run_is_remembered_with_what_it_changed,
    runs_that_are_over_are_forgotten_as_it_is_set,
    two_machines_are_never_at_one_app,
    last_run_to_take_back_is_one_whose_change_was_to_last,
];

/// The lines of a command that prints documents.
fn documents(ran: &Ran) -> Vec<Value> {
    ran.events()
}

async fn listed(agent: &Agent, filter: &str) -> Vec<Value> {
    let line = format!("runs {filter} -o json");
    documents(&agent.run(&line).await.exits(0))
}

/// Restores with a mover that fails, and what it held is to be kept or not.
async fn failing_restore(world: &World, app: &super::app::App<'_>, then: &str) -> (Agent, Ran) {
    world.controllers().silence("volsync");
    let agent = world.agent();
    let line = format!(
        "run volsync.restore {} {} --yes -o json --no-safety-snapshot --timeout 2s --on-failure {then}",
        app.namespace, app.name
    );
    let ran = agent.run(&line).await;
    (agent, ran)
}

async fn failed_run_that_is_kept_is_taken_back_later(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let (before, present) = (app.state().await, app.content());
    let (agent, ran) = failing_restore(world, &app, "keep").await;
    let ran = ran.exits(1);
    assert!(app.is_down().await && app.is_paused().await, "{ran}");
    assert!(app.is_suspended(KUSTOMIZATION).await && app.is_suspended(HELM_RELEASE).await);
    let left = listed(&agent, "--unfinished").await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(left[0]["held"].as_u64() > Some(3), "{left:?}");
    agent.run("list").await.exits(0).says("agent undo");
    // What is kept is the ReplicationDestination too, and VolSync would go on with it.
    agent.run("undo last --yes").await.exits(0);
    world.controllers().answer("volsync");
    assert_eq!(app.content(), present);
    app.is_as(&before).await;
    assert!(listed(&agent, "--unfinished").await.is_empty());
}

/// There is no terminal, and nobody has agreed beforehand either: what is to stay, somebody must say. A manual tag that stays would switch the
/// app's schedule off.
async fn failed_run_that_nobody_is_asked_about_is_taken_back(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let before = app.state().await;
    let agent = world.agent();
    world.controllers().silence("volsync");
    for agreed in ["", "--yes"] {
        let line =
            format!("run volsync.snapshot media plex --timeout 2s --on-failure ask {agreed}");
        agent.run(&line).await.exits(1);
        let source = app.get(REPLICATION_SOURCE).await;
        assert!(source["spec"]["trigger"]["manual"].is_null(), "{source}");
    }
    world.controllers().answer("volsync");
    app.is_as(&before).await;
    assert!(listed(&agent, "--unfinished").await.is_empty());
    assert_eq!(listed(&agent, "--failed").await.len(), 2);
}

async fn run_that_is_over_is_taken_back_once(world: &World) {
    let app = world.app("media", "sonarr").await;
    let before = app.state().await;
    let agent = world.agent();
    agent.run("run keda.pause media sonarr").await.exits(0);
    assert!(app.is_paused().await);
    agent.run("undo last").await.exits(3).says("--yes");
    assert!(app.is_paused().await);
    agent.run("undo last --yes").await.exits(0);
    app.gets_as(&before).await;
    let version = app.get(SCALED_OBJECT).await["metadata"]["resourceVersion"].clone();
    agent.run("undo last --yes").await.exits(0);
    agent.run("resume last --yes").await.exits(0);
    assert_eq!(
        version,
        app.get(SCALED_OBJECT).await["metadata"]["resourceVersion"]
    );
}

async fn later_change_of_somebody_else_is_left_alone(world: &World) {
    let app = world.app("media", "lidarr").await;
    let agent = world.agent();
    agent.run("run keda.pause media lidarr").await.exits(0);
    let theirs = json!({"metadata": {"annotations": {"autoscaling.keda.sh/paused": "false"}}});
    app.merge(SCALED_OBJECT, theirs).await;
    let ran = agent.run("undo last --yes").await.exits(0);
    let ran = ran.says("somebody else set");
    let paused =
        &app.get(SCALED_OBJECT).await["metadata"]["annotations"]["autoscaling.keda.sh/paused"];
    assert_eq!(*paused, "false", "{ran}");
    let mine = json!({"metadata": {"annotations": {"autoscaling.keda.sh/paused": null}}});
    app.merge(SCALED_OBJECT, mine).await;
}

/// Whoever takes the run back may not write. It stays unfinished until somebody may, or says that it is to stay as it is.
async fn what_cannot_be_put_back_is_tried_again_or_given_up(world: &World) {
    let app = world.app("media", "jellyfin").await;
    let before = app.state().await;
    let agent = world.agent();
    let reader = agent.home().join("reader");
    std::fs::write(&reader, world.reader().await).expect("writing a kubeconfig");
    let undo = |how: &str| format!("undo last --yes {how}");
    let as_reader = |how: &str| undo(&format!("{how} --kubeconfig {}", reader.display()));
    agent.run("run keda.pause media jellyfin").await.exits(0);
    let stuck = agent.run(&as_reader("")).await.exits(1);
    stuck
        .says("forbidden")
        .says("with --give-up leaves it as it is");
    assert_eq!(listed(&agent, "--unfinished").await.len(), 1);
    agent.run(&undo("")).await.exits(0);
    app.gets_as(&before).await;
    agent.run("run keda.pause media jellyfin").await.exits(0);
    agent.run(&as_reader("--give-up")).await.exits(1);
    assert!(listed(&agent, "--unfinished").await.is_empty());
    assert!(app.is_paused().await);
    agent.run("run keda.resume media jellyfin").await.exits(0);
}

/// Nobody can put anything back there any more.
async fn run_whose_cluster_is_gone_is_given_up(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let proxy = world.proxy();
    let agent = Agent::with_kubeconfig(proxy.kubeconfig());
    world.controllers().silence("volsync");
    let line = "run volsync.restore media plex --yes --no-safety-snapshot";
    let running = agent.start(line);
    let running = running.until("it restores", || app.is_restoring()).await;
    running.signal(rustix::process::Signal::KILL);
    running.end().await;
    drop(proxy);
    world.controllers().answer("volsync");
    let one = listed(&agent, "--unfinished").await[0]["run"].clone();
    let one = one.as_str().expect("a run");
    let stuck = agent.run(&format!("undo {one} --yes")).await;
    assert_ne!(stuck.code(), Some(0), "{stuck}");
    let ran = agent
        .run(&format!("undo {one} --yes --give-up"))
        .await
        .exits(1);
    ran.says("kustomizations media/plex");
    assert!(listed(&agent, "--unfinished").await.is_empty());
}

async fn run_is_named_by_the_beginning_of_its_id(world: &World) {
    let app = world.app("media", "radarr").await;
    let agent = world.agent();
    agent.run("run flux.sync ks media radarr").await.exits(0);
    agent.run("run flux.sync hr media radarr").await.exits(0);
    let runs = listed(&agent, "").await;
    let ids: Vec<_> = runs.iter().filter_map(|run| run["run"].as_str()).collect();
    assert_eq!(ids.len(), 2, "{runs:?}");
    let shared = ids[0].chars().zip(ids[1].chars());
    let shared = shared.take_while(|(one, other)| one == other).count();
    let brief = &ids[1][..=shared];
    let ran = agent.run(&format!("runs show {brief} -o json")).await;
    assert_eq!(documents(&ran)[0]["summary"]["run"], ids[1], "{ran}");
    agent.run("runs show last").await.exits(0).says(ids[0]);
    agent
        .run("runs show zzzzzzzzz")
        .await
        .exits(1)
        .says("zzzzzzzzz");
    drop(app);
}

async fn run_is_remembered_with_what_it_changed(world: &World) {
    let app = world.app("media", "sabnzbd").await;
    let agent = world.agent();
    let line = "run flux.suspend ks media sabnzbd";
    agent.run(line).await.exits(0);
    let shown = agent.run("runs show last").await.exits(0);
    for part in [
        "flux.suspend ks media sabnzbd",
        "kustomizations media/sabnzbd",
        "spec.suspend",
        "exit code 0",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {shown}");
    }
    let followed = agent.run("runs follow last -o json").await.exits(0);
    let changed = followed.events_named("changed");
    assert_eq!(changed.len(), 1, "{followed}");
    assert_eq!(changed[0]["effect"]["fields"][0]["path"], "/spec/suspend");
    agent.run("undo last --yes").await.exits(0);
    assert!(!app.is_suspended(KUSTOMIZATION).await);
    assert_eq!(listed(&agent, "").await[0]["state"], "undone");
}

async fn runs_that_are_over_are_forgotten_as_it_is_set(world: &World) {
    let app = world.app("media", "bazarr").await;
    let agent = world.agent();
    for line in [
        "run flux.sync ks media bazarr",
        "run flux.sync hr media bazarr",
    ] {
        agent.run(line).await.exits(0);
    }
    agent.run("runs prune --days 1").await.exits(0);
    assert_eq!(listed(&agent, "").await.len(), 2);
    let folder = agent.home().join(".config/agent");
    std::fs::create_dir_all(&folder).expect("making a folder");
    let set = |text: &str| std::fs::write(folder.join("agent.toml"), text).expect("writing");
    set("[journal]\nkeep-for = 3\n");
    let wrong = agent.run("runs prune").await.exits(2);
    let wrong = wrong.says("unknown field `keep-for`");
    assert!(wrong.stderr.contains("agent.toml"), "{wrong}");
    set("[journal]\nkeep-size = \"0\"\n");
    let ran = agent.run("runs prune -o json").await.exits(0);
    assert_eq!(documents(&ran)[0]["runs"], 2, "{ran}");
    assert!(listed(&agent, "").await.is_empty());
    drop(app);
}

/// Each has a journal of its own, so only the Lease keeps them apart.
async fn two_machines_are_never_at_one_app(world: &World) {
    let app = world.app("default", "mealie").await;
    let before = app.state().await;
    let line = "run volsync.restore default mealie --yes --no-safety-snapshot --timeout 40s";
    for _ in 0..5 {
        let (one, other) = (world.agent(), world.agent());
        let ran = tokio::join!(one.run(line), other.run(line));
        let [one, other] = [&ran.0, &ran.1];
        let refused = |ran: &Ran| ran.code() == Some(1) && ran.stderr.contains("is locked by run");
        let right = [(one, other), (other, one)];
        let right = right.map(|(done, not)| done.code() == Some(0) && refused(not));
        assert!(right.contains(&true), "{one}\n{other}");
    }
    app.is_unharmed();
    app.is_as(&before).await;
}

/// A run that listed snapshots since has made a Job and removed it: nobody means that one.
async fn last_run_to_take_back_is_one_whose_change_was_to_last(world: &World) {
    let app = world.app("media", "lidarr").await;
    let before = app.state().await;
    let agent = world.agent();
    agent.run("run keda.pause media lidarr").await.exits(0);
    agent.run("run volsync.list media lidarr").await.exits(0);
    let none = "run volsync.restore media lidarr --yes --previous 99";
    agent.run(none).await.exits(1);
    // Once more is no more: it is not the run before that is taken back then.
    for said in ["keda.pause", "nothing is left to do"] {
        agent.run("undo last --yes").await.exits(0).says(said);
    }
    app.is_as(&before).await;
}
