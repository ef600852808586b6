//! Server-side apply.
//!
//! The algorithm of structured-merge-diff: merge the configuration into the object, remove what its manager applied before and
//! no longer does (unless somebody else owns it too), and refuse where it changes what another manager owns.

use serde_json::Value;

use crate::fields::compare::compare;
use crate::fields::managed::{self, Entry};
use crate::fields::{self, FieldSet, walk};
use crate::object;
use crate::route::Target;
use crate::schema::Schema;
use crate::status::{ApiError, Cause};

/// The object as applied, and who owns what in it.
pub(crate) struct Outcome {
    pub(crate) object: Value,
    pub(crate) managed: Value,
}

pub(crate) fn manager_required() -> ApiError {
    let mut err = ApiError::new(
        422,
        "Invalid",
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
    );
    err.details = Some(
        serde_json::json!({ "group": "meta.k8s.io", "kind": "PatchOptions", "causes": [{ "reason": "FieldValueRequired", "message": "Required value: is required for apply patch", "field": "fieldManager" }] }),
    );
    err
}

/// Refuses a configuration that is none.
pub(crate) fn check(target: &Target, config: &Value) -> Result<(), ApiError> {
    let sent = config["metadata"]
        .get("managedFields")
        .and_then(Value::as_array);
    if sent.is_some_and(|list| !list.is_empty()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    if target.name().is_empty() {
        return Err(ApiError::bad_request("name must be provided"));
    }
    Ok(())
}

/// Applies `config` to `old`, in the name of `manager`.
pub(crate) fn apply(
    target: &Target,
    manager: &str,
    old: Option<&Value>,
    config: &Value,
    force: bool,
) -> Result<Outcome, ApiError> {
    let schema = target.resource.schema();
    let mut config = managed::bare(config);
    keep_own_part(target, &mut config);
    let live = old.map_or_else(|| identity(&config), managed::bare);
    let mut entries = old.map(managed::entries).unwrap_or_default();

    let me = entry(target, manager, schema, &config);
    let before = entries.iter().find(|other| other.is(&me)).cloned();
    let mut merged = live.clone();
    walk::merge(schema, &mut merged, &config);
    if let Some(before) = &before {
        prune(schema, &mut merged, &before.fields, &me, &entries);
    }
    let comparison = compare(schema, &live, &merged);
    let mut touched = comparison.added.union(&comparison.modified);
    walk::strip(&mut touched);
    if !force {
        refuse_conflicts(&entries, &me, &touched)?;
    }
    managed::disown(&mut entries, &me, &touched, &comparison);
    match entries.iter_mut().find(|other| other.is(&me)) {
        Some(mine)
            if before
                .as_ref()
                .is_some_and(|before| before.fields == me.fields)
                && touched.is_empty() =>
        {
            mine.fields = me.fields
        }
        Some(mine) => *mine = me,
        None => entries.insert(0, me),
    }
    Ok(Outcome {
        object: merged,
        managed: managed::to_json(&entries),
    })
}

/// The main resource has no say in the status, and `status` in nothing else.
fn keep_own_part(target: &Target, config: &mut Value) {
    let Some(map) = config.as_object_mut() else {
        return;
    };
    if target.is_status() {
        map.retain(|key, _| ["apiVersion", "kind", "metadata", "status"].contains(&key.as_str()));
    } else if target.resource.has_status {
        map.remove("status");
    }
}

fn identity(config: &Value) -> Value {
    serde_json::json!({
        "apiVersion": config["apiVersion"], "kind": config["kind"],
        "metadata": { "name": config["metadata"]["name"] },
    })
}

fn entry(target: &Target, manager: &str, schema: Schema<'_>, config: &Value) -> Entry {
    let mut fields = walk::fields_of(schema, config);
    walk::strip(&mut fields);
    Entry {
        manager: manager.to_owned(),
        operation: "Apply".to_owned(),
        api_version: target.resource.api_version(),
        sub: target.sub.clone().unwrap_or_default(),
        time: object::now(),
        fields,
    }
}

/// Removes what `me` applied before and does not apply now, unless somebody owns it or a part of it.
fn prune(schema: Schema<'_>, merged: &mut Value, before: &FieldSet, me: &Entry, entries: &[Entry]) {
    let others = entries.iter().filter(|entry| !entry.is(me));
    let owned = others.fold(me.fields.clone(), |owned, entry| owned.union(&entry.fields));
    let mut dropped = before.difference(&me.fields).paths();
    dropped.reverse();
    for path in dropped {
        if owned.at(&path).is_none_or(FieldSet::is_empty) {
            walk::take_out(schema, merged, &path);
            remove_empty_parents(schema, merged, &path, &owned);
        }
    }
}

/// A built-in struct that held only what is now gone goes too, as Go omits it; a custom resource keeps its empty map.
fn remove_empty_parents(
    schema: Schema<'_>,
    merged: &mut Value,
    path: &[fields::Element],
    owned: &FieldSet,
) {
    let first = if schema.is_structural()
        && path.first() != Some(&fields::Element::Field("metadata".to_owned()))
    {
        path.len()
    } else {
        2
    };
    for length in (first..path.len()).rev() {
        let parent = &path[..length];
        let is_empty = match walk::find(schema, merged, parent) {
            Some(Value::Object(map)) => map.is_empty(),
            Some(Value::Array(list)) => list.is_empty(),
            _ => false,
        };
        if !is_empty || owned.contains(parent) {
            return;
        }
        walk::take_out(schema, merged, parent);
    }
}

fn refuse_conflicts(entries: &[Entry], me: &Entry, touched: &FieldSet) -> Result<(), ApiError> {
    let mut conflicts: Vec<(String, Vec<String>)> = Vec::new();
    for entry in entries.iter().filter(|entry| !entry.is(me)) {
        let paths: Vec<String> = entry
            .fields
            .intersection(touched)
            .paths()
            .iter()
            .map(|path| fields::display(path))
            .collect();
        if !paths.is_empty() {
            conflicts.push((entry.display(), paths));
        }
    }
    conflicts.sort();
    let count: usize = conflicts.iter().map(|(_, paths)| paths.len()).sum();
    let message = match (count, conflicts.first()) {
        (0, _) | (_, None) => return Ok(()),
        (1, Some((manager, paths))) => format!(
            "Apply failed with 1 conflict: conflict with {manager}: {}",
            paths.concat()
        ),
        _ => {
            let groups = conflicts.iter().map(|(manager, paths)| {
                format!("conflicts with {manager}:\n- {}", paths.join("\n- "))
            });
            format!(
                "Apply failed with {count} conflicts: {}",
                groups.collect::<Vec<_>>().join("\n")
            )
        }
    };
    let causes: Vec<Cause> = conflicts
        .iter()
        .flat_map(|(manager, paths)| {
            paths.iter().map(move |path| {
                Cause::new(
                    "FieldManagerConflict",
                    path.as_str(),
                    format!("conflict with {manager}"),
                )
            })
        })
        .collect();
    Err(ApiError::apply_conflict(message, &causes))
}
