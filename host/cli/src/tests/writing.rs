//! Streams that cannot be written to.

use serde_json::json;

use super::remembering::all;
use super::running::{done, finished, restore, started, step, sync_rows};
use super::scene::{EPIPE, scene};

/// A disk that is full, and one that is broken.
const ENOSPC: i32 = 28;
const EIO: i32 = 5;

const LINES: [&str; 5] = [
    "agent run flux.sync --all",
    "agent run flux.sync --all -o yaml",
    "agent run flux.sync --all -o json",
    "agent run flux.sync --all --plan",
    "agent run flux.sync --all --plan -o json",
];

/// Every other command that prints a result.
const OTHERS: [&str; 11] = [
    "agent list",
    "agent list -o json",
    "agent runs",
    "agent runs -o json",
    "agent runs show failedaa",
    "agent plugin list",
    "agent plugin inspect volsync",
    "agent completions bash",
    "agent --help",
    "agent --version",
    "agent run volsync.restore --help",
];

fn sync() -> [super::scene::Beat; 4] {
    [
        started("flux.sync", false),
        step(1, "Ask", 0),
        done(1, ""),
        finished(&sync_rows(), 0),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_closed_stdout_disturbs_no_run_and_is_no_failure() {
    for line in LINES {
        let shot = scene(line).closes_stdout().plays(sync()).shoot().await;
        assert_eq!((shot.code, shot.stdout.as_str()), (0, ""), "{line}");
        assert!(!shot.stderr.contains("writing"), "{line}: {shot}");
    }
    for line in OTHERS {
        let shot = scene(line).remembers(all()).closes_stdout().shoot().await;
        assert_eq!((shot.code, shot.stdout.as_str()), (0, ""), "{line}");
        assert!(!shot.stderr.contains("writing"), "{line}: {shot}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_cannot_be_written_is_a_failure_once_the_run_is_over() {
    for (number, why) in [
        (ENOSPC, "no space left on device"),
        (EIO, "input/output error"),
    ] {
        let said = format!("Error: writing the result: {why}\n");
        for line in LINES {
            let unwritable = scene(line).cannot_write(Some(number), None);
            let shot = unwritable.plays(sync()).shoot().await;
            assert_eq!(shot.code, 1, "{line}: {shot}");
            assert!(shot.stderr.ends_with(&said), "{line}: {shot}");
            assert_eq!(shot.controls, [], "{line}: nobody stops it");
        }
        for line in OTHERS {
            let unwritable = scene(line).cannot_write(Some(number), None);
            let shot = unwritable.remembers(all()).shoot().await;
            assert_eq!(shot.code, 1, "{line}");
            assert!(shot.stderr.ends_with(&said), "{line}: {shot}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn run_whose_result_nobody_got_is_named_with_how_it_ended() {
    let line = "agent run volsync.restore media plex --yes -o json";
    let unwritable = scene(line).cannot_write(Some(ENOSPC), None);
    let shot = unwritable.plays(restore()).shoot().await;
    let said = "run abcdefgh is done, and its result could not be written\nHint: agent runs show abcdefgh\n";
    assert!(shot.stderr.contains(said), "{shot}");
}

#[tokio::test(start_paused = true)]
async fn progress_that_cannot_be_written_is_a_failure_although_the_result_is_there() {
    let line = "agent run volsync.restore media plex --yes";
    let whole = scene(line).plays(restore()).shoot().await;
    let unwritable = scene(line).cannot_write(None, Some(ENOSPC));
    let shot = unwritable.plays(restore()).shoot().await;
    assert_eq!((whole.code, shot.code), (0, 1));
    assert_eq!(shot.stdout, whole.stdout);
    let closed = scene(line).cannot_write(None, Some(EPIPE));
    assert_eq!(closed.plays(restore()).shoot().await.code, 0);
}

/// Whoever waits for 6 must not get 1 because the disk is full as well.
#[tokio::test(start_paused = true)]
async fn a_run_that_failed_keeps_its_exit_code() {
    let rows = [started("flux.sync", false), finished(&json!([]), 2)];
    let unwritable = scene(LINES[0]).cannot_write(Some(ENOSPC), Some(ENOSPC));
    assert_eq!(unwritable.plays(rows).shoot().await.code, 1);
    let refused = agent_core::Failure::new(agent_core::Kind::Denied, "x", "no");
    let unwritable = scene(LINES[2]).cannot_write(Some(ENOSPC), None);
    assert_eq!(unwritable.refuses(refused).shoot().await.code, 4);
}

#[tokio::test(start_paused = true)]
async fn a_closed_terminal_is_no_failure() {
    let screen = scene("agent run volsync.restore media plex --yes").screen(60, "");
    let closed = screen.cannot_write(Some(EIO), Some(EIO)).plays(restore());
    assert_eq!(closed.shoot().await.code, 0);
}

#[tokio::test(start_paused = true)]
async fn a_dumb_screen_gets_lines_and_nothing_that_moves() {
    let line = "agent run volsync.restore media plex --yes";
    let plain = scene(line).plays(restore()).shoot().await;
    let dumb = scene(line)
        .screen(80, "")
        .dumb()
        .plays(restore())
        .shoot()
        .await;
    assert!(
        !dumb.stderr.contains('\x1b') && !dumb.stdout.contains('\x1b'),
        "{dumb}"
    );
    assert_eq!(dumb.stderr, plain.stderr);
}
