//! `flux.status`: what is not ready, why, and since when; what is suspended, and by whom.

mod row;

use agent_sdk::prelude::*;

use crate::kind::Flux;
use row::Row;

const FIELDS: [&str; 14] = [
    "/metadata/generation",
    "/metadata/deletionTimestamp",
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
    let objects = read(args.kind, args.namespace.as_deref())?;
    let (total, mut rows) = (objects.len(), Vec::new());
    for (kind, object) in objects {
        let row = Row::of(kind, &object);
        if args.all || row.needs_attention() {
            rows.push(row);
        }
    }
    match (total, rows.len()) {
        (0, _) => info!("Flux keeps nothing there"),
        (total, 0) => info!("all {total} are ready; --all shows them"),
        _ => {}
    }
    rows.sort_by(|a, b| a.place().cmp(&b.place()));
    Ok(rows)
}

/// Reads one kind, or all that the cluster has.
fn read(kind: Option<Flux>, namespace: Option<&str>) -> Result<Vec<(Flux, Object)>> {
    let list = |kind: Flux| {
        let query = Query::all(kind.object_type()).namespace(namespace);
        cluster::list(&query, &FIELDS)
            .map(|objects| objects.into_iter().map(move |object| (kind, object)))
    };
    if let Some(kind) = kind {
        return Ok(list(kind)?.collect());
    }
    let (mut all, mut missing) = (Vec::new(), Vec::new());
    for kind in Flux::ALL {
        match list(kind) {
            Ok(objects) => all.extend(objects),
            Err(error) if error.kind() == Kind::Unsupported => missing.push(error),
            Err(error) => return Err(error),
        }
    }
    match missing.pop() {
        Some(error) if missing.len() + 1 == Flux::ALL.len() => {
            Err(error.while_doing("Flux is not installed in this cluster"))
        }
        _ => Ok(all),
    }
}
