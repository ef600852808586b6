//! Which snapshot. The list is read by `volsync.list`, whose Job is that operation's business; the choice is made here, twice: once to ask the
//! person, and once more after the safety snapshot, to prove that VolSync's mover will make the same choice.

use agent_sdk::operations::Call;
use agent_sdk::prelude::*;

use super::Restore;
use super::look::Scene;
use super::safety::Safety;
use crate::list;
use crate::restic::Snapshot;
use crate::restic::selection::{self, ID_MIN, Unmet, Unpinnable, Wish};

/// What a ReplicationDestination is told: the time of the chosen snapshot, by which VolSync finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) restore_as_of: Timestamp,
}

impl Pin {
    fn new(restore_as_of: Timestamp) -> Pin {
        run::placeholder("time of the snapshot", &restore_as_of.to_string());
        Pin { restore_as_of }
    }
}

/// Returns what the person wants.
///
/// # Errors
///
/// `operations.arguments`: what cannot be an id is known before anything is looked at.
pub(super) fn wish(args: &Restore) -> Result<Wish> {
    match (&args.snapshot, args.as_of) {
        (Some(id), _) if !selection::is_id(id) => Err(Error::invalid(
            "operations.arguments",
            format!("`{id}` is no id of a snapshot: give at least {ID_MIN} hexadecimal digits"),
        )
        .hint(format!(
            "agent run volsync.list {} {}",
            args.namespace, args.app
        ))),
        (Some(id), _) => Ok(Wish::Id(id.clone())),
        (None, Some(moment)) => Ok(Wish::AsOf(moment)),
        (None, None) => Ok(Wish::Previous(args.previous.unwrap_or_default())),
    }
}

/// Chooses among the snapshots that really exist, and returns them all too. None while planning, for no list can be read then.
///
/// # Errors
///
/// `volsync.list-failed`, `volsync.no-eligible-snapshot`, `volsync.ambiguous-snapshot`.
pub(super) fn choose(scene: &Scene, wish: &Wish) -> Result<(Vec<Snapshot>, Option<Snapshot>)> {
    let list = read(scene)?;
    if run::planning() {
        info!(
            "which snapshot is known only when the run lists the repository; \
             `previous` and `restoreAsOf` stand for it in the plan"
        );
        return Ok((list, None));
    }
    match selection::choose(&list, wish) {
        Ok(snapshot) => {
            let snapshot = snapshot.clone();
            Ok((list, Some(snapshot)))
        }
        Err(unmet) => Err(refusal(scene, &unmet, &list)),
    }
}

/// Finds a snapshot by its id, and what makes VolSync's mover select it.
///
/// # Errors
///
/// `volsync.no-eligible-snapshot`, `volsync.ambiguous-snapshot`, `volsync.snapshot-hidden`.
pub(super) fn by_id(scene: &Scene, id: &str) -> Result<(Snapshot, Pin)> {
    let list = read(scene)?;
    let wish = Wish::Id(id.to_owned());
    let chosen = selection::choose(&list, &wish).map_err(|unmet| refusal(scene, &unmet, &list))?;
    let pin = selection::pin(&list, chosen).map_err(|why| unpinnable(scene, chosen, &why))?;
    Ok((chosen.clone(), Pin::new(pin)))
}

fn read(scene: &Scene) -> Result<Vec<Snapshot>> {
    let arguments = json!({"namespace": scene.source.namespace, "app": scene.source.name});
    let mut results = operations::call(&[Call::new("volsync.list", arguments)]);
    let outcome = results.pop().unwrap_or_else(|| {
        Err(Error::internal(
            "volsync.list-failed",
            "`volsync.list` gave no result",
        ))
    })?;
    list::snapshots_of(&outcome.value)
}

fn refusal(scene: &Scene, unmet: &Unmet, list: &[Snapshot]) -> Error {
    let eligible = selection::eligible(list);
    let message = match unmet {
        Unmet::Empty => "there is no snapshot of a VolSync volume in the repository".to_owned(),
        Unmet::TooFewFor(skip) => too_few(eligible.len(), *skip),
        Unmet::AllYoungerThan(moment) => all_younger(&eligible, *moment),
        Unmet::UnknownId(id) => {
            format!(
                "none of the {} in the repository has an id that begins with `{id}`",
                snapshots(eligible.len())
            )
        }
        Unmet::AmbiguousId(id, ids) => format!(
            "several snapshots have an id that begins with `{id}`: {}",
            ids.join(", ")
        ),
        Unmet::InvalidId(id) => {
            format!("`{id}` is no id: give at least {ID_MIN} hexadecimal digits")
        }
    };
    let message = format!(
        "`{}/{}` cannot be restored: {message}",
        scene.source.namespace, scene.source.name
    );
    let error = match unmet {
        Unmet::AmbiguousId(..) => Error::invalid("volsync.ambiguous-snapshot", message),
        Unmet::InvalidId(_) => Error::invalid("volsync.invalid-snapshot", message),
        _ => Error::not_found("volsync.no-eligible-snapshot", message),
    };
    error.hint(format!(
        "agent run volsync.list {} {}",
        scene.source.namespace, scene.source.name
    ))
}

