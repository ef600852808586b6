//! What a pod prints and how it ends, decided at run time by a test or by a controller that plays the pod's program.
//!
//! The protocol, for anyone who does not use [`PodLogs`]:
//!
//! - **Log.** kwok serves `pods/log` from the file that a `Logs` object (`kwok.x-k8s.io/v1alpha1`) of the pod's name and namespace
//!   points at. The file is in the container runtime's format and may grow: a reader with `follow=true` sees new lines. A pod
//!   without such an object has an empty log. Unlike a kubelet, kwok does not end a `follow` when the container ends.
//! - **End.** A Job's pod ends by itself as soon as it ran, except when an image of it contains `restic` or `volsync`: it runs
//!   until somebody annotates it with `testbed.agent/exit-code`, `"0"` for success. Writing its status, as a kubelet does, has
//!   the same effect. So a log can be complete before anyone sees the pod end.
//! - **Readiness.** A pod whose template has the annotation `testbed.agent/ready: "false"` is scheduled and stays unready.
//! - **A pod that does not go** is one with a finalizer.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, LogParams, Patch, PatchParams, PostParams,
};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::wait;

const PATIENCE: Duration = Duration::from_secs(5);

/// Sets the whole log of a pod: namespace, name, text.
pub type LogSink =
    Arc<dyn Fn(String, String, String) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Writes the logs of the testbed's pods.
#[derive(Clone)]
pub struct PodLogs {
    client: Client,
    folder: PathBuf,
    /// What each pod has printed so far.
    texts: Arc<Mutex<HashMap<(String, String), String>>>,
}

impl PodLogs {
    pub(crate) fn new(client: Client, folder: PathBuf) -> Self {
        Self {
            client,
            folder,
            texts: Arc::default(),
        }
    }

    /// Makes `text` the whole log of the pod, and returns when the API server answers with it.
    ///
    /// A text that begins with what is there already appends; its first lines keep their times.
    ///
    /// # Errors
    /// The pod does not exist, or kwok does not serve the log within some seconds.
    pub async fn set(&self, namespace: &str, pod: &str, text: &str) -> Result<()> {
        let mut texts = self.texts.lock().await;
        let key = (namespace.to_owned(), pod.to_owned());
        let file = self.file(namespace, pod);
        let before = texts.get(&key).map(String::as_str);
        write(&file, before, text).with_context(|| format!("writing `{}`", file.display()))?;
        if before.is_none() {
            let log = json!({"logsFile": file, "follow": true});
            self.announce(namespace, pod, log).await?;
        }
        texts.insert(key, text.to_owned());
        drop(texts);
        self.confirm(namespace, pod, text).await
    }

    /// Ends the containers of a running pod with this exit code; 0 makes it succeed.
    ///
    /// # Errors
    /// The pod does not exist.
    pub async fn exit(&self, namespace: &str, pod: &str, code: u8) -> Result<()> {
        let annotation =
            json!({"metadata": {"annotations": {"testbed.agent/exit-code": code.to_string()}}});
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        pods.patch(pod, &PatchParams::default(), &Patch::Merge(annotation))
            .await
            .with_context(|| format!("ending pod `{namespace}/{pod}`"))?;
        Ok(())
    }

    /// [`PodLogs::set`] as a function, in the shape that the sandbox's controllers take.
    #[must_use]
    pub fn sink(&self) -> LogSink {
        let logs = self.clone();
        Arc::new(move |namespace, pod, text| {
            let logs = logs.clone();
            async move {
                let set = logs.set(&namespace, &pod, &text).await;
                set.map_err(|err| format!("{err:#}"))
            }
            .boxed()
        })
    }

    fn file(&self, namespace: &str, pod: &str) -> PathBuf {
        self.folder.join(format!("{namespace}_{pod}.log"))
    }

