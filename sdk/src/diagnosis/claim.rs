//! Claims: whether they get a volume.

use super::{Cause, Outlook, Patience, event};
use crate::Object;

/// Events of the persistent volume controller that are not warnings, and yet say that nothing goes on.
const NORMAL: [&str; 2] = ["FailedBinding", "ExternalProvisioning"];

/// Judges a claim, with the events of its namespace. `wanted` says whether a pod waits for it: until then one of a class that binds late
/// (`WaitForFirstConsumer`) is as it should be.
pub fn claim(claim: &Object, events: &[Object], wanted: bool) -> Outlook {
    let subject = format!("PersistentVolumeClaim `{}`", claim.name());
    let blocked = |reason: &str, message: &str, patience| {
        Outlook::Blocked(Cause::new(&subject, reason, message, patience))
    };
    let phase = claim.text("/status/phase");
    if claim.text("/metadata/deletionTimestamp").is_some() {
        return blocked("", "it is being deleted", Patience::MINUTE);
    }
    match phase {
        Some("Lost") => return blocked("Lost", "it has lost its volume", Patience::NOW),
        Some("Bound") => return Outlook::Clear,
        _ => {}
    }
    let Some(event) = telling(claim, events) else {
        return match populator(claim) {
            Some(source) => blocked("Pending", &unpopulated(&source), Patience::MINUTE),
            None if wanted => blocked("Pending", &classed(claim), Patience::MINUTE),
            // Its class may bind late; its events are gone, or may not be read.
            None => Outlook::Busy(format!("{subject} is pending")),
        };
    };
    let (reason, message) = (event::reason(event), event::message(event));
    match reason {
        "WaitForFirstConsumer" if !wanted => Outlook::Clear,
        // The scheduler says of the pod why it has no place.
        "WaitForFirstConsumer" | "WaitForPodScheduled" => Outlook::Clear,
        "Provisioning" => match populator(claim) {
            Some(source) => blocked("Pending", &unpopulated(&source), Patience::MINUTE),
            None => Outlook::Busy(format!("{subject}: {message}")),
        },
        "ProvisioningFailed" if is_missing_class(message) => {
            blocked(reason, message, Patience::SOON)
        }
        "UnrecognizedDataSourceKind" => blocked(reason, message, Patience::SOON),
        // A provisioner or a populator tells of its progress.
        _ if !event::is_warning(event) && !NORMAL.contains(&reason) => {
            Outlook::Busy(format!("{subject}: {message}"))
        }
        _ => blocked(reason, message, Patience::MINUTE),
    }
}

/// Returns the newest event that says why a claim has no volume yet. That the persistent volume controller waits for a provisioner
/// (`ExternalProvisioning`) says little when that one has spoken as well, and that this one waits for a populator (`Provisioning`) when that has.
fn telling<'a>(claim: &Object, events: &'a [Object]) -> Option<&'a Object> {
    let all = event::of(claim, events, None);
    let filled = populator(claim).is_some();
    let weight = |event: &&&Object| match event::reason(event) {
        "ExternalProvisioning" => 0,
        "Provisioning" if filled => 1,
        _ => 2,
    };
    // Of several that weigh the same, the last one is taken: the newest.
    all.iter().rev().max_by_key(weight).copied()
}

/// What fills the volume of a claim, when that is something else than a snapshot or another claim: the provisioner leaves such a claim to a
/// populator, which may not be installed, and says `Assuming an external populator will provision the volume`.
fn populator(claim: &Object) -> Option<String> {
    let source = claim.at("/spec/dataSourceRef");
    let group = source["apiGroup"].as_str().unwrap_or_default();
    if source.is_null() || matches!(group, "" | "snapshot.storage.k8s.io") {
        return None;
    }
    let text = |field: &str| source[field].as_str().unwrap_or_default().to_owned();
    Some(format!("{} `{}`", text("kind"), text("name")))
}

fn unpopulated(source: &str) -> String {
    format!("it waits to be filled from {source}, and nobody has done that yet")
}

fn classed(claim: &Object) -> String {
    match claim.text("/spec/storageClassName") {
        Some(class) if !class.is_empty() => {
            format!("it has no volume of storage class `{class}` yet")
        }
        _ => "it has no volume yet".to_owned(),
    }
}

