//! What the containers of pods have written, line by line.
//!
//! No container runs here: whoever plays the kubelet writes the lines. A reader may follow.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) time: Timestamp,
    pub(crate) text: String,
}

type Key = (String, String);

/// The logs of all pods.
pub(crate) struct PodLogs {
    lines: Mutex<HashMap<Key, Vec<Line>>>,
    changed: watch::Sender<u64>,
}

impl PodLogs {
    pub(crate) fn new() -> Self {
        Self {
            lines: Mutex::new(HashMap::new()),
            changed: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Vec<Line>>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `text` the whole log; lines that were there already keep their time.
    pub(crate) fn set(&self, namespace: &str, pod: &str, text: &str) {
        let now = Timestamp::now();
        let mut logs = self.lock();
        let lines = logs
            .entry((namespace.to_owned(), pod.to_owned()))
            .or_default();
        let same = lines
            .iter()
            .zip(text.lines())
            .take_while(|(line, text)| line.text == *text)
            .count();
        lines.truncate(same);
        lines.extend(text.lines().skip(same).map(|text| Line {
            time: now,
            text: text.to_owned(),
        }));
        drop(logs);
        self.changed.send_modify(|count| *count += 1);
    }

    pub(crate) fn append(&self, namespace: &str, pod: &str, text: &str) {
        let now = Timestamp::now();
        let mut logs = self.lock();
        let lines = logs
            .entry((namespace.to_owned(), pod.to_owned()))
            .or_default();
        lines.extend(text.lines().map(|text| Line {
            time: now,
            text: text.to_owned(),
        }));
        drop(logs);
        self.changed.send_modify(|count| *count += 1);
    }

    /// The lines from number `from` on.
    pub(crate) fn read(&self, namespace: &str, pod: &str, from: usize) -> Vec<Line> {
        let logs = self.lock();
        let lines = logs.get(&(namespace.to_owned(), pod.to_owned()));
        lines
            .and_then(|lines| lines.get(from..))
            .map(<[Line]>::to_vec)
            .unwrap_or_default()
    }

    pub(crate) fn forget(&self, namespace: &str, pod: &str) {
        self.lock().remove(&(namespace.to_owned(), pod.to_owned()));
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
