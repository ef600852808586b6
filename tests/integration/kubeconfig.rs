//! Whatever kubeconfig kubectl takes, we take: each row of the table is a kubeconfig, tried by the real kubectl and by the agent. Either both reach
//! the server, with the same words about who they are, or neither does, and then our sentence names the cause.

mod canary;
mod door;
mod paper;
mod plugin;
mod proxy;
mod table;

use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use agent_sandbox::{ApiServer, Config};
use agent_testbed::Testbed;
use futures::StreamExt as _;
use tempfile::TempDir;
use tokio::process::Command;

use super::agent::Agent;
use super::home;
use door::{Doors, Seen};
use paper::Papers;
use table::Row;

/// How many rows are tried at once.
const AT_ONCE: usize = 6;

/// What both ask for.
const LINE: &str = "run flux.status ks media plex";
const PATH: &str = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/media/kustomizations/plex";

/// The API server behind all doors.
async fn api_server() -> ApiServer {
    let server = ApiServer::start(Config::any_port())
        .await
        .expect("a server");
    server.load(agent_sandbox_home::crds()).expect("its kinds");
    server.load(home::settled()).expect("its objects");
    server
}

/// A row that is set up: its files are written and its doors are open.
struct Stage {
    folder: TempDir,
    doors: Doors,
    environment: Vec<(String, String)>,
}

impl Stage {
    async fn of(row: &Row, papers: &Papers, server: &ApiServer) -> Stage {
        let folder = tempfile::tempdir().expect("a folder");
        let client = server.client().await.expect("a client");
        let mut doors = Doors::new(client);
        let mut words = vec![("dir".to_owned(), folder.path().display().to_string())];
        let text = row.all_text();
        let wanted = |word: &str| text.contains(&format!("{{{word}}}"));
        for word in [
            "port",
            "misnamed",
            "expired",
            "leaf-port",
            "own-port",
            "old-port",
            "p521-port",
            "unasking",
            "plain",
            "http-proxy",
            "https-proxy",
            "locked-proxy",
            "socks",
            "locked-socks",
        ] {
            if !wanted(word) {
                continue;
            }
            let port = match word {
                "port" => doors.open(Some(papers.usual())).await,
                "misnamed" => doors.open(Some(papers.misnamed())).await,
                "expired" => doors.open(Some(papers.expired())).await,
                "leaf-port" => doors.open(Some(papers.leaf())).await,
                "own-port" => doors.open(Some(papers.own())).await,
                "old-port" => doors.open(Some(papers.old())).await,
                "p521-port" => doors.open(Some(papers.p521())).await,
                "unasking" => doors.open(Some(papers.unasking())).await,
                "plain" => doors.open(None).await,
                "http-proxy" => doors.http_proxy(None, false).await,
                "https-proxy" => doors.http_proxy(Some(papers.unasking()), false).await,
                "locked-proxy" => doors.http_proxy(None, true).await,
                "socks" => doors.socks_proxy(false).await,
                _ => doors.socks_proxy(true).await,
            };
            words.push((word.to_owned(), port.to_string()));
        }
        let fill = |text: &str| fill(text, papers, &words);
        let config = fill(&row.config());
        std::fs::write(folder.path().join("config"), row.encoded(&config)).expect("a kubeconfig");
        for (name, content) in row.files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            let content = if *content == "=" {
                config.clone()
            } else {
                fill(content)
            };
            std::fs::write(&path, content).expect("a file");
            if name.ends_with(".sh") {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
                std::fs::set_permissions(&path, mode).expect("a program");
            }
        }
        let mut environment = vec![
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            (
                "KUBECONFIG".to_owned(),
                folder.path().join("config").display().to_string(),
            ),
        ];
        for (name, value) in row.environment {
            environment.retain(|(known, _)| known != name);
            environment.push(((*name).to_owned(), fill(value)));
        }
        Stage {
            folder,
            doors,
            environment,
        }
    }

    /// What kubectl does: whether it gets the object, and what it says.
    async fn kubectl(&self, program: &Path) -> (bool, String) {
        let mut command = Command::new(program);
        command.args(["get", "--raw", PATH, "--request-timeout", "10s"]);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("KUBECTL_KUBERC", "false");
        command.envs(self.environment.iter().cloned());
        let ran = command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .await;
        let ran = ran.expect("kubectl");
        (
            ran.status.success(),
            String::from_utf8_lossy(&ran.stderr).into_owned(),
        )
    }

    async fn agent(&self) -> super::agent::Ran {
        let agent = Agent::alone().within(self.folder.path());
        let agent = self
            .environment
            .iter()
            .fold(agent, |agent, (name, value)| agent.with(name, value));
        agent.run(LINE).await
    }

    fn seen(&self, by_kubectl: bool) -> Option<Seen> {
        let seen = self.doors.seen().into_iter().rev();
        seen.map(|seen| (seen.by_kubectl, seen))
            .find_map(|(by, seen)| (by == by_kubectl).then_some(seen))
    }
}

