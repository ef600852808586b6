//! Which name was meant.

use crate::hint;
use crate::hint::{Either, Names, Remedy};

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
pub fn sentence<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<Remedy> {
    let mut known: Vec<&str> = known.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return None;
    }
    let near = nearest(given, known.iter().copied());
    Some(if near.is_empty() {
        hint!("known: {}", Names(known))
    } else {
        hint!("did you mean {}? known: {}", Either(near), Names(known))
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
            Some("did you mean plex? known: atuin, plex")
        );
        assert_eq!(sentence("zzz", ["plex"]).as_deref(), Some("known: plex"));
        assert_eq!(sentence("zzz", []), None);
    }
}
