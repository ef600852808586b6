//! Plans: what a run that plans has come to, and whether one is for this cluster.

use agent_capability::Gate;
use agent_core::failure::{Failure, Kind};
use agent_core::plan::{self, Plan};
use agent_core::record::RunHeader;

/// Refuses to apply a plan to another cluster than that for which it was made.
///
/// # Errors
/// `conflict` (`plan.other-cluster`).
pub(crate) fn is_the_planned_cluster(plan: &Plan, begun: &RunHeader) -> Result<(), Failure> {
    let (Some(planned), Some(now)) = (&plan.cluster.server, &begun.cluster.server) else {
        return Ok(());
    };
    if planned == now {
        return Ok(());
    }
    let message =
        format!("the plan was made for the cluster at {planned}, and this is the one at {now}");
    Err(Failure::new(Kind::Conflict, "plan.other-cluster", message)
        .hinted("give --kubeconfig FILE or --context NAME of that cluster"))
}

/// Returns what a run that plans has come to, for a file.
pub(crate) fn drawn(gate: &Gate, begun: RunHeader) -> Plan {
    let plan_draft = gate.plan_draft();
    Plan {
        format: plan::FORMAT,
        operation: begun.call.operation,
        arguments: begun.call.arguments,
        secrets: begun.secrets,
        plugin: begun.plugin,
        digest: begun.digest,
        cluster: begun.cluster,
        who: begun.who,
        made: begun.at,
        effects: plan_draft.effects,
        rests_on: plan_draft.rests_on,
        listed: Default::default(),
        stand_ins: plan_draft.stand_ins,
    }
}
