//! A disk that is full in the middle of a run: what cannot be put on record is not done, and what was held is put back.
#![expect(clippy::print_stdout, reason = "a test that cannot be made says so")]

use std::process::Stdio;

use super::scenario::scenarios;
use super::world::World;

scenarios![
    restore_that_finds_the_disk_full_ends_restored_or_as_before: "the server has no part in it",
];

/// How long the journal's log is when the disk is full: from before the first change to when things are put back.
const LENGTHS: [&str; 6] = ["1", "150000", "350000", "500000", "650000", "750000"];

/// Mounts a file system for the state directory where nobody else sees it, fills it when the journal's log is so long, and brings out what is
/// there at the end. `$0` is the directory, and `$1` where it is brought to.
const SCRIPT: &str = r#"
out=$1; length=$2; shift 2
mount -t tmpfs -o size=64m,mode=700 none "$0" || exit 77
"$@" & agent=$!
for _ in $(seq 2000); do
    [ "$(stat -c %s "$0/journal.db-wal" 2>/dev/null || echo 0)" -ge "$length" ] && break
    sleep 0.005
done
cat /dev/zero >"$0/ballast" 2>/dev/null
wait $agent; code=$?
rm "$0/ballast"
cp -a "$0/." "$out"
exit $code
"#;

async fn restore_that_finds_the_disk_full_ends_restored_or_as_before(world: &World) {
    let app = world.app("media", "tautulli").await;
    let mut as_before = 0;
    let fills = LENGTHS.iter().zip(["undo", "resume"].into_iter().cycle());
    for (length, how) in fills {
        app.begin_anew("what the app wrote");
        world.settle().await;
        let (before, present) = (app.state().await, app.content());
        let newest = app.snapshots()[0].tree.clone();
        let (agent, after) = (world.agent(), world.agent());
        let [full, whole] = [&agent, &after].map(|agent| {
            let folder = agent.home().join(".local/state/agent");
            std::fs::create_dir_all(&folder).expect("making a folder");
            folder.to_str().expect("UTF-8").to_owned()
        });
        let by = [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            SCRIPT,
        ];
        let by = [&by[..], &[&full, &whole, *length]].concat();
        let line = "run volsync.restore media tautulli --yes";
        let ran = agent.start_by(&by, line, Stdio::piped()).end().await;
        if ran.code() == Some(77) || ran.stderr.contains("unshare:") {
            println!("not tried: this system lets nobody mount a file system of his own");
            return;
        }
        assert!(matches!(ran.code(), Some(1 | 6)), "full at {length}: {ran}");
        let said = ["no room for the journal", "No space left on device"];
        assert!(said.iter().any(|said| ran.stderr.contains(said)), "{ran}");
        assert!(ran.stderr.contains("Hint: make room"), "{ran}");
        // What brings back a volume that may be half overwritten is an operation, and has to be on record: without room for that the app stays down, and
        // whoever makes room is told how it comes up again.
        let wrong = app.not_as(&before).await;
        assert!(
            wrong.is_empty() || ran.stderr.contains("agent undo"),
            "full at {length}, not as before:\n{}\n{ran}",
            wrong.join("\n")
        );
        // It was full before the restore was on record, or after.
        let is_down = !wrong.is_empty();
        let restored = !is_down && app.content() == newest;
        assert!(
            is_down || restored || app.content() == present,
            "full at {length}: {ran}"
        );
        as_before += usize::from(!restored);
        let ran = after.run(&format!("{how} last --yes")).await;
        // What was put back while the disk was full is no reason to go on as if it still stood.
        let goes_on = how == "resume" && ran.code() == Some(0);
        if how == "resume" && !goes_on {
            after.run("undo last --yes").await.exits(0);
        } else {
            assert_eq!(ran.code(), Some(0), "full at {length}: {ran}");
        }
        app.gets_as(&before).await;
        app.is_unharmed();
        let wished = if goes_on || restored {
            &newest
        } else {
            &present
        };
        assert_eq!(app.content(), *wished, "full at {length}: {ran}");
        let left = after.run("runs --unfinished").await.exits(0);
        left.says("nothing is left to do");
        println!(
            "full: at {length} bytes of log, then {how} ({:?})",
            ran.code()
        );
    }
    assert!(as_before >= 3, "as before {as_before} times only");
}
