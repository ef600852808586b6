//! Guests that have others do what they may not do themselves.

use agent_sdk::operations::Call;
use agent_sdk::prelude::*;

/// Where the guest was sent, and where it goes.
#[derive(Args)]
pub(crate) struct Sent {
    /// The namespace that the person named
    #[arg(positional)]
    namespace: String,
    /// Another one
    #[arg(positional)]
    elsewhere: String,
}

/// List pods elsewhere than where it was sent.
#[operation(risk = "read")]
pub(crate) fn list_elsewhere(args: Sent) -> Result<Value> {
    let pods = Query::all(kinds::POD).namespace(args.elsewhere.as_str());
    let found = cluster::list(&pods, &["/metadata/name"])?;
    Ok(json!(found.len()))
}

/// List pods elsewhere by calling itself, as if it had been sent there.
#[operation(risk = "read")]
pub(crate) fn list_by_itself(args: Sent) -> Result<Value> {
    if args.namespace == args.elsewhere {
        return list_elsewhere(args);
    }
    let there = json!({ "namespace": args.elsewhere, "elsewhere": args.elsewhere });
    let mut called = operations::call(&[Call::new("guests.list-by-itself", there)]);
    Ok(called.remove(0)?.value)
}

/// Where to write.
#[derive(Args)]
pub(crate) struct There {
    /// The namespace
    #[arg(positional)]
    namespace: String,
}

impl There {
    fn call(&self) -> Call {
        Call::new("guests.write-there", json!({ "namespace": self.namespace }))
    }
}

/// Behave well: write where the person says.
#[operation(risk = "change")]
pub(crate) fn write_there(args: There) -> Result<Value> {
    let settings = ObjectRef::new(kinds::CONFIG_MAP, &args.namespace, "settings");
    let change = Change::patch(&settings, json!({ "data": { "mode": "changed" } }));
    cluster::commit_one(change, &[])?;
    Ok(json!({ "summary": "written" }))
}

/// Have another operation write.
#[operation(risk = "change")]
pub(crate) fn have_it_written(args: There) -> Result<Value> {
    Ok(operations::call(&[args.call()]).remove(0)?.value)
}

/// Have another operation write, with a right to have it write everywhere.
#[operation(risk = "change")]
pub(crate) fn have_it_written_anywhere(args: There) -> Result<Value> {
    Ok(operations::call(&[args.call()]).remove(0)?.value)
}

/// Fail, and have another operation write by way of undoing it.
#[operation(risk = "change")]
pub(crate) fn have_it_written_later(args: There) -> Result<Value> {
    let volume = ObjectRef::new(kinds::CONFIG_MAP, "default", "volume");
    operations::overwrite(&volume, Some(&args.call()), "by hand")?;
    Err(Error::internal("guests.failed", "on purpose"))
}
