//! `volsync.restore` end to end: how much longer it takes than the controllers that do the work.

use std::time::{Duration, Instant};

use agent_sandbox_controller::{Controllers, Options, Snapshot};
use anyhow::{Context, Result};
use serde_json::Value;

use crate::bench::{Bench, SAMPLES};
use crate::program::median;
use crate::reconcile::is_ready;
use crate::table::{Amount, Goal, Table};
use crate::timeline::{Timeline, Watched};

/// What one run may add.
const OVER: Amount = Amount::Time(Duration::from_millis(500));
const PATIENCE: Duration = Duration::from_secs(60);

const WATCHED: &[Watched] = &[
    watched(
        "volsync.backube",
        "v1alpha1",
        "ReplicationSource",
        is_syncing,
    ),
    watched(
        "volsync.backube",
        "v1alpha1",
        "ReplicationDestination",
        is_syncing,
    ),
    watched("batch", "v1", "Job", is_running),
    watched("apps", "v1", "Deployment", is_rolling),
    watched("", "v1", "Pod", is_changing),
    watched(
        "helm.toolkit.fluxcd.io",
        "v2",
        "HelmRelease",
        is_reconciling,
    ),
    watched(
        "kustomize.toolkit.fluxcd.io",
        "v1",
        "Kustomization",
        is_reconciling,
    ),
];

const fn watched(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    unsettled: fn(&Value) -> bool,
) -> Watched {
    Watched {
        group,
        version,
        kind,
        unsettled,
    }
}

pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    bench.app().await?;
    let controllers = controllers(bench).await?;
    let restore = bench.agent("run volsync.restore media plex --yes");
    settled(bench).await?;
    let (mut walls, mut theirs, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for sample in 0..=SAMPLES {
        let timeline = Timeline::start(&bench.testbed.client(), "media", WATCHED).await?;
        fill(&controllers)?;
        let begin = Instant::now();
        let wall = restore.run().await?.wall;
        let end = Instant::now();
        let busy = timeline.busy(begin, end);
        if sample == SAMPLES {
            eprintln!(
                "  of the last one, {} ms long, controllers were busy:",
                wall.as_millis()
            );
            timeline
                .lines(begin, end)
                .iter()
                .for_each(|line| eprintln!("  {line}"));
        }
        if sample > 0 {
            walls.push(wall);
            theirs.push(busy);
            added.push(wall.saturating_sub(busy));
        }
        settled(bench).await?;
    }
    drop(controllers);
    let (wall, busy) = (Amount::Time(median(&walls)), Amount::Time(median(&theirs)));
    table.compare(
        "volsync.restore",
        wall,
        "the controllers' own time",
        busy,
        Goal::Over(OVER),
    );
    table.tell(
        "volsync.restore, what it adds",
        Amount::Time(median(&added)),
        Goal::Most(OVER),
    );
    Ok(())
}

/// What is not real here: VolSync, Helm and KEDA, as ordinary clients of the real API server.
async fn controllers(bench: &Bench) -> Result<Controllers> {
    let options = Options::testbed(bench.testbed.logs().sink());
    let controllers = Controllers::start(bench.testbed.client(), options);
    controllers.begun().await;
    Ok(controllers)
}

/// Puts the backups as they were: a second safety snapshot in one hour would make the retention drop the first.
fn fill(controllers: &Controllers) -> Result<()> {
    for repository in agent_sandbox_home::repositories() {
        let snapshots = repository.snapshots.into_iter().map(serde_json::from_value);
        let snapshots: Vec<Snapshot> = snapshots
            .collect::<Result<_, _>>()
            .context("reading snapshots")?;
        controllers
            .repositories()
            .insert(&repository.url, &repository.password, snapshots);
    }
    Ok(())
}

/// Waits until the app is as it should be.
async fn settled(bench: &Bench) -> Result<()> {
    const READY: &[&str] = &[
        "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/media/kustomizations/plex",
        "/apis/helm.toolkit.fluxcd.io/v2/namespaces/media/helmreleases/plex",
    ];
    const ROLLED_OUT: &str = "/apis/apps/v1/namespaces/media/deployments/plex";
    let begin = Instant::now();
    let get = async |path: &str| {
        let request = http::Request::get(path)
            .body(Vec::new())
            .context("making a request")?;
        anyhow::Ok(
            bench
                .testbed
                .client()
                .request::<Value>(request)
                .await
                .unwrap_or_default(),
        )
    };
    loop {
        let mut all = !is_rolling(&get(ROLLED_OUT).await?);
        for path in READY {
            all &= is_ready(&get(path).await?);
        }
        if all {
            return Ok(());
        }
        anyhow::ensure!(begin.elapsed() < PATIENCE, "the app `plex` does not settle");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn is_syncing(object: &Value) -> bool {
    let wanted = &object["spec"]["trigger"]["manual"];
    wanted.is_string() && *wanted != object["status"]["lastManualSync"]
}

fn is_running(job: &Value) -> bool {
    let conditions = job["status"]["conditions"].as_array();
    let over = |one: &Value| {
        (one["type"] == "Complete" || one["type"] == "Failed") && one["status"] == "True"
    };
    !conditions.into_iter().flatten().any(over)
}

fn is_rolling(deployment: &Value) -> bool {
    let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
    let status = &deployment["status"];
    let count = |field: &str| status[field].as_i64().unwrap_or_default();
    status["observedGeneration"] != deployment["metadata"]["generation"]
        || count("readyReplicas") != wanted
        || count("replicas") != wanted
}

/// Of pods only their end is of interest here: the app waits for it, and deployments do not tell.
fn is_changing(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_string()
}

fn is_reconciling(object: &Value) -> bool {
    object["spec"]["suspend"] != true && !is_ready(object)
}
