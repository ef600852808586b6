use agent_core::effect::FieldChange;
use serde_json::{Value, json};

use super::*;
use crate::scene::{self, Asked, Nothing};

fn target(of: &str, name: &str) -> ObjectRef {
    ObjectRef {
        of: of.parse().expect("a type"),
        namespace: Some("media".to_owned()),
        name: name.to_owned(),
    }
}

/// The app that was stopped, and the mover that was made after that.
fn held(mover: Option<&str>) -> [Entry; 2] {
    let replicas = FieldChange {
        path: "/spec/replicas".to_owned(),
        before: Some(json!(1)),
        after: Some(json!(0)),
    };
    let stopped = Undo::Fields {
        uid: None,
        fields: vec![replicas],
        grown: Vec::new(),
    };
    let made = Undo::Remove {
        uid: mover.map(str::to_owned),
        marker: "m".to_owned(),
    };
    let app = target("deployments.v1.apps", "plex");
    let mover = target("replicationdestinations.v1alpha1.volsync.backube", "mover");
    [(1, app, stopped), (2, mover, made)].map(|(number, target, undo)| Entry {
        number,
        holder: Default::default(),
        target: (&target).into(),
        undo,
        secret: false,
    })
}

/// What a server answers; where it is asked for something else, it is as if nothing were left of the mover.
type Answers = &'static [(&'static str, Option<(u16, &'static str)>)];

const OK: u16 = 200;
const THERE: &str = r#"{"metadata":{"name":"mover","uid":"u","finalizers":["example.org/stay"]}}"#;
const POD: &str = r#"{"kind":"List","items":[{"metadata":{"name":"mover-1","ownerReferences":[{"kind":"Job","uid":"j"}]}}]}"#;
const JOB: &str = r#"{"kind":"List","items":[{"metadata":{"uid":"j","ownerReferences":[{"kind":"ReplicationDestination","uid":"u"}]}}]}"#;
const ON_A_NODE: &str = r#"{"metadata":{"name":"mover-1"},"spec":{"nodeName":"w01"}}"#;
const LOST: &str =
    r#"{"metadata":{"name":"w01"},"status":{"conditions":[{"type":"Ready","status":"Unknown"}]}}"#;
const READY: &str =
    r#"{"metadata":{"name":"w01"},"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#;
const FORBIDDEN: &str = r#"{"code":403,"reason":"Forbidden","message":"pods is forbidden: User \"eva\" cannot list resource \"pods\""}"#;
const BROKEN: &str = r#"{"code":500,"message":"etcdserver: request timed out"}"#;
const OTHER: &str =
    r#"{"code":409,"reason":"Conflict","message":"Precondition failed: UID in precondition: u"}"#;

const MOVER: &str = "/replicationdestinations/mover";

fn server(answers: Answers) -> (Gate, Asked) {
    let (client, asked) = scene::served(move |request| {
        let answer = answers.iter().find(|(of, _)| {
            let (method, path) = of.split_once(' ').expect("a method and a path");
            let wanted = request.strip_prefix(method);
            wanted.is_some_and(|rest| rest.split('?').next().is_some_and(|it| it.ends_with(path)))
        });
        let (code, text) = match answer {
            Some((_, answer)) => (*answer)?,
            None if request.contains("/deployments/plex") => (
                OK,
                r#"{"metadata":{"name":"plex","resourceVersion":"7"},"spec":{"replicas":0}}"#,
            ),
            None if request.starts_with("GET") && request.contains(MOVER) => {
                (404, r#"{"code":404,"details":{"name":"mover"}}"#)
            }
            None if request.starts_with("GET") && request.contains("/configmaps/mover") => {
                (404, r#"{"code":404,"details":{"name":"mover"}}"#)
            }
            None => (OK, r#"{"kind":"List","items":[]}"#),
        };
        Some((code, serde_json::from_str::<Value>(text).expect("JSON")))
    });
    (scene::gate(client, Box::new(Nothing), None), asked)
}

/// Takes a run back, and returns what could not be put back, newest first, and whether the app was started.
async fn taken_back(answers: Answers, mover: Option<&str>) -> (Vec<Option<Failure>>, bool, Gate) {
    let (gate, asked) = server(answers);
    held(mover).into_iter().for_each(|entry| gate.hold(entry));
    let put_back = gate.release_all().await;
    let started = asked
        .lock()
        .expect("a log")
        .iter()
        .any(|it| it.starts_with("PATCH"));
    let failures = put_back.into_iter().map(|one| one.failure).collect();
    (failures, started, gate)
}

/// Whatever keeps the mover from being removed, or from being seen to be gone.
const STAYS: [(Answers, Option<&str>, &str, &str); 12] = [
    (
        &[("DELETE mover", Some((403, FORBIDDEN)))],
        Some("u"),
        "does not allow to delete",
        "kubectl auth can-i delete",
    ),
    (
        &[("DELETE mover", Some((500, BROKEN)))],
        Some("u"),
        "still at work",
        "",
    ),
    (&[("DELETE mover", None)], Some("u"), "still at work", ""),
    (
        &[("GET mover", Some((OK, THERE)))],
        Some("u"),
        "was still there after 90 s",
        "kubectl -n media get replicationdestinations.volsync.backube mover -o yaml",
    ),
    (
        &[("GET mover", Some((403, FORBIDDEN)))],
        Some("u"),
        "still at work",
        "kubectl auth can-i get",
    ),
    (
        &[
            ("GET jobs", Some((OK, JOB))),
            ("GET pods", Some((OK, POD))),
            ("GET mover-1", Some((OK, ON_A_NODE))),
            ("GET w01", Some((OK, LOST))),
        ],
        Some("u"),
        "mover-1",
        "kubectl delete node w01",
    ),
    (
        &[
            ("GET jobs", Some((OK, JOB))),
            ("GET pods", Some((OK, POD))),
            ("GET mover-1", Some((OK, ON_A_NODE))),
            ("GET w01", Some((OK, READY))),
        ],
        Some("u"),
        "mover-1",
        "kubectl -n media describe pod mover-1",
    ),
    // The Job is gone already, and its pod is not.
    (
        &[("GET pods", Some((OK, POD)))],
        Some("u"),
        "mover-1",
        "kubectl -n media describe pod mover-1",
    ),
    // Ours is gone, and somebody else has made another one.
    (
        &[
            ("DELETE mover", Some((409, OTHER))),
            ("GET pods", Some((OK, POD))),
        ],
        Some("u"),
        "mover-1",
        "describe pod",
    ),
    (
        &[("GET pods", Some((403, FORBIDDEN)))],
        Some("u"),
        "still at work",
        "kubectl auth can-i list pods -n media",
    ),
    (&[("GET jobs", None)], Some("u"), "still at work", ""),
    // The answer to its creation was lost.
    (
        &[("GET mover", Some((403, FORBIDDEN)))],
        None,
        "nobody can say whether replicationdestinations media/mover was made",
        "kubectl auth can-i get",
    ),
];

#[tokio::test(start_paused = true)]
async fn app_stays_down_while_a_mover_may_be_at_work() {
    for (answers, uid, said, hint) in STAYS {
        let (failures, started, gate) = taken_back(answers, uid).await;
        let [Some(mover), Some(app)] = failures.as_slice() else {
            panic!("{answers:?}: {failures:?}");
        };
        assert!(!started && gate.held() == 2, "{answers:?}");
        assert!(mover.message.contains(said), "{answers:?}: {mover:?}");
        let remedy = mover.hint.as_deref().unwrap_or_default();
        assert!(remedy.contains(hint), "{answers:?}: {mover:?}");
        assert_eq!(app.code, "run.not-yet");
        assert!(
            app.message
                .contains("until replicationdestinations media/mover is gone"),
            "{app:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn app_is_started_once_the_mover_is_gone() {
    let gone: [(Answers, Option<&str>); 3] = [
        (&[], Some("u")),
        (&[], None),
        (&[("DELETE mover", Some((409, OTHER)))], Some("u")),
    ];
    for (answers, uid) in gone {
        let (failures, started, gate) = taken_back(answers, uid).await;
        assert_eq!(failures, [None, None], "{answers:?}");
        assert!(started && gate.held() == 0);
    }
}

/// What runs nothing, and what nothing older waits for, needs nobody who may look for pods.
#[tokio::test(start_paused = true)]
async fn right_to_list_pods_is_needed_only_where_something_may_run() {
    let blind: Answers = &[
        ("GET pods", Some((403, FORBIDDEN))),
        ("GET jobs", Some((403, FORBIDDEN))),
    ];
    let [app, mover] = held(Some("u"));
    let map = Entry {
        target: (&target("configmaps.v1", "mover")).into(),
        ..mover.clone()
    };
    for entries in [vec![app, map], vec![mover]] {
        let (gate, _) = server(blind);
        entries.into_iter().for_each(|entry| gate.hold(entry));
        let put_back = gate.release_all().await;
        assert!(
            put_back.iter().all(|one| one.failure.is_none()),
            "{put_back:?}"
        );
    }
}

#[test]
fn nothing_of_a_secret_or_of_what_was_sealed_is_told_when_it_is_put_back() {
    let journal = Box::new(scene::Nothing);
    let gate = scene::gate(scene::nobody(), journal, None);
    let field = FieldChange {
        path: "/data/password".to_owned(),
        before: Some(json!("b2xk")),
        after: Some(json!(["bmV3"])),
    };
    for (of, secret) in [("secrets.v1", false), ("configmaps.v1", true)] {
        let target = ObjectRef {
            of: of.parse().unwrap(),
            namespace: None,
            name: "s".to_owned(),
        };
        let entry = Entry {
            number: 1,
            holder: Default::default(),
            target: (&target).into(),
            undo: Undo::Withheld,
            secret,
        };
        let shown = shown_of(&gate, &entry, vec![field.clone()]);
        let PutBack { summary, left } = told(&shown, &shown);
        let said = format!("{summary} {left:?}");
        assert!(said.contains("data.password"), "{said}");
        assert!(!said.contains("b2xk") && !said.contains("bmV3"), "{said}");
    }
}

#[test]
fn text_that_somebody_set_since_is_not_told() {
    let field = |after: Value| FieldChange {
        path: "/data/login".to_owned(),
        before: None,
        after: Some(after),
    };
    let left = [
        field(json!("t0ken")),
        field(json!({"a": "t0ken"})),
        field(json!(3)),
    ];
    let PutBack { left, .. } = told(&[], &left);
    assert_eq!(
        left,
        [
            "`data.login` has another value now, which somebody else set",
            "`data.login` has another value now, which somebody else set",
            "`data.login` is `3` now, which somebody else set",
        ]
    );
}
