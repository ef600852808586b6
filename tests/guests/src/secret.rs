//! Guests that read a Secret, and repeat what is in it wherever they can.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::time::Duration;

use agent_sdk::NoArgs;
use agent_sdk::cluster::WatchEvent;
use agent_sdk::operations::Call;
use agent_sdk::prelude::*;

const SECRET: ObjectType = ObjectType::new("secrets.v1");

/// Behave well: watch ConfigMaps and Secrets, and change something that depends on both.
#[operation(risk = "change")]
pub(crate) fn watch_map_and_secret(_args: NoArgs) -> Result<Value> {
    watch([kinds::CONFIG_MAP, SECRET])
}

/// Behave well: the same, with the Secrets first.
#[operation(risk = "change")]
pub(crate) fn watch_secret_and_map(_args: NoArgs) -> Result<Value> {
    watch([SECRET, kinds::CONFIG_MAP])
}

fn watch(types: [ObjectType; 2]) -> Result<Value> {
    let queries = types.map(|of| Query::all(of).namespace("default"));
    let watcher = cluster::watch(&queries, &["/data"])?;
    let (mut synced, mut password, mut maps) = (0, String::new(), BTreeSet::new());
    while synced < 2 {
        for event in watcher.next(Duration::from_secs(10))? {
            match event {
                WatchEvent::Synced(_) => synced += 1,
                WatchEvent::Applied(_, object) if object.text("/data/password").is_some() => {
                    password = object.text("/data/password").unwrap_or_default().to_owned();
                }
                WatchEvent::Applied(_, map) => {
                    maps.insert(map.uid().to_owned());
                }
                WatchEvent::Removed(..) | WatchEvent::Failed(..) => {}
            }
        }
    }
    let length = password.len();
    let settings = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    let change = Change::patch(
        &settings,
        json!({ "data": { "length": length.to_string() } }),
    );
    cluster::commit_one(change, &["/data/length"])?;
    Ok(json!({ "length": length, "maps": maps.len() }))
}

/// What the Secret holds: as it is there, and decoded.
fn password() -> Result<[String; 2]> {
    let target = ObjectRef::new(SECRET, "default", "login");
    let secret = cluster::get(&target, &["/data"])?;
    let encoded = secret.text("/data/password").unwrap_or_default();
    // What is in it, as the test that makes it knows: this crate decodes no base64.
    let decoded = secret.text("/data/hint").map(|_| "correct-horse-battery");
    Ok([encoded.to_owned(), decoded.unwrap_or_default().to_owned()])
}

/// Reads what a secret selects.
fn select_by(settings: &ObjectRef, secret: &str) -> Result<()> {
    let all = Query::all(kinds::CONFIG_MAP).namespace("default");
    let by_label = all.clone().labels(&format!("token in ({secret},none)"));
    cluster::list(&by_label, &["/metadata/labels"])?;
    cluster::list(&all.named(secret), &[&format!("/data/{secret}")])?;
    cluster::get(settings, &[&format!("/data/{secret}")])?;
    Ok(())
}

fn leak([encoded, decoded]: [String; 2]) -> Result<String> {
    let both = format!("{encoded} and {decoded}");
    let settings = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    select_by(&settings, &encoded)?;
    info!("the password is {both}");
    // Nobody cares whether it arrives.
    drop(writeln!(std::io::stdout(), "printed {both}"));
    let step = Step::new(format!("Use {both}"));
    step.note(format!("noted {both}"));
    step.done(format!("done {both}"));
    Step::new("Skip").skip(format!("skipped {both}"));
    run::confirm(&format!("use {both}?"), &[(&both, both.clone())])?;
    run::placeholder("password", &decoded);
    let change = |key: &str| Change::patch(&settings, json!({ "data": { key: both } }));
    cluster::commit_one(change("login"), &["/data"])?;
    cluster::hold(&[change("mode")], &["/data"])?;
    // Told once more by an object that is no Secret.
    cluster::get(&settings, &["/data"])?;
    Ok(both)
}

/// Repeat a secret in every way, and return it.
#[operation(risk = "change")]
pub(crate) fn leak_and_return(_args: NoArgs) -> Result<Value> {
    let both = leak(password()?)?;
    Ok(json!({ "password": both, &both: [both] }))
}

/// Print a secret at every place of a line that is cut, and panic with it.
#[operation(risk = "change")]
pub(crate) fn leak_at_length(_args: NoArgs) -> Result<Value> {
    /// A line is cut here.
    const CUT: usize = 4096;
    let [_, decoded] = password()?;
    let filled = |filler: usize| "-".repeat(CUT - filler) + &decoded;
    for filler in 0..=decoded.len() {
        drop(writeln!(std::io::stdout(), "{}", filled(filler)));
    }
    panic!("{}", filled(decoded.len() / 2));
}

/// Read what repeats a secret, and the secret itself at the end.
#[operation(risk = "change")]
pub(crate) fn read_secret_last(_args: NoArgs) -> Result<Value> {
    let settings = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    // As the test knows it that makes it.
    select_by(&settings, "correct-horse-battery")?;
    cluster::get(&settings, &["/data"])?;
    let [encoded, _] = password()?;
    let change = json!({ "data": { "length": encoded.len().to_string() } });
    cluster::commit_one(Change::patch(&settings, change), &[])?;
    Ok(json!("read"))
}

/// Repeat a secret in every way, and fail with it.
#[operation(risk = "change")]
pub(crate) fn leak_and_fail(_args: NoArgs) -> Result<Value> {
    let both = leak(password()?)?;
    let error = Error::conflict("guests.leaked", format!("failed with {both}"));
    Err(error.hint(format!("try {both}")).cause(both))
}

#[derive(Args)]
pub(crate) struct Login {
    /// What it is for
    #[arg(positional)]
    what: String,
    /// The token to log in with
    #[arg(secret)]
    token: String,
    /// A second token
    #[arg(secret)]
    other: Option<String>,
}

/// Repeat secret arguments in every way, and return them.
#[operation(risk = "change")]
pub(crate) fn leak_argument(args: Login) -> Result<Value> {
    let length = args.token.len();
    let both = leak([args.token, args.other.unwrap_or_default()])?;
    Ok(json!({ "what": args.what, "length": length, "both": both }))
}

/// Hand a secret on that is one for the callee only.
#[operation(risk = "change")]
pub(crate) fn hand_on(_args: NoArgs) -> Result<Value> {
    let token = ["correct", "horse", "battery"].join("-");
    let arguments = json!({ "what": "handed on", "token": token });
    let returned = operations::call(&[Call::new("guests.leak-argument", arguments)]).remove(0)?;
    info!("handed on: {token}");
    Ok(json!({ "returned": returned.value, "token": token }))
}
