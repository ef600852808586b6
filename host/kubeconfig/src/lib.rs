//! Kubeconfigs: from files to a client of one API server, as kubectl does it (client-go's `clientcmd`, `rest` and `transport`).
//!
//! `wire.rs` calls it when the first request needs a cluster. It knows nothing of the agent, and opens no file, reads no variable and starts no
//! program itself: that comes in as [`Access`]. Sockets it opens, to the server or to a proxy.
//!
//! *Invariant:* nothing of a kubeconfig but names of contexts, clusters and users, the address of the server, and the command of a credential
//! plugin is in any text that it returns; to the person, and to nobody else, it shows what a plugin says, without what is secret in it.

mod access;
mod check;
mod connect;
mod credentials;
mod der;
mod error;
mod field;
mod file;
mod identity;
mod kubeconfig;
mod plugin;
mod proxy;
mod server;
mod target;
mod transport;
mod trust;
mod url;
mod yaml;

pub use access::{Access, Ended, Program, Read, Run, Take};
pub use error::{NoCredentials, Place, Unreadable, Unusable};
pub use kubeconfig::{Kubeconfig, Sources};
pub use target::{Connection, connect_in_pod};
pub use transport::{Answer, Transport};
