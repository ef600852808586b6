//! The table. Words in braces stand for ports of doors and proxies, and for papers: see `Stage::of` and `Papers::word`.

mod exec;
mod file;
mod proxied;
mod server;
mod trust;
mod user;

/// A kubeconfig, and what comes of it.
pub(super) struct Row {
    pub(super) name: &'static str,
    /// The fields of the cluster and of the user, as YAML.
    pub(super) cluster: &'static str,
    pub(super) user: &'static str,
    /// Changes of the whole text.
    pub(super) changes: &'static [(&'static str, &'static str)],
    pub(super) environment: &'static [(&'static str, &'static str)],
    pub(super) files: &'static [(&'static str, &'static str)],
    pub(super) encoding: Encoding,
    /// What our sentence holds; nothing when the server is reached.
    pub(super) says: &'static str,
    /// Why kubectl does otherwise; nothing when it does the same.
    pub(super) apart: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Marked,
    Utf16,
    Windows,
}

const TLS: &str = "server: 'https://127.0.0.1:{port}', certificate-authority-data: {ca}";
const NAMED: &str = "server: 'https://cluster.test:{port}', certificate-authority-data: {ca}";
const PLAIN: &str = "server: 'http://127.0.0.1:{plain}'";
const WITHOUT_P521: &str = "ring, which does our cryptography, has no P-521; aws-lc-rs has, and takes 20 ms to start, more than a whole cold run";
const TOKEN: &str = "token: good";
const BASE: &str = "apiVersion: v1
kind: Config
current-context: home
clusters:
- name: home
  cluster: { CLUSTER }
contexts:
- name: home
  context: {cluster: home, user: me}
users:
- name: me
  user: { USER }
";

impl Row {
    pub(super) fn config(&self) -> String {
        let text = BASE
            .replace("CLUSTER", self.cluster)
            .replace("USER", self.user);
        self.changes.iter().fold(text, |text, (from, to)| {
            assert!(text.contains(from), "{}: `{from}` is not there", self.name);
            text.replace(from, to)
        })
    }

    pub(super) fn encoded(&self, text: &str) -> Vec<u8> {
        match self.encoding {
            Encoding::Utf8 => text.into(),
            Encoding::Marked => format!("\u{feff}{text}").into(),
            Encoding::Windows => text.replace('\n', "\r\n").into(),
            Encoding::Utf16 => format!("\u{feff}{text}")
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        }
    }

    /// Everything in which a word in braces may stand.
    pub(super) fn all_text(&self) -> String {
        let pairs = self.environment.iter().chain(self.files);
        let texts = pairs
            .map(|(_, text)| *text)
            .chain([self.cluster, self.user]);
        let changed = self.changes.iter().map(|(_, to)| *to);
        texts.chain(changed).collect()
    }

    const fn change(mut self, changes: &'static [(&'static str, &'static str)]) -> Row {
        self.changes = changes;
        self
    }

    const fn with(mut self, environment: &'static [(&'static str, &'static str)]) -> Row {
        self.environment = environment;
        self
    }

    const fn files(mut self, files: &'static [(&'static str, &'static str)]) -> Row {
        self.files = files;
        self
    }

    const fn encoding(mut self, encoding: Encoding) -> Row {
        self.encoding = encoding;
        self
    }

    const fn apart(mut self, why: &'static str) -> Row {
        self.apart = why;
        self
    }
}

const fn row(
    name: &'static str,
    cluster: &'static str,
    user: &'static str,
    says: &'static str,
) -> Row {
    Row {
        name,
        cluster,
        user,
        changes: &[],
        environment: &[],
        files: &[],
        encoding: Encoding::Utf8,
        says,
        apart: "",
    }
}

/// A usual cluster and a usual user; what is changed is the text.
const fn text(
    name: &'static str,
    changes: &'static [(&'static str, &'static str)],
    says: &'static str,
) -> Row {
    row(name, TLS, TOKEN, says).change(changes)
}

/// Every row.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    let parts = [
        file::ROWS,
        server::ROWS,
        trust::ROWS,
        user::ROWS,
        exec::ROWS,
        proxied::ROWS,
    ];
    parts.into_iter().flatten()
}
