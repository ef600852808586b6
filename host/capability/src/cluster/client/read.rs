//! Reading: each wants a [`Pass`].

use std::time::Duration;

use agent_core::failure::Failure;
use agent_core::manifest::ClusterVerb;
use agent_core::name::ObjectName;
use agent_core::object::{ObjectRef, ObjectType};
use agent_gate::{Pass, RetryPolicy};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher::{self, watcher};
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::Value;

use super::heard::Heard;
use super::page::{Page, Pages};
use super::request::{self, Wanted};
use super::{ClusterClient, context};
use crate::cluster::ask::Look;
use crate::cluster::failure::{EXPIRED, RequestContext};
use crate::cluster::fields;
use crate::cluster::projection::Projection;
use crate::cluster::reply::{Fault, Part};

/// How many objects one page of a list holds: what client-go asks for.
const PAGE: &str = "500";

/// How long a watch lasts, in seconds, before it is asked for anew from where it was. A connection that died without a word, as behind a proxy that
/// keeps it open, is noticed by that its end does not come.
const SILENT: u32 = 30;

/// A set of objects of one type.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) of: ObjectType,
    pub(crate) namespace: Option<String>,
    pub(crate) labels: String,
    pub(crate) fields: String,
    /// In order, each once; empty for all.
    pub(crate) names: Vec<String>,
}

/// How many names are told of a query.
const TOLD: usize = 3;

impl Query {
    /// Returns whether an object of that name is wanted. Most servers can select by one name only.
    pub(crate) fn chooses(&self, name: &str) -> bool {
        let found = self
            .names
            .binary_search_by(|known| known.as_str().cmp(name));
        self.names.is_empty() || found.is_ok()
    }

    /// Returns how much memory its names take.
    pub(crate) fn names_bytes(&self) -> usize {
        let names = self.names.iter();
        names.map(|name| size_of::<String>() + name.len()).sum()
    }

    /// Returns what the server selects by fields.
    fn field_selector(&self) -> String {
        let name = match self.names.as_slice() {
            [name] => format!("metadata.name={name}"),
            _ => String::new(),
        };
        joined([self.fields.as_str(), name.as_str()])
    }

    fn sees(&self, seen: &Seen) -> bool {
        match seen {
            Ok(
                watcher::Event::Apply(object)
                | watcher::Event::InitApply(object)
                | watcher::Event::Delete(object),
            ) => self.chooses(object.metadata.name.as_deref().unwrap_or_default()),
            _ => true,
        }
    }

    fn listing(&self) -> RequestContext {
        RequestContext {
            verb: "list",
            of: self.of.clone(),
            namespace: self.namespace.clone(),
            name: None,
        }
    }

    /// Returns it as what is asked of the gate.
    pub(crate) fn look(&self, verb: ClusterVerb) -> Look {
        Look {
            verb,
            of: self.of.clone(),
            namespace: self.namespace.clone(),
            which: self.selectors(),
            names: match self.names.as_slice() {
                [] => self.only().into_iter().collect(),
                names => names.to_vec(),
            },
        }
    }

    /// Returns the name that all objects have which it selects, where it says so: to the API server every term of a selector of fields has to hold.
    fn only(&self) -> Option<String> {
        // A comma or a sign that is escaped belongs to a value.
        if self.fields.contains('\\') {
            return None;
        }
        let terms = self.fields.split(',');
        let mut names = terms.filter_map(|term| {
            let name = term.strip_prefix("metadata.name=")?;
            let name = name.strip_prefix('=').unwrap_or(name);
            let name: ObjectName = name.parse().ok()?;
            Some(name.to_string())
        });
        names.next()
    }

    /// Returns what it selects by, for people.
    pub(crate) fn selectors(&self) -> String {
        let told = self.names.iter().take(TOLD).map(String::as_str);
        let mut names = told.collect::<Vec<_>>().join(",");
        if self.names.len() > TOLD {
            names = format!("{names} and {} more", self.names.len() - TOLD);
        }
        joined([self.labels.as_str(), self.fields.as_str(), names.as_str()])
    }
}

fn joined<const N: usize>(selectors: [&str; N]) -> String {
    let selectors = selectors
        .into_iter()
        .filter(|selector| !selector.is_empty());
    selectors.collect::<Vec<_>>().join(",")
}

/// How much of the objects of a list is read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading<'a> {
    Whole,
    Metadata,
    Part(&'a Projection),
}

impl<'a> Reading<'a> {
    fn is_metadata_only(self) -> bool {
        match self {
            Reading::Whole => false,
            Reading::Metadata => true,
            Reading::Part(projection) => projection.is_metadata_only(),
        }
    }

    fn part(self) -> Option<&'a Projection> {
        match self {
            Reading::Part(projection) => Some(projection),
            Reading::Whole | Reading::Metadata => None,
        }
    }
}

