//! How an operation ends, and the run: what is held is put back or kept, and the record is closed.

use agent_core::event::{Event, Outcome, TakeBack};
use agent_core::failure::Failure;
use agent_core::journal::{Entry as Note, Returned, Survives};
use futures::FutureExt as _;

use super::{Entry, Gate, Pass, guarded, ledger};
use crate::cluster;

impl Gate {
    /// Records what the plugin came to, before what is held is put back.
    pub async fn ended(&self, end: Result<Returned, Failure>) {
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
        let note = match &outcome {
            Outcome::Undone { put_back, .. } => {
                let stuck = put_back.iter().filter(|one| one.failure.is_some());
                let left = u64::try_from(stuck.count()).unwrap_or(u64::MAX);
                Note::Undone { left }
            }
            _ => Note::Finished {
                outcome: outcome.clone(),
                held: self.held(),
            },
        };
        self.run.write(note, Survives::Process).await;
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
        self.run.abandoned()
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
        if self.run.keeps && !well {
            return;
        }
        let dropped = self.release(move |entry| entry.holder.is(&id)).await;
        self.run.undone.add(&self.actor.id, dropped);
        if well {
            self.run.undone.forget(&self.actor.id);
        }
    }

    /// Puts back what the guest let go of without saying so. When its operation fails in the end, this belongs to what was undone.
    pub(crate) async fn release_dropped(&self, numbers: Vec<u64>) {
        if self.run.keeps {
            return;
        }
        let dropped = self
            .release(move |entry| numbers.contains(&entry.number))
            .await;
        self.run.undone.add(&self.actor.id, dropped);
    }

    /// Puts back everything that the run still holds, newest first, whoever holds it. Returns whatever was put back since the operations that
    /// failed began to fail.
    pub async fn release_all(&self) -> Vec<TakeBack> {
        self.run.take_back();
        let released = self.release(|_| true).await;
        self.run.undone.add(&self.actor.id, released);
        self.run.undone.take()
    }

    /// Returns how many changes the run holds.
    pub fn held(&self) -> u64 {
        self.run.ledger.len()
    }

    /// Puts back the entries that `which` names, newest first. Once begun it is finished, even when nobody waits for it any more.
    pub(crate) async fn release(
        &self,
        which: impl Fn(&Entry) -> bool + Send + 'static,
    ) -> Vec<TakeBack> {
        let gate = self.clone();
        let work = async move {
            let mut done = Vec::new();
            for entry in gate.run.ledger.take(which) {
                done.extend(gate.put_back(entry).await);
            }
            done
        };
        self.run.writes.spawn(work).await.unwrap_or_default()
    }

    async fn put_back(&self, entry: Entry) -> Option<TakeBack> {
        if self.run.planning() {
            self.run.imagined.put_back(&entry);
            return None;
        }
        let thorough = self.run.stopped().is_err() || self.run.taking_back();
        let pass = Pass::to_put_back(self.clone(), thorough);
        let work = cluster::undo::put_back(&self.run.client, &pass, &entry);
        let take_back = match guarded(work.map(Ok)).await {
            Ok(take_back) => take_back,
            Err(failure) => ledger::unsettled(&entry, failure),
        };
        let note = Note::PutBack {
            number: entry.number,
            take_back: take_back.clone(),
        };
        self.run.write(note, Survives::Process).await;
        self.run.show(Event::PutBack(take_back.clone()));
        if take_back.failure.is_some() {
            self.run.ledger.put(entry);
        }
        Some(take_back)
    }

    /// Returns what an earlier process said when it put these effects back.
    pub(crate) fn put_back_before(&self, numbers: &[u64]) -> Vec<TakeBack> {
        let said = numbers
            .iter()
            .filter_map(|number| self.run.replay.put_back(*number));
        said.cloned().collect()
    }
}
