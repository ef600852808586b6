//! The guests of `tests/guests`, run by the real engine behind the real gate, against the simulated API server where they need one. Each
//! that misbehaves does so beside one that behaves, on one thread.

mod act;
mod artifact;
mod capability;
mod compiled;
mod cost;
mod deputy;
mod evict;
mod field;
mod hold;
mod lease;
mod limit;
mod namespace;
mod nested;
mod order;
mod overwrite;
mod plan;
mod rehearse;
mod resume;
mod right;
mod secret;
mod stop;
mod subresource;
mod told;
mod world;

use std::collections::BTreeSet;

use agent_core::Agent as _;
use agent_core::agent::State;

/// Tests by the guest that each is about: the name of its operation, and the test. A guest without one fails
/// [`every_guest_has_a_test`].
macro_rules! guests {
    ($($guest:literal: async fn $name:ident() $body:block)+) => {
        pub(crate) const TESTED: &[&str] = &[$($guest),+];
        $(
            #[tokio::test]
            async fn $name() $body
        )+
    };
}
pub(crate) use guests;

#[tokio::test]
async fn every_guest_has_a_test() {
    let world = world::World::new();
    let plugins = world.agent.plugins().await.expect("lists");
    let State::Usable(guests) = &plugins[0].state else {
        panic!("{plugins:?}");
    };
    let guests = guests.descriptor.operations.iter();
    let guests: BTreeSet<String> = guests.map(|it| it.name.to_string()).collect();
    let tested = [
        act::TESTED,
        limit::TESTED,
        cost::TESTED,
        right::TESTED,
        deputy::TESTED,
        evict::TESTED,
        field::TESTED,
        hold::TESTED,
        lease::TESTED,
        stop::TESTED,
        namespace::TESTED,
        nested::TESTED,
        order::TESTED,
        overwrite::TESTED,
        plan::TESTED,
        rehearse::TESTED,
        resume::TESTED,
        secret::TESTED,
        told::TESTED,
    ]
    .concat();
    let tested: BTreeSet<String> = tested.into_iter().map(str::to_owned).collect();
    assert_eq!(guests, tested);
}
