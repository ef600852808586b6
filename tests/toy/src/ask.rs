//! What a guest asks of the lamps.

use std::fmt;

use agent_core::effect::Verb;
use agent_core::failure::Failure;
use agent_core::grant::{NamedRight, Right};
use agent_gate::{Gate, Kind, Request, denial};

pub(crate) const TOY: &str = "toy";
pub(crate) const LOOK: &str = "look";
pub(crate) const TURN: Verb = Verb::of("turn");

pub(crate) enum Ask {
    Look(String),
    Turn(String),
}

impl Ask {
    fn parts(&self) -> (&str, &str) {
        match self {
            Ask::Look(lamp) => (LOOK, lamp),
            Ask::Turn(lamp) => ("turn", lamp),
        }
    }
}

impl Request for Ask {
    fn capability(&self) -> &'static str {
        TOY
    }

    fn kind(&self) -> Kind {
        match self {
            Ask::Look(_) => Kind::Read,
            Ask::Turn(_) => Kind::Write,
        }
    }

    fn allowed(&self, gate: &Gate) -> Result<(), Failure> {
        let (verb, lamp) = self.parts();
        if gate.grants().allow_named(TOY, verb, lamp) {
            return Ok(());
        }
        let message = format!(
            "plugin `{}` may not {verb} `{lamp}`",
            denial::plugin_id(gate)
        );
        let right = || -> Option<Right> {
            Some(Right::Named(NamedRight {
                capability: TOY.parse().ok()?,
                verb: Some(verb.parse().ok()?),
                name: Some(lamp.parse().ok()?),
            }))
        };
        let (code, power) = ("toy.not-granted", format!("toy.{verb}"));
        let rights = right().into_iter().collect();
        Err(denial::outside(gate, code, message, &power, rights))
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, lamp) = self.parts();
        write!(f, "{verb} lamp {lamp}")
    }
}
