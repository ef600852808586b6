//! The shelf: all artifacts that can be reached, which of them is meant by an operation's name, and what people have granted it.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, OnceLock};

use agent_core::agent::{Grantee, Origin, Plugin, State, Usable};
use agent_core::descriptor::Descriptor;
use agent_core::failure::{Failure, Kind};
use agent_core::grant::Right;
use agent_core::id::{Digest, OperationName, PluginId};
use agent_core::manifest::Manifest;
use agent_core::policy::{self, Granted};
use agent_file::{Folder, Refused};
use semver::Version;

use crate::artifact::{self, Artifact, Trust};
use crate::bytes::Bytes;
use crate::grants::Grants;
use crate::kept::Kept;
use crate::refusal::{Problem, Refusal};

mod directory;
mod failure;
mod shelf;

/// A plugin that is part of the agent.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    /// Its id.
    pub name: &'static str,
    /// The component.
    pub wasm: &'static [u8],
}

/// A plugin that was named on the command line.
#[derive(Clone, Debug)]
pub struct Given {
    /// The path as it was given.
    pub path: String,
    /// The component.
    pub wasm: Vec<u8>,
}

/// Everything that the store looks into.
#[derive(Debug)]
pub struct Sources {
    /// The plugins that are part of the agent. They have all rights that they request.
    pub bundled: Vec<Bundled>,
    /// The user's directory of plugins: its files `*.wasm`. None when there is none.
    pub directory: Result<Option<Folder>, Refused>,
    /// The plugins that were named on the command line, which stand in for others of their id.
    pub given: Vec<Given>,
    /// The directory where grants are kept.
    pub config: Result<Option<Folder>, Refused>,
    /// The directory where artifacts are kept that unfinished runs need.
    pub kept: Result<Option<Folder>, Refused>,
    /// This agent's version.
    pub agent: Version,
}

/// The plugins that can be reached.
#[derive(Debug)]
pub struct Store {
    bundled: Vec<(Bundled, OnceLock<Candidate>)>,
    given: OnceLock<Vec<Candidate>>,
    to_read: Vec<(String, Bytes)>,
    directory: Result<Option<Folder>, Refused>,
    grants: Grants,
    kept: Kept,
    agent: Version,
}

/// The plugin that an operation belongs to.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it was found.
    pub origin: Origin,
    /// The SHA-256 of the artifact.
    pub digest: Digest,
    /// Who it says it is, and what it asks for.
    pub manifest: Manifest,
    /// Its operations.
    pub descriptor: Descriptor,
    /// The interfaces that the component imports.
    pub imports: Vec<String>,
    /// What people have granted it.
    pub granted: Granted,
    /// The component.
    pub wasm: Bytes,
    /// What whoever runs it should know, such as that it stands in for a bundled plugin.
    pub note: Option<String>,
}

/// One artifact of a source, fit or not.
#[derive(Clone, Debug)]
struct Candidate {
    origin: Origin,
    digest: Digest,
    wasm: Bytes,
    id: Option<PluginId>,
    state: Result<Arc<Artifact>, Arc<Refusal>>,
}

impl Candidate {
    fn read(origin: Origin, wasm: Bytes, trust: Trust, agent: &Version) -> Candidate {
        let digest = wasm.digest();
        let (id, state, wasm) = match artifact::read(&wasm, trust, agent) {
            Ok(artifact) => {
                let id = artifact.manifest.id.clone();
                (Some(id), Ok(Arc::new(artifact)), wasm)
            }
            // What is not run need not be kept in memory.
            Err(unfit) => {
                let refused = refused(&origin, unfit.problem);
                (unfit.id, Err(refused), Bytes::Static(&[]))
            }
        };
        Candidate {
            origin,
            digest,
            wasm,
            id,
            state,
        }
    }

    fn unreadable(origin: Origin, problem: Problem) -> Candidate {
        let wasm = Bytes::Static(&[]);
        Candidate {
            digest: wasm.digest(),
            state: Err(refused(&origin, problem)),
            origin,
            wasm,
            id: None,
        }
    }

    fn is(&self, plugin: &str) -> bool {
        self.id.as_ref().is_some_and(|id| id.as_str() == plugin)
    }

    fn refuse(&mut self, owner: &Origin) {
        let id = self.id.as_ref().map(ToString::to_string);
        let problem = Problem::IdTaken {
            id: id.unwrap_or_default(),
            owner: owner.clone(),
        };
        self.state = Err(refused(&self.origin, problem));
    }
}

/// Returns a plugin that has an operation.
fn having(operation: &OperationName, found: Found) -> Result<Arc<Found>, Failure> {
    // Whose it is stands in the artifact, and not in who asks for it.
    if found.manifest.id.as_str() != operation.plugin() {
        return Err(failure::other_plugin(operation, &found));
    }
    match found.descriptor.operation(operation.operation()) {
        Some(_) => Ok(Arc::new(found)),
        None => Err(failure::unknown_operation(operation, &found)),
    }
}

fn refused(origin: &Origin, problem: Problem) -> Arc<Refusal> {
    let origin = origin.clone();
    Arc::new(Refusal { origin, problem })
}

