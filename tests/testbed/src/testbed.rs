//! Starting the control plane and knowing its parts.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::future::try_join;
use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt as _};
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::group::Group;
use crate::home::Home;
use crate::identity::{self, ADMIN, Authority, kubeconfig};
use crate::server::{self, Ports};
use crate::{Artifacts, Kubelet, PodLogs, kubelet, load, wait};

const PATIENCE: Duration = Duration::from_secs(30);

/// A running control plane; dropping it ends it and removes its files.
pub struct Testbed {
    // Fields drop in this order: servers before the folder they write into.
    artifacts: Artifacts,
    kubelet: Option<Kubelet>,
    servers: Group,
    logs: PodLogs,
    client: Client,
    url: String,
    ca_pem: String,
    secret: String,
    start_time: Duration,
    folder: tempfile::TempDir,
}

impl Testbed {
    /// Starts everything: servers, definitions of the home cluster, its nodes, the namespace `flux-system`.
    ///
    /// # Errors
    /// The servers are not built, or one of them ends or is not ready in time; its last lines are in the message.
    pub async fn start() -> Result<Self> {
        Self::start_with(STAGES.to_owned()).await
    }

    /// [`Testbed::start`] with a [`Kubelet`] that runs the containers of Jobs with restic and of VolSync's movers.
    ///
    /// # Errors
    /// As [`Testbed::start`]; and where this system does not let us run containers.
    pub async fn start_with_containers() -> Result<Self> {
        let mut testbed = Self::start_with(stages_without_ours()?).await?;
        let (client, folder) = (testbed.client(), testbed.folder.path());
        let (group, logs) = (testbed.servers.leader(), testbed.logs.clone());
        testbed.kubelet = Some(Kubelet::start(client, folder, group, logs)?);
        Ok(testbed)
    }

    /// Starts VolSync, which acts on what it finds: give objects their status before.
    ///
    /// # Errors
    /// It is not built.
    pub fn start_volsync(&mut self) -> Result<()> {
        let command = server::volsync(&self.kubeconfig_path())?;
        self.servers.start("volsync", command)
    }

    /// The kubelet of [`Testbed::start_with_containers`].
    #[must_use]
    pub fn kubelet(&self) -> Option<&Kubelet> {
        self.kubelet.as_ref()
    }

    async fn start_with(stages: String) -> Result<Self> {
        let begin = Instant::now();
        let folder = tempfile::Builder::new()
            .prefix("agent-testbed-")
            .tempdir()
            .context("making a folder for the testbed")?;
        let ports = Ports::free()?;
        let secret = folder
            .path()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let authority = Authority::new()?;
        let url = format!("https://127.0.0.1:{}", ports.api);
        write_files(folder.path(), &authority, &secret, &stages)?;
        let path = write_kubeconfig(folder.path(), &url, &authority.pem(), &secret, ADMIN)?;
        let client = client(&path).await?;

        let mut servers = Group::new(folder.path());
        let started = start_servers(&mut servers, folder.path(), &path, ports, &client).await;
        started.map_err(|err| explain(&mut servers, err))?;
        tracing::debug!(elapsed = ?begin.elapsed(), "testbed is ready");
        Ok(Self {
            artifacts: Artifacts::start(client.clone())?,
            kubelet: None,
            servers,
            logs: PodLogs::new(client.clone(), folder.path().join("logs")),
            client,
            url,
            ca_pem: authority.pem(),
            secret,
            start_time: begin.elapsed(),
            folder,
        })
    }

    /// The administrator's client. It belongs to the runtime that started the testbed; [`Testbed::client_for`] makes a new one.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A new client for one of [`crate::USERS`].
    ///
    /// # Errors
    /// There is no such user.
    pub async fn client_for(&self, user: &str) -> Result<Client> {
        client(&self.kubeconfig_for(user)?).await
    }

    /// The administrator's kubeconfig.
    #[must_use]
    pub fn kubeconfig_path(&self) -> PathBuf {
        self.folder.path().join(format!("{ADMIN}.kubeconfig"))
    }

    /// Writes a kubeconfig for one of [`crate::USERS`] and returns its path.
    ///
    /// # Errors
    /// There is no such user.
    pub fn kubeconfig_for(&self, user: &str) -> Result<PathBuf> {
        write_kubeconfig(
            self.folder.path(),
            &self.url,
            &self.ca_pem,
            &self.secret,
            user,
        )
    }

    /// The API server's address, `https://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate authority to trust, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The kubectl that was built with the servers.
    ///
    /// # Errors
    /// It is not built.
    pub fn kubectl() -> Result<PathBuf> {
        server::binary("kubectl")
    }

    /// The restic that movers have.
    ///
    /// # Errors
    /// It is not built.
    pub fn restic() -> Result<PathBuf> {
        server::binary("restic")
    }

    /// Says what pods print and how they end.
    #[must_use]
    pub fn logs(&self) -> &PodLogs {
        &self.logs
    }

