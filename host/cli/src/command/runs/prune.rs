//! `agent runs prune`: forget runs that are over.

use agent_core::Failure;
use agent_core::record::Retention;
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
    let (before, after) = (bytes(pruned.before), bytes(pruned.after));
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
    let (digits, shift) = match text.char_indices().last() {
        Some((at, 'K' | 'k')) => (&text[..at], 10),
        Some((at, 'M' | 'm')) => (&text[..at], 20),
        Some((at, 'G' | 'g')) => (&text[..at], 30),
        _ => (text, 0),
    };
    let count = digits.parse::<u64>().ok();
    count
        .and_then(|count| count.checked_mul(1 << shift))
        .ok_or_else(|| "a number of bytes such as 500K, 50M or 1G".to_owned())
}

/// Returns a size in its largest unit.
fn bytes(count: u64) -> String {
    let tenths = |unit: u64| {
        let whole = count / unit;
        format!("{whole}.{}", (count - whole * unit) * 10 / unit)
    };
    match count {
        0..1024 => format!("{count} bytes"),
        1024..1_048_576 => format!("{}K", tenths(1 << 10)),
        1_048_576..1_073_741_824 => format!("{}M", tenths(1 << 20)),
        _ => format!("{}G", tenths(1 << 30)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit() {
        let table = [
            ("500", Some(500)),
            ("4k", Some(4096)),
            ("50M", Some(52_428_800)),
            ("1G", Some(1_073_741_824)),
            ("0", Some(0)),
            ("", None),
            ("M", None),
            ("-1", None),
            ("1.5G", None),
            ("50MB", None),
            ("99999999999G", None),
            ("5é", None),
        ];
        for (text, wanted) in table {
            assert_eq!(size(text).ok(), wanted, "{text}");
        }
    }

    #[test]
    fn a_size_is_told_in_its_largest_unit() {
        let table = [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1536, "1.5K"),
            (52_428_800, "50.0M"),
            (u64::MAX, "17179869183.9G"),
        ];
        for (count, wanted) in table {
            assert_eq!(bytes(count), wanted);
        }
    }

    #[test]
    fn days_are_at_least_one() {
        assert_eq!(days("30"), Ok(30));
        for wrong in ["0", "-1", "x", ""] {
            assert!(days(wrong).is_err(), "{wrong}");
        }
    }
}
