//! What the macros make of a plugin, read back by what the host reads it with.

use agent_core::descriptor::{Constraint, Descriptor, Format, Names, Risk, Style, Type};
use agent_core::manifest::Manifest;
use agent_sdk::prelude::*;

/// How loud.
#[derive(Clone, Copy, Debug, PartialEq, Choice)]
enum Volume {
    Quiet,
    #[choice("very-loud")]
    Loud,
}

#[derive(Args)]
struct Greet {
    /// How loud it is "said".
    #[arg(positional)]
    volume: Volume,
    /// Where
    #[arg(positional, names(namespace), format = "name")]
    namespace: Option<String>,
    /// Whom
    #[arg(positional, names(object = "pods.v1"))]
    name: Option<String>,
    /// Which
    #[arg(names(object_by(parameter = "volume", quiet = "pods.v1", loud = "nodes.v1")))]
    other: Option<String>,
    /// How often
    #[arg(short = 't', default = 2, minimum = 1, maximum = 9)]
    times: u32,
    /// How long
    #[arg(default = "1m30s")]
    time_out: SignedDuration,
    /// When
    as_of: Option<Timestamp>,
    /// Everybody
    all: bool,
    /// What nobody else must know
    #[arg(secret)]
    password: Option<String>,
}

/// Greet somebody
/// politely.
///
/// It says "hello", and
/// waits.
///
/// Twice.
#[operation(
    risk = "change",
    columns(name, said_at = "WHEN"),
    constraints(exactly_one(name, all), requires(name, namespace)),
    locks("greeter:{namespace}/{name}"),
    examples("greeter.greet quiet home anna")
)]
fn greet(args: Greet) -> Result<Value> {
    Ok(json!({
        "volume": args.volume.as_str(), "namespace": args.namespace, "name": args.name, "other": args.other,
        "times": args.times, "seconds": args.time_out.as_secs(), "as-of": args.as_of.map(|at| at.to_string()), "all": args.all,
        "password": args.password,
    }))
}

/// Count failures
#[operation]
fn count() -> Result<Outcome> {
    Outcome::rows(&[true, false, true], |failed| *failed)
}

#[derive(Args)]
struct Sum {
    /// Which ones
    #[arg(positional, required, minimum = -1.5, maximum = 9)]
    numbers: Vec<f64>,
    /// Under which names
    #[arg(short = 'n', names(object = "pods.v1"), format = "name")]
    names: Vec<String>,
}

/// Add numbers
#[operation(
    risk = "read",
    errors(invalid("greeter.nothing", "there is nothing to add")),
    result = r#"{"type": "number"}"#,
    deprecated = "add them yourself"
)]
fn sum(args: Sum) -> Result<Value> {
    Ok(json!({ "sum": args.numbers.iter().sum::<f64>(), "names": args.names }))
}

agent_sdk::plugin! { manifest = "tests/plugin.toml", operations = [greet, count, sum] }

fn descriptor() -> Descriptor {
    serde_json::from_str(provider::DESCRIPTOR).expect("the host can read it")
}

#[test]
fn manifest_is_what_the_host_reads() {
    let manifest: Manifest =
        serde_json::from_str(provider::MANIFEST).expect("the host can read it");
    assert_eq!(manifest.id.as_str(), "greeter");
    assert_eq!(manifest.requests.len(), 2);
}

#[test]
fn doc_comment_is_summary_and_paragraphs() {
    let descriptor = descriptor();
    let greet = descriptor.operation("greet").expect("declared");
    assert_eq!(greet.summary, "Greet somebody politely");
    assert_eq!(greet.description, "It says \"hello\", and waits.\n\nTwice.");
}

#[test]
fn risk_that_is_not_declared_is_destroy() {
    let descriptor = descriptor();
    let risk = |name| descriptor.operation(name).map(|one| one.risk);
    assert_eq!(risk("greet"), Some(Risk::Change));
    assert_eq!(risk("count"), Some(Risk::Destroy));
}

#[test]
fn fields_are_parameters() {
    let descriptor = descriptor();
    let greet = descriptor.operation("greet").expect("declared");
    let names: Vec<_> = greet
        .parameters
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "volume",
            "namespace",
            "name",
            "other",
            "times",
            "time-out",
            "as-of",
            "all",
            "password"
        ]
    );
    let required: Vec<_> = greet.parameters.iter().filter(|one| one.required).collect();
    assert_eq!(required.len(), 1);
    assert_eq!(required[0].schema.one_of, ["quiet", "very-loud"]);
    assert_eq!(required[0].style, Style::Positional);
    assert_eq!(greet.parameters[1].names, Some(Names::Namespace));
    assert_eq!(greet.parameters[1].schema.format, Some(Format::Name));
    assert!(matches!(&greet.parameters[2].names, Some(Names::Object(of)) if of.plural == "pods"));
    assert!(
        matches!(&greet.parameters[3].names, Some(Names::ObjectBy { parameter, of }) if parameter == "volume" && of.len() == 2)
    );
    let times = &greet.parameters[4];
    assert_eq!((times.short, times.schema.of), (Some('t'), Type::Integer));
    assert_eq!(
        (&times.schema.minimum, &times.schema.maximum),
        (&Some(1.into()), &Some(9.into()))
    );
    assert_eq!(greet.parameters[5].schema.format, Some(Format::Duration));
    assert_eq!(greet.parameters[6].schema.format, Some(Format::DateTime));
    assert_eq!(greet.parameters[7].schema.of, Type::Boolean);
    let secret: Vec<_> = greet.parameters.iter().map(|one| one.secret).collect();
    assert_eq!(secret.iter().position(|secret| *secret), Some(8));
    assert!(!secret[..8].contains(&true));
}

