//! Real bytes: restores by the real VolSync, its own mover and the real restic, compared byte for byte.
//!
//! Here nothing of ours plays a part of the backup: VolSync's manager makes the movers, which are processes over folders (see
//! `agent_testbed::Kubelet`). A sample of kills is made; `AGENT_TEST_BYTES=all` makes all.
#![expect(clippy::print_stdout, reason = "the table is what these tests are for")]

mod home;
mod locked;
mod place;
mod tree;

use std::time::{Duration, Instant};

use agent_testbed::Obstacle;
use rustix::process::Signal;

use super::agent::{Agent, Ran};
use super::world::World;
use home::{inject, privilege};
pub(super) use home::{reachable, synchronized};
use place::{Before, Place};
use tree::{Tree, noise};

const NAMESPACE: &str = "media";
const APP: &str = "radarr";
const PASSWORD: &str = "a real password";
/// The server and the path on which the repositories are.
const SHARE: (&str, &str) = ("nas.internal", "/volsync");
/// Restores the older one of two snapshots.
const LINE: &str = "run volsync.restore media radarr --previous 1 --yes";
/// A mover that nobody waits for is killed after half a minute only, and one that is slow may take two.
const PATIENCE: Duration = Duration::from_secs(240);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);

fn all() -> bool {
    std::env::var("AGENT_TEST_BYTES").is_ok_and(|value| value == "all")
}

fn agent(world: &World) -> Agent {
    world.agent().patient(PATIENCE)
}

/// How far a restore is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Lists,
    BacksUp,
    IsDown,
    Writes,
    HasWritten,
    PutsBack,
}

impl Phase {
    async fn is_reached(self, place: &Place<'_>, before: &Before) -> bool {
        let restores = place.restores(before);
        let over = restores.iter().any(|run| run.ended.is_some());
        match self {
            Phase::Lists => !place.runs(before, "snapshots").is_empty(),
            Phase::BacksUp => !place.runs(before, "backup").is_empty(),
            Phase::IsDown => place.app.is_down().await,
            // Some of what it writes is there, and some is not.
            Phase::Writes => !restores.is_empty() && Tree::of(&place.volume) != before.present,
            Phase::HasWritten => over,
            Phase::PutsBack => over && !place.app.is_restoring().await,
        }
    }
}

/// Kills a restore there. False when it was over before.
async fn kill(agent: &Agent, place: &Place<'_>, before: &Before, phase: Phase) -> bool {
    let running = agent.start(LINE);
    let begin = Instant::now();
    while !phase.is_reached(place, before).await && begin.elapsed() < PATIENCE / 4 {
        tokio::time::sleep(LOOK).await;
    }
    running.signal(Signal::KILL);
    running.end().await.code() != Some(0)
}

/// Demands that the older snapshot is on the volume, and the version before it in the newest snapshot.
async fn is_restored(place: &Place<'_>, before: &Before, ran: &Ran) {
    assert_eq!(ran.code(), Some(0), "{ran}");
    let wrong = place.history[0].differences(&Tree::of(&place.volume));
    assert!(
        wrong.is_empty(),
        "not the snapshot: {}\n{ran}",
        wrong.join("\n")
    );
    let newest = place.snapshots().pop().expect("a snapshot");
    let wrong = before.present.differences(&place.content_of(&newest));
    assert!(
        wrong.is_empty(),
        "not in the newest snapshot: {}\n{ran}",
        wrong.join("\n")
    );
    is_whole(place, before, ran).await;
}

/// Demands that the volume is as it was before, and that the app runs on it. Or else the app is down, and the way back is named.
async fn is_taken_back(place: &Place<'_>, before: &Before, ran: &Ran) {
    if ran.code() == Some(0) {
        let wrong = before.present.differences(&Tree::of(&place.volume));
        assert!(
            wrong.is_empty(),
            "not as before: {}\n{ran}",
            wrong.join("\n")
        );
        return is_whole(place, before, ran).await;
    }
    assert!(place.app.is_down().await, "the app runs on it: {ran}");
    let newest = place.snapshots().pop().expect("a snapshot");
    let named = ran.stderr.contains(&format!("--snapshot {newest}"));
    assert!(named, "the way back is not named: {ran}");
}

