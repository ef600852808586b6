//! Memory and tables of one store, all of them counted together: a component can have many of each, so a limit on each would be none.

use agent_core::limits::Limits;
use thiserror::Error;
use wasmtime::{Error, ResourceLimiter, Result};

/// A limit that tripped. It ends the guest as a trap does.
#[derive(Debug, Error)]
pub(crate) enum Tripped {
    #[error("the guest computed for more than {ms} ms")]
    Cpu { ms: u64 },
    #[error("the guest wanted more than {bytes} bytes of memory")]
    Memory { bytes: usize },
    #[error("the guest wanted more than {entries} table entries")]
    Tables { entries: usize },
}

/// Counts what a store has, and refuses what would be too much.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory: Count,
    tables: Count,
}

#[derive(Debug)]
struct Count {
    used: usize,
    most: usize,
    /// What was added by the growth that is being tried; given back when it fails.
    trying: usize,
}

impl Count {
    fn new(most: usize) -> Count {
        Count {
            used: 0,
            most,
            trying: 0,
        }
    }

    /// Counts a growth in, and says whether it is within the limit.
    fn grow(&mut self, current: usize, desired: usize) -> bool {
        self.trying = desired.saturating_sub(current);
        let within = self.used.saturating_add(self.trying) <= self.most;
        if within {
            self.used += self.trying;
        }
        within
    }

    fn failed(&mut self) {
        self.used = self.used.saturating_sub(std::mem::take(&mut self.trying));
    }
}

impl Limiter {
    pub(crate) fn new(limits: &Limits) -> Limiter {
        Limiter {
            memory: Count::new(limits.memory_bytes),
            tables: Count::new(limits.table_entries),
        }
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if self.memory.grow(current, desired) {
            return Ok(true);
        }
        // An allocation that only fails would end the guest as well, and leave nobody knowing why.
        let bytes = self.memory.most;
        Err(Error::new(Tripped::Memory { bytes }))
    }

    fn memory_grow_failed(&mut self, _error: Error) -> Result<()> {
        self.memory.failed();
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if self.tables.grow(current, desired) {
            return Ok(true);
        }
        let entries = self.tables.most;
        Err(Error::new(Tripped::Tables { entries }))
    }

    fn table_grow_failed(&mut self, _error: Error) -> Result<()> {
        self.tables.failed();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> Limiter {
        Limiter::new(&Limits {
            memory_bytes: 100,
            table_entries: 10,
            ..Limits::TERMINAL
        })
    }

    #[test]
    fn memories_are_counted_together() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 60, None).expect("within"));
        let second = limiter.memory_growing(0, 60, None).expect_err("over");
        assert!(second.is::<Tripped>(), "{second:?}");
        assert!(limiter.memory_growing(0, 40, None).expect("within"));
    }

    #[test]
    fn growth_that_failed_is_given_back() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 100, None).expect("within"));
        limiter
            .memory_grow_failed(Error::msg("no pages"))
            .expect("counted");
        assert!(limiter.memory_growing(0, 100, None).expect("within"));
    }

    #[test]
    fn growth_over_the_own_maximum_is_the_guests_business() {
        let mut limiter = limiter();
        assert!(!limiter.memory_growing(0, 1000, Some(50)).expect("no trap"));
        assert!(!limiter.table_growing(0, 1000, Some(5)).expect("no trap"));
        assert!(limiter.memory_growing(0, 100, None).expect("within"));
    }

    #[test]
    fn tables_are_counted_together() {
        let mut limiter = limiter();
        assert!(limiter.table_growing(0, 10, None).expect("within"));
        assert!(limiter.table_growing(10, 11, None).is_err());
    }
}
