//! The one integration binary: the real `agent` process against the simulated cluster and against a real control plane.
//!
//! A scenario is a function over a [`World`](integration::world::World); both worlds have the same face, so each scenario is
//! written once and runs in both. Nothing in here looks into the agent: it is a process with arguments, output and an exit code.
//! No test sleeps: every wait is for a condition of the cluster or of a process, and has an end.
#![expect(
    clippy::disallowed_methods,
    reason = "a test harness: it starts the agent and keeps files in folders of its own"
)]

#[cfg(test)]
mod integration {
    mod agent;
    mod app;
    mod bytes;
    mod completion;
    mod consent;
    mod contract;
    mod cost;
    mod damage;
    mod fault;
    mod file;
    mod flux;
    mod frozen;
    mod full;
    mod home;
    mod keda;
    mod kill;
    mod kind;
    mod kubeconfig;
    mod output;
    mod plan;
    mod plugin;
    mod refused;
    mod restore;
    mod runs;
    mod scenario;
    mod state;
    mod stranger;
    mod volsync;
    mod whole_volsync;
    mod world;
}
