//! The events of a run as its record tells them, also while another process is at it.

use std::time::Duration;

use agent_core::event::Event;
use agent_core::id::RunId;
use agent_core::record::{State, Telling};
use agent_journal::Journal;
use futures::stream::{self, Stream, StreamExt as _};

/// How often the record is looked at.
const PAUSE: Duration = Duration::from_millis(200);

struct Following {
    journal: Journal,
    run: RunId,
    telling: Telling,
    seen: u64,
    over: bool,
}

/// Ends when the run is over or its process is gone.
pub(crate) fn events(journal: Journal, run: RunId) -> impl Stream<Item = Event> {
    let following = Following {
        journal,
        run,
        telling: Telling::new(),
        seen: 0,
        over: false,
    };
    stream::unfold(following, |mut following| async move {
        let events = following.next().await?;
        Some((stream::iter(events), following))
    })
    .flatten()
}

impl Following {
    /// Returns what came since the last time, when something did.
    async fn next(&mut self) -> Option<Vec<Event>> {
        while !self.over {
            // The state first: what a process writes before it goes is there then.
            let state = self.journal.state(&self.run).ok()?;
            let entries = self.journal.entries(&self.run, self.seen).ok()?;
            self.seen = entries.last().map_or(self.seen, |last| last.number);
            self.over = state != State::Running;
            let told = entries
                .iter()
                .filter_map(|noted| self.telling.tell(&noted.entry));
            let events: Vec<Event> = told.collect();
            if !events.is_empty() {
                return Some(events);
            }
            if !self.over {
                tokio::time::sleep(PAUSE).await;
            }
        }
        None
    }
}
