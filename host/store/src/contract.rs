//! Whether a component fits the contract in `wit/`, and in which points it does not. The linker would only say that something has the wrong
//! type, one to three levels away from what really differs.
//!
//! The rules are those of the component model: a component may use less than the host has, and may offer more than the host calls. Types
//! must be the same. Versions of one track (`0.1.*`) are compared by what is used; those of different tracks never fit.

use agent_core::failure::Hint;
use agent_core::hint::Remedy;
use agent_core::name::shown;
use semver::Version;
use thiserror::Error;
use wit_parser::decoding::DecodedWasm;
use wit_parser::{InterfaceId, Resolve, WorldItem, WorldKey};

use crate::refusal::Problem;

mod text;

/// The interface that makes a component a plugin.
const PROVIDER: &str = "ops:plugin/provider";

/// What of WASI 0.2 the standard libraries of guest languages need. Files can be named but none is ever handed over, and no socket is ever opened.
const WASI: &[&str] = &[
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
    "wasi:sockets/udp",
    "wasi:sockets/udp-create-socket",
];

/// The packages of the contract, each after those that it uses.
pub(crate) const PACKAGES: &[(&str, &str)] = &[
    (
        "types.wit",
        include_str!("../../../wit/deps/types/types.wit"),
    ),
    ("run.wit", include_str!("../../../wit/deps/run/run.wit")),
    (
        "cluster.wit",
        include_str!("../../../wit/deps/cluster/cluster.wit"),
    ),
    (
        "operations.wit",
        include_str!("../../../wit/deps/operations/operations.wit"),
    ),
    ("world.wit", include_str!("../../../wit/world.wit")),
];

/// One point in which a component and the contract differ.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Difference {
    /// An interface in a version that does not fit any of ours.
    #[error("it {uses} `{interface}@{theirs}`, and this agent has {ours}", uses = way.verb())]
    Version {
        /// Whether it is imported or exported.
        way: Way,
        /// Package and interface.
        interface: String,
        /// The plugin's version.
        theirs: String,
        /// Ours.
        ours: String,
    },
    /// An interface that no version of the contract known here has.
    #[error("it imports `{interface}`, which this agent does not have")]
    Interface {
        /// Package, interface and version.
        interface: String,
    },
    /// A function that the other side does not have.
    #[error("{}", missing(way, interface, function, theirs, ours))]
    Function {
        /// Whether the plugin calls it or lacks it.
        way: Way,
        /// Package and interface.
        interface: String,
        /// The function.
        function: String,
        /// The plugin's version of the interface.
        theirs: String,
        /// Ours.
        ours: String,
    },
    /// A function or a type that both have, in different shapes.
    #[error("`{interface}` has `{name}` as `{has}` in this agent, and the plugin has `{needs}`")]
    Shape {
        /// Package and interface.
        interface: String,
        /// The function or type.
        name: String,
        /// The plugin's shape.
        needs: String,
        /// Ours.
        has: String,
        /// Whether the plugin's version is the later one.
        newer: bool,
    },
}

/// In which direction a component and the host meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The component calls the host.
    Import,
    /// The host calls the component.
    Export,
}

impl Way {
    fn verb(self) -> &'static str {
        match self {
            Way::Import => "imports",
            Way::Export => "exports",
        }
    }
}

impl Hint for Difference {
    fn hint(&self) -> Option<Remedy> {
        let newer = match self {
            Difference::Interface { .. } => true,
            Difference::Version { theirs, ours, .. }
            | Difference::Function { theirs, ours, .. } => is_later(theirs, ours),
            Difference::Shape { newer, .. } => *newer,
        };
        Some(if newer {
            "use a newer agent, or a version of the plugin that was made for this one".into()
        } else {
            "build the plugin again with the contract of this agent: its folder `wit`, or its agent-sdk".into()
        })
    }
}

/// Returns whether the contract has a capability of that name, to which there are rights.
pub(crate) fn has(capability: &str) -> bool {
    const RIGHTLESS: [&str; 3] = ["types", "run", "world"];
    let mut packages = PACKAGES.iter();
    !RIGHTLESS.contains(&capability)
        && packages.any(|(file, _)| file.strip_suffix(".wit") == Some(capability))
}

/// Compares a component with the contract.
pub(crate) fn check(wasm: &[u8], imports: &[String], exports: &[String]) -> Result<(), Problem> {
    if !exports.iter().any(|export| split(export).0 == PROVIDER) {
        return Err(Problem::OtherWorld {
            exports: exports.to_vec(),
        });
    }
    if let Some(import) = imports.iter().find(|import| !is_power(import)) {
        return Err(Problem::NoSuchPower {
            import: import.clone(),
        });
    }
    let ours = contract().map_err(malformed)?;
    let decoded = wit_parser::decoding::decode(wasm).map_err(malformed)?;
    let DecodedWasm::Component(theirs, world) = decoded else {
        return Err(Problem::OtherWorld {
            exports: exports.to_vec(),
        });
    };
    let world = &theirs.worlds[world];
    let mut differences = Vec::new();
    for (way, items) in [(Way::Import, &world.imports), (Way::Export, &world.exports)] {
        for (key, item) in items {
            if differences.len() >= ENOUGH {
                break;
            }
            if let (WorldKey::Interface(_), WorldItem::Interface { id, .. }) = (key, item) {
                interface(way, &ours, &theirs, *id, &mut differences);
            }
        }
    }
    if differences.is_empty() {
        Ok(())
    } else {
        Err(Problem::Contract { differences })
    }
}

fn malformed(error: impl std::fmt::Display) -> Problem {
    // The chain of an anyhow error on one line.
    Problem::MalformedType {
        reason: short(format!("{error:#}")),
    }
}

