//! The plugin `keda`: pause and resume KEDA, one ScaledObject or ScaledJob or all, and say which are paused.
//!
//! Before an application is scaled down by hand, KEDA must be paused, or it scales it up again in the middle of the work. This plugin
//! never writes anything but the two annotations that pause, and never scales anything itself.

mod pause;
mod report;
mod resume;
mod scaler;
mod select;
mod settle;
mod status;

agent_sdk::plugin! {
    manifest = "plugin.toml",
    operations = [pause::pause, resume::resume, status::status],
}
