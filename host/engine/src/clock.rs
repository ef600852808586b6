//! The clocks and the random numbers that a plugin's standard library sees: the same at every replay.
//!
//! Its clocks show when its last host call was answered, which is on record, or the time that it has waited for by a timer since. They stand still while
//! it computes; whoever wants the time asks the host for it with `run.now`.

use std::time::Duration;

use agent_capability::Gate;
use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng as _;
use jiff::Timestamp;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::{HostWallClock, WasiCtxBuilder};

/// The unit of the record's times.
const STEP: Duration = Duration::from_micros(1);

/// Gives a guest recorded clocks and randomness.
pub(crate) fn record(wasi: &mut WasiCtxBuilder, gate: &Gate) {
    let seed = gate.seed();
    let mut hash_seed = [0; 16];
    hash_seed.copy_from_slice(&seed[..16]);
    wasi.wall_clock(Wall(gate.clone()))
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

/// The monotonic clock of an operation.
#[derive(Clone)]
pub(crate) struct Monotonic {
    gate: Gate,
    begun: Timestamp,
}

impl Monotonic {
    pub(crate) fn new(gate: &Gate) -> Monotonic {
        Monotonic {
            gate: gate.clone(),
            begun: gate.clock(),
        }
    }

    fn now(&self) -> Duration {
        let since = self.gate.clock().duration_since(self.begun);
        FIRST + Duration::try_from(since).unwrap_or_default()
    }

    /// Notes that the guest has waited until a time.
    fn reach(&self, time: Duration) {
        // The gate's clock has no more than microseconds. It must not fall short.
        let since = time.saturating_sub(FIRST) + (STEP - Duration::from_nanos(1));
        if let Ok(time) = self.begun.checked_add(since) {
            self.gate.advance_clock(time);
        }
    }
}

/// The clock, and where its timers are. Those of the library leave the clock as it is when they end, and whoever looks then whether it is time, as Go does,
/// waits for ever.
pub(crate) struct View<'a> {
    pub(crate) clock: &'a Monotonic,
    pub(crate) table: &'a mut ResourceTable,
}

/// Lends a [`View`] out of a store's data.
pub(crate) struct Clocks;

impl HasData for Clocks {
    type Data<'a> = View<'a>;
}

/// A timer; without an end when that is too far away to be told.
struct Timer {
    clock: Monotonic,
    time: Duration,
    end: Option<tokio::time::Instant>,
}

#[async_trait::async_trait]
impl Pollable for Timer {
    async fn ready(&mut self) {
        match self.end {
            Some(end) => tokio::time::sleep_until(end).await,
            None => std::future::pending().await,
        }
        self.clock.reach(self.time);
    }
}

impl View<'_> {
    fn wait(&mut self, length: Duration) -> wasmtime::Result<Resource<DynPollable>> {
        let timer = Timer {
            clock: self.clock.clone(),
            time: self.clock.now().saturating_add(length),
            end: tokio::time::Instant::now().checked_add(length),
        };
        let timer = self.table.push(timer)?;
        subscribe(self.table, timer)
    }
}

impl monotonic_clock::Host for View<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(nanoseconds(self.clock.now()))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(nanoseconds(STEP))
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let length = Duration::from_nanos(when).saturating_sub(self.clock.now());
        self.wait(length)
    }

    fn subscribe_duration(&mut self, length: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.wait(Duration::from_nanos(length))
    }
}

fn nanoseconds(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
