//! Memory and tables of one store, all of them counted together: a component can have many of each, so a limit on each would be none.

use agent_capability::RunMemory;
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
    #[error("the operations of the run wanted more than {bytes} bytes of memory together")]
    RunMemory { bytes: usize },
    #[error("the guest called the system more than {calls} times")]
    Calls { calls: u64 },
    #[error("the guest wanted more than {entries} table entries")]
    Tables { entries: usize },
}

/// Counts what a store has, and refuses what would be too much. Dropped with the store, it gives the run back what it took.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory: Count,
    tables: Count,
    run: RunMemory,
    most_of_run: usize,
}

#[derive(Debug)]
struct Count {
    used: usize,
    most: usize,
}

impl Count {
    fn new(most: usize) -> Count {
        Count { used: 0, most }
    }

    fn has_room(&self, more: usize) -> bool {
        self.used.saturating_add(more) <= self.most
    }

    /// Counts a growth in, and says whether it is within the limit. One that fails afterwards stays counted: wasmtime tells of failures
    /// of growths that it has not asked for as well.
    fn grow(&mut self, more: usize) -> bool {
        let within = self.has_room(more);
        if within {
            self.used += more;
        }
        within
    }
}

impl Limiter {
    pub(crate) fn new(limits: &Limits, run: RunMemory) -> Limiter {
        Limiter {
            memory: Count::new(limits.memory_bytes),
            tables: Count::new(limits.table_entries),
            run,
            most_of_run: limits.run_memory_bytes,
        }
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.run.give_back(self.memory.used);
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
        let more = desired.saturating_sub(current);
        // An allocation that only fails would end the guest as well, and leave nobody knowing why.
        if !self.memory.has_room(more) {
            let bytes = self.memory.most;
            return Err(Error::new(Tripped::Memory { bytes }));
        }
        // Its own limit comes first: one that wants more than that has not called too many others.
        if !self.run.take(more, self.most_of_run) {
            let bytes = self.most_of_run;
            return Err(Error::new(Tripped::RunMemory { bytes }));
        }
        self.memory.used += more;
        Ok(true)
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
        if self.tables.grow(desired.saturating_sub(current)) {
            return Ok(true);
        }
        let entries = self.tables.most;
        Err(Error::new(Tripped::Tables { entries }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter() -> Limiter {
        limiter_of(&RunMemory::default())
    }

    fn limiter_of(run: &RunMemory) -> Limiter {
        let limits = Limits {
            memory_bytes: 100,
            run_memory_bytes: 150,
            table_entries: 10,
            ..Limits::TERMINAL
        };
        Limiter::new(&limits, run.clone())
    }

    #[test]
    fn run_has_less_than_its_operations_could_have_and_gets_back_what_one_had() {
        let run = RunMemory::default();
        let (mut one, mut two) = (limiter_of(&run), limiter_of(&run));
        assert!(one.memory_growing(0, 100, None).expect("within"));
        let over = two.memory_growing(0, 60, None).expect_err("over");
        assert!(matches!(
            over.downcast_ref(),
            Some(Tripped::RunMemory { bytes: 150 })
        ));
        assert!(two.memory_growing(0, 50, None).expect("within"));
        drop(one);
        assert!(two.memory_growing(50, 100, None).expect("within"));
        drop(two);
        let mut three = limiter_of(&run);
        assert!(three.memory_growing(0, 100, None).expect("within"));
    }

    #[test]
    fn operation_that_wants_more_than_its_own_limit_is_told_of_that_one() {
        for more in [101, 151, usize::MAX] {
            let over = limiter().memory_growing(0, more, None).expect_err("over");
            let tripped = over.downcast_ref();
            assert!(matches!(tripped, Some(Tripped::Memory { bytes: 100 })));
        }
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
    fn failures_of_growths_that_were_not_asked_for_free_nothing() {
        let mut limiter = limiter();
        assert!(limiter.memory_growing(0, 100, None).expect("within"));
        assert!(limiter.table_growing(0, 10, None).expect("within"));
        for _ in 0..2 {
            let _ = limiter.memory_grow_failed(Error::msg("overflow"));
            let _ = limiter.table_grow_failed(Error::msg("overflow"));
        }
        assert!(limiter.memory_growing(100, 101, None).is_err());
        assert!(limiter.table_growing(10, 11, None).is_err());
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

    #[test]
    fn operation_that_wants_too_much_alone_is_told_of_its_own_limit() {
        let mut limiter = limiter();
        let trip = limiter.memory_growing(0, usize::MAX / 2, None);
        let trip = trip.expect_err("too much").downcast::<Tripped>();
        assert!(matches!(trip, Ok(Tripped::Memory { .. })), "{trip:?}");
    }
}
