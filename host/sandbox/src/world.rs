//! Everything that the server knows, shared by every connection.

use crate::auth::Login;
use crate::handle::Faults;
use crate::pod_log::PodLogs;
use crate::resource::Registry;
use crate::store::Store;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) logins: Vec<Login>,
    pub(crate) faults: Faults,
    pub(crate) logs: PodLogs,
}
