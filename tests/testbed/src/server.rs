//! The servers' command lines: which binary, which flags, and why those.
//!
//! Nothing is started here. Ports are new for each start, because an API server keeps its port for some seconds after its end.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Where `cargo xtask testbed` puts the binaries.
pub(crate) fn binaries() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.join("../../target/testbed/bin")
}

/// A binary that `cargo xtask testbed` built.
pub(crate) fn binary(name: &str) -> Result<PathBuf> {
    let path = binaries().join(name);
    let path = path.canonicalize().unwrap_or(path);
    ensure!(
        path.is_file(),
        "the testbed's `{name}` is not built; run `cargo xtask testbed`"
    );
    Ok(path)
}

/// Ports of one start, all on loopback.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) etcd: u16,
    pub(crate) etcd_peers: u16,
    pub(crate) api: u16,
    pub(crate) kwok: u16,
    pub(crate) kustomize_metrics: u16,
    pub(crate) kustomize_health: u16,
}

impl Ports {
    /// Ports that were free a moment ago.
    pub(crate) fn free() -> Result<Self> {
        let listeners = (0..6)
            .map(|_| TcpListener::bind("127.0.0.1:0"))
            .collect::<Result<Vec<_>, _>>()
            .context("finding free ports")?;
        let port = |index: usize| listeners[index].local_addr().map(|address| address.port());
        Ok(Self {
            etcd: port(0)?,
            etcd_peers: port(1)?,
            api: port(2)?,
            kwok: port(3)?,
            kustomize_metrics: port(4)?,
            kustomize_health: port(5)?,
        })
    }
}

/// The store of the API server. Nothing in it outlives the test, so it never waits for the disk.
pub(crate) fn etcd(folder: &Path, ports: Ports) -> Result<Command> {
    let clients = format!("http://127.0.0.1:{}", ports.etcd);
    let peers = format!("http://127.0.0.1:{}", ports.etcd_peers);
    let mut command = Command::new(binary("etcd")?);
    command
        .arg("--data-dir")
        .arg(folder.join("etcd"))
        .args([
            "--listen-client-urls",
            &clients,
            "--advertise-client-urls",
            &clients,
        ])
        .args([
            "--listen-peer-urls",
            &peers,
            "--initial-advertise-peer-urls",
            &peers,
        ])
        .args(["--initial-cluster", &format!("default={peers}")])
        .args(["--unsafe-no-fsync", "--log-level=warn"]);
    Ok(command)
}

/// The API server, with RBAC and without the admission of service accounts: no pod ever mounts a token.
pub(crate) fn api(folder: &Path, ports: Ports) -> Result<Command> {
    let file = |name: &str| folder.join(name).display().to_string();
    let mut command = Command::new(binary("kube-apiserver")?);
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd))
        .arg(format!("--cert-dir={}", file("certificates")))
        .arg(format!("--tls-cert-file={}", file("api.crt")))
        .arg(format!("--tls-private-key-file={}", file("api.key")))
        .arg(format!("--secure-port={}", ports.api))
        .arg(format!(
            "--service-account-key-file={}",
            file("accounts.pub")
        ))
        .arg(format!(
            "--service-account-signing-key-file={}",
            file("accounts.key")
        ))
        .arg(format!("--token-auth-file={}", file("tokens.csv")))
        .args([
            "--bind-address=127.0.0.1",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.43.0.0/16",
            "--allow-privileged=true",
            "--disable-admission-plugins=ServiceAccount",
        ]);
    Ok(command)
}

/// Controllers of built-in kinds; those that talk to a cloud or give out addresses are off.
pub(crate) fn controller_manager(folder: &Path, kubeconfig: &Path) -> Result<Command> {
    let mut command = Command::new(binary("kube-controller-manager")?);
    command
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg("--service-account-private-key-file")
        .arg(folder.join("accounts.key"))
        .args([
            "--leader-elect=false",
            "--secure-port=0",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--pvclaimbinder-sync-period=1s",
            "--controllers=*,-nodeipam,-node-route-controller,-cloud-node-lifecycle-controller,-service-lb-controller",
        ]);
    Ok(command)
}

/// The scheduler.
pub(crate) fn scheduler(kubeconfig: &Path) -> Result<Command> {
    let mut command = Command::new(binary("kube-scheduler")?);
    command
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .args(["--leader-elect=false", "--secure-port=0"])
        .args(["--kube-api-qps=500", "--kube-api-burst=1000"]);
    Ok(command)
}

/// The kubelet of every node. Without leases the nodes are NotReady after 40 s.
pub(crate) fn kwok(folder: &Path, kubeconfig: &Path, ports: Ports) -> Result<Command> {
    let mut command = Command::new(binary("kwok")?);
    command
        .arg("--kubeconfig")
        .arg(kubeconfig)
        .arg("--config")
        .arg(folder.join("kwok.yaml"))
        .arg("--tls-cert-file")
        .arg(folder.join("kwok.crt"))
        .arg("--tls-private-key-file")
        .arg(folder.join("kwok.key"))
        .arg(format!("--node-port={}", ports.kwok))
        .arg(format!("--server-address=127.0.0.1:{}", ports.kwok))
        .args([
            "--manage-all-nodes",
            "--node-ip=127.0.0.1",
            "--node-lease-duration-seconds=40",
            "--enable-crds=Logs",
        ]);
    Ok(command)
}

/// Flux's controller of Kustomizations, which fetches artifacts from us instead of source-controller.
pub(crate) fn kustomize_controller(
    folder: &Path,
    kubeconfig: &Path,
    ports: Ports,
) -> Result<Command> {
    let mut command = Command::new(binary("kustomize-controller")?);
    command
        .env("KUBECONFIG", kubeconfig)
        .env("RUNTIME_NAMESPACE", "flux-system")
        .env("TMPDIR", folder)
        .arg(format!(
            "--metrics-addr=127.0.0.1:{}",
            ports.kustomize_metrics
        ))
        .arg(format!(
            "--health-addr=127.0.0.1:{}",
            ports.kustomize_health
        ))
        .args([
            "--events-addr=",
            "--enable-leader-election=false",
            "--concurrent=8",
            "--requeue-dependency=2s",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--log-level=info",
        ]);
    Ok(command)
}

/// VolSync with its restic mover, whose image is the one that the home cluster's movers have.
pub(crate) fn volsync(kubeconfig: &Path) -> Result<Command> {
    let mut command = Command::new(binary("volsync")?);
    command.arg("--kubeconfig").arg(kubeconfig).args([
        "--metrics-bind-address=0",
        "--health-probe-bind-address=0",
        "--restic-container-image=quay.io/backube/volsync:0.16.0",
    ]);
    Ok(command)
}
