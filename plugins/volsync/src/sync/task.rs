//! One synchronisation: from a source at rest to its end.

use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::trigger::{self, Set};
use super::{End, Wanted, end_of};
use crate::mover;
use crate::restic::log;
use crate::source::Source;
use crate::source::state::{Before, Progress};

/// What becomes of one source.
pub(super) struct Task {
    /// The source as it was seen last.
    pub(super) source: Source,
    wanted: Wanted,
    state: State,
    deadline: Deadline,
    started: Timestamp,
    ended: Timestamp,
    note: String,
    left: Option<Set>,
}

enum State {
    /// Not in the window yet.
    Waiting,
    /// In the window, but a mover that somebody else started is still running.
    Busy,
    /// The tag is set.
    Tagged {
        tag: String,
        before: Before,
        set: Set,
    },
    Ended(End),
}

impl Task {
    pub(super) fn new(source: Source, wanted: Wanted) -> Task {
        let now = run::now();
        Task {
            source,
            wanted,
            state: State::Waiting,
            deadline: Deadline::after(wanted.timeout),
            started: now,
            ended: now,
            note: String::new(),
            left: None,
        }
    }

    /// Hands over the tag, when it is still there.
    pub(super) fn tag_left(&mut self) -> Option<Set> {
        self.left.take()
    }

    /// Sets the tag in a run that only plans, so that the change is in the plan.
    pub(super) fn plan(&mut self) {
        let end = match trigger::set(&self.source, &run::token(), self.wanted.unlock) {
            Ok(set) => {
                self.left = Some(set).filter(|_| self.wanted.linger);
                End::Planned
            }
            Err(error) => End::Failed(error),
        };
        self.state = State::Ended(end);
    }

    pub(super) fn waiting(&self) -> bool {
        matches!(self.state, State::Waiting)
    }

    pub(super) fn running(&self) -> bool {
        matches!(self.state, State::Busy | State::Tagged { .. })
    }

