use super::*;
use crate::fixture::{component, descriptor, directory, manifest, plugin, with_documents};

struct World {
    _keep: [tempfile::TempDir; 3],
    plugins: Dir,
    config: Dir,
    kept: Dir,
}

impl World {
    fn new() -> World {
        let (one, plugins) = directory();
        let (two, config) = directory();
        let (three, kept) = directory();
        World {
            _keep: [one, two, three],
            plugins,
            config,
            kept,
        }
    }

    fn store(&self, given: Vec<(&str, Vec<u8>)>) -> Store {
        let flux: &'static [u8] = plugin("flux").leak();
        Store::new(Sources {
            bundled: vec![Bundled {
                name: "flux",
                wasm: flux,
            }],
            directory: Some(self.plugins.try_clone().expect("clones")),
            given: given
                .into_iter()
                .map(|(path, wasm)| Given {
                    path: path.to_owned(),
                    wasm,
                })
                .collect(),
            config: Some(self.config.try_clone().expect("clones")),
            kept: Some(self.kept.try_clone().expect("clones")),
            agent: Version::new(0, 1, 0),
        })
    }
}

fn operation(name: &str) -> OperationName {
    name.parse().expect(name)
}

fn id(name: &str) -> PluginId {
    name.parse().expect(name)
}

fn right() -> Right {
    "cluster:get:pods:*".parse().expect("a right")
}

fn codes(store: &Store) -> Vec<(String, String)> {
    let plugins = store.plugins().expect("lists");
    let code = |plugin: &Plugin| match &plugin.state {
        State::Usable(usable) => usable.manifest.id.to_string(),
        State::Refused { failure } => failure.code.clone(),
    };
    plugins
        .iter()
        .map(|it| (it.origin.to_string(), code(it)))
        .collect()
}

#[test]
fn bundled_plugin_has_what_it_requests() {
    let found = World::new()
        .store(vec![])
        .lookup(&operation("flux.greet"))
        .expect("found");
    assert_eq!(found.granted, Granted::Requested);
    assert_eq!(found.digest, Bytes::from(plugin("flux")).digest());
}

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let world = World::new();
    world.plugins.write("a.wasm", b"").expect("writes");
    world
        .plugins
        .write("b.wasm", plugin("hello"))
        .expect("writes");
    world
        .plugins
        .write("c.wasm", b"\0asm\x01\0\0\0")
        .expect("writes");
    world
        .plugins
        .write("notes.txt", b"no plugin")
        .expect("writes");
    world.plugins.create_dir("d.wasm").expect("makes");
    let store = world.store(vec![]);
    let pairs = codes(&store);
    let expected = [
        ("bundled", "flux"),
        ("b.wasm", "hello"),
        ("a.wasm", "plugin.empty"),
        ("c.wasm", "plugin.core-module"),
        ("d.wasm", "plugin.unreadable"),
    ];
    assert_eq!(pairs, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    store.lookup(&operation("hello.greet")).expect("found");
}

#[test]
fn file_in_the_directory_cannot_take_the_id_of_a_bundled_plugin() {
    let world = World::new();
    world
        .plugins
        .write("evil.wasm", plugin("flux"))
        .expect("writes");
    let store = world.store(vec![]);
    assert!(codes(&store).contains(&("evil.wasm".to_owned(), "plugin.id-taken".to_owned())));
    let found = store.lookup(&operation("flux.greet")).expect("found");
    assert_eq!(found.origin, Origin::Bundled);
}

#[test]
fn second_file_with_an_id_is_refused() {
    let world = World::new();
    world
        .plugins
        .write("a.wasm", plugin("hello"))
        .expect("writes");
    world
        .plugins
        .write("b.wasm", plugin("hello"))
        .expect("writes");
    let store = world.store(vec![]);
    assert!(codes(&store).contains(&("b.wasm".to_owned(), "plugin.id-taken".to_owned())));
    let found = store.lookup(&operation("hello.greet")).expect("found");
    assert_eq!(found.origin, Origin::Directory("a.wasm".to_owned()));
}

