//! What a shell is told when somebody presses Tab.

use super::remembering::all;
use super::scene::scene;

/// Returns the candidates for the last word of a line.
async fn at(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split(' ').collect();
    let shot = scene(&format!("agent __complete {} -- {line}", words.len() - 1))
        .remembers(all())
        .shoot()
        .await;
    assert_eq!((shot.code, shot.stderr.as_str()), (0, ""), "{line}");
    shot.stdout
        .lines()
        .map(|line| line.split('\t').next().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn candidates_come_from_the_tree_the_descriptor_and_the_cluster() {
    let table: [(&str, &[&str]); 23] = [
        ("agent pl", &["plugin"]),
        ("agent plugin ins", &["inspect"]),
        ("agent plugin inspect v", &["volsync"]),
        (
            "agent plugin grant volsync ",
            &[
                "cluster:list:pods:*",
                "cluster:patch:deployments.apps#/spec/replicas:*",
                "cluster:signal:things.example.org#/spec/now:*",
            ],
        ),
        ("agent run vol", &["volsync.restore", "volsync.status"]),
        ("agent --sandbox run flux", &["flux.sync"]),
        ("agent run volsync.restore me", &["media"]),
        ("agent run volsync.restore ", &["default", "media"]),
        ("agent run volsync.restore media pl", &["plex"]),
        ("agent run volsync.restore --namespace media s", &["sonarr"]),
        (
            "agent run volsync.restore media plex --pre",
            &["--previous"],
        ),
        ("agent run volsync.restore -n m", &["media"]),
        (
            "agent run volsync.restore --namespace=me",
            &["--namespace=media"],
        ),
        ("agent run flux.sync k", &["ks"]),
        ("agent run flux.sync hr media pl", &["plex"]),
        ("agent run volsync.restore media plex -o y", &["yaml"]),
        (
            "agent run flux.sync hr media ?",
            &[
                "?{\"object-by\":{\"of\":{\"hr\":\"helmreleases.v2.helm.toolkit.fluxcd.io\",\"ks\":\"kustomizations.v1.kustomize.toolkit.fluxcd.io\"},\"parameter\":\"kind\"}}",
            ],
        ),
        ("agent run flux.sync ", &["ks", "hr", "default", "media"]),
        ("agent plugin ", &["list", "inspect", "grant", "help"]),
        ("agent run nothing.here x", &[]),
        (
            "agent run volsync.restore media plex --on-failure k",
            &["keep"],
        ),
        (
            "agent run volsync.restore media plex --ou",
            &["--out", "--output"],
        ),
        ("agent run volsync.restore media plex --namespace k", &[]),
    ];
    for (line, wanted) in table {
        assert_eq!(at(line).await, wanted, "{line}");
    }
}

/// The script leaves these to the shell.
#[tokio::test(start_paused = true)]
async fn names_of_files_are_left_to_the_shell() {
    for line in [
        "agent --kubeconfig ~/ku",
        "agent --kubeconfig=ku",
        "agent run volsync.restore media plex --kubeconfig ",
        "agent run --plugin ./he",
        "agent sandbox --write-kubeconfig s",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let asked = format!("agent __complete {} -- {line}", words.len() - 1);
        assert_eq!(scene(&asked).shoot().await.stdout, "\tfile\n", "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn runs_are_offered_by_those_who_can_be_meant() {
    let table: [(&str, &[&str]); 8] = [
        (
            "agent runs show ",
            &[
                "last", "workaaaa", "cutoffaa", "goneaaaa", "failedaa", "goodaaaa",
            ],
        ),
        ("agent runs follow w", &["workaaaa"]),
        ("agent undo g", &["goneaaaa", "goodaaaa"]),
        ("agent undo --yes la", &["last"]),
        ("agent resume ", &["cutoffaa", "failedaa"]),
        ("agent resume last ", &[]),
        ("agent runs ", &["show", "follow", "prune", "help"]),
        ("agent runs --f", &["--failed"]),
    ];
    for (line, wanted) in table {
        assert_eq!(at(line).await, wanted, "{line}");
    }
    let shot = scene("agent __complete 2 -- agent resume c")
        .remembers(all())
        .shoot()
        .await;
    assert_eq!(
        shot.stdout,
        "cutoffaa\tvolsync.restore media plex, unfinished\n"
    );
}

#[tokio::test(start_paused = true)]
async fn bash_splits_at_the_equals_sign() {
    assert_eq!(
        at("agent run volsync.restore --namespace = me").await,
        ["media"]
    );
    assert_eq!(
        at("agent run volsync.restore -o json --color = al").await,
        ["always"]
    );
    assert_eq!(
        at("agent plugin grant volsync cluster : li").await,
        ["list:pods:*"]
    );
}

#[tokio::test(start_paused = true)]
async fn failures_and_slow_clusters_give_no_candidates() {
    for line in [
        "agent run volsync.restore gone pl",
        "agent run volsync.restore slow pl",
        "agent",
        "",
    ] {
        let before = tokio::time::Instant::now();
        at(line).await;
        assert!(before.elapsed().as_millis() <= 1500, "{line}");
    }
    assert!(at("agent run volsync.restore slow ").await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn each_shell_has_a_script_that_asks_the_agent() {
    for shell in ["bash", "zsh", "fish"] {
        let shot = scene(&format!("agent completions {shell}")).shoot().await;
        assert!(shot.stdout.contains(" __complete "), "{shell}");
        assert_eq!(
            crate::Invocation::from_complete(shell),
            crate::parse(["agent", "completions", shell].map(Into::into)).ok()
        );
    }
    assert_eq!(crate::Invocation::from_complete("tcsh"), None);
}
