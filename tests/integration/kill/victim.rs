//! The operations that write, as they are typed, and where each begins.

use serde_json::json;

use crate::integration::app::App;
use crate::integration::kind::{
    AUTOSCALER, DEPLOYMENT, HELM_RELEASE, KUSTOMIZATION, Kind, SCALED_OBJECT,
};
use crate::integration::world::is_paused;

/// What differs from run to run and stays when a run is taken back: it asked a controller to act.
pub(crate) const TOKENS: &[&str] = &[
    "/metadata/annotations/reconcile.fluxcd.io~1requestedAt",
    "/metadata/annotations/reconcile.fluxcd.io~1forceAt",
    "/metadata/annotations/reconcile.fluxcd.io~1resetAt",
    "/spec/restic/unlock",
];

/// An operation on an app.
pub(super) struct Victim {
    pub(super) line: &'static str,
    pub(super) namespace: &'static str,
    pub(super) app: &'static str,
    pub(super) start: Start,
}

/// Where an operation has something to do.
#[derive(Clone, Copy)]
pub(super) enum Start {
    /// Everything runs.
    Running,
    /// Flux is suspended for the app.
    Suspended,
    /// KEDA is paused for the app.
    Paused,
    /// VolSync itself is suspended.
    VolSyncSuspended,
}

/// A restore that does not wait long.
macro_rules! restore {
    ($app:literal) => {
        victim(
            concat!(
                "run volsync.restore media ",
                $app,
                " --yes --timeout 40s --down-timeout 40s --ready-timeout 40s"
            ),
            $app,
            Start::Running,
        )
    };
}

/// In the small home, in which each acts on few objects.
pub(super) const ALL: &[Victim] = &[
    restore!("radarr"),
    victim(
        "run volsync.snapshot media radarr --timeout 40s",
        "radarr",
        Start::Running,
    ),
    victim(
        "run volsync.unlock media radarr --timeout 40s",
        "radarr",
        Start::Running,
    ),
    victim("run volsync.list media radarr", "radarr", Start::Running),
    victim("run volsync.suspend --yes", "radarr", Start::Running),
    victim(
        "run volsync.resume --yes",
        "radarr",
        Start::VolSyncSuspended,
    ),
    victim("run flux.suspend ks media radarr", "radarr", Start::Running),
    victim("run flux.suspend hr media radarr", "radarr", Start::Running),
    victim(
        "run flux.resume ks media radarr",
        "radarr",
        Start::Suspended,
    ),
    victim(
        "run flux.resume hr media radarr",
        "radarr",
        Start::Suspended,
    ),
    victim(
        "run flux.reconcile ks media radarr --with-source",
        "radarr",
        Start::Running,
    ),
    victim(
        "run flux.reconcile hr media radarr --force",
        "radarr",
        Start::Running,
    ),
    victim("run flux.sync ks media radarr", "radarr", Start::Running),
    victim(
        "run flux.sync hr --all --namespace default",
        "radarr",
        Start::Running,
    ),
    victim("run keda.pause media radarr", "radarr", Start::Running),
    victim("run keda.resume media radarr", "radarr", Start::Paused),
    victim("run keda.pause --all", "radarr", Start::Running),
];

pub(super) const RESTORE_OF_TAUTULLI: Victim = restore!("tautulli");
pub(super) const RESTORE_OF_PROWLARR: Victim = restore!("prowlarr");
pub(super) const RESTORE_OF_BAZARR: Victim = restore!("bazarr");
pub(super) const RESTORE_OF_LIDARR: Victim = restore!("lidarr");

const fn victim(line: &'static str, app: &'static str, start: Start) -> Victim {
    Victim {
        line,
        namespace: "media",
        app,
        start,
    }
}

impl Start {
    /// Brings an app there, from wherever the last run has left it.
    pub(super) async fn bring(self, app: &App<'_>) {
        let suspended = matches!(self, Start::Suspended);
        for kind in [KUSTOMIZATION, HELM_RELEASE] {
            suspend(app, kind, app.namespace, app.name, suspended).await;
        }
        if let Start::VolSyncSuspended | Start::Running = self
            && app.world.is_simulated()
        {
            volsync(app, matches!(self, Start::VolSyncSuspended)).await;
            let all = app.world.list(SCALED_OBJECT).await;
            for one in all.iter().filter(|one| is_paused(one)) {
                let text = |name: &str| {
                    one["metadata"][name]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned()
                };
                pause(app, &text("namespace"), &text("name"), false).await;
            }
        }
        if !app.get(SCALED_OBJECT).await.is_null() {
            pause(app, app.namespace, app.name, matches!(self, Start::Paused)).await;
        }
    }
}

async fn suspend(app: &App<'_>, kind: Kind, namespace: &str, name: &str, wished: bool) {
    let now = app.world.get(kind, namespace, name).await["spec"]["suspend"] == true;
    if now != wished {
        let value = if wished { json!(true) } else { json!(null) };
        let change = json!({"spec": {"suspend": value}});
        app.world.merge(kind, namespace, name, change).await;
    }
}

async fn pause(app: &App<'_>, namespace: &str, name: &str, wished: bool) {
    let scaled = app.world.get(SCALED_OBJECT, namespace, name).await;
    if is_paused(&scaled) != wished {
        let value = if wished { json!("true") } else { json!(null) };
        let change = json!({"metadata": {"annotations": {"autoscaling.keda.sh/paused": value}}});
        app.world
            .merge(SCALED_OBJECT, namespace, name, change)
            .await;
    }
    let autoscaler = format!("keda-hpa-{name}");
    app.world
        .until("KEDA has followed", || async {
            app.world
                .get(AUTOSCALER, namespace, &autoscaler)
                .await
                .is_null()
                == wished
        })
        .await;
}

async fn volsync(app: &App<'_>, suspended: bool) {
    let (namespace, name) = ("volsync-system", "volsync");
    let replicas = if suspended { 0 } else { 1 };
    for kind in [KUSTOMIZATION, HELM_RELEASE] {
        suspend(app, kind, namespace, name, suspended).await;
    }
    let now = app.world.get(DEPLOYMENT, namespace, name).await["spec"]["replicas"].clone();
    if now != replicas {
        let change = json!({
            "metadata": {"annotations": {"agent.ops/replicas": null}}, "spec": {"replicas": replicas},
        });
        app.world.merge(DEPLOYMENT, namespace, name, change).await;
    }
}

/// How often Helm has made a release of the app.
pub(super) async fn releases(app: &App<'_>) -> i64 {
    let release = app.get(HELM_RELEASE).await;
    release["status"]["history"][0]["version"]
        .as_i64()
        .unwrap_or_default()
}
