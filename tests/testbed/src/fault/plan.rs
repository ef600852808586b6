//! Which request fails, and how; and what has been asked.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A request that came to the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its place in the order of arrival, from 1.
    pub number: usize,
    /// `GET`, `PATCH` and so on.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The client's `User-Agent`, empty if it sent none.
    pub user_agent: String,
    /// The fault it met.
    pub fault: Option<Kind>,
    /// The status code of the server's answer, once there is one; also when the client never heard of it.
    pub answered: Option<u16>,
}

impl Request {
    /// Whether the server has made an object of it.
    #[must_use]
    pub fn has_created(&self) -> bool {
        self.method == "POST" && self.answered == Some(201) && !self.path.contains("dryRun=")
    }
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The proxy answers with this status code and a Kubernetes `Status`; the server never sees the request.
    Answer(u16),
    /// Nothing happens any more, and the server never sees the request: for a client that dies before it is sent.
    StallBefore,
    /// The server has done it, and the client never hears of it: for a client that dies after it was sent.
    StallAfter,
    /// The connection closes; the server never sees the request.
    DropBefore,
    /// The server has done it, and the connection closes without the answer.
    DropAfter,
    /// The answer begins, and the connection closes in the middle of it after this time; for watches and logs.
    Cut(Duration),
    /// It waits this long before it goes to the server.
    Delay(Duration),
}

type Filter = Box<dyn Fn(&Request) -> bool + Send>;

/// One planned failure.
pub struct Fault {
    at: usize,
    kind: Kind,
    only: Filter,
    seen: usize,
}

impl Fault {
    /// The `at`-th request from now on, counted from 1, fails like this.
    #[must_use]
    pub fn at(at: usize, kind: Kind) -> Self {
        Self {
            at,
            kind,
            only: Box::new(|_| true),
            seen: 0,
        }
    }

    /// Counts only requests that this accepts.
    #[must_use]
    pub fn only(mut self, accepts: impl Fn(&Request) -> bool + Send + 'static) -> Self {
        self.only = Box::new(accepts);
        self
    }
}

/// The faults to come and the requests so far.
#[derive(Default)]
pub(crate) struct Plan {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Whether a request stands still.
    stalled: bool,
    /// How many connections there have been, and how many of them, the first ones, are frozen.
    connections: usize,
    frozen: usize,
    faults: Vec<Fault>,
    log: Vec<Request>,
}

impl Plan {
    /// Adds a fault.
    pub(crate) fn add(&self, fault: Fault) {
        self.with(|state| state.faults.push(fault));
    }

    /// Notes that a request stands still.
    pub(crate) fn stall(&self) {
        self.with(|state| state.stalled = true);
    }

    /// Whether a request stands still.
    pub(crate) fn stalled(&self) -> bool {
        self.with(|state| state.stalled)
    }

    /// Numbers a connection.
    pub(crate) fn connect(&self) -> usize {
        self.with(|state| {
            state.connections += 1;
            state.connections
        })
    }

    /// Freezes every connection that there is.
    pub(crate) fn freeze(&self) {
        self.with(|state| state.frozen = state.connections);
    }

    /// Whether a connection is frozen.
    pub(crate) fn is_frozen(&self, connection: usize) -> bool {
        self.with(|state| connection <= state.frozen)
    }

    /// The requests so far.
    pub(crate) fn log(&self) -> Vec<Request> {
        self.with(|state| state.log.clone())
    }

    /// Forgets faults and requests; the next request is number 1.
    pub(crate) fn clear(&self) {
        self.with(|state| {
            state.stalled = false;
            state.faults.clear();
            state.log.clear();
        });
    }

    /// Records a request and says what happens to it. Of several faults that meet it, the first one counts.
    pub(crate) fn meet(&self, method: &str, path: &str, user_agent: &str) -> Request {
        self.with(|state| {
            let mut request = Request {
                number: state.log.len() + 1,
                method: method.to_owned(),
                path: path.to_owned(),
                user_agent: user_agent.to_owned(),
                fault: None,
                answered: None,
            };
            request.fault = met(&mut state.faults, &request);
            state.log.push(request.clone());
            request
        })
    }

    /// Notes what the server answered. A request that was forgotten meanwhile stays so.
    pub(crate) fn answered(&self, request: &Request, code: u16) {
        self.with(|state| {
            let known = state.log.get_mut(request.number - 1);
            if let Some(known) = known.filter(|known| known.path == request.path) {
                known.answered = Some(code);
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn met(faults: &mut Vec<Fault>, request: &Request) -> Option<Kind> {
    for fault in faults.iter_mut() {
        fault.seen += usize::from((fault.only)(request));
    }
    let due = faults
        .iter()
        .position(|fault| fault.seen == fault.at && (fault.only)(request));
    due.map(|index| faults.remove(index).kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(plan: &Plan, requests: &[(&str, &str)]) -> Vec<Option<Kind>> {
        let meet = |(method, path): &(&str, &str)| plan.meet(method, path, "").fault;
        requests.iter().map(meet).collect()
    }

    #[test]
    fn only_the_nth_request_meets_the_fault() {
        let plan = Plan::default();
        plan.add(Fault::at(2, Kind::DropBefore));
        let met = kinds(&plan, &[("GET", "/a"), ("GET", "/b"), ("GET", "/c")]);
        assert_eq!(met, [None, Some(Kind::DropBefore), None]);
    }

    #[test]
    fn filtered_fault_counts_what_it_accepts() {
        let plan = Plan::default();
        plan.add(Fault::at(2, Kind::Answer(500)).only(|request| request.method == "PATCH"));
        let met = kinds(&plan, &[("PATCH", "/a"), ("GET", "/b"), ("PATCH", "/c")]);
        assert_eq!(met, [None, None, Some(Kind::Answer(500))]);
    }

    #[test]
    fn fault_counts_from_when_it_was_planned_and_the_log_from_the_start() {
        let plan = Plan::default();
        kinds(&plan, &[("GET", "/a")]);
        plan.add(Fault::at(1, Kind::DropAfter));
        assert_eq!(kinds(&plan, &[("GET", "/b")]), [Some(Kind::DropAfter)]);
        assert_eq!(plan.log()[1].number, 2);
        plan.clear();
        assert!(plan.log().is_empty());
    }
}
