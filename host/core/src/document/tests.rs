//! What a document may be, by one that is not so for each rule.

use serde_json::{Value, json};

use super::*;

fn manifest(requests: Value) -> Manifest {
    let manifest = json!({
        "manifest": 1, "id": "hello", "version": "0.1.0", "description": "d", "license": "Apache-2.0", "min-agent": "0.1.0",
        "request": requests,
    });
    serde_json::from_value(manifest).expect("a manifest")
}

fn cluster(more: Value) -> Value {
    let mut request = json!({
        "capability": "cluster", "verbs": ["get"], "resources": ["pods"], "namespaces": ["*"], "why": "w"
    });
    let fields = request.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    request
}

fn patch(more: Value) -> Value {
    let mut request = cluster(more);
    if request["verbs"] == json!(["get"]) {
        request["verbs"] = json!(["patch"]);
    }
    request
}

fn pointers(count: usize) -> Vec<String> {
    texts(count).iter().map(|text| format!("/{text}")).collect()
}

fn operation(more: Value) -> Value {
    let mut operation = json!({ "name": "greet", "summary": "Greet" });
    let fields = operation.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    operation
}

fn parameter(name: &str, more: Value) -> Value {
    let mut parameter = json!({
        "name": name, "summary": "It", "style": "flag", "schema": { "type": "string" }
    });
    let fields = parameter.as_object_mut().expect("an object");
    fields.extend(more.as_object().expect("an object").clone());
    parameter
}

fn judged(requests: Value, operations: Value) -> Result<(), Unfit> {
    let manifest = manifest(requests);
    let descriptor = json!({ "operations": operations });
    let descriptor: Descriptor = serde_json::from_value(descriptor).expect("a descriptor");
    manifest.judge()?;
    descriptor.judge(&manifest)
}

fn said(requests: Value, operations: Value) -> String {
    judged(requests, operations)
        .expect_err("refused")
        .to_string()
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("n{number}")).collect()
}

#[test]
fn what_a_plugin_needs_is_taken() {
    let request = cluster(json!({ "namespaces": ["{namespace}"], "operations": ["greet"] }));
    let greet = operation(json!({
        "parameters": [
            parameter("namespace", json!({ "required": true, "style": "positional" })),
            parameter("count", json!({ "schema": { "type": "integer" }, "default": 1, "short": "c" })),
        ],
        "constraints": [{ "requires": ["count", "namespace"] }],
        "columns": [{ "heading": "NAME", "key": "name" }],
        "locks": ["hello:{namespace}"],
        "examples": ["hello.greet", "hello.greet media --count 2"],
    }));
    assert_eq!(judged(json!([request]), json!([greet])), Ok(()));
}

#[test]
fn more_than_anybody_needs_is_refused() {
    let many = |key: &str, count| json!([cluster(json!({ key: texts(count) }))]);
    let nothing = json!([]);
    let of_greet = |more| json!([operation(more)]);
    let parameters: Vec<Value> = texts(51)
        .iter()
        .map(|it| parameter(it, json!({})))
        .collect();
    let operations: Vec<Value> = texts(201)
        .iter()
        .map(|it| operation(json!({ "name": it })))
        .collect();
    let locks: Vec<String> = texts(9).iter().map(|it| format!("hello:{it}")).collect();
    let listed = json!({ "schema": { "type": "string", "enum": texts(101) } });
    let table = [
        (
            json!(vec![cluster(json!({})); 65]),
            nothing.clone(),
            "65 requests, and may have 64",
        ),
        (
            many("resources", 65),
            nothing.clone(),
            "65 resources, and may have 64",
        ),
        (many("namespaces", 65), nothing.clone(), "65 namespaces"),
        (many("operations", 65), nothing.clone(), "65 operations"),
        (many("names", 65), nothing.clone(), "65 names"),
        (
            json!([patch(json!({ "fields": pointers(65) }))]),
            nothing.clone(),
            "65 fields, and may have 64",
        ),
        (
            json!([patch(
                json!({ "fields": pointers(64), "names": texts(64), "resources": texts(64), "namespaces": texts(64) })
            )]),
            nothing.clone(),
            "16777216 rights that it requests",
        ),
        (
            json!([cluster(
                json!({ "resources": texts(64), "namespaces": texts(64) })
            )]),
            nothing.clone(),
            "4096 rights that it requests",
        ),
        (nothing.clone(), json!(operations), "201 operations"),
        (
            nothing.clone(),
            of_greet(json!({ "parameters": parameters })),
            "51 parameters",
        ),
        (
            nothing.clone(),
            of_greet(json!({ "locks": locks })),
            "9 locks, and may have 8",
        ),
        (
            nothing.clone(),
            of_greet(json!({ "examples": vec!["hello.greet"; 51] })),
            "51 examples",
        ),
        (
            nothing.clone(),
            of_greet(json!({ "parameters": [parameter("a", listed)] })),
            "101 values",
        ),
    ];
    for (requests, operations, wanted) in table {
        let said = said(requests, operations);
        assert!(said.contains(wanted), "{said}");
    }
}