impl Store {
    /// Makes a store. Nothing is read before it is asked for.
    pub fn new(sources: Sources) -> Store {
        let given = sources.given.into_iter();
        let bundled = sources.bundled.into_iter();
        Store {
            bundled: bundled.map(|plugin| (plugin, OnceLock::new())).collect(),
            given: OnceLock::new(),
            to_read: given
                .map(|given| (given.path, Bytes::from(given.wasm)))
                .collect(),
            directory: sources.directory,
            grants: Grants::new(sources.config),
            kept: Kept::new(sources.kept),
            agent: sources.agent,
        }
    }

    /// Returns every plugin that was found, also those that are refused: by id, refused ones last.
    ///
    /// # Errors
    /// `unavailable` when grants cannot be read.
    pub fn plugins(&self) -> Result<Vec<Plugin>, Failure> {
        self.described(self.directory())
    }

    /// Returns the plugins among which is the one that has an operation: those in the directory only when none of the others is it.
    ///
    /// # Errors
    /// `unavailable` when grants cannot be read.
    pub fn plugins_for(&self, operation: &OperationName) -> Result<Vec<Plugin>, Failure> {
        let is_here = self.has_at_hand(operation.plugin());
        self.described(if is_here {
            Vec::new()
        } else {
            self.directory()
        })
    }

    /// Returns the plugins that are known without looking into the directory; with the operation and the artifact of a run also that one, if it was
    /// kept.
    ///
    /// # Errors
    /// `unavailable` when grants cannot be read.
    pub fn plugins_of_runs(
        &self,
        run: Option<(&OperationName, &Digest)>,
    ) -> Result<Vec<Plugin>, Failure> {
        let missed = run.filter(|(operation, _)| !self.has_at_hand(operation.plugin()));
        let kept = missed.and_then(|(_, digest)| self.kept_one(digest));
        self.described(kept.into_iter().collect())
    }

    /// Describes the plugins at hand, and others after them.
    fn described(&self, others: Vec<Candidate>) -> Result<Vec<Plugin>, Failure> {
        let mut plugins = Vec::new();
        for (candidate, in_place_of) in self.candidates(others) {
            plugins.push(self.describe(candidate, in_place_of)?);
        }
        plugins.sort_by_key(|plugin| match &plugin.state {
            State::Usable(usable) => (0, usable.manifest.id.to_string()),
            State::Refused { .. } => (1, plugin.origin.to_string()),
        });
        Ok(plugins)
    }

    /// Returns the plugin that has an operation.
    ///
    /// # Errors
    /// `not-found` with the nearest names; whatever its artifact is refused for; `unavailable` when grants cannot be read.
    pub fn lookup(&self, operation: &OperationName) -> Result<Arc<Found>, Failure> {
        let found = self.plugin(operation.plugin())?;
        having(operation, found)
    }

    /// Returns the plugin that has an operation, in the very artifact with that digest: the one that is there now, or one that was kept.
    ///
    /// # Errors
    /// `not-found` (`store.no-artifact`) when it is not there any more; as for [`Store::lookup`] otherwise.
    pub fn lookup_exact(
        &self,
        operation: &OperationName,
        digest: &Digest,
    ) -> Result<Arc<Found>, Failure> {
        // The directory comes last: no file in it can be in the way of finishing a run.
        if self.has_at_hand(operation.plugin())
            && let Ok(found) = self.lookup(operation)
            && found.digest == *digest
        {
            return Ok(found);
        }
        // A file may stand in for the bundled plugin that a run was begun with.
        if let Some(own) = self.own(operation.plugin(), digest) {
            return having(operation, self.found(own)?);
        }
        let kept = self.kept_one(digest);
        let kept = kept.ok_or_else(|| failure::no_artifact(operation, digest))?;
        having(operation, self.found(&kept)?)
    }

    /// Returns an artifact that was kept.
    fn kept_one(&self, digest: &Digest) -> Option<Candidate> {
        let wasm = self.kept.get(digest)?;
        let origin = Origin::Directory(format!("kept {digest}"));
        Some(Candidate::read(origin, wasm, Trust::Foreign, &self.agent))
    }

