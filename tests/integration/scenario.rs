//! One list of scenarios, two worlds.
//!
//! [`scenarios!`] makes of each scenario a test in a simulated cluster of its own, and a row of the module's `ALL`, which the
//! test of the real control plane runs. So there is none that only one world knows, unless it says why.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::future::LocalBoxFuture;
use futures::{FutureExt as _, StreamExt as _};

use super::world::World;

/// A scenario, as a row.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Why the real world does not run it.
    pub(crate) simulated_only: Option<&'static str>,
    pub(crate) play: for<'a> fn(&'a World) -> LocalBoxFuture<'a, ()>,
}

/// Lists the scenarios of a module: `name` for both worlds, `name: "reason"` for the simulated one only.
macro_rules! scenarios {
    ($($name:ident $(: $reason:literal)?),* $(,)?) => {
        /// The scenarios of this module.
        pub(crate) const ALL: &[crate::integration::scenario::Scenario] = &[$(
            crate::integration::scenario::Scenario {
                name: concat!(module_path!(), "::", stringify!($name)),
                simulated_only: crate::integration::scenario::reason!($($reason)?),
                play: |world| Box::pin($name(world)),
            },
        )*];

        mod sandbox {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name(&crate::integration::world::World::sandbox().await).await;
                }
            )*
        }
    };
}

macro_rules! reason {
    () => {
        None
    };
    ($reason:literal) => {
        Some($reason)
    };
}

pub(crate) use reason;
pub(crate) use scenarios;

/// Plays one; says how it failed, if it did.
#[expect(
    clippy::print_stdout,
    reason = "what runs for minutes shows how far it is"
)]
async fn play(scenario: &Scenario, world: &World) -> Option<String> {
    let begin = Instant::now();
    let played = AssertUnwindSafe((scenario.play)(world))
        .catch_unwind()
        .await;
    let word = if played.is_ok() { "holds" } else { "FAILED" };
    let seconds = begin.elapsed().as_secs_f64();
    println!("{word} after {seconds:.1} s: {}", scenario.name);
    let panic = played.err()?;
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    Some(text.unwrap_or_else(|| "it panicked".to_owned()))
}

/// Every scenario of every module.
fn all() -> impl Iterator<Item = &'static Scenario> {
    let modules = [
        super::contract::ALL,
        super::damage::ALL,
        super::fault::ALL,
        super::flux::ALL,
        super::flux::trap::ALL,
        super::flux::wait::ALL,
        super::full::ALL,
        super::keda::ALL,
        super::refused::ALL,
        super::restore::ALL,
        super::kill::ALL,
        super::kill::power::ALL,
        super::plan::ALL,
        super::runs::ALL,
        super::restore::failing::ALL,
        super::restore::spoiled::ALL,
        super::volsync::ALL,
        super::volsync::blocked::ALL,
        super::volsync::trigger::ALL,
        super::whole_volsync::ALL,
    ];
    modules.into_iter().flatten()
}

/// How many scenarios run side by side on the one control plane; each has its own app.
const AT_ONCE: usize = 4;

/// All scenarios on the real control plane, which is started once. `AGENT_TEST_ONLY` names those to run, by a part of the name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_holds_on_the_real_control_plane() {
    let only = std::env::var("AGENT_TEST_ONLY").unwrap_or_default();
    let world = World::testbed().await;
    let chosen = all().filter(|one| one.simulated_only.is_none() && one.name.contains(&only));
    let played = futures::stream::iter(chosen)
        .map(|scenario| async { (scenario.name, play(scenario, &world).await) })
        .buffer_unordered(AT_ONCE);
    let played: Vec<_> = played.collect().await;
    let failed: Vec<_> = played
        .iter()
        .filter_map(|(name, failure)| Some(format!("{name}: {}", failure.as_deref()?)))
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} scenarios failed\n\n{}",
        failed.len(),
        played.len(),
        failed.join("\n\n")
    );
}
