//! What is secret in a connection is handed over to be masked, and a person is warned of a way that protects nothing.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use agent_kubeconfig::{Access, Connection, Ended, Kubeconfig, Program, Sources, Unusable};
use futures::FutureExt as _;
use zeroize::Zeroizing;

const EXEC: &str =
    "exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: x}";
/// A claim that expires in the year 2100.
const ID_TOKEN: &str = "e30.eyJleHAiOjQxMDI0NDQ4MDB9.s1gnature";

/// What came of a kubeconfig, and what was learnt from it.
async fn connect(
    cluster: &str,
    user: &str,
    printed: &'static str,
) -> (Result<Connection, Unusable>, Vec<String>) {
    let text = format!(
        "current-context: a
clusters: [{{name: a, cluster: {{{cluster}}}}}]
contexts: [{{name: a, context: {{cluster: a, user: me}}}}]
users: [{{name: me, user: {{{user}}}}}]"
    );
    let learnt = Arc::new(Mutex::new(Vec::new()));
    let known = Arc::clone(&learnt);
    let access = Access {
        read: |path| match path.file_name().and_then(|name| name.to_str()) {
            Some("token") => Ok("t0ken-of-a-file\n".into()),
            Some("key") => Ok("-----BEGIN KEY-----\nk3y-of-a-file\n-----END KEY-----\n".into()),
            _ => Err(io::ErrorKind::NotFound.into()),
        },
        variable: |_| None,
        run: Arc::new(move |_: Program| {
            let (stdout, code) = (Zeroizing::new(printed.into()), Some(0));
            std::future::ready(Ok(Ended { code, stdout })).boxed()
        }),
        show: Arc::new(|_| {}),
        learn: Arc::new(move |secret| known.lock().expect("a lock").push(secret.to_owned())),
        interactive: false,
    };
    let sources = Sources {
        named: Some(Path::new("config")),
        ..Sources::default()
    };
    let kubeconfig = Kubeconfig::load(&sources, |_| Ok(text.clone().into())).expect("a kubeconfig");
    let connection = kubeconfig.connect(None, access).await;
    let learnt = learnt.lock().expect("a lock").clone();
    (connection, learnt)
}

#[tokio::test]
async fn every_secret_of_a_connection_is_learnt() {
    let tls = "server: 'https://h'";
    let provider = format!("auth-provider: {{name: oidc, config: {{id-token: {ID_TOKEN}}}}}");
    let printed = r#"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t0ken-printed"}}"#;
    let unfit =
        r#"{"kind":"Other","status":{"token":"t0ken-printed","clientKeyData":"k3y-printed"}}"#;
    let basic = "amFuZTpwNHNz";
    for (cluster, user, printed, wanted) in [
        (tls, "token: t0ken", "", &["t0ken"][..]),
        (tls, "username: jane, password: p4ss", "", &["p4ss", basic]),
        (tls, "tokenFile: token", "", &["t0ken-of-a-file"]),
        (tls, &provider, "", &[ID_TOKEN]),
        (tls, EXEC, printed, &["t0ken-printed"]),
        (tls, EXEC, unfit, &["t0ken-printed", "k3y-printed"]),
        (tls, "client-key-data: azN5", "", &["k3y"]),
        (tls, "client-key: key", "", &["k3y-of-a-file"]),
        ("server: 'https://jane:p4ss@h'", "", "", &["p4ss", basic]),
        ("server: 'http://jane:p4ss@h'", "", "", &["p4ss", basic]),
        (
            "server: 'https://h', proxy-url: 'http://jane:p4ss@proxy'",
            "",
            "",
            &["p4ss"],
        ),
    ] {
        let (_, learnt) = connect(cluster, user, printed).await;
        for secret in wanted {
            let found = learnt.iter().any(|known| known.contains(secret));
            assert!(found, "`{secret}` of {cluster}, {user}: {learnt:?}");
        }
    }
}

#[tokio::test]
async fn way_that_protects_nothing_is_told_of_once() {
    let insecure = "server: 'https://h', insecure-skip-tls-verify: true";
    for (cluster, user, wanted) in [
        ("server: 'https://h'", "token: t0ken", None),
        (insecure, "token: t0ken", Some("insecure-skip-tls-verify")),
        (insecure, "", Some("insecure-skip-tls-verify")),
        ("server: 'http://h'", "token: t0ken", Some("are not sent")),
        (
            "server: 'http://h'",
            "tokenFile: token",
            Some("are not sent"),
        ),
        (
            "server: 'http://h'",
            "username: jane, password: p4ss",
            Some("are not sent"),
        ),
        ("server: 'http://h'", EXEC, Some("are not sent")),
        (
            "server: 'http://jane:p4ss@h'",
            "",
            Some("the password in its address"),
        ),
        ("server: 'http://127.0.0.1:8001'", "", None),
    ] {
        let (connection, _) = connect(cluster, user, "").await;
        let connection = connection.unwrap_or_else(|error| panic!("{cluster}, {user}: {error}"));
        let told = connection.unprotected;
        match wanted {
            None => assert_eq!(told, None, "{cluster}, {user}"),
            Some(words) => {
                let told = told.unwrap_or_else(|| panic!("no word of {cluster}, {user}"));
                assert!(told.contains(words) && !told.contains('\n'), "{told}");
                assert!(!told.contains("p4ss") && !told.contains("t0ken"), "{told}");
            }
        }
    }
}

/// Each of these was a panic in a library.
#[tokio::test]
async fn address_and_token_are_looked_at_before_a_library_does() {
    for (server, wanted) in [
        ("'5'", Ok("http://5")),
        ("'https://'", Err("neither a URL nor a host and a port")),
        ("'https://h:port'", Err("a port that is not a number")),
        ("'http://[::1'", Err("a `[` without its `]`")),
        ("\"https://h/\\u0001\"", Err("a control character")),
        ("\"https://h\\n\"", Err("a control character")),
    ] {
        let (made, _) = connect(&format!("server: {server}"), "", "").await;
        match (made, wanted) {
            (Ok(connection), Ok(wanted)) => assert_eq!(connection.server, wanted),
            (Err(error), Err(wanted)) => assert!(error.to_string().contains(wanted), "{error}"),
            (made, _) => panic!("{server}: {:?}", made.map(|it| it.server)),
        }
    }
    for token in ["a\\nb", "a\\u0000b", "\\r", "é\\n"] {
        let printed = format!(
            r#"{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{{"token":"{token}"}}}}"#
        );
        let (made, _) = connect("server: 'https://h'", EXEC, printed.leak()).await;
        let error = made.err().unwrap_or_else(|| panic!("{token} was taken"));
        assert!(
            error.to_string().contains("a token with a line break"),
            "{error}"
        );
    }
}
