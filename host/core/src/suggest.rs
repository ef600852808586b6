//! Which name was meant.

/// Returns the known names that are close to the one that was given, nearest first, at most three.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| {
            let contains = !given.is_empty() && (name.contains(given) || given.contains(name));
            let score = strsim::jaro_winkler(given, name);
            (if contains { score.max(0.9) } else { score }, name)
        })
        .filter(|(score, _)| *score >= 0.8)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.dedup_by_key(|(_, name)| *name);
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Returns a sentence that names what was probably meant and what is known, or none when nothing is known.
pub fn sentence<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    const MANY: usize = 30;
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return None;
    }
    let near: Vec<String> = nearest(given, known.iter().copied())
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let more = known.len().saturating_sub(MANY);
    let list = known
        .iter()
        .take(MANY)
        .copied()
        .collect::<Vec<_>>()
        .join(", ");
    let list = if more == 0 {
        list
    } else {
        format!("{list} and {more} more")
    };
    Some(if near.is_empty() {
        format!("known: {list}")
    } else {
        format!("did you mean {}? known: {list}", near.join(" or "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_name() {
        assert_eq!(nearest("plexx", ["sonarr", "plex", "radarr"]), ["plex"]);
        assert_eq!(nearest("restor", ["restore", "status"]), ["restore"]);
        assert!(nearest("zzz", ["plex"]).is_empty());
    }

    #[test]
    fn sentence_lists_what_is_known() {
        assert_eq!(
            sentence("plx", ["plex", "atuin"]).as_deref(),
            Some("did you mean `plex`? known: atuin, plex")
        );
        assert_eq!(sentence("zzz", ["plex"]).as_deref(), Some("known: plex"));
        assert_eq!(sentence("zzz", []), None);
    }
}
