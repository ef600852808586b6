//! Guests that look at the clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use agent_sdk::NoArgs;
use agent_sdk::operations::Call;
use agent_sdk::prelude::*;

/// Microseconds since 1970 by the clock of the standard library.
fn micros() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_micros()).unwrap_or(u64::MAX)
}

/// Behave well: tell the time.
#[operation(risk = "read")]
pub(crate) fn tell_time(_args: NoArgs) -> Result<Value> {
    Ok(json!({ "time": micros() }))
}

/// Behave well: sleep by the standard library until it is time.
#[operation(risk = "read")]
pub(crate) fn sleep_by_itself(_args: NoArgs) -> Result<Value> {
    let begun = Instant::now();
    let mut slept = 0;
    while begun.elapsed() < Duration::from_millis(50) {
        std::thread::sleep(Duration::from_micros(12_500));
        slept += 1;
    }
    Ok(json!([slept, begun.elapsed().as_millis() as u64]))
}

/// Behave well: tell the time after a batch of calls, and the time that the second one saw.
#[operation(risk = "change")]
pub(crate) fn tell_times(_args: NoArgs) -> Result<Value> {
    let calls = ["guests.greet", "guests.tell-time"].map(|name| Call::new(name, json!({})));
    let mut called = operations::call(&calls);
    let callee = called.remove(1)?.value;
    Ok(json!({ "callee": callee["time"], "own": micros() }))
}
