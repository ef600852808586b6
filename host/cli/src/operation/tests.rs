//! Which word becomes which argument.

use serde_json::json;

use super::*;

fn sync() -> Operation {
    serde_json::from_value(crate::tests::plugins::flux()[0].clone()).expect("an operation")
}

fn verdict(operation: &Operation, words: &str) -> Value {
    let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    match read("flux.sync", operation, &words, false) {
        Ok(Given::Call { arguments, .. }) => Value::Object(arguments),
        other => panic!("{words:?}: {other:?}"),
    }
}

#[test]
fn each_word_finds_its_parameter() {
    let one =
        |kind: &str| json!({"kind": kind, "namespace": "media", "name": "plex", "all": false});
    let table = [
        ("ks media plex", one("ks")),
        ("hr media plex", one("hr")),
        ("media plex", one("ks")),
        ("--namespace media hr plex", one("hr")),
        ("hr plex -n media", one("hr")),
        ("hr plex -nmedia", one("hr")),
        ("--name=plex media --kind hr", one("hr")),
        ("media plex --all=false", one("ks")),
        ("-- media plex", one("ks")),
        ("ks -a", json!({"kind": "ks", "all": true})),
        (
            "hr media --all",
            json!({"kind": "hr", "namespace": "media", "all": true}),
        ),
        ("--all", json!({"kind": "ks", "all": true})),
    ];
    for (words, wanted) in table {
        assert_eq!(verdict(&sync(), words), wanted, "{words}");
    }
}

#[test]
fn letters_of_both_can_stand_in_one_cluster() {
    let words = ["-avo".to_owned(), "yaml".to_owned()];
    let Ok(Given::Call {
        options, arguments, ..
    }) = read("flux.sync", &sync(), &words, false)
    else {
        panic!("a call")
    };
    assert_eq!((options.verbose, options.output), (1, crate::Output::Yaml));
    assert_eq!(arguments["all"], true);
}

#[test]
fn a_parameter_with_the_name_of_a_global_option_does_not_shadow_it() {
    let operation = serde_json::from_value(json!({
        "name": "odd", "summary": "s",
        "parameters": [
            {"name": "yellow", "short": "y", "summary": "s", "style": "flag", "schema": {"type": "boolean"}},
            {"name": "yellow", "summary": "again", "style": "flag", "schema": {"type": "boolean"}},
        ]
    }))
    .expect("an operation");
    let names: Vec<_> = flags(&operation)
        .iter()
        .map(|flag| (flag.parameter.name.to_string(), flag.short))
        .collect();
    assert_eq!(names, [("yellow".to_owned(), None)]);
    assert_eq!(verdict(&operation, "--yellow"), json!({"yellow": true}));
}

#[test]
fn n_is_short_for_namespace_and_for_nothing_else() {
    let flag = |name: &str, short: Value| json!({"name": name, "summary": "s", "style": "flag", "schema": {"type": "string"}, "short": short});
    let shorts = |parameters: Value| {
        let document = json!({"name": "odd", "summary": "s", "parameters": parameters});
        let operation: Operation = serde_json::from_value(document).expect("an operation");
        let shorts = flags(&operation).iter().map(|flag| flag.short).collect();
        let shorts: Vec<Option<char>> = shorts;
        shorts
    };
    let table = [
        (json!([flag("namespace", json!(null))]), vec![Some('n')]),
        (
            json!([flag("node", json!("n")), flag("namespace", json!("s"))]),
            vec![None, Some('n')],
        ),
        (json!([flag("node", json!("n"))]), vec![None]),
    ];
    for (parameters, wanted) in table {
        assert_eq!(shorts(parameters.clone()), wanted, "{parameters}");
    }
}

fn stop() -> Operation {
    serde_json::from_value(json!({
        "name": "stop", "summary": "Stop some",
        "parameters": [
            {"name": "kind", "summary": "which kind", "style": "positional", "default": "ks", "schema": {"type": "string", "enum": ["ks", "hr"]}},
            {"name": "namespace", "summary": "where", "style": "positional", "required": true, "schema": {"type": "string"}},
            {"name": "names", "summary": "which ones", "style": "positional", "required": true, "schema": {"type": "array", "items": {"type": "string"}}},
            {"name": "label", "short": "l", "summary": "only with it", "style": "flag", "schema": {"type": "array", "items": {"type": "string"}}},
        ],
        "errors": [{"code": "flux.busy", "kind": "conflict", "summary": "somebody else stops it"}],
        "deprecated": "use flux.suspend",
    }))
    .expect("an operation")
}

#[test]
fn array_takes_all_words_from_its_place_on_and_a_flag_as_often_as_it_is_given() {
    let all =
        |kind: &str, names: Value| json!({"kind": kind, "namespace": "media", "names": names});
    let table = [
        ("media plex", all("ks", json!(["plex"]))),
        (
            "hr media plex radarr sonarr",
            all("hr", json!(["plex", "radarr", "sonarr"])),
        ),
        (
            "media plex radarr sonarr",
            all("ks", json!(["plex", "radarr", "sonarr"])),
        ),
        (
            "media --names plex --names radarr",
            all("ks", json!(["plex", "radarr"])),
        ),
        ("plex radarr -n media", all("ks", json!(["plex", "radarr"]))),
        (
            "media plex -l a=b,c --label d",
            json!({"kind": "ks", "namespace": "media", "names": ["plex"], "label": ["a=b,c", "d"]}),
        ),
    ];
    for (words, wanted) in table {
        assert_eq!(verdict(&stop(), words), wanted, "{words}");
    }
}

#[test]
fn help_says_what_can_be_given_more_than_once_and_which_errors_there_are() {
    let Early::Text { plain, .. } = help("flux.stop", &stop(), Some(100)) else {
        panic!("a text")
    };
    insta::assert_snapshot!(plain);
}
