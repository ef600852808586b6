//! Hints made with whatever a stranger may call a thing are split by a real shell into the words that they were made of.

use std::fmt::Write as _;

use super::*;
use crate::arguments::Misfit;
use crate::failure::{Failure, Kind, remedy_for_file};
use crate::settings::Settings;
use crate::{policy, suggest};

/// What strangers call things.
const HOSTILE: &[&str] = &[
    "plain",
    "",
    " ",
    "two words",
    "it's",
    "'",
    "''",
    "'; touch pwned; '",
    "\"; touch pwned; \"",
    "`touch pwned`",
    "$(touch pwned)",
    "${IFS}touch",
    "a;b",
    "a&b",
    "a|b",
    "a>b",
    "a<b",
    "a#b",
    "#comment",
    "*",
    "?",
    "[a]",
    "{a,b}",
    "~",
    "~root",
    "!!",
    "\\",
    "\\'",
    "back\\",
    "-rf",
    "--yes",
    "=ls",
    "a=b",
    "日本",
    "agent run x",
];

/// Splits a text as a shell does, by having one print each word.
#[expect(
    clippy::disallowed_methods,
    reason = "what a shell takes for a word only a shell knows"
)]
fn split(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a directory");
    // Parentheses and the like of prose are no words: only what comes first is looked at for being run.
    let script = format!("printf '%s\\0' {text}");
    let output = std::process::Command::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .output()
        .expect("a shell");
    assert!(output.status.success(), "{text}: {output:?}");
    let left = folder.path().read_dir().expect("reads").count();
    assert_eq!(left, 0, "it did something: {text}");
    let printed = String::from_utf8(output.stdout).expect("text");
    let mut words: Vec<String> = printed.split('\0').map(str::to_owned).collect();
    words.pop();
    words
}

#[test]
fn every_hostile_name_is_one_word_of_a_shell() {
    for name in HOSTILE {
        let hint = hint!("agent plugin grant {} --to {}", name, name);
        let wanted = ["agent", "plugin", "grant", name, "--to", name];
        assert_eq!(split(&hint), wanted, "{hint}");
        let hint = hint!("known: {}", Words(HOSTILE.to_vec()));
        assert_eq!(split(&hint)[1..], *HOSTILE, "{hint}");
    }
}

#[test]
fn what_cannot_be_in_a_word_is_shown_as_what_it_is_not() {
    for name in ["a\0b", "a\nb", "a\u{1b}[2Jb", "a\u{202e}b", "a\rb"] {
        let words = split(&hint!("agent undo {}", name));
        assert_eq!(words.len(), 3, "{words:?}");
        assert!(words[2].starts_with("a\u{fffd}"), "{words:?}");
        assert!(!words[2].chars().any(text::steers), "{words:?}");
    }
}

#[test]
fn path_that_begins_with_a_dash_is_no_option() {
    assert_eq!(&*hint!("ls -ld {}", Path("-rf")), "ls -ld ./-rf");
    assert_eq!(&*hint!("ls -ld {}", Path("/a b")), "ls -ld '/a b'");
}

#[test]
fn random_names_come_back_out_of_every_template() {
    // A generator of its own, so that a failure comes again.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let letters: Vec<char> = "ab'\"`$(){};&|<>#*?[]~!\\- =\té日".chars().collect();
    let mut script = String::new();
    let mut wanted = Vec::new();
    for _ in 0..2_000 {
        let length = next(12);
        let name: String = (0..length).map(|_| letters[next(letters.len())]).collect();
        write!(script, " {}", &*hint!("x {}", name)).expect("writes");
        wanted.push("x".to_owned());
        wanted.push(name.replace('\t', "\u{fffd}"));
    }
    assert_eq!(split(&script), wanted);
}

