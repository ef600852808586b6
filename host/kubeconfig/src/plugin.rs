//! Credential plugins: programs that print credentials
//! (<https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>).

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use jiff::Timestamp;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::access::{Access, Ended, Program};
use crate::credentials::bearer;
use crate::error::NoCredentials;
use crate::{identity, yaml};

use held::Held;
pub(crate) use mask::Mask;

mod held;
mod mask;

/// How long what a plugin says is held back, in case it prints in a moment what must not be seen.
const HOLD: Duration = Duration::from_millis(400);

/// How long a plugin may take when nobody is there to end it, and when a person may be logging in somewhere else.
const ALONE: Duration = Duration::from_secs(60);
const ATTENDED: Duration = Duration::from_secs(600);

/// When a plugin may ask the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Never,
    IfAvailable,
    Always,
}

/// How the credentials of a user are got.
pub(crate) struct Plugin {
    pub(crate) user: String,
    /// As it stands in the file.
    pub(crate) command: String,
    pub(crate) path: PathBuf,
    pub(crate) arguments: Vec<Zeroizing<String>>,
    pub(crate) environment: Vec<(String, Zeroizing<String>)>,
    pub(crate) api_version: String,
    pub(crate) mode: Mode,
    pub(crate) install_hint: String,
    /// What it is told of the cluster.
    pub(crate) cluster: Option<Value>,
    pub(crate) access: Access,
    pub(crate) mask: Mask,
    pub(crate) crypto: Arc<CryptoProvider>,
}

/// What a plugin gave.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) header: Option<HeaderValue>,
    pub(crate) certificate: Option<Arc<CertifiedKey>>,
    /// Without one they are good as long as the server takes them.
    pub(crate) until: Option<Timestamp>,
}

impl Plugin {
    /// Runs it, once. What it says to the person is shown without anything that is secret.
    pub(crate) async fn run(&self) -> Result<Given, NoCredentials> {
        if self.mode == Mode::Always && !self.access.interactive {
            let (command, user) = self.names();
            return Err(NoCredentials::NoTerminal { command, user });
        }
        let held = Arc::new(Mutex::new(Held::default()));
        let lock = || held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = (self.access.run)(self.program(&held));
        let patience = if self.access.interactive {
            ATTENDED
        } else {
            ALONE
        };
        let mut patience_ends = pin!(tokio::time::sleep(patience));
        let ended = loop {
            tokio::select! {
                ended = &mut running => break ended,
                () = &mut patience_ends => {
                    let rest = lock().rest();
                    self.show(&rest, &self.mask);
                    return Err(self.failed(format!("did not end within {} s", patience.as_secs())));
                }
                // Where nobody can answer nothing has to be seen before the end, when it is known what must not be.
                () = tokio::time::sleep(HOLD), if self.access.interactive => {
                    let due = lock().due();
                    self.show(&due, &self.mask);
                }
            }
        };
        let mut mask = self.mask.clone();
        if let Ok(ended) = &ended {
            mask.add_output(&ended.stdout);
            self.learn(&ended.stdout);
        }
        let rest = lock().rest();
        self.show(&rest, &mask);
        self.judge(ended.map_err(|error| self.not_started(error))?)
    }

    fn program(&self, held: &Arc<Mutex<Held>>) -> Program {
        let held = Arc::clone(held);
        let mut environment = self.environment.clone();
        environment.push((
            "KUBERNETES_EXEC_INFO".to_owned(),
            Zeroizing::new(self.info()),
        ));
        Program {
            command: self.path.clone(),
            arguments: self.arguments.clone(),
            environment,
            interactive: self.is_interactive(),
            stderr: Box::new(move |bytes| {
                held.lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(bytes);
            }),
        }
    }

    fn is_interactive(&self) -> bool {
        self.mode != Mode::Never && self.access.interactive
    }

    /// Returns what it is told, as JSON.
    fn info(&self) -> String {
        let mut spec = json!({ "interactive": self.is_interactive() });
        if let Some(cluster) = &self.cluster {
            spec["cluster"] = cluster.clone();
        }
        json!({ "kind": "ExecCredential", "apiVersion": self.api_version, "spec": spec })
            .to_string()
    }

