use serde_json::{Value, json};

use super::*;
use crate::fixture::{
    component, component_of, descriptor, manifest, plugin, with_documents, with_section,
};

fn agent() -> Version {
    Version::new(0, 1, 0)
}

fn refused(wasm: &[u8]) -> Problem {
    let read = read(wasm, Trust::Foreign, &agent());
    read.expect_err("it is refused").problem
}

fn refused_with(manifest: &Value, descriptor: &Value) -> Problem {
    refused(&with_documents(component(), manifest, descriptor))
}

#[test]
fn plugin_is_read_without_running_it() {
    let artifact = read(&plugin("hello"), Trust::Foreign, &agent()).expect("fits");
    assert_eq!(artifact.manifest.id.as_str(), "hello");
    assert!(artifact.descriptor.operation("greet").is_some());
    assert!(
        artifact
            .imports
            .contains(&"ops:cluster/cluster@0.1.0".to_owned()),
        "{:?}",
        artifact.imports
    );
}

#[test]
fn documents_are_found_in_a_core_module_inside() {
    let module = [b"\0asm\x01\0\0\0".as_slice()].concat();
    let module = with_section(module, MANIFEST, manifest("hello").to_string().as_bytes());
    let module = with_section(module, DESCRIPTOR, descriptor().to_string().as_bytes());
    let mut wasm = component();
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
    let problem = refused(&component_of([wit.to_owned()], "other"));
    let Problem::OtherWorld { exports } = &problem else {
        panic!("{problem}");
    };
    assert_eq!(exports, &["demo:other/greeter"]);
}

#[test]
fn missing_section_is_refused_by_name() {
    let nothing = component();
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
        matches!(problem, Problem::ManifestFormat { format: 2 }),
        "{problem}"
    );
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
        matches!(problem, Problem::OperationName { .. }),
        "{problem}"
    );
    let problem = refused_with(&manifest("hello"), &operations(["greet", "greet"]));
    assert!(
        matches!(problem, Problem::OperationTwice { .. }),
        "{problem}"
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
    let wasm = with_documents(component(), &later, &descriptor());
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
        (of(json!({}), &["login:{token}"]), "locks are public"),
    ];
    for (descriptor, wanted) in table {
        let problem = refused_with(&manifest("hello"), &descriptor);
        let said = problem.to_string();
        assert!(matches!(problem, Problem::SecretParameter { .. }), "{said}");
        assert!(said.contains("`login`") && said.contains(wanted), "{said}");
    }
}