#[test]
fn text_without_end_is_refused() {
    let long = "x".repeat(10_000);
    let of_greet = |more| (json!([]), json!([operation(more)]));
    let of_parameter = |more| of_greet(json!({ "parameters": [parameter("a", more)] }));
    for (requests, operations) in [
        (json!([cluster(json!({ "why": long }))]), json!([])),
        of_greet(json!({ "summary": long })),
        of_greet(json!({ "description": long })),
        of_greet(json!({ "examples": [format!("hello.greet {long}")] })),
        of_parameter(json!({ "summary": long })),
        of_parameter(json!({ "default": long })),
        of_parameter(json!({ "schema": { "type": "string", "enum": [long] } })),
    ] {
        let said = said(requests, operations);
        assert!(said.contains(" characters, and may have "), "{said}");
        assert!(said.len() < 200, "{said}");
    }
}

#[test]
fn request_that_asks_for_nothing_is_refused() {
    for key in ["verbs", "resources", "namespaces"] {
        let said = said(json!([cluster(json!({ key: [] }))]), json!([]));
        assert_eq!(said, format!("request 1 of the manifest has no {key}"));
    }
}

#[test]
fn place_that_an_invocation_could_leave_open_is_refused() {
    let request = json!([cluster(json!({ "namespaces": ["{namespace}"] }))]);
    let with = |more| {
        json!([operation(
            json!({ "parameters": [parameter("namespace", more)] })
        )])
    };
    let integer = json!({ "required": true, "schema": { "type": "integer" } });
    let table = [
        (json!([operation(json!({}))]), "does not exist"),
        (with(json!({})), "may be left out: write `{parameter|*}`"),
        (with(integer), "is not text"),
        (
            with(json!({ "required": true, "secret": true })),
            "is not text",
        ),
    ];
    for (operations, wanted) in table {
        let said = said(request.clone(), operations);
        assert!(said.contains("`namespace` of `greet` "), "{said}");
        assert!(said.contains(wanted), "{said}");
    }
    for good in [json!({ "required": true }), json!({ "default": "media" })] {
        assert_eq!(judged(request.clone(), with(good)), Ok(()));
    }
    let open = json!([cluster(json!({ "namespaces": ["{namespace|*}"] }))]);
    assert_eq!(judged(open, with(json!({}))), Ok(()));
    // So is the name of an object, and there are no names that mean all.
    let named = json!([cluster(json!({ "names": ["{namespace}"] }))]);
    assert!(said(named.clone(), with(json!({}))).contains("may be left out: make it required"));
    assert_eq!(judged(named, with(json!({ "required": true }))), Ok(()));
    // The reach of a call is a place as well.
    let call = json!([{
        "capability": "operations", "call": ["flux.suspend"], "namespaces": ["{namespace}"], "why": "w"
    }]);
    assert!(said(call, with(json!({}))).contains("may be left out"));
}

