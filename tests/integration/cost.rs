//! What a hostile plugin costs this machine, and that the process can be stopped whatever it is at.

use std::fs::Permissions;
use std::io::PipeReader;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use super::agent::{Agent, Ran, Running};
use super::kind;
use super::world::World;

mod artifact;

/// How long the process may take to end after the second signal: less than a second where nothing else is at work, and without that thread for ever.
const AT_ONCE: Duration = Duration::from_secs(30);
/// Signals that come closer together are one.
const APART: Duration = Duration::from_millis(300);
/// An address space for the agent, in KiB, and what each instance reserves of it for its memory without using that.
const ADDRESS_SPACE: u64 = 2 << 20;
const INSTANCE: u64 = 17 << 18;

/// Agrees to what a plugin asks for, by the hint.
pub(super) async fn grant(agent: &Agent, line: &str) {
    let refused = agent.run(line).await.exits(4);
    let inspected = agent.run(&refused.pasted()).await.exits(0);
    let grant = inspected.pasted();
    agent.run(&grant.replace('\'', "")).await.exits(0);
}

async fn world_with_settings() -> World {
    let world = World::sandbox().await;
    let settings = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings", "namespace": "default" },
        "data": { "mode": "before" },
    });
    world.create(kind::CONFIG_MAP, &settings).await;
    world
}

