//! Putting back what is held: the previous values of exactly those fields, and never over somebody else's later change.

use agent_core::effect::FieldChange;
use agent_core::failure::{Failure, Kind};
use agent_core::object::ObjectRef;
use agent_core::undo::Undo;
use agent_gate::{Entry, Gate, Pass, PutBack, WritePass};
use serde_json::Value;

use super::change::redact;
use super::client::{ClusterClient, Removal, Wanted, is_marked};
use super::fields::{self, Patch, dotted, shown};

mod running;

use running::Running;

/// Why, when the object was deleted and made anew.
const OTHER: &str = "it is another object of that name now";

/// How often it is tried again when somebody else changes the object in between.
const CONFLICTS: u32 = 20;

/// Puts one entry back and says what came of it.
///
/// # Errors
/// Whatever writing fails with; `unsupported` (`run.secret-not-kept`).
pub(crate) async fn put_back(
    client: &ClusterClient,
    pass: &Pass,
    entry: &Entry,
) -> Result<PutBack, Failure> {
    let (intent, target) = prepared(pass, entry)?;
    match &entry.undo {
        Undo::Fields { uid, fields, grown } => {
            let told = |restored, left| {
                let shown = |fields| shown_of(pass.gate(), entry, fields);
                told(&shown(restored), &shown(left))
            };
            let uid = uid.as_deref();
            restore(client, &intent, &target, uid, (fields, grown), told).await
        }
        Undo::Remove { uid, marker } => {
            remove(client, pass, &intent, &target, uid.clone(), marker).await
        }
        // It was opened when the ledger was made, if it could be.
        Undo::Withheld | Undo::Sealed { .. } => Err(withheld(&target)),
        // It is called by the gate, which alone knows operations.
        Undo::Compensate(_) => Ok(PutBack::left_alone(Vec::new())),
    }
}

/// Returns permission to put an entry back, and the object that it is about.
fn prepared(pass: &Pass, entry: &Entry) -> Result<(WritePass, ObjectRef), Failure> {
    Ok((pass.put_back(entry.number)?, object_of(entry)?))
}

fn object_of(entry: &Entry) -> Result<ObjectRef, Failure> {
    ObjectRef::try_from(&entry.target)
        .map_err(|error| Failure::of(Kind::Internal, "journal.damaged", &error))
}

/// Records of old keep no values of Secrets, and what is sealed opens with the journal's key only.
fn withheld(target: &ObjectRef) -> Failure {
    let message = format!(
        "the values that {target} had before are not on record, for those of a Secret are among them"
    );
    Failure::new(Kind::Unsupported, "run.secret-not-kept", message).hinted(
        "put them back from where the Secret comes from, such as its ExternalSecret or SOPS file",
    )
}

/// Says in which way a change that is held is not in place any more; none when it is, or when nobody can tell.
///
/// # Errors
/// Whatever looking fails with.
pub(crate) async fn lost(
    client: &ClusterClient,
    pass: &Pass,
    entry: &Entry,
) -> Result<Option<String>, Failure> {
    let (uid, fields) = match &entry.undo {
        Undo::Fields { uid, fields, .. } => (uid.as_deref(), fields.as_slice()),
        Undo::Remove { uid, .. } => (uid.as_deref(), [].as_slice()),
        Undo::Withheld | Undo::Sealed { .. } | Undo::Compensate(_) => return Ok(None),
    };
    let now = match client.get(pass, &object_of(entry)?, Wanted::Whole).await {
        Ok(now) => now,
        Err(gone) if gone.kind == Kind::NotFound => return Ok(Some("it is gone".to_owned())),
        Err(failure) => return Err(failure),
    };
    if uid.is_some() && now.pointer("/metadata/uid").and_then(Value::as_str) != uid {
        return Ok(Some(OTHER.to_owned()));
    }
    let value = |field: &FieldChange| fields::at(&now, &field.path);
    let other = fields
        .iter()
        .find(|field| value(field) != field.after.as_ref());
    Ok(other.map(|field| {
        let now = FieldChange {
            after: value(field).cloned(),
            ..field.clone()
        };
        let shown = shown_of(pass.gate(), entry, vec![now]);
        let after = shown.first().and_then(|field| field.after.as_ref());
        format!("`{}` is {} now", dotted(&field.path), fields::shown(after))
    }))
}

