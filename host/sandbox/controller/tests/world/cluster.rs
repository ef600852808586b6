//! A running home cluster, and words to act on it and to wait in it.

use agent_sandbox::{ApiServer, Config, Handle};
use agent_sandbox_controller::{Controllers, Options};
use kube::Client;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long anything may take on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Home {
    pub(crate) server: ApiServer,
    pub(crate) controllers: Controllers,
    pub(crate) client: Client,
}

/// Fast options: what takes seconds in the pleasant sandbox takes none here.
pub(crate) fn quick() -> Options {
    Options {
        mover_time: Duration::from_millis(30),
        helm_poll: Duration::from_millis(200),
        helm_timeout: Duration::from_secs(2),
        job_backoff: Duration::from_millis(20),
        keda_poll: Duration::from_millis(100),
        flux_retry: Duration::from_millis(300),
        ..Options::sandbox()
    }
}

impl Home {
    pub(crate) async fn start() -> Self {
        Self::start_with(quick()).await
    }

    pub(crate) async fn start_with(options: Options) -> Self {
        let server = ApiServer::start(Config::any_port()).await.unwrap();
        server.load(agent_sandbox_home::crds()).unwrap();
        server.load(agent_sandbox_home::objects()).unwrap();
        let client = server.client().await.unwrap();
        let controllers = Controllers::start(client.clone(), options);
        for repository in agent_sandbox_home::repositories() {
            let snapshots = repository
                .snapshots
                .into_iter()
                .map(|one| serde_json::from_value(one).unwrap())
                .collect();
            controllers
                .repositories()
                .insert(&repository.url, &repository.password, snapshots);
        }
        let home = Self {
            server,
            controllers,
            client,
        };
        home.controllers.begun().await;
        home
    }

    pub(crate) fn handle(&self) -> Handle {
        self.server.handle()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        media: &str,
        body: &Value,
    ) -> Result<Value, kube::Error> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", media)
            .body(if body.is_null() {
                Vec::new()
            } else {
                body.to_string().into_bytes()
            })
            .unwrap();
        self.client.request(request).await
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send("GET", path, "application/json", &Value::Null)
            .await
            .unwrap_or(Value::Null)
    }

    pub(crate) async fn patch(&self, path: &str, manager: &str, body: Value) -> Value {
        let path = format!("{path}?fieldManager={manager}");
        self.send("PATCH", &path, "application/merge-patch+json", &body)
            .await
            .unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.send("POST", path, "application/json", &body)
            .await
            .unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) {
        self.send(
            "DELETE",
            path,
            "application/json",
            &json!({"propagationPolicy": "Background"}),
        )
        .await
        .unwrap();
    }

    pub(crate) async fn text(&self, path: &str) -> String {
        let request = http::Request::get(path).body(Vec::new()).unwrap();
        self.client.request_text(request).await.unwrap()
    }

    /// Waits until the object at a path is as wanted, and returns it.
    pub(crate) async fn until(
        &self,
        path: &str,
        what: &str,
        wanted: impl Fn(&Value) -> bool,
    ) -> Value {
        let start = Instant::now();
        loop {
            let object = self.get(path).await;
            if wanted(&object) {
                return object;
            }
            assert!(start.elapsed() < PATIENCE, "{path}: not {what}: {object:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) async fn pods(&self, namespace: &str, app: &str) -> Vec<Value> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods?labelSelector=app.kubernetes.io%2Fname%3D{app}"
        );
        self.get(&path).await["items"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) async fn until_pods(&self, namespace: &str, app: &str, wanted: usize) {
        let start = Instant::now();
        while ready(&self.pods(namespace, app).await) != Some(wanted) {
            assert!(
                start.elapsed() < PATIENCE,
                "{app} has not {wanted} ready pods"
            );
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// How many pods there are when all are ready.
fn ready(pods: &[Value]) -> Option<usize> {
    let all = pods
        .iter()
        .all(|pod| is_true(pod, "Ready") && pod["metadata"]["deletionTimestamp"].is_null());
    all.then_some(pods.len())
}

pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    conditions
        .iter()
        .find(|condition| condition["type"] == kind)
        .unwrap_or(&Value::Null)
}

pub(crate) fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind)["status"] == "True"
}

pub(crate) async fn eventually(what: &str, test: impl AsyncFn() -> bool) {
    let start = Instant::now();
    while !test().await {
        assert!(start.elapsed() < PATIENCE, "{what} did not come");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub(crate) fn kustomization(namespace: &str, name: &str) -> String {
    format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{namespace}/kustomizations/{name}")
}

pub(crate) fn release(namespace: &str, name: &str) -> String {
    format!("/apis/helm.toolkit.fluxcd.io/v2/namespaces/{namespace}/helmreleases/{name}")
}

pub(crate) fn source(namespace: &str, name: &str) -> String {
    format!("/apis/volsync.backube/v1alpha1/namespaces/{namespace}/replicationsources/{name}")
}

pub(crate) fn destination(namespace: &str, name: &str) -> String {
    format!("/apis/volsync.backube/v1alpha1/namespaces/{namespace}/replicationdestinations/{name}")
}

pub(crate) fn scaled(namespace: &str, name: &str) -> String {
    format!("/apis/keda.sh/v1alpha1/namespaces/{namespace}/scaledobjects/{name}")
}

pub(crate) fn deployment(namespace: &str, name: &str) -> String {
    format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
}
