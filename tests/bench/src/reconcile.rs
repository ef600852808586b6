//! `flux.reconcile`, awaited: how much longer it takes than the real kustomize-controller itself.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use crate::bench::{Bench, REQUESTED_AT, SAMPLES};
use crate::program::median;
use crate::table::{Amount, Goal, Table};
use crate::timeline::{Timeline, Watched};

/// What one run may add.
const OVER: Amount = Amount::Time(Duration::from_millis(50));

const WATCHED: &[Watched] = &[Watched {
    group: "kustomize.toolkit.fluxcd.io",
    version: "v1",
    kind: "Kustomization",
    unsettled: asked_and_not_done,
}];

pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    bench.app().await?;
    let ours = bench.agent("run flux.reconcile ks media plex");
    let (mut walls, mut controllers, mut added) = (Vec::new(), Vec::new(), Vec::new());
    for sample in 0..=SAMPLES {
        let timeline = Timeline::start(&bench.testbed.client(), "media", WATCHED).await?;
        let begin = Instant::now();
        let wall = ours.run().await?.wall;
        let busy = timeline.busy(begin, Instant::now());
        if sample > 0 {
            walls.push(wall);
            controllers.push(busy);
            added.push(wall.saturating_sub(busy));
        }
    }
    let (wall, busy) = (
        Amount::Time(median(&walls)),
        Amount::Time(median(&controllers)),
    );
    table.compare(
        "flux.reconcile, awaited",
        wall,
        "the controller's own time",
        busy,
        Goal::Over(OVER),
    );
    table.tell(
        "flux.reconcile, what it adds",
        Amount::Time(median(&added)),
        Goal::Most(OVER),
    );
    Ok(())
}

fn asked_and_not_done(object: &Value) -> bool {
    let asked = &object["metadata"]["annotations"][REQUESTED_AT];
    let handled = &object["status"]["lastHandledReconcileAt"];
    asked.is_string() && (asked != handled || !is_ready(object))
}

/// Whether Flux says that what is wanted now is applied.
pub(crate) fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|one| one["type"] == "Ready" && one["status"] == "True");
    ready && object["status"]["observedGeneration"] == object["metadata"]["generation"]
}
