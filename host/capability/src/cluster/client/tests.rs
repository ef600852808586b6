//! What is asked anew.

use serde_json::json;

use super::*;
use crate::cluster::failure::EXPIRED;
use crate::gate::scene::served;

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
