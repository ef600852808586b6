//! What is a name of its sort and what is not.

use super::*;

/// What no name may hold, whatever it names.
const NEVER: &[&str] = &[
    "",
    " ",
    "a b",
    "a\nb",
    "a\0b",
    "a'b",
    "';touch pwned;'",
    "$(id)",
    "`id`",
    "-rf",
    "--yes",
    "A",
    "é",
    "a//b",
    "a/b/c",
    "..",
    "a\u{202e}b",
    "a\u{200b}",
];

#[test]
fn hostile_text_is_no_name_of_any_sort() {
    for text in NEVER {
        assert!(text.parse::<Resource>().is_err(), "{text:?}");
        assert!(text.parse::<Namespace>().is_err(), "{text:?}");
        assert!(text.parse::<ParameterName>().is_err(), "{text:?}");
        assert!(text.parse::<OperationPart>().is_err(), "{text:?}");
        assert!(text.parse::<ObjectName>().is_err(), "{text:?}");
        assert!(text.parse::<Field>().is_err(), "{text:?}");
        assert!(Named::try_from((*text).to_owned()).is_err(), "{text:?}");
        assert!(Named::try_from(format!("{{{text}}}")).is_err(), "{text:?}");
        assert!(text.parse::<Place>().is_err(), "{text:?}");
        assert!(format!("{{{text}}}").parse::<Place>().is_err(), "{text:?}");
        assert!(LockName::try_from((*text).to_owned()).is_err(), "{text:?}");
        let lock = format!("hello:{{{text}}}");
        assert!(LockName::try_from(lock.clone()).is_err(), "{lock:?}");
    }
    for text in ["", "a b", "a\nb", "a'b", "$(id)", "a\u{202e}b"] {
        assert!(text.parse::<Key>().is_err(), "{text:?}");
    }
}

#[test]
fn names_of_kubernetes_are_names() {
    for text in [
        "pods",
        "deployments.apps",
        "kustomizations.kustomize.toolkit.fluxcd.io",
        "deployments.apps/scale",
        "pods/status",
    ] {
        assert_eq!(text.parse::<Resource>().expect(text), *text);
    }
    for text in [
        "pods.",
        ".apps",
        "Pods",
        "pods.apps..io",
        "pods/",
        "/scale",
        "pods/log",
        "nodes/proxy",
        "*",
    ] {
        assert!(text.parse::<Resource>().is_err(), "{text}");
    }
    for text in ["plex", "plex-0", "a.b-c.d", "0", &"a".repeat(253)] {
        assert!(text.parse::<ObjectName>().is_ok(), "{text}");
    }
    for text in ["a..b", ".a", "a-", "a.-b", "system:node", &"a".repeat(254)] {
        assert!(text.parse::<ObjectName>().is_err(), "{text}");
    }
    let long = "a".repeat(64);
    assert!(long.parse::<Namespace>().is_err());
    assert!("kube-system".parse::<Namespace>().is_ok());
}

#[test]
fn field_is_a_pointer_whose_last_name_may_be_open() {
    for text in [
        "/spec",
        "/spec/suspend",
        "/metadata/annotations/example.org~1key",
        "/metadata/annotations/example.org~1*",
        "/spec/a:b/c#d~0e",
        "/spec/*",
        "/*",
    ] {
        assert_eq!(text.parse::<Field>().expect(text), *text);
    }
    let long = format!("/{}", "a".repeat(512));
    for text in [
        "",
        "/",
        "*",
        "spec",
        "spec/suspend",
        "/spec/",
        "//spec",
        "/spec//a",
        "/spec/*/a",
        "/spec/a*b",
        "/spec/**",
        "/spec/a~",
        "/spec/a~2b",
        "/spec/a~*",
        "/spec/a b",
        "/spec/a\nb",
        "/spec/`id`",
        "/spec/\u{202e}",
        &long,
    ] {
        assert!(text.parse::<Field>().is_err(), "{text}");
    }
}

#[test]
fn option_of_the_agent_is_no_parameter() {
    for text in RESERVED {
        assert!(text.parse::<ParameterName>().is_err(), "{text}");
    }
    assert!("as-of".parse::<ParameterName>().is_ok());
}

#[test]
fn places_read_back() {
    for text in ["*", "media", "{namespace}", "{namespace|*}"] {
        assert_eq!(text.parse::<Place>().expect(text).to_string(), text);
    }
    for text in ["{}", "{a", "a}", "{a|b}", "{|*}", "{a}b", "a*", "{help}"] {
        assert!(text.parse::<Place>().is_err(), "{text}");
    }
}

#[test]
fn wrong_name_is_shown_cut_off_and_harmless() {
    let wrong = "\u{1b}[2J`id`".to_owned() + &"x".repeat(1 << 20);
    let said = wrong.parse::<Namespace>().expect_err("wrong").to_string();
    assert!(
        said.len() < 250 && !said.chars().any(text::steers),
        "{said}"
    );
    assert!(
        said.starts_with("`\u{fffd}[2J\u{fffd}id\u{fffd}x"),
        "{said}"
    );
}

#[test]
fn lock_is_filled_in_or_there_is_none() {
    let lock = LockName::try_from("volsync:{namespace}/{app}".to_owned()).expect("valid");
    assert_eq!(lock.owner(), "volsync");
    let fill = |app: Option<&str>| {
        lock.filled_in(|name| match name.as_str() {
            // What an argument holds is no placeholder.
            "namespace" => Some("{app}".to_owned()),
            _ => app.map(str::to_owned),
        })
    };
    assert_eq!(fill(Some("plex")).as_deref(), Some("volsync:{app}/plex"));
    assert_eq!(fill(None), None);
    for wrong in [
        "media/plex",
        ":x",
        "volsync:",
        "Vol:x",
        "volsync:{a",
        "volsync:a b",
    ] {
        assert!(LockName::try_from(wrong.to_owned()).is_err(), "{wrong}");
    }
}