/// Puts what they stand for in the place of words in braces.
fn fill(text: &str, papers: &Papers, words: &[(String, String)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let word = after.split('}').next().unwrap_or_default();
        let known = words.iter().find(|(known, _)| known == word);
        match known
            .map(|(_, value)| value.clone())
            .or_else(|| papers.word(word))
        {
            Some(value) => {
                filled.push_str(&value);
                rest = &after[word.len() + 1..];
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled + rest
}

/// Returns what is wrong with a row; nothing when all is as the table says.
async fn compare(row: &Row, papers: &Papers, server: &ApiServer, kubectl: &Path) -> Option<String> {
    let stage = Stage::of(row, papers, server).await;
    let (reached, said) = stage.kubectl(kubectl).await;
    let ran = stage.agent().await;
    let ours = ran.code() == Some(0);
    let folder = stage.folder.path().display().to_string();
    let text = ran.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let faults = [
        (ran.stderr.contains("panicked"), "it panicked"),
        (
            ours != row.says.is_empty(),
            "the agent does not do what the table says",
        ),
        (
            (ours == reached) != row.apart.is_empty(),
            "kubectl and the agent differ otherwise than the table says",
        ),
        (
            !ours && !text.contains(&row.says.replace("{dir}", &folder)),
            "the sentence does not name the cause",
        ),
        (
            !ours && ran.code() == Some(70),
            "it is taken for a bug of ours",
        ),
        (
            ours && reached
                && stage.seen(true).map(|seen| seen.who) != stage.seen(false).map(|seen| seen.who),
            "the server is told other things of who asks",
        ),
    ];
    let faults: Vec<_> = faults
        .iter()
        .filter(|(is, _)| *is)
        .map(|(_, what)| *what)
        .collect();
    (!faults.is_empty()).then(|| {
        let faults = faults.join("; ");
        format!(
            "{}: {faults}\n  kubectl ({reached}): {said}\n  agent: {ran}\n  {:?}\n",
            row.name,
            stage.doors.seen()
        )
    })
}

#[expect(
    clippy::print_stdout,
    reason = "the figures of the table are its result"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_kubectl_takes_we_take() {
    let begin = Instant::now();
    let kubectl = Testbed::kubectl().expect("kubectl");
    let (papers, server) = (Papers::new(), api_server().await);
    let only = std::env::var("AGENT_TEST_ONLY").unwrap_or_default();
    let rows: Vec<_> = table::rows()
        .filter(|row| row.name.contains(&only))
        .collect();
    let wrong: Vec<_> = futures::stream::iter(&rows)
        .map(|row| compare(row, &papers, &server, &kubectl))
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    let apart = rows.iter().filter(|row| !row.apart.is_empty());
    let apart: Vec<_> = apart
        .map(|row| format!("  {}: {}\n", row.name, row.apart))
        .collect();
    let reach = rows.iter().filter(|row| row.says.is_empty()).count();
    println!(
        "{} kubeconfigs, {reach} of which reach the server; {} differ from kubectl:\n{}in {:.1} s",
        rows.len(),
        apart.len(),
        apart.concat(),
        begin.elapsed().as_secs_f64(),
    );
    assert!(
        wrong.is_empty(),
        "{} of {} rows\n\n{}",
        wrong.len(),
        rows.len(),
        wrong.join("\n")
    );
}
