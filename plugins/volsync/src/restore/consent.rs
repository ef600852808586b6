//! What the person must know before they agree.

use agent_sdk::prelude::*;

use super::Restore;
use super::look::Scene;
use crate::restic::Snapshot;
use crate::restic::selection::Wish;
use crate::text;

/// Asks. Returns when they agreed.
///
/// # Errors
///
/// `run.declined`, `run.cancelled`.
pub(super) fn ask(
    scene: &Scene,
    wish: &Wish,
    chosen: Option<&Snapshot>,
    args: &Restore,
) -> Result<()> {
    let facts = facts(scene, wish, chosen, args, run::now());
    let question = format!(
        "Overwrite volume `{}` of `{}/{}`?",
        scene.source.claim(),
        scene.source.namespace,
        scene.app
    );
    run::confirm(&question, &facts)
}

fn facts(
    scene: &Scene,
    wish: &Wish,
    chosen: Option<&Snapshot>,
    args: &Restore,
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let mut facts = match chosen {
        Some(snapshot) => vec![
            ("snapshot", snapshot.short().to_owned()),
            (
                "made",
                format!("{} ({})", snapshot.time, text::ago(now, snapshot.time)),
            ),
            ("paths", snapshot.paths.join(", ")),
        ],
        None => vec![("snapshot", unresolved(wish))],
    };
    if let Some(summary) = chosen.and_then(|snapshot| snapshot.summary.as_ref()) {
        let size = text::bytes(summary.total_bytes_processed);
        facts.push((
            "size",
            format!("{} files, {size}", summary.total_files_processed),
        ));
    }
    facts.push((
        "into",
        format!(
            "PersistentVolumeClaim {}/{}; files that are not in the snapshot are deleted",
            scene.source.namespace,
            scene.source.claim()
        ),
    ));
    facts.push(("down meanwhile", list(&scene.down(), "nothing")));
    if !scene.services.is_empty() {
        let services = format!("users of the services {}", scene.services.join(", "));
        facts.push(("for", services));
    }
    facts.push(("present state", present(scene, args)));
    facts.extend(scene.notes.iter().map(|note| ("note", note.clone())));
    facts
}

fn present(scene: &Scene, args: &Restore) -> String {
    if args.no_safety_snapshot {
        return "is lost: --no-safety-snapshot was given".to_owned();
    }
    match scene.source.broken() {
        Some(why) => format!("is lost: it cannot be backed up, for {why}"),
        None => "is backed up first".to_owned(),
    }
}

/// A plan cannot read the list.
fn unresolved(wish: &Wish) -> String {
    let which = match wish {
        Wish::Previous(0) => "the newest".to_owned(),
        Wish::Previous(skip) => format!("the newest but {skip}"),
        Wish::AsOf(moment) => format!("the newest that is not younger than {moment}"),
        Wish::Id(id) => format!("the one whose id begins with {id}"),
    };
    format!("{which}; resolved when the run starts")
}

fn list(items: &[String], none: &str) -> String {
    if items.is_empty() {
        none.to_owned()
    } else {
        items.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plan_says_that_the_snapshot_is_resolved_later() {
        assert_eq!(
            unresolved(&Wish::Previous(0)),
            "the newest; resolved when the run starts"
        );
        assert_eq!(
            unresolved(&Wish::Previous(2)),
            "the newest but 2; resolved when the run starts"
        );
    }
}
