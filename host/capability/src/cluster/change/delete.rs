//! Removing an object, or moving a pod away: the one that is meant, by its uid.

use agent_core::failure::{Failure, Kind};
use agent_core::manifest::ClusterVerb;
use agent_gate::Announced;
use serde_json::Value;

use super::{Performed, Performer, uid_of};
use crate::cluster::client::Removal;
use crate::cluster::overlay::Overlaid;

impl Performer {
    /// With the verb `evict`, disruption budgets are asked.
    pub(super) async fn remove(
        &self,
        verb: ClusterVerb,
        uid: Option<String>,
        how: Removal,
    ) -> Result<Performed, Failure> {
        let effect = self.effect(verb, Vec::new(), false);
        let imagined = &self.cluster.overlay;
        match imagined.of(&self.target) {
            Some(Overlaid::Made(_)) => {
                imagined.removed(&self.target);
                self.gate().planned(effect);
                return Ok(Performed::unheld(Value::Null));
            }
            Some(Overlaid::Gone) => return Ok(Performed::unchanged(Value::Null)),
            _ => {}
        }
        let before = self.attempt(verb);
        let meant = before.and_then(|recorded| recorded.intent.uid.clone());
        // By uid, always: tried again after a lost answer, a deletion by name could hit what has taken its place.
        let known = |uid: &str| {
            let gate = self.gate();
            let may = before.is_some() || gate.may_destroy() || gate.has_made(uid);
            // What was evicted before is looked at: a budget could refuse what is on its way already.
            let again = verb == ClusterVerb::Evict && before.is_some();
            may && !gate.planning() && !again
        };
        let uid = match meant.or(uid) {
            Some(uid) if known(&uid) => Some(uid),
            named => match self.look_to_delete().await? {
                Some(object) if before.is_some() && is_going(&object, named.as_deref()) => {
                    return Ok(Performed::unheld(Value::Null));
                }
                Some(object) => {
                    self.may_remove(&object)?;
                    named.or_else(|| uid_of(&object))
                }
                None => {
                    return Ok(Performed {
                        // An earlier process may have done it.
                        changed: before.is_some(),
                        ..Performed::unheld(Value::Null)
                    });
                }
            },
        };
        let announced = Announced {
            uid: uid.clone(),
            ..self.announced(effect, None)
        };
        let client = &self.cluster.client;
        let deletion = self.pass.effect(
            announced,
            |intent| async move {
                let (target, uid) = (&self.target, uid.as_deref());
                match verb {
                    ClusterVerb::Evict => client.evict(&intent, target, uid, how).await,
                    _ => client.delete(&intent, target, uid, how).await,
                }
            },
            |()| None,
        );
        match deletion.await {
            Ok(()) => {
                if self.gate().planning() {
                    imagined.removed(&self.target);
                }
                Ok(Performed::unheld(Value::Null))
            }
            // What was meant before the run was cut off is gone, and something else has its name.
            Err(other) if before.is_some() && other.failure.code == "cluster.conflict" => {
                Ok(Performed::unheld(Value::Null))
            }
            Err(error) => Err(error.failure),
        }
    }

    /// Reads the object that is about to be removed; a plan rests on which one it is.
    pub(super) async fn look_to_delete(&self) -> Result<Option<Value>, Failure> {
        match self.look().await {
            Ok(object) => {
                let which = ["/metadata/uid".to_owned()];
                self.cluster
                    .saw(self.gate(), &self.target, Some(&object), &which);
                Ok(Some(object))
            }
            Err(gone) if gone.kind == Kind::NotFound => {
                self.cluster.saw(self.gate(), &self.target, None, &[]);
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }
}

/// Returns whether an object is on its way out, or another one than the one that was meant.
fn is_going(object: &Value, meant: Option<&str>) -> bool {
    let other = meant.is_some() && uid_of(object).as_deref() != meant;
    other || object.pointer("/metadata/deletionTimestamp").is_some()
}
