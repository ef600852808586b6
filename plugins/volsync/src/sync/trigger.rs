//! The manual tag on a ReplicationSource.
//!
//! While there is one, VolSync ignores the schedule, and putting an old one back starts a synchronisation that nobody asked for. So where
//! there was none, the tag is held and taken away again. Where one was left behind, the schedule is off already: the new tag then stays in
//! its place, which changes nothing but the text.

use agent_sdk::cluster::Held;
use agent_sdk::prelude::*;

use crate::source::Source;

/// A tag that was set.
pub(crate) enum Set {
    /// Held: it is taken away when this is dropped.
    Held(Held),
    /// It stays in place of another one.
    Stays,
}

/// Sets a tag, and with it the unlock field.
///
/// # Errors
///
/// Those of the patch.
pub(crate) fn set(source: &Source, tag: &str, unlock: bool) -> Result<Set> {
    let target = ObjectRef::new(kinds::REPLICATION_SOURCE, &source.namespace, &source.name);
    if source.manual().is_none() {
        let change = Change::patch(&target, body(Some(tag), unlock.then_some(tag)));
        return Ok(Set::Held(cluster::hold(&[change], &[])?));
    }
    cluster::commit_one(
        Change::signal(&target, body(Some(tag), unlock.then_some(tag))),
        &[],
    )?;
    Ok(Set::Stays)
}

/// The field that unlocks does not start a synchronisation, and a change of it during one kills the mover: so both go in one patch.
fn body(manual: Option<&str>, unlock: Option<&str>) -> Value {
    let mut spec = json!({});
    if let Some(tag) = manual {
        spec["trigger"] = json!({"manual": tag});
    }
    if let Some(tag) = unlock {
        spec["restic"] = json!({"unlock": tag});
    }
    json!({"spec": spec})
}

impl Set {
    /// Takes the tag away.
    ///
    /// # Errors
    ///
    /// It could not be taken away; the host tries once more when the run ends.
    pub(crate) fn release(self) -> Result<()> {
        match self {
            Set::Held(hold) => hold.release().map(drop),
            Set::Stays => Ok(()),
        }
    }
}

/// Keeps the schedule from starting a backup for as long as what is returned lives: the last handled tag, set again, asks for nothing, and
/// while it is there the schedule is off. None when it is off anyway, or when there never was a manual synchronisation to name.
///
/// # Errors
///
/// Those of the patch.
pub(crate) fn quiet(source: &Source) -> Result<Option<Set>> {
    let Some(tag) = source.last_manual().filter(|_| source.manual().is_none()) else {
        return Ok(None);
    };
    let target = ObjectRef::new(kinds::REPLICATION_SOURCE, &source.namespace, &source.name);
    let change = Change::patch(&target, body(Some(tag), None));
    Ok(Some(Set::Held(cluster::hold(&[change], &[])?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unlock_and_trigger_are_one_patch_because_unlock_alone_starts_nothing() {
        assert_eq!(
            body(Some("t"), Some("t")),
            json!({"spec": {"trigger": {"manual": "t"}, "restic": {"unlock": "t"}}})
        );
        assert_eq!(
            body(Some("t"), None),
            json!({"spec": {"trigger": {"manual": "t"}}})
        );
    }
}