/// The persistent volume controller's words, from its lister.
fn is_missing_class(message: &str) -> bool {
    message.contains("storageclass") && message.contains("not found")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::event::tests::event;
    use super::*;

    fn pending(spec: Value) -> Object {
        Object(json!({
            "kind": "PersistentVolumeClaim", "metadata": {"name": "cache", "uid": "c"}, "spec": spec, "status": {"phase": "Pending"},
        }))
    }

    fn patience(outlook: &Outlook) -> Option<Patience> {
        outlook.cause().map(|cause| cause.patience)
    }

    #[test]
    fn claim_of_a_class_that_does_not_exist_fails_soon() {
        let events = [event(
            "c",
            1,
            "ProvisioningFailed",
            "storageclass.storage.k8s.io \"gone\" not found",
        )];
        let outlook = claim(&pending(json!({})), &events, true);
        assert_eq!(patience(&outlook), Some(Patience::SOON));
        assert_eq!(
            outlook.note().as_deref(),
            Some(
                "PersistentVolumeClaim `cache`: `ProvisioningFailed`: storageclass.storage.k8s.io \"gone\" not found"
            )
        );
    }

    #[test]
    fn late_binding_is_as_it_should_be_until_a_pod_wants_it() {
        let events = [event(
            "c",
            1,
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding",
        )];
        for wanted in [false, true] {
            assert_eq!(claim(&pending(json!({})), &events, wanted), Outlook::Clear);
        }
        assert!(matches!(
            claim(&pending(json!({})), &[], false),
            Outlook::Busy(_)
        ));
        assert_eq!(
            patience(&claim(&pending(json!({})), &[], true)),
            Some(Patience::MINUTE)
        );
    }

    #[test]
    fn provisioner_at_work_has_the_waits_time_and_one_that_never_spoke_has_not() {
        let waits = event(
            "c",
            5,
            "ExternalProvisioning",
            "Waiting for a volume to be created either by the external provisioner 'x' or manually",
        );
        let works = event(
            "c",
            2,
            "Provisioning",
            "External provisioner is provisioning volume for claim \"media/cache\"",
        );
        let spoken = claim(&pending(json!({})), &[waits.clone(), works], true);
        assert!(matches!(spoken, Outlook::Busy(_)), "{spoken:?}");
        assert_eq!(
            patience(&claim(&pending(json!({})), &[waits], true)),
            Some(Patience::MINUTE)
        );
    }

    #[test]
    fn claim_that_nobody_fills_says_from_what_it_should_be_filled() {
        let of = pending(
            json!({"dataSourceRef": {"apiGroup": "volsync.backube", "kind": "ReplicationDestination", "name": "none"}}),
        );
        let assumed = event(
            "c",
            5,
            "Provisioning",
            "Assuming an external populator will provision the volume",
        );
        for events in [&[][..], &[assumed][..]] {
            let told = claim(&of, events, false).note().expect("a note");
            assert!(
                told.contains("filled from ReplicationDestination `none`"),
                "{told}"
            );
        }
        let assumed = event(
            "c",
            9,
            "Provisioning",
            "Assuming an external populator will provision the volume",
        );
        let populator = event(
            "c",
            6,
            "VolSyncPopulatorReplicationDestinationMissing",
            "Unable to populate volume: ReplicationDestination.volsync.backube \"none\" not found",
        );
        let told = claim(&of, &[populator, assumed], false)
            .note()
            .expect("a note");
        assert!(told.ends_with("\"none\" not found"), "{told}");
    }

    #[test]
    fn populator_at_work_is_given_its_time() {
        let of = pending(
            json!({"dataSourceRef": {"apiGroup": "volsync.backube", "kind": "ReplicationDestination", "name": "dst"}}),
        );
        let mut made = event(
            "c",
            5,
            "VolSyncPopulatorPVCCreated",
            "Populator pvc created",
        );
        made.0["type"] = json!("Normal");
        assert!(matches!(claim(&of, &[made], true), Outlook::Busy(_)));
    }

    #[test]
    fn lost_and_going_claims_are_blocked_and_bound_ones_are_not() {
        let mut of = pending(json!({}));
        of.0["status"]["phase"] = json!("Lost");
        assert_eq!(patience(&claim(&of, &[], false)), Some(Patience::NOW));
        of.0["status"]["phase"] = json!("Bound");
        assert_eq!(claim(&of, &[], true), Outlook::Clear);
        of.0["metadata"]["deletionTimestamp"] = json!("2026-11-26T08:00:00Z");
        assert!(claim(&of, &[], true).cause().is_some());
    }
}
