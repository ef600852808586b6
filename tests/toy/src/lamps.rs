//! The lamps in one run: how a turn is made, recovered and put back, and what a plan sees and rests on.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agent_core::effect::{FieldChange, Recovery, Target};
use agent_core::failure::{Failure, Kind};
use agent_core::undo::Undo;
use agent_gate::{
    Announced, Capability, Draft, Entry, Gate, Install, Pass, PutBack, RunParts, WriteError,
};
use futures::future::BoxFuture;
use serde_json::{Value, json};

use crate::ask::{TOY, TURN};
use crate::{Device, Levels, lock};

/// See the module.
pub struct Lamps {
    device: Device,
    /// What a plan has made of lamps.
    overlay: Mutex<Levels>,
    /// What a plan has seen.
    seen: Mutex<Levels>,
}

impl Install for Device {
    fn of_run(&self, _run: &RunParts) -> Arc<dyn Capability> {
        Arc::new(Lamps {
            device: self.clone(),
            overlay: Mutex::default(),
            seen: Mutex::default(),
        })
    }
}

impl Lamps {
    pub(crate) async fn look(&self, pass: &Pass, lamp: &str) -> Result<i32, Failure> {
        if let Some(level) = lock(&self.overlay).get(lamp) {
            return Ok(*level);
        }
        let level = self.device.level(pass, lamp).await?;
        if pass.gate().planning() {
            lock(&self.seen).insert(lamp.to_owned(), level);
        }
        Ok(level)
    }

    /// Returns how bright it is then, and the number of the effect.
    pub(crate) async fn turn(
        &self,
        pass: &Pass,
        lamp: &str,
        by: i32,
        hold: bool,
    ) -> Result<(i32, u64), Failure> {
        let gate = pass.gate();
        let attempt = pass.attempts().last();
        if let Some(before) = attempt {
            let number = before.effect().number;
            let marker = gate.marker(number);
            if gate
                .unless_stopped(self.device.has_made(pass, &marker))
                .await?
            {
                return Ok((self.device.level(pass, lamp).await?, number));
            }
        }
        let before = gate.unless_stopped(self.look(pass, lamp)).await?;
        let after = before + by;
        let fields = vec![FieldChange {
            path: "/level".to_owned(),
            before: Some(json!(before)),
            after: Some(json!(after)),
        }];
        let target = Target {
            capability: TOY.to_owned(),
            of: "lamp".to_owned(),
            namespace: None,
            name: lamp.to_owned(),
        };
        let mut effect = gate.effect(Draft {
            verb: TURN,
            recovery: Recovery::Check,
            target: target.clone(),
            fields: fields.clone(),
            shown: None,
            temporary: hold,
        });
        if let Some(before) = attempt {
            effect.number = before.effect().number;
        }
        let undo = Undo::Fields {
            uid: None,
            fields,
            grown: Vec::new(),
        };
        let number = effect.number;
        let entry = Entry {
            number,
            holder: gate.holder(hold),
            target,
            undo: undo.clone(),
            secret: false,
        };
        let held = hold || gate.scope().is_some();
        match held {
            true => gate.hold(entry),
            false => gate.stands(entry),
        }
        let announced = Announced {
            effect,
            holder: held.then(|| gate.holder(hold)),
            undo: Some(undo),
            uid: None,
            learns: None,
            secret: false,
        };
        let turned = pass.effect(
            announced,
            |intent| async move {
                if intent.dry_run() {
                    lock(&self.overlay).insert(lamp.to_owned(), after);
                    return Ok(());
                }
                self.device
                    .turn(&intent, lamp, after, intent.marker())
                    .await
            },
            |()| None,
        );
        turned
            .await
            .map_err(|unanswered| lost(gate, number, unanswered))?;
        Ok((after, number))
    }

    /// Puts a lamp back, unless somebody else has turned it since.
    async fn restore(&self, pass: &Pass, entry: &Entry) -> Result<PutBack, Failure> {
        let lamp = &entry.target.name;
        let (before, after) = values(entry)?;
        let intent = pass.put_back(entry.number)?;
        let marker = intent.marker().to_owned() + "-back";
        let end = Instant::now() + intent.retry_policy().length();
        loop {
            let came = async {
                let now = self
                    .device
                    .level(pass, lamp)
                    .await
                    .map_err(WriteError::surely)?;
                if now == before {
                    return Ok(PutBack::done(format!("is at {before} again")));
                }
                if now != after {
                    let left = format!("it is at {now} now, which somebody else set");
                    return Ok(PutBack::left_alone(vec![left]));
                }
                self.device.turn(&intent, lamp, before, &marker).await?;
                Ok(PutBack::done(format!("is at {before} again")))
            };
            match came.await {
                Ok(done) => return Ok(done),
                Err(WriteError { failure, .. })
                    if Instant::now() > end || failure.kind != Kind::Unavailable =>
                {
                    return Err(failure);
                }
                Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Returns what a turn failed with.
fn lost(gate: &Gate, number: u64, unanswered: WriteError) -> Failure {
    if !unanswered.uncertain {
        gate.did_not_happen(number);
        return unanswered.failure;
    }
    let message = "the answer of the lamps was lost";
    Failure::new(Kind::Uncertain, "toy.answer-lost", message).because(unanswered.failure.message)
}

/// Returns what a held lamp was at, and what the run has turned it to.
fn values(entry: &Entry) -> Result<(i32, i32), Failure> {
    let value = |value: &Option<Value>| i32::try_from(value.as_ref()?.as_i64()?).ok();
    let values = match &entry.undo {
        Undo::Fields { fields, .. } => fields
            .first()
            .and_then(|field| Some((value(&field.before)?, value(&field.after)?))),
        _ => None,
    };
    values.ok_or_else(|| {
        let message = format!("it is not on record what {} was", entry.target);
        Failure::new(Kind::Internal, "toy.not-kept", message)
    })
}

impl Capability for Lamps {
    fn name(&self) -> &'static str {
        TOY
    }

    fn put_back<'a>(
        &'a self,
        pass: &'a Pass,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<PutBack, Failure>> {
        Box::pin(self.restore(pass, entry))
    }

    fn lost<'a>(
        &'a self,
        pass: &'a Pass,
        entry: &'a Entry,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        Box::pin(async move {
            let now = self.device.level(pass, &entry.target.name).await?;
            let (_, after) = values(entry)?;
            Ok((now != after).then(|| format!("it is at {now} now")))
        })
    }

    fn imagine_put_back(&self, entry: &Entry) {
        if let Ok((before, _)) = values(entry) {
            lock(&self.overlay).insert(entry.target.name.clone(), before);
        }
    }

    fn rests_on(&self, _gate: &Gate) -> Option<Value> {
        let seen = lock(&self.seen).clone();
        (!seen.is_empty()).then(|| json!(seen))
    }

    fn changed<'a>(
        &'a self,
        pass: &'a Pass,
        rests_on: &'a Value,
    ) -> BoxFuture<'a, Result<Vec<String>, Failure>> {
        Box::pin(async move {
            let mut changes = Vec::new();
            for (lamp, before) in rests_on.as_object().into_iter().flatten() {
                let now = self.device.level(pass, lamp).await?;
                if *before != json!(now) {
                    changes.push(format!("lamp {lamp}: it was at {before}, and is at {now}"));
                }
            }
            Ok(changes)
        })
    }
}