async fn is_whole(place: &Place<'_>, before: &Before, ran: &Ran) {
    let harm = place.harm(before);
    assert!(
        harm.is_empty(),
        "the app wrote under a mover: {harm:?}\n{ran}"
    );
    let wrong = place
        .app
        .never_as_but(&before.state, super::kill::TOKENS)
        .await;
    assert!(wrong.is_empty(), "{}\n{ran}", wrong.join("\n"));
    assert_eq!(place.locks(), 0, "a lock is left: {ran}");
}

/// Kills a restore at a phase, and demands that `how` sets it right. Returns the row of the table.
async fn survives(place: &Place<'_>, phase: Phase, how: &str) -> String {
    let world = place.app.world;
    let before = place.begin().await;
    let agent = agent(world);
    let slow = phase == Phase::Writes;
    world.kubelet().slow_restores(slow.then_some(2_000));
    let killed = kill(&agent, place, &before, phase).await;
    world.kubelet().slow_restores(None);
    assert!(killed, "{phase:?} was not reached");
    let begin = Instant::now();
    let ran = agent.run(&format!("{how} last --yes")).await;
    let none = ran.stderr.contains("no run");
    if how == "resume" && !none {
        is_restored(place, &before, &ran).await;
    } else {
        is_taken_back(place, &before, &ran).await;
    }
    let seconds = begin.elapsed().as_secs_f64();
    format!(
        "bytes: killed when it {phase:?}, {how}: exit {:?} in {seconds:.0} s",
        ran.code()
    )
}

/// Undisturbed, also where the end of a container is noticed late, and killed at phases.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restore_is_byte_for_byte_with_the_real_mover() {
    let world = World::with_containers().await;
    let place = Place::new(&world).await;
    for (late, privileged) in [(0, true), (900, false)] {
        world.kubelet().notice_late(Duration::from_millis(late));
        privilege(&world, privileged).await;
        let before = place.begin().await;
        let begin = Instant::now();
        let ran = agent(&world).run(LINE).await;
        is_restored(&place, &before, &ran).await;
        let seconds = begin.elapsed().as_secs_f64();
        let user = if privileged { "root" } else { "the app's user" };
        println!("bytes: restored in {seconds:.1} s by {user}, ends noticed {late} ms late");
    }
    world.kubelet().notice_late(Duration::ZERO);
    privilege(&world, true).await;
    use Phase::{BacksUp, HasWritten, IsDown, Lists, PutsBack, Writes};
    // When the mover has ended, its log may be gone before anybody looks.
    let sample = [(IsDown, "undo"), (Writes, "resume"), (HasWritten, "resume")];
    let more = [
        (Lists, "resume"),
        (Lists, "undo"),
        (BacksUp, "resume"),
        (BacksUp, "undo"),
        (IsDown, "resume"),
        (PutsBack, "resume"),
    ];
    let rest = more.iter().filter(|_| all());
    for (phase, how) in sample.iter().chain(rest) {
        println!("{}", survives(&place, *phase, how).await);
    }
}

/// What `undo` does once a mover may have written: the volume is as before, or the app stays down.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restore_that_has_written_is_taken_back_from_its_safety_snapshot() {
    let world = World::with_containers().await;
    let place = Place::new(&world).await;
    for phase in [Phase::Writes, Phase::HasWritten] {
        println!("{}", survives(&place, phase, "undo").await);
    }
}

