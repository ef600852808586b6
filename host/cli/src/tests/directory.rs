//! What lies in the plugin directory is in the way of no command that does not need it.

use agent_core::agent::Origin;

use super::plugins;
use super::remembering::all;
use super::scene::scene;

#[tokio::test(start_paused = true)]
async fn runs_and_what_is_at_hand_are_told_without_the_directory() {
    for line in [
        "agent runs",
        "agent runs show last",
        "agent undo last --yes",
        "agent resume last --yes",
        "agent run flux.sync ks media plex --yes",
        "agent run flux.sync --help",
        "agent __complete 2 -- agent undo ",
        "agent __complete 4 -- agent run flux.sync ks ",
    ] {
        let shot = scene(line).remembers(all()).shoot().await;
        assert_eq!(shot.looked_everywhere, 0, "{line}: {}", shot.stderr);
    }
    for line in ["agent list", "agent plugin list", "agent run flux"] {
        assert!(scene(line).shoot().await.looked_everywhere > 0, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn plugin_that_stands_in_for_another_one_is_said_to_wherever_plugins_are_listed() {
    for line in ["agent list", "agent plugin list", "agent run"] {
        let mut double = plugins::vault();
        double.origin = Origin::File("./flux.wasm".to_owned());
        double.in_place_of = Some(Origin::Bundled);
        let shot = scene(line).has_plugin(double).shoot().await;
        let said = "`./flux.wasm` stands in for the plugin `vault` from `bundled`";
        let told = shot.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(said), "{line}: {told}");
    }
}
