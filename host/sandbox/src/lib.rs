//! A simulated Kubernetes cluster in one process.
//!
//! [`ApiServer`] is an API server that real clients talk to, over HTTPS on the loopback address: `kube`, `kubectl`, `curl`. It
//! keeps everything in memory and opens no file. [`Cluster`] is the home cluster in it, with its controllers. Requests come in at `server`, pass `auth`, are routed to a `verb`, and the
//! answer leaves through `respond`. Tests reach past the API through [`Handle`].
//!
//! The judge of every behaviour is the real server (`tests/testbed`): where they differ, this one is wrong.

mod api_server;
mod auth;
mod cluster;
mod discovery;
mod fields;
mod handle;
mod janitor;
mod kubeconfig;
mod load;
mod object;
mod openapi;
mod patch;
mod pod_log;
mod policy;
mod request;
mod resource;
mod respond;
mod route;
mod schema;
mod select;
mod server;
mod status;
mod store;
mod table;
mod tls;
mod verb;
mod world;

pub use agent_sandbox_controller as controller;
pub use api_server::{ApiServer, Config, StartError};
pub use auth::Login;
pub use cluster::{Cluster, ClusterOptions};
pub use handle::{Failure, Handle, Match, Seen};
pub use load::LoadError;
pub use tls::TlsError;
