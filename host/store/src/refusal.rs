//! Why an artifact is not taken as a plugin. Each refusal says what is there, what a plugin has, and what would mend it.

use agent_core::agent::Origin;
use agent_core::document;
use agent_core::failure::{Failure, Hint, Kind};
use agent_core::hint;
use agent_core::hint::{Path, Piece, Remedy};
use agent_core::name::shown;
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
    #[error("it imports `{}`, which plugins do not have", shown(import))]
    NoSuchPower {
        /// The interface.
        import: String,
    },
    /// It requests rights of a capability that is not known here.
    #[error(
        "it requests rights of the capability `{}`, which this agent does not have",
        shown(capability)
    )]
    NoSuchCapability {
        /// The capability.
        capability: String,
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
        /// Where and why.
        #[source]
        source: Unparsed,
    },
    /// A document of a format that came later.
    #[error("its custom section `{name}` has format {format}, and this agent reads format 1")]
    LaterFormat {
        /// The section.
        name: &'static str,
        /// The format's number.
        format: u64,
    },
    /// A document that is longer than any may be.
    #[error("its custom section `{name}` has {bytes} bytes, and may have {most}")]
    SectionTooLong {
        /// The section.
        name: &'static str,
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// A document that can be read and not be taken.
    #[error("its custom section `{name}` cannot be taken")]
    Document {
        /// The section.
        name: &'static str,
        /// Why.
        #[source]
        source: Box<document::Unfit>,
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

/// Why a document cannot be read: what serde says of it, which repeats what is there, at a bearable length.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Unparsed(String);

impl Unparsed {
    /// How long the words of serde may be, in characters.
    const MOST: usize = 400;

    pub(crate) fn of(error: &serde_json::Error) -> Unparsed {
        let said = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        let what = said.strip_suffix(&place).unwrap_or(&said);
        let cleaned = agent_core::text::plain(what).replace(['\n', '\t'], " ");
        let mut letters = cleaned.chars();
        let mut text: String = letters.by_ref().take(Self::MOST).collect();
        if letters.next().is_some() {
            text.push('…');
        }
        Unparsed(text + &place)
    }
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
            Problem::NoSuchPower { .. } | Problem::NoSuchCapability { .. } => {
                "plugin.no-such-power"
            }
            Problem::Contract { .. } => "plugin.contract",
            Problem::NoSection { .. } => "plugin.no-section",
            Problem::SectionTwice { .. } => "plugin.section-twice",
            Problem::Section { .. } => "plugin.invalid-section",
            Problem::LaterFormat { .. } => "plugin.later-format",
            Problem::SectionTooLong { .. } => "plugin.too-large",
            Problem::Document { .. } => "plugin.invalid-section",
            Problem::SecretParameter { .. } => "plugin.invalid-descriptor",
            Problem::NeedsNewerAgent { .. } => "plugin.needs-newer-agent",
            Problem::IdTaken { .. } => "plugin.id-taken",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Problem::Unreadable { .. } => Kind::Unavailable,
            Problem::IdTaken { .. } => Kind::Conflict,
            Problem::NeedsNewerAgent { .. }
            | Problem::LaterFormat { .. }
            | Problem::NoSuchPower { .. }
            | Problem::NoSuchCapability { .. }
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
    fn hint(&self) -> Option<Remedy> {
        const BUILD: &str = "cargo build --release --target wasm32-wasip2";
        let build = || Piece(Some(BUILD.into()));
        let origin = self.origin.to_string();
        let hint = match &self.problem {
            Problem::Unreadable { source } => return agent_file::remedy(source),
            Problem::TooMuch { .. } | Problem::TooMany { .. } => {
                "move what you do not need out of the plugin directory".into()
            }
            Problem::TooLarge { .. } => hint!("strip what is not needed: {}", build()),
            Problem::Empty | Problem::Malformed { .. } | Problem::MalformedType { .. } => {
                hint!("build or copy it again: {}", build())
            }
            Problem::NotWasm { .. } => hint!("give the component itself: {}", build()),
            Problem::CoreModule => hint!("build it for the component model: {}", build()),
            Problem::Precompiled => {
                "give the component that it was compiled from; the agent compiles it itself".into()
            }
            Problem::OtherWorld { .. } => {
                "build it with agent-sdk, whose `plugin!` exports `ops:plugin/provider`".into()
            }
            Problem::NoSuchPower { import } => powerless(import).into(),
            Problem::NoSuchCapability { .. } => {
                "use a newer agent, or mend the word in the plugin.toml of the plugin".into()
            }
            Problem::Contract { differences } => {
                differences.iter().find_map(Hint::hint).unwrap_or_else(|| {
                    "build the plugin again with the contract of this agent: its folder `wit`, or its agent-sdk".into()
                })
            }
            Problem::NoSection { .. } | Problem::SectionTwice { .. } => {
                "declare the plugin once, by `plugin!` of agent-sdk".into()
            }
            Problem::Section { .. }
            | Problem::SectionTooLong { .. }
            | Problem::Document { .. }
            | Problem::SecretParameter { .. } => {
                "mend plugin.toml or the operations, and build the plugin again".into()
            }
            Problem::LaterFormat { .. } => "use a newer agent".into(),
            Problem::NeedsNewerAgent { wanted, .. } => hint!("use agent {} or later", wanted),
            Problem::IdTaken { .. } => hint!(
                "to run it in place of the other one: agent run --plugin {} …",
                Path(&origin)
            ),
        };
        Some(hint)
    }
}

fn powerless(import: &str) -> &'static str {
    if import.starts_with("wasi:http") {
        "plugins have no network: use `ops:cluster/cluster`; or use a newer agent if it was made for one"
    } else {
        "plugins have `ops:run`, `ops:cluster` and `ops:operations`, and of WASI 0.2 only what the standard library needs; or use a newer agent if it was made for one"
    }
}

/// How many of what is wrong are named: whoever mends these sees the others next.
const NAMED: usize = 3;

fn first<T>(all: &[T], between: &str, text: impl Fn(&T) -> String) -> String {
    let named: Vec<String> = all.iter().take(NAMED).map(text).collect();
    let named = named.join(between);
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    first(names, ", ", |name| format!("`{}`", shown(name)))
}

fn sentences(differences: &[Difference]) -> String {
    first(differences, "; ", ToString::to_string)
}
