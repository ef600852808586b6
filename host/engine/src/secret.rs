//! Secret arguments that are given a second time: by whoever applies a plan or resumes a run, since no value is on record.

use std::collections::BTreeMap;

use agent_capability::hash_of_secret;
use agent_core::failure::{Failure, Kind};
use agent_core::hint;
use agent_core::hint::Remedy;
use agent_core::secret::Secrets;

use crate::runtime::Runtime;

/// How many bytes a secret has at least: shorter ones stand in every other word, and could not be masked.
const SHORTEST: usize = 4;

/// Returns the keyed hashes of secrets, by their names. The key stays in the journal, so a hash says nothing to anybody else.
///
/// # Errors
/// `invalid` (`secrets.too-short`); when the system has no random numbers. None where there are no secrets.
pub(crate) fn hashes(
    runtime: &Runtime,
    secrets: &Secrets,
) -> Result<BTreeMap<String, String>, Failure> {
    if secrets.is_empty() {
        return Ok(BTreeMap::new());
    }
    let short = |(_, value): &(&str, &str)| value.trim().len() < SHORTEST;
    if let Some((name, _)) = secrets.iter().find(short) {
        let message =
            format!("the secret `{name}` has fewer than {SHORTEST} bytes, so nobody could mask it");
        return Err(Failure::new(Kind::Invalid, "secrets.too-short", message));
    }
    let key = runtime.plan_key()?;
    let hashed = secrets
        .iter()
        .map(|(name, value)| (name.to_owned(), hash_of_secret(&key, name, value)));
    Ok(hashed.collect())
}

/// Checks that all secrets are given again, and with the values of then. `again` is the command that gives them.
///
/// # Errors
/// `invalid` (`secrets.missing`, `secrets.changed`, `secrets.unknown`).
pub(crate) fn are_the_same(
    runtime: &Runtime,
    then: &BTreeMap<String, String>,
    now: &Secrets,
    again: &Remedy,
) -> Result<(), Failure> {
    let refuse = |code: &str, name: &str, message: String| {
        let option = hint!(
            " --secret {}=@FILE, where FILE holds the value; @- is standard input",
            name
        );
        Failure::new(Kind::Invalid, code, message).hinted(again.clone().and("", &option))
    };
    if let Some((name, _)) = now.iter().find(|(name, _)| !then.contains_key(*name)) {
        let message = format!("`{name}` is no secret that was given in the beginning");
        return Err(Failure::new(Kind::Invalid, "secrets.unknown", message).hinted(again.clone()));
    }
    if then.is_empty() {
        return Ok(());
    }
    let key = runtime.journal()?.key()?;
    for (name, before) in then {
        let Some(value) = now.get(name) else {
            let message = format!("the secret `{name}` is not on record, and must be given again");
            return Err(refuse("secrets.missing", name, message));
        };
        if hash_of_secret(&key, name, value) != *before {
            let message = format!("the secret `{name}` is another one than in the beginning");
            return Err(refuse("secrets.changed", name, message));
        }
    }
    Ok(())
}
