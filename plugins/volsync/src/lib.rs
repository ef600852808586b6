//! `volsync`: back up and restore volumes through VolSync.
//!
//! Each operation is a file of its name. They stand on nine rooms: `source` reads a ReplicationSource, `restic` reads what restic and the
//! movers print, `mover` and `obstacle` see what a mover does and what keeps it from that, `sync` runs synchronisations, `job` runs restic beside the movers,
//! `app` finds the source of an app, `operator` finds VolSync itself, `call` names objects to other plugins. The pure rooms never call the host.
//!
//! This plugin never reads a Secret, never deletes a volume, and never trusts that VolSync says "Successful".

mod app;
mod call;
mod job;
mod list;
mod mover;
mod obstacle;
mod operator;
mod restic;
mod restore;
mod snapshot;
mod source;
mod status;
mod suspend;
mod sync;
mod text;
mod unlock;

agent_sdk::plugin! {
    manifest = "plugin.toml",
    operations = [
        crate::list::list,
        crate::snapshot::snapshot,
        crate::unlock::unlock,
        crate::status::status,
        crate::suspend::suspend,
        crate::suspend::resume::resume,
        crate::restore::restore,
        crate::restore::rollback::rollback,
    ],
}
