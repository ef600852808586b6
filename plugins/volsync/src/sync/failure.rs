//! Why a source is not synchronised, in words. Pure.

use agent_sdk::prelude::*;

use crate::restic::{cause, log};
use crate::source::Source;

/// Why a source cannot be synchronised at all.
pub(super) fn refusal(source: &Source) -> Option<Error> {
    let name = format!("{}/{}", source.namespace, source.name);
    if matches!(source.mover(), "syncthing" | "external" | "none") {
        return Some(Error::unsupported(
            "volsync.no-trigger",
            format!(
                "`{name}` uses the mover `{}`, which has no manual trigger",
                source.mover()
            ),
        ));
    }
    source.paused().then(|| {
        Error::conflict(
            "volsync.paused",
            format!("`{name}` is paused, so VolSync would not run a mover"),
        )
        .hint("set `spec.paused` to false where it was set")
    })
}

pub(super) fn failure(kind: Kind, source: &Source, what: &str, log: &str) -> Error {
    let message = format!(
        "`{}/{}` was not backed up: {what}",
        source.namespace, source.name
    );
    let mut error = Error::new(kind, "volsync.sync-failed", message);
    if let Some(why) = cause::why(None, log) {
        error = error.cause(why);
    }
    let lines = log::tail(log, 4).into_iter();
    error = lines.fold(error, |error, line| error.cause(format!("log: {line}")));
    match cause::remedy(log, source) {
        Some(remedy) => error.hint(remedy),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    #[test]
    fn paused_source_is_refused_because_its_mover_would_never_run() {
        let error = refusal(&source(json!({"spec": {"paused": true}}))).expect("refused");
        assert_eq!(error.code(), "volsync.paused");
        assert!(refusal(&source(json!({}))).is_none());
    }

    #[test]
    fn movers_without_a_trigger_are_refused() {
        let syncthing = source(json!({"spec": {"restic": null, "syncthing": {}}}));
        assert_eq!(
            refusal(&syncthing)
                .map(|error| error.code().to_owned())
                .as_deref(),
            Some("volsync.no-trigger")
        );
    }

    #[test]
    fn locked_repository_hints_at_unlock() {
        let error = failure(
            Kind::Conflict,
            &source(json!({})),
            "its mover failed",
            "Fatal: repository is already locked by PID 7\n",
        );
        assert_eq!(error.remedy(), Some("agent run volsync.unlock media plex"));
        assert!(error.causes().iter().any(|cause| cause.contains("PID 7")));
    }
}
