//! What a run writes on record: masked, charged to it, and sealed where it holds the way back of a secret.

use std::sync::atomic::Ordering;

use agent_core::effect::Target;
use agent_core::event::{Event, Level};
use agent_core::failure::Failure;
use agent_core::journal::{Entry, Survives};
use agent_core::record::RecordedEffect;
use agent_core::undo::Undo;
use serde::Serialize;
use serde_json::Value;

use super::Shared;
use crate::replay;

impl Shared {
    /// Returns whether what the operations are told is recorded. What only looks needs no record to be resumed by.
    pub(crate) fn recording(&self) -> bool {
        self.journal.is_some() && !self.looks_only
    }

    /// Adds an entry to the record that may be lost.
    pub(crate) fn note(&self, entry: Entry) {
        if let (Some(journal), false) = (&self.journal, self.looks_only) {
            let entry = self.secrets.entry(entry);
            self.account.wrote(&entry);
            journal.note(entry);
        }
    }

    /// Does what [`Shared::note`] does, unless the run has too much on record then. Returns whether it did.
    pub(crate) fn note_if_it_fits(&self, entry: Entry) -> bool {
        let (Some(journal), false) = (&self.journal, self.looks_only) else {
            return true;
        };
        let entry = self.secrets.entry(entry);
        let fits = self.account.may_write(&entry);
        if fits {
            journal.note(entry);
        }
        fits
    }

    /// Adds an entry to the record. When it cannot be kept, the run goes on: what it tells has happened, and a later intent will fail.
    pub(crate) async fn write(&self, entry: Entry, survives: Survives) {
        if let Err(failure) = self.must_write(entry, survives).await
            && !self.is_told_unrecorded.swap(true, Ordering::Relaxed)
        {
            let message = format!("the record of the run is not whole: {}", failure.message);
            let level = Level::Warn;
            self.show(Event::Logged { level, message });
        }
    }

    /// Adds an entry to the record.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub(crate) async fn must_write(&self, entry: Entry, survives: Survives) -> Result<(), Failure> {
        match &self.journal {
            Some(journal) => {
                let entry = self.secrets.entry(entry);
                self.account.wrote(&entry);
                journal.write(entry, survives).await
            }
            None => Ok(()),
        }
    }

    /// Announces an effect on record. Returns whether there is room for that; otherwise it must not happen.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub(crate) async fn must_announce(&self, entry: Entry) -> Result<bool, Failure> {
        let Some(journal) = &self.journal else {
            return Ok(true);
        };
        let entry = self.secrets.entry(entry);
        let fits = self.account.may_write(&entry);
        if fits {
            journal.write(entry, Survives::PowerLoss).await?;
        }
        Ok(fits)
    }

    /// Adds the last entry to the record. What only looked has done what it was to do, recorded or not.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub(crate) async fn must_end(&self, entry: Entry) -> Result<(), Failure> {
        match &self.journal {
            Some(journal) if self.looks_only => {
                journal.note_last(self.secrets.entry(entry));
                Ok(())
            }
            _ => self.must_write(entry, Survives::Process).await,
        }
    }

    /// Returns how a change is put back as it may be on record: sealed, where it holds something secret, or is of something that is `secret` as a whole.
    pub(crate) fn recorded_undo(
        &self,
        undo: Undo,
        number: u64,
        target: &Target,
        secret: bool,
    ) -> Undo {
        let secret = secret && matches!(undo, Undo::Fields { .. });
        if !secret && !self.secrets.is_in_undo(&undo) {
            return undo;
        }
        match &self.seal {
            Some(seal) => seal.seal(undo, number, target),
            None => Undo::Withheld,
        }
    }

    /// Returns how an effect of an earlier process is put back; none when that cannot be read any more.
    pub(crate) fn undo_of(&self, recorded: &RecordedEffect) -> Option<Undo> {
        let (undo, effect) = (recorded.undo.clone()?, recorded.effect());
        match &self.seal {
            Some(seal) => Some(seal.open(undo, effect.number, &effect.target).0),
            None => Some(undo),
        }
    }

    pub(crate) fn keyed_hash(&self, answer: &impl Serialize) -> String {
        let answer = serde_json::to_value(answer).unwrap_or_default();
        replay::keyed_hash(&self.key, &answer)
    }

    /// Returns the keyed hash of a value that is to be the same to the byte.
    pub(crate) fn keyed_hash_to_the_byte(&self, value: &Value) -> String {
        replay::hash_of_secret(&self.key, "value", &value.to_string())
    }
}
