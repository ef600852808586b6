//! An app that writes into its volume while its pod runs. The pod itself is kwok's.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Node, lock};

/// The file in the volume: a time a line.
pub const WRITES: &str = "what-the-app-wrote";

const PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn write(node: Arc<Node>, (namespace, app): (String, String), volume: PathBuf) {
    loop {
        let runs = |pod: &Value| {
            let of = &pod["metadata"];
            of["namespace"] == namespace.as_str()
                && of["labels"]["app.kubernetes.io/name"] == app.as_str()
                && of["deletionTimestamp"].is_null()
                && pod["status"]["phase"] == "Running"
        };
        if lock(&node.pods).values().any(|pod| runs(&pod.borrow())) {
            let file = std::fs::OpenOptions::new()
                .create(true)
                .append(true)
                .open(volume.join(WRITES));
            let now = Timestamp::now();
            // The folder is gone at the end of a test only.
            let _written = file.and_then(|mut file| writeln!(file, "{now}"));
            lock(&node.writes).push(now);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