    pub(super) fn ended(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    /// Returns how it ended and how many seconds it took.
    pub(super) fn end(self) -> (End, i64) {
        let seconds = self.ended.duration_since(self.started).as_secs();
        match self.state {
            State::Ended(end) => (end, seconds),
            _ => (End::Planned, seconds),
        }
    }

    /// Returns its name and what it waits for, while it is in the window.
    pub(super) fn note(&self) -> Option<(&str, String)> {
        let note = match &self.state {
            State::Busy => "waits for the mover that is running".to_owned(),
            State::Tagged { .. } if self.note.is_empty() => "waits for VolSync".to_owned(),
            State::Tagged { .. } => self.note.clone(),
            _ => return None,
        };
        Some((&self.source.name, note))
    }

    /// Enters the window.
    pub(super) fn start(&mut self) {
        self.started = run::now();
        self.deadline = Deadline::after(self.wanted.timeout);
        if let Some(error) = refusal(&self.source) {
            self.finish(End::Failed(error));
            return;
        }
        self.state = State::Busy;
        self.tag();
    }

    /// Sets the tag when no mover of somebody else is in its way.
    fn tag(&mut self) {
        if self.source.synchronizing() && !(self.wanted.unlock && self.stuck()) {
            return;
        }
        let (tag, before) = (run::token(), self.source.before());
        match trigger::set(&self.source, &tag, self.wanted.unlock) {
            Ok(set) => self.state = State::Tagged { tag, before, set },
            Err(error) => self.finish(End::Failed(error)),
        }
    }

    /// A mover that fails at a lock is started again for ever, so it would never be done; it is the one that an unlock must interrupt.
    fn stuck(&self) -> bool {
        if self.source.result() == Some("Failed") {
            return true;
        }
        let mover = mover::of(&self.source.namespace, &self.source.uid);
        mover.ok().flatten().is_some_and(|mover| mover.failed > 0)
    }

    /// Takes note of the source's new state.
    pub(super) fn see(&mut self, source: Source) {
        self.source = source;
        match &self.state {
            State::Busy => self.tag(),
            State::Tagged { tag, before, .. } => {
                let progress = self.source.progress(tag, before);
                self.judge(progress);
            }
            State::Waiting | State::Ended(_) => {}
        }
    }

    fn judge(&mut self, progress: Progress) {
        match progress {
            Progress::Running => {}
            Progress::Succeeded => self.finish(end_of(self.source.logs())),
            Progress::Failed => {
                let error = self.error("its mover failed", self.source.logs());
                self.finish(End::Failed(error));
            }
            Progress::Replaced => {
                let error =
                    self.error("somebody else has changed its manual trigger meanwhile", "");
                self.finish(End::Failed(error));
            }
        }
    }

    /// Somebody deleted the source.
    pub(super) fn gone(&mut self) {
        if !self.ended() {
            let error = self.error("it was deleted meanwhile", "");
            self.finish(End::Failed(error));
        }
    }

    /// Looks at the mover's log.
    pub(super) fn look(&mut self) {
        let log = mover::log(&self.source.namespace, &self.source.uid);
        if let Some(progress) = log::progress(&log) {
            self.note = progress;
        }
    }

    /// Ends it when its time is up.
    pub(super) fn expire(&mut self) {
        if !self.running() || !self.deadline.left().is_zero() {
            return;
        }
        let waited = match self.state {
            State::Busy => "a mover that somebody else started was still running",
            _ => "its mover had not ended",
        };
        let log = mover::log(&self.source.namespace, &self.source.uid);
        let what = format!("{waited} after `{:#}`", self.wanted.timeout);
        self.finish(End::Failed(failure(
            Kind::Timeout,
            &self.source,
            &what,
            &log,
        )));
    }

    fn error(&self, what: &str, log: &str) -> Error {
        failure(Kind::Conflict, &self.source, what, log)
    }

    /// Ends it, and takes the tag away.
    fn finish(&mut self, end: End) {
        self.ended = run::now();
        let lingers = self.wanted.linger && !matches!(end, End::Failed(_));
        let State::Tagged { set, .. } = std::mem::replace(&mut self.state, State::Ended(end))
        else {
            return;
        };
        if lingers {
            self.left = Some(set);
        } else if let Err(error) = set.release() {
            warn!(
                "the manual trigger of `{}` is not taken back yet: {error}",
                self.source.name
            );
        }
    }
}

/// Why a source cannot be synchronised at all.
fn refusal(source: &Source) -> Option<Error> {
    let name = format!("{}/{}", source.namespace, source.name);
    if matches!(source.mover(), "syncthing" | "external" | "none") {
        return Some(Error::unsupported(
            "volsync.no-trigger",
            format!(
                "`{name}` uses the mover `{}`, which has no manual trigger",
                source.mover()
            ),
        ));
    }
    source.paused().then(|| {
        Error::conflict(
            "volsync.paused",
            format!("`{name}` is paused, so VolSync would not run a mover"),
        )
        .hint("set `spec.paused` to false where it was set")
    })
}

fn failure(kind: Kind, source: &Source, what: &str, log: &str) -> Error {
    let message = format!(
        "`{}/{}` was not backed up: {what}",
        source.namespace, source.name
    );
    let mut error = Error::new(kind, "volsync.sync-failed", message);
    if let Some(why) = log::why(None, log) {
        error = error.cause(why);
    }
    error = log::tail(log, 4)
        .into_iter()
        .fold(error, |error, line| error.cause(format!("log: {line}")));
    if log::locked(log) {
        error = error.hint(format!(
            "agent run volsync.unlock {} {}",
            source.namespace, source.name
        ));
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn paused_source_is_refused_because_its_mover_would_never_run() {
        let error = refusal(&source(json!({"spec": {"paused": true}}))).expect("refused");
        assert_eq!(error.code(), "volsync.paused");
        assert!(refusal(&source(json!({}))).is_none());
    }

    #[test]
    fn movers_without_a_trigger_are_refused() {
        let syncthing = source(json!({"spec": {"restic": null, "syncthing": {}}}));
        assert_eq!(
            refusal(&syncthing)
                .map(|error| error.code().to_owned())
                .as_deref(),
            Some("volsync.no-trigger")
        );
    }

    #[test]
    fn locked_repository_hints_at_unlock() {
        let error = failure(
            Kind::Conflict,
            &source(json!({})),
            "its mover failed",
            "Fatal: repository is already locked by PID 7\n",
        );
        assert_eq!(error.remedy(), Some("agent run volsync.unlock media plex"));
        assert!(error.causes().iter().any(|cause| cause.contains("PID 7")));
    }
}