#[test]
fn fields_are_for_verbs_that_set_some() {
    let request = |verbs: Value, fields: Value| {
        judged(
            json!([cluster(json!({ "verbs": verbs, "fields": fields }))]),
            json!([]),
        )
    };
    let a = || json!(["/spec/a"]);
    for verb in ["get", "list", "watch", "create", "delete", "evict", "logs"] {
        assert_eq!(request(json!([verb]), json!([])), Ok(()));
        let refused = request(json!(["patch", verb]), a()).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            format!(
                "request 1 of the manifest has `fields`, and `{verb}` has none: put it into another request"
            )
        );
    }
    assert_eq!(request(json!(["patch", "apply"]), json!([])), Ok(()));
    assert_eq!(
        request(json!(["patch", "apply", "signal", "ignore"]), a()),
        Ok(())
    );
    for verb in ["signal", "ignore"] {
        let refused = request(json!([verb]), json!([])).expect_err("refused");
        assert_eq!(
            refused.to_string(),
            format!(
                "request 1 of the manifest has the verb `{verb}`, and does not say for which `fields`"
            )
        );
    }
}

#[test]
fn what_holds_something_cannot_be_signalled() {
    let signal = |of: &str, field: &str| {
        let request = cluster(json!({ "verbs": ["signal"], "resources": [of], "fields": [field] }));
        judged(json!([request]), json!([])).map_err(|refused| refused.to_string())
    };
    for field in [
        "/spec/trigger/manual",
        "/spec/now",
        "/data/now",
        "/status/a/b",
        "/metadata/annotations/now",
        "/metadata/annotations/example.org~1now",
        "/metadata/annotations/example.org~1*",
        "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
    ] {
        assert_eq!(signal("things.example.org", field), Ok(()), "{field}");
    }
    for (field, why) in [
        ("/spec", "that is a whole part"),
        ("/sp*", "that is a whole part"),
        ("/*", "that is a whole part"),
        ("/status", "that is a whole part"),
        ("/data", "that is a whole part"),
        ("/spec/*", "only of annotations the end may be left open"),
        ("/spec/tem*", "only of annotations the end may be left open"),
        ("/data/a*", "only of annotations the end may be left open"),
        ("/metadata", "of the metadata"),
        ("/metadata/*", "of the metadata"),
        ("/metadata/labels/a", "of the metadata"),
        ("/metadata/finalizers", "of the metadata"),
        ("/metadata/finalizers/0", "of the metadata"),
        ("/metadata/ownerReferences", "of the metadata"),
        ("/metadata/annotations", "of the metadata"),
        ("/metadata/annotations/a/b", "of the metadata"),
        ("/metadata/annotations/*", "only of annotations"),
        ("/metadata/annotations/a*", "only of annotations"),
        ("/spec/template", "of the metadata and of a pod template"),
        ("/spec/template/spec/hostNetwork", "of the metadata and"),
        ("/spec/template/metadata/labels/a", "of the metadata and"),
        ("/spec/template/metadata/annotations", "of the metadata and"),
        (
            "/spec/template/metadata/annotations/*",
            "only of annotations",
        ),
        ("/spec/jobTemplate/spec/suspend", "of the metadata and"),
    ] {
        let refused = signal("things.example.org", field).expect_err(field);
        let begins = format!("request 1 of the manifest asks to signal `{field}`: {why}");
        assert!(refused.starts_with(&begins), "{refused}");
    }
    let annotation = "/metadata/annotations/example.org~1now";
    for of in ["secrets", "secrets/status", "*"] {
        let refused = signal(of, annotation).expect_err(of);
        assert!(
            refused.contains(&format!("asks to signal `{of}`: ")),
            "{refused}"
        );
    }
    // What a patch may set is another thing: it is put back.
    let request = cluster(json!({ "verbs": ["patch"], "resources": ["*"], "fields": ["/spec"] }));
    assert_eq!(judged(json!([request]), json!([])), Ok(()));
}

