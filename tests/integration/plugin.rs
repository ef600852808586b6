//! Files that are given as plugins: what is none is told apart, what is one runs when it was granted.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use insta::assert_snapshot;

use super::agent::Agent;
use super::world::World;

#[tokio::test]
async fn file_that_is_no_plugin_is_told_what_it_is() {
    let agent = Agent::alone();
    let noise: Vec<u8> = (0..=255_u8).rev().map(|n| n.wrapping_mul(73)).collect();
    let files: [(&str, &[u8]); 5] = [
        ("empty", b""),
        ("noise", &noise),
        ("core_module", b"\0asm\x01\0\0\0"),
        ("other_world", b"\0asm\x0d\0\x01\0"),
        (
            "precompiled",
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x01\0\xf3\0",
        ),
    ];
    for (name, bytes) in files {
        let path = agent.home().join(format!("{name}.wasm"));
        std::fs::write(&path, bytes).expect("writing a file");
        let line = format!("run --plugin {} {name}.go", path.display());
        let ran = agent.run(&line).await;
        assert!(matches!(ran.code(), Some(1..=4)), "{ran}");
        assert_snapshot!(name, ran.scrubbed());
    }
}

/// One bad file in the folder does not keep the others from running.
#[tokio::test]
async fn bad_file_in_the_folder_does_not_disturb() {
    let agent = Agent::alone();
    let folder = agent.home().join(".local/share/agent/plugins");
    std::fs::create_dir_all(&folder).expect("making a folder");
    std::fs::write(folder.join("broken.wasm"), b"no plugin").expect("writing a file");
    let ran = agent.run("list").await.exits(0);
    assert!(ran.stdout.contains("volsync.restore"), "{ran}");
    assert_snapshot!(
        "plugin_list_with_a_broken_file",
        agent.run("plugin list").await.scrubbed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn third_party_plugin_runs_when_it_was_granted() {
    let (world, hello) = (World::sandbox().await, hello());
    let agent = world.agent();
    let line = format!("run --plugin {} hello.pods media -o json", hello.display());
    let refused = agent.run(&line).await.exits(4);
    let inspect = refused.pasted();
    assert!(inspect.starts_with("plugin inspect "), "{refused}");
    // What shows what it asks for ends with the command that grants it.
    let inspected = agent.run(&inspect).await.exits(0);
    let grant = inspected.pasted();
    assert!(grant.starts_with("plugin grant "), "{inspected}");
    agent.run(&grant.replace('\'', "")).await.exits(0);
    let ran = agent.run(&line).await.exits(0);
    assert!(ran.value().to_string().contains("Running"), "{ran}");
    changed_file_must_be_granted_again(&agent, &hello).await;
}

/// Rights belong to exactly the bytes that a person agreed to.
async fn changed_file_must_be_granted_again(agent: &Agent, hello: &Path) {
    let mut bytes = std::fs::read(hello).expect("reading a plugin");
    bytes.extend_from_slice(b"\0\x05\x04note");
    let changed = agent.home().join("hello.wasm");
    std::fs::write(&changed, bytes).expect("writing a plugin");
    let line = format!("run --plugin {} hello.pods media", changed.display());
    agent.run(&line).await.exits(4).says("agent plugin inspect");
}

/// Builds the example as a third party does, outside of this workspace.
fn hello() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let example = root.join("examples/hello");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hello");
    let lock = example.join("Cargo.lock");
    if !lock.exists() {
        std::fs::copy(root.join("Cargo.lock"), &lock).expect("the versions of this workspace");
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "build",
        "--quiet",
        "--release",
        "--target",
        "wasm32-wasip2",
        "--manifest-path",
    ]);
    cargo
        .arg(example.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    cargo
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("RUSTFLAGS")
        .stdin(Stdio::null());
    assert!(
        cargo.status().expect("starting cargo").success(),
        "building the example"
    );
    target.join("wasm32-wasip2/release/hello.wasm")
}
