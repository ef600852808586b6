//! `list`: the objects that a selector matches, in pages when the client wants pages.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::object;
use crate::request::Request;
use crate::respond::Answer;
use crate::route::Target;
use crate::select::Selector;
use crate::status::ApiError;
use crate::world::World;

/// Where the next page begins: after this object, in the list as of this revision.
struct Continue {
    revision: u64,
    namespace: String,
    name: String,
}

impl Continue {
    fn parse(token: &str) -> Result<Self, ApiError> {
        let invalid = || ApiError::bad_request("continue key is not valid");
        let bytes = BASE64_URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| invalid())?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        let text = |key: &str| value[key].as_str().map(str::to_owned).ok_or_else(invalid);
        Ok(Self {
            revision: value["rv"].as_u64().ok_or_else(invalid)?,
            namespace: text("namespace")?,
            name: text("name")?,
        })
    }

    fn token(&self) -> String {
        let value = json!({ "v": "meta.k8s.io/v1", "rv": self.revision, "namespace": self.namespace, "name": self.name });
        BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
    }
}

pub(crate) fn list(world: &World, target: &Target, request: &Request) -> Result<Answer, ApiError> {
    let selector = Selector::parse(&request.query, &target.resource, target.name.as_deref())?;
    let page = request
        .query
        .get("continue")
        .map(Continue::parse)
        .transpose()?;
    let limit = request
        .query
        .number("limit")
        .filter(|limit| *limit > 0)
        .and_then(|limit| usize::try_from(limit).ok());

    let store = world.store.lock();
    check_revision(request, store.revision())?;
    if page.as_ref().is_some_and(|page| {
        store
            .changes(&target.resource.bucket(), page.revision)
            .is_err()
    }) {
        return Err(ApiError::expired(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
        ));
    }
    let after = page
        .as_ref()
        .map(|page| (page.namespace.as_str(), page.name.as_str()));
    let mut items = store.list(
        &target.resource.bucket(),
        target.namespace.as_deref(),
        after,
    );
    let revision = page.as_ref().map_or(store.revision(), |page| page.revision);
    drop(store);

    if !selector.is_empty() {
        items.retain(|item| selector.matches(item));
    }
    let mut metadata = paged(&mut items, limit, revision, selector.is_empty());
    if target.resource.is_custom {
        object::default(&mut metadata, "continue", "");
    }
    Ok(Answer::List { items, metadata })
}

/// Cuts `items` to a page and says how to get the next one.
fn paged(items: &mut Vec<Arc<Value>>, limit: Option<usize>, revision: u64, count: bool) -> Value {
    let mut metadata = json!({ "resourceVersion": revision.to_string() });
    let Some(limit) = limit.filter(|limit| items.len() > *limit) else {
        return metadata;
    };
    if count {
        metadata["remainingItemCount"] = json!(items.len() - limit);
    }
    items.truncate(limit);
    if let Some(last) = items.last() {
        let next = Continue {
            revision,
            namespace: object::namespace(last).to_owned(),
            name: object::name(last).to_owned(),
        };
        metadata["continue"] = json!(next.token());
    }
    metadata
}

fn check_revision(request: &Request, current: u64) -> Result<(), ApiError> {
    let Some(text) = request.query.get("resourceVersion") else {
        return Ok(());
    };
    let asked: u64 = text.parse().map_err(|_| invalid_revision(text))?;
    if asked > current {
        Err(ApiError::too_large_revision(asked, current))
    } else {
        Ok(())
    }
}

pub(crate) fn invalid_revision(text: &str) -> ApiError {
    ApiError::bad_request(format!(
        "invalid resource version \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
    ))
}
