//! Guests that wait, well or badly.

use std::io::Write as _;
use std::time::Duration;

use agent_sdk::NoArgs;
use agent_sdk::cluster::WatchEvent;
use agent_sdk::prelude::*;

/// Behave well: wait a thousand times for a moment.
#[operation(risk = "read")]
pub(crate) fn patient(_args: NoArgs) -> Result<Value> {
    for _ in 0..100 {
        run::sleep(Duration::from_millis(12))?;
    }
    Ok(json!("waited"))
}

/// Wait in the host's way for ever.
#[operation(risk = "read")]
pub(crate) fn sleep_forever(_args: NoArgs) -> Result<Value> {
    info!("begun");
    run::sleep(Duration::from_secs(u64::MAX / 1_000_000))?;
    Ok(json!("slept"))
}

/// Wait by the standard library, which hears no cancel.
#[operation(risk = "read")]
pub(crate) fn sleep_deaf(_args: NoArgs) -> Result<Value> {
    info!("begun");
    std::thread::sleep(Duration::from_secs(100 * 24 * 60 * 60));
    Ok(json!("slept"))
}

/// Go on whatever the host says.
#[operation(risk = "read")]
pub(crate) fn ignore_cancel(_args: NoArgs) -> Result<Value> {
    info!("begun");
    loop {
        if let Err(error) = run::sleep(Duration::from_secs(3600)) {
            info!("ignored: {}", error.message());
        }
    }
}

/// Say too much, and then hear nothing.
#[operation(risk = "read")]
pub(crate) fn flood_and_sleep(_args: NoArgs) -> Result<Value> {
    info!("begun");
    for line in 0..2_000 {
        info!("line {line:06} {}", "x".repeat(100));
    }
    let unfinished = "y".repeat(200);
    drop(std::io::stdout().write_all(unfinished.as_bytes()));
    drop(std::io::stdout().flush());
    std::thread::sleep(Duration::from_secs(100 * 24 * 60 * 60));
    Ok(json!("slept"))
}

/// Behave well: watch what is there beside what is not.
#[operation(risk = "read")]
pub(crate) fn watch_what_is_not_there(_args: NoArgs) -> Result<Value> {
    let types = [
        ObjectType::new("plumbuses.v1.example.org"),
        kinds::CONFIG_MAP,
    ];
    let queries = types.map(|of| Query::all(of).namespace("default"));
    let watcher = cluster::watch(&queries, &["/data"])?;
    let (mut failed, mut seen) = (Value::Null, 0);
    for _ in 0..10 {
        for event in watcher.next_of_each(Duration::from_secs(1))? {
            match event {
                WatchEvent::Failed(query, error) => {
                    failed = json!({"query": query, "code": error.code(), "kind": format!("{:?}", error.kind())});
                }
                WatchEvent::Applied(1, _) => seen += 1,
                WatchEvent::Synced(1) if !failed.is_null() => {
                    return Ok(json!({"failed": failed, "seen": seen}));
                }
                _ => {}
            }
        }
        if !failed.is_null() && seen > 0 {
            break;
        }
    }
    Ok(json!({"failed": failed, "seen": seen}))
}

/// Open watchers until there are no more.
#[operation(risk = "read")]
pub(crate) fn watch_too_much(_args: NoArgs) -> Result<Value> {
    let query = [Query::all(kinds::CONFIG_MAP).namespace("default")];
    let mut open = Vec::new();
    loop {
        match cluster::watch(&query, &["/data"]) {
            Ok(watcher) => open.push(watcher),
            Err(error) => return Ok(json!({ "open": open.len(), "code": error.code() })),
        }
    }
}
