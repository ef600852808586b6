//! What is asked anew, and servers that are not what they should be.

use std::time::Duration;

use agent_core::id::CallId;
use agent_core::manifest::ClusterVerb;
use agent_gate::{Gate, Pass};
use futures::StreamExt as _;
use serde_json::json;

mod hostile;

use super::*;
use crate::cluster::Cluster;
use crate::cluster::failure::EXPIRED;
use crate::scene::{Nothing, gate, nobody, served};

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

fn pods() -> Query {
    Query {
        of: "pods.v1".parse().expect("a type"),
        namespace: Some("media".to_owned()),
        labels: String::new(),
        fields: String::new(),
        names: Vec::new(),
    }
}

fn pass(gate: &Gate) -> Pass {
    gate.again(&CallId::root())
}

/// Watches pods until something goes wrong, and returns what.
async fn fault_of_watch(client: &ClusterClient) -> Fault {
    let gate = gate(nobody(), Box::new(Nothing), None);
    let heard = Heard::default();
    let watching = client.watch(&pass(&gate), &pods(), 0, &heard).await;
    let mut seen = watching.expect("a watch");
    loop {
        let (_, next) = seen.next().await.expect("it goes on");
        if let Err(error) = next {
            return Strange::in_error(&error).unwrap_or_else(|| panic!("{error:?}"));
        }
    }
}

/// Each of these was an empty list, an object without fields, or a lock that nobody has.
#[tokio::test]
async fn document_that_is_nothing_is_no_answer() {
    for nothing in [
        json!({}),
        json!({"kind": "Status", "status": "Success"}),
        json!({"error": "login required"}),
        json!({"items": []}),
        json!({"metadata": {"name": "another"}}),
    ] {
        let answer = nothing.clone();
        let (client, _) = served(move |_| Some((200, answer.clone())));
        let gate = gate(nobody(), Box::new(Nothing), None);
        let plex: ObjectRef = ObjectRef {
            of: "deployments.v1.apps".parse().expect("a type"),
            namespace: Some("media".to_owned()),
            name: "plex".to_owned(),
        };
        let failures = [
            client.names(&pods().of, None).await.err(),
            client.get(&pass(&gate), &plex, Wanted::Whole).await.err(),
            client
                .get(&pass(&gate), &plex, Wanted::Metadata)
                .await
                .err(),
            client.lease(&plex, RetryPolicy::Call).await.err(),
        ];
        for failure in failures {
            let failure = failure.unwrap_or_else(|| panic!("{nothing} was taken for an answer"));
            assert_eq!(failure.code, "cluster.no-kubernetes", "{nothing}");
        }
        assert!(
            matches!(fault_of_watch(&client).await, Fault::Nonsense { .. }),
            "{nothing}"
        );
    }
}

#[tokio::test]
async fn list_that_leads_in_a_circle_is_given_up() {
    let (client, asked) = served(|request| {
        let second = request.contains("continue=1");
        Some(page(&[], if second { "2" } else { "1" }))
    });
    let failure = client.names(&pods().of, None).await.expect_err("no list");
    assert_eq!(failure.code, "cluster.no-kubernetes");
    assert_eq!(lock(&asked).len(), 3);
    assert!(matches!(
        fault_of_watch(&client).await,
        Fault::Nonsense { .. }
    ));
    assert_eq!(lock(&asked).len(), 6);
}

#[tokio::test]
async fn list_that_never_ends_is_given_up() {
    let count = std::sync::atomic::AtomicUsize::new(0);
    let (client, asked) = served(move |_| {
        let next = count.fetch_add(1, Ordering::Relaxed).to_string();
        Some(page(&[], &next))
    });
    let failure = client.names(&pods().of, None).await.expect_err("no list");
    assert_eq!(failure.code, "cluster.no-kubernetes");
    assert_eq!(lock(&asked).len(), 1001);
    assert!(matches!(
        fault_of_watch(&client).await,
        Fault::Nonsense { .. }
    ));
    assert_eq!(lock(&asked).len(), 2002);
}

