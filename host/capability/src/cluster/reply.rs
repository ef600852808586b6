//! One exchange with the API server, and what kind of fault it ended with.

use std::time::Duration;

use agent_core::failure::chain;
use http_body_util::BodyExt as _;
use kube::client::Body;
use kube::core::Status;

use super::cause::Cause;
use super::failure::{budget, is_no_such_type, is_of_quota};

/// How long one attempt may take. A server that accepts and never answers must not hold a run for ever.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(20);

/// How much is read of an answer that is a refusal, and how much of its words is told.
const REFUSAL: usize = 64 << 10;
const WORDS: usize = 4 << 10;

/// Why an exchange gave no answer that can be used.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The server said no.
    Status {
        status: Box<Status>,
        retry_after: Option<Duration>,
    },
    /// No connection, or it broke. `reached` tells whether the request may have been carried out.
    Connection {
        chain: Vec<String>,
        reached: bool,
        cause: Cause,
    },
    /// No answer in time.
    Silence,
    /// The answer is larger than a host call may return.
    TooLarge,
    /// Something that is no Kubernetes API answered.
    Nonsense { what: String },
}

impl Fault {
    /// Returns whether the same request may work in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Fault::Status { status, .. } if budget::refuses(status) => false,
            Fault::Status { status, .. } => {
                matches!(status.code, 429 | 500 | 502 | 503 | 504) || is_of_quota(status)
            }
            Fault::Connection { cause, .. } => !cause.is_lasting(),
            Fault::Silence => true,
            Fault::TooLarge | Fault::Nonsense { .. } => false,
        }
    }

    /// Returns whether the request may have been carried out although there is no answer.
    pub(crate) fn is_uncertain(&self) -> bool {
        match self {
            Fault::Status { status, .. } if budget::refuses(status) => false,
            Fault::Status { status, .. } => matches!(status.code, 500 | 502 | 503 | 504),
            Fault::Connection { reached, .. } => *reached,
            Fault::Silence | Fault::Nonsense { .. } => true,
            Fault::TooLarge => true,
        }
    }

    /// Returns whether the server says that the type is not served in this version.
    pub(crate) fn is_no_such_type(&self) -> bool {
        matches!(self, Fault::Status { status, .. } if is_no_such_type(status))
    }

    /// Returns whether an admission webhook with effects of its own keeps the server from trying the write. Only its words tell that from others of the
    /// same reason: <https://github.com/kubernetes/kubernetes/blob/v1.36.0/staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go>.
    pub(crate) fn is_no_rehearsal(&self) -> bool {
        match self {
            Fault::Status { status, .. } => {
                let (begin, end) = ("admission webhook \"", "\" does not support dry run");
                let says = status.message.starts_with(begin) && status.message.ends_with(end);
                status.code == 400 && status.reason == "BadRequest" && says
            }
            _ => false,
        }
    }

    /// Returns whether the server itself may be away: no word of it came.
    pub(crate) fn is_no_word(&self) -> bool {
        matches!(self, Fault::Connection { .. } | Fault::Silence)
    }

    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Fault::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// How much of an answer is wanted, when it is more than may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it, or it is a fault.
    Whole,
    /// The end of it.
    End,
    /// The beginning of it.
    Beginning,
}

/// Sends a request and reads the answer, up to `limit` bytes.
pub(crate) async fn exchange(
    client: &kube::Client,
    request: http::Request<Vec<u8>>,
    part: Part,
    limit: usize,
) -> Result<Vec<u8>, Fault> {
    tokio::time::timeout(ATTEMPT, answer(client, request, part, limit))
        .await
        .unwrap_or(Err(Fault::Silence))
}

async fn answer(
    client: &kube::Client,
    request: http::Request<Vec<u8>>,
    part: Part,
    limit: usize,
) -> Result<Vec<u8>, Fault> {
    let response = client
        .send(request.map(Body::from))
        .await
        .map_err(|error| connection(&error))?;
    let (code, headers) = (response.status(), response.headers().clone());
    // Of what is no answer, so much is read as a person may.
    let (part, limit) = match code.is_success() {
        true => (part, limit),
        false => (Part::Beginning, limit.min(REFUSAL)),
    };
    let mut frames = response.into_body();
    let mut body = Vec::new();
    while let Some(frame) = frames.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        body.extend(frame.into_data().unwrap_or_default());
        if body.len() > limit {
            match part {
                Part::Whole => return Err(Fault::TooLarge),
                Part::End => drop(body.drain(..body.len() - limit)),
                Part::Beginning => {
                    body.truncate(limit);
                    break;
                }
            }
        }
    }
    if code.is_success() {
        return Ok(body);
    }
    let retry_after = headers
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    let status = serde_json::from_slice(&body).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(&body).trim().to_owned();
        Status {
            code: code.as_u16(),
            message: text,
            ..Status::default()
        }
    });
    let message = cut(status.message);
    Err(Fault::Status {
        status: Box::new(Status {
            code: code.as_u16(),
            message,
            ..status
        }),
        retry_after: retry_after.map(Duration::from_secs),
    })
}

/// Returns as much of a server's words as a person may read.
fn cut(mut text: String) -> String {
    if text.len() > WORDS {
        text.truncate(text.floor_char_boundary(WORDS));
        text.push('…');
    }
    text
}

fn connection(error: &kube::Error) -> Fault {
    Fault::Connection {
        chain: chain(error),
        reached: !never_connected(error),
        cause: Cause::of(error),
    }
}

fn broken(error: &(dyn std::error::Error + 'static)) -> Fault {
    Fault::Connection {
        chain: chain(error),
        reached: true,
        cause: Cause::of(error),
    }
}

/// Returns whether no connection came about, so that the request cannot have been carried out. Whatever else happened, it may have been.
fn never_connected(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<hyper_util::client::legacy::Error>() {
            return error.is_connect();
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(code: u16) -> Fault {
        let status = Status {
            code,
            ..Status::default()
        };
        Fault::Status {
            status: Box::new(status),
            retry_after: None,
        }
    }

    #[test]
    fn only_a_connection_that_never_came_about_is_certain() {
        let reset = std::io::Error::from_raw_os_error(104);
        let error = kube::Error::Service(Box::new(reset));
        assert!(
            connection(&error).is_uncertain(),
            "a reset connection: {:?}",
            connection(&error)
        );
        assert!(fault(500).is_uncertain() && Fault::Silence.is_uncertain());
        assert!(
            !fault(409).is_uncertain() && !fault(403).is_uncertain() && !fault(429).is_uncertain()
        );
    }

    #[test]
    fn what_may_pass_is_tried_again_and_a_refusal_is_not() {
        assert!(
            [429, 500, 502, 503, 504]
                .into_iter()
                .all(|code| fault(code).is_passing())
        );
        assert!(
            [400, 401, 403, 404, 409, 422]
                .into_iter()
                .all(|code| !fault(code).is_passing())
        );
    }
}
