//! Which snapshot: what the person chose, and what VolSync's mover will choose when it is told in the only words that it knows.
//!
//! A ReplicationDestination cannot name a snapshot. It has `restoreAsOf` and `previous`, and the mover's script turns them into an id by
//! rules of its own, which [`mover_selects`] follows to the letter (mover-restic/entry.sh of VolSync 0.16). A choice becomes words only after
//! [`pin`] has proven that the mover will make the same choice.

use agent_sdk::jiff::Timestamp;

use super::{DATA, Snapshot};

/// What a person may say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Skip so many of the newest: 0 is the newest.
    Previous(usize),
    /// The newest that is not younger, in whole seconds: lists show no more, and the mover compares no more.
    AsOf(Timestamp),
    /// By the beginning of its id.
    Id(String),
}

/// Why no snapshot fulfils a wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// The repository holds no snapshot of a VolSync volume at all.
    Empty,
    /// There are fewer than that.
    TooFewFor(usize),
    /// All are younger.
    AllYoungerThan(Timestamp),
    /// None has that id.
    UnknownId(String),
    /// Several have an id that begins so.
    AmbiguousId(String, Vec<String>),
    /// The beginning of an id is too short, or is no hexadecimal number.
    InvalidId(String),
}

/// The fewest digits of an id that name a snapshot.
pub(crate) const ID_MIN: usize = 6;

/// Returns what may be restored, newest first.
pub(crate) fn eligible(list: &[Snapshot]) -> Vec<&Snapshot> {
    let mut eligible: Vec<_> = list.iter().filter(|snapshot| snapshot.eligible()).collect();
    eligible.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.id.cmp(&b.id)));
    eligible
}

/// Chooses among the eligible ones.
///
/// # Errors
///
/// See [`Unmet`].
pub(crate) fn choose<'a>(list: &'a [Snapshot], wish: &Wish) -> Result<&'a Snapshot, Unmet> {
    let eligible = eligible(list);
    if eligible.is_empty() {
        return Err(Unmet::Empty);
    }
    match wish {
        Wish::Previous(skip) => eligible.get(*skip).copied().ok_or(Unmet::TooFewFor(*skip)),
        Wish::AsOf(moment) => eligible
            .into_iter()
            .find(|snapshot| snapshot.time.as_second() <= moment.as_second())
            .ok_or(Unmet::AllYoungerThan(*moment)),
        Wish::Id(prefix) => by_id(eligible, prefix),
    }
}

/// Returns whether a text can be the id of a snapshot, or the beginning of one.
pub(crate) fn is_id(text: &str) -> bool {
    text.len() >= ID_MIN && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn by_id<'a>(eligible: Vec<&'a Snapshot>, prefix: &str) -> Result<&'a Snapshot, Unmet> {
    let wanted = prefix.to_ascii_lowercase();
    if !is_id(&wanted) {
        return Err(Unmet::InvalidId(prefix.to_owned()));
    }
    let named: Vec<_> = eligible
        .into_iter()
        .filter(|snapshot| snapshot.id.starts_with(&wanted))
        .collect();
    match named.as_slice() {
        [] => Err(Unmet::UnknownId(prefix.to_owned())),
        [one] => Ok(one),
        many => Err(Unmet::AmbiguousId(
            prefix.to_owned(),
            many.iter()
                .map(|one| one.id[..16.min(one.id.len())].to_owned())
                .collect(),
        )),
    }
}

/// Returns the snapshot that the mover restores. It looks at every line that has `/data` in it, whoever made the snapshot; cuts times to
/// whole seconds; remembers for each second only the last one listed; and restic lists oldest first.
pub(crate) fn mover_selects(
    list: &[Snapshot],
    as_of: Option<Timestamp>,
    previous: usize,
) -> Option<&Snapshot> {
    let mut rows: Vec<_> = list
        .iter()
        .filter(|snapshot| has_data_line(snapshot))
        .collect();
    rows.sort_by_key(|snapshot| snapshot.time);
    rows.reverse();
    let reached = rows
        .iter()
        .position(|row| as_of.is_none_or(|moment| row.time.as_second() <= moment.as_second()))?;
    let second = rows.get(reached + previous)?.time.as_second();
    rows.into_iter().find(|row| row.time.as_second() == second)
}

fn has_data_line(snapshot: &Snapshot) -> bool {
    snapshot.paths.iter().any(|path| path.contains(DATA))
}

/// Why a chosen snapshot cannot be put into words that the mover understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unpinnable {
    /// It is not in the list any more.
    Gone,
    /// The mover would restore that one in its place, because it was made in the same second.
    Hidden(Box<Snapshot>),
}

/// Returns the `restoreAsOf` that makes the mover select exactly this snapshot, with `previous` 0: its time cut to the second, which is how
/// the mover compares.
///
/// # Errors
///
/// See [`Unpinnable`].
pub(crate) fn pin(list: &[Snapshot], chosen: &Snapshot) -> Result<Timestamp, Unpinnable> {
    if !list.iter().any(|snapshot| snapshot.id == chosen.id) {
        return Err(Unpinnable::Gone);
    }
    let moment = Timestamp::from_second(chosen.time.as_second()).unwrap_or(chosen.time);
    match mover_selects(list, Some(moment), 0) {
        Some(selected) if selected.id == chosen.id => Ok(moment),
        Some(other) => Err(Unpinnable::Hidden(Box::new(other.clone()))),
        None => Err(Unpinnable::Gone),
    }
}

#[cfg(test)]
mod tests;
