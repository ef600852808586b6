//! The manual tag on a ReplicationSource.
//!
//! While there is one, VolSync ignores the schedule, and putting an old one back starts a synchronisation that nobody asked for. So where
//! there was none, the tag is held and taken away again. Where one was left behind and VolSync has handled it, the schedule is off already:
//! the new tag then stays in its place, which changes nothing but the text.
//!
//! VolSync confirms the tag that it finds when a synchronisation *ends*. So a tag is set only on a source at rest, by a patch that rests on the
//! version in which it was seen at rest: whoever was faster is noticed by the API server.

use agent_sdk::prelude::*;

use crate::source::Source;

/// A schedule that does not come while anybody waits for it. No backup has it by itself, so it also tells other runs to keep off.
pub(crate) const NEVER: &str = "0 0 29 2 *";
/// The beginning of a tag that stays. Without it, it would look like one that a run holds.
const STAYS: &str = "agent-";

/// What stands between a source and a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing.
    Free,
    /// A tag that VolSync has handled: it was left behind, and the new one takes its place.
    LeftBehind,
    /// A mover runs. A tag that is set now would claim its result.
    Mover,
    /// A tag that VolSync has not handled: a mover will run.
    Asked(String),
    /// Another run of an agent keeps the source for itself.
    Taken,
}

impl Turn {
    /// Says whose turn it is. `quiet`: its schedule is held by this very run. Pure.
    pub(crate) fn of(source: &Source, quiet: bool) -> Turn {
        if source.synchronizing() {
            return Turn::Mover;
        }
        match source.manual() {
            Some(tag) if is_held(tag) => Turn::Taken,
            Some(tag) if source.last_manual() == Some(tag) => Turn::LeftBehind,
            Some(tag) => Turn::Asked(tag.to_owned()),
            None if source.schedule() == Some(NEVER) && !quiet => Turn::Taken,
            None => Turn::Free,
        }
    }

    /// Says in a few words what is waited for; none when it is our turn.
    pub(crate) fn wait(&self) -> Option<String> {
        match self {
            Turn::Free | Turn::LeftBehind => None,
            Turn::Mover => Some("waits for the mover that is running".to_owned()),
            Turn::Asked(tag) => Some(format!(
                "waits until VolSync has handled the manual trigger `{tag}`"
            )),
            Turn::Taken => Some("waits for another run that uses it".to_owned()),
        }
    }

    /// Makes the error of a wait that took too long.
    pub(crate) fn late(&self, source: &Source, timeout: SignedDuration) -> Error {
        let name = format!("{}/{}", source.namespace, source.name);
        let (what, hint) = match self {
            Turn::Asked(tag) => (
                format!("VolSync had not handled its manual trigger `{tag}`"),
                format!("see why: agent run volsync.status {} {}", source.namespace, source.name),
            ),
            Turn::Taken => (
                "another run of an agent was still using it".to_owned(),
                "agent runs --unfinished; where no run is left, take `spec.trigger` back to what it was".to_owned(),
            ),
            Turn::Mover | Turn::Free | Turn::LeftBehind => (
                match source.started() {
                    Some(since) => format!("the mover of a synchronisation that began at {since} was still running"),
                    None => "a mover was still running".to_owned(),
                },
                format!("see what it does: agent run volsync.status {} {}", source.namespace, source.name),
            ),
        };
        let message = format!("ReplicationSource `{name}` is in use: {what} after `{timeout:#}`");
        Error::timeout("volsync.busy", message).hint(hint)
    }
}

/// Tells a tag that a run of an agent holds by the form of the host's tokens, `2026-11-22T06-00-00.123456789Z-0a1b2c3d`.
fn is_held(tag: &str) -> bool {
    const FORM: &str = "dddd-dd-ddTdd-dd-dd.dddddddddZ-xxxxxxxx";
    tag.len() == FORM.len()
        && FORM
            .bytes()
            .zip(tag.bytes())
            .all(|(form, byte)| match form {
                b'd' => byte.is_ascii_digit(),
                b'x' => byte.is_ascii_hexdigit(),
                other => byte == other,
            })
}

/// A tag that was set.
pub(crate) struct Set {
    /// Its text.
    pub(crate) tag: String,
    /// The generation of the source that has it. An older state says nothing about it.
    pub(crate) generation: i64,
    /// When the synchronisation before ended, by the clock of the cluster. What ours makes is younger.
    pub(crate) since: Option<Timestamp>,
    /// It is taken away when this is released, or the operation ends; none when it stays in place of another one.
    pub(crate) held: Option<Held>,
}

/// Returns the tag that a source gets.
pub(crate) fn text(source: &Source, token: &str) -> String {
    match source.manual() {
        Some(_) => format!("{STAYS}{token}"),
        None => token.to_owned(),
    }
}

