//! The requests of one watch. `kube`'s watcher asks and reads without bounds: it says nothing when it has a watch again in which nothing happens, waits
//! for ever for the beginning of an answer, asks again at once when a watch ends, takes lines and lists of any length, and pages without end. So what it
//! sends goes through here, and what comes is bounded below it.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures::StreamExt as _;
use http::{Request, Response, Uri};
use http_body_util::{BodyExt as _, BodyStream, Limited, StreamBody};
use kube::client::Body;

use super::lock;
use super::pace::Pace;
use super::page::{Page, Pages};
use crate::cluster::projection::Projection;
use crate::cluster::reply::{ATTEMPT, Fault};

/// What is heard of a server by one watch. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Heard(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// When the server last began to answer.
    last: Option<Instant>,
    lists: Pace,
    watches: Pace,
    pages: Pages,
}

/// What a request of a watch is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A list from its beginning.
    List,
    /// A further page.
    Page,
    Watch,
}

/// An answer that no API server gives.
#[derive(Debug)]
pub(crate) enum Strange {
    /// A line or a list is larger than a host call may return.
    TooLarge,
    /// It is something else than what was asked for, in the words of who noticed it.
    Nonsense(String),
}

impl Heard {
    /// Returns when the server last began to answer; none when it never did.
    pub(crate) fn last(&self) -> Option<Instant> {
        lock(&self.0).last
    }

    /// Returns a client that notes it here, and is bounded: a line of a watch, and a list, to so many bytes.
    pub(super) fn by(&self, client: &kube::Client, limit: usize) -> kube::Client {
        let (client, heard) = (client.clone(), self.clone());
        let service = tower::service_fn(move |request: Request<Body>| {
            let (client, heard) = (client.clone(), heard.clone());
            async move {
                let kind = Kind::of(request.uri());
                heard.wait_for(kind).await;
                let answering = heard.answer(kind, &client, request, limit);
                let answer = tokio::time::timeout(ATTEMPT, answering).await;
                let silent = |_elapsed| Err(kube::Error::Service(Box::new(silence())));
                let (head, body) = answer.unwrap_or_else(silent)?.into_parts();
                let begun = (BodyStream::new(body), Some(0));
                let frames = futures::stream::unfold(begun, move |(mut frames, line)| async move {
                    // An error ends it: the watcher would read on.
                    let line = line?;
                    let frame = match frames.next().await? {
                        Ok(frame) => frame,
                        Err(error) => return Some((Err(error), (frames, None))),
                    };
                    let data: &[u8] = frame.data_ref().map_or(&[], |data| data.as_ref());
                    Some(match longest_line(line, data) {
                        (longest, line) if longest <= limit => (Ok(frame), (frames, Some(line))),
                        _ => (Err(strange(Strange::TooLarge)), (frames, None)),
                    })
                });
                Ok::<_, kube::Error>(Response::from_parts(head, StreamBody::new(frames)))
            }
        });
        // Every request of a watch names its namespace.
        kube::Client::new(service, "default")
    }

    async fn wait_for(&self, kind: Kind) {
        let now = tokio::time::Instant::now();
        let wait = {
            let mut state = lock(&self.0);
            match kind {
                Kind::List => state.lists.before_next(now),
                Kind::Watch => state.watches.before_next(now),
                Kind::Page => return,
            }
        };
        tokio::time::sleep(wait).await;
    }

    /// Sends a request. A watch is returned as soon as it begins, and everything else when it is there and is what was asked for.
    async fn answer(
        &self,
        kind: Kind,
        client: &kube::Client,
        request: Request<Body>,
        limit: usize,
    ) -> Result<Response<Body>, kube::Error> {
        let answer = client.send(request).await?;
        let (is_good, (head, body)) = (answer.status().is_success(), answer.into_parts());
        let body = match kind {
            Kind::Watch if is_good => body,
            _ => {
                let whole = Limited::new(body, limit).collect().await;
                let bytes = whole.map_err(too_large)?.to_bytes();
                if is_good {
                    self.check(kind, &bytes).map_err(strange)?;
                }
                Body::from(bytes)
            }
        };
        if is_good {
            self.note(kind);
        }
        Ok(Response::from_parts(head, body))
    }

