//! Guests that do what they are told, step by step, and go on whatever comes of it: those who try what others have tried before.

use std::time::Duration;

use agent_sdk::cluster::Propagation;
use agent_sdk::operations::Call;
use agent_sdk::prelude::*;

/// What to do.
#[derive(Args)]
pub(crate) struct Script {
    /// The steps, as JSON
    #[arg(positional)]
    steps: String,
}

/// Do what it is told.
#[operation(risk = "change")]
pub(crate) fn act(args: Script) -> Result<Value> {
    all(&args)
}

/// Do what it is told, with Secrets too.
#[operation(risk = "change")]
pub(crate) fn act_with_secrets(args: Script) -> Result<Value> {
    all(&args)
}

/// Do what it is told, and write Secrets that it may not read.
#[operation(risk = "change")]
pub(crate) fn act_blindly(args: Script) -> Result<Value> {
    all(&args)
}

/// Move a pod away, and say that it only disrupts.
#[operation(risk = "disrupt")]
pub(crate) fn evict(args: Script) -> Result<Value> {
    all(&args)
}

/// Look what would come of what it is told.
#[operation(risk = "read")]
pub(crate) fn look_ahead(args: Script) -> Result<Value> {
    all(&args)
}

/// Do what it is told, with rights to single fields and objects.
#[operation(risk = "change")]
pub(crate) fn act_within(args: Script) -> Result<Value> {
    all(&args)
}

/// Ask, and do what it is told.
#[operation(risk = "destroy")]
pub(crate) fn act_when_asked(args: Script) -> Result<Value> {
    run::confirm("do it?", &[])?;
    all(&args)
}

fn all(args: &Script) -> Result<Value> {
    let steps: Value = agent_sdk::serde_json::from_str(&args.steps)
        .map_err(|error| Error::invalid("guests.script", error.to_string()))?;
    let mut said = Vec::new();
    for step in steps.as_array().into_iter().flatten() {
        said.push(match one(step) {
            Ok(value) => value,
            Err(error) if step["must"] == true => return Err(error),
            Err(error) => json!(error.code()),
        });
    }
    Ok(json!(said))
}

fn one(step: &Value) -> Result<Value> {
    let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
    // A guest lives as long as its process.
    let of = ObjectType::new(text("of").leak());
    let target = ObjectRef::new(of, "default", &text("name"));
    let body = match run::planning() && !step["planned"].is_null() {
        true => step["planned"].clone(),
        false => step["body"].clone(),
    };
    let change = match text("do").as_str() {
        "patch" => Change::patch(&target, body),
        "signal" => Change::signal(&target, body),
        "create" => Change::create(of, body),
        "apply" => match step["manager"].as_str() {
            Some(manager) => Change::apply(of, body).as_manager(manager),
            None => Change::apply_forced(of, body),
        },
        "delete" => Change::delete(&target),
        "delete-by-uid" => {
            let uid = cluster::get(&target, &["/metadata/uid"])?.uid().to_owned();
            Change::delete_with(&target, Some(&uid), Propagation::Background)
        }
        "evict" => Change::evict("default", &text("name")),
        "write" => {
            let written = cluster::commit_one(Change::patch(&target, body), &[])?;
            return Ok(json!(written.changed));
        }
        "hold" => {
            let (held, _) = cluster::hold(&[Change::patch(&target, body)], &[])?;
            return Ok(json!(held.changed()));
        }
        "stand-in" => {
            run::placeholder(&text("name"), body.as_str().unwrap_or_default());
            return Ok(json!("said"));
        }
        "list" => {
            let names = step["names"].as_array().into_iter().flatten();
            let query = Query::all(of).namespace("default");
            let query = query.names(names.filter_map(Value::as_str));
            let found = cluster::list(&query, &["/metadata/name"])?;
            return Ok(found.iter().map(Object::name).collect());
        }
        "read" => return Ok(cluster::get(&target, &[])?.0),
        "overwrite" => {
            let (operation, by_hand) = (body["operation"].as_str(), body["by-hand"].as_str());
            let call = operation.map(|name| Call::new(name, body["arguments"].clone()));
            let by_hand = by_hand.unwrap_or("mend it by hand");
            std::mem::forget(operations::overwrite(&target, call.as_ref(), by_hand)?);
            return Ok(json!("announced"));
        }
        "say" => {
            info!("{}", body.as_str().unwrap_or_default());
            return Ok(body);
        }
        "fail" => return Err(Error::internal(&text("code"), text("message"))),
        "sleep" => {
            run::sleep(Duration::from_secs(3_600))?;
            return Ok(json!("slept"));
        }
        _ => return Err(Error::invalid("guests.script", "no such step")),
    };
    if step["rehearsed"] == true {
        let mut rehearsed = cluster::rehearse(&[change], &[]);
        let rehearsed = rehearsed.pop().unwrap_or_else(|| Ok(Written::default()))?;
        return Ok(json!([rehearsed.object.0, rehearsed.changed]));
    }
    cluster::commit_one(change, &[])?;
    Ok(json!("done"))
}
