use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use rustls::crypto::ring;
use serde_json::json;

use super::*;
use crate::access::{Access, Ended};
use crate::plugin::{Mask, Mode};

const V1: &str = "client.authentication.k8s.io/v1";

/// Credentials of a plugin that gives `token-1`, then `token-2`, and so on, good until a time, and fails when it has none left.
fn of_plugin(tokens: usize, until: Option<&'static str>) -> Credentials {
    counted(tokens, until).0
}

/// The same, with the number of its runs.
fn counted(tokens: usize, until: Option<&'static str>) -> (Credentials, Arc<AtomicUsize>) {
    let runs = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&runs);
    let run = move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        async move {
            let status =
                json!({ "token": format!("token-{number}"), "expirationTimestamp": until });
            let text = json!({ "kind": "ExecCredential", "apiVersion": V1, "status": status });
            let code = i32::from(number > tokens);
            Ok(Ended {
                code: Some(code),
                stdout: Zeroizing::new(text.to_string().into()),
            })
        }
        .boxed()
    };
    let plugin = Plugin {
        user: "me".into(),
        command: "get-token".into(),
        path: "get-token".into(),
        arguments: Vec::new(),
        environment: Vec::new(),
        api_version: V1.into(),
        mode: Mode::Never,
        install_hint: String::new(),
        cluster: None,
        access: Access {
            read: |_| Err(io::ErrorKind::NotFound.into()),
            variable: |_| None,
            run: Arc::new(run),
            show: Arc::new(|_| {}),
            learn: Arc::new(|_| {}),
            interactive: false,
        },
        mask: Mask::default(),
        crypto: Arc::new(ring::default_provider()),
    };
    let credentials = FromPlugin::new(plugin, Arc::default());
    (Credentials::Plugin(Box::new(credentials)), runs)
}

fn token(carried: &Carried) -> &str {
    let header = carried.header.as_ref().expect("a header");
    header
        .to_str()
        .expect("a text")
        .strip_prefix("Bearer ")
        .expect("a token")
}

#[tokio::test]
async fn a_plugin_is_asked_once_while_its_token_is_good() {
    let credentials = of_plugin(9, Some("2999-01-01T00:00:00Z"));
    let (one, other) = tokio::join!(credentials.carried(), credentials.carried());
    assert_eq!(token(&one.expect("credentials")), "token-1");
    assert_eq!(token(&other.expect("credentials")), "token-1");
}

#[tokio::test(start_paused = true)]
async fn a_plugin_is_asked_again_when_its_token_has_expired_and_rests_when_it_failed() {
    let (credentials, runs) = counted(2, Some("2020-01-01T00:00:00Z"));
    let carried = async || credentials.carried().await;
    assert_eq!(token(&carried().await.expect("credentials")), "token-1");
    assert_eq!(token(&carried().await.expect("credentials")), "token-2");
    for _ in 0..3 {
        let error = carried().await.err().expect("an end").to_string();
        assert!(error.ends_with("failed with exit code 1"), "{error}");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 3);
    tokio::time::advance(JUST_NOW).await;
    assert!(carried().await.is_err());
    assert_eq!(runs.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_renewed_unless_it_is_quite_new() {
    let credentials = of_plugin(2, None);
    let first = credentials.carried().await.expect("credentials");
    assert!(
        credentials.instead_of(&first).await.is_none(),
        "it would give the same"
    );
    tokio::time::advance(JUST_NOW).await;
    // Two requests are refused at the same time; the plugin runs for one of them.
    let (one, other) = tokio::join!(
        credentials.instead_of(&first),
        credentials.instead_of(&first)
    );
    assert_eq!(token(&one.expect("another one")), "token-2");
    assert_eq!(token(&other.expect("another one")), "token-2");
    let second = credentials.carried().await.expect("credentials");
    tokio::time::advance(JUST_NOW).await;
    assert!(
        credentials.instead_of(&second).await.is_none(),
        "there is no third one"
    );
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_file_is_read_again() {
    static FILE: SyncMutex<Option<&str>> = SyncMutex::new(Some("one\r\n"));
    let read: Read = |_| {
        let text = *FILE.lock().expect("a lock");
        text.map(Into::into)
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    };
    let first = token_in(&read("tok".as_ref()).expect("a file")).expect("a token");
    let learnt = Arc::new(SyncMutex::new(Vec::new()));
    let known = Arc::clone(&learnt);
    let access = Access {
        read,
        variable: |_| None,
        run: Arc::new(|_| std::future::ready(Err(io::ErrorKind::NotFound.into())).boxed()),
        show: Arc::new(|_| {}),
        learn: Arc::new(move |secret| known.lock().expect("a lock").push(secret.to_owned())),
        interactive: false,
    };
    let credentials = Credentials::File(TokenFile::new("tok".into(), &access, first));
    let carried = async || credentials.carried().await.expect("credentials");
    *FILE.lock().expect("a lock") = Some("two");
    let first = carried().await;
    assert_eq!(token(&first), "one", "nobody looks for every request");
    let other = credentials.instead_of(&first).await;
    assert_eq!(
        token(&other.expect("another one")),
        "two",
        "the server has refused the old one"
    );
    *FILE.lock().expect("a lock") = Some("three");
    tokio::time::advance(TOKEN_FILE).await;
    assert_eq!(token(&carried().await), "three");
    *FILE.lock().expect("a lock") = None;
    tokio::time::advance(TOKEN_FILE).await;
    assert_eq!(
        token(&carried().await),
        "three",
        "a file that is gone leaves the last one"
    );
    assert!(credentials.instead_of(&carried().await).await.is_none());
}
