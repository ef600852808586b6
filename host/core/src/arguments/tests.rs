//! Tables of arguments and verdicts.

use serde_json::json;

use super::*;

fn restore() -> Operation {
    serde_json::from_value(json!({
        "name": "restore", "summary": "Restore",
        "parameters": [
            {"name": "namespace", "summary": "the namespace", "style": "positional", "required": true, "schema": {"type": "string", "format": "name"}},
            {"name": "previous", "summary": "skip", "style": "flag", "schema": {"type": "integer", "minimum": 0}},
            {"name": "as-of", "summary": "time", "style": "flag", "schema": {"type": "string", "format": "date-time"}},
            {"name": "kind", "summary": "kind", "style": "flag", "default": "ks", "schema": {"type": "string", "enum": ["ks", "hr"]}},
            {"name": "all", "summary": "all", "style": "flag", "default": false, "schema": {"type": "boolean"}}
        ],
        "constraints": [{"at-most-one": ["previous", "as-of"]}, {"requires": ["as-of", "all"]}]
    }))
    .expect("a descriptor")
}

fn verdict(arguments: Value) -> Result<Value, String> {
    let Value::Object(arguments) = arguments else {
        panic!("arguments are an object")
    };
    complete(&restore(), arguments)
        .map(Value::Object)
        .map_err(|misfit| misfit.to_string())
}

#[test]
fn defaults_are_filled_in() {
    assert_eq!(
        verdict(json!({"namespace": "media"})),
        Ok(json!({"namespace": "media", "kind": "ks", "all": false}))
    );
}

#[test]
fn each_misfit_says_what_and_why() {
    let table = [
        (json!({}), "`namespace` is missing: the namespace"),
        (
            json!({"namespace": "Media"}),
            "`namespace` is `Media`, which is not the name of an object (lower-case letters, digits, dashes, dots)",
        ),
        (
            json!({"namespace": "m", "previous": -1}),
            "`previous` is `-1`, which is not a whole number, 0 or more",
        ),
        (
            json!({"namespace": "m", "previous": "1"}),
            "`previous` is `1`, which is not a whole number, 0 or more",
        ),
        (
            json!({"namespace": "m", "as-of": "noon", "all": true}),
            "`as-of` is `noon`, which is not a time such as `2026-11-22T06:00:00Z`",
        ),
        (
            json!({"namespace": "m", "kind": "x"}),
            "`kind` is `x`, which is not one of `ks`, `hr`",
        ),
        (
            json!({"namespace": "m", "previus": 1}),
            "there is no parameter `previus`",
        ),
        (
            json!({"namespace": "m", "previous": 1, "as-of": "2026-01-01T00:00:00Z"}),
            "`previous`, `as-of` exclude each other: give one of them",
        ),
        (
            json!({"namespace": "m", "as-of": "2026-01-01T00:00:00Z"}),
            "`as-of` needs `all` as well",
        ),
    ];
    for (arguments, message) in table {
        assert_eq!(
            verdict(arguments.clone()),
            Err(message.to_owned()),
            "{arguments}"
        );
    }
}

#[test]
fn an_unknown_parameter_names_the_nearest() {
    let misfit = complete(
        &restore(),
        serde_json::from_value(json!({"previus": 1})).expect("a map"),
    )
    .expect_err("misfit");
    let hint = misfit.into_failure("volsync.restore").hint.expect("a hint");
    assert!(hint.starts_with("did you mean previous?"), "{hint}");
}

#[test]
fn what_names_a_thing_in_the_cluster_is_a_name() {
    let named = |name: &str, names: Value| json!({"name": name, "summary": "s", "style": "positional", "schema": {"type": "string"}, "names": names});
    let operation = json!({"name": "look", "summary": "Look", "parameters": [
        named("namespace", json!("namespace")), named("app", json!({"object": "pods.v1"})),
    ]});
    let operation: Operation = serde_json::from_value(operation).expect("an operation");
    let verdict = |arguments: Value| {
        let given = arguments.as_object().expect("an object").clone();
        complete(&operation, given).map_err(|misfit| misfit.to_string())
    };
    for name in ["plex", "system:node", "Plex", "a.b"] {
        assert!(
            verdict(json!({"namespace": "media", "app": name})).is_ok(),
            "{name}"
        );
    }
    let long = "x".repeat(700);
    for name in ["", "a\nb", "a b", "a/b", "..", "\u{1b}[2J", long.as_str()] {
        let said = verdict(json!({"namespace": "media", "app": name})).expect_err("refused");
        assert!(said.starts_with("`app` is `"), "{said}");
        assert!(said.ends_with("`, which is not the name of an object (at most 253 letters, without blanks, `/` and `%`)"), "{said}");
        assert!(said.len() < 300 && !said.contains('\n'), "{said}");
    }
    for name in ["MEDIA", "", "*", "a.b"] {
        let said = verdict(json!({"namespace": name})).expect_err("refused");
        let wanted = format!(
            "`namespace` is `{name}`, which is not the name of a namespace (lower-case letters, digits and dashes, at most 63)"
        );
        assert_eq!(said, wanted);
    }
}