/// Expires whenever its second page is asked for, and has one also where all was asked for at once.
#[tokio::test]
async fn list_that_expires_again_and_again_is_given_up() {
    let (client, asked) = served(|request| {
        Some(if request.contains("continue=") {
            expired()
        } else {
            page(&["a"], "2")
        })
    });
    let failure = client.names(&pods().of, None).await.expect_err("no list");
    assert_eq!(failure.code, "cluster.no-kubernetes");
    assert!(lock(&asked).len() < 10, "{}", lock(&asked).len());
}

fn not_served() -> (u16, Value) {
    (
        404,
        json!({"kind": "Status", "code": 404, "reason": "NotFound", "message": "the server could not find the requested resource"}),
    )
}

/// Such a server was asked for ever, past every retry policy, and whoever wanted to stop the run waited for it.
#[tokio::test]
async fn server_that_names_another_version_each_time_is_asked_once_more() {
    let count = std::sync::atomic::AtomicUsize::new(1);
    let (client, asked) = served(move |request| {
        let number = count.fetch_add(1, Ordering::Relaxed);
        if !request.ends_with("/apis/apps") {
            return Some(match number > 100 {
                true => (403, json!({"kind": "Status", "code": 403})),
                false => not_served(),
            });
        }
        let version = format!("v{number}");
        Some((200, json!({"preferredVersion": {"version": version}})))
    });
    let deployments = "deployments.v1.apps".parse().expect("a type");
    for _ in 0..2 {
        let failure = client.names(&deployments, None).await.expect_err("no list");
        assert_eq!(failure.code, "cluster.no-such-resource");
    }
    assert_eq!(
        *lock(&asked),
        [
            "GET /apis/apps/v1/deployments?limit=500",
            "GET /apis/apps",
            "GET /apis/apps/v2/deployments?limit=500",
            "GET /apis/apps/v2/deployments?limit=500",
            "GET /apis/apps",
            "GET /apis/apps/v5/deployments?limit=500",
        ]
    );
}

#[tokio::test]
async fn what_a_server_calls_a_version_and_is_none_goes_nowhere() {
    let long = format!("v1{}", "a".repeat(1 << 16));
    for version in ["v1/../../x", "v1?x=", "v1.evil", "", "latest", &long] {
        let named = version.to_owned();
        let (client, asked) = served(move |request| {
            Some(match request.ends_with("/apis/apps") {
                true => (200, json!({"preferredVersion": {"version": named}})),
                false => not_served(),
            })
        });
        let deployments = "deployments.v1.apps".parse().expect("a type");
        let failure = client.names(&deployments, None).await.expect_err("no list");
        assert_eq!(failure.code, "cluster.no-such-resource");
        assert_eq!(lock(&asked).len(), 2, "{version}");
        assert!(lock(&client.inner.served).is_empty(), "{version}");
    }
}

#[tokio::test]
async fn what_a_server_says_of_types_is_kept_of_a_number_of_them() {
    let of = |name: &str, kind: &str| json!({"name": name, "kind": kind});
    let names = (0..=TYPES).map(|number| of(&format!("a{number}"), "A"));
    let mut resources: Vec<Value> = names.collect();
    resources.push(of("long", &"L".repeat(1 << 16)));
    let (client, _) = served(move |request| {
        Some(match request.ends_with("/apis/apps") {
            true => (200, json!({"preferredVersion": {"version": "v2"}})),
            false => (200, json!({ "resources": resources })),
        })
    });
    let long = "long.v1.apps".parse().expect("a type");
    assert_eq!(client.kind(&long).await, None);
    for number in 0..=TYPES {
        let of = format!("a{number}.v1.apps").parse().expect("a type");
        assert!(client.rediscovered(&of, &of).await.is_some());
        assert_eq!(client.kind(&of).await.as_deref(), Some("A"));
    }
    assert_eq!(lock(&client.inner.served).len(), TYPES);
    assert_eq!(lock(&client.inner.known).len(), TYPES);
}

