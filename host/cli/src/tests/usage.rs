//! Wrong command lines, and help.

use insta::assert_snapshot;

use super::scene::scene;

/// Shoots several lines and joins what came out.
async fn lines(lines: &[&str]) -> String {
    let mut out = String::new();
    for line in lines {
        let shot = scene(line).shoot().await;
        assert!(shot.calls.is_empty(), "{line}: nothing may be run");
        out.push_str(&format!(
            "$ {line}\n{}{}[exit {}]\n\n",
            shot.stdout, shot.stderr, shot.code
        ));
    }
    out
}

#[tokio::test(start_paused = true)]
async fn wrong_lines_are_explained() {
    assert_snapshot!(
        lines(&[
            "agent run volsync.restor media plex",
            "agent run volsink.restore media plex",
            "agent run volsync.restore.all",
            "agent run nothing",
            "agent run volsync.restore media",
            "agent run volsync.restore media plex sonarr",
            "agent run volsync.status media",
            "agent run volsync.restore media plex --previous 1 --as-of 2026-11-22T06:00:00Z",
            "agent run volsync.restore media plex --previous -1",
            "agent run volsync.restore media plex --previous",
            "agent run volsync.restore media plex --previuos 1",
            "agent run volsync.restore Media plex",
            "agent run volsync.restore media plex --as-of noon",
            "agent run volsync.restore media plex -x",
            "agent run volsync.restore media plex -o xml",
            "agent run volsync.restore media plex --kubeconfig",
            "agent run volsync.restore media plex --sandbox --context home",
            "agent run volsync.restore media plex --no-safety-snapshot=maybe",
            "agent run flux.sync kz media plex",
            "agent run flux.sync",
            "agent run flux.sync ks media plex --all",
            "agent volsync.restore media plex",
            "agent lits",
            "agent --sandbox",
            "agent sandbox extra",
            "agent run --frobnicate volsync.restore media plex",
            "agent plugin grant volsync",
            "agent plugin grant volsync cluster:eat:pods:*",
            "agent plugin inspect volsnyc",
            "agent completions tcsh",
            "agent run volsync.restore media plex --out plan.json",
            "agent run volsync.restore media plex --plan --out",
            "agent run volsync.restore media plex --on-failure never",
            "agent list --on-failure keep",
            "agent runs shwo last",
            "agent runs last",
            "agent runs --failed --unfinished",
            "agent runs --failed show last",
            "agent runs show",
            "agent runs show one two",
            "agent runs --days 0",
            "agent runs prune --days 0",
            "agent runs prune --days=-1",
            "agent runs prune --size 50MB",
            "agent runs prune --plan",
            "agent resume",
            "agent resume last --plan",
            "agent undo last --plan",
            "agent apply",
            "agent apply plan.json --plan",
        ])
        .await
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_plugin_explains_its_missing_operations() {
    assert_snapshot!(
        scene("agent run empty.go")
            .with_refused_plugin()
            .shoot()
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn json_readers_get_a_last_event() {
    let shot = scene("agent run -o json volsync.restor media plex")
        .shoot()
        .await;
    let event: agent_core::Event = serde_json::from_str(&shot.stdout).expect("one event");
    assert!(matches!(event, agent_core::Event::Finished { .. }));
    assert_eq!(shot.code, 2);
}

#[tokio::test(start_paused = true)]
async fn help_comes_from_the_descriptor() {
    let shot = scene("agent run volsync.restore --help").shoot().await;
    assert_snapshot!("help", shot);
    for line in [
        "agent run volsync.restore media -h",
        "agent run --help volsync.restore",
        "agent --sandbox run volsync.restore --previous 1 --help",
    ] {
        assert_eq!(scene(line).shoot().await.stdout, shot.stdout, "{line}");
    }
    assert_snapshot!(
        "help_flux_narrow",
        scene("agent run flux.sync -h").screen(50, "").shoot().await
    );
}

#[tokio::test(start_paused = true)]
async fn help_of_the_program() {
    assert_snapshot!(
        lines(&[
            "agent --help",
            "agent run --help",
            "agent plugin --help",
            "agent sandbox --help",
            "agent apply --help",
            "agent runs --help",
            "agent runs show --help",
            "agent runs follow --help",
            "agent runs prune --help",
            "agent resume --help",
            "agent undo --help",
            "agent --version"
        ])
        .await
    );
}

#[tokio::test(start_paused = true)]
async fn options_that_would_be_passed_over_are_refused_where_they_matter() {
    for line in [
        "agent --sandbox sandbox",
        "agent sandbox --plan",
        "agent --kubeconfig k1 sandbox",
        "agent sandbox --context home",
        "agent --plugin x.wasm sandbox",
        "agent plugin grant volsync cluster:delete:pods:media --plan",
    ] {
        let shot = scene(line).shoot().await;
        assert_eq!(shot.code, 2, "{line}: {shot}");
    }
    let shot = scene("agent --sandbox apply plan.json").shoot().await;
    assert_eq!(shot.code, 2, "{shot}");
    assert!(
        shot.stderr
            .contains("agent sandbox --write-kubeconfig FILE keeps one up"),
        "{shot}"
    );
}