fn several(required: bool) -> Operation {
    serde_json::from_value(json!({
        "name": "several", "summary": "s",
        "parameters": [
            {"name": "names", "summary": "which ones", "style": "positional", "required": required, "schema": {"type": "array", "items": {"type": "string", "format": "name"}}},
            {"name": "share", "summary": "how much", "style": "flag", "schema": {"type": "number", "minimum": 0.5, "maximum": 2}},
            {"name": "all", "summary": "all", "style": "flag", "schema": {"type": "boolean"}}
        ],
        "constraints": [{"at-most-one": ["names", "all"]}]
    }))
    .expect("a descriptor")
}

fn judged(required: bool, arguments: Value) -> Result<Value, String> {
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let completed = complete(&several(required), arguments);
    completed
        .map(Value::Object)
        .map_err(|misfit| misfit.to_string())
}

#[test]
fn each_element_of_an_array_is_judged() {
    let good = json!({"names": ["plex", "radarr"], "share": 0.75});
    assert_eq!(judged(true, good.clone()), Ok(good));
    for (wrong, message) in [
        (
            json!({"names": ["plex", "Radarr"]}),
            "`names` is `Radarr`, which is not the name of an object (lower-case letters, digits, dashes, dots)",
        ),
        (
            json!({"names": "plex"}),
            "`names` is `plex`, which is not an array of at most 1000",
        ),
        (
            json!({"names": vec!["a"; 1001]}),
            "`names` is `1001 values`, which is not an array of at most 1000",
        ),
        (
            json!({"names": [["a"]]}),
            "`names` is `[\"a\"]`, which is not the name of an object (lower-case letters, digits, dashes, dots)",
        ),
        (json!({"names": []}), "`names` is missing: which ones"),
        (
            json!({"names": ["a"], "all": true}),
            "`names`, `all` exclude each other: give one of them",
        ),
        (
            json!({"names": ["a"], "share": 2.5}),
            "`share` is `2.5`, which is not a number from 0.5 to 2",
        ),
        (
            json!({"names": ["a"], "share": "1"}),
            "`share` is `1`, which is not a number from 0.5 to 2",
        ),
    ] {
        assert_eq!(judged(true, wrong), Err(message.to_owned()));
    }
    let none = json!({"names": [], "all": true});
    assert_eq!(judged(false, none.clone()), Ok(none));
}

#[test]
fn word_is_one_more_element_of_an_array_and_the_value_of_anything_else() {
    let operation = several(true);
    let mut given = Map::new();
    for (name, word) in [
        ("names", "plex"),
        ("names", "radarr"),
        ("share", "1e0"),
        ("share", "1.5"),
    ] {
        let parameter = operation.parameter(name).expect("declared");
        add(parameter, word, &mut given).expect("fits");
    }
    assert_eq!(
        Value::Object(given.clone()),
        json!({"names": ["plex", "radarr"], "share": 1.5})
    );
    let share = operation.parameter("share").expect("declared");
    for word in ["inf", "NaN", "much", ""] {
        assert!(add(share, word, &mut given).is_err(), "{word}");
    }
}

#[test]
fn whole_numbers_are_compared_as_such() {
    let mut operation = restore();
    let previous = operation.parameters.get_mut(1).expect("declared");
    previous.schema.maximum = Some(9_007_199_254_740_993_i64.into());
    assert!(fits(previous, &json!(9_007_199_254_740_993_i64)).is_ok());
    assert!(fits(previous, &json!(9_007_199_254_740_994_i64)).is_err());
    assert!(fits(previous, &json!(1.0)).is_err());
}