fn snapshots(count: usize) -> String {
    match count {
        1 => "1 snapshot".to_owned(),
        many => format!("{many} snapshots"),
    }
}

/// Says what `--previous` can be. There is at least one snapshot.
fn too_few(count: usize, skip: usize) -> String {
    let range = match count {
        1 => "can only be 0".to_owned(),
        many => format!("goes from 0, the newest, to {}, the oldest", many - 1),
    };
    format!(
        "its repository has {}, so `--previous` {range}, and {skip} is none",
        snapshots(count)
    )
}

fn all_younger(eligible: &[&Snapshot], moment: Timestamp) -> String {
    let oldest = eligible
        .last()
        .map(|oldest| format!("; the oldest is of {}", oldest.time));
    format!(
        "none of the {} in the repository is as old as {moment}{}",
        snapshots(eligible.len()),
        oldest.unwrap_or_default()
    )
}

/// Proves, by a list that was read after the safety snapshot, that the chosen snapshot is still there and that the mover will select it.
///
/// # Errors
///
/// `volsync.snapshot-gone`, `volsync.snapshot-hidden`, `volsync.no-safety-snapshot`.
pub(super) fn prove(
    scene: &Scene,
    wish: &Wish,
    before: &[Snapshot],
    chosen: Option<&Snapshot>,
    safety: &mut Safety,
) -> Result<Pin> {
    let Some(chosen) = chosen else {
        read(scene)?;
        return Ok(Pin::new(planned(wish, run::now())));
    };
    let step = Step::new(format!(
        "Prove that VolSync will restore `{}`",
        chosen.short()
    ));
    let list = read(scene)?;
    let pin = selection::pin(&list, chosen).map_err(|why| unpinnable(scene, chosen, &why))?;
    safety.prove(before, &list)?;
    step.done(format!("as of {pin}"));
    Ok(Pin::new(pin))
}

/// While planning nobody can read the list, so another time stands for that of the snapshot.
fn planned(wish: &Wish, now: Timestamp) -> Timestamp {
    match wish {
        Wish::AsOf(moment) => *moment,
        Wish::Previous(_) | Wish::Id(_) => now,
    }
}

fn unpinnable(scene: &Scene, chosen: &Snapshot, why: &Unpinnable) -> Error {
    let id = chosen.short();
    match why {
        Unpinnable::Gone => Error::conflict(
            "volsync.snapshot-gone",
            format!("snapshot `{id}` of {} is not in the repository any more: the retention of `{}` has dropped it", chosen.time, scene.source.name),
        )
        .hint(format!("agent run volsync.list {} {}, and choose another; --no-safety-snapshot keeps retention from running", scene.source.namespace, scene.source.name)),
        Unpinnable::Hidden(other) => Error::unsupported(
            "volsync.snapshot-hidden",
            format!("VolSync cannot restore snapshot `{id}`: `{}` was made in the same second, and VolSync tells snapshots apart by seconds", other.short()),
        )
        .hint(format!("restore `{}` instead, or move the other one away with restic", other.short())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_out_of_range_is_told_the_range() {
        assert_eq!(
            too_few(13, 99),
            "its repository has 13 snapshots, so `--previous` goes from 0, the newest, to 12, the oldest, and 99 is none"
        );
        assert_eq!(
            too_few(1, 1),
            "its repository has 1 snapshot, so `--previous` can only be 0, and 1 is none"
        );
    }

    #[test]
    fn time_before_all_snapshots_is_told_the_oldest() {
        let snapshot = |time: &str| Snapshot {
            id: "a".repeat(64),
            time: time.parse().expect("a time"),
            hostname: String::new(),
            paths: Vec::new(),
            summary: None,
        };
        let (new, old) = (
            snapshot("2026-11-22T06:00:00Z"),
            snapshot("2026-11-20T06:00:00Z"),
        );
        let moment = "2026-01-01T00:00:00Z".parse().expect("a time");
        assert_eq!(
            all_younger(&[&new, &old], moment),
            "none of the 2 snapshots in the repository is as old as 2026-01-01T00:00:00Z; the oldest is of 2026-11-20T06:00:00Z"
        );
    }
}