    /// Checks that an answer is a list, and that its pages come to an end.
    fn check(&self, kind: Kind, answer: &[u8]) -> Result<(), Strange> {
        let nothing = Projection::new(vec!["/kind".to_owned()]);
        let page = Page::read(answer, Some(&nothing));
        let page = page.map_err(|error| Strange::Nonsense(error.to_string()))?;
        let mut state = lock(&self.0);
        if kind == Kind::List {
            state.pages = Pages::default();
        }
        state.pages.turn(&page).map(drop).map_err(Strange::Nonsense)
    }

    fn note(&self, kind: Kind) {
        let now = tokio::time::Instant::now();
        let mut state = lock(&self.0);
        state.last = Some(Instant::now());
        match kind {
            Kind::List => state.lists.answered(now),
            Kind::Watch => state.watches.answered(now),
            Kind::Page => {}
        }
    }
}

impl Kind {
    fn of(uri: &Uri) -> Kind {
        let pairs = || uri.query().unwrap_or_default().split('&');
        let has = |name: &str| {
            pairs().any(|pair| {
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                key == name && !value.is_empty() && value != "false"
            })
        };
        match (has("watch"), has("continue")) {
            (true, _) => Kind::Watch,
            (false, true) => Kind::Page,
            (false, false) => Kind::List,
        }
    }
}

/// Returns how long the longest line is that ends or goes on in some bytes, and the length of the last one so far. `line` is that of the one before.
fn longest_line(line: usize, data: &[u8]) -> (usize, usize) {
    let (mut longest, mut line) = (0, line);
    for part in data.split_inclusive(|byte| *byte == b'\n') {
        line += part.len();
        longest = longest.max(line);
        if part.ends_with(b"\n") {
            line = 0;
        }
    }
    (longest, line)
}

impl Strange {
    /// Finds one among the sources of an error, also within errors of I/O.
    pub(crate) fn in_error(error: &(dyn Error + 'static)) -> Option<Fault> {
        if let Some(strange) = error.downcast_ref::<Strange>() {
            return Some(match strange {
                Strange::TooLarge => Fault::TooLarge,
                Strange::Nonsense(what) => Fault::Nonsense { what: what.clone() },
            });
        }
        match error.downcast_ref::<io::Error>() {
            Some(io) => Strange::in_error(io.get_ref()?),
            None => Strange::in_error(error.source()?),
        }
    }
}

impl fmt::Display for Strange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Strange::TooLarge => f.write_str("it is more than one host call may return"),
            Strange::Nonsense(what) => f.write_str(what),
        }
    }
}

impl Error for Strange {}

fn strange(strange: Strange) -> kube::Error {
    kube::Error::Service(Box::new(strange))
}

fn too_large(error: Box<dyn Error + Send + Sync>) -> kube::Error {
    match error.is::<http_body_util::LengthLimitError>() {
        true => strange(Strange::TooLarge),
        false => kube::Error::Service(error),
    }
}

fn silence() -> io::Error {
    let message = "it accepted the request and gave no answer";
    io::Error::new(io::ErrorKind::TimedOut, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_measured_across_the_pieces_in_which_it_comes() {
        let mut line = 0;
        let mut longest = Vec::new();
        for data in ["ab", "cd\ne", "\n\n", "", "fghij\nk"] {
            let (here, last) = longest_line(line, data.as_bytes());
            longest.push(here);
            line = last;
        }
        assert_eq!((longest, line), (vec![2, 5, 2, 0, 6], 1));
    }

    #[test]
    fn request_is_known_by_its_query() {
        for (uri, kind) in [
            ("/api/v1/pods?watch=true&resourceVersion=7", Kind::Watch),
            ("/api/v1/pods?&limit=500", Kind::List),
            ("/api/v1/pods?limit=500&continue=", Kind::List),
            ("/api/v1/pods?limit=500&continue=abc", Kind::Page),
            ("/api/v1/pods", Kind::List),
        ] {
            assert_eq!(Kind::of(&uri.parse().expect("a URI")), kind, "{uri}");
        }
    }
}