    /// Has learnt what is secret in what it printed, also when it cannot be used.
    fn learn(&self, stdout: &[u8]) {
        let credential: Value = match serde_json::from_slice(stdout) {
            Ok(json) => json,
            Err(_) => yaml::parse(stdout).map_or(Value::Null, |node| node.json()),
        };
        for field in ["token", "clientKeyData"] {
            if let Some(secret) = credential["status"][field].as_str() {
                (self.access.learn)(secret);
            }
        }
    }

    fn show(&self, text: &[u8], mask: &Mask) {
        let text = mask.of(&String::from_utf8_lossy(text));
        if !text.is_empty() {
            (self.access.show)(&text);
        }
    }

    fn names(&self) -> (String, String) {
        (self.command.clone(), self.user.clone())
    }

    fn not_started(&self, source: io::Error) -> NoCredentials {
        if source.kind() == io::ErrorKind::FileTooLarge {
            return self.failed("printed more than credentials can be".to_owned());
        }
        let (command, user) = self.names();
        if source.kind() != io::ErrorKind::NotFound {
            return NoCredentials::Start {
                command,
                user,
                source,
            };
        }
        if !self.install_hint.is_empty() {
            self.show(
                format!("{}\n", self.install_hint.trim_end()).as_bytes(),
                &self.mask,
            );
        }
        NoCredentials::Missing { command, user }
    }

    fn failed(&self, how: String) -> NoCredentials {
        let (command, user) = self.names();
        NoCredentials::Failed { command, user, how }
    }

    fn judge(&self, ended: Ended) -> Result<Given, NoCredentials> {
        match ended.code {
            Some(0) => self.given(&ended.stdout).map_err(|what| {
                let (command, user) = self.names();
                NoCredentials::Nonsense {
                    command,
                    user,
                    what,
                }
            }),
            Some(code) => Err(self.failed(format!("failed with exit code {code}"))),
            None => Err(self.failed("was ended by a signal".to_owned())),
        }
    }

    fn given(&self, stdout: &[u8]) -> Result<Given, &'static str> {
        let credential: Value = match serde_json::from_slice(stdout) {
            Ok(json) => json,
            Err(_) if stdout.trim_ascii_start().starts_with(b"{") => return Err("is not JSON"),
            Err(_) => yaml::parse(stdout)
                .map_err(|_| "is neither JSON nor YAML")?
                .json(),
        };
        if credential["kind"] != "ExecCredential" {
            return Err("is not of `kind: ExecCredential`");
        }
        if credential["apiVersion"] != self.api_version.as_str() {
            return Err("is of another `apiVersion` than the kubeconfig wants from it");
        }
        let status = &credential["status"];
        if !status.is_object() {
            return Err("has no `status`");
        }
        let text = |field: &str| match &status[field] {
            Value::Null => Ok(""),
            Value::String(text) => Ok(text.as_str()),
            _ => Err("has a field in `status` that is not a text"),
        };
        let token = text("token")?;
        let (chain, key) = (text("clientCertificateData")?, text("clientKeyData")?);
        let certificate = match (chain, key) {
            ("", "") if token.is_empty() => {
                return Err("has neither a token nor a certificate with its key");
            }
            ("", "") => None,
            ("", _) | (_, "") => {
                return Err("has a certificate without its key, or a key without its certificate");
            }
            (chain, key) => Some(
                identity::certified(chain.as_bytes(), key.as_bytes(), &self.crypto)
                    .map_err(|_| "has a certificate and a key that cannot be used")?,
            ),
        };
        let until = match text("expirationTimestamp")? {
            "" => None,
            time => Some(
                time.parse()
                    .map_err(|_| "has an `expirationTimestamp` that is not a time")?,
            ),
        };
        let header = match token {
            "" => None,
            token => Some(
                bearer(token)
                    .ok_or("has a token with a line break or another control character in it")?,
            ),
        };
        Ok(Given {
            header,
            certificate,
            until,
        })
    }
}

#[cfg(test)]
mod tests;