async fn restore(
    client: &ClusterClient,
    intent: &WritePass,
    target: &ObjectRef,
    uid: Option<&str>,
    (changes, grown): (&[FieldChange], &[String]),
    told: impl Fn(Vec<FieldChange>, Vec<FieldChange>) -> PutBack,
) -> Result<PutBack, Failure> {
    let mut restored: Vec<FieldChange> = Vec::new();
    for _ in 0..CONFLICTS {
        let now = match client.look(intent, target).await {
            Ok(now) => now,
            Err(gone) if gone.failure.kind == Kind::NotFound => {
                return Ok(PutBack::left_alone(vec!["it is gone".to_owned()]));
            }
            Err(error) => return Err(error.failure),
        };
        if uid.is_some() && now.pointer("/metadata/uid").and_then(Value::as_str) != uid {
            return Ok(PutBack::left_alone(vec![OTHER.to_owned()]));
        }
        let back = fields::put_back(&now, changes, grown);
        if back.restored.is_empty() {
            return Ok(told(restored, back.left));
        }
        let mut patch = Patch::between(&now, &back.wanted);
        if let Some(version) = now.pointer("/metadata/resourceVersion") {
            patch.rest_on(version);
        }
        let sent = client.patch(intent, target, patch.body(), Wanted::Metadata);
        match sent.await {
            Ok(_) => return Ok(told(back.restored, back.left)),
            // When the answer to an attempt was lost, the next look finds the fields as they were before.
            Err(error) if error.failure.kind == Kind::Conflict => restored = back.restored,
            Err(error) => return Err(error.failure),
        }
    }
    Err(Failure::new(
        Kind::Conflict,
        "cluster.conflict",
        format!("{target} keeps being changed by somebody else"),
    ))
}

async fn remove(
    client: &ClusterClient,
    pass: &Pass,
    intent: &WritePass,
    target: &ObjectRef,
    uid: Option<String>,
    marker: &str,
) -> Result<PutBack, Failure> {
    let uid = match uid {
        Some(uid) => uid,
        None => match made_by_us(client, intent, target, marker).await {
            Ok(Some(uid)) => uid,
            Ok(None) => return Ok(PutBack::done("was not made")),
            Err(why) => {
                return Err(why.while_doing(format!("nobody can say whether {target} was made")));
            }
        },
    };
    // Unless the plugin itself says when, nobody else waits for what the object runs, such as a mover that still writes to a volume, before
    // the app that was stopped for it starts again.
    let running = match intent.wait_for_dependents() {
        true => Some(Running::of(client, pass, target, &uid).await?),
        false => None,
    };
    // Not in the foreground: while its object waits for what it owns, a controller that does not look at the deletion makes that anew.
    let deleted = client
        .delete(intent, target, Some(&uid), Removal::BACKGROUND)
        .await;
    let other = match deleted {
        Ok(()) => false,
        // Ours is gone. What it ran may be there all the same.
        Err(other) if other.failure.kind == Kind::Conflict => true,
        Err(error) => {
            let failure = error.failure;
            return Err(match running {
                Some(running) if failure.kind != Kind::Denied => running.unsaid(failure),
                _ => failure,
            });
        }
    };
    if let Some(running) = running {
        running.until_gone(client, pass, intent).await?;
    }
    if other {
        return Ok(PutBack::left_alone(vec![OTHER.to_owned()]));
    }
    Ok(PutBack::done("removed"))
}

/// The answer to the creation was lost: only the marker tells whether an object of that name is ours.
async fn made_by_us(
    client: &ClusterClient,
    intent: &WritePass,
    target: &ObjectRef,
    marker: &str,
) -> Result<Option<String>, Failure> {
    match client.look(intent, target).await {
        Ok(object) if is_marked(&object, marker) => Ok(object
            .pointer("/metadata/uid")
            .and_then(Value::as_str)
            .map(str::to_owned)),
        Ok(_) => Ok(None),
        Err(gone) if gone.failure.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(error.failure),
    }
}

/// Returns fields as they may be told.
fn shown_of(gate: &Gate, entry: &Entry, fields: Vec<FieldChange>) -> Vec<FieldChange> {
    match entry.secret {
        true => redact::all(&fields),
        false => gate.secrets().fields(match object_of(entry) {
            Ok(object) => redact::changes(&object.of, &fields),
            Err(_) => redact::all(&fields),
        }),
    }
}

/// Says what was put back and what was left.
fn told(restored: &[FieldChange], left: &[FieldChange]) -> PutBack {
    let restored: Vec<String> = restored
        .iter()
        .map(|field| {
            format!(
                "`{}` is {} again",
                dotted(&field.path),
                shown(field.before.as_ref())
            )
        })
        .collect();
    let left: Vec<String> = left
        .iter()
        .map(|field| {
            let (path, now) = (dotted(&field.path), field.after.as_ref());
            format!("`{path}` {} now, which somebody else set", present(now))
        })
        .collect();
    match (restored.as_slice(), left.as_slice()) {
        ([], []) => PutBack::done("was as before"),
        ([], _) => PutBack::left_alone(left),
        (restored, _) => {
            let summary = restored.join(", ");
            PutBack { summary, left }
        }
    }
}

/// Says what a field has become. Text may be a secret: nobody knows who has set it.
fn present(now: Option<&Value>) -> String {
    match now {
        None | Some(Value::Bool(_) | Value::Number(_) | Value::Null) => {
            format!("is {}", shown(now))
        }
        Some(_) => "has another value".to_owned(),
    }
}

#[cfg(test)]
mod tests;
