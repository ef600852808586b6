//! The WIT interface `ops:toy/lamps`, implemented.

use agent_capability::bindings::ops::types::types::Error;
use agent_capability::holds::Held;
use agent_capability::{Gate, PluginCtx, PluginView as _};
use agent_core::failure::Failure;
use agent_engine::{Noun, State};
use wasmtime::component::{HasData, Linker, Resource};

use crate::ask::Ask;
use crate::{Device, Lamps};

wasmtime::component::bindgen!({
    path: ["../../wit", "wit"],
    world: "ops:toy/toy",
    imports: { default: async | trappable },
    with: {
        "ops:types/types": agent_capability::bindings::ops::types::types,
        "ops:types/holds": agent_capability::bindings::ops::types::holds,
    },
});

use ops::toy::lamps as wit;

/// The context of an instance, as this capability uses them.
pub(crate) struct View<'a>(&'a mut PluginCtx);

struct Bound;

impl HasData for Bound {
    type Data<'a> = View<'a>;
}

impl Noun for Device {
    fn link(&self, linker: &mut Linker<State>) -> wasmtime::Result<()> {
        wit::add_to_linker::<State, Bound>(linker, |state| View(state.ctx()))
    }
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl wit::Host for View<'_> {
    async fn level(&mut self, lamp: String) -> Answer<i32> {
        let level = look(self.0.gate(), lamp).await;
        Ok(level.map_err(|failure| self.0.told(failure)))
    }

    async fn turn(&mut self, lamp: String, by: i32) -> Answer<i32> {
        let turned = turn(self.0.gate(), lamp, by, false).await;
        Ok(turned
            .map(|(level, _)| level)
            .map_err(|failure| self.0.told(failure)))
    }

    async fn hold(&mut self, lamp: String, by: i32) -> Answer<Resource<Held>> {
        let turned = turn(self.0.gate(), lamp, by, true).await;
        let held = turned.and_then(|(_, number)| self.0.hand_out(Held::changes(vec![number])));
        Ok(held.map_err(|failure| self.0.told(failure)))
    }
}

async fn look(gate: &Gate, lamp: String) -> Result<i32, Failure> {
    let lamps = gate.capability::<Lamps>()?;
    let ask = Ask::Look(lamp.clone());
    let look = |pass| async move { lamps.look(&pass, &lamp).await };
    gate.admit(gate.next_call(), ask, look).await
}

/// Returns how bright it is then, and the number of the effect.
async fn turn(gate: &Gate, lamp: String, by: i32, hold: bool) -> Result<(i32, u64), Failure> {
    let lamps = gate.capability::<Lamps>()?;
    let ask = Ask::Turn(lamp.clone());
    let turn = |pass| async move { lamps.turn(&pass, &lamp, by, hold).await };
    gate.admit(gate.next_call(), ask, turn).await
}
