//! Chains of dependencies, and what is said of them.

use super::*;

fn ks(name: &str) -> ObjectRef {
    ObjectRef::new(kinds::KUSTOMIZATION, "default", name)
}

fn kustomization(name: &str, depends: &[&str], conditions: Value) -> Object {
    let depends: Vec<Value> = depends.iter().map(|name| json!({ "name": name })).collect();
    Object(json!({
        "metadata": { "namespace": "default", "name": name, "generation": 3 },
        "spec": { "dependsOn": depends },
        "status": { "observedGeneration": 3, "conditions": conditions },
    }))
}

fn ready() -> Value {
    json!([{ "type": "Ready", "status": "True", "observedGeneration": 3 }])
}

fn failed() -> Value {
    json!([
        { "type": "Ready", "status": "False", "reason": "BuildFailed", "message": "no such file.", "observedGeneration": 3 },
        { "type": "Reconciling", "status": "True", "reason": "ProgressingWithRetry" },
    ])
}

fn waits(said: &str) -> Value {
    json!([
        { "type": "Ready", "status": "False", "reason": NOT_READY, "message": said, "observedGeneration": 3 },
        { "type": "Reconciling", "status": "True", "reason": "ProgressingWithRetry" },
    ])
}

/// Judges `top`, which depends on `base`, by these objects and by what its controller said.
fn judge(known: &[(&str, Option<Object>)], said: &str) -> State {
    let known: Vec<_> = known
        .iter()
        .map(|(name, found)| (ks(name), found.clone()))
        .collect();
    let top = kustomization("top", &["base"], json!([]));
    state(&Judge::knowing(&known), &[ks("top")], &top, said)
}

const SAID: &str = "dependency 'default/base' is not ready";

fn fails(known: &[(&str, Option<Object>)], said: &str) -> String {
    match judge(known, said) {
        State::Failed(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn dependency_that_failed_missing_or_suspended_ends_the_wait() {
    let base = kustomization("base", &[], failed());
    assert_eq!(
        fails(&[("base", Some(base.clone()))], SAID),
        "depends on default/base, which failed: `BuildFailed`: no such file"
    );
    assert_eq!(
        fails(&[("base", None)], SAID),
        "depends on default/base, which does not exist"
    );
    let mut suspended = base;
    suspended.0["spec"]["suspend"] = json!(true);
    assert_eq!(
        fails(&[("base", Some(suspended))], SAID),
        "depends on default/base, which is suspended and not ready"
    );
}

#[test]
fn suspended_dependency_that_is_ready_is_as_the_controller_wants_it() {
    let mut base = kustomization("base", &[], ready());
    base.0["spec"]["suspend"] = json!(true);
    assert_eq!(judge(&[("base", Some(base.clone()))], SAID), State::Ready);
    base.0["status"]["lastAppliedRevision"] = json!("main@sha1:old");
    assert_eq!(
        fails(
            &[("base", Some(base))],
            "dependency 'default/base' revision is not up to date"
        ),
        "depends on default/base, which is suspended at `main@sha1:old`"
    );
}

#[test]
fn dependency_at_work_is_waited_for() {
    let running = json!([{ "type": "Ready", "status": "Unknown", "reason": "Progressing", "message": "building" }]);
    for base in [
        kustomization("base", &[], running),
        kustomization("base", &[], json!([])),
    ] {
        assert!(matches!(
            judge(&[("base", Some(base))], SAID),
            State::AtWork(_)
        ));
    }
    let mut asked = kustomization("base", &[], failed());
    asked.0["metadata"]["annotations"] = json!({ "reconcile.fluxcd.io/requestedAt": "t2" });
    assert!(matches!(
        judge(&[("base", Some(asked))], SAID),
        State::AtWork(_)
    ));
    let mut older = kustomization("base", &[], failed());
    older.0["metadata"]["generation"] = json!(4);
    assert!(matches!(
        judge(&[("base", Some(older))], SAID),
        State::AtWork(_)
    ));
}

#[test]
fn chain_is_followed_to_what_failed() {
    let known = [
        (
            "base",
            Some(kustomization(
                "base",
                &["root"],
                waits("dependency 'default/root' is not ready"),
            )),
        ),
        ("root", Some(kustomization("root", &[], failed()))),
    ];
    assert_eq!(
        fails(&known, SAID),
        "depends on default/base, which depends on default/root, which failed: `BuildFailed`: no such file"
    );
}

#[test]
fn circle_is_named() {
    let known = [(
        "base",
        Some(kustomization(
            "base",
            &["top"],
            waits("dependency 'default/top' is not ready"),
        )),
    )];
    assert_eq!(
        fails(&known, SAID),
        "depends on default/base, which depends on itself: default/top → default/base → default/top"
    );
}

#[test]
fn only_the_dependency_that_is_named_is_judged() {
    let top = kustomization("top", &["base", "other"], json!([]));
    let known = [
        (ks("base"), Some(kustomization("base", &[], json!([])))),
        (ks("other"), None),
    ];
    let judge = Judge::knowing(&known);
    assert!(matches!(
        state(&judge, &[ks("top")], &top, SAID),
        State::AtWork(_)
    ));
    assert!(matches!(
        state(&judge, &[ks("top")], &top, "something new"),
        State::Failed(_)
    ));
}

#[test]
fn dependency_in_another_namespace_is_looked_for_there() {
    let mut top = kustomization("top", &[], json!([]));
    top.0["spec"]["dependsOn"] = json!([{ "name": "base", "namespace": "flux-system" }]);
    let base = ObjectRef::new(kinds::KUSTOMIZATION, "flux-system", "base");
    let judge = Judge::knowing(&[(base, None)]);
    assert_eq!(
        state(
            &judge,
            &[ks("top")],
            &top,
            "dependency 'flux-system/base' not found"
        ),
        State::Failed("depends on flux-system/base, which does not exist".to_owned())
    );
}

#[test]
fn expression_that_is_not_true_is_given_a_while_once_its_object_has_settled() {
    let said = "dependency 'default/base' is not ready according to readyExpr eval";
    let settled = judge(&[("base", Some(kustomization("base", &[], ready())))], said);
    assert!(matches!(settled, State::Settled(_)), "{settled:?}");
    let at_work = judge(
        &[("base", Some(kustomization("base", &[], json!([]))))],
        said,
    );
    assert!(matches!(at_work, State::AtWork(_)), "{at_work:?}");
}
