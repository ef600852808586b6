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

/// What a ReplicationDestination is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) restore_as_of: Option<Timestamp>,
    pub(super) previous: usize,
}

/// Returns what the person wants.
pub(super) fn wish(args: &Restore) -> Wish {
    match (&args.snapshot, args.as_of) {
        (Some(id), _) => Wish::Id(id.clone()),
        (None, Some(moment)) => Wish::AsOf(moment),
        (None, None) => Wish::Previous(args.previous.unwrap_or_default()),
    }
}

/// Chooses among the snapshots that really exist. None while planning, for no list can be read then.
///
/// # Errors
///
/// `volsync.list-failed`, `volsync.no-eligible-snapshot`, `volsync.ambiguous-snapshot`.
pub(super) fn choose(scene: &Scene, wish: &Wish) -> Result<Option<Snapshot>> {
    let list = read(scene)?;
    if run::planning() {
        return Ok(None);
    }
    match selection::choose(&list, wish) {
        Ok(snapshot) => Ok(Some(snapshot.clone())),
        Err(unmet) => Err(refusal(scene, &unmet, &list)),
    }
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
        Unmet::TooFewFor(skip) => format!(
            "there are only {} snapshots, so `--previous {skip}` is none; 0 is the newest",
            eligible.len()
        ),
        Unmet::AllYoungerThan(moment) => format!("no snapshot is as old as `{moment}`"),
        Unmet::UnknownId(id) => {
            format!("no snapshot of a VolSync volume has an id that begins with `{id}`")
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
    let error = known(&eligible).into_iter().fold(error, Error::cause);
    error.hint(format!(
        "agent run volsync.list {} {}",
        scene.source.namespace, scene.source.name
    ))
}

/// The list itself, as far as a screen can hold it.
fn known(eligible: &[&Snapshot]) -> Vec<String> {
    const SHOWN: usize = 10;
    let line = |(index, snapshot): (usize, &&Snapshot)| {
        format!(
            "--previous {index}: {} of {}",
            snapshot.short(),
            snapshot.time
        )
    };
    let mut lines: Vec<_> = eligible.iter().enumerate().take(SHOWN).map(line).collect();
    if eligible.len() > SHOWN {
        lines.push(format!("and {} older ones", eligible.len() - SHOWN));
    }
    lines
}

/// Proves, by a list that was read after the safety snapshot, that the chosen snapshot is still there and that the mover will select it.
///
/// # Errors
///
/// `volsync.snapshot-gone`, `volsync.snapshot-hidden`, `volsync.no-safety-snapshot`.
pub(super) fn prove(
    scene: &Scene,
    wish: &Wish,
    chosen: Option<&Snapshot>,
    safety: &Safety,
) -> Result<Pin> {
    let Some(chosen) = chosen else {
        read(scene)?;
        return Ok(planned(wish));
    };
    let step = Step::new(format!(
        "Prove that VolSync will restore `{}`",
        chosen.short()
    ));
    let list = read(scene)?;
    let pin = selection::pin(&list, chosen).map_err(|why| unpinnable(scene, chosen, &why))?;
    safety.check(&list)?;
    step.done(format!("as of {pin}"));
    Ok(Pin {
        restore_as_of: Some(pin),
        previous: 0,
    })
}

/// While planning, VolSync's own words for the wish stand for the snapshot that a run would pin.
fn planned(wish: &Wish) -> Pin {
    match wish {
        Wish::Previous(skip) => Pin {
            restore_as_of: None,
            previous: *skip,
        },
        Wish::AsOf(moment) => Pin {
            restore_as_of: Some(*moment),
            previous: 0,
        },
        Wish::Id(_) => Pin {
            restore_as_of: None,
            previous: 0,
        },
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
    fn plan_uses_the_words_of_volsync() {
        assert_eq!(
            planned(&Wish::Previous(2)),
            Pin {
                restore_as_of: None,
                previous: 2
            }
        );
        let moment = "2026-11-22T06:00:00Z".parse().expect("a time");
        assert_eq!(
            planned(&Wish::AsOf(moment)),
            Pin {
                restore_as_of: Some(moment),
                previous: 0
            }
        );
    }

    #[test]
    fn list_in_an_error_fits_on_a_screen() {
        let snapshot = Snapshot {
            id: "a".repeat(64),
            time: "2026-11-22T06:00:00Z".parse().expect("a time"),
            hostname: String::new(),
            paths: Vec::new(),
            summary: None,
        };
        let many = vec![&snapshot; 30];
        let lines = known(&many);
        assert_eq!(lines.len(), 11);
        assert_eq!(lines[0], "--previous 0: aaaaaaaa of 2026-11-22T06:00:00Z");
        assert_eq!(lines[10], "and 20 older ones");
    }
}
