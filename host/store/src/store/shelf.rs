//! Where the artifacts stand: named on the command line, in the agent itself, in the user's directory. Of one id the first counts, in this order.

use std::sync::OnceLock;

use agent_core::agent::Origin;
use agent_core::failure::{Failure, Kind};
use agent_core::id::Digest;
use agent_core::suggest;

use super::{Bundled, Candidate, Store, directory};
use crate::artifact::Trust;
use crate::bytes::Bytes;

impl Store {
    /// The artifacts at hand and `others`, each with whom it stands in for; those of which another one took the id are refused or, when a person named
    /// the other one, left out.
    pub(super) fn candidates(&self, others: Vec<Candidate>) -> Vec<(Candidate, Option<Origin>)> {
        let given = self.given().iter().cloned();
        let mut all: Vec<(Candidate, Option<Origin>)> = given.map(|it| (it, None)).collect();
        let bundled = self
            .bundled
            .iter()
            .map(|(it, read)| self.read_bundled(it, read));
        for candidate in bundled.cloned().chain(others) {
            let named = self
                .given()
                .iter()
                .position(|it| it.state.is_ok() && it.id.is_some() && it.id == candidate.id);
            match named {
                Some(place) => {
                    all[place].1.get_or_insert(candidate.origin);
                }
                None => all.push((candidate, None)),
            }
        }
        all
    }

    /// Whether a plugin of that id can be had without looking into the directory.
    pub(super) fn has_at_hand(&self, id: &str) -> bool {
        self.given().iter().any(|candidate| candidate.is(id))
            || self.bundled.iter().any(|(it, _)| it.name == id)
    }

    pub(super) fn read_bundled<'a>(
        &self,
        it: &Bundled,
        read: &'a OnceLock<Candidate>,
    ) -> &'a Candidate {
        let wasm = Bytes::Static(it.wasm);
        read.get_or_init(|| Candidate::read(Origin::Bundled, wasm, Trust::Bundled, &self.agent))
    }

    /// Returns the plugin of this agent with that id, if it has that digest: nothing else says of an artifact that it came with the agent.
    pub(super) fn own(&self, id: &str, digest: &Digest) -> Option<&Candidate> {
        let (bundled, read) = self.bundled.iter().find(|(it, _)| it.name == id)?;
        Some(self.read_bundled(bundled, read)).filter(|own| own.digest == *digest)
    }

    pub(super) fn given(&self) -> &[Candidate] {
        self.given.get_or_init(|| {
            let read = self.to_read.iter().map(|(path, wasm)| {
                let origin = Origin::File(path.clone());
                Candidate::read(origin, wasm.clone(), Trust::Foreign, &self.agent)
            });
            first_of_each_id(read.collect())
        })
    }

    /// Reads the directory anew each time, so a plugin that is put there counts from the next run on.
    pub(super) fn directory(&self) -> Vec<Candidate> {
        let folder = match &self.directory {
            Ok(Some(folder)) => folder,
            Ok(None) => return Vec::new(),
            Err(refused) => return vec![directory::unreadable(refused.clone().into())],
        };
        let mut candidates = first_of_each_id(directory::read(folder, &self.agent));
        for candidate in &mut candidates {
            let taken = self.bundled.iter().any(|(it, _)| candidate.is(it.name));
            if taken {
                candidate.refuse(&Origin::Bundled);
            }
        }
        candidates
    }

    /// Returns who would have been taken without the command line.
    pub(super) fn replaced(&self, id: &str) -> Option<Origin> {
        if self.bundled.iter().any(|(it, _)| it.name == id) {
            return Some(Origin::Bundled);
        }
        let directory = self.directory();
        let replaced = directory.into_iter().find(|candidate| candidate.is(id))?;
        Some(replaced.origin)
    }

    pub(super) fn unknown_plugin(&self, id: &str, directory: &[Candidate]) -> Failure {
        let bundled = self.bundled.iter().map(|(it, _)| it.name);
        let others = self.given().iter().chain(directory);
        let read = others.filter_map(|it| it.state.is_ok().then_some(it.id.as_ref()?.as_str()));
        let known = suggest::sentence(id, bundled.chain(read));
        let mut failure = Failure::new(
            Kind::NotFound,
            "operations.unknown",
            format!("there is no plugin `{id}`"),
        )
        .hinted(known.unwrap_or_else(|| "agent plugin list".into()));
        // The one that is missed may be there and refused.
        for refusal in self.given().iter().chain(directory) {
            if let Err(refusal) = &refusal.state {
                failure = failure.because(format!("{refusal}: {}", refusal.problem));
            }
        }
        failure
    }
}

/// Of several candidates with one id the first keeps it.
fn first_of_each_id(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    for place in 1..candidates.len() {
        let (earlier, rest) = candidates.split_at_mut(place);
        let same = |other: &&Candidate| other.state.is_ok() && other.id == rest[0].id;
        if let Some(owner) = earlier.iter().find(same) {
            rest[0].refuse(&owner.origin);
        }
    }
    candidates
}
