use super::*;
use crate::fixture::idle_in;

/// The contract with one text replaced in one package, which it must contain.
fn changed(package: &str, from: &str, to: &str) -> Vec<u8> {
    let packages = PACKAGES.iter().map(|(name, text)| {
        if *name != package {
            return (*text).to_owned();
        }
        assert!(text.contains(from), "`{package}` has no `{from}`");
        text.replace(from, to)
    });
    idle_in(packages, "everything")
}

/// The contract with one package, and every use of it, in another version.
fn versioned(package: &str, version: &str) -> Vec<u8> {
    let packages = PACKAGES.iter().map(|(_, text)| {
        let declared = text.replace(
            &format!("package ops:{package}@0.2.0"),
            &format!("package ops:{package}@{version}"),
        );
        let used = format!("ops:{package}/{package}@0.2.0");
        declared.replace(&used, &format!("ops:{package}/{package}@{version}"))
    });
    idle_in(packages, "everything")
}

fn names(wasm: &[u8]) -> (Vec<String>, Vec<String>) {
    let decoded = wit_parser::decoding::decode(wasm).expect("decodes");
    let resolve = decoded.resolve();
    let (_, world) = resolve.worlds.iter().next().expect("a world");
    (
        world
            .imports
            .keys()
            .map(|key| resolve.name_world_key(key))
            .collect(),
        world
            .exports
            .keys()
            .map(|key| resolve.name_world_key(key))
            .collect(),
    )
}

fn differences(wasm: &[u8]) -> Vec<Difference> {
    let (imports, exports) = names(wasm);
    match check(wasm, &imports, &exports) {
        Ok(()) => Vec::new(),
        Err(Problem::Contract { differences }) => differences,
        Err(other) => panic!("{other}"),
    }
}

fn sentences(wasm: &[u8]) -> Vec<String> {
    differences(wasm).iter().map(ToString::to_string).collect()
}

#[test]
fn contract_fits_itself() {
    assert_eq!(sentences(&crate::fixture::idle()), Vec::<String>::new());
}

#[test]
fn plugin_that_imports_less_fits() {
    let less = changed(
        "world.wit",
        "    import ops:operations/operations@0.2.0;\n",
        "",
    );
    assert_eq!(sentences(&less), Vec::<String>::new());
}

#[test]
fn function_of_a_later_contract_is_named() {
    let later = changed(
        "run.wit",
        "    /// Eight lower-case",
        "    pause: func();\n    /// Eight lower-case",
    );
    assert_eq!(
        sentences(&later),
        [
            "it calls `pause` of `ops:run/run@0.2.0`, and `ops:run/run@0.2.0` of this agent has no such function"
        ]
    );
}

#[test]
fn changed_signature_is_shown_from_both_sides() {
    let other = changed(
        "run.wit",
        "sleep: func(ms: u32)",
        "sleep: func(seconds: u64)",
    );
    assert_eq!(
        sentences(&other),
        [
            "`ops:run/run` has `sleep` as `func(ms: u32) -> result<_, error>` in this agent, and the plugin has `func(seconds: u64) -> result<_, error>`"
        ]
    );
}

#[test]
fn added_case_is_blamed_on_the_type_that_has_it() {
    let other = changed(
        "types.wit",
        "        conflict,\n",
        "        conflict,\n        gone,\n",
    );
    let found = differences(&other);
    assert_eq!(found.len(), 1, "{found:?}");
    let Difference::Shape {
        interface,
        name,
        needs,
        has,
        ..
    } = &found[0]
    else {
        panic!("{found:?}");
    };
    assert_eq!(
        (interface.as_str(), name.as_str()),
        ("ops:types/types", "error-kind")
    );
    assert!(needs.contains("gone") && !has.contains("gone"));
}

