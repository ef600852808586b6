//! Who a request is from, and whether they may.
//!
//! Tokens name users; the group `system:masters` may do everything, everybody else what the cluster's RBAC objects say. There
//! is no other way in: no certificate, no password, no header that is believed without the right to impersonate.

pub(crate) mod rbac;
pub(crate) mod review;

use http::{HeaderMap, Method, header};
use serde_json::json;

use crate::request::Query;
use crate::route::Target;
use crate::status::ApiError;
use crate::store::Store;

/// Members may do everything.
const MASTERS: &str = "system:masters";

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The bearer token.
    pub token: String,
    /// The user's name, as RBAC subjects spell it.
    pub user: String,
    /// Groups besides `system:authenticated`.
    pub groups: Vec<String>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
}

impl User {
    fn new(name: &str, groups: &[String], also: &str) -> Self {
        let mut groups = groups.to_vec();
        if !groups.iter().any(|group| group == also) {
            groups.push(also.to_owned());
        }
        Self {
            name: name.to_owned(),
            groups,
        }
    }

    pub(crate) fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }
}

/// What is asked of the rules.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) sub: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Set for paths that are no resource; the rest is then empty.
    pub(crate) path: Option<String>,
}

impl Ask {
    pub(crate) fn of(target: &Target, method: &Method, query: &Query) -> Self {
        let own = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            verb: target.verb(method, query).to_owned(),
            group: target.resource.group.clone(),
            resource: target.resource.plural.clone(),
            sub: own(&target.sub),
            // A namespace is in itself, as far as the rules go.
            namespace: if target.resource.is("", "namespaces") {
                own(&target.name)
            } else {
                own(&target.namespace)
            },
            name: own(&target.name),
            path: None,
        }
    }

    fn full_resource(&self) -> String {
        if self.sub.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.sub)
        }
    }

    fn refusal(&self, user: &User) -> ApiError {
        if let Some(path) = &self.path {
            let mut err = ApiError::new(
                403,
                "Forbidden",
                format!(
                    "forbidden: User \"{}\" cannot {} path \"{path}\"",
                    user.name, self.verb
                ),
            );
            err.details = Some(json!({}));
            return err;
        }
        let qualified = if self.group.is_empty() {
            self.resource.clone()
        } else {
            format!("{}.{}", self.resource, self.group)
        };
        let object = if self.name.is_empty() {
            qualified
        } else {
            format!("{qualified} \"{}\"", self.name)
        };
        let place = match self.namespace.as_str() {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace \"{namespace}\""),
        };
        let message = format!(
            "{object} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {place}",
            user.name,
            self.verb,
            self.full_resource(),
            self.group
        );
        let mut err = ApiError::new(403, "Forbidden", message);
        let mut details = serde_json::Map::new();
        for (key, value) in [
            ("name", &self.name),
            ("group", &self.group),
            ("kind", &self.resource),
        ] {
            if !value.is_empty() {
                details.insert(key.to_owned(), json!(value));
            }
        }
        err.details = Some(details.into());
        err
    }
}

/// Finds out who sent a request; impersonation is checked against the rules.
pub(crate) fn authenticate(
    logins: &[Login],
    headers: &HeaderMap,
    store: &Store,
) -> Result<User, ApiError> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(User::new("system:anonymous", &[], "system:unauthenticated"));
    };
    let token = value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix("Bearer "))
        .map(str::trim);
    let login = logins
        .iter()
        .find(|login| Some(login.token.as_str()) == token)
        .ok_or_else(ApiError::unauthorized)?;
    let user = User::new(&login.user, &login.groups, "system:authenticated");
    impersonated(headers, &user, store).map(|other| other.unwrap_or(user))
}

fn impersonated(headers: &HeaderMap, user: &User, store: &Store) -> Result<Option<User>, ApiError> {
    let text = |value: &http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let Some(name) = headers.get("impersonate-user").map(text) else {
        return Ok(None);
    };
    let groups: Vec<String> = headers
        .get_all("impersonate-group")
        .iter()
        .map(text)
        .collect();
    let asks =
        std::iter::once(("users", &name)).chain(groups.iter().map(|group| ("groups", group)));
    for (resource, name) in asks {
        let ask = Ask {
            verb: "impersonate".into(),
            resource: resource.into(),
            name: name.clone(),
            ..Ask::default()
        };
        authorize(store, user, &ask)?;
    }
    Ok(Some(User::new(&name, &groups, "system:authenticated")))
}

/// Refuses what the rules do not allow.
pub(crate) fn authorize(store: &Store, user: &User, ask: &Ask) -> Result<(), ApiError> {
    if allowed(store, user, ask) {
        Ok(())
    } else {
        Err(ask.refusal(user))
    }
}

pub(crate) fn allowed(store: &Store, user: &User, ask: &Ask) -> bool {
    user.is_master() || is_for_everybody(user, ask) || rbac::allows(&store.lock(), user, ask)
}

/// What the default roles of a cluster give to everybody: health and version to all, discovery and the questions about
/// oneself to those who logged in.
fn is_for_everybody(user: &User, ask: &Ask) -> bool {
    let logged_in = user
        .groups
        .iter()
        .any(|group| group == "system:authenticated");
    if let Some(path) = &ask.path {
        let public = ["/healthz", "/livez", "/readyz", "/version"];
        let discovery = ["/api", "/apis", "/openapi"];
        let below = |root: &str| {
            path == root
                || path
                    .strip_prefix(root)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        return ask.verb == "get"
            && (public.iter().any(|root| below(root))
                || logged_in && discovery.iter().any(|root| below(root)));
    }
    let questions = [
        "selfsubjectaccessreviews",
        "selfsubjectrulesreviews",
        "selfsubjectreviews",
    ];
    logged_in && ask.verb == "create" && questions.contains(&ask.resource.as_str())
}
