//! Words that several drawings have in common.

/// Returns a number of changes as a noun phrase.
pub(crate) fn changes(count: u64) -> String {
    match count {
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    }
}
