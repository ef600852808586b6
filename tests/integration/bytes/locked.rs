//! A lock in the repository, and a mover that fails at it: VolSync, its mover, the Job's pauses and restic are the real ones.

use std::time::Instant;

use super::agent;
use super::place::Place;
use super::tree::Tree;
use crate::integration::world::World;

/// restic takes the lock for stale after half an hour only. Until then it is said whose it is, and nothing hangs; and when it is gone, the next backup
/// does not wait for the failing mover's next try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lock_that_a_killed_restic_left_is_told_and_then_got_past() {
    let world = World::with_containers().await;
    let place = Place::new(&world).await;
    place.begin().await;
    place.leave_lock();
    let agent = agent(&world);
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    let timed = async |line: &str, code: i32| {
        let begin = Instant::now();
        let ran = agent.run(line).await.exits(code);
        let seconds = begin.elapsed().as_secs_f64();
        println!("bytes: a lock is left, `{line}`: {code} in {seconds:.0} s");
        ran
    };
    timed("run volsync.unlock media radarr --timeout 90s", 1)
        .await
        .says("`media/radarr` was not unlocked: its lock can be removed from 20")
        .says(&format!("on `{host}`, made or refreshed at 20"))
        .says("then: agent run volsync.unlock media radarr");
    timed("run volsync.status media radarr -o json", 0)
        .await
        .says("the repository is locked")
        .says("agent run volsync.unlock media radarr");
    let ran = timed("run volsync.snapshot media radarr --timeout 90s", 1)
        .await
        .says("the repository is locked")
        .says("agent run volsync.unlock media radarr");
    assert!(!ran.stderr.contains("in use"), "{ran}");
    assert_eq!(place.locks(), 1, "restic takes it for stale");
    place.restic(&["unlock", "--remove-all"]);
    timed("run volsync.snapshot media radarr --timeout 50s", 0).await;
    let newest = place.snapshots().pop().expect("a snapshot");
    let wrong = Tree::of(&place.volume).differences(&place.content_of(&newest));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
