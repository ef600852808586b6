//! `--plan --out FILE` and `agent apply FILE`: what is in the plan is done, and nothing else.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::agent::Agent;
use super::app::App;
use super::kind::{KUSTOMIZATION, SCALED_OBJECT};
use super::scenario::scenarios;
use super::state::State;
use super::world::World;

scenarios![
    plan_that_is_applied_does_what_it_says,
    plan_without_a_way_back_is_applied,
    plan_outlives_what_controllers_report,
    plan_is_refused_when_a_field_it_rests_on_has_changed,
    plan_is_refused_when_an_object_it_rests_on_is_gone,
    effect_outside_the_plan_is_refused_before_it_happens,
    what_went_beyond_its_plan_is_taken_back_as_a_whole,
    plan_of_another_cluster_is_refused,
    plan_cannot_be_applied_twice_when_it_has_been_done,
];

const QUICK: &str = "--timeout 40s --down-timeout 40s --ready-timeout 40s";

/// A plan of an app's restore, and the agent that made it.
struct Planned {
    agent: Agent,
    path: PathBuf,
}

impl Planned {
    /// Plans an operation.
    async fn of(app: &App<'_>, line: &str) -> Self {
        let agent = app.world.agent();
        let path = agent.home().join("plan.json");
        let line = format!("run {line} --plan --out {}", path.display());
        agent.run(&line).await.exits(0);
        Planned { agent, path }
    }

    async fn restore(app: &App<'_>) -> Self {
        let line = format!("volsync.restore {} {} {QUICK}", app.namespace, app.name);
        Self::of(app, &line).await
    }

    async fn apply(&self) -> super::agent::Ran {
        let line = format!("apply {} --yes -o json", self.path.display());
        self.agent.run(&line).await
    }

    /// Edits the file, as nobody should.
    fn edit(&self, change: impl FnOnce(&mut Value)) {
        let text = std::fs::read_to_string(&self.path).expect("a plan");
        let mut plan = serde_json::from_str(&text).expect("a plan");
        change(&mut plan);
        std::fs::write(&self.path, plan.to_string()).expect("writing a plan");
    }

    fn effects(&self) -> usize {
        let text = std::fs::read_to_string(&self.path).expect("a plan");
        let plan: Value = serde_json::from_str(&text).expect("a plan");
        plan["effects"].as_array().map_or(0, Vec::len)
    }
}

async fn plan_that_is_applied_does_what_it_says(world: &World) {
    let app = world.app_alone("media", "radarr").await;
    app.begin_anew("what the app wrote");
    let before = app.state().await;
    let newest = app.snapshots()[0].clone();
    let planned = Planned::restore(&app).await;
    app.is_as(&before).await;
    let ran = planned.apply().await.exits(0);
    assert_eq!(app.content(), newest.tree, "{ran}");
    // The plan holds retention, for it cannot know whether the chosen snapshot needs that, and has the Jobs for a volume that is to be mended.
    let not_needed = planned.effects() - ran.events_named("changed").len();
    assert!(not_needed <= 4, "{ran}");
    app.is_unharmed();
    app.is_as(&before).await;
}

/// A status, and so the resourceVersion, changes all the time.
/// Which snapshot the command for a person names is known only when the run lists the repository.
async fn plan_without_a_way_back_is_applied(world: &World) {
    let app = world.app_alone("media", "prowlarr").await;
    app.begin_anew("what the app wrote");
    let newest = app.snapshots()[0].clone();
    let line = format!(
        "volsync.restore {} {} --no-safety-snapshot {QUICK}",
        app.namespace, app.name
    );
    let planned = Planned::of(&app, &line).await;
    let ran = planned.apply().await.exits(0);
    assert_eq!(app.content(), newest.tree, "{ran}");
    app.is_unharmed();
}

async fn plan_outlives_what_controllers_report(world: &World) {
    let app = world.app_alone("media", "sonarr").await;
    app.begin_anew("what the app wrote");
    let newest = app.snapshots()[0].clone();
    let planned = Planned::restore(&app).await;
    let version = async || app.get(KUSTOMIZATION).await["metadata"]["resourceVersion"].clone();
    let earlier = version().await;
    let line = "run flux.reconcile ks media sonarr";
    world.agent().run(line).await.exits(0);
    assert_ne!(earlier, version().await);
    let ran = planned.apply().await.exits(0);
    assert_eq!(app.content(), newest.tree, "{ran}");
}

async fn plan_is_refused_when_a_field_it_rests_on_has_changed(world: &World) {
    let app = world.app_alone("media", "lidarr").await;
    let planned = Planned::restore(&app).await;
    app.merge(KUSTOMIZATION, json!({"spec": {"suspend": true}}))
        .await;
    let (before, present) = (app.state().await, app.content());
    let ran = planned
        .apply()
        .await
        .exits(1)
        .says("plan.outdated")
        .says("kustomizations media/lidarr: `/spec/suspend` was null, and is true");
    assert!(ran.events_named("changed").is_empty(), "{ran}");
    assert_eq!(app.content(), present);
    app.is_as(&before).await;
    app.merge(KUSTOMIZATION, json!({"spec": {"suspend": null}}))
        .await;
}

