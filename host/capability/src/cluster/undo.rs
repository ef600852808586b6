//! Putting back what is held: the previous values of exactly those fields, and never over somebody else's later change.

use std::time::{Duration, Instant};

use agent_core::effect::FieldChange;
use agent_core::event::TakeBack;
use agent_core::failure::{Failure, Kind};
use agent_core::object::ObjectRef;
use agent_core::undo::Undo;
use serde_json::Value;

use super::change::redact;
use super::client::{Body, ClusterClient, Wanted, is_marked};
use super::fields::{self, dotted, shown};
use crate::gate::{Entry, Intent, Pass, ledger};

/// How often it is tried again when somebody else changes the object in between.
const CONFLICTS: u32 = 20;

/// How long an object that is removed may take to go: longer than the grace period of a pod.
const GOING: Duration = Duration::from_secs(60);

/// Puts one entry back and says what came of it.
pub(crate) async fn put_back(client: &ClusterClient, pass: &Pass, entry: &Entry) -> TakeBack {
    let done = match pass.put_back(entry.number) {
        Err(failure) => Err(failure),
        Ok(intent) => match &entry.undo {
            Undo::Fields { uid, fields, grown } => {
                restore(
                    client,
                    &intent,
                    &entry.target,
                    uid.as_deref(),
                    fields,
                    grown,
                )
                .await
            }
            Undo::Remove { uid, marker } => {
                remove(client, &intent, &entry.target, uid.clone(), marker).await
            }
            Undo::Withheld => Err(withheld(&entry.target)),
        },
    };
    match done {
        Ok((summary, left)) => TakeBack {
            number: Some(entry.number),
            target: entry.target.to_string(),
            summary,
            left,
            failure: None,
        },
        Err(failure) => ledger::unsettled(entry, failure),
    }
}

/// The journal keeps no values of Secrets, so those before a change are gone with the process that made it.
fn withheld(target: &ObjectRef) -> Failure {
    let message = format!(
        "the values that {target} had before are not on record, for those of a Secret are among them"
    );
    Failure::new(Kind::Unsupported, "run.secret-not-kept", message).hinted(
        "put them back from where the Secret comes from, such as its ExternalSecret or SOPS file",
    )
}

type Done = (String, Vec<String>);

async fn restore(
    client: &ClusterClient,
    intent: &Intent,
    target: &ObjectRef,
    uid: Option<&str>,
    changes: &[FieldChange],
    grown: &[String],
) -> Result<Done, Failure> {
    let mut restored: Vec<FieldChange> = Vec::new();
    for _ in 0..CONFLICTS {
        let now = match client.look(intent, target).await {
            Ok(now) => now,
            Err(gone) if gone.failure.kind == Kind::NotFound => {
                return Ok((String::new(), vec!["it is gone".to_owned()]));
            }
            Err(unanswered) => return Err(unanswered.failure),
        };
        if uid.is_some() && now.pointer("/metadata/uid").and_then(Value::as_str) != uid {
            return Ok((
                String::new(),
                vec!["it is another object of that name now".to_owned()],
            ));
        }
        let mut back = fields::put_back(&now, changes, grown);
        if back.patch.is_null() {
            return Ok(told(target, &restored, &back.left));
        }
        if let Some(version) = now.pointer("/metadata/resourceVersion") {
            fields::set(
                &mut back.patch,
                "/metadata/resourceVersion",
                version.clone(),
            );
        }
        match client
            .patch(intent, target, Body::Merge(&back.patch), Wanted::Metadata)
            .await
        {
            Ok(_) => return Ok(told(target, &back.restored, &back.left)),
            // When the answer to an attempt was lost, the next look finds the fields as they were before.
            Err(unanswered) if unanswered.failure.kind == Kind::Conflict => {
                restored = back.restored
            }
            Err(unanswered) => return Err(unanswered.failure),
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
    intent: &Intent,
    target: &ObjectRef,
    uid: Option<String>,
    marker: &str,
) -> Result<Done, Failure> {
    let uid = match uid {
        Some(uid) => uid,
        None => match made_by_us(client, intent, target, marker).await? {
            Some(uid) => uid,
            None => return Ok(("was not made".to_owned(), Vec::new())),
        },
    };
    // Once a run is taken back, nobody else waits for what the object owns, such as a mover that still writes to a volume, before
    // the app that was stopped for it starts again.
    let thorough = intent.thorough();
    let propagation = if thorough { "Foreground" } else { "Background" };
    match client.delete(intent, target, Some(&uid), propagation).await {
        Ok(()) if thorough => gone(client, intent, target, &uid).await,
        Ok(()) => Ok(("removed".to_owned(), Vec::new())),
        Err(other) if other.failure.kind == Kind::Conflict => Ok((
            String::new(),
            vec!["it is another object of that name now".to_owned()],
        )),
        Err(unanswered) => Err(unanswered.failure),
    }
}

/// Waits until an object is gone, and with it what it owns.
async fn gone(
    client: &ClusterClient,
    intent: &Intent,
    target: &ObjectRef,
    uid: &str,
) -> Result<Done, Failure> {
    let since = Instant::now();
    while since.elapsed() < GOING {
        match client.look(intent, target).await {
            Ok(object)
                if object
                    .pointer("/metadata/uid")
                    .is_some_and(|found| found == uid) =>
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(_) => return Ok(("removed".to_owned(), Vec::new())),
            Err(lost) if lost.failure.kind == Kind::NotFound => {
                return Ok(("removed".to_owned(), Vec::new()));
            }
            Err(unanswered) => return Err(unanswered.failure),
        }
    }
    Ok((
        "is being removed".to_owned(),
        vec![format!("it was still there after {} s", GOING.as_secs())],
    ))
}

/// The answer to the creation was lost: only the marker tells whether an object of that name is ours.
async fn made_by_us(
    client: &ClusterClient,
    intent: &Intent,
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
        Err(unanswered) => Err(unanswered.failure),
    }
}

/// Says what was put back and what was left, without the values of Secrets.
fn told(target: &ObjectRef, restored: &[FieldChange], left: &[FieldChange]) -> Done {
    let restored: Vec<String> = redact::changes(&target.of, restored)
        .iter()
        .map(|field| {
            format!(
                "`{}` is {} again",
                dotted(&field.path),
                shown(field.before.as_ref())
            )
        })
        .collect();
    let left = redact::changes(&target.of, left)
        .iter()
        .map(|field| {
            let (path, value) = (dotted(&field.path), shown(field.after.as_ref()));
            format!("`{path}` is {value} now, which somebody else set")
        })
        .collect();
    let summary = if restored.is_empty() {
        "was as before".to_owned()
    } else {
        restored.join(", ")
    };
    (summary, left)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_values_of_a_secret_are_not_told_when_it_is_put_back() {
        let target = ObjectRef {
            of: "secrets.v1".parse().unwrap(),
            namespace: None,
            name: "s".to_owned(),
        };
        let field = FieldChange {
            path: "/data/password".to_owned(),
            before: Some(json!("b2xk")),
            after: Some(json!("bmV3")),
        };
        let (summary, left) = told(
            &target,
            std::slice::from_ref(&field),
            std::slice::from_ref(&field),
        );
        let said = format!("{summary} {left:?}");
        assert!(
            said.contains("data.password") && !said.contains("b2xk") && !said.contains("bmV3"),
            "{said}"
        );
    }
}