/// Which lines of a log.
#[derive(Clone, Debug)]
pub(crate) struct LogQuery {
    pub(crate) namespace: String,
    pub(crate) pod: String,
    pub(crate) container: Option<String>,
    /// Those of the container before the present one.
    pub(crate) previous: bool,
    pub(crate) tail_lines: Option<u32>,
    pub(crate) since_seconds: Option<u32>,
    pub(crate) timestamps: bool,
}

impl ClusterClient {
    /// Returns one object.
    pub(crate) async fn get(
        &self,
        pass: &Pass,
        target: &ObjectRef,
        wanted: Wanted,
    ) -> Result<Value, Failure> {
        let read = |json: &[u8]| {
            let mut object = serde_json::from_slice(json)?;
            complete(&target.of, &mut object);
            Ok(object)
        };
        self.get_as(pass, target, wanted, read).await
    }

    /// Returns one object, as far as a projection asks for it.
    pub(crate) async fn get_part(
        &self,
        pass: &Pass,
        target: &ObjectRef,
        wanted: Wanted,
        projection: &Projection,
    ) -> Result<Value, Failure> {
        if target.of.subresource.is_some() {
            let object = self.get(pass, target, wanted).await?;
            return Ok(projection.of(object));
        }
        let read = |json: &[u8]| projection.read(json);
        self.get_as(pass, target, wanted, read).await
    }

    async fn get_as(
        &self,
        pass: &Pass,
        target: &ObjectRef,
        wanted: Wanted,
        read: impl Fn(&[u8]) -> serde_json::Result<Value>,
    ) -> Result<Value, Failure> {
        let context = context("get", target);
        let json = self
            .send_for(Part::Whole, &context, pass.retry_policy(), |of| {
                request::body(
                    http::Request::get(request::object(of, target)),
                    wanted,
                    Vec::new(),
                )
            })
            .await?;
        let object = is_named(&json, &target.name).and_then(|()| read(&json));
        Ok(object.map_err(|error| self.nonsense(&error, &context))?)
    }

    /// Gives every object of a query to `keep`, page by page, with what it has collected so far, and returns that. A list that expires in the
    /// middle, because the server has forgotten the state that it is of, is begun anew, with a new collection and in one answer, as client-go does.
    pub(crate) async fn list<C>(
        &self,
        pass: &Pass,
        query: &Query,
        read: Reading<'_>,
        begin: impl Fn() -> C,
        keep: impl FnMut(&mut C, Value) -> Result<(), Failure>,
    ) -> Result<C, Failure> {
        self.pages(query, pass.retry_policy(), read, begin, keep)
            .await
    }

    pub(super) async fn pages<C>(
        &self,
        query: &Query,
        retry_policy: RetryPolicy,
        read: Reading<'_>,
        begin: impl Fn() -> C,
        mut keep: impl FnMut(&mut C, Value) -> Result<(), Failure>,
    ) -> Result<C, Failure> {
        let (mut collected, mut at, mut limit) = (begin(), String::new(), PAGE);
        let mut pages = Pages::default();
        loop {
            let mut page = match self.page(query, retry_policy, read, limit, &at).await {
                Err(failure) if failure.code == EXPIRED && !at.is_empty() => {
                    (collected, at, limit) = (begin(), String::new(), "");
                    continue;
                }
                page => page?,
            };
            for mut item in page.take_items() {
                let name = item.pointer("/metadata/name").and_then(Value::as_str);
                if !query.chooses(name.unwrap_or_default()) {
                    continue;
                }
                if !read.is_metadata_only() {
                    page.name_type(&mut item);
                }
                keep(&mut collected, item)?;
            }
            match pages.turn(&page) {
                Ok(Some(token)) => at = token,
                Ok(None) => return Ok(collected),
                Err(what) => return Err(self.failure(&Fault::Nonsense { what }, &query.listing())),
            }
        }
    }

    async fn page(
        &self,
        query: &Query,
        retry_policy: RetryPolicy,
        read: Reading<'_>,
        limit: &str,
        at: &str,
    ) -> Result<Page, Failure> {
        let wanted = match read.is_metadata_only() {
            true => Wanted::MetadataList,
            false => Wanted::Whole,
        };
        let doing = query.listing();
        let fields = query.field_selector();
        let pairs = [
            ("limit", limit),
            ("continue", at),
            ("labelSelector", &query.labels),
            ("fieldSelector", &fields),
        ];
        let answer = self
            .send_for(Part::Whole, &doing, retry_policy, |of| {
                let path = request::path(of, query.namespace.as_deref(), None);
                let request = http::Request::get(path + &request::query(&pairs));
                request::body(request, wanted, Vec::new())
            })
            .await?;
        Ok(Page::read(&answer, read.part()).map_err(|error| self.nonsense(&error, &doing))?)
    }