/// Reads the contract. It is part of the program; a test reads it too, so this cannot fail in a program that was tested.
fn contract() -> Result<Resolve, String> {
    let mut resolve = Resolve::new();
    for (name, text) in PACKAGES {
        let pushed = resolve.push_source(name, text);
        pushed.map_err(|error| format!("the contract itself: {error:#}"))?;
    }
    Ok(resolve)
}

fn interface(
    way: Way,
    ours: &Resolve,
    theirs: &Resolve,
    id: InterfaceId,
    differences: &mut Vec<Difference>,
) {
    let Some(full) = theirs.id_of(id) else {
        return;
    };
    let (name, version) = split(&full);
    let is_ours = name.starts_with("ops:") && (way == Way::Import || name == PROVIDER);
    if !is_ours {
        return;
    }
    let Some((our_id, our_version)) = find(ours, name) else {
        differences.push(Difference::Interface {
            interface: shown(&full),
        });
        return;
    };
    if !same_track(version, &our_version) {
        differences.push(Difference::Version {
            way,
            interface: name.to_owned(),
            theirs: shown(version),
            ours: our_version,
        });
        return;
    }
    let pair = Pair {
        way,
        name: name.to_owned(),
        ours,
        our_id,
        our_version,
        theirs,
        their_id: id,
        their_version: version.to_owned(),
    };
    pair.functions(differences);
    pair.types(differences);
}

/// One interface as both sides have it.
struct Pair<'a> {
    way: Way,
    name: String,
    ours: &'a Resolve,
    our_id: InterfaceId,
    our_version: String,
    theirs: &'a Resolve,
    their_id: InterfaceId,
    their_version: String,
}

impl Pair<'_> {
    fn functions(&self, differences: &mut Vec<Difference>) {
        let ours = &self.ours.interfaces[self.our_id].functions;
        let theirs = &self.theirs.interfaces[self.their_id].functions;
        // Whoever is called must have what the other side calls.
        let (called, calling) = match self.way {
            Way::Import => (ours, theirs),
            Way::Export => (theirs, ours),
        };
        for name in calling.keys() {
            if differences.len() >= ENOUGH {
                return;
            }
            if !called.contains_key(name) {
                differences.push(Difference::Function {
                    way: self.way,
                    interface: self.name.clone(),
                    function: shown(name),
                    theirs: self.their_version.clone(),
                    ours: self.our_version.clone(),
                });
                continue;
            }
            let has = text::function(self.ours, &ours[name]);
            let needs = text::function(self.theirs, &theirs[name]);
            self.shape(name, needs, has, differences);
        }
    }

    fn types(&self, differences: &mut Vec<Difference>) {
        let ours = &self.ours.interfaces[self.our_id].types;
        for (name, theirs) in &self.theirs.interfaces[self.their_id].types {
            // A type that we do not have is reported with the function that uses it, one of another interface with that interface.
            if let Some(ours) = ours
                .get(name)
                .filter(|ours| !text::is_used(self.ours, **ours))
            {
                let has = text::definition(self.ours, *ours);
                let needs = text::definition(self.theirs, *theirs);
                self.shape(name, needs, has, differences);
            }
        }
    }

    fn shape(&self, name: &str, needs: String, has: String, differences: &mut Vec<Difference>) {
        if needs != has && differences.len() < ENOUGH {
            let (needs, has) = (short(needs), short(has));
            differences.push(Difference::Shape {
                interface: self.name.clone(),
                name: shown(name),
                newer: is_later(&self.their_version, &self.our_version),
                needs,
                has,
            });
        }
    }
}

/// So many differences are looked for. Fewer are named.
const ENOUGH: usize = 100;

/// How much of a shape is shown, in characters.
const SHAPE: usize = 1_000;

fn short(shape: String) -> String {
    match shape.char_indices().nth(SHAPE) {
        None => shape,
        Some((end, _)) => format!("{}…", &shape[..end]),
    }
}

fn is_power(import: &str) -> bool {
    let (name, version) = split(import);
    import.starts_with("ops:") || (WASI.contains(&name) && version.starts_with("0.2."))
}

/// Returns the interface of that name in the contract, with its version.
fn find(contract: &Resolve, name: &str) -> Option<(InterfaceId, String)> {
    contract.interfaces.iter().find_map(|(id, _)| {
        let full = contract.id_of(id)?;
        let (ours, version) = split(&full);
        (ours == name).then(|| (id, version.to_owned()))
    })
}

/// Splits `ops:run/run@0.2.0` at its version, which is empty when there is none.
fn split(name: &str) -> (&str, &str) {
    name.split_once('@').unwrap_or((name, ""))
}

/// Whether the linker takes one version for the other: same major version, or same minor one before 1.0.
fn same_track(one: &str, other: &str) -> bool {
    match (one.parse::<Version>(), other.parse::<Version>()) {
        (Ok(one), Ok(other)) => {
            one.major == other.major && (one.major > 0 || one.minor == other.minor)
        }
        _ => one == other,
    }
}

fn is_later(one: &str, other: &str) -> bool {
    match (one.parse::<Version>(), other.parse::<Version>()) {
        (Ok(one), Ok(other)) => one > other,
        _ => false,
    }
}

fn missing(way: &Way, interface: &str, function: &str, theirs: &str, ours: &str) -> String {
    match way {
        Way::Import => format!(
            "it calls `{function}` of `{interface}@{theirs}`, and `{interface}@{ours}` of this agent has no such function"
        ),
        Way::Export => format!(
            "its `{interface}@{theirs}` has no `{function}`, which this agent calls by `{interface}@{ours}`"
        ),
    }
}

#[cfg(test)]
mod tests;
