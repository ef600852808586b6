//! What the contract says of the cluster, by the guests that do what they are told: where no bundled plugin needs it yet, the real control plane has to
//! agree with the simulated one all the same.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::agent::{Agent, Ran};
use super::cost::grant;
use super::kind::{BUDGET, CONFIG_MAP, DEPLOYMENT, POD};
use super::scenario::scenarios;
use super::world::World;

scenarios![
    scale_and_status_are_changed_and_taken_back_through_their_subresources,
    what_acts_when_it_is_asked_is_reached_by_no_type,
    json_patch_is_carried_out_and_taken_back_exactly,
    pod_is_evicted_when_its_budget_allows_it,
    names_choose_among_objects,
    rehearsal_says_what_the_server_would_make_and_changes_nothing,
    manifest_is_applied_as_the_manager_that_was_granted,
];

const MAP: &str = "configmaps.v1";
const SCALE: &str = "deployments.v1.apps/scale";
const POD_STATUS: &str = "pods.v1/status";

/// An agent whose person has granted the guests what they ask for.
struct Guests {
    agent: Agent,
    path: PathBuf,
}

impl Guests {
    async fn of(world: &World) -> Self {
        let agent = world.agent().patient(Duration::from_secs(120));
        let path = agent_artifact::guests(Path::new(env!("CARGO_TARGET_TMPDIR")));
        let guests = Guests { agent, path };
        let greet = format!("run --plugin {} guests.greet", guests.path.display());
        grant(&guests.agent, &greet).await;
        guests
    }

    /// Has them do some steps, none of which may have a space in it.
    async fn act(&self, operation: &str, steps: &[Value]) -> Ran {
        let (path, steps) = (self.path.display(), json!(steps));
        let line = format!("run --plugin {path} guests.{operation} {steps} --yes -o json");
        self.agent.run(&line).await
    }

    async fn undo(&self) {
        self.agent.run("undo last --yes").await.exits(0);
    }
}

fn step(what: &str, of: &str, name: &str, body: Value) -> Value {
    json!({"do": what, "of": of, "name": name, "body": body})
}

/// A pod that nobody runs, so that nobody but the test writes its status.
fn idle(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "schedulingGates": [{"name": "example.org/never"}], "containers": [{"name": "app", "image": "app"}],
            "automountServiceAccountToken": false,
        },
    })
}

async fn scale_and_status_are_changed_and_taken_back_through_their_subresources(world: &World) {
    let _others = world.share().await;
    let labels = json!({"app": "contract-scale"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "contract-scale", "namespace": "default"},
        "spec": {
            "replicas": 0, "paused": true, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app"}]}},
        },
    });
    world.create(DEPLOYMENT, &deployment).await;
    world.create(POD, &idle("contract-status")).await;
    let guests = Guests::of(world).await;
    let replicas = async || {
        let deployment = world.get(DEPLOYMENT, "default", "contract-scale").await;
        deployment["spec"]["replicas"].clone()
    };
    let message = async || {
        let pod = world.get(POD, "default", "contract-status").await;
        pod["status"]["message"].clone()
    };
    let changes = [
        step(
            "patch",
            SCALE,
            "contract-scale",
            json!({"spec": {"replicas": 2}}),
        ),
        step("read", SCALE, "contract-scale", json!(null)),
        step(
            "patch",
            POD_STATUS,
            "contract-status",
            json!({"status": {"message": "mine"}}),
        ),
        step(
            "patch",
            POD_STATUS,
            "contract-status",
            json!({"spec": {"nodeName": "mine"}}),
        ),
    ];
    let ran = guests.act("act", &changes).await.exits(0);
    let told = ran.value();
    assert_eq!(told[0], "done", "{ran}");
    assert_eq!(
        (&told[1]["kind"], &told[1]["spec"]["replicas"]),
        (&json!("Scale"), &json!(2)),
        "{ran}"
    );
    assert_eq!(
        (&told[2], &told[3]),
        (&json!("done"), &json!("cluster.invalid")),
        "{ran}"
    );
    assert_eq!(
        (replicas().await, message().await),
        (json!(2), json!("mine"))
    );
    guests.undo().await;
    assert_eq!((replicas().await, message().await), (json!(0), Value::Null));
    let manifest = json!({
        "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "contract-scale", "namespace": "default"}, "spec": {"replicas": 1},
    });
    let applied = [step("apply", SCALE, "contract-scale", manifest)];
    let ran = guests.act("act", &applied).await.exits(0);
    assert_eq!(ran.value(), json!(["done"]), "{ran}");
    assert_eq!(replicas().await, 1);
    guests.undo().await;
    assert_eq!(replicas().await, 0);
    world.delete(DEPLOYMENT, "default", "contract-scale").await;
    world.delete(POD, "default", "contract-status").await;
}

