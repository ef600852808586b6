//! One wait for any number of objects.
//!
//! Every wait has a deadline and a verdict for each object, and is told why an object is still pending. While planning it returns at
//! once, for no controller will react to changes that were not made.

mod queries;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;

use crate::cluster::{self, WatchEvent, Watcher};
use crate::diagnosis::{Cause, Standing};
use crate::run::{self, Step};
use crate::{Error, Object, ObjectRef, Result};

/// Of many that are blocked, only so many are told; the results name each.
const MOST_TOLD: usize = 8;

/// What one look at an object says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict<T> {
    /// Not yet; the note says what is missing.
    Pending(String),
    /// Not yet, and something stands in the way. It is told once it has stood for some seconds, looked at again every few seconds although
    /// nothing changed, and ends the wait with that error when it has stood for as long as its kind may.
    Blocked(Cause, Error),
    /// It is as wanted.
    Done(T),
    /// It will not become as wanted.
    Failed(Error),
}

/// How the wait for one object ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Waited<T> {
    /// It became as wanted.
    Done(T),
    /// It will not become as wanted.
    Failed(Error),
    /// The deadline came first. The text is the last note.
    TimedOut(String),
    /// This run only plans; nothing was waited for.
    Planned,
}

impl<T> Waited<T> {
    /// Turns it into a result: a timeout becomes an error with that code, which says what was waited for; a plan gives none.
    ///
    /// # Errors
    /// The failure, or `timeout`.
    pub fn into_result(self, code: &str, waiting_for: &str) -> Result<Option<T>> {
        match self {
            Waited::Done(value) => Ok(Some(value)),
            Waited::Planned => Ok(None),
            Waited::Failed(error) => Err(error),
            Waited::TimedOut(note) => Err(Error::timeout(
                code,
                format!("waiting for {waiting_for} came to its deadline"),
            )
            .cause(note)),
        }
    }
}

/// A moment by which something must be done, on the clock of the run: the time in which a run is cut off does not count.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deadline(Duration);

impl Deadline {
    /// The moment that is so far from now.
    pub fn after(length: SignedDuration) -> Deadline {
        let length = Duration::try_from(length).unwrap_or_default();
        Deadline(run::elapsed().saturating_add(length))
    }

    /// Returns how long it is until then; zero when it has passed.
    pub fn left(self) -> Duration {
        self.0.saturating_sub(run::elapsed())
    }
}

/// Waits until each target has a verdict or the deadline comes. `look` is called with the target's index and the object, or none while
/// there is no such object, whenever it may have changed, and every few seconds while it is blocked; after its verdict a target is not
/// looked at again.
///
/// # Errors
/// Of the watch as a whole: `cancelled`, `denied`, `unavailable` and so on. What is wrong with one target is in its place of the result.
pub fn until<T>(
    step: &Step,
    targets: &[ObjectRef],
    projection: &[&str],
    deadline: Deadline,
    mut look: impl FnMut(usize, Option<&Object>) -> Verdict<T>,
) -> Result<Vec<Waited<T>>> {
    if run::planning() {
        return Ok(targets.iter().map(|_| Waited::Planned).collect());
    }
    let mut wait = Wait::new(targets);
    if !targets.is_empty() {
        let watcher = cluster::watch(&wait.queries, projection)?;
        wait.run(&watcher, step, deadline, &mut look)?;
    }
    Ok(wait.end())
}

/// Waits for one object. See [`until`].
///
/// # Errors
/// As for [`until`].
pub fn until_one<T>(
    step: &Step,
    target: &ObjectRef,
    projection: &[&str],
    deadline: Deadline,
    mut look: impl FnMut(Option<&Object>) -> Verdict<T>,
) -> Result<Waited<T>> {
    let targets = std::slice::from_ref(target);
    let mut all = until(step, targets, projection, deadline, |_, object| {
        look(object)
    })?;
    Ok(all.pop().unwrap_or(Waited::Planned))
}

/// A namespace and a name.
type Name<'a> = (Option<&'a str>, &'a str);

enum State<T> {
    Pending(String),
    Blocked(Box<Blocked>),
    Ended(Waited<T>),
}

struct Blocked {
    cause: Cause,
    error: Error,
    /// As it was seen last.
    object: Option<Object>,
}

struct Wait<'a, T> {
    targets: &'a [ObjectRef],
    queries: Vec<cluster::Query>,
    /// The targets of each query, by namespace and name.
    by_name: Vec<BTreeMap<Name<'a>, Vec<usize>>>,
    states: Vec<State<T>>,
    standing: BTreeMap<usize, Standing>,
    told: BTreeSet<String>,
    seen: Vec<bool>,
}

