//! What is refused, and what a person then reads: each refusal is a snapshot, for the hint is the product.

use insta::assert_snapshot;

use super::agent::Agent;
use super::scenario::scenarios;
use super::world::World;

scenarios![forbidden_verb_is_denied_and_nothing_changed];

/// Whoever may only read is told which verb is missing, in both worlds by the same words.
async fn forbidden_verb_is_denied_and_nothing_changed(world: &World) {
    let app = world.app("media", "plex").await;
    let agent = Agent::with_kubeconfig(&world.reader().await);
    let (before, present) = (app.state().await, app.content());
    let ran = agent.run("run flux.suspend ks media plex").await.exits(4);
    assert_snapshot!("forbidden_patch", ran.scrubbed());
    // Other scenarios pause and remove ScaledObjects of the same cluster, so only the row of this one's own app is looked at.
    let ran = agent.run("run keda.pause --all").await.exits(1);
    let row = "the cluster does not allow to patch scaledobjects media/plex";
    assert!(ran.stdout.contains(row), "{ran}");
    let ran = agent
        .run("run volsync.restore media plex --yes")
        .await
        .exits(4);
    assert_snapshot!("forbidden_job", ran.scrubbed());
    let ran = agent
        .run("run flux.status ks media plex --all")
        .await
        .exits(0);
    assert!(ran.stdout.contains("plex"), "{ran}");
    assert_eq!(app.content(), present);
    app.is_as(&before).await;
}

/// The administrator's kubeconfig with one line of it replaced.
fn with_line(world: &World, key: &str, value: &str) -> Agent {
    let text = std::fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    let changed = |line: &str| {
        let start = line.split_once(key).map(|(start, _)| start.to_owned());
        start.map_or(line.to_owned(), |start| format!("{start}{key} {value}"))
    };
    let lines: Vec<_> = text.lines().map(changed).collect();
    Agent::with_kubeconfig(&lines.join("\n"))
}

fn world_server(world: &World) -> String {
    let text = std::fs::read_to_string(world.kubeconfig()).expect("a kubeconfig");
    let server = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("server:"));
    server.expect("a server").trim().to_owned()
}

const STATUS: &str = "run flux.status ks media plex";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cluster_that_cannot_be_used_says_why() {
    let world = World::sandbox().await;
    let expired = with_line(&world, "token:", "expired");
    assert_snapshot!("expired_token", expired.run(STATUS).await.scrubbed());
    let other = World::sandbox().await;
    let text = std::fs::read_to_string(other.kubeconfig()).expect("a kubeconfig");
    let authority = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("certificate-authority-data:"));
    let wrong = with_line(
        &world,
        "certificate-authority-data:",
        authority.expect("an authority").trim(),
    );
    assert_snapshot!(
        "wrong_authority",
        wrong.run(STATUS).await.exits(5).scrubbed()
    );
    // What the server has is not asked for by the name that it has a certificate for.
    let server = world_server(&world);
    let named = format!("{server}\n    tls-server-name: nas.example");
    let other_name = with_line(&world, "server:", &named);
    assert_snapshot!(
        "other_name",
        other_name.run(STATUS).await.exits(5).scrubbed()
    );
    let down = with_line(&world, "server:", "https://127.0.0.1:1");
    assert_snapshot!("server_down", down.run(STATUS).await.exits(5).scrubbed());
    let nowhere = with_line(&world, "server:", "https://cluster.invalid:6443");
    nowhere
        .run(STATUS)
        .await
        .exits(5)
        .says("the name `cluster.invalid` does not resolve");
}

#[tokio::test]
async fn kubeconfig_that_cannot_be_used_says_why() {
    let none = Agent::alone().run(STATUS).await.exits(5);
    assert_snapshot!("no_kubeconfig", none.scrubbed());
    let line = format!("{STATUS} --kubeconfig missing.yaml");
    assert_snapshot!(
        "missing_kubeconfig",
        Agent::alone().run(&line).await.exits(5).scrubbed()
    );
    let broken = Agent::with_kubeconfig("clusters: [");
    assert_snapshot!(
        "broken_kubeconfig",
        broken.run(STATUS).await.exits(5).scrubbed()
    );
    let line = format!("{STATUS} --context other");
    let known = "apiVersion: v1\nkind: Config\ncontexts:\n- name: home\n  context: {cluster: home, user: me}\n";
    let context = Agent::with_kubeconfig(known).run(&line).await.exits(5);
    assert_snapshot!("unknown_context", context.scrubbed());
}

/// None of these lines needs a cluster to be told that it is wrong.
#[tokio::test]
async fn wrong_line_is_told_what_would_be_right() {
    let lines = [
        ("unknown_operation", "run volsync.restor media plex"),
        ("unknown_plugin", "run volsink.restore media plex"),
        ("no_operation_name", "run restore"),
        ("missing_argument", "run volsync.restore media"),
        ("extra_argument", "run volsync.restore media plex now"),
        (
            "wrong_number",
            "run volsync.restore media plex --previous newest",
        ),
        (
            "wrong_time",
            "run volsync.restore media plex --as-of yesterday",
        ),
        (
            "wrong_duration",
            "run volsync.restore media plex --timeout soon",
        ),
        ("wrong_kind", "run flux.sync pod media plex"),
        (
            "unknown_option",
            "run volsync.restore media plex --prevous 1",
        ),
        (
            "two_selectors",
            "run volsync.restore media plex --previous 1 --snapshot ab12cd34",
        ),
        ("neither_name_nor_all", "run flux.sync ks media"),
        (
            "name_without_namespace",
            "run flux.sync ks --all media plex",
        ),
        ("missing_plugin_file", "list --plugin missing.wasm"),
    ];
    for (name, line) in lines {
        assert_snapshot!(name, Agent::alone().run(line).await.exits(2).scrubbed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_object_is_told_the_known_ones() {
    let world = World::sandbox().await;
    let lines = [
        ("unknown_app", "run volsync.restore media plexx --yes"),
        ("unknown_namespace", "run volsync.restore medai plex --yes"),
        ("unknown_kustomization", "run flux.reconcile ks media plexx"),
        ("unknown_scaled_object", "run keda.pause media plexx"),
        (
            "app_without_backup",
            "run volsync.restore media immich --yes",
        ),
        (
            "previous_out_of_range",
            "run volsync.restore default actual --yes --previous 99",
        ),
    ];
    for (name, line) in lines {
        assert_snapshot!(name, world.agent().run(line).await.exits(1).scrubbed());
    }
}

/// What is wrong with our own files is said with the file, and is no fault of the cluster.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn state_directory_that_cannot_be_made_says_why() {
    let world = World::sandbox().await;
    let agent = world.agent();
    let file = agent.home().join("state");
    std::fs::write(&file, "").expect("a file");
    let agent = agent.with("XDG_STATE_HOME", file.to_str().expect("UTF-8"));
    let ran = agent.run("run flux.suspend ks media plex").await.exits(1);
    assert_snapshot!("state_is_no_directory", ran.scrubbed());
}