async fn mode(world: &World) -> String {
    let settings = world.get(kind::CONFIG_MAP, "default", "settings").await;
    settings["data"]["mode"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Sends two signals, and returns how long the process goes on after the second one.
async fn stop_twice(running: Running, signal: Signal) -> (Duration, Ran) {
    running.signal(signal);
    tokio::time::sleep(APART).await;
    let begun = Instant::now();
    running.signal(signal);
    let ran = running.end().await;
    (begun.elapsed(), ran)
}

#[track_caller]
fn was_at_once((took, ran): &(Duration, Ran)) {
    assert!(*took < AT_ONCE, "{took:?}: {ran}");
}

/// Each has the host hold, work on or say more than fits. None may bring the process down: what it began would stay as it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hoarding_plugins_end_at_a_limit_in_a_small_address_space() {
    let (world, guests) = (world_with_settings().await, artifact::guests());
    let agent = world.agent().patient(Duration::from_secs(120));
    let line = |guest: &str| {
        let guests = guests.display();
        format!("run --plugin {guests} guests.{guest} --yes -o json")
    };
    grant(&agent, &line("greet")).await;
    for (guest, instances, wanted) in [
        ("greet", 1, "hello, world"),
        ("eat-memory", 1, "plugin.out-of-memory"),
        ("hold-at-length", 1, "\"kind\":\"exhausted\""),
        ("write-at-length", 1, "cluster.invalid"),
        ("return-at-length", 1, "plugin.result-too-large"),
        ("select-at-length", 1, "cluster.invalid"),
        ("fail-at-length", 1, "guests.failed"),
        ("be-told-at-length", 2, "\"value\":81920"),
        ("watch-nothing", 1, "cluster.invalid"),
        ("have-others-talk", 9, "\"value\":16"),
        ("have-others-compute", 2, "plugin.out-of-cpu"),
        ("print-without-end", 1, "plugin.out-of-cpu"),
        // Whichever of its two limits comes first, on this machine.
        ("call-without-end", 1, "\"kind\":\"exhausted\""),
        ("stand-in-without-end", 1, "exhausted"),
        ("flood-log", 1, "flooded"),
    ] {
        let space = ADDRESS_SPACE + INSTANCE * instances;
        let shell = format!("ulimit -v {space}; exec \"$@\"");
        let by = ["sh", "-c", &shell, "sh"];
        let ran = agent
            .start_by(&by, &line(guest), Stdio::piped())
            .end()
            .await;
        let said = ran
            .events()
            .pop()
            .unwrap_or_else(|| panic!("no end in {ran}"));
        assert_eq!(said["event"], "finished", "{guest}: {said}");
        assert!(said.to_string().contains(wanted), "{guest}: {said}");
    }
    assert_eq!(mode(&world).await, "before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_signal_ends_the_agent_while_a_plugin_is_compiled() {
    let agent = Agent::alone();
    let dear = agent.home().join("dear.wasm");
    std::fs::write(&dear, artifact::dear()).expect("a plugin");
    for signal in [Signal::INT, Signal::TERM] {
        let running = agent.start(&format!("run --plugin {} dear.run", dear.display()));
        let id = running.id();
        let running = running
            .until("it is compiled", async || compiler(id).is_some())
            .await;
        let compiler = compiler(id).expect("a process");
        was_at_once(&stop_twice(running, signal).await);
        let begun = Instant::now();
        while Path::new(&format!("/proc/{compiler}/exe")).exists() {
            assert!(begun.elapsed() < AT_ONCE, "the compiler outlives the agent");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The process that compiles for an agent.
fn compiler(agent: u32) -> Option<u32> {
    let children = format!("/proc/{agent}/task");
    let tasks = std::fs::read_dir(children).ok()?.flatten();
    let children =
        tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    children
        .collect::<String>()
        .split_whitespace()
        .find_map(|child| child.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plugin_that_is_too_dear_to_compile_is_refused_with_the_limit() {
    let agent = Agent::alone().patient(Duration::from_secs(150));
    let dear = agent.home().join("dear.wasm");
    std::fs::write(&dear, artifact::dear()).expect("a plugin");
    let ran = agent
        .run(&format!("run --plugin {} dear.run", dear.display()))
        .await
        .exits(1);
    assert!(ran.stderr.contains("cannot be compiled"), "{ran}");
    assert!(ran.stderr.contains("compiling it takes"), "{ran}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_signal_ends_the_agent_while_a_credential_plugin_hangs() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = "apiVersion: v1
kind: Config
current-context: home
clusters: [{name: home, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: home, context: {cluster: home, user: me}}]
users: [{name: me, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: ./plugin.sh}}}]
";
    let (kubeconfig, plugin) = (
        folder.path().join("config"),
        folder.path().join("plugin.sh"),
    );
    std::fs::write(&kubeconfig, config).expect("a kubeconfig");
    // Deaf as well.
    let deaf = "#!/bin/sh\ntrap '' INT TERM\ntouch started\nwhile :; do sleep 1; done\n";
    std::fs::write(&plugin, deaf).expect("a plugin");
    std::fs::set_permissions(&plugin, Permissions::from_mode(0o755)).expect("a program");
    let agent = Agent::of(&kubeconfig)
        .within(folder.path())
        .with("PATH", "/usr/bin:/bin");
    for line in ["run flux.status", "run flux.reconcile ks media plex"] {
        let started = folder.path().join("started");
        let running = agent.start(line);
        let running = running
            .until("the plugin runs", async || started.exists())
            .await;
        std::fs::remove_file(&started).expect("a file");
        let stopped = stop_twice(running, Signal::TERM).await;
        was_at_once(&stopped);
    }
}

/// Whoever follows the run hangs in writing, and hears no signal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_signal_ends_the_agent_whose_words_nobody_reads_and_the_record_leads_back() {
    let (world, guests) = (world_with_settings().await, artifact::guests());
    let agent = world.agent();
    let line = format!(
        "run --plugin {} guests.change-and-talk-to-nobody --yes -o json",
        guests.display()
    );
    grant(&agent, &line).await;
    let (unread, writer): (PipeReader, _) = std::io::pipe().expect("a pipe");
    let running = agent
        .start_into(&line, writer.into())
        .until("it is held", async || mode(&world).await != "before")
        .await;
    // Until the pipe is full.
    world
        .until("nothing changes any more", async || {
            let before = mode(&world).await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            mode(&world).await == before
        })
        .await;
    let stopped = stop_twice(running, Signal::TERM).await;
    was_at_once(&stopped);
    drop(unread);
    assert_ne!(mode(&world).await, "before");
    agent.run("undo last --yes").await.exits(0);
    assert_eq!(mode(&world).await, "before");
}
