//! Making an object: it carries the mark of its effect, by which it is known again when the answer was lost.

use agent_core::effect::FieldChange;
use agent_core::failure::{Failure, Kind};
use agent_core::manifest::ClusterVerb;
use agent_core::undo::Undo;
use serde_json::Value;

use super::{Performed, Performer, uid_of};
use crate::cluster::client::is_marked;
use crate::cluster::overlay::Overlaid;

impl Performer {
    pub(super) async fn create(&self, manifest: Value) -> Result<Performed, Failure> {
        let whole = FieldChange {
            path: String::new(),
            before: None,
            after: Some(manifest.clone()),
        };
        let mut effect = self.effect(ClusterVerb::Create, vec![whole], self.hold);
        let before = self.attempt(ClusterVerb::Create);
        if let Some(recorded) = before {
            // Under its number, and so with its marker: if it is there after all, it is known again.
            effect.number = recorded.effect().number;
            if let Some(object) = self.found(effect.number).await? {
                return Ok(self.made(effect.number, object));
            }
        }
        let number = effect.number;
        if self.cluster.overlay.of(&self.target) == Some(Overlaid::Gone) {
            // The server would refuse to rehearse this: to it the object is still there.
            let gate = self.gate();
            self.learns.iter().for_each(|learn| learn(gate.secrets()));
            gate.planned(effect);
            return Ok(self.made(number, manifest));
        }
        let undo = |object: Option<&Value>| Undo::Remove {
            uid: object.and_then(uid_of),
            marker: self.gate().marker(number),
        };
        let announced = self.announced(effect, Some(undo(None)));
        let client = &self.cluster.client;
        let sent = self.pass.effect(
            announced,
            |intent| async move {
                client
                    .create(&intent, &self.target, &manifest, self.manager())
                    .await
            },
            |object| Some(undo(Some(object))),
        );
        match sent.await {
            Ok(object) => Ok(self.made(number, object)),
            Err(error) => Err(self.abandoned(number, error)),
        }
    }

    /// Returns the object if an earlier process has made it under that number.
    async fn found(&self, number: u64) -> Result<Option<Value>, Failure> {
        match self.look().await {
            Ok(object) => {
                let ours = is_marked(&object, &self.gate().marker(number));
                Ok(ours.then_some(object))
            }
            Err(gone) if gone.kind == Kind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Writes down that the object is made.
    fn made(&self, number: u64, object: Value) -> Performed {
        let undo = Undo::Remove {
            uid: uid_of(&object),
            marker: self.gate().marker(number),
        };
        if let Some(uid) = uid_of(&object) {
            self.gate().makes(uid);
        }
        self.remember(number, undo);
        if self.gate().planning() {
            self.cluster.overlay.made(&self.target, object.clone());
        }
        let held = self.holding(number);
        Performed {
            object,
            held,
            changed: true,
        }
    }
}
