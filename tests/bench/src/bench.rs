//! What all figures stand on: one real API server, and the programs that talk to it.

use std::path::{Path, PathBuf};

use agent_testbed::Testbed;
use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::program::Program;

/// The annotation by which Flux is asked.
pub(crate) const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// How often each thing is measured.
pub(crate) const SAMPLES: usize = 10;

/// The cluster and its clients.
pub(crate) struct Bench {
    pub(crate) testbed: Testbed,
    agent: PathBuf,
    kubectl: PathBuf,
    token: String,
    home: TempDir,
    app: OnceCell<()>,
}

impl Bench {
    pub(crate) async fn start(agent: &Path) -> Result<Bench> {
        let testbed = Testbed::start().await?;
        let home = tempfile::tempdir().context("making a home for the programs")?;
        std::fs::write(home.path().join("ca.crt"), testbed.ca_pem())
            .context("writing the authority")?;
        Ok(Bench {
            token: token(&testbed.kubeconfig_path())?,
            testbed,
            agent: agent.to_owned(),
            kubectl: Testbed::kubectl()?,
            home,
            app: OnceCell::new(),
        })
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Has the app `media/plex` in the cluster, applied by the real kustomize-controller.
    pub(crate) async fn app(&self) -> Result<()> {
        let load = || self.testbed.load_apps(&["plex"]);
        self.app.get_or_try_init(load).await.copied()
    }

    /// The agent, in front of the cluster.
    pub(crate) fn agent(&self, line: &str) -> Program {
        self.agent_alone(line)
            .with("KUBECONFIG", &self.testbed.kubeconfig_path())
    }

    /// The agent without a cluster.
    pub(crate) fn agent_alone(&self, line: &str) -> Program {
        Program::new(&self.agent)
            .line(line)
            .with("HOME", self.home())
    }

    pub(crate) fn agent_path(&self) -> &Path {
        &self.agent
    }

    pub(crate) fn kubectl(&self, line: &str) -> Program {
        let program = Program::new(&self.kubectl)
            .line(line)
            .with("HOME", self.home());
        program.with("KUBECONFIG", &self.testbed.kubeconfig_path())
    }

    /// curl, which asks Flux about one object by the very request that the agent sends.
    pub(crate) fn curl(&self, namespace: &str, name: &str, token: &str) -> Program {
        let patch = patch(token).to_string();
        let url = format!(
            "{}{}?fieldManager=agent",
            self.testbed.url(),
            path(namespace, name)
        );
        curl()
            .words([
                "--cacert",
                &self.home().join("ca.crt").display().to_string(),
            ])
            .words(["-H", &format!("Authorization: Bearer {}", self.token)])
            .words(["-H", "Content-Type: application/merge-patch+json"])
            .words(["-X", "PATCH", "-d", &patch, &url])
    }

    /// curl, which does so for many, as many at a time as the agent.
    pub(crate) fn curl_many(
        &self,
        namespace: &str,
        names: &[String],
        token: &str,
    ) -> Result<Program> {
        let head = format!(
            "silent\nshow-error\nfail\ncacert = \"{}\"\nheader = \"Authorization: Bearer {}\"\n\
             header = \"Content-Type: application/merge-patch+json\"\nrequest = PATCH\ndata = {}\noutput = /dev/null\n",
            self.home().join("ca.crt").display(),
            self.token,
            json!(patch(token).to_string()),
        );
        let one = |name: &String| {
            let path = path(namespace, name);
            format!(
                "{head}url = \"{}{path}?fieldManager=agent\"\n",
                self.testbed.url()
            )
        };
        let all: Vec<String> = names.iter().map(one).collect();
        let file = self.home().join("curl.config");
        std::fs::write(&file, all.join("next\n")).context("writing curl's work")?;
        let file = file.display().to_string();
        Ok(curl().words(["--parallel", "--parallel-max", "32", "-K", &file]))
    }

    /// Makes so many Kustomizations that nobody acts on, and returns their names.
    pub(crate) async fn kustomizations(
        &self,
        namespace: &str,
        count: usize,
    ) -> Result<Vec<String>> {
        let names: Vec<String> = (0..count)
            .map(|number| format!("app-{number:04}"))
            .collect();
        let mut objects =
            vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})];
        objects.extend(names.iter().map(|name| kustomization(namespace, name)));
        agent_testbed::load(&self.testbed.client(), &objects).await?;
        Ok(names)
    }
}

fn curl() -> Program {
    Program::new(Path::new("curl")).words(["--silent", "--show-error", "--fail"])
}

fn path(namespace: &str, name: &str) -> String {
    format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{namespace}/kustomizations/{name}")
}

fn patch(token: &str) -> Value {
    json!({"metadata": {"annotations": {REQUESTED_AT: token}}})
}

/// Suspended, so that the controller's work is not measured with ours.
fn kustomization(namespace: &str, name: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": name}},
        "spec": {
            "suspend": true, "interval": "1h", "retryInterval": "2m", "timeout": "5m", "prune": true, "wait": false,
            "path": format!("./kubernetes/apps/{namespace}/{name}/app"), "targetNamespace": namespace,
            "commonMetadata": {"labels": {"app.kubernetes.io/name": name}},
            "sourceRef": {"kind": "GitRepository", "name": "flux-system", "namespace": "flux-system"},
            "postBuild": {"substitute": {"APP": name, "VOLSYNC_CAPACITY": "5Gi"}},
        },
    })
}

fn token(kubeconfig: &Path) -> Result<String> {
    let text = std::fs::read_to_string(kubeconfig).context("reading the kubeconfig")?;
    let config: Value = serde_yaml_ng::from_str(&text).context("reading the kubeconfig")?;
    let token = config["users"][0]["user"]["token"].as_str();
    Ok(token.context("the kubeconfig has no token")?.to_owned())
}