/// A mover that needs longer than its grace period is killed in the middle of a file, and leaves its lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_mover_that_is_taken_back_leaves_no_half_restored_volume() {
    let world = World::with_containers().await;
    let place = Place::new(&world).await;
    let before = place.begin().await;
    let agent = agent(&world);
    world.kubelet().slow_restores(Some(15));
    assert!(kill(&agent, &place, &before, Phase::Writes).await);
    world.kubelet().slow_restores(None);
    let begin = Instant::now();
    let ran = agent.run("undo last --yes").await;
    println!(
        "bytes: slow mover, undo: exit {:?} in {:.0} s",
        ran.code(),
        begin.elapsed().as_secs_f64()
    );
    let killed = place.restores(&before)[0].ended.map(|(_, code)| code);
    assert_eq!(killed, Some(137), "the mover was not cut off: {ran}");
    // Until the lock is half an hour old, nothing but the way back that is named can remove it.
    if place.locks() > 0 {
        assert!(
            ran.stderr.contains("volsync.unlock"),
            "a lock is left, and nobody says so: {ran}"
        );
        place.restic(&["unlock", "--remove-all"]);
    }
    is_taken_back(&place, &before, &ran).await;
}

/// restic 0.17 to 0.18.1 skip what was right in the file that they replace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hard_linked_file_is_restored_without_zeros() {
    let world = World::with_containers().await;
    let place = Place::new(&world).await;
    let linked = place.volume.join("film with two names");
    std::fs::write(&linked, noise(6_000_000, 9)).expect("writing a file");
    std::fs::hard_link(&linked, place.volume.join("its other name")).expect("a link");
    place.own();
    let wished = Tree::of(&place.volume);
    agent(&world)
        .run("run volsync.snapshot media radarr")
        .await
        .exits(0);
    let mut bytes = noise(6_000_000, 9);
    bytes[3_000_000..3_000_007].fill(b'x');
    std::fs::write(&linked, bytes).expect("writing a file");
    let ran = agent(&world)
        .run("run volsync.restore media radarr --yes")
        .await;
    let wrong = wished.differences(&Tree::of(&place.volume));
    if ran.code() == Some(0) {
        assert!(wrong.is_empty(), "{}\n{ran}", wrong.join("\n"));
    } else {
        assert!(place.app.is_down().await, "the app runs on it: {ran}");
        ran.says("film with two names");
    }
}

/// The app is down only for what nobody could see before, and no longer than it takes to see it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mover_that_cannot_start_is_given_up_soon() {
    let world = World::with_containers().await;
    let place = Place::new(&world).await;
    let states = [
        ("snapshots", Obstacle::Image, "ErrImagePull"),
        ("backup", Obstacle::Image, "ErrImagePull"),
        ("restore", Obstacle::Image, "ErrImagePull"),
        ("restore", Obstacle::Volume, "Multi-Attach error"),
    ];
    // Each takes its minute. Where the app is down meanwhile is what matters most.
    let sample = |state: &&(&str, Obstacle, &str)| {
        all() || state.0 == "restore" && state.2.starts_with("Err")
    };
    for (argument, obstacle, said) in states.iter().copied().filter(|state| sample(&state)) {
        let before = place.begin().await;
        world.kubelet().obstruct(Some((argument, obstacle)));
        let begin = Instant::now();
        let ran = agent(&world).run(LINE).await;
        let took = begin.elapsed();
        world.kubelet().obstruct(None);
        println!(
            "bytes: {argument} kept by {obstacle:?}: exit {:?} in {:.0} s",
            ran.code(),
            took.as_secs_f64()
        );
        assert_ne!(ran.code(), Some(0), "{ran}");
        // Told within half a minute, it is given up after one or, where a volume may still come, one and a half. What comes before and after has its time.
        assert!(took < Duration::from_secs(130), "after {took:?}: {ran}");
        let wrong = before.present.differences(&Tree::of(&place.volume));
        assert!(wrong.is_empty(), "{}\n{ran}", wrong.join("\n"));
        is_whole(&place, &before, &ran.says(said)).await;
    }
}

/// VolSync itself does not find the log of such a mover, so its status says that it succeeded and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_container_changes_nothing() {
    let world = World::with_containers().await;
    let place = Place::new(&world).await;
    inject(&world).await;
    let before = place.begin().await;
    let ran = agent(&world).run(LINE).await;
    println!("bytes: second container: exit {:?}", ran.code());
    is_restored(&place, &before, &ran).await;
}
