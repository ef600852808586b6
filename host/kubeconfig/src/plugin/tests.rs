use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt as _;
use rustls::crypto::ring;

use super::*;

const V1: &str = "client.authentication.k8s.io/v1";

/// What a plugin does, and what was seen of it.
#[derive(Default)]
struct Stage {
    stdout: String,
    stderr: Vec<&'static str>,
    code: Option<i32>,
    /// Before each piece of `stderr`.
    pause: Duration,
    missing: bool,
}

struct Seen {
    given: Result<Given, NoCredentials>,
    shown: String,
    runs: usize,
    info: Value,
}

async fn play(stage: Stage, change: impl FnOnce(&mut Plugin)) -> Seen {
    let shown = Arc::new(Mutex::new(String::new()));
    let runs = Arc::new(AtomicUsize::new(0));
    let info = Arc::new(Mutex::new(Value::Null));
    let stage = Arc::new(stage);
    let (count, told, acts) = (Arc::clone(&runs), Arc::clone(&info), Arc::clone(&stage));
    let run = move |mut program: Program| {
        count.fetch_add(1, Ordering::SeqCst);
        let (told, stage) = (Arc::clone(&told), Arc::clone(&acts));
        async move {
            if stage.missing {
                return Err(io::ErrorKind::NotFound.into());
            }
            let (_, text) = program.environment.last().expect("what it is told");
            *told.lock().expect("a lock") = serde_json::from_str(text).expect("JSON");
            for piece in &stage.stderr {
                tokio::time::sleep(stage.pause).await;
                (program.stderr)(piece.as_bytes());
            }
            let stdout = Zeroizing::new(stage.stdout.clone().into_bytes());
            Ok(Ended {
                code: stage.code,
                stdout,
            })
        }
        .boxed()
    };
    let screen = Arc::clone(&shown);
    let mut mask = Mask::default();
    mask.add("S3CRET-of-the-file");
    let mut plugin = Plugin {
        user: "admin".into(),
        command: "get-token".into(),
        path: "get-token".into(),
        arguments: Vec::new(),
        environment: Vec::new(),
        api_version: V1.into(),
        mode: Mode::IfAvailable,
        install_hint: "brew install get-token".into(),
        cluster: None,
        access: Access {
            read: |_| Err(io::ErrorKind::NotFound.into()),
            variable: |_| None,
            run: Arc::new(run),
            show: Arc::new(move |text| screen.lock().expect("a lock").push_str(text)),
            learn: Arc::new(|_| {}),
            interactive: false,
        },
        mask,
        crypto: Arc::new(ring::default_provider()),
    };
    change(&mut plugin);
    let given = plugin.run().await;
    let shown = shown.lock().expect("a lock").clone();
    let info = info.lock().expect("a lock").clone();
    Seen {
        given,
        shown,
        runs: runs.load(Ordering::SeqCst),
        info,
    }
}

fn credential(status: Value) -> String {
    json!({ "kind": "ExecCredential", "apiVersion": V1, "status": status }).to_string()
}

fn good(stdout: String) -> Stage {
    Stage {
        stdout,
        code: Some(0),
        ..Stage::default()
    }
}

fn failure(seen: Seen) -> String {
    seen.given.err().expect("a failure").to_string()
}

#[tokio::test]
async fn a_token_and_its_end_are_taken() {
    let status = json!({ "token": "abc", "expirationTimestamp": "2026-11-30T10:00:00Z" });
    let seen = play(good(credential(status)), |_| {}).await;
    let given = seen.given.expect("credentials");
    assert_eq!(given.header.expect("a header"), "Bearer abc");
    assert_eq!(
        given.until.expect("an end").to_string(),
        "2026-11-30T10:00:00Z"
    );
    assert_eq!(seen.runs, 1);
    assert_eq!(seen.info["spec"], json!({ "interactive": false }));
    assert_eq!(
        (&seen.info["kind"], &seen.info["apiVersion"]),
        (&json!("ExecCredential"), &json!(V1))
    );
}

#[tokio::test]
async fn yaml_is_taken_as_well_as_json() {
    let text = format!("apiVersion: {V1}\nkind: ExecCredential\nstatus:\n  token: abc\n");
    assert!(play(good(text), |_| {}).await.given.is_ok());
}

#[tokio::test]
async fn whoever_must_ask_is_not_run_without_a_terminal() {
    let seen = play(good(credential(json!({ "token": "a" }))), |plugin| {
        plugin.mode = Mode::Always
    })
    .await;
    assert_eq!(seen.runs, 0);
    let text = failure(seen);
    assert_eq!(
        text,
        "the credential plugin `get-token` of user `admin` needs a terminal to ask on, and there is none"
    );
}

