//! How a host call is admitted: checked, answered from the record or performed, and recorded.

use std::future::Future;

use agent_core::effect::{Effect, Recovery};
use agent_core::event::{Event, Level};
use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::id::CallId;
use agent_core::journal::{Answer, Entry, Survives};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::end::slow;
use crate::replay::{self, Recorded};
use crate::request::{Access, Request};
use crate::{Gate, Pass, guarded};

/// What the record says of a call.
enum Recalled<T> {
    /// What it was told.
    Answer(Result<T, Failure>),
    /// The hash of what it was told.
    Secret(String),
    /// Nothing: it was not answered before.
    Nothing,
}

impl Gate {
    /// Checks the wish, and returns what the record of a run that is resumed says of it, or else performs it and records what came of it.
    ///
    /// # Errors
    /// `denied` when the wish is outside the rights; why the run was stopped, once it was; whatever performing fails with.
    pub async fn admit<T, F>(
        &self,
        call: CallId,
        ask: impl Request,
        perform: impl FnOnce(Pass) -> F,
    ) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Future<Output = Result<T, Failure>> + Send + 'static,
    {
        let hash = match self.recall(&call, &ask)? {
            Recalled::Answer(answer) => return answer,
            Recalled::Secret(hash) => Some(hash),
            Recalled::Nothing => None,
        };
        // What is put back is not kept waiting by who does not listen.
        let access = ask.access();
        if self.is_ahead() && access != Access::Release {
            self.wait_to_be_heard().await;
        }
        // Boxed: it is handed on several times, and some of these futures are thousands of bytes long.
        let writes = access == Access::Write;
        if writes {
            self.may_repeat(&call)?;
        }
        let work = Box::pin(perform(Pass::new(self.clone(), call.clone(), writes)));
        let answer = match access {
            Access::Write => {
                let meter = self.meter().clone();
                let work = async move { meter.measure_aside(work).await };
                let work = self.actor.writes.track_future(work);
                let work = self.run.finish_even_if_abandoned(work);
                slow(work, || self.tell_of_no_answer(&ask)).await
            }
            Access::Read => {
                let work = self.run.ending.stop.unless_stopped(work);
                slow(work, || self.tell_of_no_answer(&ask)).await
            }
            Access::Wait => self.run.ending.stop.unless_stopped(work).await,
            // The callee hears of a stop by itself. Were it dropped here, what it holds would be put back after what is older.
            Access::Call | Access::Release => guarded(work).await,
        };
        self.remember(call, &ask, hash, answer).await
    }

    /// Returns whether an effect of a call was announced by an earlier process, so that it may have gone out.
    pub fn went_out(&self, call: &CallId) -> bool {
        self.run.replay.went_out(call)
    }

    /// Refuses to do once more what may have happened, where only a person can tell whether it did.
    fn may_repeat(&self, call: &CallId) -> Result<(), Failure> {
        let mut attempts = self.run.replay.attempts(call).iter();
        let Some(attempt) = attempts.find(|one| one.effect().recovery == Recovery::Ask) else {
            return Ok(());
        };
        let Effect { verb, target, .. } = attempt.effect();
        let message = format!(
            "nobody can tell whether {target} was {} before",
            verb.done()
        );
        Err(
            Failure::new(Kind::Uncertain, "run.in-doubt", message).hinted(hint!(
                "see for yourself, then take the run back: agent undo {}",
                self.run.id
            )),
        )
    }

    /// Has the person told what the gate refuses.
    pub fn tell_if_denied(&self, refused: &Failure) {
        if refused.kind == Kind::Denied {
            self.run.conversation.denied(refused);
        }
    }

    /// Says what is waited for: a server that is away is asked again, which takes its time.
    fn tell_of_no_answer(&self, ask: &dyn Request) {
        let message = format!("the {} has not answered yet: {ask}", ask.capability());
        let level = Level::Warn;
        self.emit(Event::Logged { level, message });
    }

