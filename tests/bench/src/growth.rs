//! From two hundred objects to five thousand: time must grow with them, memory hardly.

use anyhow::Result;

use crate::bench::{Bench, SAMPLES};
use crate::program::Costs;
use crate::table::{Amount, Goal, Table};

const FEW: usize = 200;
const MANY: usize = 5_000;
/// What counts as linear: so much more time for each object.
const LINEAR: f64 = 1.2;
/// What counts as flat.
const FLAT: f64 = 1.3;

pub(crate) async fn measure(bench: &Bench, table: &mut Table) -> Result<()> {
    bench.kustomizations("few", FEW).await?;
    bench.kustomizations("lots", MANY).await?;
    for operation in ["flux.sync ks NS --all", "flux.status ks NS"] {
        let few = bench.agent(&format!("run {}", operation.replace("NS", "few")));
        let lots = bench.agent(&format!("run {}", operation.replace("NS", "lots")));
        let (mut costs_few, mut costs_lots) = (Costs::default(), Costs::default());
        for _ in 0..SAMPLES {
            costs_few.add(few.run().await?);
            costs_lots.add(lots.run().await?);
        }
        let name = operation.split(' ').next().unwrap_or_default();
        let each = |costs: &Costs, count: usize| {
            Amount::Time(costs.wall() / u32::try_from(count).unwrap_or(1))
        };
        let figure = format!("{name} of {MANY}, time for each");
        table.compare(
            &figure,
            each(&costs_lots, MANY),
            "of 200",
            each(&costs_few, FEW),
            Goal::Part(LINEAR),
        );
        table.tell(
            &format!("{name} of {MANY}"),
            Amount::Time(costs_lots.wall()),
            Goal::Known,
        );
        let figure = format!("{name} of {MANY}, memory");
        let memory = |costs: &Costs| Amount::Memory(costs.memory());
        table.compare(
            &figure,
            memory(&costs_lots),
            "of 200",
            memory(&costs_few),
            Goal::Part(FLAT),
        );
    }
    Ok(())
}