async fn plan_is_refused_when_an_object_it_rests_on_is_gone(world: &World) {
    let app = world.app_alone("media", "sabnzbd").await;
    let note = json!({
        "apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": {"name": "spare", "namespace": "media"},
        "spec": {
            "scaleTargetRef": {"name": "sabnzbd"},
            "triggers": [{"type": "cron", "metadata": {"timezone": "UTC", "start": "0 6 * * *", "end": "0 7 * * *", "desiredReplicas": "1"}}],
        },
    });
    world.create(SCALED_OBJECT, &note).await;
    let planned = Planned::of(&app, "keda.pause media spare").await;
    world.delete(SCALED_OBJECT, "media", "spare").await;
    let ran = planned
        .apply()
        .await
        .exits(1)
        .says("scaledobjects media/spare: it is gone");
    assert!(ran.events_named("changed").is_empty(), "{ran}");
}

/// The effect is the last but one of a restore, so the run is under way when it comes to it.
async fn effect_outside_the_plan_is_refused_before_it_happens(world: &World) {
    let app = world.app_alone("media", "tautulli").await;
    app.begin_anew("what the app wrote");
    let (before, present) = (app.state().await, app.content());
    let planned = Planned::restore(&app).await;
    planned.edit(|plan| {
        let effects = plan["effects"].as_array_mut().expect("effects");
        let count = effects.len();
        effects.retain(|effect| {
            effect["target"]["of"] != "replicationdestinations.v1alpha1.volsync.backube"
        });
        assert!(effects.len() < count);
    });
    let proxy = world.proxy();
    let kubeconfig = planned.agent.home().join("proxied");
    std::fs::write(&kubeconfig, proxy.kubeconfig()).expect("writing a kubeconfig");
    planned.edit(|plan| plan["cluster"] = json!({}));
    let line = format!(
        "apply {} --yes -o json --kubeconfig {}",
        planned.path.display(),
        kubeconfig.display()
    );
    let ran = planned
        .agent
        .run(&line)
        .await
        .exits(6)
        .says("plan.not-planned")
        .says("is not in the plan");
    let sent = proxy.log();
    let restores = |path: &str| path.contains("/replicationdestinations");
    assert!(
        !sent
            .iter()
            .any(|one| one.method == "POST" && restores(&one.path)),
        "{ran}"
    );
    assert_eq!(app.content(), present, "{ran}");
    app.is_as(&before).await;
}

/// Each suspension is to stay, and the operation makes a row of the one that fails; nobody has approved a run that is like this.
async fn what_went_beyond_its_plan_is_taken_back_as_a_whole(world: &World) {
    let _alone = world.exclusive().await;
    let before = State::of(world, None).await;
    for then in ["undo", "keep"] {
        // Anew each time: what was taken back has another generation.
        let agent = world.agent();
        let path = agent.home().join("plan.json");
        let line = "run flux.suspend hr --all --namespace default --plan";
        agent
            .run(&format!("{line} --out {}", path.display()))
            .await
            .exits(0);
        let planned = Planned { agent, path };
        planned.edit(|plan| {
            let effects = plan["effects"].as_array_mut().expect("effects");
            assert!(effects.len() > 2);
            effects.pop();
        });
        let line = format!("apply {} --yes --on-failure {then}", planned.path.display());
        let ran = planned.agent.run(&line).await;
        let ran = ran.says("is not in the plan");
        assert_ne!(ran.code(), Some(0), "{ran}");
        let wrong = before
            .held_part()
            .differences(&State::held(world, None).await);
        assert!(wrong.is_empty(), "{wrong:#?}\n{ran}");
    }
}

async fn plan_of_another_cluster_is_refused(world: &World) {
    let app = world.app_alone("media", "jellyfin").await;
    let planned = Planned::of(&app, "flux.suspend ks media jellyfin").await;
    planned.edit(|plan| plan["cluster"]["server"] = json!("https://192.0.2.7:6443"));
    planned
        .apply()
        .await
        .exits(1)
        .says("plan.other-cluster")
        .says("https://192.0.2.7:6443");
    assert!(!app.is_suspended(KUSTOMIZATION).await);
}

/// What it would change is as it would make it, so it rests on nothing any more.
async fn plan_cannot_be_applied_twice_when_it_has_been_done(world: &World) {
    let app = world.app_alone("media", "plex").await;
    let planned = Planned::of(&app, "flux.suspend ks media plex").await;
    planned.apply().await.exits(0);
    assert!(app.is_suspended(KUSTOMIZATION).await);
    planned.apply().await.exits(1).says("plan.outdated");
    planned.agent.run("undo last --yes").await.exits(0);
    assert!(!app.is_suspended(KUSTOMIZATION).await);
}
