//! From the name of an app to its ReplicationSource. Reads only.

use agent_sdk::prelude::*;

use crate::source::{self, Source};

/// Reads the sources of a namespace, or of all.
///
/// # Errors
///
/// `unsupported` when VolSync is not installed.
pub(crate) fn sources(namespace: Option<&str>) -> Result<Vec<Source>> {
    let query = Query::all(kinds::REPLICATION_SOURCE).namespace(namespace);
    let objects = cluster::list(&query, &source::FIELDS)?;
    Ok(objects
        .into_iter()
        .map(|object| Source::new(object.0))
        .collect())
}

/// Finds the source of an app.
///
/// # Errors
///
/// `volsync.unknown-app` with the known ones, `volsync.ambiguous-app` with the names to choose from.
pub(crate) fn source(namespace: &str, app: &str) -> Result<Source> {
    let sources = sources(Some(namespace))?;
    match source::of_app(&sources, app) {
        Ok(source) => Ok(source.clone()),
        Err(names) if names.is_empty() => {
            let everywhere = self::sources(None)?;
            Err(unknown(namespace, app, &everywhere))
        }
        Err(names) => Err(Error::invalid(
            "volsync.ambiguous-app",
            format!("several ReplicationSources back up `{app}` in namespace `{namespace}`"),
        )
        .hint(format!("name one of them: {}", names.join(", ")))),
    }
}

/// Reads the other sources that back up the claim of a source.
///
/// # Errors
///
/// Those of the list.
pub(crate) fn siblings(source: &Source) -> Result<Vec<Source>> {
    let all = sources(Some(&source.namespace))?;
    let others = all
        .into_iter()
        .filter(|other| other.uid != source.uid && other.claim() == source.claim());
    Ok(others.collect())
}

/// Reads a source again; none when it is gone.
///
/// # Errors
///
/// Those of the read.
pub(crate) fn again(source: &Source) -> Result<Option<Source>> {
    let object = cluster::find(&source.target(), &source::FIELDS)?;
    Ok(object.map(|object| Source::new(object.0)))
}

/// Refuses a source whose mover is not restic, because its repository is not one.
///
/// # Errors
///
/// `volsync.not-restic`.
pub(crate) fn require_restic(source: &Source) -> Result<()> {
    if source.restic().is_some() {
        return Ok(());
    }
    Err(Error::unsupported(
        "volsync.not-restic",
        format!(
            "ReplicationSource `{}/{}` uses the mover `{}`, and only restic repositories can be listed, unlocked and restored from",
            source.namespace,
            source.name,
            source.mover()
        ),
    ))
}

fn unknown(namespace: &str, app: &str, everywhere: &[Source]) -> Error {
    let error = Error::not_found(
        "volsync.unknown-app",
        format!("no ReplicationSource backs up `{app}` in namespace `{namespace}`"),
    );
    match hint(namespace, app, everywhere) {
        Some(hint) => error.hint(hint),
        None => error.cause("there is no ReplicationSource in the whole cluster"),
    }
}

/// Names the same app elsewhere, else the known ones of the namespace with the nearest first, else those of everywhere.
fn hint(namespace: &str, app: &str, everywhere: &[Source]) -> Option<String> {
    if everywhere.is_empty() {
        return None;
    }
    if let Some(elsewhere) = everywhere.iter().find(|source| source.name == app) {
        return Some(format!("it is in namespace `{}`", elsewhere.namespace));
    }
    let here: Vec<_> = everywhere
        .iter()
        .filter(|source| source.namespace == namespace)
        .map(|source| source.name.clone())
        .collect();
    let (place, names) = if here.is_empty() {
        let all = everywhere
            .iter()
            .map(|source| format!("{}/{}", source.namespace, source.name));
        ("everywhere".to_owned(), all.collect())
    } else {
        (format!("in `{namespace}`"), here)
    };
    let names = nearest_first(app, names);
    Some(format!("known {place}: {}", names.join(", ")))
}

fn nearest_first(app: &str, mut names: Vec<String>) -> Vec<String> {
    let likeness = |name: &String| {
        let bare = name.rsplit('/').next().unwrap_or(name);
        (strsim::jaro_winkler(app, bare) * 1000.0) as i64
    };
    names.sort_by(|a, b| likeness(b).cmp(&likeness(a)).then_with(|| a.cmp(b)));
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    fn named(namespace: &str, name: &str) -> Source {
        source(json!({"metadata": {"name": name, "namespace": namespace}}))
    }

    #[test]
    fn unknown_app_lists_the_known_ones_nearest_first() {
        let known = [
            named("media", "bazarr"),
            named("media", "plex"),
            named("home", "zigbee2mqtt"),
        ];
        let error = unknown("media", "plx", &known);
        assert_eq!(error.remedy(), Some("known in `media`: plex, bazarr"));
        let error = unknown("medai", "plx", &known);
        assert_eq!(
            error.remedy(),
            Some("known everywhere: media/plex, home/zigbee2mqtt, media/bazarr")
        );
    }

    #[test]
    fn app_of_another_namespace_is_named_with_it() {
        let error = unknown(
            "home",
            "plex",
            &[named("media", "plex"), named("home", "x")],
        );
        assert_eq!(error.remedy(), Some("it is in namespace `media`"));
    }

    #[test]
    fn source_without_a_restic_section_is_refused_with_its_mover() {
        let kopia = source(json!({"spec": {"restic": null, "kopia": {"repository": "x"}}}));
        let error = require_restic(&kopia).expect_err("refused");
        assert_eq!(error.code(), "volsync.not-restic");
        assert!(error.message().contains("`kopia`"));
    }
}
