//! Telling again what a watcher told before its run was cut off, where the record does not have all of it.
//!
//! Each query is looked up once, and states are compared, not calls: how the sightings came in batches says nothing. A Secret that is not as it
//! was told cannot be told again, and the run cannot be finished.

use std::collections::BTreeMap;

use agent_core::failure::Failure;
use agent_gate::Pass;
use kube::api::DynamicObject;
use serde_json::Value;

use super::batch::Sighting;
use super::{Watched, Watcher, secret, uid_of};
use crate::cluster::ask::Ask;
use crate::cluster::client::{ClusterClient, Reading};
use crate::cluster::sealed::Sealed;

impl Watcher {
    /// Completes what is on record of sightings.
    pub(super) async fn open_again(
        &mut self,
        pass: &Pass,
        ask: &Ask,
        seen: &mut [Sighting],
    ) -> Result<(), Failure> {
        let gate = self.gate.clone();
        for sighting in seen.iter_mut().filter(|one| one.object.is_closed()) {
            let Some(uid) = sighting.uid() else { continue };
            let index = usize::try_from(sighting.query).unwrap_or(usize::MAX);
            let Some(watched) = self.queries.get_mut(index) else {
                continue;
            };
            let looked = gate.unless_stopped(watched.look_up(&self.cluster.client, pass));
            looked.await.map_err(|failure| gate.abandon(failure))?;
            let opened = watched.states(&uid).any(|state| {
                let state = self.projection.of(state);
                sighting.object.open(&gate, &state)
            });
            if !opened {
                return Err(gate.lost(ask));
            }
            if watched.query.of.is_secret() {
                let told = serde_json::from_str(sighting.object.told());
                secret::learn(gate.secrets(), &told.unwrap_or_default());
            }
        }
        Ok(())
    }
}

impl Watched {
    /// Looks what there is now, unless that is known.
    async fn look_up(&mut self, client: &ClusterClient, pass: &Pass) -> Result<(), Failure> {
        if self.now.is_some() {
            return Ok(());
        }
        let keep = |now: &mut BTreeMap<String, Value>, item: Value| {
            // In the form that a watch gives.
            if let Ok(object) = serde_json::from_value::<DynamicObject>(item) {
                let uid = uid_of(&object);
                now.insert(uid, self.value(object));
            }
            Ok(())
        };
        let now = client.list(pass, &self.query, Reading::Whole, BTreeMap::new, keep);
        self.now = Some(now.await?);
        Ok(())
    }

    /// Returns the states of an object that are known: the one now, and the one that was told last.
    fn states(&self, uid: &str) -> impl Iterator<Item = Value> {
        let now = self.now.as_ref().and_then(|now| now.get(uid)).cloned();
        let told = self.there.get(uid).map(Sealed::told);
        let told = told.and_then(|told| serde_json::from_str(told).ok());
        now.into_iter().chain(told)
    }
}
