use serde_json::{Value, json};

use super::*;
use crate::fixture::{descriptor, idle, idle_in, manifest, plugin, with_documents, with_section};

fn agent() -> Version {
    Version::new(0, 1, 0)
}

fn refused(wasm: &[u8]) -> Problem {
    let read = read(wasm, Trust::Foreign, &agent());
    read.expect_err("it is refused").problem
}

fn refused_with(manifest: &Value, descriptor: &Value) -> Problem {
    refused(&with_documents(idle(), manifest, descriptor))
}

#[test]
fn plugin_is_read_without_running_it() {
    let artifact = read(&plugin("hello"), Trust::Foreign, &agent()).expect("fits");
    assert_eq!(artifact.manifest.id.as_str(), "hello");
    assert!(artifact.descriptor.operation("greet").is_some());
    assert!(
        artifact
            .imports
            .contains(&"ops:cluster/cluster@0.2.0".to_owned()),
        "{:?}",
        artifact.imports
    );
}

#[test]
fn documents_are_found_in_a_core_module_inside() {
    let module = [b"\0asm\x01\0\0\0".as_slice()].concat();
    let module = with_section(module, MANIFEST, manifest("hello").to_string().as_bytes());
    let module = with_section(module, DESCRIPTOR, descriptor().to_string().as_bytes());
    let mut wasm = idle();
    // Section 1 of a component is a core module.
    wasm.push(1);
    wasm_encoder::Encode::encode(module.as_slice(), &mut wasm);
    read(&wasm, Trust::Foreign, &agent()).expect("fits");
}

#[test]
fn empty_file_is_refused() {
    assert!(matches!(refused(b""), Problem::Empty));
}

