//! `agent runs prune`: forget runs that are over.

use agent_core::record::Retention;
use agent_core::{Failure, size};
use clap::Args;

use crate::command::Door;
use crate::render::document;

/// What is kept; an option that is not given keeps everything.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Keep nothing that began more than N days ago
    #[arg(long, value_name = "N", value_parser = days)]
    days: Option<u32>,
    /// Keep the newest, at most so many bytes of them, such as 500K, 50M or 1G
    #[arg(long, value_name = "BYTES", value_parser = size)]
    size: Option<u64>,
}

impl From<Arguments> for Option<Retention> {
    fn from(arguments: Arguments) -> Option<Retention> {
        match (arguments.days, arguments.size) {
            (None, None) => None,
            (days, size) => Some(Retention {
                days: days.unwrap_or(u32::MAX),
                bytes: size.unwrap_or(u64::MAX),
            }),
        }
    }
}

pub(super) async fn execute(
    retention: Option<Retention>,
    door: &mut Door<'_>,
) -> Result<(), Failure> {
    let pruned = door.agent.prune(retention).await?;
    if door.documents(&[document(&pruned)?]) {
        return Ok(());
    }
    let runs = match pruned.runs {
        0 => "no runs were forgotten".to_owned(),
        1 => "1 run was forgotten".to_owned(),
        many => format!("{many} runs were forgotten"),
    };
    let (before, after) = (size::show(pruned.before), size::show(pruned.after));
    let size = if before == after {
        format!("the journal has {after}")
    } else {
        format!("the journal has {after}, before it had {before}")
    };
    door.terminal.stdout.line(format_args!("{runs}; {size}"));
    Ok(())
}

/// Nobody means to forget everything by a nought.
fn days(text: &str) -> Result<u32, String> {
    let days = text.parse().ok().filter(|days| *days > 0);
    days.ok_or_else(|| "a number of days, 1 or more".to_owned())
}

fn size(text: &str) -> Result<u64, String> {
    size::parse(text).ok_or_else(|| "a number of bytes such as 500K, 50M or 1G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_at_least_one() {
        assert_eq!(days("30"), Ok(30));
        for wrong in ["0", "-1", "x", ""] {
            assert!(days(wrong).is_err(), "{wrong}");
        }
    }
}