    /// Does what [`Gate::admit`] does, for looking with something that is borrowed, such as a watcher.
    ///
    /// # Errors
    /// As for [`Gate::admit`].
    pub async fn observe<T, F>(
        &self,
        call: CallId,
        ask: impl Request,
        look: impl FnOnce(Pass) -> F,
    ) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T, Failure>>,
    {
        let hash = match self.recall(&call, &ask)? {
            Recalled::Answer(answer) => return answer,
            Recalled::Secret(hash) => Some(hash),
            Recalled::Nothing => None,
        };
        let work = look(Pass::new(self.clone(), call.clone(), false));
        let answer = self.run.ending.stop.unless_stopped(work).await;
        self.remember(call, &ask, hash, answer).await
    }

    /// Returns permission to read once more what a call was told before, where the record does not have all of it.
    pub fn again(&self, call: &CallId) -> Pass {
        Pass::new(self.clone(), call.clone(), false)
    }

    /// Ends a run that cannot be resumed, because what `ask` was told before cannot be told again.
    pub fn lost(&self, ask: &dyn Request) -> Failure {
        self.abandon(replay::secret_changed(&ask.to_string()))
    }

    /// Checks the wish, and looks what the record says of it.
    fn recall<T: DeserializeOwned>(
        &self,
        call: &CallId,
        ask: &dyn Request,
    ) -> Result<Recalled<T>, Failure> {
        self.check(ask)
            .inspect_err(|refused| self.tell_if_denied(refused))?;
        let recorded = self.recorded(call, || ask.to_string())?;
        if recorded.is_none() {
            // What is told again costs nothing any more.
            self.within_quota()?;
        }
        Ok(match recorded {
            Some(Answer::Value(value)) => Recalled::Answer(self.read(call, &value)),
            Some(Answer::Failure(failure)) => Recalled::Answer(Err(failure)),
            Some(Answer::Secret(hash)) => Recalled::Secret(hash),
            None => Recalled::Nothing,
        })
    }

    /// Records what a call is told, or compares it with the hash that is on record.
    async fn remember<T: Serialize>(
        &self,
        call: CallId,
        ask: &dyn Request,
        hash: Option<String>,
        answer: Result<T, Failure>,
    ) -> Result<T, Failure> {
        if let Some(hash) = hash {
            return self.compare(ask, &hash, answer);
        }
        // What the guest is told, and at a replay again, is what may be on record.
        let answer = answer.map_err(|failure| self.run.secrets.failure(failure.bounded()));
        // What it is told because the run was stopped is no answer.
        if self.run.ending.stop.stopped().is_ok() {
            let told = || self.answer_of(&answer, Some(ask));
            let entry = self.answered(call.clone(), || self.recorded_text(ask), told);
            match (entry, ask.access()) {
                (Some(entry), Access::Write) => self.run.write(entry, Survives::Process).await,
                (Some(entry), _) => {
                    if !self.run.note_if_it_fits(entry) {
                        return self.refuse_on_record(call, ask);
                    }
                }
                (None, _) => {}
            }
        }
        answer
    }

    /// Returns a wish as it is on record. A selector may have a secret in it; what is changed or called has only names, by which whoever takes the run
    /// back must find it.
    fn recorded_text(&self, ask: &dyn Request) -> String {
        match ask.access() {
            Access::Read | Access::Wait => self.run.secrets.text(ask.to_string()),
            Access::Write | Access::Call | Access::Release => ask.to_string(),
        }
    }

    /// Tells of an answer that it was too much for the record: it has not become anything to the guest yet.
    fn refuse_on_record<T: Serialize>(
        &self,
        call: CallId,
        ask: &dyn Request,
    ) -> Result<T, Failure> {
        let answer = Err(self.too_much_on_record());
        let told = || self.answer_of(&answer, Some(ask));
        if let Some(entry) = self.answered(call, || self.recorded_text(ask), told) {
            self.run.note(entry);
        }
        answer
    }

