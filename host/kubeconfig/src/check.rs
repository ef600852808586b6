//! What an entry contradicts itself in, as client-go's `clientcmd` judges it before anything is sent.

use std::io;

use crate::access::Read;
use crate::error::{Place, Unusable};
use crate::file::{Cluster, Exec, Origin, User};
use crate::yaml::At;

/// The versions of the protocol that are spoken.
const PROTOCOLS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

impl Cluster {
    /// Makes the error of a field.
    pub(crate) fn wrong(&self, at: At, what: impl Into<String>) -> Unusable {
        wrong("cluster", &self.name, &self.origin, at, what.into())
    }

    /// Makes the error of a file that a field names.
    pub(crate) fn behind(&self, at: At, field: &str, source: io::Error) -> Unusable {
        behind("cluster", &self.name, &self.origin, at, field, source)
    }
}

impl User {
    /// Makes the error of a field.
    pub(crate) fn wrong(&self, at: At, what: impl Into<String>) -> Unusable {
        wrong("user", &self.name, &self.origin, at, what.into())
    }

    /// Makes the error of a file that a field names.
    pub(crate) fn behind(&self, at: At, field: &str, source: io::Error) -> Unusable {
        behind("user", &self.name, &self.origin, at, field, source)
    }
}

fn wrong(kind: &str, name: &str, origin: &Origin, at: At, what: String) -> Unusable {
    Unusable::Entry {
        place: place(kind, name, origin, at),
        what,
    }
}

fn behind(
    kind: &str,
    name: &str,
    origin: &Origin,
    at: At,
    field: &str,
    source: io::Error,
) -> Unusable {
    Unusable::Behind {
        place: place(kind, name, origin, at),
        what: format!("`{field}` names a file that cannot be read"),
        source,
    }
}

fn place(kind: &str, name: &str, origin: &Origin, at: At) -> Place {
    Place {
        entry: format!("{kind} `{name}`"),
        file: origin.file.display().to_string(),
        // A field that is not there has no place; its entry has.
        line: if at.line == 0 {
            origin.at.line
        } else {
            at.line
        },
    }
}

/// Checks a cluster.
pub(crate) fn cluster(cluster: &Cluster, read: Read) -> Result<(), Unusable> {
    if cluster.server.is_empty() {
        return Err(cluster.wrong(cluster.server.at, "it has no `server`"));
    }
    if cluster.ca_file.is_empty() {
        return Ok(());
    }
    if !cluster.ca_data.is_empty() {
        let what = "`certificate-authority` and `certificate-authority-data` exclude each other";
        return Err(cluster.wrong(cluster.ca_file.at, what));
    }
    match read(&cluster.origin.path(&cluster.ca_file)) {
        Ok(_) => Ok(()),
        Err(error) => Err(cluster.behind(cluster.ca_file.at, "certificate-authority", error)),
    }
}

/// Checks a user.
pub(crate) fn user(user: &User, read: Read) -> Result<(), Unusable> {
    let has_login = !user.username.is_empty() || !user.password.is_empty();
    if has_login && !user.token.is_empty() {
        let what = "`token` and `username` with `password` exclude each other";
        return Err(user.wrong(user.token.at, what));
    }
    if has_login && !user.token_file.is_empty() {
        let what = "`tokenFile` and `username` with `password` exclude each other";
        return Err(user.wrong(user.token_file.at, what));
    }
    let more = !user.impersonate_uid.is_empty()
        || !user.impersonate_groups.is_empty()
        || !user.impersonate_extra.is_empty();
    if more && user.impersonate.is_empty() {
        let what = "`as-uid`, `as-groups` and `as-user-extra` need `as`";
        return Err(user.wrong(user.impersonate.at, what));
    }
    certificate(user, read)?;
    match &user.exec {
        Some(exec) => plugin(user, exec),
        None => Ok(()),
    }
}

fn certificate(user: &User, read: Read) -> Result<(), Unusable> {
    let (chain, key) = (&user.certificate_file, &user.key_file);
    if chain.is_empty() && user.certificate_data.is_empty() {
        return Ok(());
    }
    let excluded = "and its `-data` exclude each other";
    if !chain.is_empty() && !user.certificate_data.is_empty() {
        return Err(user.wrong(chain.at, format!("`client-certificate` {excluded}")));
    }
    if !key.is_empty() && !user.key_data.is_empty() {
        return Err(user.wrong(key.at, format!("`client-key` {excluded}")));
    }
    if key.is_empty() && user.key_data.is_empty() {
        return Err(user.wrong(key.at, "it has a client certificate and no `client-key`"));
    }
    for (field, file) in [("client-certificate", chain), ("client-key", key)] {
        if !file.is_empty() {
            read(&user.origin.path(file)).map_err(|error| user.behind(file.at, field, error))?;
        }
    }
    Ok(())
}

fn plugin(user: &User, exec: &Exec) -> Result<(), Unusable> {
    let wrong = |at: At, what: &str| Err(user.wrong(if at.line == 0 { exec.at } else { at }, what));
    if user.provider.is_some() {
        return wrong(exec.at, "`exec` and `auth-provider` exclude each other");
    }
    if exec.command.is_empty() {
        return wrong(exec.command.at, "`exec` has no `command`");
    }
    if exec.env.iter().any(|(name, _)| name.is_empty()) {
        return wrong(exec.at, "`exec` has an `env` without a name");
    }
    if !PROTOCOLS.contains(&exec.api_version.as_str()) {
        let what =
            "`apiVersion` of `exec` must be `client.authentication.k8s.io/v1` or `…/v1beta1`";
        return wrong(exec.api_version.at, what);
    }
    match exec.interactive_mode.as_str() {
        "Never" | "IfAvailable" | "Always" => Ok(()),
        "" if exec.api_version.as_str() == PROTOCOLS[1] => Ok(()),
        _ => wrong(
            exec.interactive_mode.at,
            "`interactiveMode` of `exec` must be `Never`, `IfAvailable` or `Always`",
        ),
    }
}
