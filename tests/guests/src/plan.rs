//! Guests that do in a plan what plans go wrong with.

use agent_sdk::NoArgs;
use agent_sdk::prelude::*;

fn map(name: &str) -> ObjectRef {
    ObjectRef::new(kinds::CONFIG_MAP, "default", name)
}

fn manifest(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": "default" },
        "data": { "mode": "made" },
    })
}

fn set(name: &str, mode: &str) -> Change {
    Change::patch(&map(name), json!({ "data": { "mode": mode } }))
}

/// Behave well: change one object several times, and others that are made and removed on the way.
#[operation(risk = "destroy")]
pub(crate) fn change_often(_args: NoArgs) -> Result<Value> {
    run::confirm("remove what is spare?", &[])?;
    let mut seen = Vec::new();
    let mut look = |name: &str| -> Result<()> {
        let found = cluster::find(&map(name), &["/data/mode"])?;
        let mode = found.map_or_else(
            || "absent".to_owned(),
            |found| found.text("/data/mode").unwrap_or("none").to_owned(),
        );
        seen.push(format!("{name} {mode}"));
        Ok(())
    };
    cluster::hold(&[set("settings", "kept")], &[])?.0.keep()?;
    look("settings")?;
    // As it is already, so nothing is to be done.
    cluster::commit_one(set("settings", "kept"), &[])?;
    let (held, _) = cluster::hold(&[set("settings", "held")], &[])?;
    look("settings")?;
    held.release()?;
    look("settings")?;
    let name = format!("made-{}", run::id());
    cluster::commit_one(Change::create(kinds::CONFIG_MAP, manifest(&name)), &[])?;
    cluster::commit_one(
        Change::apply_forced(kinds::CONFIG_MAP, manifest(&name)),
        &[],
    )?;
    let asked =
        json!({ "metadata": { "annotations": { "example.org/requested-at": run::token() } } });
    cluster::commit_one(Change::signal(&map(&name), asked), &[])?;
    cluster::commit_one(Change::delete(&map(&name)), &[])?;
    cluster::commit_one(Change::delete(&map("spare")), &[])?;
    look("spare")?;
    cluster::commit_one(Change::create(kinds::CONFIG_MAP, manifest("spare")), &[])?;
    look("spare")?;
    Ok(json!(seen))
}

/// Behave well: change all that there is.
#[operation(risk = "change")]
pub(crate) fn change_all(_args: NoArgs) -> Result<Value> {
    let query = Query::all(kinds::CONFIG_MAP).namespace("default");
    let all = cluster::list(&query, &["/metadata/name"])?;
    for found in &all {
        cluster::commit_one(set(found.name(), "changed"), &[])?;
    }
    Ok(json!(all.len()))
}

/// Behave well: make, label and remove objects, and change what lists find afterwards.
#[operation(risk = "destroy")]
pub(crate) fn change_found(_args: NoArgs) -> Result<Value> {
    run::confirm("remove what is spare?", &[])?;
    let team = json!({ "metadata": { "labels": { "team": "guests" } } });
    let mut labelled = manifest("labelled");
    labelled["metadata"]["labels"] = team["metadata"]["labels"].clone();
    for manifest in [labelled, manifest("made")] {
        cluster::commit_one(Change::create(kinds::CONFIG_MAP, manifest), &[])?;
    }
    let labelling = Change::patch(&map("settings"), team);
    cluster::commit_one(labelling, &["/metadata/labels"])?;
    cluster::commit_one(Change::delete(&map("spare")), &[])?;
    let all = Query::all(kinds::CONFIG_MAP).namespace("default");
    let selected = [
        all.clone().labels("team=guests"),
        all.clone().labels("team notin (guests)").named("made"),
        all.clone().named("spare"),
        all,
    ];
    let mut seen = Vec::new();
    for (round, query) in selected.iter().enumerate() {
        let mut found = Vec::new();
        for one in cluster::list(query, &["/data/mode"])? {
            let mode = one.text("/data/mode").unwrap_or("none");
            found.push(format!("{} {mode}", one.name()));
            cluster::commit_one(set(one.name(), &format!("round-{round}")), &[])?;
        }
        seen.push(found.join(", "));
    }
    Ok(json!(seen))
}

/// Change something for good, and then what is in no plan.
#[operation(risk = "change")]
pub(crate) fn exceed_plan(_args: NoArgs) -> Result<Value> {
    cluster::commit_one(set("settings", "first"), &[])?;
    let mode = if run::planning() {
        "planned"
    } else {
        "another"
    };
    cluster::commit_one(set("spare", mode), &[])?;
    Ok(json!("done"))
}
