//! One request by a cold process, and what of it is only our start.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::bench::{Bench, REQUESTED_AT, SAMPLES};
use crate::program::Costs;
use crate::table::{Amount, Goal, Table};

const NAMESPACE: &str = "one";
const KUBECTL: &str = "kubectl annotate";
const FIGURE: &str = "flux.sync of one, cold";
/// The exit code for a cluster that cannot be reached.
const UNREACHABLE: i32 = 5;

pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let names = bench.kustomizations(NAMESPACE, 1).await?;
    let name = &names[0];
    let (mut ours, mut kubectl, mut curl, mut start) = (
        Costs::default(),
        Costs::default(),
        Costs::default(),
        Costs::default(),
    );
    let sync = bench.agent(&format!("run flux.sync ks {NAMESPACE} {name}"));
    // Up to its first host call, which finds no cluster.
    let nowhere = bench.home().join("nowhere");
    let lost = bench
        .agent_alone("run flux.sync ks one two")
        .with("KUBECONFIG", &nowhere);
    for sample in 0..=SAMPLES {
        let annotate = format!(
            "annotate kustomizations.kustomize.toolkit.fluxcd.io -n {NAMESPACE} {name} --overwrite {REQUESTED_AT}=k{sample}"
        );
        let costs = [
            sync.run().await?,
            bench.kubectl(&annotate).run().await?,
            bench
                .curl(NAMESPACE, name, &format!("c{sample}"))
                .run()
                .await?,
            lost.fail(UNREACHABLE).await?,
        ];
        // The first of each fills caches: compiled code, discovery, pages of the disk.
        if sample > 0 {
            for (all, cost) in [&mut ours, &mut kubectl, &mut curl, &mut start]
                .into_iter()
                .zip(costs)
            {
                all.add(cost);
            }
        }
    }
    let wall = |costs: &Costs| Amount::Time(costs.wall());
    let memory = |costs: &Costs| Amount::Memory(costs.memory());
    table.compare(
        FIGURE,
        wall(&ours),
        KUBECTL,
        wall(&kubectl),
        Goal::Part(0.4),
    );
    table.compare(FIGURE, wall(&ours), "curl", wall(&curl), Goal::Part(1.5));
    let figure = format!("{FIGURE}, memory");
    table.compare(
        &figure,
        memory(&ours),
        KUBECTL,
        memory(&kubectl),
        Goal::Part(0.7),
    );
    table.compare(
        "start, guest, first host call, end",
        wall(&start),
        KUBECTL,
        wall(&kubectl),
        Goal::Known,
    );
    table.tell("the same, memory", memory(&start), Goal::Known);
    let size = std::fs::metadata(bench.agent_path())
        .context("looking at the binary")?
        .len();
    table.tell("size of the binary", Amount::Memory(size), Goal::Known);
    first_compilation(bench, table).await
}

/// What only the first run of a new agent costs.
async fn first_compilation(bench: &Bench, table: &mut Table) -> Result<()> {
    let mut walls: Vec<Duration> = Vec::new();
    for _ in 0..SAMPLES {
        let fresh = tempfile::tempdir().context("making a home")?;
        let first = bench
            .agent_alone("run flux.sync ks one two")
            .with("HOME", fresh.path());
        let first = first.with("KUBECONFIG", &bench.home().join("nowhere"));
        walls.push(first.fail(UNREACHABLE).await?.wall);
    }
    let first = Amount::Time(crate::program::median(&walls));
    table.tell("the same, plugin not compiled yet", first, Goal::Known);
    Ok(())
}
