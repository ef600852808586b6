//! The home cluster as a person at a terminal sees it, with the real `kubectl`.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use agent_sandbox::{Cluster, ClusterOptions};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

const BINARY: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../target/testbed/bin/kubectl"
);

/// A cluster and a `kubectl` that knows only it.
struct Terminal {
    cluster: Cluster,
    home: TempDir,
}

struct Said {
    out: String,
    err: String,
    ok: bool,
}

impl Terminal {
    #[expect(
        clippy::disallowed_methods,
        reason = "kubectl reads its configuration from a file"
    )]
    async fn open() -> Self {
        assert!(
            Path::new(BINARY).exists(),
            "there is no `{BINARY}`: run `cargo xtask testbed`"
        );
        let cluster = Cluster::start(ClusterOptions::sandbox())
            .await
            .expect("the cluster starts");
        let home = TempDir::new().expect("a directory");
        std::fs::write(home.path().join("config"), cluster.kubeconfig()).expect("a kubeconfig");
        Self { cluster, home }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    async fn run(&self, line: &str, stdin: &str) -> Said {
        let mut child = Command::new(BINARY)
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", "/usr/bin:/bin")
            .arg("--kubeconfig")
            .arg(self.file("config"))
            .args(words(line))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("kubectl starts");
        let mut input = child.stdin.take().expect("a pipe");
        input
            .write_all(stdin.as_bytes())
            .await
            .expect("kubectl reads");
        drop(input);
        let output = tokio::time::timeout(Duration::from_secs(30), child.wait_with_output());
        let Output {
            status,
            stdout,
            stderr,
        } = output.await.expect("kubectl ends").expect("kubectl ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Said {
            out: text(stdout),
            err: text(stderr),
            ok: status.success(),
        }
    }

    /// Runs a command that succeeds; returns what it prints.
    async fn says(&self, line: &str) -> String {
        self.says_given(line, "").await
    }

    async fn says_given(&self, line: &str, stdin: &str) -> String {
        let said = self.run(line, stdin).await;
        assert!(said.ok, "kubectl {line}: {}{}", said.out, said.err);
        said.out
    }

    /// Runs a command and checks that its output has every one of `parts`.
    async fn shows(&self, line: &str, parts: &[&str]) {
        let out = self.says(line).await;
        for part in parts {
            assert!(
                out.contains(part),
                "kubectl {line} does not say `{part}`:\n{out}"
            );
        }
    }

    /// Runs a command that fails with this text.
    async fn refuses(&self, line: &str, part: &str) {
        let said = self.run(line, "").await;
        assert!(
            !said.ok && said.err.contains(part),
            "kubectl {line}: {}{}",
            said.out,
            said.err
        );
    }
}

