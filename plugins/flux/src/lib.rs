//! The plugin `flux`: suspend, resume, reconcile, sync and status of what Flux keeps.
//!
//! The semantics are those of Flux's controllers (2.7 to 2.9), not of its command line: a wait ends as soon as the controller has said
//! that it failed, and a name that does not exist is an error. Forms for many objects write everything first, then wait for everything,
//! and end with a row per object.
//!
//! This plugin never writes anything but `spec.suspend` and the annotations that ask for a reconciliation.

mod controller;
mod dependency;
mod event;
mod git;
mod health;
mod judge;
mod kind;
mod readiness;
mod reconcile;
mod report;
mod request;
mod resume;
mod select;
mod status;
mod suspend;
mod sync;

agent_sdk::plugin! {
    manifest = "plugin.toml",
    operations = [
        suspend::suspend,
        resume::resume,
        reconcile::reconcile,
        sync::sync,
        status::status,
    ],
}

#[cfg(test)]
mod tests {
    use super::provider;

    #[test]
    fn operations_are_those_of_the_grammar() {
        for name in ["suspend", "resume", "reconcile", "sync", "status"] {
            let declared = format!(r#""name":"{name}""#);
            assert!(provider::DESCRIPTOR.contains(&declared), "{name}");
        }
    }
}
