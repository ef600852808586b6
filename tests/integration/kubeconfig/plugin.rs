//! A credential plugin as a process: how often it runs, and what becomes of one that does not end.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Instant;

use rustix::process::{Pid, Signal, test_kill_process};
use tempfile::TempDir;

use super::super::agent::{Agent, Running};
use super::door::Doors;
use super::paper::Papers;
use super::{LINE, api_server, fill};

const CONFIG: &str = "apiVersion: v1
kind: Config
current-context: home
clusters:
- name: home
  cluster: {server: 'https://127.0.0.1:{port}', certificate-authority-data: {ca}}
contexts:
- name: home
  context: {cluster: home, user: me}
users:
- name: me
  user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: IfAvailable, command: ./plugin.sh}}
";

/// It notes that it runs, and as which process, and never comes to an end.
const ENDLESS: &str = "#!/bin/sh\necho $$ > started\nexec sleep 1000\n";

fn write(folder: &TempDir, port: u16, plugin: &str) -> Agent {
    let words = [("port".to_owned(), port.to_string())];
    let config = folder.path().join("config");
    std::fs::write(&config, fill(CONFIG, &Papers::new(), &words)).expect("a kubeconfig");
    script(folder, plugin);
    Agent::of(&config)
        .within(folder.path())
        .with("PATH", "/usr/bin:/bin")
}

fn script(folder: &TempDir, text: &str) {
    let path = folder.path().join("plugin.sh");
    std::fs::write(&path, text).expect("a plugin");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("a program");
}

/// The process of an endless plugin, once there is one.
fn process(folder: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(folder.join("started")).ok()?;
    Pid::from_raw(text.trim().parse().ok()?)
}

async fn endless(agent: &Agent, folder: &Path, line: &str) -> (Running, Pid) {
    let running = agent
        .start(line)
        .until("the plugin runs", async || process(folder).is_some())
        .await;
    (running, process(folder).expect("a process"))
}

async fn is_gone(process: Pid) {
    let begin = Instant::now();
    while test_kill_process(process).is_ok() {
        assert!(
            begin.elapsed().as_secs() < 10,
            "the plugin outlives the agent"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_runs_once_for_all_requests_of_a_run() {
    let (folder, server, papers) = (
        tempfile::tempdir().expect("a folder"),
        api_server().await,
        Papers::new(),
    );
    let mut doors = Doors::new(server.client().await.expect("a client"));
    let port = doors.open(Some(papers.usual())).await;
    let words = [("port".to_owned(), port.to_string())];
    let agent = write(
        &folder,
        port,
        "#!/bin/sh\necho x >> runs\necho '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"good\"}}'\n",
    );
    std::fs::write(folder.path().join("config"), fill(CONFIG, &papers, &words))
        .expect("a kubeconfig");
    agent.run("run flux.status --all").await.exits(0);
    let requests = doors.seen().len();
    let runs = std::fs::read_to_string(folder.path().join("runs")).expect("runs");
    assert_eq!(
        (runs.as_str(), requests > 1),
        ("x\n", true),
        "{requests} requests"
    );
}

/// One that prints for ever costs no more memory than what it may print, and does not go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_prints_without_end_is_ended() {
    for stream in ["1", "2"] {
        let folder = tempfile::tempdir().expect("a folder");
        let script = format!("#!/bin/sh\necho $$ > started\nexec yes credentials >&{stream}\n");
        let agent = write(&folder, 1, &script);
        let ran = agent
            .run("run flux.status")
            .await
            .exits(5)
            .says("./plugin.sh");
        assert!(ran.stderr.len() < 4 << 20, "{}", ran.stderr.len());
        assert!(!ran.stdout.contains("credentials"), "{ran}");
        is_gone(process(folder.path()).expect("it has run")).await;
    }
}

/// However often a run asks for the cluster: for its lock, its record, and its plugin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plugin_that_fails_is_not_run_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = write(
        &folder,
        1,
        "#!/bin/sh\necho x >> runs\necho no >&2\nexit 3\n",
    );
    for line in [
        "run volsync.restore media plex --yes",
        "run flux.reconcile ks media plex",
    ] {
        let ran = agent
            .run(line)
            .await
            .exits(5)
            .says("failed with exit code 3");
        assert_eq!(ran.stderr.matches("no\n").count(), 1, "{ran}");
        let runs = std::fs::read_to_string(folder.path().join("runs")).expect("runs");
        assert_eq!(runs, "x\n", "{line}");
        std::fs::remove_file(folder.path().join("runs")).expect("a file");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ctrl_c_ends_a_plugin_that_does_not_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = write(&folder, 1, ENDLESS);
    let (running, process) = endless(&agent, folder.path(), LINE).await;
    let begin = Instant::now();
    running.signal(Signal::INT);
    let ran = running.end().await;
    assert!(
        begin.elapsed().as_secs() < 10 && ran.code() != Some(0),
        "{ran}"
    );
    is_gone(process).await;
}

/// Nobody waits at a prompt for a login.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completion_does_not_wait_for_a_plugin_and_says_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let agent = write(&folder, 1, ENDLESS);
    let begin = Instant::now();
    let ran = agent
        .run("__complete 5 -- agent run flux.status ks media p")
        .await;
    assert!(
        begin.elapsed().as_secs() < 10,
        "{:?}: {ran}",
        begin.elapsed()
    );
    assert_eq!(ran.stderr, "", "{ran}");
    is_gone(process(folder.path()).expect("a plugin that was asked")).await;
}