#[tokio::test]
async fn a_terminal_is_lent_to_whoever_may_ask() {
    for (mode, wanted) in [
        (Mode::Never, false),
        (Mode::IfAvailable, true),
        (Mode::Always, true),
    ] {
        let stage = good(credential(json!({ "token": "a" })));
        let seen = play(stage, |plugin| {
            plugin.mode = mode;
            plugin.access.interactive = true;
        });
        assert_eq!(seen.await.info["spec"]["interactive"], wanted, "{mode:?}");
    }
}

#[tokio::test]
async fn a_missing_program_shows_how_to_install_it() {
    let seen = play(
        Stage {
            missing: true,
            ..Stage::default()
        },
        |_| {},
    )
    .await;
    assert_eq!(seen.shown, "brew install get-token\n");
    assert_eq!(
        failure(seen),
        "the credential plugin `get-token` of user `admin` is not installed"
    );
}

#[tokio::test]
async fn a_failure_tells_its_exit_code_and_shows_its_words_once() {
    let stderr = vec!["login expired: S3CRET", "-of-the-file is old\n"];
    let seen = play(
        Stage {
            stderr,
            code: Some(3),
            ..Stage::default()
        },
        |_| {},
    )
    .await;
    assert_eq!(seen.shown, "login expired: *** is old\n");
    assert_eq!(seen.runs, 1);
    assert_eq!(
        failure(seen),
        "the credential plugin `get-token` of user `admin` failed with exit code 3"
    );
}

#[tokio::test]
async fn what_it_prints_as_credentials_is_not_seen_in_what_it_says() {
    let stage = Stage {
        stderr: vec!["got \x1b[1mT0KEN-that-counts\n"],
        ..good(credential(json!({ "token": "T0KEN-that-counts" })))
    };
    assert_eq!(play(stage, |_| {}).await.shown, "got [1m***\n");
    let stage = Stage {
        stderr: vec!["got T0KEN-that-counts\n"],
        ..good("token=T0KEN-that-counts and T0KEN-that-counts".into())
    };
    assert_eq!(play(stage, |_| {}).await.shown, "got ***\n");
}

#[tokio::test(start_paused = true)]
async fn a_question_is_shown_while_it_waits_for_an_answer() {
    let pause = HOLD * 5;
    let stage = Stage {
        stderr: vec!["open https://login.example\n", "code: ", "\nthanks\n"],
        pause,
        ..good(credential(json!({ "token": "abcdef" })))
    };
    let begin = tokio::time::Instant::now();
    let seen = play(stage, |plugin| plugin.access.interactive = true).await;
    assert_eq!(seen.shown, "open https://login.example\ncode: \nthanks\n");
    assert!(begin.elapsed() >= pause * 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_before_the_token_is_printed_is_masked_where_nobody_can_answer() {
    let stage = Stage {
        stderr: vec!["got T0KEN-that-counts\n", "and print it now\n"],
        pause: Duration::from_secs(20),
        ..good(credential(json!({ "token": "T0KEN-that-counts" })))
    };
    assert_eq!(
        play(stage, |_| {}).await.shown,
        "got ***\nand print it now\n"
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_end_is_given_up() {
    let stage = || Stage {
        stderr: vec!["waits", " for the browser\n", "\n"],
        pause: Duration::from_secs(59),
        ..good(credential(json!({ "token": "abcd" })))
    };
    let seen = play(stage(), |_| {}).await;
    assert_eq!(seen.shown, "waits");
    assert!(failure(seen).ends_with("did not end within 60 s"));
    let seen = play(stage(), |plugin| plugin.access.interactive = true).await;
    assert!(seen.given.is_ok(), "a person logs in");
}

#[tokio::test]
async fn what_are_no_credentials_is_told_without_repeating_it() {
    let version = json!({ "kind": "ExecCredential", "apiVersion": "v9", "status": {} }).to_string();
    let table = [
        ("S3CRET: [".to_owned(), "is neither JSON nor YAML"),
        ("S3CRET".to_owned(), "is not of `kind: ExecCredential`"),
        (
            version,
            "is of another `apiVersion` than the kubeconfig wants from it",
        ),
        (credential(json!(null)), "has no `status`"),
        (
            credential(json!({})),
            "has neither a token nor a certificate with its key",
        ),
        (
            credential(json!({ "token": 5 })),
            "has a field in `status` that is not a text",
        ),
        (
            credential(json!({ "token": "a\nS3CRET" })),
            "has a token with a line break or another control character in it",
        ),
        (
            credential(json!({ "clientKeyData": "S3CRET" })),
            "has a certificate without its key, or a key without its certificate",
        ),
        (
            credential(json!({ "clientKeyData": "S3CRET", "clientCertificateData": "S3CRET" })),
            "has a certificate and a key that cannot be used",
        ),
        (
            credential(json!({ "token": "abcd", "expirationTimestamp": "S3CRET" })),
            "has an `expirationTimestamp` that is not a time",
        ),
    ];
    for (stdout, wanted) in table {
        let text = failure(play(good(stdout.clone()), |_| {}).await);
        assert!(
            text.ends_with(wanted) && !text.contains("S3CRET"),
            "{stdout}: {text}"
        );
    }
}
