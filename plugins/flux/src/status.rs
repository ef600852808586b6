//! `flux.status`: what is not ready, why, and since when; what is suspended, and by whom.

mod row;

use agent_sdk::diagnosis::look;
use agent_sdk::prelude::*;

use crate::kind::Flux;
use row::Row;

const FIELDS: [&str; 15] = [
    "/metadata/generation",
    "/metadata/deletionTimestamp",
    "/metadata/finalizers",
    "/metadata/labels",
    "/metadata/managedFields",
    "/spec/suspend",
    "/spec/type",
    "/status/observedGeneration",
    "/status/conditions",
    "/status/lastAppliedRevision",
    "/status/lastAttemptedRevision",
    "/status/artifact/revision",
    "/status/history",
    "/spec/sourceRef",
    "/spec/chartRef",
];

#[derive(Args)]
pub(crate) struct Status {
    /// What kind of object; all kinds when it is not given
    #[arg(positional)]
    kind: Option<Flux>,
    /// Where to look; everywhere when it is not given
    #[arg(positional, names(namespace))]
    namespace: Option<String>,
    /// Only this one
    #[arg(
        positional,
        names(object_by(
            parameter = "kind",
            ks = "kustomizations.v1.kustomize.toolkit.fluxcd.io",
            hr = "helmreleases.v2.helm.toolkit.fluxcd.io",
            git = "gitrepositories.v1.source.toolkit.fluxcd.io",
            oci = "ocirepositories.v1.source.toolkit.fluxcd.io",
            helm_repo = "helmrepositories.v1.source.toolkit.fluxcd.io"
        ))
    )]
    name: Option<String>,
    /// What is ready as well
    all: bool,
}

/// Show what is not ready or suspended.
///
/// Says why and since when, and for what is suspended, who did it and when, as far as the API server knows.
#[operation(
    risk = "read",
    columns(kind, namespace, name, ready, since, revision, suspended_by, message),
    constraints(requires(name, kind, namespace)),
    examples("flux.status", "flux.status hr media", "flux.status ks --all")
)]
pub(crate) fn status(args: Status) -> Result<Vec<Row>> {
    if let (Some(kind), Some(namespace), Some(name)) = (args.kind, &args.namespace, &args.name) {
        let target = ObjectRef::new(kind.object_type(), namespace, name);
        return Ok(vec![Row::of(kind, &cluster::get(&target, &FIELDS)?)]);
    }
    let (mut total, mut rows) = (0, Vec::new());
    let kept = |row: Row| {
        total += 1;
        if args.all || row.needs_attention() {
            rows.push(row);
        }
    };
    read(args.kind, args.namespace.as_deref(), kept)?;
    match (total, rows.len()) {
        (0, _) => {
            look::require_namespace(args.namespace.as_deref())?;
            info!("Flux keeps nothing there");
        }
        (total, 0) => info!("all {total} are ready; --all shows them"),
        _ => {}
    }
    rows.sort_by(|a, b| a.place().cmp(&b.place()));
    Ok(rows)
}

/// Reads one kind, or all that the cluster has. There may be thousands: of each object only its row is kept.
fn read(kind: Option<Flux>, namespace: Option<&str>, mut row: impl FnMut(Row)) -> Result<()> {
    let mut read = |kind: Flux| {
        let query = Query::all(kind.object_type()).namespace(namespace);
        for object in cluster::scan(&query, &FIELDS)? {
            row(Row::of(kind, &object?));
        }
        Ok(())
    };
    if let Some(kind) = kind {
        return read(kind);
    }
    let mut missing = Vec::new();
    for kind in Flux::ALL {
        match read(kind) {
            Ok(()) => {}
            Err(error) if error.kind() == Kind::Unsupported => missing.push(error),
            Err(error) => return Err(error),
        }
    }
    match missing.pop() {
        Some(error) if missing.len() + 1 == Flux::ALL.len() => {
            Err(error.while_doing("Flux is not installed in this cluster"))
        }
        _ => Ok(()),
    }
}
