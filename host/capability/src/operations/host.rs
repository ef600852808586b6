//! The WIT interface `ops:operations/operations`, implemented.

use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::journal::Returned;
use agent_core::undo::Scope;
use futures::{StreamExt as _, TryFutureExt as _, stream};
use wasmtime::component::Resource;

use super::overwrite::{self, Overwritten};
use super::{Held, invocation};
use crate::bindings::ops::operations::operations as wit;
use crate::bindings::ops::types::types::{Error, Invocation, Outcome};
use crate::cluster;
use crate::gate::{Ask, Gate};
use crate::powers::Powers;

/// How many operations of one batch run at the same time. Each has an instance with memory of its own.
const AT_ONCE: usize = 8;

impl wit::Host for Powers {
    async fn call(
        &mut self,
        invocations: Vec<Invocation>,
    ) -> wasmtime::Result<Vec<Result<Outcome, Error>>> {
        let depth = self.limits.call_depth;
        let called = stream::iter(invocations)
            .map(|invocation| {
                let place = self.gate.next_call();
                let called = call(self.gate.clone(), place, invocation, None, depth);
                // The others of the batch may take long: until then it is kept as text, which is smaller.
                called.map_ok(Outcome::from)
            })
            .buffered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        Ok(called
            .into_iter()
            .map(|done| done.map_err(|failure| self.gate.told(failure)))
            .collect())
    }

    async fn hold(
        &mut self,
        invocations: Vec<Invocation>,
    ) -> wasmtime::Result<Result<Resource<Held>, Error>> {
        let held = hold(&self.gate, invocations, self.limits.call_depth).await;
        Ok(held
            .and_then(|held| self.hand_out(held))
            .map_err(|failure| self.gate.told(failure)))
    }

    async fn overwrite(
        &mut self,
        overwriting: wit::Overwriting,
    ) -> wasmtime::Result<Result<Resource<Overwritten>, Error>> {
        let announced = overwrite::overwrite(&self.gate, overwriting).await;
        Ok(announced
            .and_then(|overwritten| self.hand_out(overwritten))
            .map_err(|failure| self.gate.told(failure)))
    }
}

impl wit::HostOverwritten for Powers {
    fn settle(&mut self, overwritten: Resource<Overwritten>) -> wasmtime::Result<()> {
        self.table.get(&overwritten)?.settle();
        Ok(())
    }

    fn withdraw(&mut self, overwritten: Resource<Overwritten>) -> wasmtime::Result<()> {
        self.table.get(&overwritten)?.withdraw();
        Ok(())
    }

    fn drop(&mut self, overwritten: Resource<Overwritten>) -> wasmtime::Result<()> {
        // It stays announced: only a settled one is nobody's business any more.
        self.table.delete(overwritten)?;
        Ok(())
    }
}

impl wit::HostHeld for Powers {
    fn outcomes(&mut self, held: Resource<Held>) -> wasmtime::Result<Vec<Outcome>> {
        Ok(self
            .table
            .get(&held)?
            .outcomes
            .iter()
            .cloned()
            .map(Outcome::from)
            .collect())
    }

    fn changed(&mut self, held: Resource<Held>) -> wasmtime::Result<bool> {
        let held = self.table.get(&held)?;
        Ok(held
            .gate
            .instant("changed", || !held.numbers().is_empty())?)
    }

    async fn release(
        &mut self,
        held: Resource<Held>,
    ) -> wasmtime::Result<Result<Vec<String>, Error>> {
        let held = self.table.get(&held)?;
        Ok(cluster::release(&held.gate, &held.numbers())
            .await
            .map_err(|failure| self.gate.told(failure)))
    }

    fn keep(&mut self, held: Resource<Held>) -> wasmtime::Result<()> {
        let held = self.table.get(&held)?;
        held.gate.keep(&held.numbers());
        Ok(())
    }

    async fn drop(&mut self, held: Resource<Held>) -> wasmtime::Result<()> {
        let held = self.table.delete(held)?;
        // What cannot be put back now stays in the ledger, and is tried once more when the run ends.
        held.gate.release_dropped(held.numbers()).await;
        Ok(())
    }
}

/// Calls operations one after the other and holds what they change. One that fails, or of which a part fails, takes all of it back.
async fn hold(gate: &Gate, invocations: Vec<Invocation>, depth: usize) -> Result<Held, Failure> {
    let scope = Scope {
        id: gate.next_call(),
        opener: gate.actor.id.clone(),
    };
    let mut held = Held {
        gate: gate.clone(),
        scope,
        outcomes: Vec::with_capacity(invocations.len()),
        paid: gate.memory().hold_anyway(0),
    };
    for invocation in invocations {
        let name = invocation.operation.clone();
        let (place, scope) = (gate.next_call(), held.scope.clone());
        match call(gate.clone(), place, invocation, Some(scope), depth)
            .await
            .and_then(|returned| whole(&name, returned))
        {
            Ok(returned) => held.keep(returned),
            Err(failure) => {
                return Err(cluster::given_up(gate, &held.numbers(), failure).await);
            }
        }
    }
    Ok(held)
}

fn whole(operation: &str, returned: Returned) -> Result<Returned, Failure> {
    if returned.failed == 0 {
        return Ok(returned);
    }
    let message = format!(
        "`{operation}` failed for {} of the things it worked on",
        returned.failed
    );
    Err(
        Failure::new(Kind::Internal, "operations.failed-in-part", message)
            .because(returned.value.to_string()),
    )
}

async fn call(
    gate: Gate,
    place: CallId,
    invocation: Invocation,
    scope: Option<Scope>,
    depth: usize,
) -> Result<Returned, Failure> {
    let _worked_on = gate.memory().hold_document(&invocation.arguments)?;
    let (operation, arguments) = self::invocation(&invocation)?;
    if gate.depth() as usize + 1 >= depth {
        return Err(Failure::new(
            Kind::Exhausted,
            "operations.too-deep",
            format!("operations call each other more than {depth} deep"),
        ));
    }
    let (caller, here) = (gate.clone(), place.clone());
    gate.admit(place, Ask::Call(operation.clone()), |_pass| {
        let operations = caller.run.operations.clone();
        operations.call(caller, here, operation, arguments, scope)
    })
    .await
}