/// Splits at spaces, but not inside single quotes.
fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    let mut words = vec![String::new()];
    for (index, part) in quoted {
        let last = words.last_mut().expect("one word");
        if index % 2 == 1 {
            last.push_str(part);
            continue;
        }
        let mut pieces = part.split(' ');
        last.push_str(pieces.next().unwrap_or_default());
        words.extend(pieces.map(str::to_owned));
    }
    words.retain(|word| !word.is_empty());
    words
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_around_shows_what_a_real_cluster_shows() {
    let terminal = Terminal::open().await;
    terminal
        .shows("version", &["Server Version: v1.36.3"])
        .await;
    terminal
        .shows(
            "cluster-info",
            &["Kubernetes control plane", &terminal.cluster.url()],
        )
        .await;
    terminal
        .shows(
            "api-versions",
            &[
                "apps/v1",
                "kustomize.toolkit.fluxcd.io/v1",
                "volsync.backube/v1alpha1",
            ],
        )
        .await;
    terminal
        .shows(
            "api-resources",
            &[
                "kustomizations",
                "ks",
                "HelmRelease",
                "poddisruptionbudgets",
            ],
        )
        .await;
    terminal
        .shows("config view", &["sandbox", "REDACTED"])
        .await;
    terminal
        .shows(
            "get nodes -o wide",
            &[
                "STATUS",
                "ROLES",
                "control-plane",
                "KERNEL-VERSION",
                "Ready",
            ],
        )
        .await;
    assert_eq!(
        terminal
            .says("get ks -A --no-headers")
            .await
            .lines()
            .count(),
        102
    );
    assert_eq!(
        terminal
            .says("get hr -A --no-headers")
            .await
            .lines()
            .count(),
        89
    );
    terminal
        .shows(
            "get ks -n media plex",
            &["NAME", "READY", "STATUS", "True", "Applied revision"],
        )
        .await;
    terminal
        .shows(
            "get pods -n media",
            &["READY", "RESTARTS", "1/1", "Running", "plex-"],
        )
        .await;
    terminal
        .shows(
            "get pods -n media -o wide",
            &["NOMINATED NODE", "READINESS GATES", "talos-"],
        )
        .await;
    terminal
        .shows(
            "get all -n media",
            &[
                "pod/plex-",
                "deployment.apps/plex",
                "service/plex",
                "replicaset.apps/plex-",
            ],
        )
        .await;
    terminal
        .shows(
            "get pvc -n media plex",
            &["Bound", "RWO", "VOLUMEATTRIBUTESCLASS"],
        )
        .await;
    terminal
        .shows(
            "get replicationsources -n media plex",
            &["SOURCE", "LAST SYNC", "NEXT SYNC"],
        )
        .await;
    terminal
        .shows("get sc", &["PROVISIONER", "(default)"])
        .await;
    terminal
        .shows(
            "get crd kustomizations.kustomize.toolkit.fluxcd.io",
            &["CREATED AT"],
        )
        .await;
    terminal
        .shows(
            "get deploy -n media plex -o jsonpath={.spec.replicas}",
            &["1"],
        )
        .await;
    terminal
        .shows(
            "get deploy -n media plex -o yaml",
            &["apiVersion: apps/v1", "kind: Deployment"],
        )
        .await;
    terminal
        .shows(
            "get pods -A -l app.kubernetes.io/name=plex -o name",
            &["pod/plex-"],
        )
        .await;
    terminal
        .shows(
            "get pods -A --field-selector status.phase=Running -o custom-columns=N:.metadata.name",
            &["N\n", "plex-"],
        )
        .await;
    terminal
        .shows("get deploy -n media --sort-by=.metadata.name", &["plex "])
        .await;
    terminal.shows("get --raw /readyz", &["ok"]).await;
    terminal
        .shows(
            "describe ks plex -n media",
            &["Name:", "plex", "Source Ref:", "Last Applied Revision"],
        )
        .await;
    terminal
        .shows(
            "describe deploy plex -n media",
            &["StrategyType:", "Pod Template:", "1 desired"],
        )
        .await;
    terminal
        .shows(
            "describe node talos-m01",
            &["Roles:", "Conditions:", "Non-terminated Pods:"],
        )
        .await;
    terminal
        .shows("describe pvc plex -n media", &["Used By:", "plex-"])
        .await;
    terminal
        .shows(
            "explain deployment.spec.strategy",
            &["FIELD: strategy", "rollingUpdate"],
        )
        .await;
    terminal
        .shows(
            "explain ks.spec.suspend",
            &[
                "GROUP:      kustomize.toolkit.fluxcd.io",
                "FIELD: suspend <boolean>",
            ],
        )
        .await;
    terminal
        .shows("explain replicationsource.spec.restic", &["repository"])
        .await;
    terminal.shows("auth can-i delete pods", &["yes"]).await;
    terminal.shows("auth whoami", &["system:masters"]).await;
    let events = terminal.run("get events -A", "").await;
    assert!(events.ok, "{}", events.err);
    terminal
        .refuses("top nodes", "Metrics API not available")
        .await;
    terminal
        .refuses(
            "get gadgets",
            "the server doesn't have a resource type \"gadgets\"",
        )
        .await;
    terminal
        .refuses("get pods -n media none", "pods \"none\" not found")
        .await;
    terminal
        .refuses(
            "get pods --as nobody",
            "User \"nobody\" cannot list resource \"pods\"",
        )
        .await;
    assert_eq!(
        terminal
            .run("auth can-i list secrets --as nobody", "")
            .await
            .out
            .trim(),
        "no"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changing_things_works_as_in_a_real_cluster() {
    let terminal = Terminal::open().await;
    terminal
        .shows("create ns lab", &["namespace/lab created"])
        .await;
    terminal
        .shows(
            "create deployment web --image=nginx:1.27 --replicas=2 -n lab",
            &["deployment.apps/web created"],
        )
        .await;
    terminal
        .shows(
            "rollout status deploy/web -n lab --timeout=20s",
            &["successfully rolled out"],
        )
        .await;
    terminal.shows("get deploy web -n lab", &["2/2"]).await;
    terminal
        .shows(
            "expose deploy web --port 80 -n lab",
            &["service/web exposed"],
        )
        .await;
    terminal
        .shows("scale deploy web -n lab --replicas=1", &["scaled"])
        .await;
    terminal
        .shows(
            r#"patch deploy web -n lab --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'"#,
            &["scale.autoscaling/web patched"],
        )
        .await;
    terminal
        .shows(
            "get deploy web -n lab --subresource=scale -o jsonpath={.spec.replicas}",
            &["2"],
        )
        .await;
    terminal
        .shows("rollout restart deploy web -n lab", &["restarted"])
        .await;
    terminal
        .shows(
            "rollout status deploy/web -n lab --timeout=20s",
            &["successfully rolled out"],
        )
        .await;
    terminal
        .shows("rollout history deploy/web -n lab", &["REVISION"])
        .await;
    terminal
        .shows(
            "set image deploy/web nginx=nginx:1.28 -n lab",
            &["image updated"],
        )
        .await;
    terminal
        .shows(
            "wait deploy/web -n lab --for=condition=Available --timeout=20s",
            &["condition met"],
        )
        .await;
    terminal
        .shows("annotate deploy web -n lab note=here", &["annotated"])
        .await;
    terminal
        .shows("label deploy web -n lab tier=front", &["labeled"])
        .await;
    terminal
        .refuses("label deploy web -n lab tier=back", "overwrite is false")
        .await;
    terminal
        .shows(
            "patch deploy web -n lab -p '{\"spec\":{\"paused\":true}}'",
            &["patched"],
        )
        .await;
    terminal.shows("patch deploy web -n lab --type=json -p '[{\"op\":\"remove\",\"path\":\"/spec/paused\"}]'", &["patched"]).await;
    terminal
        .shows(
            "run once --image=busybox:1 -n lab --restart=Never -- true",
            &["pod/once created"],
        )
        .await;
    terminal
        .shows(
            "create job tidy --image=busybox:1 -n lab -- true",
            &["job.batch/tidy created"],
        )
        .await;
    terminal
        .shows(
            "wait job/tidy -n lab --for=condition=Complete --timeout=20s",
            &["condition met"],
        )
        .await;
    terminal.says("logs job/tidy -n lab").await;
    terminal
        .shows(
            "create secret generic key --from-literal=a=b -n lab",
            &["created"],
        )
        .await;
    terminal
        .shows("get secret key -n lab -o jsonpath={.data.a}", &["Yg=="])
        .await;
    terminal
        .shows("delete pod once -n lab --now", &["deleted"])
        .await;
    terminal
        .shows("delete deploy web -n lab", &["deleted"])
        .await;
    terminal.shows("cordon talos-w01", &["cordoned"]).await;
    terminal
        .shows("get node talos-w01", &["SchedulingDisabled"])
        .await;
    terminal.shows("uncordon talos-w01", &["uncordoned"]).await;
    terminal
        .shows("delete ns lab --timeout=20s", &["deleted"])
        .await;
    terminal
        .refuses("get ns lab", "namespaces \"lab\" not found")
        .await;
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: default}\ndata: {a: 'VALUE'}\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn applying_keeps_count_of_who_owns_what() {
    let terminal = Terminal::open().await;
    let map = |value: &str| MAP.replace("VALUE", value);
    let apply = "apply -f - --server-side";
    assert!(
        terminal
            .says_given(apply, &map("1"))
            .await
            .contains("serverside-applied")
    );
    let dry = terminal
        .says_given(
            "apply -f - --server-side --dry-run=server -o yaml",
            &map("2"),
        )
        .await;
    assert!(dry.contains("a: \"2\""), "{dry}");
    terminal
        .shows("get cm settings -o jsonpath={.data.a}", &["1"])
        .await;
    let diff = terminal.run("diff -f -", &map("2")).await;
    assert!(diff.out.contains("+  a: \"2\""), "{}{}", diff.out, diff.err);

    terminal
        .shows(
            "patch cm settings --type=merge -p '{\"data\":{\"a\":\"3\"}}' --field-manager=hand",
            &["patched"],
        )
        .await;
    let conflict = terminal.run(apply, &map("1")).await;
    assert!(
        conflict.err.contains("conflict with \"hand\" using v1"),
        "{}",
        conflict.err
    );
    assert!(conflict.err.contains(".data.a"), "{}", conflict.err);
    terminal
        .says_given("apply -f - --server-side --force-conflicts", &map("1"))
        .await;
    terminal
        .shows(
            "get cm settings --show-managed-fields -o yaml",
            &["manager: kubectl", "operation: Apply", "f:a: {}"],
        )
        .await;

    let classic = MAP.replace("settings", "classic");
    assert!(
        terminal
            .says_given("apply -f -", &classic)
            .await
            .contains("created")
    );
    assert!(
        terminal
            .says_given("apply -f -", &classic)
            .await
            .contains("unchanged")
    );
    assert!(
        terminal
            .says_given("apply -f -", &classic.replace("VALUE", "2"))
            .await
            .contains("configured")
    );
    assert!(
        terminal
            .says_given("replace -f -", &classic)
            .await
            .contains("replaced")
    );
    let typo = terminal
        .run("apply -f -", &classic.replace("\ndata:", "\ndada:"))
        .await;
    assert!(typo.err.contains("unknown field \"dada\""), "{}", typo.err);
    assert!(
        terminal
            .says_given("delete -f -", &classic)
            .await
            .contains("deleted")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flux_answers_to_an_annotation() {
    let terminal = Terminal::open().await;
    terminal.shows("annotate ks plex -n media --overwrite reconcile.fluxcd.io/requestedAt=now-1 --field-manager=flux", &["annotated"]).await;
    terminal.shows("wait ks/plex -n media --for=jsonpath={.status.lastHandledReconcileAt}=now-1 --timeout=20s", &["condition met"]).await;
    terminal
        .shows(
            "wait ks/plex -n media --for=condition=Ready --timeout=20s",
            &["condition met"],
        )
        .await;
    terminal
        .shows(
            "patch ks plex -n media --type=merge -p '{\"spec\":{\"suspend\":true}}'",
            &["patched"],
        )
        .await;
    terminal
        .shows(
            "get ks plex -n media -o jsonpath={.spec.suspend}",
            &["true"],
        )
        .await;
    terminal
        .refuses(
            "patch ks plex -n media -p '{}' --type=strategic",
            "is not supported by",
        )
        .await;
}
