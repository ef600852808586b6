//! The text of a kubeconfig for one user of the server.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// A complete kubeconfig with one cluster, one context (both called `sandbox`) and one user.
pub(crate) fn render(url: &str, authority_pem: &str, user: &str, token: &str) -> String {
    let authority = BASE64_STANDARD.encode(authority_pem);
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: sandbox\nclusters:\n- name: sandbox\n  cluster:\n    server: {url}\n    \
         certificate-authority-data: {authority}\ncontexts:\n- name: sandbox\n  context:\n    cluster: sandbox\n    user: {user}\n\
         users:\n- name: {user}\n  user:\n    token: {token}\n"
    )
}
