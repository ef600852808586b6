//! What the agent says of its own work, for whoever looks for a fault in it: `-vv`, or `AGENT_LOG=agent_engine=debug`.
//!
//! Only the rooms of the agent are heard. What the libraries below them log has headers and frames in it, and with those the credentials.

use std::io;

use agent_cli::Options;
use agent_core::failure::{Failure, Kind};
use agent_core::text::plain;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{Registry, fmt};

/// How the names of our crates begin.
const OURS: &str = "agent";

/// So often is `-v` given for what the agent itself does.
const OWN: u8 = 2;

/// Begins to write the log to standard error, if it is wanted. Returns whether it is.
///
/// # Errors
/// `invalid` (`settings.invalid`) when `AGENT_LOG` cannot be read, or names what is not ours.
pub(super) fn begin(options: &Options) -> Result<bool, Failure> {
    let wanted = std::env::var("AGENT_LOG").unwrap_or_default();
    let targets = match (wanted.trim(), options.verbose >= OWN) {
        ("", false) => return Ok(false),
        ("", true) => ours(LevelFilter::DEBUG),
        (wanted, _) => targets(wanted)?,
    };
    let lines = fmt::layer()
        .with_ansi(false)
        .with_timer(fmt::time::uptime())
        .with_writer(|| Lines);
    // Set once, before anything is logged; a second one there cannot be.
    drop(set_global_default(
        Registry::default().with(targets).with(lines),
    ));
    Ok(true)
}

fn ours(level: LevelFilter) -> Targets {
    Targets::new().with_target(OURS, level)
}

/// Reads `debug`, or `agent_engine=debug,agent_sandbox=info`.
fn targets(wanted: &str) -> Result<Targets, Failure> {
    let wrong = |why: String| {
        let message = format!("`AGENT_LOG` is `{}`: {why}", plain(wanted));
        Failure::new(Kind::Invalid, "settings.invalid", message)
            .hinted("write AGENT_LOG=debug, or AGENT_LOG=agent_engine=debug,agent_sandbox=trace")
    };
    if let Ok(level) = wanted.parse::<LevelFilter>() {
        return Ok(ours(level));
    }
    let targets: Targets = wanted
        .parse()
        .map_err(|error| wrong(plain(&format!("{error}"))))?;
    match targets.iter().find(|(target, _)| !target.starts_with(OURS)) {
        Some((target, _)) => Err(wrong(format!(
            "`{}` is not a crate of the agent, and only those are heard",
            plain(target)
        ))),
        None => Ok(targets),
    }
}

/// Standard error, an event a line: strangers' values are in them, and could be lines of their own otherwise.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = plain(text.trim()).replace('\n', " ");
        writeln!(io::stderr(), "{line}")?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_crates_of_the_agent_are_heard() {
        for (wanted, target, heard) in [
            ("debug", "agent_engine::compiler", true),
            ("debug", "hyper::proto", false),
            ("agent_engine=debug", "agent_engine", true),
            ("agent_engine=debug", "agent_cli", false),
        ] {
            let targets = targets(wanted).expect("read");
            let level = &tracing::Level::DEBUG;
            assert_eq!(
                targets.would_enable(target, level),
                heard,
                "{wanted} {target}"
            );
        }
        for wrong in [
            "loud",
            "hyper=trace",
            "agent_engine=debug,rustls=trace",
            "=",
            "a=b=c",
        ] {
            let failure = targets(wrong).expect_err(wrong);
            assert_eq!(failure.code, "settings.invalid");
        }
    }
}
