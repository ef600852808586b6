//! `volsync.snapshot`: back up now, and wait for the result.

use agent_sdk::prelude::*;

use crate::app;
use crate::operator;
use crate::source::Source;
use crate::sync::{self, Wanted};

/// Arguments of `volsync.snapshot`.
#[derive(Args)]
pub(crate) struct Snapshot {
    /// Namespace of the app
    #[arg(positional, names(namespace))]
    namespace: Option<String>,
    /// The app, or its ReplicationSource
    #[arg(
        positional,
        names(object = "replicationsources.v1alpha1.volsync.backube")
    )]
    app: Option<String>,
    /// Every app of the namespace, or of the cluster
    all: bool,
    /// How many at a time
    #[arg(default = 3, minimum = 1, maximum = 50)]
    parallel: usize,
    /// How long others may use a source, and how long a mover may fail or stand still
    #[arg(default = "1h")]
    timeout: SignedDuration,
}

/// Back up an app now.
///
/// Sets a manual trigger, waits until the mover has ended, says which snapshot it made, and takes the trigger away again, for as long as
/// there is one VolSync ignores the schedule. A mover that is running already is waited for first; one that only fails is begun anew at once, by
/// removing its Job, which VolSync makes again, and its end waited for. What keeps VolSync or a mover from going on is told, and ends the wait after a minute or so. With
/// `--all`, so many at a time; a failure does not stop the others.
#[operation(
    risk = "change",
    columns(namespace, name, result, snapshot, seconds, message),
    constraints(exactly_one(app, all), requires(app, namespace)),
    locks("volsync:{namespace}/{app}"),
    examples(
        "volsync.snapshot media plex",
        "volsync.snapshot --all",
        "volsync.snapshot --all --namespace media --parallel 5"
    )
)]
pub(crate) fn snapshot(args: Snapshot) -> Result<Outcome> {
    let sources = chosen(args.namespace.as_deref(), args.app.as_deref(), args.all)?;
    operator::refuse_suspended()?;
    let step = Step::new(title("Back up", &sources));
    let wanted = Wanted {
        unlock: false,
        parallel: args.parallel,
        timeout: args.timeout,
        linger: false,
        quiet: false,
    };
    let ends = sync::run(&sources, wanted, &step)?;
    finish(step, &sources, ends, args.app.is_some())
}

/// Returns the source of an app, or all of a namespace or the cluster. None of both is no choice: it must not become all.
pub(crate) fn chosen(namespace: Option<&str>, app: Option<&str>, all: bool) -> Result<Vec<Source>> {
    match (namespace, app) {
        (Some(namespace), Some(app)) => Ok(vec![app::source(namespace, app)?]),
        _ if !all => Err(Error::invalid(
            "operations.arguments",
            "name a namespace and an app, or say `--all`",
        )),
        (namespace, _) => {
            let mut sources = app::sources(namespace)?;
            if let (true, Some(namespace)) = (sources.is_empty(), namespace) {
                return Err(Error::not_found(
                    "volsync.no-source",
                    format!("no ReplicationSource is in namespace `{namespace}`"),
                ));
            }
            sources.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
            Ok(sources)
        }
    }
}

/// Says what is done to how many.
pub(crate) fn title(what: &str, sources: &[Source]) -> String {
    match sources {
        [one] => format!("{what} `{}/{}`", one.namespace, one.name),
        many => format!("{what} {} apps", many.len()),
    }
}

/// Ends the step and makes the outcome.
pub(crate) fn finish(
    step: Step,
    sources: &[Source],
    ends: Vec<(sync::End, i64)>,
    one: bool,
) -> Result<Outcome> {
    let outcome = sync::outcome(sources, ends, one)?;
    match outcome.failed {
        0 => step.done(""),
        failed => step.fail(format!("{failed} of {} failed", sources.len())),
    }
    Ok(outcome)
}
