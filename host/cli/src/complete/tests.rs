//! Prompts as shells describe them.

use super::*;

fn prompt(words: &[&str], index: usize) -> Option<(Vec<String>, String, usize)> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let prompt = Prompt::of(&words, index)?;
    let before = prompt
        .before
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    Some((before, prompt.current, prompt.kept))
}

#[test]
fn options_of_an_unfinished_line_are_understood_and_the_word_with_the_cursor_is_not_one() {
    let options = |line: &str| {
        let line = ["agent", "__complete"].into_iter().chain(line.split(' '));
        let invocation = crate::parse(line.map(OsString::from)).expect("a line");
        let crate::Command::Complete(words) = invocation.command else {
            panic!("not a prompt")
        };
        let options = words.options();
        (
            options.kubeconfig.map(|path| path.display().to_string()),
            options.plugins.len(),
            options.sandbox,
        )
    };
    let home = || Some("home".to_owned());
    let table = [
        (
            "5 -- agent --kubeconfig home run flux.sync k",
            (home(), 0, false),
        ),
        ("4 -- agent run x.y --kubeconfig hom", (None, 0, false)),
        (
            "6 -- agent --kubeconfig = home run x.y me",
            (home(), 0, false),
        ),
        (
            "3 -- agent run x.y me --kubeconfig = home",
            (home(), 0, false),
        ),
        (
            "6 -- agent --plugin a.wasm plugin grant a ",
            (None, 1, false),
        ),
        ("3 -- agent run --plugin a.wa", (None, 0, false)),
        ("4 -- agent --sandbox run x.y --nothing", (None, 0, true)),
        ("9 -- agent --sandbox", (None, 0, true)),
    ];
    for (line, wanted) in table {
        assert_eq!(options(line), wanted, "{line}");
    }
}

#[test]
fn words_that_bash_split_are_joined() {
    let before = vec!["run".to_owned(), "x.y".to_owned()];
    assert_eq!(
        prompt(&["agent", "run", "x.y", "--as-of", "=", "12", ":", "30"], 7),
        Some((before.clone(), "--as-of=12:30".to_owned(), 11))
    );
    assert_eq!(
        prompt(&["agent", "run", "x.y", "--as-of", "="], 4),
        Some((before.clone(), "--as-of=".to_owned(), 8))
    );
    assert_eq!(
        prompt(&["agent", "run", "x.y"], 3),
        Some((before, String::new(), 0))
    );
    assert_eq!(prompt(&["agent"], 0), None);
}
