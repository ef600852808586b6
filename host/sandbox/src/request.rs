//! One request, read whole: who asks, what for, and the options that every verb understands.

pub(crate) mod protobuf;

use std::fmt;

use http::{HeaderMap, Method, header};
use hyper::body::Bytes;
use serde_json::Value;

use crate::auth::User;
use crate::status::ApiError;

/// The decoded query string.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    pub(crate) fn parse(text: &str) -> Self {
        Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The value of `key`, unless it is absent or empty.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, value)| name == key && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_true(&self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|value| value == "true" || value == "1")
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }
}

/// What to do with fields that the schema does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) user: User,
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.method, self.path)
    }
}

impl Request {
    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// The media type of the body, without parameters.
    pub(crate) fn content_type(&self) -> &str {
        self.header(header::CONTENT_TYPE)
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
    }

    pub(crate) fn is_dry_run(&self) -> Result<bool, ApiError> {
        match self.query.get("dryRun") {
            None => Ok(false),
            Some("All") => Ok(true),
            Some(other) => Err(ApiError::bad_request(format!(
                "dryRun: Unsupported value: \"{other}\": supported values: \"All\""
            ))),
        }
    }

    pub(crate) fn field_validation(&self) -> Result<FieldValidation, ApiError> {
        match self.query.get("fieldValidation") {
            None | Some("Warn") => Ok(FieldValidation::Warn),
            Some("Strict") => Ok(FieldValidation::Strict),
            Some("Ignore") => Ok(FieldValidation::Ignore),
            Some(other) => Err(ApiError::bad_request(format!(
                "fieldValidation: Unsupported value: \"{other}\": supported values: \"Ignore\", \"Strict\", \"Warn\""
            ))),
        }
    }

    /// The field manager: the one named, or the client's program name.
    pub(crate) fn manager(&self) -> String {
        let program = || {
            self.header(header::USER_AGENT)
                .split('/')
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        let name = self
            .query
            .get("fieldManager")
            .map_or_else(program, str::to_owned);
        if name.is_empty() {
            "unknown".to_owned()
        } else {
            name
        }
    }

    /// The body as an object, from JSON or YAML.
    pub(crate) fn object(&self) -> Result<Value, ApiError> {
        match self.content_type() {
            "" | "application/json" => self.json(),
            protobuf::MEDIA_TYPE => protobuf::decode(&self.body),
            "application/yaml" | "application/apply-patch+yaml" => self.yaml(),
            _ => Err(ApiError::unsupported_media_type(&[
                "application/json",
                "application/yaml",
                protobuf::MEDIA_TYPE,
            ])),
        }
    }

    pub(crate) fn json(&self) -> Result<Value, ApiError> {
        serde_json::from_slice(&self.body)
            .map_err(|err| ApiError::bad_request(format!("the object provided is unrecognized: couldn't get version/kind; json parse error: {err}")))
    }

    pub(crate) fn yaml(&self) -> Result<Value, ApiError> {
        serde_yaml_ng::from_slice(&self.body)
            .map_err(|err| ApiError::bad_request(format!("error decoding YAML: {err}")))
    }

    /// `DeleteOptions` and the like: absent means empty.
    pub(crate) fn options(&self) -> Result<Value, ApiError> {
        if self.body.is_empty() {
            Ok(serde_json::json!({}))
        } else {
            self.object()
        }
    }
}
