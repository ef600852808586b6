//! One synchronisation: from a source at rest to its end.

mod blocked;
mod locked;
mod look;
mod past;

use std::time::Duration;

use agent_sdk::diagnosis::Standing;
use agent_sdk::prelude::*;
use agent_sdk::wait::Deadline;

use super::failure::{failure, refusal};
use super::trigger::{self, Set, Turn};
use super::{End, Wanted, end_of};
use crate::mover::Trail;
use crate::restic::lock::Lock;
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
    /// When it was looked at last, on the clock of the run.
    looked: Option<Duration>,
    /// The tag that was on its way when somebody else changed the source. It may have arrived.
    tried: Option<String>,
    trail: Trail,
    left: Option<Set>,
    standing: Standing,
    /// It has begun a mover anew that was failing before, or was not even there.
    restarted: bool,
    /// What an unlock waits for, until restic takes it for stale.
    lock: Option<Lock>,
}

enum State {
    /// Not in the window yet.
    Waiting,
    /// In the window, but somebody else uses the source.
    Busy,
    /// The tag is set.
    Tagged {
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
            looked: None,
            tried: None,
            trail: Trail::default(),
            left: None,
            standing: Standing::default(),
            restarted: false,
            lock: None,
        }
    }

    /// Hands over the tag, when it is still there.
    pub(super) fn tag_left(&mut self) -> Option<Set> {
        self.left.take()
    }

    /// Sets the tag in a run that only plans, so that the change is in the plan.
    pub(super) fn plan(&mut self) {
        let seen = self.trail.look(&self.source.namespace, &self.source.uid);
        let restarted = if self.is_to_restart(&seen) {
            self.restart()
        } else {
            Ok(())
        };
        let token = run::token();
        let set = restarted.and_then(|()| trigger::set(&self.source, &token, self.wanted.unlock));
        let end = match set {
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
            State::Busy | State::Tagged { .. } if !self.note.is_empty() => self.note.clone(),
            State::Busy => self.turn().wait().unwrap_or_default(),
            State::Tagged { .. } => "waits for VolSync".to_owned(),
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

    fn turn(&self) -> Turn {
        Turn::of(&self.source, self.wanted.quiet)
    }

    /// Sets the tag when it is our turn.
    fn tag(&mut self) {
        if matches!(self.turn(), Turn::Free | Turn::LeftBehind) {
            self.set();
        }
    }

    /// Sets the tag on the source as it was seen, and ends a mover that is seen there.
    fn set(&mut self) {
        let (token, before) = (run::token(), self.source.before());
        match trigger::set(&self.source, &token, self.wanted.unlock) {
            Ok(set) => {
                let interrupted = match self.turn() {
                    Turn::Mover => self.trail.restart(&self.source.namespace),
                    _ => Ok(()),
                };
                self.trail = Trail::begin_after(&self.trail);
                self.note.clear();
                self.state = State::Tagged { before, set };
                if let Err(error) = interrupted {
                    self.finish(End::Failed(error));
                }
            }
            // Somebody was faster: the watch brings what the source is like now.
            Err(error) if error.code() == "cluster.conflict" => {
                self.tried = Some(trigger::text(&self.source, &token));
            }
            Err(error) => self.finish(End::Failed(error)),
        }
    }

    /// Takes note of the source's new state.
    pub(super) fn see(&mut self, source: Source) {
        self.source = source;
        match &self.state {
            State::Busy => {
                if !self.arrived() {
                    self.tried = None;
                    self.tag();
                }
            }
            State::Tagged { before, set } => {
                let progress = self.source.progress(&set.tag, set.generation, before);
                self.judge(progress);
            }
            State::Waiting | State::Ended(_) => {}
        }
    }

    /// A tag whose answer was lost is there although it was refused. The host has it on record, and takes it away at the end of the run.
    fn arrived(&mut self) -> bool {
        let arrived = self
            .tried
            .as_deref()
            .filter(|tried| self.source.manual() == Some(*tried));
        let Some(set) = arrived.map(|tag| Set::unheld(tag, &self.source)) else {
            return false;
        };
        let before = self.source.before();
        self.state = State::Tagged { before, set };
        true
    }

    fn judge(&mut self, progress: Progress) {
        match progress {
            Progress::Running | Progress::Old => {}
            Progress::Succeeded => {
                let end = match end_of(self.source.logs()) {
                    End::Saved(None) => end_of(&self.trail.log),
                    end => end,
                };
                self.finish(end);
            }
            Progress::Failed => {
                let log = self.source.logs().to_owned();
                // Each try fails until restic takes the lock for stale.
                if !self.meets_lock(&log, SignedDuration::ZERO, false) {
                    let error = self.error("its mover failed", &log);
                    self.finish(End::Failed(error));
                }
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

    fn error(&self, what: &str, log: &str) -> Error {
        failure(Kind::Failed, &self.source, self.wanted.unlock, what, log)
    }

    /// Ends it. The tag goes, unless the caller wants it, or has failed with it: then it goes with all that the caller holds.
    fn finish(&mut self, end: End) {
        self.ended = run::now();
        let failed = matches!(end, End::Failed(_));
        let State::Tagged { set, .. } = std::mem::replace(&mut self.state, State::Ended(end))
        else {
            return;
        };
        match (self.wanted.linger, failed) {
            (true, false) => self.left = Some(set),
            (true, true) => {}
            (false, _) => match set.release() {
                Ok(left) => left.iter().for_each(|sentence| warn!("{sentence}")),
                Err(error) => warn!(
                    "the manual trigger of `{}` is not taken back yet: {error}",
                    self.source.name
                ),
            },
        }
    }
}
