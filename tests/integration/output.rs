//! How results leave the process: JSON lines, widths, colours, and a reader that has gone.

use super::agent::Agent;
use super::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_is_one_object_a_line_and_ends_with_the_outcome() {
    let world = World::sandbox().await;
    let line = "run volsync.restore media plex --yes -o json";
    let ran = world.agent().run(line).await.exits(0);
    let events = ran.events();
    assert!(
        events.iter().all(|event| event["event"].is_string()),
        "{ran}"
    );
    assert_eq!(events[0]["event"], "started");
    assert_eq!(events.last().expect("events")["event"], "finished");
    let failed = world
        .agent()
        .run("run volsync.restore media plexx --yes -o json")
        .await;
    let last = failed.events().pop().expect("events");
    assert_eq!(last["outcome"]["outcome"], "failed", "{failed}");
}

/// The secret's password is in the cluster, and in nothing that the agent prints.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn password_of_the_repository_is_nowhere_in_the_output() {
    let world = World::sandbox().await;
    let repositories = agent_sandbox_home::repositories();
    let plex = repositories
        .iter()
        .find(|one| one.url == "/repository/plex");
    let password = &plex.expect("a repository").password;
    let ran = world
        .agent()
        .run("run volsync.restore media plex --yes -o json -vv")
        .await
        .exits(0);
    assert!(!ran.stdout.contains(password) && !ran.stderr.contains(password));
}

/// What goes into a pipe is not cut, but help is always for people. Only what is copied stays in one line.
#[tokio::test]
async fn help_keeps_to_forty_columns() {
    let agent = Agent::alone().with("COLUMNS", "40");
    for line in ["--help", "run volsync.restore --help", "plugin --help"] {
        let ran = agent.run(line).await.exits(0);
        let copied =
            |line: &str| line.trim_start().starts_with("agent ") || line.starts_with("Usage:");
        let mut lines = ran.stdout.lines().filter(|line| !copied(line));
        let long = lines.find(|line| line.chars().count() > 40);
        assert_eq!(long, None, "{ran}");
    }
}

#[tokio::test]
async fn colour_is_for_those_who_ask_for_it() {
    let coloured = Agent::alone().run("--color always list").await.exits(0);
    assert!(coloured.stdout.contains('\x1b'), "{coloured}");
    let plain = Agent::alone().run("list").await.exits(0);
    assert!(!plain.stdout.contains('\x1b'), "{plain}");
    let refused = Agent::alone()
        .with("NO_COLOR", "1")
        .run("run no.such")
        .await;
    assert!(!refused.stderr.contains('\x1b'), "{refused}");
}

/// A reader such as `head` goes before the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reader_that_has_gone_is_no_crash() {
    let world = World::sandbox().await;
    let app = world.app("media", "plex").await;
    for line in [
        "list",
        "--help",
        "run volsync.status",
        "run volsync.status -o json",
    ] {
        let ran = world.agent().start_into(line, gone()).end().await;
        assert!(!ran.stderr.contains("panicked"), "{ran}");
        assert_ne!(ran.code(), Some(70), "{ran}");
    }
    let before = app.state().await;
    let (present, newest) = (app.content(), app.snapshots()[0].tree.clone());
    let line = "run volsync.restore media plex --yes -o json";
    let ran = world.agent().start_into(line, gone()).end().await;
    assert!(!ran.stderr.contains("panicked"), "{ran}");
    assert!([present, newest].contains(&app.content()), "{ran}");
    app.is_as(&before).await;
}

/// A disk that is full. What is running goes on, and the loss is told in the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn result_that_cannot_be_written_is_a_failure() {
    let full = || std::fs::File::create("/dev/full").expect("a full disk");
    let said = "Error: writing the result: no space left on device";
    for line in ["list", "--help", "completions bash", "plugin list -o json"] {
        let ran = Agent::alone().start_into(line, full().into()).end().await;
        ran.exits(1).says(said);
    }
    let world = World::sandbox().await;
    let app = world.app("media", "plex").await;
    let (before, newest) = (app.state().await, app.snapshots()[0].tree.clone());
    let line = "run volsync.restore media plex --yes -o json";
    let ran = world.agent().start_into(line, full().into()).end().await;
    let ran = ran.exits(1).says(said);
    assert_eq!(app.content(), newest, "{ran}");
    app.is_as(&before).await;
}

/// The writing end of a pipe that nobody reads.
fn gone() -> std::process::Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}