#[test]
fn name_that_leads_nowhere_is_refused() {
    let of_greet = |more| (json!([]), json!([operation(more)]));
    let by = json!({ "names": { "object-by": { "parameter": "kind", "of": {} } } });
    for (requests, operations) in [
        (
            json!([cluster(json!({ "operations": ["leave"] }))]),
            json!([operation(json!({}))]),
        ),
        of_greet(json!({ "locks": ["hello:{app}"] })),
        of_greet(json!({ "constraints": [{ "requires": ["a", "b"] }] })),
        of_greet(json!({ "parameters": [parameter("a", by)] })),
    ] {
        let refused = judged(requests, operations).expect_err("refused");
        assert!(matches!(refused, Unfit::Unknown { .. }), "{refused}");
    }
}

#[test]
fn two_of_one_name_are_refused() {
    let of_greet = |more| json!([operation(more)]);
    let a = || parameter("a", json!({ "short": "x" }));
    let b = parameter("b", json!({ "short": "x" }));
    for operations in [
        json!([operation(json!({})), operation(json!({}))]),
        of_greet(json!({ "parameters": [a(), a()] })),
        of_greet(json!({ "parameters": [a(), b] })),
    ] {
        let refused = judged(json!([]), operations).expect_err("refused");
        assert!(matches!(refused, Unfit::Twice { .. }), "{refused}");
    }
}

#[test]
fn lock_of_another_plugin_is_refused() {
    let lock = |lock: &str| said(json!([]), json!([operation(json!({ "locks": [lock] }))]));
    assert_eq!(
        lock("volsync:media/plex"),
        "operation `greet` takes the lock `volsync:media/plex`, and locks of this plugin begin with `hello:`"
    );
    assert!(lock("hello-too:x").contains("begin with `hello:`"));
}

#[test]
fn example_is_a_call_of_its_operation_and_nothing_else() {
    let example = |example: &str| {
        judged(
            json!([]),
            json!([operation(json!({ "examples": [example] }))]),
        )
    };
    for wrong in [
        "hello.greet; touch pwned",
        "hello.greet $(touch pwned)",
        "hello.greet `id`",
        "hello.greet > /etc/passwd",
        "hello.greet\ntouch pwned",
        "hello.greet | sh",
        "hello.greet & id",
        "hello.greet 'open",
        "hello.greets",
        "flux.suspend ks media plex",
        "",
        "hello.greet \u{202e}",
    ] {
        let refused = example(wrong).expect_err(wrong);
        assert!(matches!(refused, Unfit::Example { .. }), "{refused}");
        assert!(!refused.to_string().chars().any(crate::text::steers));
    }
    assert_eq!(
        example("hello.greet media --to 'my friend' --as-of 2026-01-01T00:00:00Z"),
        Ok(())
    );
}

#[test]
fn value_that_would_be_an_option_or_two_lines_is_refused() {
    let with = |more| {
        let parameters = json!([parameter("a", more)]);
        judged(
            json!([]),
            json!([operation(json!({ "parameters": parameters }))]),
        )
    };
    let listed = |value: &str| with(json!({ "schema": { "type": "string", "enum": [value] } }));
    for value in ["--yes", "-rf", "", "a\nb", "a\u{1b}[2J", "a\u{200b}"] {
        assert!(
            matches!(listed(value), Err(Unfit::Value { .. })),
            "{value:?}"
        );
    }
    assert_eq!(listed("ks"), Ok(()));
    let integer = json!({ "schema": { "type": "integer" }, "default": "x" });
    assert!(matches!(
        with(integer),
        Err(Unfit::Value { of: "default", .. })
    ));
    assert!(matches!(
        with(json!({ "short": "-" })),
        Err(Unfit::Value { .. })
    ));
}

