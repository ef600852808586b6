//! A canary stands in every scalar of a kubeconfig, in the files that it names, and in what a credential plugin prints. The file is broken at every
//! line in turn, in every way; the canary is in nothing that is said or shown.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use agent_kubeconfig::{Access, Ended, Kubeconfig, Program, Sources};
use futures::FutureExt as _;
use zeroize::Zeroizing;

const TEXTS: [(&str, &str); 3] = [
    ("inline", include_str!("canary/inline.yaml")),
    ("file", include_str!("canary/file.yaml")),
    ("exec", include_str!("canary/exec.yaml")),
];

/// How every canary begins, as it is and in base64.
const CANARIES: [&str; 2] = ["c4n4ry", "YzRuNHJ5"];

/// What is done to a line, which stands between the lines before and behind it.
type Break = fn(&str, &str, &str) -> String;

const BREAKS: [(&str, Break); 9] = [
    ("nothing", |before, line, behind| {
        format!("{before}{line}\n{behind}")
    }),
    ("left out", |before, _, behind| format!("{before}{behind}")),
    ("twice", |before, line, behind| {
        format!("{before}{line}\n{line}\n{behind}")
    }),
    ("cut off", |before, line, _| {
        format!("{before}{}", &line[..line.len() / 2])
    }),
    ("bracket", |before, line, behind| {
        format!("{before}{line} : [\n{behind}")
    }),
    ("tab", |before, line, behind| {
        format!("{before}\t{line}\n{behind}")
    }),
    ("quote", |before, line, behind| {
        format!("{before}{}\n{behind}", line.replace(": ", ": \""))
    }),
    ("map", |before, line, behind| {
        let (key, value) = line.split_once(": ").unwrap_or((line, "x"));
        format!("{before}{key}: {{a: \"{value}\"}}\n{behind}")
    }),
    ("number", |before, line, behind| {
        let (key, _) = line.split_once(": ").unwrap_or((line, "x"));
        format!("{before}{key}: 12345\n{behind}")
    }),
];

/// Everything that comes out of a kubeconfig: what is said in all its forms, and what is shown.
async fn heard(text: &[u8], stdout: &'static str, code: i32) -> String {
    let shown = Arc::new(Mutex::new(String::new()));
    let screen = Arc::clone(&shown);
    let access = Access {
        read: |_| {
            Ok(
                b"-----BEGIN CERTIFICATE-----\nYzRuNHJ5\n-----END CERTIFICATE-----\nc4n4ry\xff\n"
                    .into(),
            )
        },
        variable: |_| None,
        run: Arc::new(move |program| talk(program, stdout, code).boxed()),
        show: Arc::new(move |text| screen.lock().expect("a lock").push_str(text)),
        learn: Arc::new(|_| {}),
        interactive: false,
    };
    let named = Some(Path::new("/home/jane/config"));
    let sources = Sources {
        named,
        ..Sources::default()
    };
    let mut heard = match Kubeconfig::load(&sources, |_| Ok(text.into())) {
        Err(error) => said(&error),
        Ok(kubeconfig) => {
            let mut heard = String::new();
            for context in [None, Some("other")] {
                heard += &match kubeconfig.connect(context, access.clone()).await {
                    Err(error) => said(&error),
                    Ok(connection) => format!("{}, {:?}", connection.server, connection.context),
                };
            }
            heard
        }
    };
    heard.push_str(&shown.lock().expect("a lock"));
    heard
}

fn said(error: &dyn Error) -> String {
    let mut said = format!("{error}\n{error:?}\n");
    let mut next = error.source();
    while let Some(error) = next {
        said += &format!("{error}\n{error:?}\n");
        next = error.source();
    }
    said
}

/// A plugin that repeats all that it was given.
async fn talk(mut program: Program, stdout: &'static str, code: i32) -> io::Result<Ended> {
    let arguments = program.arguments.iter().map(|one| one.to_string());
    let environment = program
        .environment
        .iter()
        .map(|(name, value)| format!("{name}={}", **value));
    for word in arguments
        .chain(environment)
        .chain(["c4n4ry-printed".to_owned()])
    {
        (program.stderr)(format!("I was told {word} and \u{1b}[1m{word}\n").as_bytes());
    }
    let stdout = Zeroizing::new(stdout.into());
    Ok(Ended {
        code: Some(code),
        stdout,
    })
}

#[expect(clippy::print_stdout, reason = "how much was tried is the result")]
#[tokio::test]
async fn nothing_of_a_kubeconfig_is_said() {
    let printed = [
        ("c4n4ry-printed", 0),
        ("c4n4ry-printed", 3),
        ("{\"kind\": \"c4n4ry-printed\"}", 0),
        (
            "{\"kind\": \"ExecCredential\", \"apiVersion\": \"client.authentication.k8s.io/v1\", \"status\": {\"token\": \"c4n4ry-printed\"}}",
            0,
        ),
    ];
    let mut tried = 0;
    for (name, text) in TEXTS {
        for number in 0..text.lines().count() {
            let lines: Vec<_> = text.split_inclusive('\n').collect();
            let (before, behind) = (lines[..number].concat(), lines[number + 1..].concat());
            for (how, change) in BREAKS {
                let broken = change(&before, lines[number].trim_end(), &behind);
                for (stdout, code) in printed {
                    let heard = heard(broken.as_bytes(), stdout, code).await;
                    let found = CANARIES.iter().any(|canary| heard.contains(canary));
                    assert!(!found, "{name}, line {}, {how}: {heard}", number + 1);
                    assert!(!heard.is_empty(), "{name}, line {}, {how}", number + 1);
                    tried += 1;
                }
            }
        }
    }
    println!("{tried} kubeconfigs, no canary");
}

/// Numbers that look like chance and are the same every time (Knuth's multiplier).
fn chance(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    usize::try_from(*state >> 33).expect("31 bits")
}

#[tokio::test]
async fn no_text_makes_it_panic() {
    const SIGNS: &[u8] = b":-{}[]&*!|>%@`'\"#,?\\ \n\t0y~<\x00\xff\xef";
    let mut state = 9;
    for (_, text) in TEXTS {
        for _ in 0..600 {
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..1 + chance(&mut state) % 4 {
                let at = chance(&mut state) % bytes.len();
                match chance(&mut state) % 3 {
                    0 => bytes[at] = SIGNS[chance(&mut state) % SIGNS.len()],
                    1 => bytes.insert(at, SIGNS[chance(&mut state) % SIGNS.len()]),
                    _ => drop(bytes.remove(at)),
                }
            }
            let _whatever = heard(&bytes, "", 1).await;
        }
    }
    for deep in ["[", "{a: ", "- ", "? ", "a:\n ", "!!str ", "&a "] {
        let _whatever = heard(deep.repeat(20_000).as_bytes(), "", 1).await;
    }
    let folded: String = (0..2000)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    let _whatever = heard(folded.as_bytes(), "", 1).await;
}