    /// Makes an empty log of one container of a pod, for somebody who appends to the file himself, and returns the file.
    pub(crate) async fn open(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
    ) -> Result<PathBuf> {
        let file = self
            .folder
            .join(format!("{namespace}_{pod}_{container}.log"));
        std::fs::write(&file, "").with_context(|| format!("writing `{}`", file.display()))?;
        let log = json!({"containers": [container], "logsFile": file, "follow": true});
        self.announce(namespace, pod, log).await?;
        Ok(file)
    }

    /// Tells kwok of a log of a pod, beside those that it knows of.
    async fn announce(&self, namespace: &str, pod: &str, log: Value) -> Result<()> {
        let kind = GroupVersionKind::gvk("kwok.x-k8s.io", "v1alpha1", "Logs");
        let resource = ApiResource::from_gvk_with_plural(&kind, "logs");
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace, &resource);
        let mut object = DynamicObject::new(pod, &resource);
        object.data = json!({"spec": {"logs": [log.clone()]}});
        let told = match api.create(&PostParams::default(), &object).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                let known = api.get(pod).await?.data["spec"]["logs"].take();
                let mut logs = known.as_array().cloned().unwrap_or_default();
                logs.retain(|known| known != &log);
                logs.push(log);
                let more = Patch::Merge(json!({"spec": {"logs": logs}}));
                api.patch(pod, &PatchParams::default(), &more).await
            }
            told => told,
        };
        told.map(drop)
            .with_context(|| format!("telling kwok of the log of pod `{namespace}/{pod}`"))
    }

    /// kwok learns of the `Logs` object by a watch, a moment later; a pod without a node has no log at all yet.
    async fn confirm(&self, namespace: &str, pod: &str, text: &str) -> Result<()> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let what = format!("the log of pod `{namespace}/{pod}`");
        let present = pods
            .get(pod)
            .await
            .with_context(|| format!("finding {what}"))?;
        let spec = present.spec.unwrap_or_default();
        if spec.node_name.is_none() {
            return Ok(());
        }
        let params = LogParams {
            container: spec
                .containers
                .first()
                .map(|container| container.name.clone()),
            ..LogParams::default()
        };
        wait::until(&what, PATIENCE, || async {
            match pods.logs(pod, &params).await {
                Ok(served) if served.trim_end() == text.trim_end() => None,
                Ok(served) => Some(format!("{} bytes are served", served.len())),
                Err(err) => Some(err.to_string()),
            }
        })
        .await
    }
}

/// Appends when `text` continues `before`, so that a reader who follows sees only what is new.
fn write(file: &Path, before: Option<&str>, text: &str) -> std::io::Result<()> {
    let whole_lines = |before: &&str| before.is_empty() || before.ends_with('\n');
    let rest = before
        .filter(whole_lines)
        .and_then(|before| text.strip_prefix(before));
    let mut options = std::fs::OpenOptions::new();
    let mut file = match rest {
        Some(_) => options.append(true).open(file)?,
        None => options.write(true).create(true).truncate(true).open(file)?,
    };
    let lines = runtime_format(rest.unwrap_or(text), jiff::Timestamp::now());
    file.write_all(lines.as_bytes())
}

fn runtime_format(text: &str, now: jiff::Timestamp) -> String {
    text.lines().fold(String::new(), |mut lines, line| {
        let _infallible = writeln!(lines, "{now:.9} stdout F {line}");
        lines
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_in_the_runtime_format() {
        let now: jiff::Timestamp = "2026-11-23T01:00:00Z".parse().unwrap();
        let lines = runtime_format("one\ntwo\n", now);
        let expected = "2026-11-23T01:00:00.000000000Z stdout F one\n2026-11-23T01:00:00.000000000Z stdout F two\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn continued_text_is_appended_and_other_text_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        write(&file, None, "one\n").unwrap();
        let first = std::fs::read_to_string(&file).unwrap();
        write(&file, Some("one\n"), "one\ntwo\n").unwrap();
        let second = std::fs::read_to_string(&file).unwrap();
        assert!(second.starts_with(&first) && second.ends_with("F two\n"));
        write(&file, Some("one\ntwo\n"), "three\n").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
    }
}
