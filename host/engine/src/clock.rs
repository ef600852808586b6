//! The clocks and the random numbers that a plugin's standard library sees: the same at every replay.
//!
//! Its clocks show when its last host call was answered, which is on record. They stand still while it computes; whoever wants the time asks the
//! host for it with `run.now`.

use std::time::Duration;

use agent_capability::Gate;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng as _;
use jiff::Timestamp;
use wasmtime_wasi::{HostMonotonicClock, HostWallClock, WasiCtxBuilder};

/// The unit of the record's times.
const STEP: Duration = Duration::from_micros(1);

/// Gives a guest recorded clocks and randomness.
pub(crate) fn record(wasi: &mut WasiCtxBuilder, gate: &Gate) {
    let seed = gate.seed();
    let mut hash_seed = [0; 16];
    hash_seed.copy_from_slice(&seed[..16]);
    wasi.wall_clock(Wall(gate.clone()))
        .monotonic_clock(Monotonic {
            gate: gate.clone(),
            begun: gate.clock(),
        })
        .secure_random(ChaCha20Rng::from_seed(seed))
        .insecure_random(ChaCha20Rng::from_seed(seed))
        .insecure_random_seed(u128::from_le_bytes(hash_seed));
}

struct Wall(Gate);

impl HostWallClock for Wall {
    fn resolution(&self) -> Duration {
        STEP
    }

    fn now(&self) -> Duration {
        let since = self.0.clock().duration_since(Timestamp::UNIX_EPOCH);
        Duration::try_from(since).unwrap_or_default()
    }
}

/// What a monotonic clock begins at. Go takes 0 for a clock that is broken, and does not start
/// (<https://github.com/golang/go/blob/go1.26.0/src/runtime/proc.go>, `nanotime returning zero`).
const FIRST: Duration = Duration::from_secs(1);

struct Monotonic {
    gate: Gate,
    begun: Timestamp,
}

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        nanoseconds(STEP)
    }

    fn now(&self) -> u64 {
        let since = self.gate.clock().duration_since(self.begun);
        nanoseconds(FIRST + Duration::try_from(since).unwrap_or_default())
    }
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
