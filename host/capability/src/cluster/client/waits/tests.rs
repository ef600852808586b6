use super::*;

fn no_word(cause: Cause) -> Fault {
    Fault::Connection {
        chain: Vec::new(),
        reached: false,
        cause,
    }
}

/// Asks again until that is given up, and returns after how long it was. An attempt takes no time.
async fn gives_up_after(fault: &Fault, retry_policy: RetryPolicy, known: bool) -> u64 {
    let (begun, mut waits) = (Instant::now(), Waits::new(retry_policy));
    while let Some(wait) = waits.after(fault, known) {
        tokio::time::sleep(wait).await;
    }
    begun.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn server_that_is_known_is_waited_for_and_a_wrong_address_is_told_soon() {
    let unknown_authority = || no_word(Cause::OtherAuthority);
    for (fault, retry_policy, known, seconds) in [
        (no_word(Cause::Name), RetryPolicy::Call, false, 0..=0),
        (no_word(Cause::Name), RetryPolicy::Call, true, 90..=95),
        (no_word(Cause::Refused), RetryPolicy::Call, false, 3..=7),
        (no_word(Cause::Refused), RetryPolicy::Call, true, 90..=95),
        (Fault::Silence, RetryPolicy::Call, true, 90..=95),
        (unknown_authority(), RetryPolicy::Call, true, 0..=0),
        (unknown_authority(), RetryPolicy::Undo, true, 120..=125),
        (no_word(Cause::Name), RetryPolicy::Undo, false, 120..=125),
    ] {
        let text = format!("{fault:?} {retry_policy:?} {known}");
        let took = gives_up_after(&fault, retry_policy, known).await;
        assert!(seconds.contains(&took), "{text}: {took} s");
    }
}
