//! The plugins of the scripted agent.

use agent_core::agent::{Origin, Plugin, State, Usable};
use agent_core::{Digest, Failure, Kind};
use serde_json::{Value, json};

pub(super) fn found(with_refused: bool) -> Vec<Plugin> {
    let mut plugins = vec![
        plugin("flux", "Reconcile, suspend and resume Flux objects", flux()),
        plugin(
            "volsync",
            "Back up and restore volumes with VolSync",
            volsync(),
        ),
    ];
    if with_refused {
        let failure = Failure::new(
            Kind::Invalid,
            "plugin.not-a-component",
            "it is 0 bytes long, so it is no component",
        );
        plugins.push(Plugin {
            origin: Origin::File("./empty.wasm".to_owned()),
            digest: Digest::from_sha256(&[0; 32]),
            state: State::Refused { failure },
            in_place_of: None,
        });
    }
    plugins
}

/// A plugin with an operation that needs a secret.
pub(super) fn vault() -> Plugin {
    let login = json!({
        "name": "login", "summary": "Log in", "risk": "change",
        "parameters": [
            {"name": "user", "summary": "who", "style": "positional", "required": true, "schema": {"type": "string"}},
            {"name": "token", "summary": "the token to log in with", "style": "flag", "required": true, "secret": true, "schema": {"type": "string"}},
            {"name": "pin", "summary": "the PIN of the token", "style": "flag", "secret": true, "schema": {"type": "string"}}
        ]
    });
    plugin("vault", "Log in", json!([login]))
}

fn plugin(id: &str, description: &str, operations: Value) -> Plugin {
    let manifest = json!({
        "manifest": 1, "id": id, "version": "0.1.0", "description": description, "license": "Apache-2.0", "min-agent": "0.1.0",
        "request": [
            {"capability": "cluster", "verbs": ["get", "list"], "resources": ["pods"], "namespaces": ["{namespace}"], "why": "find the pods that mount the volume"},
            {"capability": "cluster", "verbs": ["patch"], "resources": ["deployments.apps"], "fields": ["/spec/replicas"], "namespaces": ["{namespace}"], "names": ["{app}"], "operations": ["restore"], "why": "scale the app"},
            {"capability": "cluster", "verbs": ["signal"], "resources": ["things.example.org"], "fields": ["/spec/now", "/metadata/annotations/example.org~1*"], "namespaces": ["*"], "operations": ["restore"], "why": "have it begin"},
            {"capability": "operations", "call": ["flux.suspend"], "operations": ["restore"], "why": "keep Flux from reverting the restore"}
        ]
    });
    let usable = Usable {
        manifest: serde_json::from_value(manifest).expect("a manifest"),
        descriptor: serde_json::from_value(json!({"operations": operations}))
            .expect("a descriptor"),
        imports: vec![
            "ops:run/run@0.2.0".to_owned(),
            "ops:cluster/cluster@0.2.0".to_owned(),
        ],
        granted: vec!["cluster:get:pods:*".parse().expect("a right")],
        missing: [
            "cluster:list:pods:*",
            "cluster:patch:deployments.apps#/spec/replicas:*",
            "cluster:signal:things.example.org#/spec/now:*",
        ]
        .map(|right| right.parse().expect("a right"))
        .to_vec(),
    };
    Plugin {
        origin: Origin::Bundled,
        digest: Digest::from_sha256(&[7; 32]),
        state: State::Usable(Box::new(usable)),
        in_place_of: None,
    }
}

pub(crate) fn volsync() -> Value {
    json!([
        {
            "name": "restore", "summary": "Restore an app's volume from a snapshot", "risk": "destroy",
            "description": "The app is stopped, its volume is overwritten,\nand everything that was stopped is started again.\n\nWhat was suspended before stays suspended.",
            "parameters": [
                {"name": "namespace", "summary": "the app's namespace", "style": "positional", "required": true, "schema": {"type": "string", "format": "name"}, "names": "namespace"},
                {"name": "name", "summary": "the app", "style": "positional", "required": true, "schema": {"type": "string", "format": "name"}, "names": {"object": "replicationsources.v1alpha1.volsync.backube"}},
                {"name": "previous", "summary": "skip the N newest snapshots", "style": "flag", "schema": {"type": "integer", "minimum": 0}},
                {"name": "as-of", "summary": "take the newest snapshot before TIME", "style": "flag", "schema": {"type": "string", "format": "date-time"}},
                {"name": "no-safety-snapshot", "summary": "make no snapshot of the present state first", "style": "flag", "schema": {"type": "boolean"}, "default": false},
                {"name": "timeout", "summary": "give up after that", "style": "flag", "schema": {"type": "string", "format": "duration"}, "default": "30m"}
            ],
            "constraints": [{"at-most-one": ["previous", "as-of"]}],
            "examples": ["volsync.restore media plex", "volsync.restore media plex --previous 1"]
        },
        {"name": "status", "summary": "Show the state of backups", "risk": "read"}
    ])
}

pub(crate) fn flux() -> Value {
    let kinds = json!({"object-by": {"parameter": "kind", "of": {"ks": "kustomizations.v1.kustomize.toolkit.fluxcd.io", "hr": "helmreleases.v2.helm.toolkit.fluxcd.io"}}});
    json!([
        {
            "name": "sync", "summary": "Ask Flux to reconcile now, without waiting", "risk": "change",
            "parameters": [
                {"name": "kind", "summary": "what to reconcile", "style": "positional", "schema": {"type": "string", "enum": ["ks", "hr"]}, "default": "ks"},
                {"name": "namespace", "summary": "the namespace", "style": "positional", "schema": {"type": "string", "format": "name"}, "names": "namespace"},
                {"name": "name", "summary": "the object", "style": "positional", "schema": {"type": "string", "format": "name"}, "names": kinds},
                {"name": "all", "summary": "every object of the kind", "style": "flag", "schema": {"type": "boolean"}, "default": false, "short": "a"}
            ],
            "constraints": [{"exactly-one": ["name", "all"]}],
            "columns": [
                {"heading": "NAMESPACE", "key": "namespace"}, {"heading": "NAME", "key": "name"},
                {"heading": "RESULT", "key": "result"}, {"heading": "MESSAGE", "key": "message"}
            ]
        }
    ])
}
