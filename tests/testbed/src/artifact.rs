//! What source-controller would do: pack files, serve the archive, and write the status of a GitRepository.
//!
//! The archives live in memory for as long as the testbed.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::background::Background;

type Archives = Arc<Mutex<HashMap<String, Bytes>>>;

/// Serves archives of files to kustomize-controller.
pub struct Artifacts {
    client: Client,
    url: String,
    archives: Archives,
    _server: Background,
}

impl Artifacts {
    pub(crate) fn start(client: Client) -> Result<Self> {
        let archives = Archives::default();
        let listener =
            std::net::TcpListener::bind("127.0.0.1:0").context("opening a port for artifacts")?;
        listener
            .set_nonblocking(true)
            .context("preparing the port for artifacts")?;
        let url = format!("http://{}", listener.local_addr()?);
        let served = archives.clone();
        let server = Background::spawn("artifacts", move || serve(listener, served))?;
        Ok(Self {
            client,
            url,
            archives,
            _server: server,
        })
    }

    /// Makes these files (path, text) the content of a GitRepository, which is created if it does not exist; returns the revision.
    ///
    /// The same files have the same revision.
    ///
    /// # Errors
    /// The API server refuses the object or its status.
    pub async fn publish(
        &self,
        namespace: &str,
        name: &str,
        files: &[(String, String)],
    ) -> Result<String> {
        let archive = pack(files).context("packing an artifact")?;
        let digest = hex::encode(Sha256::digest(&archive));
        let path = format!("gitrepository/{namespace}/{name}/{digest}.tar.gz");
        let size = archive.len();
        let revision = format!("main@sha1:{}", &digest[..40]);
        self.keep(&path, archive);
        let artifact = json!({
            "path": path, "url": format!("{}/{path}", self.url), "revision": revision, "digest": format!("sha256:{digest}"),
            "size": size, "lastUpdateTime": now(),
        });
        self.write_status(namespace, name, &artifact)
            .await
            .with_context(|| {
                format!("publishing the artifact of GitRepository `{namespace}/{name}`")
            })?;
        Ok(revision)
    }

    fn keep(&self, path: &str, archive: Bytes) {
        let mut archives = self.archives.lock().unwrap_or_else(PoisonError::into_inner);
        archives.insert(format!("/{path}"), archive);
    }

    async fn write_status(&self, namespace: &str, name: &str, artifact: &Value) -> Result<()> {
        let kind = GroupVersionKind::gvk("source.toolkit.fluxcd.io", "v1", "GitRepository");
        let resource = ApiResource::from_gvk_with_plural(&kind, "gitrepositories");
        let api: Api<DynamicObject> =
            Api::namespaced_with(self.client.clone(), namespace, &resource);
        let object = match api.get_opt(name).await? {
            Some(object) => object,
            None => {
                let mut object = DynamicObject::new(name, &resource);
                object.data = json!({"spec": {"interval": "1h", "url": "https://git.example.org/home.git", "ref": {"branch": "main"}}});
                api.create(&PostParams::default(), &object).await?
            }
        };
        let status = status(artifact, object.metadata.generation.unwrap_or(1));
        api.patch_status(name, &PatchParams::default(), &Patch::Merge(status))
            .await?;
        Ok(())
    }
}

fn status(artifact: &Value, generation: i64) -> Value {
    let message = format!(
        "stored artifact for revision '{}'",
        artifact["revision"].as_str().unwrap_or_default()
    );
    json!({"status": {
        "observedGeneration": generation,
        "artifact": artifact,
        "conditions": [
            {"type": "Ready", "status": "True", "reason": "Succeeded", "message": message,
             "lastTransitionTime": now(), "observedGeneration": generation},
            {"type": "ArtifactInStorage", "status": "True", "reason": "Succeeded", "message": message,
             "lastTransitionTime": now(), "observedGeneration": generation},
        ],
    }})
}

fn now() -> String {
    format!("{:.0}", jiff::Timestamp::now())
}

/// Packs without times and owners, so that the same files have the same digest.
fn pack(files: &[(String, String)]) -> std::io::Result<Bytes> {
    let zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(zip);
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes())?;
    }
    Ok(tar.into_inner()?.finish()?.into())
}

async fn serve(listener: std::net::TcpListener, archives: Archives) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    while let Ok((stream, _)) = listener.accept().await {
        let archives = archives.clone();
        let service = service_fn(move |request| {
            let response = answer(&request, &archives);
            async { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(
            hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service),
        );
    }
}

fn answer(request: &Request<Incoming>, archives: &Archives) -> Response<Full<Bytes>> {
    let archives = archives.lock().unwrap_or_else(PoisonError::into_inner);
    let archive = archives.get(request.uri().path());
    let mut response = Response::new(Full::new(archive.cloned().unwrap_or_default()));
    if archive.is_none() {
        *response.status_mut() = StatusCode::NOT_FOUND;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_files_make_the_same_archive() {
        let files = [("a/b.yaml".to_owned(), "kind: ConfigMap\n".to_owned())];
        assert_eq!(pack(&files).unwrap(), pack(&files).unwrap());
        let other = [("a/b.yaml".to_owned(), "kind: Secret\n".to_owned())];
        assert_ne!(pack(&files).unwrap(), pack(&other).unwrap());
    }
}