#[test]
fn random_bytes_are_refused_with_what_they_begin_with() {
    let problem = refused(&[0x1f, 0x8b, 8, 0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(
        problem.to_string(),
        "it is no WebAssembly: it begins with `1f 8b 08 00 01 02 03 04` instead of `00 61 73 6d`"
    );
}

#[test]
fn core_module_is_refused() {
    assert!(matches!(refused(b"\0asm\x01\0\0\0"), Problem::CoreModule));
}

#[test]
fn precompiled_file_is_refused_before_anything_else_is_read() {
    assert!(matches!(
        refused(b"\x7fELF\x02\x01\x01\xc8rest"),
        Problem::Precompiled
    ));
}

#[test]
fn every_cut_of_a_plugin_is_refused_and_none_panics() {
    let whole = plugin("hello");
    for length in (0..whole.len()).step_by(97) {
        refused(&whole[..length]);
    }
}

#[test]
fn component_of_another_world_is_refused_with_what_it_exports() {
    let wit = "package demo:other; interface greeter { greet: func() -> string; } world other { export greeter; }";
    let problem = refused(&idle_in([wit.to_owned()], "other"));
    let Problem::OtherWorld { exports } = &problem else {
        panic!("{problem}");
    };
    assert_eq!(exports, &["demo:other/greeter"]);
}

#[test]
fn missing_section_is_refused_by_name() {
    let nothing = idle();
    assert!(matches!(
        refused(&nothing),
        Problem::NoSection { name: MANIFEST }
    ));
    let half = with_section(nothing, MANIFEST, manifest("hello").to_string().as_bytes());
    assert!(matches!(
        refused(&half),
        Problem::NoSection { name: DESCRIPTOR }
    ));
}

#[test]
fn second_manifest_is_refused() {
    let twice = with_section(
        plugin("hello"),
        MANIFEST,
        manifest("flux").to_string().as_bytes(),
    );
    let problem = refused(&twice);
    assert!(
        matches!(
            problem,
            Problem::SectionTwice {
                name: MANIFEST,
                count: 2
            }
        ),
        "{problem}"
    );
}

#[test]
fn misspelt_limit_is_refused() {
    let mut wrong = manifest("hello");
    wrong["limits"] = json!({ "memory": 1 });
    let problem = refused_with(&wrong, &descriptor());
    assert!(
        matches!(problem, Problem::Section { name: MANIFEST, .. }),
        "{problem}"
    );
}

#[test]
fn manifest_of_a_later_format_is_no_misspelling() {
    let mut later = manifest("hello");
    later["manifest"] = json!(2);
    later["signed-by"] = json!("somebody");
    let problem = refused_with(&later, &descriptor());
    assert!(
        matches!(
            problem,
            Problem::LaterFormat {
                name: MANIFEST,
                format: 2
            }
        ),
        "{problem}"
    );
}

#[test]
fn descriptor_of_a_later_format_is_no_misspelling() {
    let mut later = descriptor();
    later["descriptor"] = json!(2);
    later["codes"] = json!([]);
    let problem = refused_with(&manifest("hello"), &later);
    assert!(
        matches!(
            problem,
            Problem::LaterFormat {
                name: DESCRIPTOR,
                format: 2
            }
        ),
        "{problem}"
    );
}

#[test]
fn plugin_for_a_later_agent_is_told_so_whatever_else_this_one_does_not_know() {
    let mut later = manifest("hello");
    later["min-agent"] = json!("9.0.0");
    later["request"] = json!([{"capability": "http"}]);
    let problem = refused_with(&later, &json!({"operations": "many"}));
    assert!(
        matches!(problem, Problem::NeedsNewerAgent { .. }),
        "{problem}"
    );
}

#[test]
fn capability_that_is_not_known_here_is_named_whatever_is_asked_of_it() {
    let mut other = manifest("hello");
    other["request"] =
        json!([{"capability": "http", "verbs": ["get"], "names": ["*"], "why": "look"}]);
    let problem = refused_with(&other, &descriptor());
    assert_eq!(
        problem.to_string(),
        "it requests rights of the capability `http`, which this agent does not have"
    );
    assert_eq!(problem.code(), "plugin.no-such-power");
}

#[test]
fn plugin_for_a_later_agent_is_refused() {
    let mut later = manifest("hello");
    later["min-agent"] = json!("0.4.0");
    let problem = refused_with(&later, &descriptor());
    assert_eq!(
        problem.to_string(),
        "it works with agent 0.4.0 and later, and this is agent 0.1.0"
    );
}

#[test]
fn descriptor_with_a_bad_or_doubled_operation_is_refused() {
    let operations = |names: [&str; 2]| {
        let operation = |name| json!({ "name": name, "summary": "Do it" });
        json!({ "operations": names.map(operation) })
    };
    let problem = refused_with(&manifest("hello"), &operations(["greet", "Greet"]));
    assert!(
        matches!(
            problem,
            Problem::Section {
                name: DESCRIPTOR,
                ..
            }
        ),
        "{problem}"
    );
    let problem = refused_with(&manifest("hello"), &operations(["greet", "greet"]));
    let said = said(&problem);
    assert!(
        said.contains("the operation `greet` more than once"),
        "{said}"
    );
    let problem = refused_with(&manifest("hello"), &json!({ "operations": 1 }));
    assert!(
        matches!(
            problem,
            Problem::Section {
                name: DESCRIPTOR,
                ..
            }
        ),
        "{problem}"
    );
}

#[test]
fn refused_artifact_still_says_whose_it_would_be() {
    let mut later = manifest("hello");
    later["min-agent"] = json!("0.4.0");
    let wasm = with_documents(idle(), &later, &descriptor());
    let unfit = read(&wasm, Trust::Foreign, &agent()).expect_err("refused");
    assert_eq!(unfit.id.map(String::from), Some("hello".to_owned()));
}

#[test]
fn secret_parameter_that_could_not_be_kept_secret_is_refused() {
    let of = |more: Value, locks: &[&str]| {
        let mut parameter = json!({
            "name": "token", "summary": "The token", "style": "flag", "secret": true, "schema": { "type": "string" }
        });
        let fields = parameter.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        json!({ "operations": [{ "name": "login", "summary": "Log in", "parameters": [parameter], "locks": locks }] })
    };
    let table = [
        (of(json!({ "style": "positional" }), &[]), "never by place"),
        (of(json!({ "default": "none" }), &[]), "have no default"),
        (of(json!({ "names": "namespace" }), &[]), "name nothing"),
        (
            of(json!({ "schema": { "type": "integer" } }), &[]),
            "are text",
        ),
        (
            of(
                json!({ "schema": { "type": "string", "enum": ["a"] } }),
                &[],
            ),
            "list of values",
        ),
        (
            of(
                json!({ "schema": { "type": "string", "format": "name" } }),
                &[],
            ),
            "without a form",
        ),
        (of(json!({}), &["hello:{token}"]), "locks are public"),
    ];
    for (descriptor, wanted) in table {
        let problem = refused_with(&manifest("hello"), &descriptor);
        let said = problem.to_string();
        assert!(matches!(problem, Problem::SecretParameter { .. }), "{said}");
        assert!(said.contains("`login`") && said.contains(wanted), "{said}");
    }
}

/// Returns what is said of an artifact, with all causes.
fn said(problem: &Problem) -> String {
    agent_core::failure::chain(problem).join(": ")
}

fn with_request(key: &str, value: Value) -> Value {
    let mut manifest = manifest("hello");
    manifest["request"][0][key] = value;
    manifest
}

#[test]
fn hostile_name_in_a_request_is_refused_with_what_it_should_be() {
    let call = |name: &str| {
        let mut manifest = manifest("hello");
        manifest["request"] =
            json!([{ "capability": "operations", "call": [name], "why": "call it" }]);
        manifest
    };
    let table = [
        (
            with_request("resources", json!(["secrets';touch pwned5;'"])),
            "is not a resource",
        ),
        (
            with_request("resources", json!(["pods\n"])),
            "is not a resource",
        ),
        (with_request("namespaces", json!(["a b"])), "is not a place"),
        (
            with_request("namespaces", json!(["$(touch pwned)"])),
            "is not a place",
        ),
        (
            with_request("operations", json!(["greet;id"])),
            "is not the name of an operation",
        ),
        (call("flux.suspend';id;'"), "is no operation"),
        (call("flux.suspend -rf"), "is no operation"),
        (call("*"), "is no operation"),
    ];
    for (manifest, wanted) in table {
        let said = said(&refused_with(&manifest, &descriptor()));
        assert!(said.contains(wanted), "{said}");
        assert!(
            said.starts_with("its custom section `agent:manifest`"),
            "{said}"
        );
    }
}

#[test]
fn hostile_name_of_a_parameter_is_refused() {
    for name in [
        "", "a b", "a\nb", "-", "-rf", "help", "yes", "A", "$(id)", "a'b",
    ] {
        let parameter = json!({
            "name": name, "summary": "It", "style": "flag", "schema": { "type": "string" }
        });
        let operation = json!({ "name": "greet", "summary": "Greet", "parameters": [parameter] });
        let problem = refused_with(&manifest("hello"), &json!({ "operations": [operation] }));
        let said = said(&problem);
        assert!(
            said.contains("is not the name of a parameter"),
            "{name:?}: {said}"
        );
    }
}

#[test]
fn document_of_a_few_kilobytes_that_comes_to_millions_of_rights_is_refused_at_once() {
    let names: Vec<String> = (0..300).map(|number| format!("n{number}")).collect();
    let mut many = with_request("resources", json!(names));
    many["request"][0]["namespaces"] = json!(names);
    let said = said(&refused_with(&many, &descriptor()));
    assert!(said.contains("300 namespaces, and may have 64"), "{said}");
}

#[test]
fn document_without_end_is_refused_before_it_is_read() {
    let arrays = "[".repeat(8 << 20);
    for (name, other) in [(MANIFEST, DESCRIPTOR), (DESCRIPTOR, MANIFEST)] {
        let good = match other {
            MANIFEST => manifest("hello").to_string(),
            _ => descriptor().to_string(),
        };
        let wasm = with_section(idle(), other, good.as_bytes());
        let problem = refused(&with_section(wasm, name, arrays.as_bytes()));
        assert_eq!(
            problem.to_string(),
            format!("its custom section `{name}` has 8388608 bytes, and may have 65536")
        );
    }
}

#[test]
fn refusal_stays_short_whatever_is_in_the_artifact() {
    let long = "x'".repeat(20_000);
    let exports: String = (0..200)
        .map(|number| format!("export e{number}: func(); "))
        .collect();
    let wit = format!("package demo:other; world other {{ {exports} }}");
    let mut misspelt = manifest("hello");
    misspelt[long.as_str()] = json!(1);
    for problem in [
        refused(&idle_in([wit], "other")),
        refused_with(&with_request("resources", json!([long])), &descriptor()),
        refused_with(&misspelt, &descriptor()),
    ] {
        let said = said(&problem);
        assert!(said.len() < 1_000, "{}: {said:.200}", said.len());
    }
    let problem = Problem::OtherWorld {
        exports: (0..200).map(|number| format!("e{number}")).collect(),
    };
    assert!(
        problem
            .to_string()
            .contains("exports `e0`, `e1`, `e2` and 197 more,")
    );
}

#[test]
fn lock_of_another_plugin_is_refused() {
    let operation = json!({ "name": "greet", "summary": "Greet", "locks": ["volsync:media/plex"] });
    let said = said(&refused_with(
        &manifest("hello"),
        &json!({ "operations": [operation] }),
    ));
    assert!(
        said.ends_with("locks of this plugin begin with `hello:`"),
        "{said}"
    );
}

#[test]
fn place_that_no_required_parameter_names_is_refused() {
    let bound = with_request("namespaces", json!(["{namespace}"]));
    let said = said(&refused_with(&bound, &descriptor()));
    assert!(
        said.contains("`namespace` of `greet` does not exist"),
        "{said}"
    );
}
