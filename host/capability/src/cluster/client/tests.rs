//! How long is asked again, and what is asked anew.

use serde_json::json;

use super::*;
use crate::cluster::failure::EXPIRED;
use crate::gate::scene::served;

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

fn page(names: &[&str], next: &str) -> (u16, Value) {
    let items = names.iter().map(|name| json!({"metadata": {"name": name}}));
    let items: Vec<Value> = items.collect();
    (
        200,
        json!({"kind": "PodList", "metadata": {"continue": next}, "items": items}),
    )
}

fn expired() -> (u16, Value) {
    let message = "The provided continue parameter is too old to display a consistent list result.";
    (
        410,
        json!({"kind": "Status", "code": 410, "reason": "Expired", "message": message}),
    )
}

#[tokio::test]
async fn list_that_expires_in_the_middle_is_begun_anew_in_one_answer() {
    let (client, asked) = served(|request| {
        Some(match request.split_once('?').map(|(_, query)| query) {
            Some("limit=500") => page(&["a", "b"], "2"),
            Some("limit=500&continue=2") => page(&["c"], "3"),
            Some(_) => expired(),
            None => page(&["b", "c", "d"], ""),
        })
    });
    let pods = "pods.v1".parse().expect("a type");
    // Of the list that expired nothing is left, not even what is gone since.
    assert_eq!(
        client.names(&pods, None).await.expect("lists"),
        ["b", "c", "d"]
    );
    assert_eq!(lock(&asked).len(), 4);
}

#[tokio::test]
async fn server_that_forgets_every_list_is_not_asked_for_ever() {
    let (client, asked) = served(|request| {
        let first = request.ends_with("?limit=500");
        Some(if first { page(&["a"], "2") } else { expired() })
    });
    let pods = "pods.v1".parse().expect("a type");
    let failure = client.names(&pods, None).await.expect_err("no list");
    assert_eq!(failure.code, EXPIRED);
    assert_eq!(lock(&asked).len(), 3);
}
