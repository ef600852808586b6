//! A ReplicationSource as this plugin sees it: whose volume, which repository, which trigger, in which state.
//!
//! Pure: made of an object that somebody else has read. It keeps `spec.restic` as the document that it is, because a restore has to hand
//! *all* mover settings on, those of a later VolSync too.

pub(crate) mod state;

use agent_sdk::prelude::*;

/// The fields of a ReplicationSource that this plugin reads.
pub(crate) const FIELDS: [&str; 6] = [
    "/metadata/creationTimestamp",
    "/metadata/generation",
    "/metadata/labels",
    "/metadata/annotations",
    "/spec",
    "/status",
];

/// The fields of `spec.restic` that belong to the mover and its volumes, and are the same on the way back.
const MOVER: [&str; 15] = [
    "repository",
    "customCA",
    "capacity",
    "storageClassName",
    "accessModes",
    "volumeSnapshotClassName",
    "cacheCapacity",
    "cacheStorageClassName",
    "cacheAccessModes",
    "moverSecurityContext",
    "moverServiceAccount",
    "moverPodLabels",
    "moverResources",
    "moverAffinity",
    "moverVolumes",
];

/// A ReplicationSource.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Source {
    /// Its name: that of the app, or with a suffix for the repository.
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) uid: String,
    /// The version in which it was read.
    pub(crate) version: String,
    /// What its spec is numbered with.
    pub(crate) generation: i64,
    object: Value,
}

impl Source {
    /// Makes one of an object.
    pub(crate) fn new(object: Value) -> Source {
        let text = |field: &str| {
            let at = object.pointer(&format!("/metadata/{field}"));
            at.and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Source {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            version: text("resourceVersion"),
            generation: object
                .pointer("/metadata/generation")
                .and_then(Value::as_i64)
                .unwrap_or_default(),
            object,
        }
    }

    /// Names it.
    pub(crate) fn target(&self) -> ObjectRef {
        ObjectRef::new(kinds::REPLICATION_SOURCE, &self.namespace, &self.name)
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.object
            .pointer(pointer)
            .filter(|value| !value.is_null())
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// Returns the claim that is backed up.
    pub(crate) fn claim(&self) -> &str {
        self.text("/spec/sourcePVC").unwrap_or_default()
    }

    /// Returns namespace and name of the Kustomization that applied it.
    pub(crate) fn applied_by(&self) -> Option<(String, String)> {
        let labels = self.at("/metadata/labels")?;
        let label = |field: &str| {
            let key = format!("kustomize.toolkit.fluxcd.io/{field}");
            labels.get(key)?.as_str().map(str::to_owned)
        };
        Some((label("namespace")?, label("name")?))
    }

    /// Returns the section of the restic mover; none for kopia, rclone, rsync and the others.
    pub(crate) fn restic(&self) -> Option<&Value> {
        self.at("/spec/restic").filter(|restic| restic.is_object())
    }

    /// Returns the name of the mover that it uses.
    pub(crate) fn mover(&self) -> &str {
        const MOVERS: [&str; 7] = [
            "restic",
            "kopia",
            "rclone",
            "rsyncTLS",
            "rsync",
            "syncthing",
            "external",
        ];
        let used = MOVERS
            .into_iter()
            .find(|mover| self.at(&format!("/spec/{mover}")).is_some());
        used.unwrap_or("none")
    }

    /// Returns how the mover gets at the volume: `Snapshot`, `Clone`, `Direct` or `None`.
    pub(crate) fn copy_method(&self) -> Option<&str> {
        self.text(&format!("/spec/{}/copyMethod", self.mover()))
    }

    /// Returns the name of the Secret of its repository.
    pub(crate) fn repository(&self) -> &str {
        self.text("/spec/restic/repository").unwrap_or_default()
    }

    /// Returns its cron schedule.
    pub(crate) fn schedule(&self) -> Option<&str> {
        self.text("/spec/trigger/schedule")
    }

    /// Returns the manual tag. While there is one, VolSync ignores the schedule.
    pub(crate) fn manual(&self) -> Option<&str> {
        self.text("/spec/trigger/manual")
    }

    /// Says whether its mover is stopped.
    pub(crate) fn paused(&self) -> bool {
        self.at("/spec/paused").and_then(Value::as_bool) == Some(true)
    }

    /// Says whether VolSync synchronises it all the time, for want of a trigger. The movers that have no trigger at all do not count.
    pub(crate) fn continuous(&self) -> bool {
        let triggered = !matches!(self.mover(), "syncthing" | "external" | "none");
        triggered && self.manual().is_none() && self.schedule().is_none()
    }

    /// Returns its retention.
    pub(crate) fn retain(&self) -> Option<&Value> {
        self.setting("retain")
    }

    /// Says whether it keeps only the newest snapshot, because no retention is set.
    pub(crate) fn keeps_one(&self) -> bool {
        let retain = self.at("/spec/restic/retain").and_then(Value::as_object);
        retain.is_none_or(|retain| retain.values().all(Value::is_null))
    }

    /// Returns the fields of the mover that a restore needs too. A volume that is read-only for backups (a CephFS snapshot) is written to in
    /// a restore, so the access modes are then those of the claim itself.
    pub(crate) fn mover_settings(&self, claim_modes: &Value) -> serde_json::Map<String, Value> {
        let mut settings = serde_json::Map::new();
        for field in MOVER {
            if let Some(value) = self.at(&format!("/spec/restic/{field}")) {
                settings.insert(field.to_owned(), value.clone());
            }
        }
        if settings.get("accessModes").is_some_and(read_only) {
            settings.insert("accessModes".to_owned(), claim_modes.clone());
        }
        settings
    }

    /// Returns a field of `spec.restic`.
    pub(crate) fn setting(&self, field: &str) -> Option<&Value> {
        self.at(&format!("/spec/restic/{field}"))
    }
}

fn read_only(modes: &Value) -> bool {
    let modes = modes.as_array().map(Vec::as_slice).unwrap_or_default();
    modes.iter().any(|mode| mode == "ReadOnlyMany")
}

/// Finds the source of an app: by name, or with a suffix for the repository, or by the claim that it backs up.
///
/// # Errors
///
/// The names of the sources that would do, when there are several; an empty list when there is none.
pub(crate) fn of_app<'a>(sources: &'a [Source], app: &str) -> Result<&'a Source, Vec<String>> {
    if let Some(source) = sources.iter().find(|source| source.name == app) {
        return Ok(source);
    }
    let named: Vec<_> = sources
        .iter()
        .filter(|source| is_suffixed(&source.name, app) && source.claim() == app)
        .collect();
    let found = if named.is_empty() {
        sources
            .iter()
            .filter(|source| source.claim() == app)
            .collect()
    } else {
        named
    };
    match found.as_slice() {
        [one] => Ok(one),
        several => Err(several.iter().map(|source| source.name.clone()).collect()),
    }
}

/// Says whether a source's name is an app's with a suffix: `plex-b2` of `plex`.
fn is_suffixed(name: &str, app: &str) -> bool {
    name.strip_prefix(app)
        .is_some_and(|rest| rest.starts_with('-') && rest.len() > 1)
}

#[cfg(test)]
pub(crate) mod tests;