impl<'a, T> Wait<'a, T> {
    fn new(targets: &'a [ObjectRef]) -> Wait<'a, T> {
        let (queries, query_of) = queries::covering(targets);
        let mut by_name: Vec<BTreeMap<Name<'a>, Vec<usize>>> = vec![BTreeMap::new(); queries.len()];
        for (index, (target, query)) in targets.iter().zip(query_of).enumerate() {
            let name = (target.namespace.as_deref(), target.name.as_str());
            by_name[query].entry(name).or_default().push(index);
        }
        Wait {
            targets,
            queries,
            by_name,
            states: targets
                .iter()
                .map(|_| State::Pending("not seen yet".to_owned()))
                .collect(),
            standing: BTreeMap::new(),
            told: BTreeSet::new(),
            seen: vec![false; targets.len()],
        }
    }

    fn run(
        &mut self,
        watcher: &Watcher,
        step: &Step,
        deadline: Deadline,
        look: &mut impl FnMut(usize, Option<&Object>) -> Verdict<T>,
    ) -> Result<()> {
        let mut said = String::new();
        let mut next_look = Duration::ZERO;
        loop {
            let left = deadline.left();
            let blocked = self.has_blocked();
            let at_most = if blocked {
                left.min(Standing::LOOK)
            } else {
                left
            };
            for event in watcher.next(at_most)? {
                self.judge(event, look);
            }
            if self.has_blocked() || blocked {
                let now = run::elapsed();
                if now >= next_look {
                    self.look_again(look);
                    next_look = now.saturating_add(Standing::LOOK);
                }
                for cause in self.stand(now) {
                    crate::warn!("{cause}");
                }
            }
            let pending = self.pending();
            let total = self.targets.len();
            if total > 1 {
                step.progress(total - pending, total);
            }
            if pending == 0 || left.is_zero() {
                return Ok(());
            }
            let note = self.note();
            if note != said {
                step.note(&note);
                said = note;
            }
        }
    }

    fn judge(
        &mut self,
        event: WatchEvent,
        look: &mut impl FnMut(usize, Option<&Object>) -> Verdict<T>,
    ) {
        let concerned: Vec<usize> = match &event {
            WatchEvent::Applied(query, object) | WatchEvent::Removed(query, object) => {
                self.named(*query, (object.namespace(), object.name()))
            }
            WatchEvent::Synced(query) => self.unseen(*query),
            WatchEvent::Failed(..) => Vec::new(),
        };
        let present = match &event {
            WatchEvent::Applied(_, object) => Some(object),
            WatchEvent::Removed(..) | WatchEvent::Synced(_) | WatchEvent::Failed(..) => None,
        };
        for index in concerned {
            self.seen[index] = true;
            if !matches!(self.states[index], State::Ended(_)) {
                self.states[index] = state(look(index, present), present);
            }
        }
    }

    fn has_blocked(&self) -> bool {
        let mut states = self.states.iter();
        states.any(|state| matches!(state, State::Blocked(_)))
    }

    /// Looks again at what is blocked: why may stand in objects that are not watched.
    fn look_again(&mut self, look: &mut impl FnMut(usize, Option<&Object>) -> Verdict<T>) {
        for (index, place) in self.states.iter_mut().enumerate() {
            if let State::Blocked(blocked) = place {
                let object = blocked.object.take();
                *place = state(look(index, object.as_ref()), object.as_ref());
            }
        }
    }

    /// Ends what was blocked for too long, and returns what is to be told. What many wait for is told once.
    fn stand(&mut self, now: Duration) -> Vec<Cause> {
        let mut tell = Vec::new();
        for (index, place) in self.states.iter_mut().enumerate() {
            let State::Blocked(blocked) = place else {
                if let Some(standing) = self.standing.get_mut(&index) {
                    standing.judge(now, None);
                }
                continue;
            };
            let standing = self.standing.entry(index).or_default();
            if standing.judge(now, Some(&blocked.cause)).is_some() {
                *place = State::Ended(Waited::Failed(blocked.error.clone()));
                continue;
            }
            for cause in standing.untold(now) {
                if self.told.len() < MOST_TOLD && self.told.insert(cause.to_string()) {
                    tell.push(cause);
                }
            }
        }
        tell
    }

    /// Returns the targets of a query that have that name.
    fn named(&self, query: usize, name: Name<'_>) -> Vec<usize> {
        let targets = self.by_name.get(query);
        targets
            .and_then(|targets| targets.get(&name))
            .cloned()
            .unwrap_or_default()
    }

    /// Returns the targets of a query that it has not found.
    fn unseen(&self, query: usize) -> Vec<usize> {
        let targets = self.by_name.get(query).into_iter().flatten();
        targets
            .flat_map(|(_, indices)| indices)
            .copied()
            .filter(|index| !self.seen[*index])
            .collect()
    }

    fn pending(&self) -> usize {
        self.states
            .iter()
            .filter(|state| !matches!(state, State::Ended(_)))
            .count()
    }

    /// Names the first target that is pending and why.
    fn note(&self) -> String {
        let first = self
            .states
            .iter()
            .zip(self.targets)
            .find_map(|(state, target)| Some((state.note()?, target)));
        match first {
            Some((note, _)) if self.targets.len() == 1 => note,
            Some((note, target)) => format!("{target}: {note}"),
            None => String::new(),
        }
    }

    fn end(self) -> Vec<Waited<T>> {
        self.states
            .into_iter()
            .map(|state| match state {
                State::Pending(note) => Waited::TimedOut(note),
                State::Blocked(blocked) => Waited::TimedOut(blocked.cause.to_string()),
                State::Ended(waited) => waited,
            })
            .collect()
    }
}

impl<T> State<T> {
    /// Returns what is missing; none when nothing is waited for any more.
    fn note(&self) -> Option<String> {
        match self {
            State::Pending(note) => Some(note.clone()),
            State::Blocked(blocked) => Some(blocked.cause.to_string()),
            State::Ended(_) => None,
        }
    }
}

fn state<T>(verdict: Verdict<T>, object: Option<&Object>) -> State<T> {
    match verdict {
        Verdict::Pending(note) => State::Pending(note),
        Verdict::Blocked(cause, error) => State::Blocked(Box::new(Blocked {
            cause,
            error,
            object: object.cloned(),
        })),
        Verdict::Done(value) => State::Ended(Waited::Done(value)),
        Verdict::Failed(error) => State::Ended(Waited::Failed(error)),
    }
}

#[cfg(test)]
mod tests;
