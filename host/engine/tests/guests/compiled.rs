//! Compiled code is kept, and what does not fit is made again.

use agent_core::agent::Agent as _;
use agent_core::call::Consent;
use agent_core::origin::{Cluster, Who};
use agent_engine::{LocalAgent, Parts};
use agent_journal::Journal;
use agent_store::{Bundled, Sources, Store};
use serde_json::json;

use crate::artifact;
use crate::world::{self, LIMITS, cache, call, finish};

fn agent(at: &tempfile::TempDir, wasm: &'static [u8]) -> LocalAgent {
    LocalAgent::new(Parts {
        store: Store::new(Sources {
            bundled: vec![Bundled {
                name: "guests",
                wasm,
            }],
            directory: Ok(None),
            given: vec![],
            config: Ok(None),
            kept: Ok(None),
            agent: semver::Version::new(0, 1, 0),
        }),
        code: Some(cache(at)),
        compile: None,
        nouns: Vec::new(),
        journal: Journal::in_memory(),
        retention: world::FOREVER,
        client: world::nobody(),
        cluster: Cluster::default(),
        who: Who::default(),
        limits: LIMITS,
    })
}

async fn greets(agent: &LocalAgent) {
    let run = agent
        .run(call("guests.greet", json!({}), Consent::Given))
        .await
        .expect("starts");
    assert_eq!(finish(run).await.value()["greeting"], "hello, world");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test looks into its own directory"
)]
fn kept(at: &tempfile::TempDir) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(at.path()).expect("reads");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test damages its own file")]
async fn damaged_code_is_forgotten_and_made_again() {
    let at = tempfile::tempdir().expect("a directory");
    greets(&agent(&at, artifact::guests())).await;
    let files = kept(&at);
    assert_eq!(files.len(), 1, "{files:?}");
    let whole = std::fs::read(&files[0]).expect("reads");
    for damaged in [
        b"no code at all".to_vec(),
        whole[..whole.len() / 2].to_vec(),
        artifact::guests().to_vec(),
    ] {
        std::fs::write(&files[0], &damaged).expect("writes");
        greets(&agent(&at, artifact::guests())).await;
        let again = std::fs::read(&files[0]).expect("reads");
        assert_eq!(again.len(), whole.len());
    }
}

#[tokio::test]
async fn kept_code_is_used_without_the_compiler() {
    let at = tempfile::tempdir().expect("a directory");
    greets(&agent(&at, artifact::guests())).await;
    let before = identities(&at);
    greets(&agent(&at, artifact::guests())).await;
    // Whatever is compiled is kept, in a file that takes the place of the old one.
    assert_eq!((before.len(), identities(&at)), (1, before));
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test looks into its own directory"
)]
fn identities(at: &tempfile::TempDir) -> Vec<u64> {
    use std::os::unix::fs::DirEntryExt as _;
    let entries = std::fs::read_dir(at.path()).expect("reads");
    entries
        .map(|entry| entry.expect("an entry").ino())
        .collect()
}