    /// Returns the end of a log, at most as many bytes as an answer may have.
    pub(crate) async fn logs(&self, pass: &Pass, query: &LogQuery) -> Result<String, Failure> {
        let number = |number: Option<u32>| number.map(|it| it.to_string()).unwrap_or_default();
        let flag = |set: bool| if set { "true" } else { "" };
        let options = request::query(&[
            ("container", query.container.as_deref().unwrap_or_default()),
            ("previous", flag(query.previous)),
            ("tailLines", &number(query.tail_lines)),
            ("sinceSeconds", &number(query.since_seconds)),
            ("timestamps", flag(query.timestamps)),
        ]);
        let doing = RequestContext {
            verb: "read the log of",
            of: ObjectType {
                plural: "pods".to_owned(),
                version: "v1".to_owned(),
                group: String::new(),
                subresource: None,
            },
            namespace: Some(query.namespace.clone()),
            name: Some(query.pod.clone()),
        };
        let bytes = self
            .send_for(Part::End, &doing, pass.retry_policy(), |of| {
                let path = request::path(of, Some(&query.namespace), Some(&query.pod));
                let request = http::Request::get(path + "/log" + &options);
                request::body(request, Wanted::Whole, Vec::new())
            })
            .await
            .map_err(|error| no_logs(error.failure))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Watches a query. Each item carries the query's index. What is heard of the server is noted.
    pub(crate) async fn watch(
        &self,
        _pass: &Pass,
        query: &Query,
        index: usize,
        heard: &Heard,
    ) -> Result<Sightings, Failure> {
        let of = self.served_as(&query.of);
        let resource = ApiResource {
            group: of.group.clone(),
            version: of.version.clone(),
            api_version: of.api_version(),
            kind: String::new(),
            plural: of.plural.clone(),
        };
        let connected = self.connected().await?;
        let kube = heard.by(&connected.client, self.inner.answer_limit);
        let api: kube::Api<DynamicObject> = match &query.namespace {
            Some(namespace) => kube::Api::namespaced_with(kube, namespace, &resource),
            None => kube::Api::all_with(kube, &resource),
        };
        let chosen = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let config = watcher::Config {
            label_selector: chosen(&query.labels),
            field_selector: chosen(&query.field_selector()),
            timeout: Some(SILENT),
            ..watcher::Config::default()
        };
        let query = query.clone();
        let seen = paced(watcher(api, config).boxed());
        Ok(seen
            .filter(move |seen| std::future::ready(query.sees(seen)))
            .map(move |seen| (index, seen))
            .boxed())
    }
}

/// What a watch brings: the index of the query, and what was seen or went wrong.
pub(crate) type Sightings = BoxStream<'static, (usize, Seen)>;
pub(crate) type Seen = Result<watcher::Event<DynamicObject>, watcher::Error>;

/// Waits a little after an error, twice as long after each further one. That it begins to list, which it says without having asked, is no end of
/// them.
fn paced(stream: BoxStream<'static, Seen>) -> BoxStream<'static, Seen> {
    let state = (stream, Duration::ZERO, false);
    futures::stream::unfold(state, |(mut stream, wait, failed)| async move {
        if failed {
            tokio::time::sleep(wait).await;
        }
        let seen = stream.next().await?;
        let wait = match seen {
            Ok(watcher::Event::Init) => wait,
            Ok(_) => Duration::ZERO,
            Err(_) => (wait * 2).clamp(Duration::from_millis(100), Duration::from_secs(5)),
        };
        let failed = seen.is_err();
        Some((seen, (stream, wait, failed)))
    })
    .boxed()
}

/// Checks that an answer is about the object that was asked for: a document that says nothing, such as `{}`, is no object.
pub(super) fn is_named(answer: &[u8], name: &str) -> serde_json::Result<()> {
    #[derive(Deserialize)]
    struct Object {
        metadata: Metadata,
    }
    #[derive(Deserialize)]
    struct Metadata {
        name: String,
    }
    let object: Object = serde_json::from_slice(answer)?;
    match object.metadata.name == name {
        true => Ok(()),
        false => Err(serde_json::Error::custom(
            "it is another object than the one that was asked for",
        )),
    }
}

/// Writes the zero into a scale that the API server leaves out of it: otherwise what was scaled to it would seem to have changed since.
pub(super) fn complete(of: &ObjectType, object: &mut Value) {
    let replicas = object.pointer("/spec/replicas");
    if of.subresource.as_deref() == Some("scale") && replicas.is_none() && object.is_object() {
        fields::set(object, "/spec/replicas", 0.into());
    }
}

/// A container that has not started is answered with 400.
fn no_logs(failure: Failure) -> Failure {
    use agent_core::failure::Kind;
    if failure.kind != Kind::Invalid {
        return failure;
    }
    Failure {
        kind: Kind::Unavailable,
        code: "cluster.no-logs".to_owned(),
        ..failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn list_that_fails_for_good_is_tried_ever_more_seldom() {
        let failing = futures::stream::iter(0..20).map(|turn| match turn % 2 {
            0 => Ok(watcher::Event::Init),
            _ => Err(watcher::Error::NoResourceVersion),
        });
        let begun = tokio::time::Instant::now();
        assert_eq!(paced(failing.boxed()).count().await, 20);
        // 0.1, 0.2, 0.4, … 3.2, 5, 5, 5, 5
        assert_eq!(begun.elapsed().as_millis(), 6_300 + 4 * 5_000);
    }
}
