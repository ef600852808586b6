//! The canaries of `host/kubeconfig/tests`, with the real program: none in what it writes, in its journal, or in any other file of its home.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures::StreamExt as _;

use super::super::agent::Agent;
use super::{AT_ONCE, LINE};

const TEXTS: [&str; 3] = [
    include_str!("../../../host/kubeconfig/tests/canary/inline.yaml"),
    include_str!("../../../host/kubeconfig/tests/canary/file.yaml"),
    include_str!("../../../host/kubeconfig/tests/canary/exec.yaml"),
];

const CANARIES: [&[u8]; 2] = [b"c4n4ry", b"YzRuNHJ5"];

/// A plugin that repeats what it was given, and fails.
const TALKATIVE: &str = "#!/bin/sh
echo \"$@ $VAULT_TOKEN $KUBERNETES_EXEC_INFO c4n4ry-printed\" >&2
echo '{\"token\": \"c4n4ry-printed\"}'
exit 3
";

/// Each line of each text, broken in one way: the next line in the next one.
fn broken() -> Vec<String> {
    let mut all: Vec<String> = TEXTS.map(str::to_owned).into();
    for text in TEXTS {
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        for (number, line) in lines.iter().enumerate() {
            let (before, behind) = (lines[..number].concat(), lines[number + 1..].concat());
            let line = line.trim_end();
            all.push(match number % 5 {
                0 => format!("{before}{line} : [\n{behind}"),
                1 => format!("{before}{line}\n{line}\n{behind}"),
                2 => format!("{before}{}", &line[..line.len() / 2]),
                3 => format!("{before}{}\n{behind}", line.replace(": ", ": \"")),
                _ => format!("{before}{}}}\n{behind}", line.replace(": ", ": {a: ")),
            });
        }
    }
    all
}

/// Returns where a canary is.
async fn escaped(text: String) -> Option<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let (config, plugin) = (
        folder.path().join("config"),
        folder.path().join("talkative.sh"),
    );
    std::fs::write(&config, &text).expect("a kubeconfig");
    std::fs::write(folder.path().join("c4n4ry.txt"), "c4n4ry\n").expect("a file");
    std::fs::write(&plugin, TALKATIVE).expect("a plugin");
    std::fs::set_permissions(&plugin, PermissionsExt::from_mode(0o755)).expect("a program");
    let agent = Agent::of(&config);
    let ran = agent.run(LINE).await;
    if holds(ran.stdout.as_bytes()) || holds(ran.stderr.as_bytes()) {
        return Some(format!("{ran}\n{text}"));
    }
    assert!(
        !ran.stderr.contains("panicked") && ran.code() == Some(5),
        "{ran}\n{text}"
    );
    let file = find(agent.home())?;
    Some(format!("`{file}`, after {ran}\n{text}"))
}

fn holds(bytes: &[u8]) -> bool {
    let holds = |canary: &&[u8]| bytes.windows(canary.len()).any(|part| part == *canary);
    CANARIES.iter().any(holds)
}

/// Returns a file below a folder with a canary in it.
fn find(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .find_map(|path| {
            if path.is_dir() {
                return find(&path);
            }
            let bytes = std::fs::read(&path).unwrap_or_default();
            holds(&bytes).then(|| path.display().to_string())
        })
}

#[expect(clippy::print_stdout, reason = "how much was tried is the result")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_a_kubeconfig_escapes() {
    let broken = broken();
    let tried = broken.len();
    let found: Vec<_> = futures::stream::iter(broken)
        .map(escaped)
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await;
    println!("{tried} kubeconfigs, {} canaries", found.len());
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}
