//! What the person must know before all backups stop.

use agent_sdk::prelude::*;

use super::find::Found;
use crate::source::Source;
use crate::text;

/// Asks. Returns when they agreed.
///
/// # Errors
///
/// `run.declined`, `run.cancelled`.
pub(super) fn ask(found: &Found, sources: &[Source]) -> Result<()> {
    run::confirm(
        "Stop VolSync until somebody resumes it?",
        &facts(found, sources, run::now()),
    )
}

fn facts(found: &Found, sources: &[Source], now: Timestamp) -> Vec<(&'static str, String)> {
    let others = found
        .scaled_objects
        .iter()
        .chain(&found.kustomizations)
        .chain(&found.releases);
    let mut stopped: Vec<String> = others.map(ToString::to_string).collect();
    stopped.push(format!("{} (at {})", found.deployment, found.replicas));
    let mut facts = vec![
        ("stopped", stopped.join(", ")),
        ("no backup of", apps(sources)),
    ];
    let awake = sources.iter().filter(|source| !source.paused());
    let next = awake.filter_map(|source| Some((source.next_sync()?, source)));
    if let Some((time, source)) = next.min_by_key(|(time, _)| *time) {
        let (namespace, name) = (&source.namespace, &source.name);
        facts.push((
            "first missed",
            format!("{namespace}/{name}, {}", text::ago(now, time)),
        ));
    }
    facts.push(("until", "agent run volsync.resume".to_owned()));
    facts
}

fn apps(sources: &[Source]) -> String {
    match sources.len() {
        0 => "nothing: there is no ReplicationSource".to_owned(),
        1 => "1 app".to_owned(),
        many => format!("{many} apps"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    fn found() -> Found {
        let target = |of: ObjectType| ObjectRef::new(of, "volsync-system", "volsync");
        Found {
            deployment: target(kinds::DEPLOYMENT),
            replicas: 1,
            before: None,
            scaled_objects: Vec::new(),
            kustomizations: vec![target(kinds::KUSTOMIZATION)],
            releases: vec![target(kinds::HELM_RELEASE)],
        }
    }

    #[test]
    fn person_is_told_what_stops_and_which_backup_is_missed_first() {
        let due = |name: &str, next: Value| {
            source(json!({"metadata": {"name": name}, "status": {"nextSyncTime": next}}))
        };
        let sources = [
            due("sonarr", json!("2026-11-23T14:00:00Z")),
            due("plex", json!("2026-11-23T12:00:00Z")),
            due("manual", Value::Null),
        ];
        let now = "2026-11-23T11:00:00Z".parse().expect("a time");
        let all = "kustomizations volsync-system/volsync, helmreleases volsync-system/volsync, deployments volsync-system/volsync (at 1)";
        let wanted = [
            ("stopped", all),
            ("no backup of", "3 apps"),
            ("first missed", "media/plex, in 1h"),
            ("until", "agent run volsync.resume"),
        ];
        assert_eq!(
            facts(&found(), &sources, now),
            wanted.map(|(label, value)| (label, value.to_owned()))
        );
    }

    #[test]
    fn cluster_without_backups_misses_none() {
        let now = "2026-11-23T11:00:00Z".parse().expect("a time");
        let facts = facts(&found(), &[], now);
        assert!(facts.iter().all(|(label, _)| *label != "first missed"));
    }
}
