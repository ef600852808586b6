//! One request for each of two hundred objects.

use std::time::Duration;

use anyhow::Result;

use crate::bench::{Bench, REQUESTED_AT, SAMPLES};
use crate::program::{Cost, Costs};
use crate::table::{Amount, Goal, Table};

const NAMESPACE: &str = "many";
const OBJECTS: usize = 200;
/// So many calls of kubectl are made for each sample; the rest would cost as much again.
const CALLS: u32 = 20;
/// How long the server gets to come to rest after each.
const SETTLE: Duration = Duration::from_millis(700);
const FIGURE: &str = "flux.sync --all of 200";

pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    let names = bench.kustomizations(NAMESPACE, OBJECTS).await?;
    let ours = bench.agent(&format!("run flux.sync ks {NAMESPACE} --all"));
    let [mut sync, mut looped, mut annotate, mut curl] = [(); 4].map(|()| Costs::default());
    for sample in 0..=SAMPLES {
        let all = format!(
            "annotate kustomizations.kustomize.toolkit.fluxcd.io -n {NAMESPACE} --all --overwrite {REQUESTED_AT}=a{sample}"
        );
        let annotate_all = bench.kubectl(&all);
        let curl_all = bench.curl_many(NAMESPACE, &names, &format!("c{sample}"))?;
        // Who begins, and who comes after whom, changes: when the server collects garbage must not be at the expense of one alone.
        for turn in 0..4 {
            tokio::time::sleep(SETTLE).await;
            let forth = sample % 2 == 0;
            let (costs, cost) = match (sample + if forth { turn } else { 4 - turn }) % 4 {
                0 => (&mut sync, ours.run().await?),
                1 => (&mut looped, one_by_one(bench, &names, sample).await?),
                2 => (&mut annotate, annotate_all.run().await?),
                _ => (&mut curl, curl_all.run().await?),
            };
            if sample > 0 {
                costs.add(cost);
            }
        }
    }
    let wall = |costs: &Costs| Amount::Time(costs.wall());
    table.compare(
        FIGURE,
        wall(&sync),
        "loop of kubectl annotate",
        wall(&looped),
        Goal::Faster(25.0),
    );
    table.compare(
        FIGURE,
        wall(&sync),
        "kubectl annotate --all",
        wall(&annotate),
        Goal::Part(0.45),
    );
    table.compare(
        FIGURE,
        wall(&sync),
        "curl --parallel-max 32",
        wall(&curl),
        Goal::Part(1.25),
    );
    let (ours, theirs) = (sync.memory(), annotate.memory());
    let figure = format!("{FIGURE}, memory");
    table.compare(
        &figure,
        Amount::Memory(ours),
        "kubectl annotate --all",
        Amount::Memory(theirs),
        Goal::Known,
    );
    Ok(())
}

/// What the recipe does: one process for each object.
async fn one_by_one(bench: &Bench, names: &[String], sample: usize) -> Result<Cost> {
    let mut whole = Cost {
        wall: Duration::ZERO,
        memory: 0,
    };
    for name in names.iter().take(CALLS as usize) {
        let one = format!(
            "annotate kustomizations.kustomize.toolkit.fluxcd.io -n {NAMESPACE} {name} --overwrite {REQUESTED_AT}=l{sample}"
        );
        let cost = bench.kubectl(&one).run().await?;
        whole.wall += cost.wall;
        whole.memory = whole.memory.max(cost.memory);
    }
    let rest = u32::try_from(names.len()).unwrap_or(u32::MAX) / CALLS;
    Ok(Cost {
        wall: whole.wall * rest,
        ..whole
    })
}
