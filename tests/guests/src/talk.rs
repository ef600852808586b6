//! Guests that say too much, or say it wrongly.

use agent_sdk::NoArgs;
use agent_sdk::prelude::*;

/// Whom to greet.
#[derive(Args)]
pub(crate) struct Greet {
    /// Whom to greet
    #[arg(positional)]
    name: Option<String>,
}

/// Behave well: greet.
#[operation(risk = "read")]
pub(crate) fn greet(args: Greet) -> Result<Value> {
    let step = Step::new("Greet");
    let name = args.name.unwrap_or_else(|| "world".to_owned());
    info!("hello, {name}");
    step.done("");
    Ok(json!({ "greeting": format!("hello, {name}") }))
}

/// Whom to greet, and how often.
#[derive(Args)]
pub(crate) struct GreetAll {
    /// Whom to greet
    #[arg(positional, required)]
    names: Vec<String>,
    /// How often
    #[arg(default = 1.5, minimum = 0, maximum = 9)]
    times: f64,
}

/// Behave well: greet several.
#[operation(
    risk = "read",
    errors(invalid("guests.nobody", "nobody is called so")),
    result = r#"{"type": "object"}"#,
    deprecated = "greet each"
)]
pub(crate) fn greet_all(args: GreetAll) -> Result<Value> {
    Ok(json!({ "greeted": args.names, "times": args.times }))
}

/// Write more lines than anybody reads.
#[operation(risk = "read")]
pub(crate) fn flood_log(_args: NoArgs) -> Result<Value> {
    for line in 0..20_000 {
        info!("line {line:06} {}", "x".repeat(100));
    }
    Ok(json!("flooded"))
}

/// Write more to standard output and standard error than anybody reads, some of it in one endless line.
#[operation(risk = "read")]
pub(crate) fn flood_output(_args: NoArgs) -> Result<Value> {
    use std::io::Write as _;
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    for line in 0..20_000 {
        // Nobody cares whether it arrives.
        drop(writeln!(out, "line {line:06} {}", "x".repeat(100)));
        drop(err.write_all(&[b'y'; 200]));
    }
    Ok(json!("flooded"))
}

/// Steer the terminal.
#[operation(risk = "read")]
pub(crate) fn escape(_args: NoArgs) -> Result<Value> {
    use std::io::Write as _;
    let red = "\u{1b}[31mred\u{1b}[0m\u{1b}]0;owned\u{7}";
    info!("log {red}");
    drop(writeln!(std::io::stdout(), "output {red}"));
    Step::new(format!("step {red}")).done(format!("done {red}"));
    Ok(json!("escaped"))
}

/// Hand 32 MiB to one host call.
#[operation(risk = "read")]
pub(crate) fn hand_over_too_much(_args: NoArgs) -> Result<Value> {
    run::log(run::Level::Info, &"x".repeat(32 << 20));
    Ok(json!("handed over"))
}

/// Begin steps and never end them.
#[operation(risk = "read")]
pub(crate) fn leak_steps(_args: NoArgs) -> Result<Value> {
    for number in 0..1_000_000 {
        std::mem::forget(Step::new(format!("step {number}")));
    }
    Ok(json!("leaked"))
}

/// What to fail with.
#[derive(Args)]
pub(crate) struct Words {
    /// The code
    #[arg(positional)]
    code: String,
    /// Whether it is denied instead of a bug
    #[arg(default = false)]
    denied: bool,
    /// The remedy
    hint: Option<String>,
}

/// Fail as if the host had said so.
#[operation(risk = "read")]
pub(crate) fn fail_in_the_hosts_words(args: Words) -> Result<Value> {
    let kind = if args.denied {
        Kind::Denied
    } else {
        Kind::Internal
    };
    let error = Error::new(kind, &args.code, "the host says so");
    Err(match args.hint {
        Some(hint) => error.hint(hint),
        None => error,
    })
}

/// Write down what it is told of a cluster that cannot be reached, and fail with it.
#[operation(risk = "change")]
pub(crate) fn tell_what_it_was_told(_args: NoArgs) -> Result<Value> {
    let target = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    match cluster::get(&target, &[]) {
        Ok(_) => Ok(json!("it was reached")),
        Err(error) => {
            info!(
                "told {:?} {} {:?} {:?}",
                error.kind(),
                error.message(),
                error.causes(),
                error.remedy()
            );
            Err(error.while_doing("looking for `settings`"))
        }
    }
}