#[test]
fn named_file_stands_in_for_a_bundled_plugin_with_a_note_and_without_its_rights() {
    let store = World::new().store(vec![("new.wasm", plugin("flux"))]);
    let found = store.lookup(&operation("flux.greet")).expect("found");
    assert_eq!(found.origin, Origin::File("new.wasm".to_owned()));
    assert_eq!(
        found.note.as_deref(),
        Some("`new.wasm` stands in for the plugin `flux` from `bundled`")
    );
    assert_eq!(found.granted, Granted::Rights(vec![]));
    assert_eq!(codes(&store), [("new.wasm".to_owned(), "flux".to_owned())]);
}

#[test]
fn refused_file_that_has_the_wanted_id_says_why() {
    let mut later = manifest("hello");
    later["min-agent"] = "0.4.0".into();
    let wasm = with_documents(component(), &later, &descriptor());
    let store = World::new().store(vec![("hello.wasm", wasm)]);
    let failure = store
        .lookup(&operation("hello.greet"))
        .expect_err("refused");
    assert_eq!(failure.code, "plugin.needs-newer-agent");
    assert_eq!(failure.message, "`hello.wasm` is refused as a plugin");
    assert_eq!(failure.hint.as_deref(), Some("use agent 0.4.0 or later"));
}

#[test]
fn unknown_plugin_lists_the_known_ones_and_the_refused() {
    let store = World::new().store(vec![("bad.wasm", vec![])]);
    let failure = store.lookup(&operation("flix.greet")).expect_err("unknown");
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (Kind::NotFound, "operations.unknown")
    );
    assert_eq!(failure.message, "there is no plugin `flix`");
    assert_eq!(
        failure.hint.as_deref(),
        Some("did you mean flux? known: flux")
    );
    assert_eq!(
        failure.causes,
        ["`bad.wasm` is refused as a plugin: the file is empty"]
    );
}

#[test]
fn unknown_operation_lists_those_of_its_plugin() {
    let store = World::new().store(vec![]);
    let failure = store
        .lookup(&operation("flux.greeet"))
        .expect_err("unknown");
    assert_eq!(failure.message, "plugin `flux` has no operation `greeet`");
    assert_eq!(
        failure.hint.as_deref(),
        Some("did you mean greet? known: greet, leave")
    );
}

#[test]
fn granted_rights_belong_to_the_artifact_that_was_there() {
    let world = World::new();
    world
        .plugins
        .write("a.wasm", plugin("hello"))
        .expect("writes");
    let store = world.store(vec![]);
    assert_eq!(
        store.grant(&id("hello"), vec![right()]).expect("granted"),
        [right()]
    );
    let found = store.lookup(&operation("hello.greet")).expect("found");
    assert_eq!(found.granted, Granted::Rights(vec![right()]));
    let mut other = manifest("hello");
    other["version"] = "0.2.0".into();
    let wasm = with_documents(component(), &other, &descriptor());
    world.plugins.write("a.wasm", wasm).expect("writes");
    let found = store.lookup(&operation("hello.greet")).expect("found");
    assert_eq!(found.granted, Granted::Rights(vec![]));
}

#[test]
fn granting_what_is_not_requested_is_refused() {
    let store = World::new().store(vec![]);
    let wide = "cluster:delete:pods:*".parse().expect("a right");
    let failure = store.grant(&id("flux"), vec![wide]).expect_err("refused");
    assert_eq!(failure.code, "plugin.not-requested");
    assert_eq!(
        failure.hint.as_deref(),
        Some("it requests 'cluster:get:pods:*'")
    );
}

#[test]
fn missing_rights_are_listed() {
    let world = World::new();
    world
        .plugins
        .write("a.wasm", plugin("hello"))
        .expect("writes");
    let store = world.store(vec![]);
    let missing = |store: &Store| {
        let plugins = store.plugins().expect("lists");
        plugins.into_iter().find_map(|plugin| match plugin.state {
            State::Usable(usable) if usable.manifest.id == id("hello") => {
                Some((usable.granted, usable.missing))
            }
            _ => None,
        })
    };
    assert_eq!(missing(&store), Some((vec![], vec![right()])));
    store.grant(&id("hello"), vec![right()]).expect("granted");
    assert_eq!(missing(&store), Some((vec![right()], vec![])));
}

