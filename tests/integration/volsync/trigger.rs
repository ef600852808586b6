//! Manual triggers of others, and movers that run: what `volsync.snapshot` and `volsync.unlock` do about them.

use std::time::Duration;

use serde_json::{Value, json};

use crate::integration::app::App;
use crate::integration::kind::{JOB, REPLICATION_SOURCE};
use crate::integration::scenario::scenarios;
use crate::integration::world::World;

scenarios![
    tag_is_not_set_while_a_sync_runs,
    tag_that_volsync_has_not_handled_is_not_replaced,
    tag_that_another_run_holds_is_left_alone,
    mover_that_fails_like_the_last_one_is_noticed: "a real Job takes minutes between its tries",
    unlock_does_not_kill_a_mover_that_takes_longer: "kwok ends the pods of Jobs at once",
];

async fn set_tag(app: &App<'_>, tag: Value) {
    let change = json!({"spec": {"trigger": {"manual": tag}}});
    app.merge(REPLICATION_SOURCE, change).await;
}

async fn is_handled(app: &App<'_>, tag: &str) -> bool {
    app.get(REPLICATION_SOURCE).await["status"]["lastManualSync"] == tag
}

/// The trap: VolSync confirms the tag that it finds at the end, so ours would be confirmed by a backup that had begun before.
async fn tag_is_not_set_while_a_sync_runs(world: &World) {
    let app = world.app("default", "atuin").await;
    let slow = Some((Duration::from_secs(3), false));
    world.controllers().slow_job("default", "atuin", slow);
    set_tag(&app, json!("theirs")).await;
    world
        .until("a mover runs", || async {
            app.get(REPLICATION_SOURCE).await["status"]["lastSyncStartTime"].is_string()
        })
        .await;
    let running = world
        .agent()
        .start("run volsync.snapshot default atuin -o json");
    let running = running
        .until("their backup has ended", || is_handled(&app, "theirs"))
        .await;
    app.begin_anew("what the app wrote afterwards");
    world.controllers().slow_job("default", "atuin", None);
    let ran = running.end().await.exits(0);
    let newest = app.snapshots()[0].clone();
    assert_eq!(
        ran.value()[0]["snapshot"],
        newest.short_id.as_str(),
        "{ran}"
    );
    assert_eq!(newest.tree, "what the app wrote afterwards", "{ran}");
    let tag = app.get(REPLICATION_SOURCE).await["spec"]["trigger"]["manual"].clone();
    assert!(tag.to_string().starts_with("\"agent-"), "{tag}");
    set_tag(&app, Value::Null).await;
}

async fn tag_that_volsync_has_not_handled_is_not_replaced(world: &World) {
    let app = world.app_alone("media", "plex").await;
    world.controllers().silence("volsync");
    set_tag(&app, json!("theirs")).await;
    let line = "run volsync.snapshot media plex --timeout 2s -o json";
    let ran = world
        .agent()
        .run(line)
        .await
        .exits(1)
        .says("VolSync had not handled its manual trigger `theirs` after `2s`");
    let tag = app.get(REPLICATION_SOURCE).await["spec"]["trigger"]["manual"].clone();
    assert_eq!(tag, "theirs", "{ran}");
    world.controllers().answer("volsync");
    world
        .until("VolSync has handled it", || is_handled(&app, "theirs"))
        .await;
    set_tag(&app, Value::Null).await;
}

/// Such as that of a restore on another machine: replaced, its source would back up a volume that is being overwritten.
async fn tag_that_another_run_holds_is_left_alone(world: &World) {
    const TAG: &str = "2026-11-22T06-00-00.123456789Z-0a1b2c3d";
    let app = world.app("media", "lidarr").await;
    set_tag(&app, json!(TAG)).await;
    world
        .until("VolSync has handled it", || is_handled(&app, TAG))
        .await;
    let line = "run volsync.snapshot media lidarr --timeout 2s -o json";
    let ran = world
        .agent()
        .run(line)
        .await
        .exits(1)
        .says("another run of an agent was still using it");
    let tag = app.get(REPLICATION_SOURCE).await["spec"]["trigger"]["manual"].clone();
    assert_eq!(tag, TAG, "{ran}");
    set_tag(&app, Value::Null).await;
}

/// VolSync's status says the same after both, so that there was a second failure is seen by the Job only.
async fn mover_that_fails_like_the_last_one_is_noticed(world: &World) {
    let app = world.app("default", "mealie").await;
    world.controllers().fail_mover("default", "mealie", 1000);
    let line = "run volsync.snapshot default mealie --timeout 50s -o json";
    let agent = world.agent();
    agent.run(line).await.exits(1).says("its mover failed");
    // It fails on, so an unlock interrupts it, and the next unlock that one, which has printed the same.
    let line = "run volsync.unlock default mealie --timeout 50s -o json";
    for _ in 0..2 {
        agent.run(line).await.exits(1).says("its mover failed");
    }
    world.controllers().fail_mover("default", "mealie", 0);
    let done = |source: &Value| {
        source["status"]["lastSyncStartTime"].is_null()
            && source["status"]["latestMoverStatus"]["result"] == "Successful"
    };
    world
        .until("VolSync has got over it", || async {
            done(&app.get(REPLICATION_SOURCE).await)
        })
        .await;
}

/// The trap: to take the field back is a change of the mover's settings, for which VolSync kills it.
async fn unlock_does_not_kill_a_mover_that_takes_longer(world: &World) {
    let app = world.app("media", "sabnzbd").await;
    let slow = Some((Duration::from_secs(6), false));
    world.controllers().slow_job("media", "sabnzbd", slow);
    let line = "run volsync.unlock media sabnzbd --timeout 2s -o json";
    world
        .agent()
        .run(line)
        .await
        .exits(1)
        .says("had not ended after `2s`");
    let mover = || async { world.get(JOB, "media", "volsync-src-sabnzbd").await };
    let uid = mover().await["metadata"]["uid"].clone();
    assert!(uid.is_string());
    world
        .until("the mover has ended", || async {
            let now = mover().await["metadata"]["uid"].clone();
            assert!(now.is_null() || now == uid, "the mover was killed");
            app.get(REPLICATION_SOURCE).await["status"]["lastSyncStartTime"].is_null()
        })
        .await;
    world.controllers().slow_job("media", "sabnzbd", None);
}