#[test]
fn rules_columns_and_locks_are_told() {
    let descriptor = descriptor();
    let greet = descriptor.operation("greet").expect("declared");
    let both = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
    assert_eq!(
        greet.constraints,
        [
            Constraint::ExactlyOne(both("name", "all")),
            Constraint::Requires(both("name", "namespace"))
        ]
    );
    assert_eq!(greet.columns[1].heading, "WHEN");
    assert_eq!(greet.columns[1].key, "said-at");
    let locks: Vec<String> = greet.locks.iter().map(ToString::to_string).collect();
    assert_eq!(locks, ["greeter:{namespace}/{name}"]);
    assert_eq!(greet.examples, ["greeter.greet quiet home anna"]);
}

#[test]
fn arguments_fill_the_struct_and_defaults_fill_the_rest() {
    let outcome = provider::run(
        "greeter.greet",
        r#"{"volume":"very-loud","as-of":"2026-11-22T06:00:00Z"}"#,
    )
    .expect("fits");
    assert_eq!(
        outcome.value,
        json!({
            "volume": "very-loud", "namespace": null, "name": null, "other": null,
            "times": 2, "seconds": 90, "as-of": "2026-11-22T06:00:00Z", "all": false, "password": null,
        })
    );
}

#[test]
fn wrong_arguments_are_named() {
    for (arguments, wanted) in [
        ("{}", "`volume` is missing"),
        (r#"{"volume":"loud"}"#, "`volume` is `\"loud\"`"),
        (r#"{"volume":"quiet","times":-1}"#, "`times` is `-1`"),
        (r#"{"volume":"quiet","time-out":"soon"}"#, "`time-out`"),
        ("[]", "no JSON object"),
    ] {
        let error = provider::run("greeter.greet", arguments).expect_err(wanted);
        assert_eq!(error.code(), "operations.arguments");
        assert!(error.message().contains(wanted), "{error}");
    }
}

#[test]
fn unknown_operation_lists_the_known_ones() {
    for name in ["greeter.great", "other.greet", "greet"] {
        let error = provider::run(name, "{}").expect_err("unknown");
        assert_eq!(error.code(), "operations.unknown");
        assert_eq!(error.remedy(), Some("known operations: greet, count, sum"));
    }
}

#[test]
fn failed_rows_are_counted() {
    assert_eq!(
        provider::run("greeter.count", "{}").expect("runs").failed,
        2
    );
}

#[test]
fn vector_is_an_array_and_what_else_an_operation_says_of_itself_is_told() {
    let descriptor = descriptor();
    let sum = descriptor.operation("sum").expect("declared");
    let schemas: Vec<Value> = sum
        .parameters
        .iter()
        .map(|one| serde_json::to_value(&one.schema).expect("serialises"))
        .collect();
    let numbers =
        json!({"type": "array", "items": {"type": "number", "minimum": -1.5, "maximum": 9}});
    let names = json!({"type": "array", "items": {"type": "string", "format": "name"}});
    assert_eq!(schemas, [numbers, names]);
    let required: Vec<bool> = sum.parameters.iter().map(|one| one.required).collect();
    assert_eq!(required, [true, false]);
    assert_eq!(sum.errors[0].code, "greeter.nothing");
    assert_eq!(sum.result, Some(json!({"type": "number"})));
    assert_eq!(sum.deprecated.as_deref(), Some("add them yourself"));
}

#[test]
fn array_reaches_the_operation() {
    let given = json!({"numbers": [1, 2.5], "names": ["plex", "radarr"]});
    let outcome = provider::run("greeter.sum", &given.to_string()).expect("runs");
    let wanted = json!({"sum": 3.5, "names": ["plex", "radarr"]});
    assert_eq!(outcome.value, wanted);
    let refused = provider::run("greeter.sum", r#"{"numbers":[1,"2"]}"#).expect_err("text");
    assert!(
        refused.message().contains("`numbers` is `\"2\"`"),
        "{refused}"
    );
}
