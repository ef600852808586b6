//! Files and directories that are not what they should be: nothing hangs, nothing fills the memory, and nothing is believed that others could have
//! written.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;

use super::agent::Agent;
use super::world::World;

/// Whatever is read is refused at once, and not when memory is full or somebody has written into a pipe.
const AT_ONCE: Duration = Duration::from_secs(20);

fn make_pipe(path: &Path) {
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, path, mode).expect("making a pipe");
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("setting a mode");
}

/// The agent's directory of a sort beneath its home.
fn directory(agent: &Agent, beneath: &str) -> PathBuf {
    let path = agent.home().join(beneath);
    fs::create_dir_all(&path).expect("making a directory");
    set_mode(&path, 0o700);
    path
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused_wherever_a_file_is_named() {
    let agent = Agent::alone().patient(AT_ONCE);
    let (pipe, folder) = (agent.home().join("pipe"), agent.home().join("folder"));
    let (socket, large) = (agent.home().join("socket"), agent.home().join("large"));
    make_pipe(&pipe);
    fs::create_dir(&folder).expect("making a folder");
    let _listening = UnixListener::bind(&socket).expect("making a socket");
    let file = fs::File::create(&large).expect("making a file");
    // It takes no room.
    file.set_len(10 << 30).expect("growing a file");
    for (path, wanted) in [
        (Path::new("/dev/zero"), "is a device"),
        (&pipe, "is a pipe"),
        (&folder, "is a directory"),
        (&socket, "is a socket"),
        (&large, "has more than"),
    ] {
        let path = path.display();
        for line in [
            format!("run --plugin {path} hello.greet"),
            format!("plugin inspect {path}"),
            format!("apply {path} --yes"),
        ] {
            // Without a dot the word names a plugin and not a file.
            agent.run(&line).await.exits(2).says(wanted);
        }
        if wanted != "is a pipe" {
            let line = format!("run flux.status ks media plex --kubeconfig {path}");
            agent.run(&line).await.exits(5).says(wanted);
        }
    }
    // A shell makes pipes, so this one is looked into: nobody is at its other end.
    let line = format!(
        "run flux.status ks media plex --kubeconfig {}",
        pipe.display()
    );
    agent.run(&line).await.exits(5).says("nobody writes to");
}

#[tokio::test]
async fn settings_are_a_regular_file_that_nobody_else_can_write() {
    for (what, code) in [
        ("pipe", 2),
        ("folder", 2),
        ("link", 2),
        ("large", 2),
        ("open", 4),
    ] {
        let agent = Agent::alone().patient(AT_ONCE);
        let settings = directory(&agent, ".config/agent").join("agent.toml");
        match what {
            "pipe" => make_pipe(&settings),
            "folder" => fs::create_dir(&settings).expect("making a folder"),
            "link" => std::os::unix::fs::symlink("/dev/zero", &settings).expect("a link"),
            "large" => fs::write(&settings, "#".repeat(100 << 10)).expect("written"),
            _ => {
                fs::write(&settings, "").expect("written");
                set_mode(&settings, 0o666);
            }
        }
        let ran = agent
            .run("list")
            .await
            .exits(code)
            .says("reading the settings");
        if what == "open" {
            ran.says(&format!("Hint: chmod go-w {}", settings.display()));
        }
    }
}

#[tokio::test]
async fn configuration_that_others_can_write_to_is_refused() {
    let agent = Agent::alone();
    let config = directory(&agent, ".config/agent");
    set_mode(&config, 0o777);
    let hint = format!("Hint: chmod go-w {}", config.display());
    agent.run("plugin list").await.exits(4).says(&hint);
    set_mode(&config, 0o755);
    agent.run("plugin list").await.exits(0);
    let above = agent.home().join(".config");
    set_mode(&above, 0o777);
    let hint = format!("Hint: chmod o-w {}", above.display());
    agent.run("plugin list").await.exits(4).says(&hint);
}

#[tokio::test]
async fn grants_that_others_can_write_are_refused() {
    let agent = Agent::alone().patient(AT_ONCE);
    let config = directory(&agent, ".config/agent");
    let plugins = directory(&agent, ".local/share/agent/plugins");
    fs::write(plugins.join("a.wasm"), b"no plugin").expect("writing a file");
    fs::write(config.join("grants.toml"), "").expect("writing grants");
    set_mode(&config.join("grants.toml"), 0o666);
    // Bundled plugins need none.
    agent.run("list").await.exits(0);
    set_mode(&plugins, 0o777);
    let listed = agent.run("plugin list").await.exits(0);
    listed.says("mode 0777");
}

/// A pipe in the folder keeps nobody waiting.
#[tokio::test]
async fn pipe_in_the_plugin_folder_is_in_nobodys_way() {
    let agent = Agent::alone().patient(AT_ONCE);
    let plugins = directory(&agent, ".local/share/agent/plugins");
    make_pipe(&plugins.join("x.wasm"));
    for line in ["list", "plugin list", "runs"] {
        agent.run(line).await.exits(0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_that_only_looks_says_that_nobody_will_remember_it() {
    let world = World::sandbox().await;
    let agent = world.agent();
    let state = directory(&agent, ".local/state/agent");
    agent.run("run flux.status ks media plex").await.exits(0);
    set_mode(&state, 0o777);
    let ran = agent.run("run flux.status ks media plex").await.exits(0);
    let ran = ran.says("this run is not remembered");
    ran.says(&format!("chmod go-w {}", state.display()));
    let line = "run flux.suspend ks media plex --yes";
    agent.run(line).await.exits(1).says("mode 0777");
}

/// What is put back was written by the agent, and by nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn record_that_somebody_edited_is_not_taken_back() {
    let world = World::sandbox().await;
    let agent = world.agent();
    let suspend = agent.run("run flux.suspend ks media plex --yes").await;
    suspend.exits(0);
    let path = agent.home().join(".local/state/agent/journal.db");
    let database = Connection::open(&path).expect("opening the journal");
    let edit =
        "UPDATE entry SET body = replace(body, '\"plex\"', '\"evil\"') WHERE kind = 'intent'";
    let changed = database.execute(edit, ()).expect("changing the journal");
    assert_ne!(changed, 0);
    drop(database);
    let ran = agent.run("undo last --yes").await;
    assert_ne!(ran.code(), Some(0), "{ran}");
    ran.says("is not as it was written");
}