    /// Gives GitRepositories their content.
    #[must_use]
    pub fn artifacts(&self) -> &Artifacts {
        &self.artifacts
    }

    /// Creates the home cluster of `agent-sandbox-home` and waits until Flux has applied every Kustomization of it.
    ///
    /// Its GitRepository then has a revision that [`Testbed::artifacts`] serves; the sandbox's controllers, started after this,
    /// leave it in place. What Helm, VolSync and KEDA have to do is left to them.
    ///
    /// # Errors
    /// The API server refuses an object, or a Kustomization is not ready in time; it is named with its message.
    pub async fn load_home(&self) -> Result<()> {
        self.load_part(Home::whole()).await
    }

    /// [`Testbed::load_home`] with only these apps and what their Kustomizations depend on; much quicker.
    ///
    /// # Errors
    /// As [`Testbed::load_home`]; or an app has no Kustomization in the home cluster.
    pub async fn load_apps(&self, apps: &[&str]) -> Result<()> {
        self.load_part(Home::of(apps)?).await
    }

    async fn load_part(&self, home: Home) -> Result<()> {
        load(&self.client, &home.before).await?;
        self.artifacts
            .publish("flux-system", "flux-system", &home.files)
            .await?;
        load(&self.client, &home.after).await?;
        kustomizations_ready(&self.client).await
    }

    /// The folder with the servers' logs (`NAME.log`), for people.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How long [`Testbed::start`] took.
    #[must_use]
    pub fn start_time(&self) -> Duration {
        self.start_time
    }
}

fn explain(servers: &mut Group, err: anyhow::Error) -> anyhow::Error {
    match servers.ended() {
        Some(ended) => err.context(ended),
        None => err,
    }
}

const STAGES: &str = include_str!("../kwok/stages.yaml");

/// kwok's stages, but that it leaves the pods alone whose containers run.
fn stages_without_ours() -> Result<String> {
    let others = json!({"cel": {"expression": format!("!({})", kubelet::OURS)}});
    let mut text = String::new();
    for stage in serde_yaml_ng::Deserializer::from_str(STAGES) {
        let mut stage = Value::deserialize(stage).context("reading kwok's stages")?;
        if stage["spec"]["resourceRef"]["kind"] == "Pod"
            && let Some(selects) = stage["spec"]["selector"]["matchExpressions"].as_array_mut()
        {
            selects.push(others.clone());
        }
        if stage.is_object() {
            text.push_str(&format!("---\n{stage}\n"));
        }
    }
    Ok(text)
}

fn write_files(folder: &Path, authority: &Authority, secret: &str, stages: &str) -> Result<()> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("writing `{}`", path.display()))
    };
    for server in ["api", "kwok"] {
        let pair = authority.issue()?;
        write(&format!("{server}.crt"), &pair.certificate)?;
        write(&format!("{server}.key"), &pair.key)?;
    }
    let (signing, verifying) = identity::account_keys()?;
    write("accounts.key", &signing)?;
    write("accounts.pub", &verifying)?;
    write("tokens.csv", &identity::token_file(secret))?;
    std::fs::create_dir(folder.join("logs")).context("making a folder for logs")?;
    write("empty.log", "")?;
    let empty = folder.join("empty.log");
    let default_log = json!({
        "apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "ClusterLogs", "metadata": {"name": "default"},
        "spec": {"logs": [{"logsFile": empty}]},
    });
    write("kwok.yaml", &format!("{stages}---\n{default_log}\n"))
}

fn write_kubeconfig(
    folder: &Path,
    url: &str,
    ca_pem: &str,
    secret: &str,
    user: &str,
) -> Result<PathBuf> {
    let token = identity::token(secret, user)?;
    let path = folder.join(format!("{user}.kubeconfig"));
    std::fs::write(&path, kubeconfig("testbed", url, ca_pem, user, &token))
        .with_context(|| format!("writing `{}`", path.display()))?;
    Ok(path)
}

async fn client(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig =
        Kubeconfig::read_from(kubeconfig).context("reading the testbed's kubeconfig")?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .context("reading the testbed's kubeconfig")?;
    Client::try_from(config).context("making a client of the testbed")
}

async fn start_servers(
    servers: &mut Group,
    folder: &Path,
    kubeconfig: &Path,
    ports: Ports,
    client: &Client,
) -> Result<()> {
    servers.start("etcd", server::etcd(folder, ports)?)?;
    listening("etcd", ports.etcd, servers).await?;
    servers.start("kube-apiserver", server::api(folder, ports)?)?;
    listening("kube-apiserver", ports.api, servers).await?;
    api_ready(client, servers).await?;
    let mut objects = agent_sandbox_home::crds();
    objects.push(definition_of_logs()?);
    objects.push(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "flux-system"}}),
    );
    try_join(load(client, &objects), create_nodes(client)).await?;
    // The garbage collector looks for kinds when it starts and then every half minute: the definitions come first.
    servers.start(
        "kube-controller-manager",
        server::controller_manager(folder, kubeconfig)?,
    )?;
    servers.start("kube-scheduler", server::scheduler(kubeconfig)?)?;
    servers.start("kwok", server::kwok(folder, kubeconfig, ports)?)?;
    servers.start(
        "kustomize-controller",
        server::kustomize_controller(folder, kubeconfig, ports)?,
    )?;
    listening("kwok", ports.kwok, servers).await?;
    listening("kustomize-controller", ports.kustomize_health, servers).await?;
    try_join(nodes_ready(client), accounts_made(client)).await?;
    Ok(())
}