#[test]
fn masking_loses_no_quote_and_changes_no_word_into_two() {
    // A value that ends in the middle of the way in which a word is quoted.
    for value in ["it", "it'", "s a;touch", "'", "agent 'it", "grant"] {
        let mask = |text: &str| text.replace(value, "***");
        let hint = hint!("agent grant {} {}", "it's a;touch pwned", "b c");
        let masked = hint.masked(mask);
        let words = split(&masked);
        assert_eq!(words.len(), 4, "{masked}");
        assert_eq!(words[2], mask("it's a;touch pwned"), "{masked}");
        assert_eq!(words[3], "b c");
    }
}

#[test]
fn what_is_said_can_change_and_values_stay() {
    let hint = hint!("agent run {} --help", "agent run x; y");
    let with = hint.with_said(|said| said.replace("agent run ", "agent --context 'my one' run "));
    let wanted = [
        "agent",
        "--context",
        "my one",
        "run",
        "agent run x; y",
        "--help",
    ];
    assert_eq!(split(&with), wanted);
}

#[test]
fn advice_of_a_stranger_stays_theirs_and_has_a_length() {
    let ours = hint!("agent undo {}", "abc");
    assert_eq!(ours.by(), Author::Agent);
    let theirs = Remedy::of_stranger(&"x".repeat(1 << 20));
    assert_eq!(
        (theirs.by(), theirs.chars().count()),
        (Author::Stranger, 4097)
    );
    assert_eq!(ours.and("; ", &theirs).by(), Author::Stranger);
    let piece = hint!("agent{}", Piece(Some(Remedy::of_stranger("; id"))));
    assert_eq!(
        &*piece, "agent",
        "a stranger's text is no piece of a command"
    );
}

#[test]
fn list_of_names_ends() {
    let names: Vec<String> = (0..40).map(|number| format!("n{number}")).collect();
    let hint = hint!("known: {}", Names(names));
    assert!(hint.ends_with("n29 and 10 more"), "{hint}");
}

/// Every failure of this crate that has a value in its hint, made with that value.
fn failures(name: &str) -> Vec<Failure> {
    let denied = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
    let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let unknown = Misfit::Unknown {
        name: name.to_owned(),
        known: suggest::sentence("zzz", [name]),
    };
    let close = Misfit::Unknown {
        name: name.to_owned(),
        known: suggest::sentence(name, [name]),
    };
    let missing = Misfit::Missing {
        name: name.to_owned(),
        summary: name.to_owned(),
    };
    let file =
        |error| Failure::new(Kind::Invalid, "x", "x").hinted_if(remedy_for_file(error, name));
    vec![
        file(&denied),
        file(&full),
        unknown.into_failure(name),
        close.into_failure(name),
        missing.into_failure(name),
        Settings::read("=", name).expect_err("wrong"),
        policy::Refusal::NotGranted {
            plugin: name.to_owned(),
            missing: vec!["cluster:get:pods:*".parse().expect("a right")],
        }
        .into_failure(),
    ]
}

#[test]
fn every_hint_splits_into_the_words_that_it_was_made_of_whatever_things_are_called() {
    let benign = failures("name");
    for name in HOSTILE.iter().filter(|name| !name.is_empty()) {
        for (hostile, benign) in failures(name).iter().zip(&benign) {
            // What we say ourselves may hold several commands.
            let one = |failure: &Failure| {
                let hint = failure.hint.as_ref().expect("a hint");
                hint.with_said(|said| said.replace(';', ","))
            };
            let wanted = split(&one(benign));
            let words = split(&one(hostile));
            assert_eq!(words.len(), wanted.len(), "{hostile:?}");
            for (word, wanted) in words.iter().zip(&wanted) {
                let same = *word == wanted.replace("name", name);
                let path = *word == wanted.replace("name", &format!("./{name}"));
                assert!(same || path, "{word:?} for {wanted:?}: {hostile:?}");
            }
        }
    }
}

#[test]
fn apostrophe_is_no_quote() {
    let remedy = Remedy::from("renew the kubeconfig's token");
    let same = remedy.with_said(str::to_owned);
    assert_eq!(same.as_str(), "renew the kubeconfig's token");
}