    /// Keeps the artifact of a plugin for as long as a run needs it, see [`Store::keep_only`].
    ///
    /// # Errors
    /// `unavailable` (`store.cannot-keep`): a run that is cut off could not be resumed.
    pub fn keep(&self, found: &Found) -> Result<(), Failure> {
        let kept = self.kept.put(&found.digest, &found.wasm);
        kept.map_err(|error| {
            Failure::of(Kind::Unavailable, "store.cannot-keep", &error)
                .while_doing(format!(
                    "keeping plugin `{}` for as long as the run needs it",
                    found.manifest.id
                ))
                .hinted(match error.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        "make room: df -h \"${XDG_STATE_HOME:-$HOME/.local/state}/agent/plugins\"".into()
                    }
                    _ => agent_file::remedy(&error).unwrap_or_else(|| {
                        "look at its directory: ls -ld \"${XDG_STATE_HOME:-$HOME/.local/state}/agent/plugins\"".into()
                    }),
                })
        })
    }

    /// Removes the kept artifacts that no run needs any more.
    pub fn keep_only(&self, needed: &BTreeSet<Digest>) {
        self.kept.retain(needed);
    }

    /// Notes that a person has been shown what an artifact asks for.
    pub fn inspected(&self, artifact: &Digest) {
        self.kept.note_inspected(artifact);
    }

    /// Grants rights to an artifact of a plugin: the one with that digest, or the one that its id stands for now.
    ///
    /// # Errors
    /// `not-found`; `conflict` (`plugin.other-artifact`) when another one is there than the one that is meant; `invalid` for a right that the plugin
    /// does not ask for, since granting it would change nothing; `unavailable` when the grant cannot be kept.
    pub fn grant(
        &self,
        plugin: &PluginId,
        artifact: Option<&Digest>,
        rights: Vec<Right>,
    ) -> Result<Grantee, Failure> {
        let found = self.meant(plugin, artifact)?;
        let requested = policy::requested(&found.manifest);
        let useless = |right: &&Right| {
            let touches = |wanted: &Right| right.covers(wanted) || wanted.covers(right);
            !requested.iter().any(touches)
        };
        if let Some(right) = rights.iter().find(useless) {
            return Err(failure::not_requested(plugin, right, &requested));
        }
        let bundled = found.granted == Granted::Requested;
        let rights = match bundled {
            true => requested,
            false => self.grants.add(plugin, &found.digest, rights)?,
        };
        Ok(Grantee {
            inspected: bundled || self.kept.is_inspected(&found.digest),
            bundled,
            artifact: found.digest,
            rights,
        })
    }

    /// Returns the artifact that somebody means: what they have seen, and not what lies in its place by now.
    fn meant(&self, plugin: &PluginId, artifact: Option<&Digest>) -> Result<Found, Failure> {
        let found = self.plugin(plugin.as_str());
        let Some(wanted) = artifact else {
            return found;
        };
        match found {
            Ok(found) if found.digest == *wanted => Ok(found),
            found => match self.kept_one(wanted) {
                Some(kept) if kept.is(plugin.as_str()) => self.found(&kept),
                _ => Err(failure::other_artifact(plugin, &found?.digest, wanted)),
            },
        }
    }

    /// Finds a plugin by id: named on the command line, then bundled, then in the directory.
    fn plugin(&self, id: &str) -> Result<Found, Failure> {
        if let Some(candidate) = self.given().iter().find(|candidate| candidate.is(id)) {
            let mut found = self.found(candidate)?;
            found.note = self.replaced(id).map(|owner| {
                format!(
                    "`{}` stands in for the plugin `{id}` from `{owner}`",
                    candidate.origin
                )
            });
            return Ok(found);
        }
        if let Some((bundled, read)) = self.bundled.iter().find(|(it, _)| it.name == id) {
            return self.found(self.read_bundled(bundled, read));
        }
        let directory = self.directory();
        match directory.iter().find(|candidate| candidate.is(id)) {
            Some(candidate) => self.found(candidate),
            None => Err(self.unknown_plugin(id, &directory)),
        }
    }

    fn found(&self, candidate: &Candidate) -> Result<Found, Failure> {
        let artifact = candidate.state.clone().map_err(|it| it.to_failure())?;
        Ok(Found {
            origin: candidate.origin.clone(),
            digest: candidate.digest.clone(),
            manifest: artifact.manifest.clone(),
            descriptor: artifact.descriptor.clone(),
            imports: artifact.imports.clone(),
            granted: self.granted(candidate, &artifact)?,
            wasm: candidate.wasm.clone(),
            note: None,
        })
    }

    fn granted(&self, candidate: &Candidate, artifact: &Artifact) -> Result<Granted, Failure> {
        if candidate.origin == Origin::Bundled {
            return Ok(Granted::Requested);
        }
        let rights = self.grants.of(&artifact.manifest.id, &candidate.digest)?;
        Ok(Granted::Rights(rights))
    }

    fn describe(
        &self,
        candidate: Candidate,
        in_place_of: Option<Origin>,
    ) -> Result<Plugin, Failure> {
        let state = match &candidate.state {
            Err(refusal) => State::Refused {
                failure: refusal.to_failure(),
            },
            Ok(artifact) => {
                let granted = self.granted(&candidate, artifact)?;
                let missing = policy::missing(&artifact.manifest, &granted);
                let lacks: BTreeSet<&Right> = missing.iter().collect();
                let mut requested = policy::requested(&artifact.manifest);
                requested.retain(|right| !lacks.contains(right));
                State::Usable(Box::new(Usable {
                    manifest: artifact.manifest.clone(),
                    descriptor: artifact.descriptor.clone(),
                    imports: artifact.imports.clone(),
                    granted: requested,
                    missing,
                }))
            }
        };
        Ok(Plugin {
            origin: candidate.origin,
            digest: candidate.digest,
            state,
            in_place_of,
        })
    }
}

#[cfg(test)]
mod tests;
