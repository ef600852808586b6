//! The two worlds behind one face: an API server with the small home in it, the controllers beside it, and handles on both.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use agent_sandbox::{ApiServer, Config, Login};
use agent_sandbox_controller::{Controllers, Options, Repositories, Volumes};
use agent_testbed::fault::Proxy;
use agent_testbed::{Kubelet, Testbed};
use kube::Client;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::agent::Agent;
use super::app::App;
use super::bytes;
use super::home;
use super::kind::{
    AUTOSCALER, CLUSTER_ROLE, CLUSTER_ROLE_BINDING, DEPLOYMENT, HELM_RELEASE, JOB, KUSTOMIZATION,
    Kind, POD, REPLICATION_DESTINATION, REPLICATION_SOURCE, SCALED_OBJECT, STATEFUL_SET,
};

/// How long a condition may take on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// Users of both worlds who may do nothing until a test lets them.
const USERS: [&str; 5] = [
    READER,
    "without-patch",
    "without-create",
    "without-jobs",
    "flux-only",
];
/// The one of them who reads.
const READER: &str = "limited";

/// What the API server is.
pub(crate) enum Server {
    /// The simulated one.
    Sandbox(ApiServer),
    /// A real control plane, with the real kustomize-controller.
    Testbed(Box<Testbed>),
}

/// A running home cluster.
pub(crate) struct World {
    controllers: Controllers,
    client: Client,
    pub(crate) server: Server,
    folder: TempDir,
    everything: RwLock<()>,
    apps: Mutex<std::collections::BTreeMap<String, std::sync::Arc<Mutex<()>>>>,
}

/// As fast as it gets: what takes seconds in the pleasant sandbox takes none here.
fn quick(options: Options) -> Options {
    Options {
        mover_time: Duration::from_millis(30),
        container_time: Duration::from_millis(10),
        pod_time: Duration::from_millis(10),
        helm_poll: Duration::from_millis(100),
        job_backoff: Duration::from_millis(20),
        keda_poll: Duration::from_millis(100),
        flux_retry: Duration::from_millis(300),
        ..options
    }
}

impl World {
    /// The simulated world.
    pub(crate) async fn sandbox() -> Self {
        let login = |user: &str| Login {
            token: format!("the token of {user}"),
            user: user.to_owned(),
            groups: Vec::new(),
        };
        let config = Config {
            logins: USERS.map(login).into(),
            ..Config::any_port()
        };
        let server = ApiServer::start(config).await.expect("a server");
        server.load(agent_sandbox_home::crds()).expect("its kinds");
        server.load(home::settled()).expect("its objects");
        let client = server.client().await.expect("a client");
        let kubeconfig = server.kubeconfig();
        let options = quick(Options::sandbox());
        Self::settled(Server::Sandbox(server), client, &kubeconfig, options).await
    }

    /// The real world.
    pub(crate) async fn testbed() -> Self {
        let testbed = Testbed::start().await.expect("a testbed");
        let options = Options::testbed(testbed.logs().sink());
        Self::of_testbed(testbed, |_| (), options).await
    }

    /// The real world with the real VolSync, whose movers are processes that run restic over folders.
    pub(crate) async fn with_containers() -> Self {
        let testbed = Testbed::start_with_containers().await.expect("a testbed");
        let options = Options {
            volsync: false,
            job_pods: false,
            ..Options::testbed(testbed.logs().sink())
        };
        Self::of_testbed(testbed, bytes::reachable, options).await
    }

    async fn of_testbed(
        mut testbed: Testbed,
        change: impl Fn(&mut Value),
        options: Options,
    ) -> Self {
        let home = home::desired(change);
        let client = testbed.client();
        agent_testbed::load(&client, &home.objects)
            .await
            .expect("its objects");
        testbed
            .artifacts()
            .publish("flux-system", "flux-system", &home.files)
            .await
            .expect("its repository");
        agent_testbed::load(&client, &home.kustomizations)
            .await
            .expect("its Kustomizations");
        let kubeconfig = std::fs::read_to_string(testbed.kubeconfig_path()).expect("a kubeconfig");
        if !options.volsync {
            bytes::synchronized(&client).await;
            testbed.start_volsync().expect("VolSync");
        }
        let server = Server::Testbed(Box::new(testbed));
        Self::settled(server, client, &kubeconfig, quick(options)).await
    }

