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
