//! What a request carries so that the server knows who sends it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::access::{Access, Read};
use crate::error::NoCredentials;
use crate::identity::Identity;
use crate::plugin::{Given, Plugin};
use crate::url::UserInfo;

/// How long the token of a file is not looked at again: a minute, less the ten seconds by which client-go is early.
const TOKEN_FILE: Duration = Duration::from_secs(50);

/// A plugin that ran this recently is not run again when the server refuses what it gave, nor when it failed.
const JUST_NOW: Duration = Duration::from_secs(10);

/// Where credentials come from.
pub(crate) enum Credentials {
    /// Those of the connection, or none.
    None,
    Fixed(HeaderValue),
    File(TokenFile),
    Plugin(Box<FromPlugin>),
}

/// What one request carries.
#[derive(Clone, Default)]
pub(crate) struct Carried {
    pub(crate) header: Option<HeaderValue>,
    /// How often the plugin has run.
    run: u64,
    /// How often the certificate has changed, so that connections with an old one are not used any more.
    pub(crate) generation: u64,
}

impl Credentials {
    /// Returns what a request has to carry.
    pub(crate) async fn carried(&self) -> Result<Carried, Arc<NoCredentials>> {
        let header = match self {
            Credentials::None => None,
            Credentials::Fixed(header) => Some(header.clone()),
            Credentials::File(file) => Some(file.header(TOKEN_FILE)),
            Credentials::Plugin(plugin) => return plugin.carried().await,
        };
        Ok(Carried {
            header,
            ..Carried::default()
        })
    }

    /// Returns what to carry instead of what the server has refused; none when there is nothing else.
    pub(crate) async fn instead_of(&self, refused: &Carried) -> Option<Carried> {
        let other = match self {
            Credentials::None | Credentials::Fixed(_) => return None,
            Credentials::File(file) => Carried {
                header: Some(file.header(Duration::ZERO)),
                ..Carried::default()
            },
            Credentials::Plugin(plugin) => plugin.instead_of(refused).await?,
        };
        let differs = other.header != refused.header || other.generation != refused.generation;
        differs.then_some(other)
    }
}

/// A token in a file, which somebody else renews.
pub(crate) struct TokenFile {
    path: PathBuf,
    read: Read,
    learn: Learn,
    last: SyncMutex<(Instant, HeaderValue)>,
}

type Learn = Arc<dyn Fn(&str) + Send + Sync>;

impl TokenFile {
    /// `first` is what counts until the file is read again.
    pub(crate) fn new(path: PathBuf, access: &Access, first: HeaderValue) -> TokenFile {
        let last = SyncMutex::new((Instant::now(), first));
        TokenFile {
            path,
            read: access.read,
            learn: Arc::clone(&access.learn),
            last,
        }
    }

    /// Returns the token. One that cannot be read any more is still the last one.
    fn header(&self, fresh: Duration) -> HeaderValue {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.0.elapsed() >= fresh {
            last.0 = Instant::now();
            let text = (self.read)(&self.path).map(Zeroizing::new).ok();
            if let Some(header) = text.and_then(|text| token_in(&text)) {
                learn_header(&header, &*self.learn);
                last.1 = header;
            }
        }
        last.1.clone()
    }
}

/// Returns the header for the token in a file's text.
pub(crate) fn token_in(text: &[u8]) -> Option<HeaderValue> {
    let token = std::str::from_utf8(text).ok()?.trim();
    (!token.is_empty()).then(|| bearer(token)).flatten()
}

/// What a plugin gave last.
pub(crate) struct FromPlugin {
    plugin: Plugin,
    identity: Arc<Identity>,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    given: Option<(Instant, Given)>,
    failed: Option<(Instant, Arc<NoCredentials>)>,
    run: u64,
    generation: u64,
}

impl FromPlugin {
    pub(crate) fn new(plugin: Plugin, identity: Arc<Identity>) -> FromPlugin {
        FromPlugin {
            plugin,
            identity,
            last: Mutex::default(),
        }
    }

    /// The lock is held while the plugin runs: whoever needs credentials at the same time waits for the same run of it.
    async fn carried(&self) -> Result<Carried, Arc<NoCredentials>> {
        let mut last = self.last.lock().await;
        let expired = |given: &Given| given.until.is_some_and(|until| until < Timestamp::now());
        match &last.given {
            Some((_, given)) if !expired(given) => Ok(last.carried()),
            _ => self.renew(&mut last).await,
        }
    }

    async fn instead_of(&self, refused: &Carried) -> Option<Carried> {
        let mut last = self.last.lock().await;
        if last.run != refused.run {
            return Some(last.carried());
        }
        let recent = |(when, _): &(Instant, Given)| when.elapsed() < JUST_NOW;
        if last.given.as_ref().is_some_and(recent) {
            return None;
        }
        // What the server has said tells the person more than that there is nothing else.
        self.renew(&mut last).await.ok()
    }

    async fn renew(&self, last: &mut Last) -> Result<Carried, Arc<NoCredentials>> {
        if let Some((when, error)) = &last.failed
            && when.elapsed() < JUST_NOW
        {
            return Err(Arc::clone(error));
        }
        let given = match self.plugin.run().await {
            Ok(given) => given,
            Err(error) => {
                let error = Arc::new(error);
                last.failed = Some((Instant::now(), Arc::clone(&error)));
                return Err(error);
            }
        };
        let first = last.given.is_none();
        if self.identity.set(given.certificate.clone()) && !first {
            last.generation += 1;
        }
        last.given = Some((Instant::now(), given));
        last.run += 1;
        Ok(last.carried())
    }
}

impl Last {
    fn carried(&self) -> Carried {
        let header = self
            .given
            .as_ref()
            .and_then(|(_, given)| given.header.clone());
        Carried {
            header,
            run: self.run,
            generation: self.generation,
        }
    }
}

/// Returns the header for a token; none when the token has a character that no header can hold.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {token}"))
}

/// Returns the header for a name and a password.
pub(crate) fn basic(user: &UserInfo) -> Option<HeaderValue> {
    let text = Zeroizing::new(format!("{}:{}", *user.name, *user.password));
    sensitive(&format!("Basic {}", STANDARD.encode(text.as_bytes())))
}

/// Has what stands in a header behind `Bearer` or `Basic` learnt.
pub(crate) fn learn_header(header: &HeaderValue, learn: &(dyn Fn(&str) + Send + Sync)) {
    let text = std::str::from_utf8(header.as_bytes()).unwrap_or_default();
    if let Some((_scheme, secret)) = text.split_once(' ') {
        learn(secret);
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::from_str(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests;
