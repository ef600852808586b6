//! How an operation ends, and the run: what is held is put back or kept, and the record is closed.

use std::pin::pin;
use std::time::Duration;

use agent_core::event::{Event, Level, Outcome, UndoReport};
use agent_core::failure::{Failure, Kind};
use agent_core::journal::{Entry as Note, Returned, Survives};
use tokio::time::timeout;

use crate::ending::Phase;
use crate::ledger::{self, Entry};
use crate::{Gate, Pass, guarded};

/// How long something is put back, or asked of whatever is away, without a word.
const WORDLESS: Duration = Duration::from_secs(8);

/// Who sees to it that what is removed is gone, before something older is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// The plugin, which says what is put back when.
    ByPlugin,
    /// The host: nobody else does.
    ByHost,
}

impl Gate {
    /// Records what the plugin came to, before what is held is put back.
    pub async fn ended(&self, end: Result<Returned, Failure>) {
        // A plugin that goes on as if nothing had been refused says nothing of it.
        for denied in self.run.conversation.denials(&end) {
            let message = format!("refused: {denied}");
            let level = Level::Warn;
            self.emit(Event::Logged { level, message });
        }
        self.run.ending.reach(Phase::Ended);
        let note = Note::Ended { end };
        if self.held() > 0 {
            self.run.write(note, Survives::Process).await;
        } else {
            self.run.note(note);
        }
    }

    /// Sends the first event, and puts it on disk.
    ///
    /// # Errors
    /// `unavailable` when it cannot be kept; the run must not go on then.
    pub async fn start(&self, event: Event) -> Result<(), Failure> {
        let told = event.clone();
        let note = Note::Told { event: told };
        self.run.must_write(note, Survives::PowerLoss).await?;
        self.run.show(event);
        Ok(())
    }

    /// Closes the run's record and sends its last event.
    pub async fn finish(&self, outcome: Outcome) {
        let held = self.held();
        let note = match &outcome {
            Outcome::Undone { .. } => Note::Undone {
                left: held,
                outcome: Some(outcome.clone()),
            },
            _ => Note::Finished {
                outcome: outcome.clone(),
                held,
            },
        };
        let outcome = match self.run.must_end(note).await {
            Ok(()) => outcome,
            Err(failure) => unrecorded(outcome, failure),
        };
        self.run.show(Event::Finished { outcome });
    }

    /// Sends the last event, and leaves the record open: the run can be taken up again.
    pub fn leave(&self, failure: Failure) {
        let outcome = Outcome::Failed {
            failure,
            put_back: Vec::new(),
            held: self.held(),
        };
        self.run.show(Event::Finished { outcome });
    }

    /// Returns why the run cannot be resumed, if that is so.
    pub fn abandoned(&self) -> Option<Failure> {
        self.run.ending.abandoned()
    }

    /// Waits until no write is under way.
    pub async fn settle(&self) {
        self.run.settle().await;
    }

    /// Finishes this operation's writes and puts back what it still holds, newest first: its own holds, and those over operations that it
    /// called. What others hold of it stays. The engine calls it when the operation is over, with whether it came to its good end.
    pub async fn close(&self, well: bool) {
        let id = self.actor.id.clone();
        self.actor.writes.close();
        self.actor.writes.wait().await;
        if self.run.keeps && !well || self.run.ending.abandoned().is_some() {
            return;
        }
        let own = move |entry: &Entry| entry.holder.is(&id);
        let dropped = self.release(own, Awaited::ByHost).await;
        self.run.holds.undone.add(&self.actor.id, dropped);
        if well {
            self.run.holds.undone.forget(&self.actor.id);
        }
    }

    /// Does what [`Gate::close`] does for an operation that was broken off, with all that it had called: none of those came to close itself.
    pub async fn close_with_callees(&self) {
        self.run.settle().await;
        if self.run.keeps || self.run.ending.abandoned().is_some() {
            return;
        }
        let id = self.actor.id.clone();
        let below = move |entry: &Entry| entry.holder.is_within(&id);
        let dropped = self.release(below, Awaited::ByHost).await;
        self.run.holds.undone.add(&self.actor.id, dropped);
    }

    /// Puts back everything that the run still holds, newest first, whoever holds it. Returns whatever was put back since the operations that
    /// failed began to fail.
    pub async fn release_all(&self) -> Vec<UndoReport> {
        self.run.ending.reach(Phase::TakingBack);
        for number in self.run.holds.ledger.compensations() {
            let newer = move |entry: &Entry| entry.number > number;
            let released = self.release(newer, Awaited::ByHost).await;
            self.run.holds.undone.add(&self.actor.id, released);
            let compensated = self.compensate(number).await;
            self.run.holds.undone.add(&self.actor.id, compensated);
        }
        let released = self.release(|_| true, Awaited::ByHost).await;
        self.run.holds.undone.add(&self.actor.id, released);
        self.run.holds.undone.take()
    }

    /// Leaves what the run still holds as it is, for good: somebody is told of it and will see to it. Returns a report of each, with why.
    pub fn give_up(&self, why: Option<&Failure>) -> Vec<UndoReport> {
        let left = self.run.holds.ledger.take(|_| true);
        let report = |entry: Entry| {
            let number = entry.number;
            self.run.note(Note::Kept { number });
            why.map(|why| ledger::unsettled(&entry, why.clone()))
        };
        left.into_iter().filter_map(report).collect()
    }

    /// Returns how many changes the run holds.
    pub fn held(&self) -> u64 {
        self.run.holds.ledger.len()
    }

