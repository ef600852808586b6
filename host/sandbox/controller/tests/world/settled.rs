//! The home cluster begins settled: the controllers find nothing to do.

use crate::cluster::Home;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_to_a_settled_cluster() {
    let start = std::time::Instant::now();
    let home = Home::start().await;
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "it began after {:?}",
        start.elapsed()
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    let writes: Vec<String> = home
        .handle()
        .requests()
        .into_iter()
        .filter(|request| request.method != "GET")
        .map(|request| format!("{} {}", request.method, request.path))
        .collect();
    assert!(
        writes.is_empty(),
        "{} writes: {:#?}",
        writes.len(),
        &writes[..writes.len().min(40)]
    );
}
