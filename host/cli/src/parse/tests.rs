//! Where words may stand.

use super::*;

fn line(words: &str) -> Invocation {
    parse(words.split(' ').map(OsString::from)).unwrap_or_else(|early| panic!("{words}: {early:?}"))
}

#[test]
fn global_options_stand_anywhere() {
    let wanted = line("agent --sandbox -o json -y run flux.sync ks media plex");
    assert!(wanted.options.sandbox && wanted.options.yes);
    for words in [
        "agent run --sandbox flux.sync -o json ks media plex -y",
        "agent run flux.sync ks media plex -o json --yes --sandbox",
        "agent run flux.sync ks --output=json media -yojson --sandbox plex",
    ] {
        assert_eq!(line(words), wanted, "{words}");
    }
}

#[test]
fn words_of_the_operation_are_left_to_it() {
    let Command::Run(run) = line("agent run flux.sync ks -n media --all --plan -av").command else {
        panic!("a run")
    };
    assert_eq!(run.operation.as_deref(), Some("flux.sync"));
    assert_eq!(run.words, ["ks", "-n", "media", "--all", "-av"]);
}

#[test]
fn options_of_a_run_stand_anywhere_in_its_line() {
    let wanted = line("agent run --plan --out plan.json --on-failure keep flux.sync ks");
    for words in [
        "agent run flux.sync ks --plan --out=plan.json --on-failure=keep",
        "agent --on-failure keep --out plan.json run flux.sync --plan ks",
        "agent run flux.sync --on-failure ask ks --plan --out plan.json --on-failure keep",
    ] {
        assert_eq!(line(words), wanted, "{words}");
    }
    let Command::Run(run) = wanted.command else {
        panic!("a run")
    };
    assert_eq!(run.options.out.as_deref(), Some("plan.json".as_ref()));
    assert_eq!(run.words, ["ks"]);
}

#[test]
fn after_two_dashes_nothing_is_global() {
    let invocation = line("agent run flux.sync -q -- -v --plan");
    let Command::Run(run) = invocation.command else {
        panic!("a run")
    };
    assert_eq!(run.words, ["--", "-v", "--plan"]);
    assert_eq!(
        (invocation.options.quiet, invocation.options.plan),
        (true, false)
    );
}

#[test]
fn the_last_of_two_equal_options_wins() {
    assert_eq!(
        line("agent -o json run flux.sync -o yaml").options.output,
        crate::Output::Yaml
    );
    assert_eq!(
        line("agent -o json list -o yaml").options.output,
        crate::Output::Yaml
    );
    let plugins = line("agent --plugin a.wasm run x.y --plugin b.wasm")
        .options
        .plugins;
    assert_eq!(plugins.len(), 2);
}

#[test]
fn an_inspected_file_is_loaded() {
    let invocation = line("agent plugin inspect ./mine.wasm");
    assert_eq!(
        invocation.options.plugins,
        [std::path::PathBuf::from("./mine.wasm")]
    );
    assert!(
        line("agent plugin inspect volsync")
            .options
            .plugins
            .is_empty()
    );
}

#[test]
fn only_calls_and_completion_of_arguments_need_a_cluster() {
    let table = [
        ("agent run flux.sync ks media plex", true),
        ("agent run flux.sync --help", false),
        ("agent run flux.sync -- --help", true),
        ("agent run flux", false),
        ("agent run", false),
        ("agent list", false),
        ("agent apply plan.json", true),
        ("agent resume last", true),
        ("agent undo last", true),
        ("agent runs", false),
        ("agent runs show last", false),
        ("agent runs follow last", false),
        ("agent __complete 2 -- agent resume l", false),
        ("agent __complete 2 -- agent run fl", false),
        ("agent __complete 3 -- agent run flux.sync k", true),
    ];
    for (words, wanted) in table {
        assert_eq!(line(words).command.needs_cluster(), wanted, "{words}");
    }
}

#[test]
fn clap_finds_no_fault_in_the_tree() {
    clap_command().debug_assert();
}