fn definition_of_logs() -> Result<Value> {
    serde_yaml_ng::from_str(include_str!("../kwok/logs.yaml"))
        .context("reading kwok's definition of Logs")
}

async fn listening(name: &str, port: u16, servers: &mut Group) -> Result<()> {
    let begin = Instant::now();
    while tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .is_err()
    {
        if let Some(ended) = servers.ended() {
            anyhow::bail!(ended);
        }
        anyhow::ensure!(
            begin.elapsed() < PATIENCE,
            "`{name}` does not listen: {}",
            servers.last_lines(name)
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

async fn api_ready(client: &Client, servers: &mut Group) -> Result<()> {
    let begin = Instant::now();
    loop {
        let request = http::Request::get("/readyz").body(Vec::new())?;
        let Err(err) = client.request_text(request).await else {
            return Ok(());
        };
        if let Some(ended) = servers.ended() {
            anyhow::bail!(ended);
        }
        if begin.elapsed() > PATIENCE {
            return Err(err).context("waiting for the API server");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The nodes of the home cluster with their sizes; kwok gives them addresses and makes them Ready.
async fn create_nodes(client: &Client) -> Result<()> {
    let nodes: Vec<Value> = agent_sandbox_home::objects()
        .iter()
        .filter(|object| object["kind"] == "Node")
        .map(bare_node)
        .collect();
    load(client, &nodes).await
}

/// What a kubelet registers. A created node keeps its status, unlike most kinds.
fn bare_node(node: &Value) -> Value {
    let of = &node["status"];
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": node["metadata"]["name"], "labels": node["metadata"]["labels"]},
        "status": {"capacity": of["capacity"], "allocatable": of["allocatable"], "nodeInfo": of["nodeInfo"]},
    })
}

async fn nodes_ready(client: &Client) -> Result<()> {
    let api: Api<Node> = Api::all(client.clone());
    wait::until("nodes", PATIENCE, || async {
        match api.list(&ListParams::default()).await {
            Ok(nodes) => nodes
                .iter()
                .find(|node| !is_ready(node))
                .map(|node| format!("node `{}` is not ready", node.name_any())),
            Err(err) => Some(err.to_string()),
        }
    })
    .await
}

/// Ready, and without the taint that a node has before: pods can be scheduled.
fn is_ready(node: &Node) -> bool {
    let tainted = node.spec.as_ref().is_some_and(|spec| {
        spec.taints
            .as_ref()
            .is_some_and(|taints| !taints.is_empty())
    });
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    !tainted
        && conditions.is_some_and(|conditions| {
            conditions
                .iter()
                .any(|condition| condition.type_ == "Ready" && condition.status == "True")
        })
}

/// The controller-manager works when it has made an account in our namespace.
async fn accounts_made(client: &Client) -> Result<()> {
    let api: Api<ServiceAccount> = Api::namespaced(client.clone(), "flux-system");
    wait::until("the controller-manager", PATIENCE, || async {
        match api.get_opt("default").await {
            Ok(Some(_)) => None,
            Ok(None) => Some("no account `default` in `flux-system`".to_owned()),
            Err(err) => Some(err.to_string()),
        }
    })
    .await
}

async fn kustomizations_ready(client: &Client) -> Result<()> {
    let kind = GroupVersionKind::gvk("kustomize.toolkit.fluxcd.io", "v1", "Kustomization");
    let resource = ApiResource::from_gvk_with_plural(&kind, "kustomizations");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    wait::until("Kustomizations", 6 * PATIENCE, || async {
        match api.list(&ListParams::default()).await {
            Ok(list) => first_cause(list.iter().filter_map(not_applied).collect()),
            Err(err) => Some(err.to_string()),
        }
    })
    .await
}

/// One that does not wait for another, if there is one.
fn first_cause(mut waiting: Vec<String>) -> Option<String> {
    waiting.sort_by_key(|reason| reason.contains("dependency "));
    waiting.into_iter().next()
}

fn not_applied(kustomization: &DynamicObject) -> Option<String> {
    let conditions = kustomization.data["status"]["conditions"].as_array();
    let ready = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Ready");
    let ready = ready.cloned().unwrap_or_default();
    let name = kustomization.name_any();
    (ready["status"] != "True").then(|| format!("`{name}` is not ready: {}", ready["message"]))
}
