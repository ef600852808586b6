//! What a run has made, to find out whether it made anything twice.

use std::collections::BTreeMap;

/// What a run has made and what it has made others make.
#[derive(Clone, Debug, Default, PartialEq, PartialOrd)]
pub(super) struct Made {
    /// How many objects, by their collection.
    pub(super) objects: BTreeMap<String, usize>,
    pub(super) snapshots: usize,
    pub(super) releases: i64,
}

impl Made {
    /// In which way this is more than `most`.
    pub(super) fn beyond(&self, most: &Made) -> Vec<String> {
        let known = |path: &String| most.objects.get(path).copied().unwrap_or_default();
        let more = self
            .objects
            .iter()
            .filter(|(path, count)| **count > known(path))
            .map(|(path, count)| {
                format!(
                    "{count} created in {path}, and {} in a clean run",
                    known(path)
                )
            });
        let mut beyond: Vec<String> = more.collect();
        if self.snapshots > most.snapshots || self.releases > most.releases {
            beyond.push(format!("{self:?} is more than {most:?}"));
        }
        beyond
    }
}