    /// Puts back the entries that `which` names, newest first. Once begun it is finished, even when nobody waits for it any more.
    pub async fn release(
        &self,
        which: impl Fn(&Entry) -> bool + Send + 'static,
        awaited: Awaited,
    ) -> Vec<UndoReport> {
        let gate = self.clone();
        let work = async move {
            let entries = gate
                .run
                .holds
                .ledger
                .take(|entry| entry.undo.compensation().is_none() && which(entry));
            let (waiting, entries): (Vec<_>, Vec<_>) = entries
                .into_iter()
                .partition(|entry| gate.waits_for_a_compensation(entry));
            gate.announce_release(&entries).await;
            let mut done: Vec<_> = waiting
                .into_iter()
                .map(|entry| gate.let_wait(entry))
                .collect();
            let mut entries = entries.into_iter().peekable();
            while let Some(entry) = entries.next() {
                let in_the_way =
                    entries.peek().is_some() || gate.run.holds.ledger.is_older(entry.number);
                match gate.run.holds.stuck.keeps(&entry) {
                    Some(until) => done.push(gate.leave_held(entry, &until)),
                    None => done.extend(gate.put_back(entry, awaited, in_the_way).await),
                }
            }
            done
        };
        self.run.writes.spawn(work).await.unwrap_or_default()
    }

    /// Records that entries are about to be put back, and why, when that is because the run is stopped. Were it not on disk first, a run that is
    /// cut off now would be taken up as if they still stood.
    pub(super) async fn announce_release(&self, entries: &[Entry]) {
        if entries.is_empty() || self.run.planning() {
            return;
        }
        let known = self.run.ending.is_at(Phase::Ended);
        if let (Err(why), false) = (self.run.ending.stop.stopped(), known) {
            let end = Err(why);
            self.run.write(Note::Ended { end }, Survives::Process).await;
        }
        let numbers = entries.iter().map(|entry| entry.number).collect();
        let note = Note::Releasing { numbers };
        self.run.write(note, Survives::PowerLoss).await;
    }

    /// Keeps an entry in the ledger, because something newer is still there that may need it to be as it is.
    pub(super) fn leave_held(&self, entry: Entry, until: &str) -> UndoReport {
        let message = format!("it is left as it is until {until}");
        let failure = Failure::new(Kind::Conflict, "run.not-yet", message);
        let take_back = ledger::unsettled(&entry, failure);
        self.run.holds.ledger.put(entry);
        self.run.show(Event::PutBack(take_back.clone()));
        take_back
    }

    async fn put_back(
        &self,
        entry: Entry,
        awaited: Awaited,
        in_the_way: bool,
    ) -> Option<UndoReport> {
        if self.run.planning() {
            if let Ok(capability) = self.run.capability_of(&entry) {
                capability.imagine_put_back(&entry);
            }
            return None;
        }
        let taken_back =
            self.run.ending.stop.stopped().is_err() || self.run.ending.is_at(Phase::TakingBack);
        let wait_for_dependents = taken_back || awaited == Awaited::ByHost && in_the_way;
        let pass = Pass::to_put_back(self.clone(), wait_for_dependents, in_the_way);
        let work = async {
            let capability = self.run.capability_of(&entry)?;
            capability.put_back(&pass, &entry).await
        };
        let came = slow(guarded(work), || self.tell_of_a_wait(&entry)).await;
        let take_back = ledger::report(&entry, came);
        Some(self.conclude(entry, take_back).await)
    }

    /// Records and tells what came of putting an entry back.
    pub(super) async fn conclude(&self, entry: Entry, take_back: UndoReport) -> UndoReport {
        let note = Note::PutBack {
            number: entry.number,
            take_back: take_back.clone(),
        };
        self.run.write(note, Survives::Process).await;
        self.run.show(Event::PutBack(take_back.clone()));
        let failed = take_back.failure.is_some();
        self.run.holds.stuck.set(&entry, failed);
        if failed {
            self.run.holds.ledger.put(entry);
        }
        take_back
    }

    /// Says what is waited for: whoever has just pressed Ctrl-C must not think that nothing happens.
    fn tell_of_a_wait(&self, entry: &Entry) {
        let target = &entry.target;
        let message = format!(
            "putting back {target} takes its time: the {} does not answer, or what is removed is not gone yet; it is tried for some minutes",
            target.capability
        );
        let level = Level::Warn;
        self.emit(Event::Logged { level, message });
    }

    /// Returns what an earlier process said when it put these effects back.
    pub fn put_back_before(&self, numbers: &[u64]) -> Vec<UndoReport> {
        let said = numbers
            .iter()
            .filter_map(|number| self.run.replay.put_back(*number));
        said.cloned().collect()
    }
}

/// Does something, and says so once when it takes longer than people wait without a word.
pub(super) async fn slow<T>(work: impl Future<Output = T>, tell: impl FnOnce()) -> T {
    let mut work = pin!(work);
    match timeout(WORDLESS, &mut work).await {
        Ok(done) => done,
        Err(_) => {
            tell();
            work.await
        }
    }
}

/// Returns what a run came to whose end is not on record: it will be taken for one that was cut off.
fn unrecorded(outcome: Outcome, why: Failure) -> Outcome {
    let why = why.while_doing("the run is over, and that could not be recorded");
    let (failure, put_back, held) = match outcome {
        Outcome::Failed {
            failure,
            put_back,
            held,
        } => (failure.because(why.message), put_back, held),
        Outcome::Done { not_put_back, .. } => (why, not_put_back, 0),
        Outcome::Undone { put_back, .. } => (why, put_back, 0),
    };
    Outcome::Failed {
        failure,
        put_back,
        held,
    }
}

#[cfg(test)]
mod tests;
