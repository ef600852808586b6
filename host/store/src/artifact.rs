//! One artifact: what can be learned from its bytes. In the flow it stands between a source of bytes and the shelf in [`crate::store`].
//!
//! Nothing is compiled or run here.

use agent_core::descriptor::{self, Descriptor, Operation, Parameter, Style, Type};
use agent_core::document;
use agent_core::id::PluginId;
use agent_core::manifest::Manifest;
use semver::Version;
use serde::de::DeserializeOwned;

use crate::contract;
use crate::refusal::{Problem, Unparsed};

mod scan;

use scan::{Scan, Sections};

/// The section that holds the manifest.
pub(crate) const MANIFEST: &str = "agent:manifest";
/// The section that holds the descriptor.
pub(crate) const DESCRIPTOR: &str = "agent:descriptor";
/// The version of the manifest's format that this agent reads.
const MANIFEST_FORMAT: u32 = 1;

/// What an artifact says of itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Artifact {
    pub(crate) manifest: Manifest,
    pub(crate) descriptor: Descriptor,
    pub(crate) imports: Vec<String>,
}

/// How much is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// The artifact was built together with the agent: its type is known to fit.
    Bundled,
    /// Anybody may have made it: every type is compared with the contract.
    Foreign,
}

/// Why an artifact cannot be used, and whose it would be as far as that could be read.
#[derive(Debug)]
pub(crate) struct Unfit {
    pub(crate) id: Option<PluginId>,
    pub(crate) problem: Problem,
}

/// Reads an artifact.
pub(crate) fn read(wasm: &[u8], trust: Trust, agent: &Version) -> Result<Artifact, Unfit> {
    let unknown = |problem| Unfit { id: None, problem };
    let scan = scan::scan(wasm).map_err(unknown)?;
    let claim = claim(&scan.sections);
    let known = |problem| Unfit {
        id: claim.id.clone(),
        problem,
    };
    // Before anything else: what this agent does not know it does not call a mistake.
    if let Some(wanted) = claim.min_agent.as_ref().filter(|wanted| *wanted > agent) {
        return Err(known(Problem::NeedsNewerAgent {
            wanted: wanted.clone(),
            agent: agent.clone(),
        }));
    }
    if trust == Trust::Foreign {
        contract::check(wasm, &scan.imports, &scan.exports).map_err(known)?;
    }
    let artifact = documents(scan).map_err(known)?;
    let mut requests = artifact.manifest.requests.iter();
    let unknown = requests.find(|request| !contract::has(request.capability()));
    match unknown.filter(|_| trust == Trust::Foreign) {
        Some(request) => Err(known(Problem::NoSuchCapability {
            capability: request.capability().to_owned(),
        })),
        None => Ok(artifact),
    }
}

fn documents(scan: Scan) -> Result<Artifact, Problem> {
    let manifest = manifest(&scan.sections)?;
    let descriptor = descriptor(&scan.sections, &manifest)?;
    Ok(Artifact {
        manifest,
        descriptor,
        imports: scan.imports,
    })
}

/// What an artifact says of itself that is read even when nothing else in it can be used.
#[derive(Default)]
struct Claim {
    id: Option<PluginId>,
    min_agent: Option<Version>,
}

fn claim(sections: &Sections) -> Claim {
    let text = sections.manifest.first().map(|text| short(MANIFEST, text));
    let Some(Ok(text)) = text else {
        return Claim::default();
    };
    let document: serde_json::Value = serde_json::from_slice(text).unwrap_or_default();
    Claim {
        id: document["id"].as_str().and_then(|id| id.parse().ok()),
        min_agent: document["min-agent"]
            .as_str()
            .and_then(|version| version.parse().ok()),
    }
}

/// Returns a document that has a bearable length: a tree of JSON takes far more memory than its text.
fn short<'a>(name: &'static str, text: &'a [u8]) -> Result<&'a [u8], Problem> {
    let (bytes, most) = (text.len(), document::LONGEST);
    if bytes <= most {
        return Ok(text);
    }
    Err(Problem::SectionTooLong { name, bytes, most })
}

fn manifest(sections: &Sections) -> Result<Manifest, Problem> {
    let text = only(MANIFEST, &sections.manifest)?;
    if let Some(format) = later_format(text, "manifest", MANIFEST_FORMAT) {
        return Err(Problem::LaterFormat {
            name: MANIFEST,
            format,
        });
    }
    let manifest: Manifest = parse(MANIFEST, text)?;
    let judged = manifest.judge();
    judged.map_err(|source| unfit(MANIFEST, source))?;
    Ok(manifest)
}

/// Returns the number of a document's format, when it is a later one. It comes first: a document of a later format has keys that would be reported as
/// misspelt.
fn later_format(text: &[u8], key: &str, ours: u32) -> Option<u64> {
    let document: serde_json::Value = serde_json::from_slice(text).ok()?;
    let format = document.get(key)?.as_u64()?;
    (format > u64::from(ours)).then_some(format)
}

fn unfit(name: &'static str, source: document::Unfit) -> Problem {
    let source = Box::new(source);
    Problem::Document { name, source }
}

fn descriptor(sections: &Sections, manifest: &Manifest) -> Result<Descriptor, Problem> {
    let text = only(DESCRIPTOR, &sections.descriptor)?;
    if let Some(format) = later_format(text, "descriptor", descriptor::FORMAT) {
        return Err(Problem::LaterFormat {
            name: DESCRIPTOR,
            format,
        });
    }
    let descriptor: Descriptor = parse(DESCRIPTOR, text)?;
    for operation in &descriptor.operations {
        for parameter in operation.parameters.iter().filter(|one| one.secret) {
            if let Some(why) = gives_away(operation, parameter) {
                return Err(Problem::SecretParameter {
                    operation: operation.name.to_string(),
                    parameter: parameter.name.to_string(),
                    why,
                });
            }
        }
    }
    let judged = descriptor.judge(manifest);
    judged.map_err(|source| unfit(DESCRIPTOR, source))?;
    Ok(descriptor)
}

/// Returns what would give the value of a secret parameter away, or could not be judged without it.
fn gives_away(operation: &Operation, parameter: &Parameter) -> Option<&'static str> {
    let schema = &parameter.schema;
    if schema.of != Type::String || schema.format.is_some() || !schema.one_of.is_empty() {
        return Some("and secrets are text without a form and without a list of values");
    }
    if parameter.style == Style::Positional {
        return Some("and secrets are given by flag, never by place");
    }
    if parameter.default.is_some() || parameter.names.is_some() {
        return Some("and secrets have no default, and name nothing in the cluster");
    }
    let named = operation
        .locks
        .iter()
        .any(|lock| lock.parameters().contains(&parameter.name));
    named.then_some("and a lock with it in its name: the names of locks are public")
}

fn only<'a>(name: &'static str, found: &[&'a [u8]]) -> Result<&'a [u8], Problem> {
    match found {
        [] => Err(Problem::NoSection { name }),
        [one] => short(name, one),
        many => Err(Problem::SectionTwice {
            name,
            count: many.len(),
        }),
    }
}

fn parse<T: DeserializeOwned>(name: &'static str, text: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(text).map_err(|error| Problem::Section {
        name,
        source: Unparsed::of(&error),
    })
}

#[cfg(test)]
mod tests;