#[test]
fn every_refusal_has_a_code_of_its_room_and_a_remedy() {
    let refusal = |problem| Refusal {
        origin: Origin::File("a.wasm".to_owned()),
        problem,
    };
    for problem in [Problem::Empty, Problem::CoreModule, Problem::Precompiled] {
        let failure = refusal(problem).to_failure();
        assert!(failure.code.starts_with("plugin."), "{failure:?}");
        assert!(failure.hint.is_some(), "{failure:?}");
        assert_eq!(failure.causes.len(), 1, "{failure:?}");
    }
}

#[test]
fn bundled_operations_and_runs_are_found_without_the_directory() {
    let world = World::new();
    world.plugins.write("a.wasm", b"").expect("writes");
    world
        .plugins
        .write("b.wasm", plugin("hello"))
        .expect("writes");
    let store = world.store(vec![]);
    let origins = |plugins: Vec<Plugin>| -> Vec<String> {
        plugins.iter().map(|it| it.origin.to_string()).collect()
    };
    let of = |name: &str| origins(store.plugins_for(&operation(name)).expect("lists"));
    assert_eq!(of("flux.greet"), ["bundled"]);
    assert_eq!(of("hello.greet"), ["bundled", "b.wasm", "a.wasm"]);
    assert_eq!(
        origins(store.plugins_of_runs(None).expect("lists")),
        ["bundled"]
    );
    // A run of a plugin that was kept is shown with it, whatever lies in the directory now.
    let hello = operation("hello.greet");
    let found = store.lookup(&hello).expect("found");
    store.keep(&found).expect("kept");
    let of_run = store.plugins_of_runs(Some((&hello, &found.digest)));
    assert_eq!(of_run.expect("lists").len(), 2);
    world.plugins.remove_file("b.wasm").expect("removes");
    store.lookup_exact(&hello, &found.digest).expect("found");
}

#[test]
fn operation_of_one_plugin_is_not_taken_from_the_artifact_of_another() {
    let world = World::new();
    world
        .plugins
        .write("a.wasm", plugin("hello"))
        .expect("writes");
    let store = world.store(vec![]);
    let found = store.lookup(&operation("hello.greet")).expect("found");
    store.keep(&found).expect("kept");
    for (name, code) in [
        ("flux.greet", "store.other-plugin"),
        ("other.greet", "store.other-plugin"),
        ("hello.nothing", "operations.unknown"),
    ] {
        let refused = store.lookup_exact(&operation(name), &found.digest);
        assert_eq!(refused.expect_err("refused").code, code, "{name}");
    }
}

#[test]
fn plugin_that_stands_in_for_another_one_says_for_whom() {
    let store = World::new().store(vec![("mine.wasm", plugin("flux"))]);
    let plugins = store.plugins().expect("lists");
    let [mine] = plugins.as_slice() else {
        panic!("{plugins:?}")
    };
    assert_eq!(mine.origin, Origin::File("mine.wasm".to_owned()));
    assert_eq!(mine.in_place_of, Some(Origin::Bundled));
}

/// Names that a file can have.
const HOSTILE: &[&str] = &[
    "it's.wasm",
    "$(touch pwned).wasm",
    "a;touch pwned;.wasm",
    "-rf.wasm",
    "two words.wasm",
    "a\nb.wasm",
    "`id`.wasm",
];

#[test]
fn hint_about_a_file_with_a_hostile_name_has_it_as_one_word() {
    for name in HOSTILE {
        let taken = || Problem::IdTaken {
            id: "flux".to_owned(),
            owner: Origin::Bundled,
        };
        let unreadable = || Problem::Unreadable {
            source: std::io::Error::other("no"),
        };
        let word = agent_core::hint::word(&match name.strip_prefix('-') {
            Some(_) => format!("./{name}"),
            None => (*name).to_owned(),
        });
        for problem in [taken(), unreadable()] {
            let origin = Origin::Directory((*name).to_owned());
            let failure = Refusal { origin, problem }.to_failure();
            let hint = failure.hint.expect("a hint");
            assert!(hint.contains(&word), "{hint}");
            assert!(!hint.replace(&word, "").contains("touch"), "{hint}");
        }
    }
}
