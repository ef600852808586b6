//! Guests that have something overwritten, and those that bring it back.

use std::time::Duration;

use agent_sdk::NoArgs;
use agent_sdk::operations::Call;
use agent_sdk::prelude::*;

/// How to go about it.
#[derive(Args)]
pub(crate) struct Overwriting {
    /// The operation that brings it back; none: nothing does
    compensation: Option<String>,
    /// How to end: `fail`, `settle`, `withdraw`, `forget`, `sleep`, `let-go`, `release`, `fill-record` or `fill-memory`
    #[arg(default = "fail")]
    end: String,
}

fn map(name: &str) -> ObjectRef {
    ObjectRef::new(kinds::CONFIG_MAP, "default", name)
}

fn set(name: &str, mode: &str) -> Change {
    Change::patch(&map(name), json!({"data": {"mode": mode}}))
}

/// Hold the settings, have the volume half overwritten, and end in one of several ways.
#[operation(risk = "change")]
pub(crate) fn overwrite(args: Overwriting) -> Result<Value> {
    let (settings, _) = cluster::hold(&[set("settings", "held")], &[])?;
    let call = args.compensation.map(|name| Call::new(&name, json!({})));
    let overwritten = operations::overwrite(&map("volume"), call.as_ref(), "mend it by hand")?;
    cluster::commit_one(set("volume", "half"), &[])?;
    info!("half");
    match args.end.as_str() {
        "settle" => overwritten.settle(),
        "withdraw" => {
            overwritten.withdraw();
            return Err(Error::internal("guests.failed", "it has not begun"));
        }
        "sleep" => run::sleep(Duration::from_secs(3_600))?,
        "let-go" => drop(settings),
        "release" => drop(settings.release()?),
        "forget" => {}
        "fill-record" => loop {
            cluster::get(&map("settings"), &["/data"])?;
        },
        "fill-memory" => {
            let mode = "x".repeat(300_000);
            for number in 0_u64.. {
                cluster::hold(&[set("large", &format!("{number}{mode}"))], &[])?;
            }
        }
        _ => return Err(Error::internal("guests.failed", "on purpose")),
    }
    Ok(json!("done"))
}

/// Only read, and have something overwritten.
#[operation(risk = "read")]
pub(crate) fn overwrite_while_reading(_args: NoArgs) -> Result<Value> {
    operations::overwrite(&map("volume"), None, "")?;
    Ok(json!("overwritten"))
}

/// Behave well: bring the volume back, as long as the settings are held.
#[operation(risk = "change")]
pub(crate) fn bring_back(_args: NoArgs) -> Result<Outcome> {
    let settings = cluster::get(&map("settings"), &["/data/mode"])?;
    if settings.text("/data/mode") != Some("held") {
        return Err(Error::conflict(
            "guests.too-late",
            "the settings are not held",
        ));
    }
    // One that undoes something has nothing of its own to be undone.
    operations::overwrite(&map("volume"), None, "")?;
    let (held, _) = cluster::hold(&[set("settings", "held"), set("volume", "whole")], &[])?;
    held.keep()?;
    Ok(Outcome::of(json!("whole"))?.summary("is whole again"))
}

/// Fail to bring the volume back.
#[operation(risk = "change")]
pub(crate) fn bring_back_badly(_args: NoArgs) -> Result<Value> {
    Err(Error::internal(
        "guests.failed",
        "it cannot be brought back",
    ))
}
