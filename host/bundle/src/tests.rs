//! What was embedded is what the store will look for.

use agent_core::descriptor::Descriptor;
use agent_core::document::LONGEST;
use agent_core::manifest::Manifest;
use wasmparser::{Parser, Payload};

use super::*;

/// Returns the contents of all custom sections of that name, those of nested modules included.
fn sections<'a>(wasm: &'a [u8], name: &str) -> Vec<&'a [u8]> {
    Parser::new(0)
        .parse_all(wasm)
        .filter_map(|payload| match payload.expect("valid") {
            Payload::CustomSection(section) if section.name() == name => Some(section.data()),
            _ => None,
        })
        .collect()
}

fn only<'a>(wasm: &'a [u8], name: &str) -> &'a [u8] {
    match sections(wasm, name).as_slice() {
        [one] => one,
        other => panic!("{} sections `{name}`", other.len()),
    }
}

#[test]
fn every_plugin_is_a_component_with_one_manifest_that_names_it() {
    for plugin in plugins() {
        assert!(Parser::is_component(plugin.wasm), "{}", plugin.name);
        let manifest: Manifest =
            serde_json::from_slice(only(plugin.wasm, "agent:manifest")).expect(plugin.name);
        assert_eq!(manifest.id.as_str(), plugin.name);
        for request in &manifest.requests {
            assert!(!request.why().is_empty(), "{}", plugin.name);
        }
    }
}

#[test]
fn every_plugin_has_one_descriptor_whose_examples_are_its_operations() {
    for plugin in plugins() {
        let descriptor: Descriptor =
            serde_json::from_slice(only(plugin.wasm, "agent:descriptor")).expect(plugin.name);
        assert!(!descriptor.operations.is_empty(), "{}", plugin.name);
        for operation in &descriptor.operations {
            let name = format!("{}.{}", plugin.name, operation.name);
            for example in &operation.examples {
                assert_eq!(example.split(' ').next(), Some(name.as_str()));
            }
        }
    }
}

#[test]
fn every_plugin_is_within_the_limits_of_documents() {
    for plugin in plugins() {
        let (manifest, descriptor) = (
            only(plugin.wasm, "agent:manifest"),
            only(plugin.wasm, "agent:descriptor"),
        );
        for section in [manifest, descriptor] {
            // Half of it is room to grow.
            assert!(2 * section.len() <= LONGEST, "{}", plugin.name);
        }
        let manifest: Manifest = serde_json::from_slice(manifest).expect(plugin.name);
        let descriptor: Descriptor = serde_json::from_slice(descriptor).expect(plugin.name);
        assert_eq!(manifest.judge(), Ok(()), "{}", plugin.name);
        assert_eq!(descriptor.judge(&manifest), Ok(()), "{}", plugin.name);
    }
}

#[test]
fn positional_parameters_that_may_be_absent_come_last() {
    for plugin in plugins() {
        let descriptor: Descriptor =
            serde_json::from_slice(only(plugin.wasm, "agent:descriptor")).expect(plugin.name);
        for operation in &descriptor.operations {
            let required: Vec<bool> = operation
                .parameters
                .iter()
                .filter(|parameter| parameter.style == agent_core::descriptor::Style::Positional)
                .map(|parameter| parameter.required)
                .collect();
            let mut sorted = required.clone();
            sorted.sort_by(|a, b| b.cmp(a));
            assert_eq!(required, sorted, "{}.{}", plugin.name, operation.name);
        }
    }
}

/// What is compiled and run. The names of functions, which traps are told with, are not. (The largest is `volsync`, with a restore that proves itself and
/// the one that undoes it: 1.1 MiB.)
#[test]
fn plugins_stay_small() {
    for plugin in plugins() {
        let names = sections(plugin.wasm, "name").into_iter();
        let size = plugin.wasm.len() - names.map(<[u8]>::len).sum::<usize>();
        assert!(size < 5 << 18, "{} has {size} bytes", plugin.name);
    }
}
