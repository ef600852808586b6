//! A journal that is not as it was written: what can be read is read, and nothing is changed that could not be put on record.

use std::fs;
use std::path::{Path, PathBuf};

use agent_testbed::fault::{Fault, Kind};
use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::agent::Agent;
use super::fault::Place;
use super::kind::SCALED_OBJECT;
use super::scenario::scenarios;
use super::world::World;

scenarios![
    damaged_run_is_neither_forgotten_nor_in_the_way_of_others: "the app stays as the run has left it",
    journal_that_cannot_be_used_keeps_from_changes_only,
];

fn journal(agent: &Agent) -> PathBuf {
    agent.home().join(".local/state/agent/journal.db")
}

/// Changes the database, and leaves all of it in the one file.
fn spoil(path: &Path, sql: &str) {
    let database = Connection::open(path).expect("opening the journal");
    let changed = database.execute_batch(sql);
    changed.expect("changing the journal");
    let all = "PRAGMA wal_checkpoint(TRUNCATE)";
    database
        .query_row(all, (), |_| Ok(()))
        .expect("a whole file");
    database.close().expect("closing the journal");
}

/// Spoils the pages of the table of runs and its index.
fn spoil_pages(path: &Path) {
    spoil(path, "SELECT 1");
    let mut bytes = fs::read(path).expect("reading the journal");
    bytes[4096..3 * 4096].fill(7);
    fs::write(path, bytes).expect("writing the journal");
}

fn replace(path: &Path) {
    spoil(path, "SELECT 1");
    fs::write(path, "text\n".repeat(3000)).expect("writing the journal");
}

/// What happens to the file, what the agent says of it then, and how it is done.
type Case = (&'static str, &'static str, fn(&Path));

const CASES: [Case; 4] = [
    ("pages", "is damaged", spoil_pages),
    ("no database", "is damaged", replace),
    ("another program", "is no journal of the agent", |path| {
        spoil(path, "PRAGMA application_id = 7");
    }),
    ("a newer format", "has format 4", |path| {
        spoil(path, "PRAGMA user_version = 4");
    }),
];

/// Kills a restore that holds its app, and returns the run.
async fn killed(place: &Place<'_>, agent: &Agent) -> String {
    let restores = Fault::at(1, Kind::StallBefore);
    place.proxy.plan(restores.only(|request| {
        request.method == "POST" && request.path.contains("/replicationdestinations")
    }));
    let line = format!("run volsync.restore media {} --yes", place.app.name);
    let running = agent.start(&line);
    let running = running
        .until("it restores", async || place.proxy.stalled())
        .await;
    running.signal(Signal::KILL);
    running.end().await;
    place.proxy.clear();
    let left = agent
        .run("runs --unfinished -o json")
        .await
        .exits(0)
        .events();
    left[0]["run"].as_str().expect("a run").to_owned()
}

async fn damaged_run_is_neither_forgotten_nor_in_the_way_of_others(world: &World) {
    let place = Place::new(world, "media", "tautulli").await;
    let agent = Agent::with_kubeconfig(place.proxy.kubeconfig());
    let run = killed(&place, &agent).await;
    let held = place.app.state().await;
    let dreamt = r#"UPDATE entry SET body = '{"entry":"dreamt"}' WHERE number = 7"#;
    spoil(&journal(&agent), dreamt);
    let notice = format!("run {run} (volsync.restore media tautulli) has a damaged record");
    agent.run("list").await.exits(0).says(&notice);
    agent.run("run keda.pause media radarr").await.exits(0);
    agent.run("undo last --yes").await.exits(0);
    let listed = agent.run("runs").await.exits(0);
    listed
        .says("damaged")
        .says(&run)
        .says("keda.pause media radarr");
    let shown = agent.run(&format!("runs show {run}")).await.exits(0);
    shown
        .says("entry 7 cannot be read")
        .says("deployments media/tautulli")
        .says("put in order by hand what it changed");
    for how in ["undo", "resume", "undo --give-up"] {
        let (code, yes) = match how {
            "undo --give-up" => (3, ""),
            _ => (1, "--yes"),
        };
        let ran = agent.run(&format!("{how} {run} {yes}")).await.exits(code);
        ran.says("is damaged: nobody knows all that it has done");
    }
    let again = "run volsync.restore media tautulli --yes";
    agent.run(again).await.exits(1).says(&run);
    let wrong = held.differences(&place.app.state().await);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let line = format!("undo {run} --give-up --yes");
    let given_up = agent.run(&line).await.exits(0);
    given_up.says("what it changed stays as it is");
    let left = agent.run("runs --unfinished").await.exits(0);
    left.says("nothing is left to do");
    assert!(place.app.is_down().await);
    let planned = agent.run(&format!("{again} --plan")).await;
    assert!(
        !planned.stderr.contains(&run),
        "its locks are free: {planned}"
    );
}

async fn journal_that_cannot_be_used_keeps_from_changes_only(world: &World) {
    let app = world.app("media", "sonarr").await;
    for (what, said, change) in CASES {
        let agent = world.agent();
        agent.run("run keda.pause media sonarr").await.exits(0);
        agent.run("undo last --yes").await.exits(0);
        let path = journal(&agent);
        change(&path);
        let before = wished(&app.get(SCALED_OBJECT).await);
        let ran = agent.run("run keda.pause media sonarr").await;
        let ran = ran.exits(1).says(said).says(path.to_str().expect("UTF-8"));
        assert!(ran.stderr.contains("Hint: "), "{what}: {ran}");
        assert_eq!(before, wished(&app.get(SCALED_OBJECT).await), "{what}");
        for line in ["runs", "runs show last"] {
            agent.run(line).await.exits(1).says(said);
        }
        agent.run("run keda.status").await.exits(0);
        agent.run("list").await.exits(0);
        agent
            .run("run keda.pause media sonarr --plan")
            .await
            .exits(0);
    }
}

/// What people and agents set of an object; its controller writes the rest whenever it likes.
fn wished(object: &Value) -> Value {
    json!([object["spec"], object["metadata"]["annotations"]])
}
