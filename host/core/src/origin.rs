//! Where a run comes from: who started it, and on which cluster it works.

use serde::{Deserialize, Serialize};

/// Who started a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Who {
    /// The name of the user; empty when it is not known.
    pub user: String,
    /// The name of the machine.
    pub host: String,
    /// Through which door, such as `terminal`.
    pub door: String,
    /// The process.
    pub process: u32,
}

/// How the cluster of a run is found again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cluster {
    /// The kubeconfig that was named; none for the usual one.
    pub kubeconfig: Option<String>,
    /// The context in it; none for its current one.
    pub context: Option<String>,
    /// The server's URL; none when it was not known yet.
    pub server: Option<String>,
}
