//! Locks that other machines see: two runs of two machines never have one at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};

use agent_capability::{ClusterClient, Connected, Lease};
use agent_core::id::RunId;
use agent_core::record::Who;
use agent_sandbox::{ApiServer, Config};
use futures::FutureExt as _;

const RACES: usize = 1000;
const NAME: &str = "volsync:media/plex";

async fn client(server: &ApiServer) -> ClusterClient {
    let (client, url) = (server.client().await.expect("a client"), server.url());
    let connect = move || {
        let (client, server) = (client.clone(), url.clone());
        let context = None;
        async move {
            Ok(Connected {
                client,
                server,
                context,
            })
        }
        .boxed()
    };
    ClusterClient::new(Box::new(connect), 1 << 20)
}

fn run(number: u8) -> RunId {
    RunId::from_random([number; 8])
}

/// Takes the lock if nobody has it, looks whether anybody is there as well, and lets it go. Returns whether it had it.
async fn enter(client: &ClusterClient, run: &RunId, inside: &AtomicUsize) -> bool {
    let who = Who::default();
    match Lease::take(client, NAME, run, &who, &|_| false).await {
        Ok(lease) => {
            assert_eq!(
                inside.fetch_add(1, Ordering::SeqCst),
                0,
                "both have the lock"
            );
            tokio::task::yield_now().await;
            inside.fetch_sub(1, Ordering::SeqCst);
            lease.let_go().await.expect("let go");
            true
        }
        Err(failure) => {
            assert!(failure.code.starts_with("lock."), "{failure:?}");
            false
        }
    }
}

#[tokio::test]
async fn two_machines_that_race_for_a_lease_never_both_have_it() {
    let server = ApiServer::start(Config::any_port()).await.expect("starts");
    let (one, other) = (client(&server).await, client(&server).await);
    let (inside, mut had) = (AtomicUsize::new(0), 0);
    for _ in 0..RACES {
        let (run, another) = (run(1), run(2));
        let raced = tokio::join!(enter(&one, &run, &inside), enter(&other, &another, &inside));
        had += usize::from(raced.0) + usize::from(raced.1);
    }
    assert!(had >= RACES, "{had} of {RACES} races had a winner");
}

#[tokio::test]
async fn lease_of_a_run_that_is_over_is_taken_over_and_of_another_is_not() {
    let server = ApiServer::start(Config::any_port()).await.expect("starts");
    let client = client(&server).await;
    let (over, who) = (run(1), Who::default());
    let left = Lease::take(&client, NAME, &over, &who, &|_| false).await;
    // Its process is gone, and could not remove it.
    drop(left.expect("taken"));
    let take = async |knows: bool| {
        let is_over = |run: &str| knows && run == over.as_str();
        Lease::take(&client, NAME, &run(2), &who, &is_over).await
    };
    let Err(held) = take(false).await else {
        panic!("nobody knows that its run is over");
    };
    assert_eq!(held.code, "lock.held");
    let lease = take(true).await.expect("taken over");
    lease.let_go().await.expect("let go");
    Lease::sweep(&client, NAME, &over)
        .await
        .expect("nothing is there");
}
