use super::*;

fn no_word(cause: Cause) -> Fault {
    Fault::Connection {
        chain: Vec::new(),
        reached: false,
        cause,
    }
}

/// Asks again until that is given up, and returns after how long it was. An attempt takes no time.
async fn gives_up_after(fault: &Fault, patience: Patience, known: bool) -> u64 {
    let (begun, mut waits) = (Instant::now(), Waits::new(patience));
    while let Some(wait) = waits.after(fault, known) {
        tokio::time::sleep(wait).await;
    }
    begun.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn server_that_is_known_is_waited_for_and_a_wrong_address_is_told_soon() {
    let unknown_authority = || no_word(Cause::OtherAuthority);
    for (fault, patience, known, seconds) in [
        (no_word(Cause::Name), Patience::Running, false, 0..=0),
        (no_word(Cause::Name), Patience::Running, true, 90..=95),
        (no_word(Cause::Refused), Patience::Running, false, 3..=7),
        (no_word(Cause::Refused), Patience::Running, true, 90..=95),
        (Fault::Silence, Patience::Running, true, 90..=95),
        (unknown_authority(), Patience::Running, true, 0..=0),
        (unknown_authority(), Patience::PuttingBack, true, 120..=125),
        (
            no_word(Cause::Name),
            Patience::PuttingBack,
            false,
            120..=125,
        ),
    ] {
        let text = format!("{fault:?} {patience:?} {known}");
        let took = gives_up_after(&fault, patience, known).await;
        assert!(seconds.contains(&took), "{text}: {took} s");
    }
}
