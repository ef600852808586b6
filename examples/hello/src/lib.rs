//! The smallest plugin that does something: it counts the pods of a namespace by phase.

use std::collections::BTreeMap;

use agent_sdk::prelude::*;
use serde::Serialize;

agent_sdk::plugin! { manifest = "plugin.toml", operations = [pods] }

/// What `hello.pods` is told.
#[derive(Args)]
struct Pods {
    /// Where the pods are; all namespaces when it is not given
    #[arg(positional, names(namespace))]
    namespace: Option<String>,
}

/// One row of its table.
#[derive(Debug, PartialEq, Serialize)]
struct Row {
    phase: String,
    pods: usize,
}

/// Count the pods by phase.
///
/// A plugin is handed nothing but what it asked for in `plugin.toml` and was granted: this one may list pods.
#[operation(risk = "read", columns(phase, pods), examples("hello.pods media"))]
fn pods(args: Pods) -> Result<Vec<Row>> {
    let step = Step::new("List the pods");
    let query = Query::all(kinds::POD).namespace(args.namespace.as_deref());
    let pods = cluster::list(&query, &["/status/phase"])?;
    step.done(format!("{} pods", pods.len()));
    Ok(count(&pods))
}

fn count(pods: &[Object]) -> Vec<Row> {
    let mut phases = BTreeMap::new();
    for pod in pods {
        let phase = pod.text("/status/phase").unwrap_or("Unknown");
        *phases.entry(phase).or_default() += 1;
    }
    phases
        .into_iter()
        .map(|(phase, pods)| Row {
            phase: phase.to_owned(),
            pods,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_counted_by_phase() {
        let pod = |phase: &str| Object(json!({ "status": { "phase": phase } }));
        let rows = count(&[
            pod("Running"),
            pod("Failed"),
            pod("Running"),
            Object::default(),
        ]);
        let rows: Vec<_> = rows
            .iter()
            .map(|row| (row.phase.as_str(), row.pods))
            .collect();
        assert_eq!(rows, [("Failed", 1), ("Running", 2), ("Unknown", 1)]);
    }
}
