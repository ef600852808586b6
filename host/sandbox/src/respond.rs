//! From what a verb returned to bytes: content negotiation, lists, tables, warnings.

pub(crate) mod accept;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use futures::{Stream, StreamExt as _};
use http::{HeaderValue, Response, header};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::{Bytes, Frame};
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Value, json};

use crate::object;
use crate::resource::Resource;
use crate::status::ApiError;
use crate::table;
use accept::{Accept, Shape};

pub(crate) type Body = UnsyncBoxBody<Bytes, Infallible>;
pub(crate) type Chunks = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// What a verb has to say.
pub(crate) enum Answer {
    /// One object of the resource.
    Object { code: u16, object: Arc<Value> },
    /// Many, with the list's metadata.
    List {
        items: Vec<Arc<Value>>,
        metadata: Value,
    },
    /// JSON of another kind: a Status, a Scale, a discovery document.
    Json { code: u16, value: Value },
    /// Text that is already written, with its media type.
    Text {
        code: u16,
        text: String,
        media_type: &'static str,
    },
    /// A watch or a followed log.
    Chunks {
        chunks: Chunks,
        media_type: &'static str,
    },
}

impl Answer {
    pub(crate) fn ok(object: Arc<Value>) -> Self {
        Self::Object { code: 200, object }
    }

    pub(crate) fn json(value: Value) -> Self {
        Self::Json { code: 200, value }
    }
}

/// An answer and the warnings that go with it.
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    pub(crate) warnings: Vec<String>,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            warnings: Vec::new(),
        }
    }
}

/// Writes `reply` as the client wants it.
pub(crate) fn write(reply: Reply, resource: Option<&Resource>, accept: &Accept) -> Response<Body> {
    let mut response = match (reply.answer, resource) {
        (Answer::Object { code, object }, Some(resource)) => {
            json_response(code, &shaped(&object, resource, accept), accept)
        }
        (Answer::Object { code, object }, None) => json_response(code, &object, accept),
        (Answer::List { items, metadata }, Some(resource)) => {
            list(&items, metadata, resource, accept)
        }
        (Answer::List { .. }, None) => unreachable!("only resources are listed"),
        (Answer::Json { code, value }, _) => json_response(code, &value, accept),
        (
            Answer::Text {
                code,
                text,
                media_type,
            },
            _,
        ) => respond(code, media_type, Bytes::from(text)),
        (Answer::Chunks { chunks, media_type }, _) => stream(chunks, media_type),
    };
    for warning in reply.warnings {
        let text = format!(
            "299 - \"{}\"",
            warning.replace('\\', "\\\\").replace('"', "\\\"")
        );
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

pub(crate) fn error(err: &ApiError) -> Response<Body> {
    let mut response = respond(
        err.code,
        "application/json",
        Bytes::from(err.to_status().to_string()),
    );
    if let Some(seconds) = err.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn respond(code: u16, media_type: &'static str, bytes: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(bytes).boxed_unsync());
    *response.status_mut() =
        http::StatusCode::from_u16(code).unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
    common_headers(&mut response, media_type);
    response
}

fn common_headers(response: &mut Response<Body>, media_type: &'static str) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("no-cache, private"),
    );
    if let Ok(id) = HeaderValue::from_str(&object::new_uid()) {
        headers.insert("audit-id", id);
    }
}

fn json_response(code: u16, value: &Value, accept: &Accept) -> Response<Body> {
    if accept.yaml {
        let text = serde_yaml_ng::to_string(value).unwrap_or_default();
        return respond(code, "application/yaml", Bytes::from(text));
    }
    respond(code, "application/json", Bytes::from(value.to_string()))
}

fn stream(chunks: Chunks, media_type: &'static str) -> Response<Body> {
    let frames = chunks.map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)));
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    common_headers(&mut response, media_type);
    response
}

/// `object` in the version of `resource`.
pub(crate) fn versioned(object: &Arc<Value>, resource: &Resource) -> Arc<Value> {
    let version = resource.api_version();
    if object["apiVersion"] == version.as_str() {
        return Arc::clone(object);
    }
    let mut converted = Value::clone(object);
    converted["apiVersion"] = json!(version);
    Arc::new(converted)
}

/// One object as the client wants it: whole, as a table of one row, or its metadata.
pub(crate) fn shaped(object: &Arc<Value>, resource: &Resource, accept: &Accept) -> Value {
    match accept.shape {
        Shape::Full => Value::clone(&versioned(object, resource)),
        Shape::Table => {
            let metadata = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
            table::render(resource, std::slice::from_ref(object), metadata, accept)
        }
        Shape::Metadata => partial(object),
    }
}

/// `PartialObjectMetadata` of an object.
pub(crate) fn partial(object: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] })
}

fn list(
    items: &[Arc<Value>],
    metadata: Value,
    resource: &Resource,
    accept: &Accept,
) -> Response<Body> {
    match accept.shape {
        Shape::Table => json_response(
            200,
            &table::render(resource, items, metadata, accept),
            accept,
        ),
        Shape::Metadata => {
            let items: Vec<Value> = items.iter().map(|item| partial(item)).collect();
            let list = json!({
                "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "items": items,
            });
            json_response(200, &list, accept)
        }
        Shape::Full if accept.yaml => {
            let items: Vec<Value> = items
                .iter()
                .map(|item| Value::clone(&versioned(item, resource)))
                .collect();
            let list = json!({
                "kind": resource.list_kind, "apiVersion": resource.api_version(), "metadata": metadata, "items": items,
            });
            json_response(200, &list, accept)
        }
        Shape::Full => respond(
            200,
            "application/json",
            Bytes::from(full_list(items, &metadata, resource)),
        ),
    }
}

/// Writes a list without copying its items.
fn full_list(items: &[Arc<Value>], metadata: &Value, resource: &Resource) -> Vec<u8> {
    let mut out = Vec::with_capacity(256 + items.len() * 2048);
    let head = json!({ "kind": resource.list_kind, "apiVersion": resource.api_version(), "metadata": metadata }).to_string();
    out.extend_from_slice(&head.as_bytes()[..head.len() - 1]);
    out.extend_from_slice(b",\"items\":[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let item = versioned(item, resource);
        let written = if resource.is_custom {
            serde_json::to_writer(&mut out, &*item)
        } else {
            serde_json::to_writer(&mut out, &Untyped(&item))
        };
        debug_assert!(written.is_ok(), "writing to memory does not fail");
    }
    out.extend_from_slice(b"]}\n");
    out
}

/// An item of a list of a built-in kind, which carries no kind of its own.
struct Untyped<'a>(&'a Value);

impl serde::Serialize for Untyped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.0.as_object().into_iter().flatten() {
            if key != "kind" && key != "apiVersion" {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}
