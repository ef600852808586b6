use super::*;
use agent_file::Whose;
use cap_std::fs::Dir;

use crate::fixture::{descriptor, folder, idle, manifest, plugin, with_documents};

struct World {
    _keep: [tempfile::TempDir; 3],
    plugins: Dir,
    folders: [Folder; 3],
}

impl World {
    fn new() -> World {
        let (one, plugins) = folder();
        let (two, config) = folder();
        let (three, kept) = folder();
        World {
            _keep: [one, two, three],
            plugins: plugins.dir().try_clone().expect("clones"),
            folders: [plugins, config, kept],
        }
    }

    /// The directory of plugins, that of grants, and that of artifacts that are kept.
    fn opened(&self) -> [Result<Option<Folder>, Refused>; 3] {
        self.folders
            .each_ref()
            .map(|folder| Ok(Some(folder.try_clone().expect("clones"))))
    }

    fn store(&self, given: Vec<(&str, Vec<u8>)>) -> Store {
        let flux: &'static [u8] = plugin("flux").leak();
        let [directory, config, kept] = self.opened();
        Store::new(Sources {
            bundled: vec![Bundled {
                name: "flux",
                wasm: flux,
            }],
            directory,
            given: given
                .into_iter()
                .map(|(path, wasm)| Given {
                    path: path.to_owned(),
                    wasm,
                })
                .collect(),
            config,
            kept,
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
    let wasm = with_documents(idle(), &later, &descriptor());
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
    let granted = store.grant(&id("hello"), None, vec![right()]);
    assert_eq!(granted.expect("granted").rights, [right()]);
    let found = store.lookup(&operation("hello.greet")).expect("found");
    assert_eq!(found.granted, Granted::Rights(vec![right()]));
    let mut other = manifest("hello");
    other["version"] = "0.2.0".into();
    let wasm = with_documents(idle(), &other, &descriptor());
    world.plugins.write("a.wasm", wasm).expect("writes");
    let found = store.lookup(&operation("hello.greet")).expect("found");
    assert_eq!(found.granted, Granted::Rights(vec![]));
}

#[test]
fn granting_what_is_not_requested_is_refused() {
    let store = World::new().store(vec![]);
    let wide = "cluster:delete:pods:*".parse().expect("a right");
    let failure = store
        .grant(&id("flux"), None, vec![wide])
        .expect_err("refused");
    assert_eq!(failure.code, "plugin.not-requested");
    assert_eq!(
        failure.hint.as_deref(),
        Some("it requests 'cluster:get:pods:*'")
    );
}

#[test]
fn grant_to_a_bundled_plugin_says_that_it_needs_none() {
    let world = World::new();
    let store = world.store(vec![]);
    let granted = store
        .grant(&id("flux"), None, vec![right()])
        .expect("as it is");
    assert!(granted.bundled);
    world
        .plugins
        .write("a.wasm", plugin("hello"))
        .expect("writes");
    let granted = world.store(vec![]).grant(&id("hello"), None, vec![right()]);
    assert!(!granted.expect("granted").bundled);
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
    store
        .grant(&id("hello"), None, vec![right()])
        .expect("granted");
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
        let problem = Problem::IdTaken {
            id: "flux".to_owned(),
            owner: Origin::Bundled,
        };
        let word = agent_core::hint::word(&match name.strip_prefix('-') {
            Some(_) => format!("./{name}"),
            None => (*name).to_owned(),
        });
        let origin = Origin::Directory((*name).to_owned());
        let failure = Refusal { origin, problem }.to_failure();
        let hint = failure.hint.expect("a hint");
        assert!(hint.contains(&word), "{hint}");
        assert!(!hint.replace(&word, "").contains("touch"), "{hint}");
    }
}

/// The same plugin in other bytes.
fn later(id: &str) -> Vec<u8> {
    let mut later = manifest(id);
    later["version"] = "0.2.0".into();
    with_documents(idle(), &later, &descriptor())
}

fn digest(wasm: &[u8]) -> Digest {
    Bytes::from(wasm.to_vec()).digest()
}

#[test]
fn grant_is_for_the_bytes_that_were_looked_at_and_not_for_what_lies_there_now() {
    let world = World::new();
    world
        .plugins
        .write("a.wasm", plugin("hello"))
        .expect("writes");
    let store = world.store(vec![]);
    let seen = digest(&plugin("hello"));
    world
        .plugins
        .write("a.wasm", later("hello"))
        .expect("writes");
    let refused = store
        .grant(&id("hello"), Some(&seen), vec![right()])
        .expect_err("another one lies there");
    assert_eq!(refused.code, "plugin.other-artifact");
    assert!(refused.message.contains(seen.as_str()), "{refused}");
    let found = store.lookup(&operation("hello.greet")).expect("found");
    assert_eq!(found.granted, Granted::Rights(vec![]));
    world
        .plugins
        .write("a.wasm", plugin("hello"))
        .expect("writes");
    let granted = store.grant(&id("hello"), Some(&seen), vec![right()]);
    assert_eq!(granted.expect("granted").artifact, seen);
}

#[test]
fn grant_says_whether_somebody_has_looked_at_the_plugin() {
    let world = World::new();
    world
        .plugins
        .write("a.wasm", plugin("hello"))
        .expect("writes");
    let store = world.store(vec![]);
    let inspected = |store: &Store, id: &PluginId| {
        let granted = store.grant(id, None, vec![right()]);
        granted.expect("granted").inspected
    };
    assert!(!inspected(&store, &id("hello")));
    store.inspected(&digest(&plugin("hello")));
    assert!(inspected(&store, &id("hello")));
    world
        .plugins
        .write("a.wasm", later("hello"))
        .expect("writes");
    assert!(!inspected(&store, &id("hello")), "it is another one by now");
    assert!(inspected(&store, &id("flux")), "it came with the agent");
}

/// Whoever can put a file there must not be able to say that it came with the agent.
#[test]
fn artifact_that_was_kept_is_bundled_by_its_digest_and_by_no_name() {
    let world = World::new();
    let (_, evil) = (world.store(vec![]), later("flux"));
    let digest = digest(&evil);
    for name in [
        format!("{}.wasm", digest.hex()),
        format!("{}.bundled.wasm", digest.hex()),
    ] {
        world.folders[2].dir().write(name, &evil).expect("writes");
    }
    let found = world
        .store(vec![])
        .lookup_exact(&operation("flux.greet"), &digest)
        .expect("found");
    assert_eq!(found.granted, Granted::Rights(vec![]));
    assert_ne!(found.origin, Origin::Bundled);
}

#[test]
fn run_of_a_bundled_plugin_is_resumed_with_its_rights_where_a_file_stands_in_for_it() {
    let world = World::new();
    let store = world.store(vec![("new.wasm", later("flux"))]);
    let bundled = digest(&plugin("flux"));
    let found = store.lookup_exact(&operation("flux.greet"), &bundled);
    assert_eq!(found.expect("found").granted, Granted::Requested);
}

#[test]
fn plan_cannot_name_the_operation_of_one_plugin_and_the_artifact_of_another() {
    let world = World::new();
    let store = world.store(vec![]);
    let evil = Bytes::from(plugin("evil"));
    let kept = world.folders[2].dir();
    kept.write(format!("{}.wasm", evil.digest().hex()), &*evil)
        .expect("writes");
    let failure = store
        .lookup_exact(&operation("flux.greet"), &evil.digest())
        .expect_err("refused");
    assert_eq!(failure.code, "store.other-plugin");
    let failure = store
        .lookup_exact(&operation("evil.none"), &evil.digest())
        .expect_err("refused");
    assert_eq!(failure.code, "operations.unknown");
}

#[test]
fn grants_of_a_directory_or_a_file_that_others_can_write_to_are_refused() {
    let world = World::new();
    world
        .plugins
        .write("a.wasm", plugin("hello"))
        .expect("writes");
    let store = world.store(vec![]);
    store
        .grant(&id("hello"), None, vec![right()])
        .expect("granted");
    let config = &world.folders[1];
    let all = cap_std::fs::PermissionsExt::from_mode(0o666);
    config
        .dir()
        .set_permissions("grants.toml", all)
        .expect("sets");
    let failure = store
        .lookup(&operation("hello.greet"))
        .expect_err("anybody could have written it");
    assert_eq!(failure.code, "plugin.grants");
    let path = config.path().join("grants.toml").display().to_string();
    let hint = failure.hint.as_deref().map(str::to_owned);
    assert_eq!(hint, Some(format!("chmod go-w {path}")));
    let open = cap_std::fs::PermissionsExt::from_mode(0o777);
    config.dir().set_permissions(".", open).expect("sets");
    let [directory, _, kept] = world.opened();
    let refused = Folder::open(config.path(), Whose::ToRead).map(Some);
    let store = Store::new(Sources {
        bundled: vec![],
        directory,
        given: vec![],
        config: refused,
        kept,
        agent: Version::new(0, 1, 0),
    });
    let failure = store
        .lookup(&operation("hello.greet"))
        .expect_err("refused");
    assert_eq!(failure.code, "plugin.grants");
}

/// A pipe keeps whoever opens it waiting, and what was refused must not stay in memory.
#[test]
fn what_lies_in_the_plugin_directory_is_read_within_bounds() {
    let world = World::new();
    let path = world.folders[0].path();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, path.join("a.wasm"), mode).expect("made");
    for number in 0..40 {
        // Sixty megabytes each that take no room.
        let file = world.plugins.create(format!("b{number:02}.wasm"));
        file.expect("made").set_len(60 << 20).expect("grown");
    }
    world
        .plugins
        .write("z.wasm", plugin("hello"))
        .expect("writes");
    let store = world.store(vec![]);
    let found = codes(&store);
    let code = |name: &str| {
        let pair = found.iter().find(|(origin, _)| origin == name);
        pair.map(|(_, code)| code.as_str())
    };
    assert_eq!(code("a.wasm"), Some("plugin.unreadable"));
    assert_eq!(code("b01.wasm"), Some("plugin.not-wasm"));
    assert_eq!(code("b39.wasm"), Some("plugin.too-many"));
    assert_eq!(
        code("z.wasm"),
        Some("hello"),
        "what is small enough is read"
    );
    let kept: usize = store.directory().iter().map(|it| it.wasm.len()).sum();
    assert_eq!(kept, plugin("hello").len());
}

#[test]
fn more_files_than_anybody_has_are_not_looked_at() {
    let world = World::new();
    for number in 0..300 {
        let name = format!("{number:03}.wasm");
        world.plugins.write(name, b"").expect("writes");
    }
    let found = codes(&world.store(vec![]));
    assert_eq!(
        found.len(),
        1 + 256 + 1,
        "the bundled one, and who is the first too many"
    );
    let last = ("256.wasm".to_owned(), "plugin.too-many".to_owned());
    assert!(found.contains(&last));
}

#[test]
fn name_of_a_file_is_one_line() {
    let world = World::new();
    let name = "a\nError: all is lost\u{1b}[2J.wasm";
    world.plugins.write(name, b"").expect("writes");
    let found = codes(&world.store(vec![]));
    let shown = r"a\nError: all is lost\u{1b}[2J.wasm";
    assert!(found.contains(&(shown.to_owned(), "plugin.empty".to_owned())));
}
