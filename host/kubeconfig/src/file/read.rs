//! From YAML to entries, with the types that client-go demands.

use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::{Cluster, Context, Exec, File, Origin, Provider, User};
use crate::field::{self, Fields, Text, Wrong};
use crate::yaml::{self, At, Node};

/// Where a cluster hands something over to the credential plugins of its users.
const EXEC_EXTENSION: &str = "client.authentication.k8s.io/exec";

/// Reads a file's values.
pub(super) fn file(node: &Node, path: &Arc<PathBuf>) -> Result<File, Wrong> {
    let fields = Fields::of(node, "kubeconfig")?;
    for (name, wanted) in [("kind", "Config"), ("apiVersion", "v1")] {
        let text = fields.text(name)?;
        if !text.is_empty() && text.as_str() != wanted {
            let what = "is not that of a kubeconfig: `kind: Config`, `apiVersion: v1`";
            return Err(Wrong {
                at: text.at,
                field: name,
                what,
            });
        }
    }
    let origin = |at| Origin {
        file: Arc::clone(path),
        at,
    };
    let file = File {
        current_context: fields.text("current-context")?,
        clusters: named(&fields, "clusters", |name, node| {
            cluster(name, origin(node.at), entry(node, "cluster")?)
        })?,
        users: named(&fields, "users", |name, node| {
            user(name, origin(node.at), entry(node, "user")?)
        })?,
        contexts: named(&fields, "contexts", |name, node| {
            context(name, entry(node, "context")?)
        })?,
        secrets: secrets(node),
    };
    unique("clusters", node, file.clusters.iter().map(|one| &one.name))?;
    unique("users", node, file.users.iter().map(|one| &one.name))?;
    unique("contexts", node, file.contexts.iter().map(|one| &one.name))?;
    Ok(file)
}

fn named<T>(
    fields: &Fields<'_>,
    list: &'static str,
    read: impl Fn(String, &Node) -> Result<T, Wrong>,
) -> Result<Vec<T>, Wrong> {
    let items = fields.list(list)?.iter();
    items
        .map(|node| {
            let name = Fields::of(node, list)?.text("name")?;
            read(name.to_string(), node)
        })
        .collect()
}

/// Returns the fields of an entry, which stand under the name of its kind.
fn entry<'a>(node: &'a Node, kind: &'static str) -> Result<Fields<'a>, Wrong> {
    const NOTHING: &Node = &Node {
        at: At { line: 0, column: 0 },
        value: yaml::Value::Null,
    };
    Fields::of(Fields::of(node, kind)?.any(kind).unwrap_or(NOTHING), kind)
}

fn unique<'a>(
    list: &'static str,
    node: &Node,
    names: impl Iterator<Item = &'a String> + Clone,
) -> Result<(), Wrong> {
    let twice = |(index, name)| names.clone().take(index).any(|before| before == name);
    match names.clone().enumerate().position(twice) {
        Some(index) => {
            let at = match node.get(list).map(|list| &list.value) {
                Some(yaml::Value::List(items)) => items[index].at,
                _ => node.at,
            };
            let what = "has a name twice";
            Err(Wrong {
                at,
                field: list,
                what,
            })
        }
        None => Ok(()),
    }
}

fn cluster(name: String, origin: Origin, fields: Fields<'_>) -> Result<Cluster, Wrong> {
    let mut for_plugins = None;
    for extension in fields.list("extensions")? {
        let extension = Fields::of(extension, "extensions")?;
        if extension.text("name")?.as_str() == EXEC_EXTENSION {
            for_plugins = extension.any("extension").map(Node::json);
        }
    }
    Ok(Cluster {
        name,
        origin,
        server: fields.text("server")?,
        tls_server_name: fields.text("tls-server-name")?,
        insecure: fields.flag("insecure-skip-tls-verify")?,
        ca_file: fields.text("certificate-authority")?,
        ca_data: fields.data("certificate-authority-data")?,
        proxy_url: fields.text("proxy-url")?,
        disable_compression: fields.flag("disable-compression")?,
        for_plugins,
    })
}

fn user(name: String, origin: Origin, fields: Fields<'_>) -> Result<User, Wrong> {
    let extra = fields.entries("as-user-extra")?.iter();
    let extra = extra.map(|(key, values)| {
        let values = field::texts(values, "as-user-extra")?;
        Ok((key.clone(), values))
    });
    Ok(User {
        name,
        origin,
        certificate_file: fields.text("client-certificate")?,
        certificate_data: fields.data("client-certificate-data")?,
        key_file: fields.text("client-key")?,
        key_data: fields.data("client-key-data")?,
        token: fields.text("token")?,
        token_file: fields.text("tokenFile")?,
        username: fields.text("username")?,
        password: fields.text("password")?,
        impersonate: fields.text("as")?,
        impersonate_uid: fields.text("as-uid")?,
        impersonate_groups: fields.texts("as-groups")?,
        impersonate_extra: extra.collect::<Result<_, Wrong>>()?,
        provider: fields.map("auth-provider")?.map(provider).transpose()?,
        exec: match fields.map("exec")? {
            Some(exec_fields) => Some(exec(
                fields.any("exec").map(|node| node.at).unwrap_or_default(),
                exec_fields,
            )?),
            None => None,
        },
    })
}

fn provider(fields: Fields<'_>) -> Result<Provider, Wrong> {
    let mut id_token = Text::default();
    for (key, node) in fields.entries("config")? {
        if !matches!(node.value, yaml::Value::Null) {
            let value = field::text(node, "config")?;
            if key == "id-token" {
                id_token = value;
            }
        }
    }
    Ok(Provider {
        name: fields.text("name")?,
        id_token,
    })
}

fn exec(at: At, fields: Fields<'_>) -> Result<Exec, Wrong> {
    let env = fields.list("env")?.iter();
    let env = env.map(|variable| {
        let variable = Fields::of(variable, "env")?;
        Ok((variable.text("name")?, variable.text("value")?))
    });
    Ok(Exec {
        at,
        command: fields.text("command")?,
        args: fields.texts("args")?,
        env: env.collect::<Result<_, Wrong>>()?,
        api_version: fields.text("apiVersion")?,
        install_hint: fields.text("installHint")?,
        interactive_mode: fields.text("interactiveMode")?,
        provide_cluster_info: fields.flag("provideClusterInfo")?,
    })
}

fn context(name: String, fields: Fields<'_>) -> Result<Context, Wrong> {
    let text = |name: &'static str| Ok(fields.text(name)?.to_string());
    Ok(Context {
        name,
        cluster: text("cluster")?,
        user: text("user")?,
        namespace: text("namespace")?,
    })
}

/// Returns every scalar but those that a person may see: names, and the addresses of servers.
fn secrets(node: &Node) -> Vec<Zeroizing<String>> {
    let mut secrets = Vec::new();
    node.scalars(&mut Vec::new(), &mut |path, text| {
        let open = matches!(
            path,
            ["kind" | "apiVersion" | "current-context"]
                | ["clusters" | "users" | "contexts", "name"]
                | ["contexts", "context", "cluster" | "user" | "namespace"]
                | ["clusters", "cluster", "server"]
                | [
                    "users",
                    "user",
                    "exec",
                    "command" | "installHint" | "apiVersion" | "interactiveMode"
                ]
        );
        if !open {
            secrets.push(Zeroizing::new(text.to_owned()));
        }
    });
    secrets
}
