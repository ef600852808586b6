//! Requests about Leases. They are the host's own business, no wish of a plugin, and so need no pass.

use agent_core::failure::{Failure, Kind};
use agent_core::object::ObjectRef;
use agent_gate::RetryPolicy;
use serde_json::{Value, json};

use super::request::{self, Wanted};
use super::write::json_request;
use super::{ClusterClient, context};

impl ClusterClient {
    /// Returns a Lease, or none when there is none.
    pub(in crate::cluster) async fn lease(
        &self,
        target: &ObjectRef,
        retry_policy: RetryPolicy,
    ) -> Result<Option<Value>, Failure> {
        let doing = context("get", target);
        let sent = self.send(&doing, retry_policy, |of| {
            let path = request::path(of, target.namespace.as_deref(), Some(&target.name));
            request::body(http::Request::get(path), Wanted::Whole, Vec::new())
        });
        match sent.await.map_err(Failure::from) {
            Ok(lease) => Ok(Some(lease)),
            Err(failure) if failure.kind == Kind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Makes a Lease.
    pub(in crate::cluster) async fn make_lease(
        &self,
        target: &ObjectRef,
        lease: &Value,
    ) -> Result<(), Failure> {
        let doing = context("create", target);
        let sent = self.send(&doing, RetryPolicy::Call, |of| {
            let path = request::path(of, target.namespace.as_deref(), None);
            let request = json_request(http::Request::post(path), "application/json");
            request::body(request, Wanted::Metadata, lease.to_string().into_bytes())
        });
        Ok(sent.await.map(drop)?)
    }

    /// Replaces a Lease, if it is still the one that was read.
    pub(in crate::cluster) async fn replace_lease(
        &self,
        target: &ObjectRef,
        lease: &Value,
    ) -> Result<(), Failure> {
        let doing = context("update", target);
        let sent = self.send(&doing, RetryPolicy::Call, |of| {
            let path = request::path(of, target.namespace.as_deref(), Some(&target.name));
            let request = json_request(http::Request::put(path), "application/json");
            request::body(request, Wanted::Metadata, lease.to_string().into_bytes())
        });
        Ok(sent.await.map(drop)?)
    }

    /// Removes a Lease, if it is still the one that was read.
    pub(in crate::cluster) async fn remove_lease(
        &self,
        target: &ObjectRef,
        lease: &Value,
        retry_policy: RetryPolicy,
    ) -> Result<(), Failure> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {
                "uid": lease["metadata"]["uid"],
                "resourceVersion": lease["metadata"]["resourceVersion"],
            },
        });
        let doing = context("delete", target);
        let sent = self.send(&doing, retry_policy, |of| {
            let path = request::path(of, target.namespace.as_deref(), Some(&target.name));
            let request = json_request(http::Request::delete(path), "application/json");
            request::body(request, Wanted::Whole, options.to_string().into_bytes())
        });
        Ok(sent.await.map(drop)?)
    }
}