    /// Does for what the host knows at once, such as the time, what [`Gate::admit`] does for everything else.
    ///
    /// # Errors
    /// `internal` (`run.diverged`) when a resumed run asks for something else than before; `exhausted` when there were too many calls.
    pub fn instant<T>(&self, name: &'static str, know: impl FnOnce() -> T) -> Result<T, Failure>
    where
        T: Serialize + DeserializeOwned,
    {
        let call = self.next_call();
        match self.recorded(&call, || name.to_owned())? {
            Some(Answer::Value(value)) => self.read(&call, &value),
            Some(Answer::Failure(failure)) => Err(failure),
            Some(Answer::Secret(_)) | None => {
                self.within_quota()?;
                let known = Ok(know());
                let answer = || self.answer_of(&known, None);
                if let Some(entry) = self.answered(call, || name.to_owned(), answer) {
                    self.run.note(entry);
                }
                known
            }
        }
    }

    /// Ends a run that cannot be resumed, without taking it back: it stays as it is in the record, and `agent undo` takes it back.
    pub fn abandon(&self, why: Failure) -> Failure {
        self.run.ending.abandon(why.clone());
        why
    }

    /// Returns what the record says that a call was told.
    fn recorded(
        &self,
        call: &CallId,
        name: impl FnOnce() -> String,
    ) -> Result<Option<Answer>, Failure> {
        let Some(Recorded { ask, at, answer }) = self.run.replay.answer(call) else {
            return Ok(None);
        };
        let name = name();
        if *ask != name && *ask != self.run.secrets.text(name.clone()) {
            return Err(self.abandon(replay::diverged(call, ask, &name)));
        }
        self.actor.clock.advance(*at);
        Ok(Some(answer.clone()))
    }

    fn read<T: DeserializeOwned>(&self, call: &CallId, value: &Value) -> Result<T, Failure> {
        T::deserialize(value).map_err(|error| {
            let failure = Failure::of(Kind::Internal, "run.diverged", &error);
            let doing = format!("reading what call {call} was told before");
            self.abandon(failure.while_doing(doing))
        })
    }

    /// Compares a secret answer with that of the run that is resumed.
    fn compare<T: Serialize>(
        &self,
        ask: &dyn Request,
        hash: &str,
        answer: Result<T, Failure>,
    ) -> Result<T, Failure> {
        match answer {
            Ok(value) if self.hash_of(&value, Some(ask)) == hash => Ok(value),
            Ok(_) => Err(self.lost(ask)),
            // The plugin must not decide by this what it decided otherwise before.
            Err(failure) => Err(self.abandon(failure)),
        }
    }

    fn answer_of<T: Serialize>(
        &self,
        answer: &Result<T, Failure>,
        ask: Option<&dyn Request>,
    ) -> Answer {
        match answer {
            Ok(value) if ask.is_some_and(Request::is_secret) => {
                Answer::Secret(self.hash_of(value, ask))
            }
            Ok(value) => {
                let told = serde_json::to_value(value).unwrap_or_default();
                if self.run.secrets.is_in(&told) {
                    return Answer::Secret(self.hash_of(value, ask));
                }
                Answer::Value(told)
            }
            Err(failure) => Answer::Failure(failure.clone()),
        }
    }

    /// Returns the keyed hash of what counts of an answer.
    fn hash_of<T: Serialize>(&self, answer: &T, ask: Option<&dyn Request>) -> String {
        let answer = serde_json::to_value(answer).unwrap_or_default();
        self.run.keyed_hash(&match ask {
            Some(ask) => ask.compared(answer),
            None => answer,
        })
    }

    /// Sets the plugin's clocks, and returns what is to be recorded, if anything is.
    fn answered(
        &self,
        call: CallId,
        ask: impl FnOnce() -> String,
        answer: impl FnOnce() -> Answer,
    ) -> Option<Entry> {
        let at = Timestamp::now();
        self.actor.clock.advance(at);
        let answer = self.run.recording().then(answer)?;
        Some(Entry::Answered {
            call,
            ask: ask(),
            at,
            answer,
        })
    }
}
