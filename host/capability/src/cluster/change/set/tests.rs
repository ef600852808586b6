use std::sync::Arc;

use agent_core::descriptor::Risk;
use agent_core::grant::Grants;
use agent_core::object::ObjectRef;
use agent_gate::Gate;
use futures::channel::oneshot;
use serde_json::json;

use super::*;
use crate::cluster::ask::{Ask, Wished};
use crate::cluster::secret;
use crate::scene::{self, Asked, Nothing};

const NO_REHEARSAL: &str = "admission webhook \"a.example.org\" does not support dry run";

fn status(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let status = json!({"kind": "Status", "code": code, "reason": reason, "message": message});
    (code, status)
}

/// Applies a Secret that is there, with the answer of a server to its rehearsal.
async fn applied(risk: Risk, rehearsed: (u16, Value)) -> (Result<Performed, Failure>, Gate, Asked) {
    let secret = |token: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login", "namespace": "media", "uid": "u", "resourceVersion": "7"},
            "stringData": {"token": token},
        })
    };
    let (before, after) = (secret("before"), secret("hunter22"));
    let manifest = after.clone();
    let (client, asked) = scene::served(move |request| {
        Some(match request.split(' ').next() {
            Some("PATCH") if request.contains("dryRun=All") => rehearsed.clone(),
            Some("PATCH") => (200, after.clone()),
            _ => (200, before.clone()),
        })
    });
    let everything = "cluster:*:*:*".parse().expect("a right");
    let gate = scene::within(
        Grants::new(vec![everything], risk),
        client,
        Box::new(Nothing),
        None,
    );
    let written = manifest.clone();
    let target = ObjectRef {
        of: "secrets.v1".parse().expect("a type"),
        namespace: Some("media".to_owned()),
        name: "login".to_owned(),
    };
    let ask = Ask::Change(Wished {
        verb: ClusterVerb::Apply,
        target: target.clone(),
        fields: Vec::new(),
        manager: None,
    });
    gate.ask("now?".to_owned(), Vec::new(), None)
        .await
        .expect("agreed");
    let cluster = gate.capability().expect("the cluster");
    let (tx, rx) = oneshot::channel();
    let apply = |pass| async move {
        let performer = Performer {
            cluster,
            pass,
            target,
            hold: false,
            own: false,
            wanted: Wanted::Whole,
            learns: Some(Arc::new(move |mask| secret::learn(mask, &written))),
            manager: None,
        };
        let applied = performer.apply(manifest, true).await;
        tx.send(applied).expect("somebody listens");
        Ok(())
    };
    gate.admit(gate.next_call(), ask, apply)
        .await
        .expect("admitted");
    let applied = rx.await.expect("it was applied");
    (applied, gate, asked)
}

fn text(gate: &Gate) -> String {
    gate.secrets().text("it is hunter22".to_owned())
}

/// A rehearsal has no effect, so it must teach the mask nothing.
#[tokio::test]
async fn value_of_a_rehearsal_that_was_refused_is_hidden_in_its_refusal_alone() {
    let refused = status(422, "Invalid", "`hunter22` is too short");
    let (applied, gate, _) = applied(Risk::Change, refused).await;
    let failure = applied.expect_err("refused");
    assert!(
        failure.causes.concat().contains("`***` is too short"),
        "{failure:?}"
    );
    assert_eq!(text(&gate), "it is hunter22");
}

#[tokio::test]
async fn apply_that_nobody_could_rehearse_destroys() {
    let cannot = || status(400, "BadRequest", NO_REHEARSAL);
    let (refused, gate, asked) = applied(Risk::Change, cannot()).await;
    assert_eq!(refused.expect_err("riskier").code, "cluster.riskier");
    assert_eq!(
        asked.lock().expect("a log").len(),
        2,
        "looked at and rehearsed"
    );
    assert_eq!(text(&gate), "it is hunter22");
    let (done, gate, _) = applied(Risk::Destroy, cannot()).await;
    done.expect("is applied");
    assert_eq!(text(&gate), "it is ***");
}

#[tokio::test]
async fn words_alone_do_not_say_that_nobody_could_rehearse() {
    for other in [
        status(403, "Forbidden", NO_REHEARSAL),
        status(400, "", NO_REHEARSAL),
        status(422, "BadRequest", NO_REHEARSAL),
        status(
            400,
            "BadRequest",
            "unknown field `this does not support dry run`",
        ),
    ] {
        let (refused, _, asked) = applied(Risk::Destroy, other.clone()).await;
        refused.expect_err("refused");
        assert_eq!(asked.lock().expect("a log").len(), 2, "{other:?}");
    }
}
