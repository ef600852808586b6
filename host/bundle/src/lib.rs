//! The plugins that are part of the agent, as WebAssembly components in its binary.
//!
//! They are built from `plugins/` by the build script. `wire.rs` hands them to the store, which treats them as any other artifact but
//! grants them what they request. This crate never looks into them, and knows nothing of what runs them.

/// A plugin that is part of the agent.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    /// Its id, which is also the name of its folder.
    pub name: &'static str,
    /// The component.
    pub wasm: &'static [u8],
}

static PLUGINS: &[Bundled] = include!(concat!(env!("OUT_DIR"), "/plugins.rs"));

/// Returns the plugins that are part of the agent, in the order of their names.
pub fn plugins() -> &'static [Bundled] {
    PLUGINS
}

#[cfg(test)]
mod tests;