/// Sets a tag on a source in exactly this state, and before it the field that unlocks, when that is wanted.
///
/// # Errors
///
/// `cluster.conflict` when it has changed since it was read; those of the patch.
pub(crate) fn set(source: &Source, token: &str, unlock: bool) -> Result<Set> {
    let target = source.target();
    let mut version = source.version.clone();
    if unlock {
        // It starts nothing, and a change of it during a synchronisation kills the mover: so it is never taken back. VolSync unlocks once
        // for each value.
        let body = json!({"spec": {"restic": {"unlock": token}}});
        let change = Change::signal(&target, resting_on(&version, body));
        let signalled = cluster::commit_one(change, &["/metadata/generation"])?;
        signalled.object.resource_version().clone_into(&mut version);
    }
    let tag = text(source, token);
    let body = resting_on(&version, json!({"spec": {"trigger": {"manual": tag}}}));
    let fields = ["/metadata/generation"];
    let (held, generation) = if source.manual().is_some() {
        let signalled = cluster::commit_one(Change::signal(&target, body), &fields)?;
        (None, Some(signalled.object.generation()))
    } else {
        let (held, written) = cluster::hold(&[Change::patch(&target, body)], &fields)?;
        let generation = written.first().map(|one| one.object.generation());
        (Some(held), generation)
    };
    Ok(Set {
        tag,
        generation: generation.unwrap_or_default(),
        since: source.last_sync(),
        held,
    })
}

/// Has VolSync look at a source again at once: where a reconciliation has failed often, it does so by itself after 17 minutes only.
///
/// # Errors
///
/// Those of the patch.
pub(crate) fn look_again(source: &Source) -> Result<()> {
    let body = json!({"metadata": {"annotations": {"agent.ops/requested-at": run::token()}}});
    cluster::commit_one(Change::signal(&source.target(), body), &[]).map(drop)
}

/// Lets a patch rest on a version of its object. Not while planning: what a plan does is only tried, all of it on the same state.
pub(crate) fn resting_on(version: &str, mut body: Value) -> Value {
    if !run::planning() {
        body["metadata"] = json!({"resourceVersion": version});
    }
    body
}

impl Set {
    /// Makes one of a tag that is there and that the host takes away by itself.
    pub(crate) fn unheld(tag: &str, source: &Source) -> Set {
        Set {
            tag: tag.to_owned(),
            generation: source.generation,
            since: source.last_sync(),
            held: None,
        }
    }

    /// Takes the tag away, and says what was left to others.
    ///
    /// # Errors
    ///
    /// It could not be taken away; the host tries once more when the run ends.
    pub(crate) fn release(self) -> Result<Vec<String>> {
        self.held.map_or_else(|| Ok(Vec::new()), Held::release)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::source;

    const TOKEN: &str = "2026-11-22T06-00-00.123456789Z-0a1b2c3d";

    fn turn(changes: Value) -> Turn {
        Turn::of(&source(changes), false)
    }

    fn with_tag(tag: &str) -> Value {
        json!({"spec": {"trigger": {"manual": tag}}})
    }

    #[test]
    fn tag_is_not_set_while_a_sync_runs_because_it_would_claim_its_result() {
        let running = json!({"status": {"lastSyncStartTime": "2026-11-23T12:00:00Z"}});
        assert_eq!(turn(running), Turn::Mover);
        assert_eq!(turn(json!({})), Turn::Free);
    }

    #[test]
    fn tag_takes_the_place_of_another_only_when_that_is_handled() {
        assert_eq!(turn(with_tag("old")), Turn::LeftBehind);
        assert_eq!(turn(with_tag("new")), Turn::Asked("new".to_owned()));
    }

    #[test]
    fn tag_that_another_run_holds_is_waited_for_even_when_it_is_handled() {
        let mut held = with_tag(TOKEN);
        held["status"]["lastManualSync"] = TOKEN.into();
        assert_eq!(turn(held), Turn::Taken);
        let mut stays = with_tag(&format!("{STAYS}{TOKEN}"));
        stays["status"]["lastManualSync"] = stays["spec"]["trigger"]["manual"].clone();
        assert_eq!(turn(stays), Turn::LeftBehind);
    }

    #[test]
    fn schedule_that_another_run_holds_keeps_others_off() {
        let quiet = json!({"spec": {"trigger": {"schedule": NEVER}}});
        assert_eq!(turn(quiet.clone()), Turn::Taken);
        assert_eq!(Turn::of(&source(quiet), true), Turn::Free);
    }

    #[test]
    fn wait_that_took_too_long_says_for_what() {
        let late = |turn: Turn| turn.late(&source(json!({})), SignedDuration::from_secs(2));
        let asked = late(Turn::Asked("x".to_owned()));
        assert_eq!(asked.code(), "volsync.busy");
        assert!(
            asked.message().contains("manual trigger `x` after `2s`"),
            "{asked}"
        );
        assert!(late(Turn::Taken).message().contains("another run"));
        let since = json!({"status": {"lastSyncStartTime": "2026-11-23T12:00:00Z"}});
        let mover = Turn::Mover.late(&source(since), SignedDuration::from_secs(2));
        assert!(
            mover.message().contains("began at 2026-11-23T12:00:00Z"),
            "it is not said who asked for it: {mover}"
        );
    }
}