async fn what_acts_when_it_is_asked_is_reached_by_no_type(world: &World) {
    let guests = Guests::of(world).await;
    let steps = [
        step("read", "pods.v1/exec", "plex", json!(null)),
        step("read", "nodes.v1/proxy", "m01", json!(null)),
        step("create", "serviceaccounts.v1/token", "default", json!({})),
        // It is served for a `get`, and not as an object that is patched.
        step("read", "pods.v1/nothing", "plex", json!(null)),
    ];
    let ran = guests.act("act", &steps).await.exits(0);
    let invalid = "cluster.invalid";
    assert_eq!(
        ran.value(),
        json!([invalid, invalid, invalid, "cluster.not-granted"]),
        "{ran}"
    );
}

async fn json_patch_is_carried_out_and_taken_back_exactly(world: &World) {
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "contract-patch", "namespace": "default", "finalizers": ["example.org/first"]},
        "data": {"a": "1", "b": "2"},
    });
    world.create(CONFIG_MAP, &map).await;
    let read = async || {
        let map = world.get(CONFIG_MAP, "default", "contract-patch").await;
        json!([
            map["data"],
            map["metadata"]["finalizers"],
            map["metadata"]["labels"]
        ])
    };
    let before = read().await;
    let guests = Guests::of(world).await;
    let operations = json!([
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "move", "from": "/data/a", "path": "/data/c"},
        {"op": "add", "path": "/metadata/finalizers/0", "value": "example.org/before"},
        {"op": "add", "path": "/metadata/finalizers/-", "value": "example.org/behind"},
        {"op": "add", "path": "/metadata/labels", "value": {"example.org/a": "b"}},
    ]);
    let refused = json!([{"op": "test", "path": "/data/b", "value": "3"}, {"op": "remove", "path": "/data/b"}]);
    let steps = [
        step("patch", MAP, "contract-patch", operations.clone()),
        step("patch", MAP, "contract-patch", refused),
    ];
    let ran = guests.act("act", &steps).await.exits(0);
    assert_eq!(ran.value(), json!(["done", "cluster.conflict"]), "{ran}");
    let finalizers = [
        "example.org/before",
        "example.org/first",
        "example.org/behind",
    ];
    assert_eq!(
        read().await,
        json!([{"b": "2", "c": "1"}, finalizers, {"example.org/a": "b"}])
    );
    guests.undo().await;
    assert_eq!(read().await, before);
    let held = [step("hold", MAP, "contract-patch", operations)];
    guests.act("act", &held).await.exits(0);
    assert_eq!(read().await, before);
    let free = json!({"metadata": {"finalizers": null}});
    world
        .merge(CONFIG_MAP, "default", "contract-patch", free)
        .await;
    world.delete(CONFIG_MAP, "default", "contract-patch").await;
}

async fn pod_is_evicted_when_its_budget_allows_it(world: &World) {
    let _others = world.share().await;
    let labels = json!({"app": "contract-evict"});
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "contract-evict", "namespace": "default", "labels": labels},
        "spec": {"containers": [{"name": "app", "image": "app"}], "automountServiceAccountToken": false},
    });
    let budget = json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "contract-evict", "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": labels}},
    });
    world.create(BUDGET, &budget).await;
    world.create(POD, &pod).await;
    world
        .until("the pod is ready and counted", async || {
            let budget = world.get(BUDGET, "default", "contract-evict").await;
            budget["status"]["currentHealthy"] == 1
        })
        .await;
    let guests = Guests::of(world).await;
    let evict = step("evict", "pods.v1", "contract-evict", json!(null));
    let mut must = evict.clone();
    must["must"] = json!(true);
    let ran = guests.act("act-when-asked", &[must]).await.exits(1);
    let finished = ran.events().pop().unwrap_or_default();
    let failure = &finished["outcome"]["failure"];
    assert_eq!(failure["code"], "cluster.disruption-budget", "{ran}");
    assert_eq!(
        failure["details"]["budgets"][0]["name"], "contract-evict",
        "{ran}"
    );
    assert!(failure["retry-after-ms"].is_number(), "{ran}");
    assert!(
        world.get(POD, "default", "contract-evict").await["metadata"]["deletionTimestamp"]
            .is_null()
    );
    let ran = guests
        .act("evict", std::slice::from_ref(&evict))
        .await
        .exits(0);
    assert_eq!(
        ran.value(),
        json!(["cluster.riskier"]),
        "nobody makes it anew: {ran}"
    );
    world.delete(BUDGET, "default", "contract-evict").await;
    let twice = [evict.clone(), evict];
    let ran = guests.act("act-when-asked", &twice).await.exits(0);
    assert_eq!(ran.value(), json!(["done", "done"]), "{ran}");
    world
        .until("the pod is gone", async || {
            world.get(POD, "default", "contract-evict").await.is_null()
        })
        .await;
}

async fn names_choose_among_objects(world: &World) {
    for name in ["contract-a", "contract-b", "contract-c"] {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}});
        world.create(CONFIG_MAP, &map).await;
    }
    let guests = Guests::of(world).await;
    let list = |names: &[&str]| json!({"do": "list", "of": MAP, "names": names});
    let steps = [
        list(&["contract-c", "contract-absent", "contract-a"]),
        list(&["contract-b"]),
        list(&["contract-absent"]),
    ];
    let ran = guests.act("act", &steps).await.exits(0);
    let wanted = json!([["contract-a", "contract-c"], ["contract-b"], []]);
    assert_eq!(ran.value(), wanted, "{ran}");
    for name in ["contract-a", "contract-b", "contract-c"] {
        world.delete(CONFIG_MAP, "default", name).await;
    }
}

