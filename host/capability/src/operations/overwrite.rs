//! Announcing what others are about to overwrite, and what undoes it.

use agent_core::effect::{Recovery, Verb};
use agent_core::failure::{Failure, Kind};
use agent_core::limits::TEXT;
use agent_core::object::ObjectRef;
use agent_core::undo::{Callee, Compensation, Undo};
use agent_gate::{Announced, Draft, Entry, Gate, Pass, WriteError};

use super::ask::Ask;
use super::invocation;
use crate::bindings::ops::operations::operations as wit;
use crate::cluster;

/// What may be overwritten by now.
pub struct Overwritten {
    gate: Gate,
    /// The number of the effect; none while a compensation runs.
    number: Option<u64>,
}

impl Overwritten {
    pub(super) fn settle(&self) {
        if let Some(number) = self.number {
            self.gate.settle_overwriting(number);
        }
    }

    pub(super) fn withdraw(&self) {
        if let Some(number) = self.number {
            self.gate.withdraw_overwriting(number);
        }
    }
}

/// Announces it.
pub(super) async fn overwrite(gate: &Gate, what: wit::Overwriting) -> Result<Overwritten, Failure> {
    let number = match gate.is_compensating() {
        true => None,
        false => Some(announce(gate, what).await?),
    };
    let gate = gate.clone();
    Ok(Overwritten { gate, number })
}

async fn announce(gate: &Gate, what: wit::Overwriting) -> Result<u64, Failure> {
    if what.by_hand.len() > TEXT {
        let message = format!("what a person does by hand is longer than {TEXT} bytes");
        return Err(Failure::new(Kind::Invalid, "operations.arguments", message));
    }
    let target = cluster::object_ref(what.target)?;
    let called = what
        .compensation
        .map(|call| invocation(&call))
        .transpose()?;
    let operation = called.as_ref().map(|(operation, _)| operation.clone());
    let ask = Ask::Overwrite(target.clone(), operation);
    gate.admit(gate.next_call(), ask, |pass| async move {
        let call = match called {
            None => None,
            Some((operation, arguments)) => Some(Callee {
                digest: pass
                    .gate()
                    .operations()
                    .find(pass.gate(), &operation, &arguments)?,
                risk: pass.gate().grants().risk(),
                within: pass.gate().grants().bounds_for(&operation),
                operation,
                arguments,
                sealed: None,
            }),
        };
        let by_hand = what.by_hand;
        put_on_record(&pass, target, Compensation { call, by_hand }).await
    })
    .await
}

/// The effect is in the ledger before whoever brings it about can hear of it. Returns its number.
async fn put_on_record(pass: &Pass, target: ObjectRef, how: Compensation) -> Result<u64, Failure> {
    let gate = pass.gate();
    let mut effect = gate.effect(Draft {
        verb: Verb::OVERWRITE,
        // Announcing it once more changes nothing.
        recovery: Recovery::Retry,
        target: (&target).into(),
        fields: how.fields(),
        shown: None,
        temporary: false,
    });
    let undo = Undo::Compensate(how);
    if let Some(before) = pass.attempts().last() {
        effect.number = before.effect().number;
    }
    let (number, holder) = (effect.number, gate.holder(true));
    gate.hold(Entry {
        number,
        holder: holder.clone(),
        target: (&target).into(),
        undo: undo.clone(),
        secret: false,
    });
    let announced = Announced {
        effect,
        holder: Some(holder),
        undo: Some(undo),
        uid: None,
        learns: None,
        secret: false,
    };
    let done = pass.effect(
        announced,
        |_intent| async { Ok::<_, WriteError>(()) },
        |()| None,
    );
    done.await.map_err(|error| {
        gate.did_not_happen(number);
        Failure::from(error)
    })?;
    Ok(number)
}
