//! Locks that other machines see: two runs of two machines never have one at the same time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agent_capability::{ClusterClient, Connected, Lease};
use agent_core::failure::{Failure, Kind};
use agent_core::id::RunId;
use agent_core::origin::Who;
use agent_sandbox::{ApiServer, Config};
use futures::FutureExt as _;
use k8s_openapi::api::coordination::v1::Lease as Object;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use tokio::time;

use crate::guests;
use crate::world::{LIMITS, World, finish};

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

async fn leases(client: &kube::Client) -> (Api<Object>, String) {
    let leases: Api<Object> = Api::namespaced(client.clone(), "kube-system");
    let all = leases.list(&kube::api::ListParams::default()).await;
    let items = all.expect("lists").items.into_iter();
    let mut names = items.filter_map(|lease| lease.metadata.name);
    let ours = names.find(|name| name.starts_with("agent-"));
    (leases, ours.expect("one that was taken"))
}

async fn holder(leases: &Api<Object>, name: &str) -> Option<String> {
    let lease = leases.get_opt(name).await.expect("reads")?;
    lease.spec?.holder_identity
}

/// Gives the Lease to another run, as somebody does who removes it and runs something there.
async fn give_away(leases: &Api<Object>, name: &str) {
    let other = serde_json::json!({ "spec": { "holderIdentity": "zzzzzzzz" } });
    let (by, other) = (PatchParams::default(), Patch::Merge(&other));
    let patched = leases.patch(name, &by, &other);
    patched.await.expect("patches");
}

/// What a machine sees that was asleep for so long.
async fn after(slept: Duration) {
    time::pause();
    time::advance(slept).await;
    time::resume();
}

/// Returns why a Lease is lost, if it is within some seconds.
async fn lost(lease: &mut Lease) -> Option<Failure> {
    time::timeout(Duration::from_secs(5), lease.lost())
        .await
        .ok()
}

guests! {
    "hold-locked": async fn run_whose_lock_somebody_else_has_is_stopped_and_taken_back() {
        let world = World::with_cluster(LIMITS).await;
        let mut run = world.start("guests.hold-locked").await;
        crate::stop::until_line(&mut run, "holding").await;
        assert_eq!(world.mode(), "held");
        let (leases, name) = leases(&world.client().await).await;
        give_away(&leases, &name).await;
        after(Duration::from_secs(11)).await;
        let ended = finish(run).await;
        assert_eq!((ended.failure().kind, ended.failure().code.as_str()), (Kind::Conflict, "run.lock-lost"));
        assert!(ended.failure().message.contains("run `zzzzzzzz`"), "{:?}", ended.failure());
        assert_eq!(world.mode(), "before");
        assert_eq!(holder(&leases, &name).await.as_deref(), Some("zzzzzzzz"), "theirs stays");
    }
}

#[tokio::test]
async fn lease_that_is_removed_is_made_again_in_its_own_time_and_lost_after_it() {
    let server = ApiServer::start(Config::any_port()).await.expect("starts");
    let client = client(&server).await;
    let lease = Lease::take(&client, NAME, &run(1), &Who::default(), &|_| false).await;
    let mut lease = lease.expect("taken");
    let (leases, name) = leases(&server.client().await.expect("a client")).await;
    let remove = async || {
        let removed = leases.delete(&name, &DeleteParams::default()).await;
        drop(removed.expect("removes"));
    };
    remove().await;
    after(Duration::from_secs(11)).await;
    assert_eq!(lost(&mut lease).await, None);
    assert_eq!(
        holder(&leases, &name).await.as_deref(),
        Some(run(1).as_str())
    );
    remove().await;
    after(Duration::from_secs(31)).await;
    assert_eq!(lost(&mut lease).await.expect("lost").code, "run.lock-lost");
    lease.let_go().await.expect("nothing is there");
}