async fn rehearsal_says_what_the_server_would_make_and_changes_nothing(world: &World) {
    let map = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "contract-rehearse", "namespace": "default"}, "data": {"mode": "before"},
    });
    world.create(CONFIG_MAP, &map).await;
    let before = world.get(CONFIG_MAP, "default", "contract-rehearse").await;
    let guests = Guests::of(world).await;
    let rehearsed = |what: &str, name: &str, body: Value| {
        let mut step = step(what, MAP, name, body);
        step["rehearsed"] = json!(true);
        step
    };
    let new = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "contract-new", "namespace": "default"}, "data": {"mode": "new"},
    });
    let applied = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "contract-rehearse", "namespace": "default"}, "data": {"mode": "applied"},
    });
    let steps = [
        rehearsed(
            "patch",
            "contract-rehearse",
            json!({"data": {"mode": "after"}}),
        ),
        rehearsed(
            "patch",
            "contract-rehearse",
            json!({"data": {"mode": "before"}}),
        ),
        rehearsed("apply", "contract-rehearse", applied),
        rehearsed("create", "contract-new", new),
        rehearsed("delete", "contract-rehearse", json!(null)),
    ];
    let ran = guests.act("look-ahead", &steps).await.exits(0);
    let told = ran.value();
    let of = |at: usize| (told[at][0]["data"]["mode"].clone(), told[at][1].clone());
    assert_eq!(of(0), (json!("after"), json!(true)), "{ran}");
    assert_eq!(of(1), (json!("before"), json!(false)), "{ran}");
    assert_eq!(of(2), (json!("applied"), json!(true)), "{ran}");
    assert_eq!(of(3), (json!("new"), json!(true)), "{ran}");
    assert_eq!(told[4], json!([null, true]), "{ran}");
    assert_eq!(
        world.get(CONFIG_MAP, "default", "contract-rehearse").await,
        before
    );
    assert!(
        world
            .get(CONFIG_MAP, "default", "contract-new")
            .await
            .is_null()
    );
    world
        .delete(CONFIG_MAP, "default", "contract-rehearse")
        .await;
}

/// What a manager has applied before and does not any more goes, whoever else applies; and what it owns is not taken from it.
async fn manifest_is_applied_as_the_manager_that_was_granted(world: &World) {
    let _others = world.share().await;
    let name = "contract-manager";
    let map = |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": data});
    world.create(CONFIG_MAP, &map(json!({"by": "hand"}))).await;
    let guests = Guests::of(world).await;
    let apply = |manager: &str, data: Value| {
        let mut step = step("apply", MAP, name, map(data));
        step["manager"] = manager.into();
        step
    };
    let flux = "kustomize-controller";
    let steps = [
        apply(flux, json!({"a": "1", "b": "1"})),
        apply(flux, json!({"a": "2"})),
        apply("agent", json!({"a": "3"})),
        apply("helm-controller", json!({"a": "3"})),
    ];
    let ran = guests.act("act", &steps).await.exits(0);
    let said = json!(["done", "done", "cluster.owned", "cluster.not-granted"]);
    assert_eq!(ran.value(), said, "{ran}");
    let now = world.get(CONFIG_MAP, "default", name).await;
    assert_eq!(now["data"], json!({"by": "hand", "a": "2"}), "{now}");
    let managed = now["metadata"]["managedFields"]
        .as_array()
        .into_iter()
        .flatten();
    let mut managed = managed.filter(|one| one["operation"] == "Apply");
    assert!(managed.any(|one| one["manager"] == flux), "{now}");
    let changed = ran
        .events()
        .into_iter()
        .find(|event| event["event"] == "changed");
    let fields = changed.expect("a change")["effect"]["fields"].clone();
    let shown = json!({"path": "/metadata/managedFields", "after": {"manager": flux}});
    assert!(
        fields.as_array().is_some_and(|all| all.contains(&shown)),
        "{fields}"
    );
    guests.undo().await;
    let now = world.get(CONFIG_MAP, "default", name).await;
    assert_eq!(now["data"], json!({"by": "hand"}), "{now}");
    let mut refused = apply("agent", json!({"to": "agent"}));
    refused["must"] = true.into();
    let ran = guests
        .act("act", &[apply(flux, json!({"to": "flux"})), refused])
        .await;
    let failed = ran.events().pop().expect("an end");
    let owners = &failed["outcome"]["failure"]["details"]["owners"];
    assert_eq!(
        (&owners[0]["manager"], &owners[0]["field"]),
        (&json!(flux), &json!(".data.to")),
        "{failed}"
    );
    world.delete(CONFIG_MAP, "default", name).await;
}