#[test]
fn added_field_is_blamed_on_the_record_that_has_it() {
    let other = changed(
        "types.wit",
        "        failed: u32,",
        "        failed: u32,\n        skipped: u32,",
    );
    let found = sentences(&other);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("`ops:types/types` has `outcome` as `record {"),
        "{found:?}"
    );
}

#[test]
fn another_track_of_versions_says_which_one_is_here() {
    let found = differences(&versioned("cluster", "0.3.0"));
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["it imports `ops:cluster/cluster@0.3.0`, and this agent has 0.2.0"]
    );
    assert!(
        found[0]
            .hint()
            .is_some_and(|hint| hint.starts_with("use a newer agent"))
    );
}

#[test]
fn later_version_of_the_same_track_fits_as_long_as_nothing_new_is_used() {
    assert_eq!(
        sentences(&versioned("cluster", "0.2.7")),
        Vec::<String>::new()
    );
}

#[test]
fn capability_that_is_unknown_here_is_named() {
    let talos = "package ops:talos@0.2.0; interface machine { reboot: func(); }".to_owned();
    let packages = PACKAGES.iter().map(|(name, text)| {
        if *name == "world.wit" {
            text.replace(
                "    export provider;",
                "    import ops:talos/machine@0.2.0;\n    export provider;",
            )
        } else {
            (*text).to_owned()
        }
    });
    let wasm = idle_in(std::iter::once(talos).chain(packages), "everything");
    assert_eq!(
        sentences(&wasm),
        ["it imports `ops:talos/machine@0.2.0`, which this agent does not have"]
    );
}

#[test]
fn export_without_a_function_that_the_host_calls_is_explained() {
    let less = changed("world.wit", "    describe: func() -> json;\n", "");
    assert_eq!(
        sentences(&less),
        [
            "its `ops:plugin/provider@0.2.0` has no `describe`, which this agent calls by `ops:plugin/provider@0.2.0`"
        ]
    );
}

#[test]
fn network_is_a_power_that_plugins_do_not_have() {
    let imports = ["wasi:http/types@0.2.3".to_owned()];
    let exports = ["ops:plugin/provider@0.2.0".to_owned()];
    let problem = check(b"", &imports, &exports).expect_err("refused");
    assert!(matches!(problem, Problem::NoSuchPower { .. }), "{problem}");
    for fine in ["wasi:io/streams@0.2.6", "ops:run/run@0.2.0"] {
        assert!(is_power(fine), "{fine}");
    }
    for wrong in ["wasi:http/types@0.2.0", "wasi:io/streams@0.3.0", "env"] {
        assert!(!is_power(wrong), "{wrong}");
    }
}

#[test]
fn type_that_doubles_with_each_name_is_told_in_a_bearable_length() {
    let mut types = "type t0 = tuple<u8, u8>;\n".to_owned();
    for number in 1..15 {
        let inner = number - 1;
        types += &format!("    type t{number} = tuple<t{inner}, t{inner}>;\n");
    }
    let other = changed(
        "run.wit",
        "sleep: func(ms: u32)",
        &format!("{types}    sleep: func(ms: t14)"),
    );
    let found = sentences(&other);
    assert_eq!(found.len(), 1, "{}", found.len());
    assert!(found[0].len() < 2_000, "{}", found[0].len());
    assert!(found[0].contains("tuple<tuple<"), "{}", found[0]);
}

#[test]
fn only_the_first_differences_are_named() {
    let mut functions = String::new();
    for number in 0..50 {
        functions += &format!("one{number}: func();\n    ");
    }
    let other = changed(
        "run.wit",
        "    /// Eight lower-case",
        &format!("    {functions}/// Eight lower-case"),
    );
    let (imports, exports) = names(&other);
    let said = check(&other, &imports, &exports)
        .expect_err("differs")
        .to_string();
    assert!(
        said.contains("`one2`") && !said.contains("`one3`"),
        "{said}"
    );
    assert!(said.ends_with(" and 47 more"), "{said}");
}
