//! What the fault proxy promises, in front of the real API server and with the real client.

use std::time::{Duration, Instant};

use agent_testbed::fault::{Fault, Kind, Proxy, Request};
use agent_testbed::{PodLogs, Testbed, load};
use anyhow::{Result, bail};
use futures::{AsyncBufReadExt as _, StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{
    Api, LogParams, ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt as _};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proxy_keeps_its_promises() -> Result<()> {
    let testbed = Testbed::start().await?;
    let behind = kubeconfig_text(&testbed, "admin")?;
    let proxy = Proxy::start(&behind)?;
    let client = client(&proxy).await?;
    let notes: Api<ConfigMap> = Api::namespaced(client.clone(), "default");
    let direct: Api<ConfigMap> = Api::namespaced(testbed.client(), "default");
    requests_pass_and_are_counted(&proxy, &notes).await?;
    answer_replaces_the_request(&proxy, &notes, &direct).await?;
    drop_before_means_that_nothing_was_done(&proxy, &notes, &direct).await?;
    drop_after_means_that_it_was_done(&proxy, &notes, &direct).await?;
    delay_waits(&proxy, &notes).await?;
    watch_streams_until_it_is_cut(&proxy, &notes, &direct).await?;
    log_streams(testbed.logs(), &client).await?;
    token_is_passed_on(&testbed).await?;
    Ok(())
}

async fn requests_pass_and_are_counted(proxy: &Proxy, notes: &Api<ConfigMap>) -> Result<()> {
    proxy.clear();
    notes.create(&PostParams::default(), &note("first")).await?;
    notes.get("first").await?;
    let log = proxy.log();
    let seen: Vec<_> = log
        .iter()
        .map(|request| (request.number, request.method.as_str(), path(request)))
        .collect();
    let base = "/api/v1/namespaces/default/configmaps";
    assert_eq!(
        seen,
        [
            (1, "POST", base),
            (2, "GET", "/api/v1/namespaces/default/configmaps/first")
        ]
    );
    Ok(())
}

async fn answer_replaces_the_request(
    proxy: &Proxy,
    notes: &Api<ConfigMap>,
    direct: &Api<ConfigMap>,
) -> Result<()> {
    for code in [500, 403] {
        proxy.clear();
        proxy.plan(Fault::at(1, Kind::Answer(code)));
        let Err(kube::Error::Api(status)) =
            notes.create(&PostParams::default(), &note("never")).await
        else {
            bail!("the planned answer {code} did not come");
        };
        assert_eq!(status.code, code);
        assert_eq!(proxy.log()[0].fault, Some(Kind::Answer(code)));
        assert!(direct.get_opt("never").await?.is_none());
    }
    Ok(())
}

async fn drop_before_means_that_nothing_was_done(
    proxy: &Proxy,
    notes: &Api<ConfigMap>,
    direct: &Api<ConfigMap>,
) -> Result<()> {
    proxy.clear();
    proxy.plan(Fault::at(2, Kind::DropBefore).only(|request| request.method == "POST"));
    notes
        .create(&PostParams::default(), &note("second"))
        .await?;
    let lost = notes.create(&PostParams::default(), &note("never")).await;
    assert!(
        !matches!(lost, Ok(_) | Err(kube::Error::Api(_))),
        "{lost:?}"
    );
    assert!(direct.get_opt("never").await?.is_none());
    notes.get("second").await?;
    Ok(())
}

async fn drop_after_means_that_it_was_done(
    proxy: &Proxy,
    notes: &Api<ConfigMap>,
    direct: &Api<ConfigMap>,
) -> Result<()> {
    proxy.clear();
    proxy.plan(Fault::at(1, Kind::DropAfter).only(|request| request.method == "PATCH"));
    let patch = Patch::Merge(json!({"data": {"text": "done"}}));
    let lost = notes.patch("second", &PatchParams::default(), &patch).await;
    assert!(
        !matches!(lost, Ok(_) | Err(kube::Error::Api(_))),
        "{lost:?}"
    );
    let data = direct.get("second").await?.data.unwrap_or_default();
    assert_eq!(data.get("text").map(String::as_str), Some("done"));
    Ok(())
}

async fn delay_waits(proxy: &Proxy, notes: &Api<ConfigMap>) -> Result<()> {
    let time = Duration::from_millis(300);
    proxy.clear();
    proxy.plan(Fault::at(1, Kind::Delay(time)));
    let begin = Instant::now();
    notes.get("second").await?;
    assert!(begin.elapsed() >= time);
    Ok(())
}

async fn watch_streams_until_it_is_cut(
    proxy: &Proxy,
    notes: &Api<ConfigMap>,
    direct: &Api<ConfigMap>,
) -> Result<()> {
    proxy.clear();
    proxy.plan(
        Fault::at(1, Kind::Cut(Duration::from_secs(2)))
            .only(|request| request.path.contains("watch=true")),
    );
    let version = direct
        .get("second")
        .await?
        .resource_version()
        .unwrap_or_default();
    let mut watch = notes
        .watch(&WatchParams::default(), &version)
        .await?
        .boxed();
    let begin = Instant::now();
    direct
        .create(&PostParams::default(), &note("third"))
        .await?;
    let Some(Ok(WatchEvent::Added(added))) = watch.next().await else {
        bail!("the watch did not show the new object");
    };
    assert_eq!(added.name_any(), "third");
    assert!(
        begin.elapsed() < Duration::from_secs(1),
        "events are held back"
    );
    let end = tokio::time::timeout(Duration::from_secs(10), watch.next()).await?;
    assert!(!matches!(end, Some(Ok(_))), "{end:?}");
    Ok(())
}

async fn log_streams(logs: &PodLogs, client: &Client) -> Result<()> {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "talker", "namespace": "default"},
        "spec": {"containers": [{"name": "main", "image": "example.org/talker:1"}]},
    });
    load(client, &[pod]).await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let running = kube::runtime::wait::conditions::is_pod_running();
    let awaited = kube::runtime::wait::await_condition(pods.clone(), "talker", running);
    tokio::time::timeout(Duration::from_secs(20), awaited).await??;
    logs.set("default", "talker", "one\n").await?;
    let follow = LogParams {
        follow: true,
        ..LogParams::default()
    };
    let mut lines = pods.log_stream("talker", &follow).await?.lines();
    assert_eq!(lines.try_next().await?.as_deref(), Some("one"));
    logs.set("default", "talker", "one\ntwo\n").await?;
    let next = tokio::time::timeout(Duration::from_secs(5), lines.try_next()).await??;
    assert_eq!(next.as_deref(), Some("two"));
    Ok(())
}

async fn token_is_passed_on(testbed: &Testbed) -> Result<()> {
    let proxy = Proxy::start(&kubeconfig_text(testbed, "limited")?)?;
    let notes: Api<ConfigMap> = Api::namespaced(client(&proxy).await?, "default");
    let Err(kube::Error::Api(status)) = notes.get("first").await else {
        bail!("the limited user may read through the proxy");
    };
    assert_eq!(status.code, 403);
    assert!(
        status.message.contains("User \"limited\""),
        "{}",
        status.message
    );
    Ok(())
}

fn path(request: &Request) -> &str {
    request.path.split('?').next().unwrap_or_default()
}

fn note(name: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test reads the kubeconfig that it asked for"
)]
fn kubeconfig_text(testbed: &Testbed, user: &str) -> Result<String> {
    Ok(std::fs::read_to_string(testbed.kubeconfig_for(user)?)?)
}

async fn client(proxy: &Proxy) -> Result<Client> {
    let kubeconfig = Kubeconfig::from_yaml(proxy.kubeconfig())?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}
