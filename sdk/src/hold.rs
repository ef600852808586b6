//! Changes for a time, whatever made them.

use crate::Result;
use crate::bindings::ops::types::holds as wit;

/// What is held. Whatever way the run ends, it is put back, newest first.
///
/// Dropping it does nothing: what is neither released nor kept is put back when the operation ends.
pub struct Held(wit::Held);

impl Held {
    pub(crate) fn new(held: wit::Held) -> Held {
        Held(held)
    }

    /// Returns whether anything had to be changed at all.
    pub fn changed(&self) -> bool {
        self.0.changed()
    }

    /// Puts back now, and says what was left to others (a sentence each; empty when all is as before).
    ///
    /// # Errors
    /// `unavailable`, `denied`, `failed`: the host tries once more when the run ends.
    pub fn release(self) -> Result<Vec<String>> {
        Ok(self.0.release()?)
    }

    /// Puts all of these back now, newest first, also when some cannot be put back. Says what was left to others.
    ///
    /// # Errors
    /// As for [`Held::release`]: that of the first that could not be put back.
    pub fn release_all(holds: impl IntoIterator<Item = Held>) -> Result<Vec<String>> {
        let holds: Vec<Held> = holds.into_iter().collect();
        let borrowed: Vec<&wit::Held> = holds.iter().map(|held| &held.0).collect();
        Ok(wit::release_all(&borrowed)?)
    }

    /// Makes the change permanent.
    ///
    /// # Errors
    /// `cancelled` once the run was stopped: it is put back then.
    pub fn keep(self) -> Result<()> {
        Ok(self.0.keep()?)
    }
}
