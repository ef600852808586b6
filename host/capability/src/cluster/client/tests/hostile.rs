//! Servers that write without end, on sockets: what is read of them is counted.

use std::sync::atomic::{AtomicUsize, Ordering};

use kube::Config;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// How much the client reads of one answer.
const LIMIT: usize = 1 << 20;
/// What kernels and buffers hold of an answer that nobody reads any more.
const ON_THE_WAY: usize = 16 << 20;

/// How a server answers: how each answer begins, and what comes then for ever.
type Answer = fn(&str) -> (String, Option<&'static str>);

const WATCH: &str = "watch=true";
const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
const BAD: &str = "HTTP/1.1 500 Internal Server Error\r\nconnection: close\r\n\r\n";
const LIST: &str = r#"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":["#;

fn empty() -> String {
    format!("{GOOD}{LIST}]}}")
}

/// Starts a server, and returns a client of it and how many bytes it has written.
async fn hostile(answer: Answer) -> (ClusterClient, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answer, Arc::clone(&count)));
        }
    });
    let connect: Connect = Box::new(move || {
        let config = Config::new(url.parse().expect("a URL"));
        let client = kube::Client::try_from(config).expect("a client");
        let connected = Connected {
            client,
            server: url.clone(),
            context: None,
        };
        Box::pin(async { Ok(connected) })
    });
    (ClusterClient::new(connect, LIMIT), written)
}

async fn serve(mut stream: TcpStream, answer: Answer, written: Arc<AtomicUsize>) {
    let mut request = vec![0; 16 << 10];
    let count = stream.read(&mut request).await.unwrap_or(0);
    let request = String::from_utf8_lossy(&request[..count]).into_owned();
    let (begin, for_ever) = answer(request.lines().next().unwrap_or_default());
    let piece = for_ever.map(|piece| piece.repeat((64 << 10) / piece.len()));
    let mut write = async |bytes: &[u8]| {
        let done = stream.write_all(bytes).await;
        written.fetch_add(bytes.len(), Ordering::Relaxed);
        done.is_ok()
    };
    if !write(begin.as_bytes()).await {
        return;
    }
    while let Some(piece) = &piece {
        if !write(piece.as_bytes()).await {
            return;
        }
    }
}

/// Each took as much memory as there was.
#[tokio::test]
async fn watch_reads_no_line_and_no_list_without_end() {
    let table: [(&str, Answer); 5] = [
        ("a line", |request| match request.contains(WATCH) {
            true => (
                format!("{GOOD}{{\"type\":\"ADDED\",\"object\":{{\"a\":\""),
                Some("a"),
            ),
            false => (empty(), None),
        }),
        ("a line of nothing", |request| {
            match request.contains(WATCH) {
                true => (GOOD.to_owned(), Some(" ")),
                false => (empty(), None),
            }
        }),
        ("a list of objects", |_| {
            (
                format!("{GOOD}{LIST}{{}}"),
                Some(r#",{"metadata":{"name":"a"}}"#),
            )
        }),
        ("a list with a long text", |_| {
            (format!("{GOOD}{LIST}\""), Some("a"))
        }),
        ("a list of blanks", |_| (GOOD.to_owned(), Some(" \n"))),
    ];
    for (what, answer) in table {
        let (client, written) = hostile(answer).await;
        assert!(
            matches!(fault_of_watch(&client).await, Fault::TooLarge),
            "{what}"
        );
        let written = written.load(Ordering::Relaxed);
        assert!(written < LIMIT + ON_THE_WAY, "{what}: {written} bytes");
    }
}

#[tokio::test]
async fn answer_without_end_is_no_answer() {
    let table: [(&str, Answer, &str); 3] = [
        (
            "a list",
            |_| (format!("{GOOD}{LIST}{{}}"), Some(",{}")),
            "cluster.too-large",
        ),
        (
            "a refusal",
            |_| (BAD.to_owned(), Some("no ")),
            "cluster.overloaded",
        ),
        (
            "a status",
            |_| {
                (
                    format!("{BAD}{{\"kind\":\"Status\",\"message\":\""),
                    Some("no "),
                )
            },
            "cluster.overloaded",
        ),
    ];
    for (what, answer, code) in table {
        let (client, written) = hostile(answer).await;
        let failure = client.names(&pods().of, None).await;
        let failure = failure.expect_err("no list");
        assert_eq!(failure.code, code, "{what}");
        let said: usize = failure.causes.iter().map(String::len).sum();
        assert!(said <= 5 << 10, "{what}: {said} bytes are said");
        let written = written.load(Ordering::Relaxed);
        assert!(written < 6 * ON_THE_WAY, "{what}: {written} bytes");
    }
}

/// A watch may bring more than one line may have, for as long as it lasts.
#[tokio::test]
async fn watch_of_many_lines_goes_on() {
    let (client, written) = hostile(|request| match request.contains(WATCH) {
        true => (
            GOOD.to_owned(),
            Some("{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"8\"}}}\n"),
        ),
        false => (empty(), None),
    })
    .await;
    let gate = gate(nobody(), Box::new(Nothing), None);
    let heard = Heard::default();
    let watching = client.watch(&pass(&gate), &pods(), 0, &heard).await;
    let seen = watching.expect("a watch").take(40_000);
    let fine = seen.all(|(_, seen)| std::future::ready(seen.is_ok())).await;
    assert!(fine && written.load(Ordering::Relaxed) > 2 * LIMIT);
}
