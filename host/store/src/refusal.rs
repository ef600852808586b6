//! Why an artifact is not taken as a plugin. Each refusal says what is there, what a plugin has, and what would mend it.

use agent_core::agent::Origin;
use agent_core::failure::{Failure, Hint, Kind};
use agent_core::id::InvalidName;
use semver::Version;
use thiserror::Error;

use crate::contract::Difference;

/// An artifact that is not taken.
#[derive(Debug, Error)]
#[error("`{origin}` is refused as a plugin")]
pub struct Refusal {
    /// Where it was found.
    pub origin: Origin,
    /// Why.
    #[source]
    pub problem: Problem,
}

/// What is wrong with an artifact.
#[derive(Debug, Error)]
pub enum Problem {
    /// It could not be read.
    #[error("it cannot be read")]
    Unreadable {
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is larger than any plugin may be.
    #[error("it has more than {most} bytes, the most that a plugin has")]
    TooLarge {
        /// The limit.
        most: u64,
    },
    /// What lies before it in the plugin directory is as much as is read there.
    #[error("it is not read, because the plugin directory has more than {most} bytes of plugins")]
    TooMuch {
        /// The limit.
        most: u64,
    },
    /// There are more files than are looked at.
    #[error(
        "it is not read, nor what comes after it, because the plugin directory has more than {most} plugins"
    )]
    TooMany {
        /// The limit.
        most: usize,
    },
    /// It has no bytes.
    #[error("the file is empty")]
    Empty,
    /// It does not begin as WebAssembly does.
    #[error("it is no WebAssembly: it begins with `{begins}` instead of `00 61 73 6d`")]
    NotWasm {
        /// The first bytes, in hexadecimal digits.
        begins: String,
    },
    /// It begins as WebAssembly does and goes wrong later.
    #[error("it is damaged WebAssembly")]
    Malformed {
        /// Where and why.
        #[source]
        source: wasmparser::BinaryReaderError,
    },
    /// Its type cannot be read.
    #[error("it is damaged WebAssembly: {reason}")]
    MalformedType {
        /// Why.
        reason: String,
    },
    /// A core module.
    #[error("it is a core WebAssembly module, and a plugin is a component")]
    CoreModule,
    /// Native code.
    #[error("it is precompiled native code, which would run outside the sandbox")]
    Precompiled,
    /// A component that is something else than a plugin.
    #[error(
        "it is a component of another world: it exports {}, and a plugin exports `ops:plugin/provider`",
        list(exports)
    )]
    OtherWorld {
        /// What it exports.
        exports: Vec<String>,
    },
    /// It wants a power that no plugin has.
    #[error("it imports `{import}`, which plugins do not have")]
    NoSuchPower {
        /// The interface.
        import: String,
    },
    /// It was built against another contract.
    #[error(
        "it was built for another contract than the one of this agent: {}",
        sentences(differences)
    )]
    Contract {
        /// Each point in which they differ.
        differences: Vec<Difference>,
    },
    /// A document is missing.
    #[error("it has no custom section `{name}`")]
    NoSection {
        /// The section.
        name: &'static str,
    },
    /// A document is there more than once.
    #[error("it has {count} custom sections `{name}`, and a plugin has one")]
    SectionTwice {
        /// The section.
        name: &'static str,
        /// How many.
        count: usize,
    },
    /// A document cannot be read.
    #[error("its custom section `{name}` cannot be read")]
    Section {
        /// The section.
        name: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A manifest of a format that came later.
    #[error("its manifest has format {format}, and this agent reads format 1")]
    ManifestFormat {
        /// The format's number.
        format: u64,
    },
    /// An operation with a name that nobody could type.
    #[error("its descriptor has an operation with an invalid name")]
    OperationName {
        /// Which.
        #[source]
        source: InvalidName,
    },
    /// Two operations with one name.
    #[error("its descriptor has the operation `{name}` more than once")]
    OperationTwice {
        /// The name after the dot.
        name: String,
    },
    /// A secret parameter that could not be kept secret.
    #[error("its operation `{operation}` has the secret parameter `{parameter}`, {why}")]
    SecretParameter {
        /// The operation, by the name after the dot.
        operation: String,
        /// The parameter.
        parameter: String,
        /// What it has that gives it away.
        why: &'static str,
    },
    /// It works with later agents only.
    #[error("it works with agent {wanted} and later, and this is agent {agent}")]
    NeedsNewerAgent {
        /// The oldest agent that it works with.
        wanted: Version,
        /// This agent.
        agent: Version,
    },
    /// Its id belongs to another one.
    #[error("its id `{id}` is that of the plugin from `{owner}`")]
    IdTaken {
        /// The id.
        id: String,
        /// Who has it.
        owner: Origin,
    },
}

