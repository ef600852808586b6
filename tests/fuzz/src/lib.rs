//! Every parser of a stranger's input, each as a function over bytes that must come to an end whatever they are.
//!
//! `cargo xtask fuzz` runs them under libFuzzer (`libfuzzer/`, a workspace of its own, for it needs a nightly compiler). The bytes that are known to be
//! worth trying lie in `corpus/`, a folder for each, and `tests/corpus.rs` runs all of them on any compiler: what has crashed once is a test from then on.
//!
//! They go through the public face of their rooms, as `wire.rs` and the engine do: what is fuzzed is what is run.

mod arguments;
mod artifact;
mod grants;
mod kubeconfig;
mod plan;
mod record;
#[cfg(feature = "server")]
mod server;
mod settings;

/// A parser, by the name of its folder in the corpus.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("arguments", arguments::run),
    ("artifact", artifact::run),
    ("descriptor", artifact::descriptor),
    ("grants", grants::run),
    ("kubeconfig", kubeconfig::run),
    ("manifest", artifact::manifest),
    ("plan", plan::run),
    ("record", record::run),
    #[cfg(feature = "server")]
    ("server", server::run),
    ("settings", settings::run),
];

/// Returns a parser by its name.
pub fn target(name: &str) -> Option<fn(&[u8])> {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    found.map(|(_, run)| *run)
}
