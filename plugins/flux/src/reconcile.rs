//! `flux.reconcile`: ask Flux to reconcile, and wait for what becomes of it.

pub(crate) mod source;

use std::time::Duration;

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use crate::kind::Flux;
use crate::readiness::FIELDS;
use crate::report::{self, Done};
use crate::request::{self, Asked, Extra};
use crate::select::{self, arguments};

arguments!(Reconcile {
    /// Reconcile its source first (ks, hr)
    with_source: bool,
    /// Run one Helm install or upgrade even when nothing has changed (hr)
    force: bool,
    /// Forget failed attempts, so that retries begin anew (hr)
    reset: bool,
    /// Ask again until it is at this commit, tag or version, or a part of it; its source as well (ks, hr)
    revision: Option<String>,
    /// How long to wait for everything together
    #[arg(default = "5m")]
    timeout: SignedDuration,
});

/// Ask Flux to reconcile an object, and wait until it is ready.
///
/// Ends as soon as Flux says that it failed, with its words and the newest warning. With `--all`, everything is asked first, then
/// everything is waited for, sources first and each source once.
#[operation(
    risk = "change",
    columns(kind, namespace, name, result, message),
    constraints(exactly_one(name, selector, all), requires(name, namespace)),
    examples(
        "flux.reconcile hr media plex",
        "flux.reconcile ks media plex --with-source",
        "flux.reconcile hr media plex --force",
        "flux.reconcile ks flux-system cluster --revision 4f1c2ab",
        "flux.reconcile ks --all"
    )
)]
pub(crate) fn reconcile(args: Reconcile) -> Result<Outcome> {
    check(&args)?;
    let scope = args.scope();
    let deadline = Deadline::after(args.timeout);
    let objects = scope.read(&FIELDS)?;
    let targets = scope.targets(&objects);
    let mut results = round(
        &args,
        &targets,
        objects.into_iter().map(Ok).collect(),
        deadline,
    )?;
    if let Some(wanted) = &args.revision {
        while any_behind(&results, wanted) && !run::planning() && deadline.left() > PAUSE {
            run::sleep(PAUSE)?;
            let objects = select::read_many(&targets, &FIELDS);
            results = round(&args, &targets, objects, deadline)?;
        }
        for (target, result) in targets.iter().zip(&mut results) {
            arrived(target, result, wanted);
        }
    }
    report::outcome(scope.one().is_some(), &targets, results)
}

/// Between two requests when a revision is waited for that the source has not found yet.
const PAUSE: Duration = Duration::from_secs(5);

/// Reconciles everything once.
fn round(
    args: &Reconcile,
    targets: &[ObjectRef],
    mut objects: Vec<Result<Object>>,
    deadline: Deadline,
) -> Result<Vec<Result<Done>>> {
    let has_source = matches!(args.kind, Flux::Ks | Flux::Hr);
    if args.with_source || (args.revision.is_some() && has_source) {
        source::reconcile(targets, &mut objects, deadline)?;
    }
    let extra = Extra {
        force: args.force,
        reset: args.reset,
    };
    ask(targets, objects, extra, deadline)
}

fn any_behind(results: &[Result<Done>], wanted: &str) -> bool {
    let mut done = results.iter().flatten();
    done.any(|done| !done.message.contains(wanted))
}

/// Makes an error of what is ready at another revision.
fn arrived(target: &ObjectRef, result: &mut Result<Done>, wanted: &str) {
    if let Ok(done) = result
        && done.result == "reconciled"
        && !done.message.contains(wanted)
    {
        let message = format!("{target} is ready, and not at `{wanted}`");
        *result =
            Err(Error::timeout("flux.revision", message)
                .cause(format!("it is at {}", done.message)));
    }
}

/// Refuses flags that the kind does not have, for Flux would ignore them.
fn check(args: &Reconcile) -> Result<()> {
    let kind = args.kind.as_str();
    let refuse = |flag: &str, kinds: &str| {
        Err(Error::invalid(
            "operations.arguments",
            format!("`{flag}` is for {kinds}, not for `{kind}`"),
        ))
    };
    let release = args.kind == Flux::Hr;
    if args.force && !release {
        return refuse("--force", "`hr`");
    }
    if args.reset && !release {
        return refuse("--reset", "`hr`");
    }
    if args.with_source && !matches!(args.kind, Flux::Ks | Flux::Hr) {
        return refuse("--with-source", "`ks` and `hr`");
    }
    Ok(())
}

/// Asks those that could be read and whose source did not fail; the others keep their error.
fn ask(
    targets: &[ObjectRef],
    objects: Vec<Result<Object>>,
    extra: Extra,
    deadline: Deadline,
) -> Result<Vec<Result<Done>>> {
    let mut asked = Vec::new();
    let mut results: Vec<Option<Result<Done>>> = Vec::new();
    for (target, object) in targets.iter().zip(objects) {
        results.push(match object {
            Err(error) => Some(Err(error)),
            Ok(object) => {
                asked.push(Asked {
                    target: target.clone(),
                    object,
                });
                None
            }
        });
    }
    let title = match asked.as_slice() {
        [one] => format!("Reconcile {}", one.target),
        all => format!("Reconcile {} objects", all.len()),
    };
    let mut ends = request::reconcile(&title, &asked, extra, deadline)?.into_iter();
    Ok(results
        .into_iter()
        .filter_map(|result| result.or_else(|| ends.next()))
        .collect())
}

/// Reads the targets again: a new revision of a source starts their controller by itself, so what was remembered of them is old.
fn read_again(targets: &[ObjectRef], objects: &mut [Result<Object>]) {
    for (object, fresh) in objects.iter_mut().zip(select::read_many(targets, &FIELDS)) {
        if object.is_ok() {
            *object = fresh;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(kind: Flux) -> Reconcile {
        Reconcile {
            kind,
            namespace: None,
            name: None,
            all: true,
            selector: None,
            with_source: false,
            force: false,
            reset: false,
            revision: None,
            timeout: SignedDuration::from_mins(5),
        }
    }

    #[test]
    fn force_and_reset_are_for_helm_releases_only() {
        for kind in Flux::ALL {
            let forced = Reconcile {
                force: true,
                ..args(kind)
            };
            let reset = Reconcile {
                reset: true,
                ..args(kind)
            };
            assert_eq!(check(&forced).is_ok(), kind == Flux::Hr);
            assert_eq!(check(&reset).is_ok(), kind == Flux::Hr);
        }
    }

    #[test]
    fn revision_that_did_not_come_is_a_failure_that_says_which_is_there() {
        let target = ObjectRef::new(kinds::KUSTOMIZATION, "flux-system", "cluster");
        let mut results = [Ok(Done::new("reconciled", "main@sha1:4f1c2ab99"))];
        assert!(!any_behind(&results, "4f1c2ab"));
        assert!(any_behind(&results, "77d0e3c"));
        arrived(&target, &mut results[0], "4f1c2ab");
        assert!(results[0].is_ok());
        arrived(&target, &mut results[0], "77d0e3c");
        let error = results[0].as_ref().expect_err("not there");
        assert_eq!(
            error.to_string(),
            "kustomizations flux-system/cluster is ready, and not at `77d0e3c`: it is at main@sha1:4f1c2ab99"
        );
    }

    #[test]
    fn sources_have_no_source() {
        for kind in Flux::ALL {
            let with_source = Reconcile {
                with_source: true,
                ..args(kind)
            };
            let allowed = matches!(kind, Flux::Ks | Flux::Hr);
            assert_eq!(check(&with_source).is_ok(), allowed);
        }
    }
}
