//! `agent.toml`.

use agent_core::Settings;

pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(settings) = Settings::read(text, "agent.toml") {
        assert!(settings.retention.days > 0, "{settings:?}");
    }
}
