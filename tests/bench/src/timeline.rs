//! What the cluster does while the agent runs, seen by watches of our own: for how long a controller had something to do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, WatchEvent, WatchParams};
use kube::{Client, ResourceExt as _};
use serde_json::Value;
use tokio::task::JoinSet;

/// Says whether a controller still has to act on an object.
pub(crate) type Unsettled = fn(&Value) -> bool;

/// A kind of object to watch.
pub(crate) struct Watched {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) unsettled: Unsettled,
}

/// What was seen. Dropping it ends the watches.
pub(crate) struct Timeline {
    seen: Arc<Mutex<Seen>>,
    _watches: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    open: BTreeMap<String, Instant>,
    spans: Vec<Span>,
}

/// A time in which a controller had something to do with one object.
#[derive(Clone, Debug)]
struct Span {
    place: String,
    from: Instant,
    to: Instant,
}

impl Timeline {
    /// Begins to watch.
    pub(crate) async fn start(
        client: &Client,
        namespace: &str,
        watched: &'static [Watched],
    ) -> Result<Timeline> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut watches = JoinSet::new();
        for of in watched {
            let plural = format!("{}s", of.kind.to_lowercase());
            let kind = ApiResource::from_gvk_with_plural(
                &GroupVersionKind::gvk(of.group, of.version, of.kind),
                &plural,
            );
            let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
            let now = api
                .list(&Default::default())
                .await
                .with_context(|| format!("listing {plural}"))?;
            let version = now.metadata.resource_version.unwrap_or_default();
            let events = api
                .watch(&WatchParams::default().timeout(290), &version)
                .await?;
            let mut events = events.boxed();
            let seen = seen.clone();
            watches.spawn(async move {
                while let Ok(Some(event)) = events.try_next().await {
                    note(&seen, of, event);
                }
            });
        }
        Ok(Timeline {
            seen,
            _watches: watches,
        })
    }

    /// For how long any controller had something to do between the two times, however many at once.
    pub(crate) fn busy(&self, from: Instant, to: Instant) -> Duration {
        let mut spans: Vec<(Instant, Instant)> = self
            .spans(to)
            .iter()
            .map(|span| (span.from.max(from), span.to.min(to)))
            .filter(|(from, to)| from < to)
            .collect();
        spans.sort_unstable();
        let (mut busy, mut until) = (Duration::ZERO, from);
        for (from, to) in spans {
            busy += to.saturating_duration_since(from.max(until));
            until = until.max(to);
        }
        busy
    }

    /// The spans since a time, for people.
    pub(crate) fn lines(&self, begin: Instant, end: Instant) -> Vec<String> {
        let mut spans = self.spans(end);
        spans.retain(|span| span.to > begin);
        spans.sort_unstable_by_key(|span| span.from);
        let at = |time: Instant| time.saturating_duration_since(begin).as_millis();
        spans
            .iter()
            .map(|span| {
                format!(
                    "{:>6} to {:>6} ms {}",
                    at(span.from),
                    at(span.to),
                    span.place
                )
            })
            .collect()
    }

    fn spans(&self, end: Instant) -> Vec<Span> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let open = seen.open.iter().map(|(place, from)| Span {
            place: format!("{place} (not over)"),
            from: *from,
            to: end.max(*from),
        });
        seen.spans.iter().cloned().chain(open).collect()
    }
}

fn note(seen: &Mutex<Seen>, of: &Watched, event: WatchEvent<DynamicObject>) {
    let now = Instant::now();
    let (object, gone) = match event {
        WatchEvent::Added(object) | WatchEvent::Modified(object) => (object, false),
        WatchEvent::Deleted(object) => (object, true),
        WatchEvent::Bookmark(_) | WatchEvent::Error(_) => return,
    };
    let place = format!("{} {}", of.kind, object.name_any());
    let object = serde_json::to_value(&object).unwrap_or_default();
    let unsettled = !gone && (of.unsettled)(&object);
    let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    if unsettled {
        seen.open.entry(place).or_insert(now);
    } else if let Some(from) = seen.open.remove(&place) {
        seen.spans.push(Span {
            place,
            from,
            to: now,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controllers_that_work_at_once_are_counted_once() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let span = |from, to| Span {
            place: String::new(),
            from: at(from),
            to: at(to),
        };
        let spans = vec![span(10, 30), span(20, 40), span(50, 60), span(90, 200)];
        let timeline = Timeline {
            seen: Arc::new(Mutex::new(Seen {
                open: BTreeMap::new(),
                spans,
            })),
            _watches: JoinSet::new(),
        };
        assert_eq!(timeline.busy(at(0), at(100)), Duration::from_millis(50));
        assert_eq!(timeline.busy(at(25), at(55)), Duration::from_millis(20));
    }
}