#[test]
fn column_has_a_heading_and_a_key_that_a_row_can_have() {
    let column = |heading: &str, key: &str| {
        let columns = json!([{ "heading": heading, "key": key }]);
        judged(json!([]), json!([operation(json!({ "columns": columns }))]))
    };
    assert_eq!(column("NAME", "name"), Ok(()));
    let long = "X".repeat(41);
    for (heading, key) in [
        (long.as_str(), "a"),
        ("A\nB", "a"),
        ("A", "a b"),
        ("A", ""),
        ("A", "$(id)"),
    ] {
        let refused = column(heading, key).expect_err("refused");
        assert!(matches!(refused, Unfit::Column { .. }), "{refused}");
    }
}

#[test]
fn shape_that_no_command_line_could_serve_is_refused() {
    let array = || json!({"type": "array", "items": {"type": "string"}});
    let place = |name: &str, schema: Value| json!({"name": name, "summary": "s", "style": "positional", "schema": schema});
    let one = |schema: Value| json!([{"name": "get", "summary": "s", "parameters": [place("names", schema)]}]);
    let no = json!([]);
    assert_eq!(judged(no.clone(), one(array())), Ok(()));
    for wrong in [
        json!({"type": "array"}),
        json!({"type": "array", "items": array()}),
        json!({"type": "array", "items": {"type": "string"}, "enum": ["a"]}),
        json!({"type": "string", "items": {"type": "string"}}),
        json!({"type": "string", "minimum": 1}),
        json!({"type": "integer", "format": "name"}),
        json!({"type": "boolean", "maximum": 1}),
    ] {
        let said = said(no.clone(), one(wrong.clone()));
        assert!(
            said.starts_with("schema of parameter `names`"),
            "{wrong}: {said}"
        );
    }
    let secret = json!({"name": "names", "summary": "s", "style": "flag", "secret": true, "schema": array()});
    let operations = json!([{"name": "get", "summary": "s", "parameters": [secret]}]);
    assert!(said(no.clone(), operations).starts_with("schema of parameter"));
    let behind = json!([{"name": "get", "summary": "s", "parameters": [place("names", array()), place("last", json!({"type": "string"}))]}]);
    let message = "place of parameter `names` of operation `get` is wrong: it must be the last one, for an array takes all words from there on";
    assert_eq!(said(no.clone(), behind), message);
    let locked = json!([{"name": "get", "summary": "s", "locks": ["PLUGIN:{names}"], "parameters": [place("names", array())]}]);
    let id = manifest(json!([])).id.to_string();
    let locked = locked.to_string().replace("PLUGIN", &id);
    let locked = serde_json::from_str(&locked).expect("JSON");
    assert!(said(no, locked).starts_with("place in a lock of parameter `names`"));
}

#[test]
fn error_that_is_not_the_plugins_own_is_refused() {
    let id = manifest(json!([])).id.to_string();
    let with = |code: &str, kind: &str| {
        let error = json!({"code": code, "kind": kind, "summary": "when it comes"});
        json!([{"name": "get", "summary": "s", "errors": [error]}])
    };
    let no = || json!([]);
    assert_eq!(
        judged(no(), with(&format!("{id}.busy"), "conflict")),
        Ok(())
    );
    let foreign = said(no(), with("cluster.not-found", "not-found"));
    let message = "code of error `cluster.not-found` of operation `get` is wrong: it must be one that begins with the id of the plugin";
    assert_eq!(foreign, message);
    let declined = said(no(), with(&format!("{id}.no"), "declined"));
    assert!(
        declined.contains("what a person declines is the host's to say"),
        "{declined}"
    );
    let result = json!([{"name": "get", "summary": "s", "result": true}]);
    assert!(said(no(), result).starts_with("result of operation `get` is wrong"));
}
