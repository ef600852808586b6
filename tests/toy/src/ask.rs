//! What a guest asks of the lamps.

use std::fmt;

use agent_core::effect::Verb;
use agent_core::failure::Failure;
use agent_gate::{Access, Gate, Request, denial};

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

    fn access(&self) -> Access {
        match self {
            Ask::Look(_) => Access::Read,
            Ask::Turn(_) => Access::Write,
        }
    }

    fn allowed(&self, gate: &Gate) -> Result<(), Failure> {
        let (verb, lamp) = self.parts();
        denial::named(gate, &format!("{verb} the lamp"), TOY, verb, lamp)
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, lamp) = self.parts();
        write!(f, "{verb} lamp {lamp}")
    }
}
