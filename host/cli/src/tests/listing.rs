//! What there is.

use insta::assert_snapshot;

use super::scene::scene;

#[tokio::test(start_paused = true)]
async fn operations_are_listed_by_domain() {
    assert_snapshot!(
        "list",
        scene("agent list").with_refused_plugin().shoot().await
    );
    assert_snapshot!("list_40", scene("agent list").screen(40, "").shoot().await);
    assert_snapshot!("list_json", scene("agent list -o json").shoot().await);
    assert_snapshot!("run_without_operation", scene("agent run").shoot().await);
    assert_snapshot!("run_domain", scene("agent run volsync").shoot().await);
}

#[tokio::test(start_paused = true)]
async fn plugins_are_listed_inspected_and_granted() {
    assert_snapshot!(
        "plugin_list",
        scene("agent plugin list")
            .with_refused_plugin()
            .shoot()
            .await
    );
    assert_snapshot!(
        "plugin_inspect",
        scene("agent plugin inspect volsync").shoot().await
    );
    assert_snapshot!(
        "plugin_inspect_refused",
        scene("agent plugin inspect ./empty.wasm")
            .with_refused_plugin()
            .shoot()
            .await
    );
    assert_snapshot!(
        "plugin_inspect_yaml",
        scene("agent plugin inspect volsync -o yaml").shoot().await
    );
    assert_snapshot!(
        "plugin_grant",
        scene("agent plugin grant volsync cluster:delete:pods:media operations:call:flux.suspend")
            .shoot()
            .await
    );
}

#[tokio::test(start_paused = true)]
async fn bundled_plugin_needs_no_grant_and_is_told_to_have_got_none() {
    let shot = scene("agent plugin grant flux cluster:delete:pods:media")
        .shoot()
        .await;
    assert_eq!(shot.code, 0, "{shot}");
    assert_eq!(
        shot.stdout,
        "plugin flux comes with the agent, has all that it asks for, and needs no grant\n"
    );
    assert_eq!(shot.stderr, "");
}