    async fn settled(server: Server, client: Client, kubeconfig: &str, options: Options) -> Self {
        let controllers = Controllers::start(client.clone(), options);
        let folder = tempfile::tempdir().expect("a folder");
        let world = Self {
            controllers,
            client,
            server,
            folder,
            everything: RwLock::default(),
            apps: Mutex::default(),
        };
        std::fs::write(world.kubeconfig(), kubeconfig).expect("writing a kubeconfig");
        world.fill_repositories();
        world.controllers.begun().await;
        world.settle().await;
        // VolSync makes a first backup of what it sees for the first time.
        world.fill_repositories();
        world
    }

    /// Gives every repository its history, and nothing else.
    fn fill_repositories(&self) {
        for repository in agent_sandbox_home::repositories() {
            self.fill(repository);
        }
    }

    /// Gives a repository its history, and nothing else.
    pub(super) fn fill_repository(&self, url: &str) {
        let mut all = agent_sandbox_home::repositories().into_iter();
        if let Some(repository) = all.find(|one| one.url == url) {
            self.fill(repository);
        }
    }

    fn fill(&self, repository: agent_sandbox_home::Repository) {
        let snapshots = repository.snapshots.into_iter();
        let snapshots = snapshots.map(|one| serde_json::from_value(one).expect("a snapshot"));
        let (url, password) = (&repository.url, &repository.password);
        let snapshots = snapshots.collect();
        self.repositories().insert(url, password, snapshots);
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// An agent of the administrator.
    pub(crate) fn agent(&self) -> Agent {
        Agent::of(&self.kubeconfig())
    }

    /// The controllers, with their faults.
    pub(crate) fn controllers(&self) -> &Controllers {
        &self.controllers
    }

    /// The kubelet of a world with containers.
    pub(crate) fn kubelet(&self) -> &Kubelet {
        match &self.server {
            Server::Testbed(testbed) => testbed.kubelet().expect("a world with containers"),
            Server::Sandbox(_) => panic!("the simulated world has no kubelet"),
        }
    }

    /// The restic repositories.
    pub(crate) fn repositories(&self) -> Repositories {
        self.controllers.repositories()
    }

    /// What is on the volumes.
    pub(crate) fn volumes(&self) -> Volumes {
        self.controllers.volumes()
    }

    /// Whether this is the simulated world.
    pub(crate) fn is_simulated(&self) -> bool {
        matches!(self.server, Server::Sandbox(_))
    }

    /// For a scenario about one app: others may run beside it.
    pub(super) async fn share(&self) -> RwLockReadGuard<'_, ()> {
        self.everything.read().await
    }

