//! How much memory the operations of a run have together. Each has a store of its own, so no store can know.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The memory of one run. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct RunMemory(Arc<AtomicUsize>);

impl RunMemory {
    /// Takes some bytes, unless the run would have more than `most` then. Returns whether it took them.
    pub fn take(&self, bytes: usize, most: usize) -> bool {
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|used| *used <= most)
            });
        taken.is_ok()
    }

    /// Gives back what was taken.
    pub fn give_back(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}