/// Watches for a while and returns how often a server was asked that has one answer for a watch and one for a list.
async fn asked_in(seconds: u64, watch: (u16, Value)) -> usize {
    let (client, asked) = served(move |request| {
        let list = json!({"kind": "PodList", "metadata": {"resourceVersion": "7"}, "items": []});
        Some(if request.contains("watch=true") {
            watch.clone()
        } else {
            (200, list)
        })
    });
    let gate = gate(nobody(), Box::new(Nothing), None);
    let heard = Heard::default();
    let watching = client.watch(&pass(&gate), &pods(), 0, &heard).await;
    let mut seen = watching.expect("a watch");
    let all = async { while seen.next().await.is_some() {} };
    let over = tokio::time::timeout(Duration::from_secs(seconds), all).await;
    assert!(over.is_err(), "a watch goes on");
    lock(&asked).len()
}

/// 6 000 requests a second were sent to a server that ends each watch at once, and ten lists a second to one that calls each out of date.
#[tokio::test(start_paused = true)]
async fn server_that_ends_each_watch_at_once_is_asked_ever_more_seldom() {
    let bookmark = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}});
    let gone = json!({"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}});
    for watch in [
        (200, bookmark),
        (200, gone),
        (
            410,
            json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}),
        ),
    ] {
        let asked = asked_in(60, watch.clone()).await;
        assert!(
            (4..=24).contains(&asked),
            "{asked} requests in a minute: {watch:?}"
        );
    }
}

#[tokio::test]
async fn token_that_a_server_repeats_reaches_neither_guest_nor_person() {
    let secrets = Arc::new(ConnectionSecrets::default());
    let known = Arc::clone(&secrets);
    let connect: Connect = Box::new(move || {
        known.add("t0ken-of-the-person");
        let service = tower::service_fn(|_request| async {
            let message = "User \"t0ken-of-the-person\" cannot list; Authorization: Bearer t0ken-of-the-person";
            let status =
                json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": message});
            let body = kube::client::Body::from(status.to_string().into_bytes());
            let response = http::Response::builder().status(403).body(body);
            Ok::<_, std::convert::Infallible>(response.expect("a response"))
        });
        let connected = Connected {
            client: kube::Client::new(service, "default"),
            server: "https://k".to_owned(),
            context: None,
        };
        Box::pin(async { Ok(connected) })
    });
    let client = ClusterClient::knowing(connect, 1 << 20, secrets);
    let gate = gate(client, Box::new(Nothing), None);
    let cluster = gate.capability::<Cluster>().expect("the cluster");
    let failure = cluster
        .client
        .names(&pods().of, None)
        .await
        .expect_err("no list");
    let said = format!("{failure:?}");
    assert!(
        said.contains("***") && !said.contains("t0ken-of-the-person"),
        "{said}"
    );
    let masked = gate.secrets().text("it is t0ken-of-the-person".to_owned());
    assert_eq!(masked, "it is ***", "the run masks it from then on");
}

#[test]
fn names_of_a_query_are_what_is_looked_for() {
    let query = Query {
        of: pods().of,
        namespace: None,
        labels: String::new(),
        fields: "metadata.name=other".to_owned(),
        names: vec!["emby".to_owned(), "plex".to_owned()],
    };
    assert_eq!(query.look(ClusterVerb::Watch).names, ["emby", "plex"]);
}

/// With a right to one name, nothing else may be found.
#[test]
fn selector_of_one_name_is_known_and_nothing_else() {
    let only = |fields: &str| {
        let query = Query {
            of: pods().of,
            namespace: None,
            labels: String::new(),
            fields: fields.to_owned(),
            names: Vec::new(),
        };
        query.look(ClusterVerb::List).names
    };
    for one in [
        "metadata.name=plex",
        "metadata.name==plex",
        "metadata.name=plex,status.phase=Running",
        "status.phase!=Running,metadata.name=plex",
    ] {
        assert_eq!(only(one), ["plex"], "{one}");
    }
    for other in [
        "",
        "metadata.name!=plex",
        "metadata.name=",
        "metadata.namespace=plex",
        "spec.metadata.name=plex",
        "status.phase=x\\,metadata.name=plex",
        "metadata.name=plex\\,emby",
        "metadata.name=!plex",
        "metadata.name=*",
        "metadata.name in (plex)",
        " metadata.name=plex",
    ] {
        assert!(only(other).is_empty(), "{other}");
    }
}
