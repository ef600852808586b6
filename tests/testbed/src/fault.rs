//! A proxy in front of any API server that counts requests and lets chosen ones fail.
//!
//! Clients reach it over TLS with the kubeconfig it hands out; what they send, the token included, goes on to the server behind
//! it unchanged, and watches and logs stream through. It speaks HTTP/1.1, one request at a time on a connection, and does not
//! pass upgrades (exec). All its connections can be frozen, as when they died without a word. It runs on a thread of its own, so a test may block while it waits for a process.
//!
//! ```no_run
//! # fn example(kubeconfig: &str) -> anyhow::Result<()> {
//! use agent_testbed::fault::{Fault, Kind, Proxy};
//! let proxy = Proxy::start(kubeconfig)?;
//! proxy.plan(Fault::at(3, Kind::DropAfter));
//! std::fs::write("kubeconfig", proxy.kubeconfig())?;
//! assert_eq!(proxy.log().len(), 0);
//! # Ok(())
//! # }
//! ```

mod plan;
mod proxy;
mod relay;
mod tls;

pub use plan::{Fault, Kind, Request};
pub use proxy::Proxy;
