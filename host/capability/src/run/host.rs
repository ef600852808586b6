//! The WIT interface `ops:run/run`, implemented.

use std::time::Duration;

use agent_core::event::{Event, Level};
use agent_core::failure::{Failure, Kind};
use agent_core::limits::TEXT;
use agent_core::text::{cut, plain};
use agent_gate::Wait;
use jiff::Timestamp;
use wasmtime::component::Resource;

use super::Step;
use crate::bindings::ops::run::run as wit;
use crate::bindings::ops::types::types::Error;
use crate::ctx::PluginCtx;

/// How long a question is at most with its facts, in bytes.
const QUESTION: usize = 32 << 10;

impl wit::Host for PluginCtx {
    fn planning(&mut self) -> wasmtime::Result<bool> {
        Ok(self.gate.planning())
    }

    fn log(&mut self, level: wit::Level, message: String) -> wasmtime::Result<()> {
        self.log.line(level.into(), &message);
        Ok(())
    }

    async fn confirm(&mut self, question: wit::Question) -> wasmtime::Result<Result<(), Error>> {
        let texts = question
            .facts
            .iter()
            .map(|(label, value)| label.len() + value.len());
        let phrase = question.phrase.as_deref();
        let bytes = texts.sum::<usize>() + question.text.len() + phrase.map_or(0, str::len);
        // A person is not asked half a question, so it is refused and not cut.
        if question.text.len() > TEXT || bytes > QUESTION {
            let message =
                format!("a question is at most {TEXT} bytes long, and {QUESTION} with its facts");
            let failure = Failure::new(Kind::Invalid, "run.question-too-long", message);
            return Ok(Err(self.told(failure)));
        }
        if let Err(failure) = phrase.map_or(Ok(()), is_phrase) {
            return Ok(Err(self.told(failure)));
        }
        if let Err(failure) = self.gate.charge(bytes) {
            return Ok(Err(self.told(failure)));
        }
        let facts = question
            .facts
            .iter()
            .map(|(label, value)| (plain(label), plain(value)))
            .collect();
        Ok(self
            .gate
            .ask(plain(&question.text), facts, question.phrase)
            .await
            .map_err(|failure| self.told(failure)))
    }

    fn now(&mut self) -> wasmtime::Result<u64> {
        let now = || u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
        // It has no way to fail as a value. The run is ended by what is wrong with its record.
        Ok(self.gate.instant("now", now)?)
    }

    fn elapsed(&mut self) -> wasmtime::Result<u64> {
        let gate = self.gate.clone();
        let elapsed = || u64::try_from(gate.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(self.gate.instant("elapsed", elapsed)?)
    }

    fn token(&mut self) -> wasmtime::Result<String> {
        let mut random = [0_u8; 4];
        getrandom::fill(&mut random)
            .map_err(|error| wasmtime::format_err!("reading random bytes: {error}"))?;
        let token = || {
            let time = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%S.%9fZ");
            format!("{time}-{:08x}", u32::from_le_bytes(random))
        };
        let token: String = self.gate.instant("token", token)?;
        self.gate.stand_in("token", &token);
        if let Some((_time, random)) = token.rsplit_once('-') {
            self.gate.stand_in("token-end", random);
        }
        Ok(token)
    }

    fn id(&mut self) -> wasmtime::Result<String> {
        let id = self.gate.run_id().to_string();
        self.gate.stand_in("run", &id);
        Ok(id)
    }

    fn placeholder(&mut self, name: String, text: String) -> wasmtime::Result<()> {
        self.gate.charge(name.len() + text.len())?;
        self.gate.declare_stand_in(&name, &text);
        Ok(())
    }

    async fn sleep(&mut self, ms: u32) -> wasmtime::Result<Result<(), Error>> {
        if self.gate.planning() {
            return Ok(Ok(()));
        }
        let call = self.gate.next_call();
        let slept = self.gate.admit(call, Wait("sleep"), |_pass| async move {
            tokio::time::sleep(Duration::from_millis(ms.into())).await;
            Ok(())
        });
        Ok(slept.await.map_err(|failure| self.told(failure)))
    }
}

impl wit::HostStep for PluginCtx {
    fn new(&mut self, title: String) -> wasmtime::Result<Resource<Step>> {
        let title = cut(&title, TEXT);
        let step = Step::begin(&self.gate, &title, self.log.has_room(&title));
        // A constructor cannot fail as a value; a guest that leaks steps trips its resource limit here.
        Ok(self.hand_out(step)?)
    }

    fn note(&mut self, step: Resource<Step>, text: String) -> wasmtime::Result<()> {
        let text = cut(&text, TEXT);
        if self.log.has_room(&text) {
            let text = plain(&text);
            let step = self.table.get(&step)?;
            step.tell(|step| Event::StepNoted { step, text });
        }
        Ok(())
    }

    fn progress(&mut self, step: Resource<Step>, done: u32, total: u32) -> wasmtime::Result<()> {
        if self.log.has_room("") {
            let step = self.table.get(&step)?;
            let (done, total) = (done.into(), total.into());
            step.tell(|step| Event::StepProgressed { step, done, total });
        }
        Ok(())
    }

    fn done(&mut self, step: Resource<Step>, summary: String) -> wasmtime::Result<()> {
        let summary = self.ending(&summary);
        let step = self.table.get_mut(&step)?;
        step.end(|step| Event::StepDone { step, summary });
        Ok(())
    }

    fn skip(&mut self, step: Resource<Step>, reason: String) -> wasmtime::Result<()> {
        let reason = self.ending(&reason);
        let step = self.table.get_mut(&step)?;
        step.end(|step| Event::StepSkipped { step, reason });
        Ok(())
    }

    fn fail(&mut self, step: Resource<Step>, reason: String) -> wasmtime::Result<()> {
        let reason = self.ending(&reason);
        let step = self.table.get_mut(&step)?;
        step.end(|step| Event::StepFailed { step, reason });
        Ok(())
    }

    fn drop(&mut self, step: Resource<Step>) -> wasmtime::Result<()> {
        let step = self.table.delete(step)?;
        // When a guest drops it is a matter of its language. What has not ended fails with the operation;
        // beyond as many as it may hold, at once.
        if self.steps.len() < self.limits.table_entries {
            self.steps.extend(step.goes_on());
        }
        Ok(())
    }
}

impl PluginCtx {
    /// A step ends also when the log has no room for what its end says.
    fn ending(&self, text: &str) -> String {
        let text = cut(text, TEXT);
        if self.log.has_room(&text) {
            plain(&text)
        } else {
            String::new()
        }
    }
}

/// Refuses what is no phrase to be typed: one that is typed by habit, or that nobody can type as it is shown.
fn is_phrase(phrase: &str) -> Result<(), Failure> {
    let length = phrase.chars().count();
    let is_habit = phrase.eq_ignore_ascii_case("yes");
    let can_be_typed = phrase.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if (3..=253).contains(&length) && !is_habit && can_be_typed && phrase.trim() == phrase {
        return Ok(());
    }
    let message = "a phrase has 3 to 253 printable ASCII characters, and is not `yes`";
    Err(Failure::new(Kind::Invalid, "run.phrase", message))
}

impl From<wit::Level> for Level {
    fn from(level: wit::Level) -> Level {
        match level {
            wit::Level::Debug => Level::Debug,
            wit::Level::Info => Level::Info,
            wit::Level::Warn => Level::Warn,
            wit::Level::Error => Level::Error,
        }
    }
}
