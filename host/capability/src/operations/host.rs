//! The WIT interface `ops:operations/operations`, implemented.

use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::journal::Returned;
use agent_core::undo::Scope;
use agent_gate::Gate;
use futures::{StreamExt as _, TryFutureExt as _, stream};
use serde_json::{Map, json};
use wasmtime::component::Resource;

use super::ask::Ask;
use super::invocation;
use super::overwrite::{self, Overwritten};
use crate::bindings::ops::operations::operations as wit;
use crate::bindings::ops::types::types::{Error, Invocation, Outcome};
use crate::ctx::PluginCtx;
use crate::holds::{self, Held, What};

/// How many operations of one batch run at the same time. Each has an instance with memory of its own.
const AT_ONCE: usize = 8;

impl wit::Host for PluginCtx {
    #[expect(
        clippy::result_large_err,
        reason = "the contract's error, as it is generated"
    )]
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
            .map(|done| done.map_err(|failure| self.told(failure)))
            .collect())
    }

    async fn hold(
        &mut self,
        invocations: Vec<Invocation>,
    ) -> wasmtime::Result<Result<(Resource<Held>, Vec<Outcome>), Error>> {
        let held = hold(&self.gate, invocations, self.limits.call_depth).await;
        Ok(held
            .and_then(|(held, outcomes)| Ok((self.hand_out(held)?, outcomes)))
            .map_err(|failure| self.told(failure)))
    }

    async fn overwrite(
        &mut self,
        overwriting: wit::Overwriting,
    ) -> wasmtime::Result<Result<Resource<Overwritten>, Error>> {
        let announced = overwrite::overwrite(&self.gate, overwriting).await;
        Ok(announced
            .and_then(|overwritten| self.hand_out(overwritten))
            .map_err(|failure| self.told(failure)))
    }
}

impl wit::HostOverwritten for PluginCtx {
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

/// Calls operations one after the other and holds what they change. One that fails, or of which a part fails, takes all of it back.
async fn hold(
    gate: &Gate,
    invocations: Vec<Invocation>,
    depth: usize,
) -> Result<(Held, Vec<Outcome>), Failure> {
    let scope = Scope {
        id: gate.next_call(),
        opener: gate.place().clone(),
    };
    let inside = || gate.held_in(&scope);
    // Kept as text until the last has ended, which is smaller.
    let mut outcomes = Vec::with_capacity(invocations.len());
    let mut paid = gate.memory().hold_anyway(0);
    let mut bytes = 0;
    for invocation in invocations {
        let name = invocation.operation.clone();
        let (place, scope) = (gate.next_call(), scope.clone());
        match call(gate.clone(), place, invocation, Some(scope), depth)
            .await
            .and_then(|returned| whole(&name, returned))
        {
            Ok(returned) => {
                let outcome = Outcome::from(returned);
                bytes += outcome.value.len() + outcome.summary.len();
                paid.set(bytes);
                outcomes.push(outcome);
            }
            Err(failure) => return Err(holds::given_up(gate, inside(), failure).await),
        }
    }
    let changed = gate.instant("changed", || !inside().is_empty())?;
    let held = Held {
        changed,
        what: What::Scope(scope),
    };
    Ok((held, outcomes))
}

fn whole(operation: &str, returned: Returned) -> Result<Returned, Failure> {
    if returned.failed == 0 {
        return Ok(returned);
    }
    let message = format!(
        "`{operation}` failed for {} of the things it worked on",
        returned.failed
    );
    let outcome = json!({
        "value": returned.value, "failed": returned.failed, "summary": returned.summary,
    });
    let details = Map::from_iter([("outcome".to_owned(), outcome)]);
    Err(Failure::new(Kind::Failed, "operations.failed-in-part", message).detailed(details))
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
        let operations = caller.operations().clone();
        operations.call(caller, here, operation, arguments, scope)
    })
    .await
}
