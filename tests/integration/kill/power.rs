//! Runs that end with the power: their process is killed, and of the journal's log only a beginning is left.
//!
//! A commit that the agent has waited for is on the disk then, unless the disk lies; what came after it may be there or not. Wherever the log ends,
//! the journal opens, has all whole commits, and says what is not known. By default a sample of the cuts is made; `AGENT_TEST_CUTS=all` makes all.

use agent_testbed::fault::{Fault, Kind, Request};

use super::{Moment, Trial, restore, victim};
use crate::integration::agent::Agent;
use crate::integration::kind::REPLICATION_DESTINATION;
use crate::integration::scenario::scenarios;
use crate::integration::world::World;
use log::{Journal, SECTOR, Told};

mod log;

scenarios![
    log_that_is_cut_anywhere_opens_and_says_where_it_ends: "the server has no part in it",
    run_that_loses_what_was_not_synced_is_finished_or_taken_back,
    run_that_the_disk_has_forgotten_keeps_others_from_its_app,
    change_that_the_disk_has_forgotten_is_not_said_to_be_put_back: "the server has no part in it",
];

/// How many cuts a sample has.
const SAMPLE: usize = 16;

fn all() -> bool {
    std::env::var("AGENT_TEST_CUTS").is_ok_and(|value| value == "all")
}

/// The request with that number of a method, with a part of its path.
fn nth(number: usize, method: &'static str, part: &'static str, kind: Kind) -> Moment {
    let only = move |request: &Request| request.method == method && request.path.contains(part);
    Moment::At(Fault::at(number, kind).only(only))
}

async fn log_that_is_cut_anywhere_opens_and_says_where_it_ends(world: &World) {
    let trial = Trial::new(world, &victim::RESTORE_OF_TAUTULLI).await;
    trial.begin().await;
    let agent = trial.agent();
    // By then it has begun to put things back.
    let moment = nth(1, "DELETE", "/replicationdestinations/", Kind::StallAfter);
    assert!(trial.kill(&agent, moment).await.is_some());
    let journal = Journal::of(&agent);
    let whole = journal.told(journal.log.len()).await;
    assert!(whole.entries.len() > 40, "{} entries", whole.entries.len());
    let every: Vec<usize> = (0..=journal.log.len()).step_by(SECTOR).collect();
    // Odd, so that a sample ends everywhere in the pages.
    let stride = if all() { 1 } else { (every.len() / SAMPLE) | 1 };
    let mut cuts = 0;
    let mut before: Option<(usize, Told)> = None;
    for cut in every.into_iter().step_by(stride) {
        let commits = journal.commits.iter().filter(|end| **end <= cut).count();
        let known = match before.take() {
            Some((of, told)) if of == commits => told,
            last => {
                let end = commits
                    .checked_sub(1)
                    .map_or(0, |last| journal.commits[last]);
                let told = journal.told(end).await;
                let least = last.map_or(0, |(_, told)| told.entries.len());
                assert!(told.entries.len() >= least, "cut at {end}");
                assert_eq!(told.entries, whole.entries[..told.entries.len()]);
                assert_eq!(told.head.is_some(), commits > 0, "cut at {end}");
                journal.is_honest(&told).await;
                told
            }
        };
        assert_eq!(journal.told(cut).await, known, "cut at {cut}");
        before = Some((commits, known));
        cuts += 1;
    }
    println!(
        "power: {cuts} cuts of a log of {} bytes, {} commits and {} entries, 0 differences",
        journal.log.len(),
        journal.commits.len(),
        whole.entries.len()
    );
}

/// What was not synced is lost: the answer to a change that the server has made, or that something was put back.
async fn run_that_loses_what_was_not_synced_is_finished_or_taken_back(world: &World) {
    let trial = Trial::new(world, &victim::RESTORE_OF_PROWLARR).await;
    let clean = trial.clean().await;
    let (before, after) = (Kind::StallBefore, Kind::StallAfter);
    let moments = [
        (
            "after the app was put down",
            1,
            "GET",
            "/pods?&limit=",
            before,
        ),
        (
            "at its restore",
            1,
            "POST",
            "/replicationdestinations",
            after,
        ),
        (
            "while VolSync restores",
            1,
            "GET",
            "name%3Dprowlarr-restore-",
            before,
        ),
        (
            "while it puts things back",
            2,
            "PATCH",
            "/kustomizations/",
            before,
        ),
    ];
    let mut trials = 0;
    for (at, (what, number, method, part, kind)) in moments.into_iter().enumerate() {
        for (other, how) in ["resume", "undo"].into_iter().enumerate() {
            if all() || at % 2 == other {
                let moment = nth(number, method, part, kind);
                let lose = async |agent: &Agent| lose(agent).await;
                let reached = trial.survives_with(lose, how, what, &clean, moment).await;
                assert!(reached, "{what} was not reached");
                trials += 1;
            }
        }
    }
    println!("power: {trials} times taken up without what was not synced, 0 differences");
}

/// Takes away what was not synced.
async fn lose(agent: &Agent) {
    let journal = Journal::of(agent);
    let durable = journal.durable().await;
    let told = journal.told(durable).await;
    journal.is_honest(&told).await;
}

/// A disk that said too early that it had written: the app is down, and nothing of that is on record.
async fn run_that_the_disk_has_forgotten_keeps_others_from_its_app(world: &World) {
    let trial = Trial::new(world, &victim::RESTORE_OF_BAZARR).await;
    let (before, _) = trial.begin().await;
    let agent = trial.agent();
    let killed = trial.kill(&agent, restore(Kind::StallBefore)).await;
    assert!(killed.is_some());
    let journal = Journal::of(&agent);
    journal.cut(0);
    agent.run("undo last --yes").await.exits(1).says("no run");
    let line = trial.victim.line;
    agent.run(line).await.exits(1).says("is locked by run");
    journal.cut(journal.log.len());
    agent.run("undo last --yes").await.exits(0);
    let wrong = trial.app().never_as_but(&before, victim::TOKENS).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The disk has lost the last change that was to be on it: the restore itself is in the cluster, and nobody knows of it.
async fn change_that_the_disk_has_forgotten_is_not_said_to_be_put_back(world: &World) {
    let trial = Trial::new(world, &victim::RESTORE_OF_BAZARR).await;
    let said = [
        ("undo", 0, "is restored from snapshot"),
        ("resume", 6, "exists already"),
    ];
    for (how, code, said) in said {
        trial.begin().await;
        let agent = trial.agent();
        let killed = trial.kill(&agent, restore(Kind::StallAfter)).await;
        assert!(killed.is_some());
        let journal = Journal::of(&agent);
        let durable = journal.durable().await;
        let before = journal.commits.iter().rfind(|end| **end < durable);
        let told = journal.told(*before.expect("a commit before")).await;
        journal.is_honest(&told).await;
        let ran = agent.run(&format!("{how} last --yes")).await;
        ran.exits(code).says(said);
        let left = trial.app().destination().await.expect("a restore is left");
        let namespace = trial.victim.namespace;
        world
            .delete(REPLICATION_DESTINATION, namespace, &left)
            .await;
    }
}
