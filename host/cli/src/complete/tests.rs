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