impl Problem {
    /// Returns what scripts match.
    pub fn code(&self) -> &'static str {
        match self {
            Problem::Unreadable { .. } => "plugin.unreadable",
            Problem::TooLarge { .. } => "plugin.too-large",
            Problem::TooMuch { .. } | Problem::TooMany { .. } => "plugin.too-many",
            Problem::Empty => "plugin.empty",
            Problem::NotWasm { .. } => "plugin.not-wasm",
            Problem::Malformed { .. } | Problem::MalformedType { .. } => "plugin.malformed",
            Problem::CoreModule => "plugin.core-module",
            Problem::Precompiled => "plugin.precompiled",
            Problem::OtherWorld { .. } => "plugin.other-world",
            Problem::NoSuchPower { .. } => "plugin.no-such-power",
            Problem::Contract { .. } => "plugin.contract",
            Problem::NoSection { .. } => "plugin.no-section",
            Problem::SectionTwice { .. } => "plugin.section-twice",
            Problem::Section { .. } => "plugin.invalid-section",
            Problem::ManifestFormat { .. } => "plugin.manifest-format",
            Problem::OperationName { .. }
            | Problem::OperationTwice { .. }
            | Problem::SecretParameter { .. } => "plugin.invalid-descriptor",
            Problem::NeedsNewerAgent { .. } => "plugin.needs-newer-agent",
            Problem::IdTaken { .. } => "plugin.id-taken",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Problem::Unreadable { .. } => Kind::Unavailable,
            Problem::IdTaken { .. } => Kind::Conflict,
            Problem::NeedsNewerAgent { .. }
            | Problem::ManifestFormat { .. }
            | Problem::NoSuchPower { .. }
            | Problem::Contract { .. } => Kind::Unsupported,
            _ => Kind::Invalid,
        }
    }
}

impl Refusal {
    /// Turns it into a failure, with the problem and its sources as causes.
    pub fn to_failure(&self) -> Failure {
        let failure = Failure::of(self.problem.kind(), self.problem.code(), self);
        match self.hint() {
            Some(hint) => failure.hinted(hint),
            None => failure,
        }
    }
}

impl Hint for Refusal {
    fn hint(&self) -> Option<String> {
        const BUILD: &str = "cargo build --release --target wasm32-wasip2";
        let hint = match &self.problem {
            Problem::Unreadable { source } => return agent_file::remedy(source),
            Problem::TooMuch { .. } | Problem::TooMany { .. } => {
                "move what you do not need out of the plugin directory".to_owned()
            }
            Problem::TooLarge { .. } => format!("strip what is not needed: {BUILD}"),
            Problem::Empty | Problem::Malformed { .. } | Problem::MalformedType { .. } => {
                format!("build or copy it again: {BUILD}")
            }
            Problem::NotWasm { .. } => format!("give the component itself: {BUILD}"),
            Problem::CoreModule => format!("build it for the component model: {BUILD}"),
            Problem::Precompiled => {
                "give the component that it was compiled from; the agent compiles it itself"
                    .to_owned()
            }
            Problem::OtherWorld { .. } => {
                "build it with agent-sdk, whose `plugin!` exports `ops:plugin/provider`".to_owned()
            }
            Problem::NoSuchPower { import } => powerless(import),
            Problem::Contract { differences } => {
                differences.iter().find_map(Hint::hint).unwrap_or_else(|| {
                    "build the plugin again with the agent-sdk of this agent".to_owned()
                })
            }
            Problem::NoSection { .. } | Problem::SectionTwice { .. } => {
                "declare the plugin once, with agent-sdk's `plugin!`".to_owned()
            }
            Problem::Section { .. }
            | Problem::OperationName { .. }
            | Problem::OperationTwice { .. }
            | Problem::SecretParameter { .. } => {
                "mend plugin.toml or the operations, and build the plugin again".to_owned()
            }
            Problem::ManifestFormat { .. } => "use a newer agent".to_owned(),
            Problem::NeedsNewerAgent { wanted, .. } => format!("use agent {wanted} or later"),
            Problem::IdTaken { .. } => format!(
                "to run it in place of the other one: agent run --plugin {} …",
                self.origin
            ),
        };
        Some(hint)
    }
}

fn powerless(import: &str) -> String {
    let instead = if import.starts_with("wasi:sockets") || import.starts_with("wasi:http") {
        "plugins have no network: use `ops:cluster/cluster`"
    } else {
        "plugins have `ops:run`, `ops:cluster` and `ops:operations`, and of WASI 0.2 only what the standard library needs"
    };
    format!("{instead}; or use a newer agent if it was made for one")
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let quoted = names.iter().map(|name| format!("`{name}`"));
    quoted.collect::<Vec<_>>().join(", ")
}

fn sentences(differences: &[Difference]) -> String {
    let all = differences.iter().map(ToString::to_string);
    all.collect::<Vec<_>>().join("; ")
}
