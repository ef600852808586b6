//! One kubeconfig file: its clusters, users and contexts, as
//! <https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/> describes them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::error::Unreadable;
use crate::field::{Data, Text};
use crate::yaml::{self, At};

mod read;

/// What a file says. Paths in it are relative to its own folder.
pub(crate) struct File {
    pub(crate) current_context: Text,
    pub(crate) clusters: Vec<Cluster>,
    pub(crate) users: Vec<User>,
    pub(crate) contexts: Vec<Context>,
    /// Every scalar of the file but names and addresses.
    pub(crate) secrets: Vec<Zeroizing<String>>,
}

pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) server: Text,
    pub(crate) tls_server_name: Text,
    pub(crate) insecure: bool,
    pub(crate) ca_file: Text,
    pub(crate) ca_data: Data,
    pub(crate) proxy_url: Text,
    pub(crate) disable_compression: bool,
    /// What is handed over to credential plugins.
    pub(crate) for_plugins: Option<serde_json::Value>,
}

#[derive(Default)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) certificate_file: Text,
    pub(crate) certificate_data: Data,
    pub(crate) key_file: Text,
    pub(crate) key_data: Data,
    pub(crate) token: Text,
    pub(crate) token_file: Text,
    pub(crate) username: Text,
    pub(crate) password: Text,
    pub(crate) impersonate: Text,
    pub(crate) impersonate_uid: Text,
    pub(crate) impersonate_groups: Vec<Text>,
    pub(crate) impersonate_extra: Vec<(String, Vec<Text>)>,
    pub(crate) provider: Option<Provider>,
    pub(crate) exec: Option<Exec>,
}

/// The file and the place of an entry.
#[derive(Clone, Default)]
pub(crate) struct Origin {
    pub(crate) file: Arc<PathBuf>,
    pub(crate) at: At,
}

/// A kind of login that kubectl had built in once.
pub(crate) struct Provider {
    pub(crate) name: Text,
    pub(crate) id_token: Text,
}

/// A credential plugin.
pub(crate) struct Exec {
    pub(crate) at: At,
    pub(crate) command: Text,
    pub(crate) args: Vec<Text>,
    pub(crate) env: Vec<(Text, Text)>,
    pub(crate) api_version: Text,
    pub(crate) install_hint: Text,
    pub(crate) interactive_mode: Text,
    pub(crate) provide_cluster_info: bool,
}

pub(crate) struct Context {
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) user: String,
    pub(crate) namespace: String,
}

impl Origin {
    /// Returns a path of the file as one that does not depend on where the process runs.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        self.file.parent().unwrap_or(Path::new("")).join(text)
    }
}

impl User {
    /// Returns whether it logs in with anything.
    pub(crate) fn has_credentials(&self) -> bool {
        let texts = [
            &self.token,
            &self.token_file,
            &self.password,
            &self.certificate_file,
        ];
        texts.iter().any(|text| !text.is_empty())
            || !self.certificate_data.is_empty()
            || self.provider.is_some()
            || self.exec.is_some()
    }
}

impl File {
    /// Reads a file's text.
    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<File, Unreadable> {
        let file = || path.display().to_string();
        let node = yaml::parse(bytes).map_err(|error| Unreadable::Yaml {
            file: file(),
            line: error.at.line,
            column: error.at.column,
            what: error.what,
        })?;
        read::file(&node, &Arc::new(path.to_owned())).map_err(|wrong| Unreadable::Field {
            file: file(),
            line: wrong.at.line,
            column: wrong.at.column,
            field: wrong.field,
            what: wrong.what,
        })
    }
}