    /// For a scenario about the whole cluster: nothing runs beside it.
    pub(crate) async fn exclusive(&self) -> RwLockWriteGuard<'_, ()> {
        self.everything.write().await
    }

    /// The lock of an app.
    pub(super) async fn lock_of(&self, app: &str) -> std::sync::Arc<Mutex<()>> {
        self.apps
            .lock()
            .await
            .entry(app.to_owned())
            .or_default()
            .clone()
    }

    /// Sends a request as the administrator.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        media: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let body = if body.is_null() {
            Vec::new()
        } else {
            body.to_string().into_bytes()
        };
        let request = http::Request::builder().method(method).uri(path);
        let request = request.header("content-type", media).body(body);
        self.client.request(request.expect("a request")).await
    }

    /// An object, or null when there is none.
    pub(crate) async fn get(&self, kind: Kind, namespace: &str, name: &str) -> Value {
        let path = kind.path(namespace, name);
        let got = self.send("GET", &path, "application/json", &Value::Null);
        match got.await {
            Ok(object) => object,
            Err(kube::Error::Api(status)) if status.code == 404 => Value::Null,
            Err(error) => panic!("getting `{path}`: {error}"),
        }
    }

    /// Every object of a kind.
    pub(crate) async fn list(&self, kind: Kind) -> Vec<Value> {
        let path = kind.everywhere();
        let got = self.send("GET", &path, "application/json", &Value::Null);
        let mut list = got
            .await
            .unwrap_or_else(|error| panic!("listing `{path}`: {error}"));
        match list["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        }
    }

    /// Merges into an object, as a person does with a tool that Flux does not revert.
    pub(crate) async fn merge(&self, kind: Kind, namespace: &str, name: &str, change: Value) {
        let path = format!("{}?fieldManager=a-person", kind.path(namespace, name));
        let sent = self.send("PATCH", &path, "application/merge-patch+json", &change);
        sent.await
            .unwrap_or_else(|error| panic!("patching `{path}`: {error}"));
    }

    /// Creates an object.
    pub(crate) async fn create(&self, kind: Kind, object: &Value) {
        let namespace = object["metadata"]["namespace"].as_str().unwrap_or_default();
        let path = kind.paths(namespace);
        let sent = self.send("POST", &path, "application/json", object);
        sent.await
            .unwrap_or_else(|error| panic!("creating in `{path}`: {error}"));
    }

    /// Deletes an object and waits until it is gone.
    pub(crate) async fn delete(&self, kind: Kind, namespace: &str, name: &str) {
        let path = kind.path(namespace, name);
        let how = json!({"propagationPolicy": "Background"});
        let sent = self.send("DELETE", &path, "application/json", &how);
        sent.await
            .unwrap_or_else(|error| panic!("deleting `{path}`: {error}"));
        self.until(&format!("`{path}` is gone"), || async {
            self.get(kind, namespace, name).await.is_null()
        })
        .await;
    }

    /// Makes a pod stay when it is deleted.
    pub(crate) async fn stick(&self, app: &App<'_>, pod: &str) {
        match &self.server {
            Server::Sandbox(_) => self.controllers.stick_pod(app.namespace, pod),
            Server::Testbed(_) => {
                let finalizers = json!({"metadata": {"finalizers": ["agent.test/stuck"]}});
                self.merge(POD, app.namespace, pod, finalizers).await;
            }
        }
    }

    /// Lets a pod go.
    pub(crate) async fn free(&self, app: &App<'_>, pod: &str) {
        match &self.server {
            Server::Sandbox(_) => self.controllers.free_pod(app.namespace, pod),
            Server::Testbed(_) => {
                let finalizers = json!({"metadata": {"finalizers": null}});
                self.merge(POD, app.namespace, pod, finalizers).await;
            }
        }
    }

    /// Lets an app's Kustomization fail when it is next reconciled.
    pub(crate) async fn break_kustomization(&self, app: &App<'_>) {
        let message = "kustomization path not found: stat /tmp/kustomization-1/missing: no such file or directory";
        match &self.server {
            Server::Sandbox(_) => self.controllers.break_object(
                "Kustomization",
                app.namespace,
                app.name,
                "ArtifactFailed",
                message,
            ),
            Server::Testbed(_) => {
                let missing = json!({"spec": {"path": "./missing"}});
                app.merge(KUSTOMIZATION, missing).await;
            }
        }
    }

    /// Lets it succeed again.
    pub(crate) async fn mend_kustomization(&self, app: &App<'_>) {
        match &self.server {
            Server::Sandbox(_) => {
                self.controllers
                    .mend_object("Kustomization", app.namespace, app.name);
            }
            Server::Testbed(_) => {
                let path = format!("./kubernetes/apps/{}/{}/app", app.namespace, app.name);
                app.merge(KUSTOMIZATION, json!({"spec": {"path": path}}))
                    .await;
            }
        }
    }

    /// The kubeconfig of somebody who may read everything and write nothing.
    pub(crate) async fn reader(&self) -> String {
        let rules =
            json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}]);
        self.user_with(READER, &rules).await
    }

    /// The kubeconfig of a user who may do what the rules say, and nothing else.
    pub(crate) async fn user_with(&self, user: &str, rules: &Value) -> String {
        assert!(USERS.contains(&user), "`{user}` is a user of no world");
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": {"name": user}, "rules": rules,
        });
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": user},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": user},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        });
        for (kind, object) in [(CLUSTER_ROLE, role), (CLUSTER_ROLE_BINDING, binding)] {
            let (path, json) = (kind.everywhere(), "application/json");
            match self.send("POST", &path, json, &object).await {
                Err(kube::Error::Api(status)) if status.is_already_exists() => {
                    let path = format!("{path}/{user}");
                    let there = self.send("GET", &path, json, &Value::Null).await;
                    let there = there.unwrap_or_else(|error| panic!("getting `{path}`: {error}"));
                    let what = "a user may the same in every scenario of a world";
                    assert_eq!(there["rules"], object["rules"], "{what}");
                }
                sent => drop(sent.unwrap_or_else(|error| panic!("creating in `{path}`: {error}"))),
            }
        }
        match &self.server {
            Server::Sandbox(server) => server.kubeconfig_for(user).expect("a user"),
            Server::Testbed(testbed) => {
                self.until("the API server knows what the user may", async || {
                    self.may(user, &rules[0]).await
                })
                .await;
                let path = testbed.kubeconfig_for(user).expect("a user");
                std::fs::read_to_string(path).expect("a kubeconfig")
            }
        }
    }

    /// Says whether a user may what a rule of theirs allows. A new role is of no effect until the API server's own watch has brought it.
    async fn may(&self, user: &str, rule: &Value) -> bool {
        let (verb, group) = (&rule["verbs"][0], &rule["apiGroups"][0]);
        let attributes = json!({"verb": verb, "group": group, "resource": rule["resources"][0]});
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": attributes},
        });
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let answer = self.send("POST", path, "application/json", &review).await;
        answer.expect("a review")["status"]["allowed"] == true
    }

    /// A proxy in front of the API server.
    pub(crate) fn proxy(&self) -> Proxy {
        let behind = std::fs::read_to_string(self.kubeconfig()).expect("a kubeconfig");
        Proxy::start(&behind).expect("a proxy")
    }

    /// Waits for a condition.
    pub(crate) async fn until(&self, what: &str, mut holds: impl AsyncFnMut() -> bool) {
        let begin = Instant::now();
        while !holds().await {
            assert!(begin.elapsed() < PATIENCE, "not after {PATIENCE:?}: {what}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until nothing moves: everything is ready that is not suspended.
    pub(crate) async fn settle(&self) {
        let begin = Instant::now();
        while let Some(what) = self.unsettled().await {
            assert!(begin.elapsed() < PATIENCE, "not after {PATIENCE:?}: {what}");
            tokio::time::sleep(LOOK * 5).await;
        }
    }

    async fn unsettled(&self) -> Option<String> {
        for kind in [KUSTOMIZATION, HELM_RELEASE, SCALED_OBJECT] {
            let all = self.list(kind).await;
            if let Some(one) = all.iter().find(|one| !is_ready(one)) {
                return Some(format!("{} is ready: {}", kind.plural, brief(one)));
            }
        }
        for kind in [DEPLOYMENT, STATEFUL_SET] {
            let all = self.list(kind).await;
            if let Some(one) = all.iter().find(|one| !is_rolled_out(one)) {
                return Some(format!("{} has its pods: {}", kind.plural, brief(one)));
            }
        }
        for kind in [REPLICATION_SOURCE, REPLICATION_DESTINATION] {
            let all = self.list(kind).await;
            let idle = |one: &&Value| one["status"]["lastSyncTime"].is_string();
            if let Some(one) = all.iter().find(|one| !idle(one)) {
                return Some(format!("{} has synchronized: {}", kind.plural, brief(one)));
            }
        }
        if let Some(job) = self.list(JOB).await.first() {
            return Some(format!("no Job runs: {}", brief(job)));
        }
        let mut scaled = self.list(SCALED_OBJECT).await;
        scaled.retain(|one| !is_paused(one));
        let scaled = scaled.len();
        let scalers = self.list(AUTOSCALER).await.len();
        (scalers < scaled).then(|| format!("{scaled} autoscalers, there are {scalers}"))
    }
}

fn brief(object: &Value) -> String {
    format!(
        "{}/{} {}",
        object["metadata"]["namespace"], object["metadata"]["name"], object["status"]
    )
}

/// Whether its Ready condition is true.
pub(crate) fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Whether KEDA is told to leave it alone.
pub(crate) fn is_paused(scaled: &Value) -> bool {
    scaled["metadata"]["annotations"]["autoscaling.keda.sh/paused"] == "true"
}

fn is_rolled_out(object: &Value) -> bool {
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let status = &object["status"];
    let count = |field: &str| status[field].as_i64().unwrap_or_default();
    status["observedGeneration"] == object["metadata"]["generation"]
        && count("readyReplicas") == wanted
        && count("replicas") == wanted
}
