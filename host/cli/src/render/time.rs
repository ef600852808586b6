//! Times and lengths of time, in as few characters as a person needs.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How the present time and the time zone are found out. Few commands ask.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The present time.
    pub now: fn() -> Timestamp,
    /// The time zone of whoever reads.
    pub zone: fn() -> TimeZone,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock {
            now: Timestamp::now,
            zone: || TimeZone::UTC,
        }
    }
}

impl Clock {
    /// Looks at it once, so that all of an output rests on the same moment.
    pub(crate) fn look(self) -> Present {
        Present {
            now: (self.now)(),
            zone: (self.zone)(),
        }
    }
}

/// A moment, and how people around here write it.
#[derive(Clone, Debug)]
pub(crate) struct Present {
    pub(crate) now: Timestamp,
    zone: TimeZone,
}

impl Present {
    /// Returns how long ago something was.
    pub(crate) fn since(&self, at: Timestamp) -> Duration {
        between(at, self.now)
    }

    /// Returns a moment as a clock on the wall shows it, with the day when it is not today.
    pub(crate) fn local(&self, at: Timestamp) -> String {
        let zoned = |at: Timestamp| at.to_zoned(self.zone.clone());
        let (at, now) = (zoned(at), zoned(self.now));
        let format = if at.date() == now.date() {
            "%H:%M"
        } else if at.year() == now.year() {
            "%b %d %H:%M"
        } else {
            "%Y-%m-%d"
        };
        at.strftime(format).to_string()
    }

    /// Returns a moment with everything that tells it from any other.
    pub(crate) fn exact(&self, at: Timestamp) -> String {
        let zoned = at.to_zoned(self.zone.clone());
        zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
    }
}

/// Returns the time between two moments; none at all when clocks disagree about their order.
pub(crate) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// Returns a length of time in few characters; nothing when it was too short to be felt.
pub(super) fn felt(length: Duration) -> String {
    let tenths = length.as_millis() / 100;
    match tenths {
        0 => String::new(),
        _ => short(length),
    }
}

/// Returns a length of time in few characters, such as `1.2s` or `2m05s`.
pub(crate) fn short(length: Duration) -> String {
    let tenths = length.as_millis() / 100;
    match tenths {
        0..100 => format!("{}.{}s", tenths / 10, tenths % 10),
        100..600 => format!("{}s", tenths / 10),
        600..36_000 => format!("{}m{:02}s", tenths / 600, tenths / 10 % 60),
        36_000..864_000 => format!("{}h{:02}m", tenths / 36_000, tenths / 600 % 60),
        _ => format!("{}d{:02}h", tenths / 864_000, tenths / 36_000 % 24),
    }
}

/// Returns a time since a beginning, such as `18.4s` or `2m05s`.
pub(crate) fn offset(length: Duration) -> String {
    let tenths = length.as_millis() / 100;
    match tenths {
        0..600 => format!("{}.{}s", tenths / 10, tenths % 10),
        _ => short(length),
    }
}

/// Returns an age in its largest unit, such as `5m`.
pub(crate) fn age(length: Duration) -> String {
    let (count, unit) = largest(length);
    let letter = unit.chars().take(1).collect::<String>();
    format!("{count}{letter}")
}

/// Returns how long ago something was, such as `5 minutes ago`.
pub(crate) fn ago(length: Duration) -> String {
    match largest(length) {
        (0, _) => "just now".to_owned(),
        (1, unit) => format!("1 {unit} ago"),
        (count, unit) => format!("{count} {unit}s ago"),
    }
}

fn largest(length: Duration) -> (u64, &'static str) {
    let seconds = length.as_secs();
    match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        86_400..31_536_000 => (seconds / 86_400, "day"),
        _ => (seconds / 31_536_000, "year"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_the_precision_that_matters() {
        let table = [
            (40, "", "0.0s"),
            (1234, "1.2s", "1.2s"),
            (9_990, "9.9s", "9.9s"),
            (12_345, "12s", "12s"),
            (125_000, "2m05s", "2m05s"),
            (7_500_000, "2h05m", "2h05m"),
            (180_000_000, "2d02h", "2d02h"),
        ];
        for (ms, wanted_felt, wanted) in table {
            let length = Duration::from_millis(ms);
            assert_eq!(
                (felt(length).as_str(), short(length).as_str()),
                (wanted_felt, wanted)
            );
        }
    }

    #[test]
    fn an_offset_tells_steps_of_a_minute_apart() {
        for (ms, wanted) in [
            (0, "0.0s"),
            (18_449, "18.4s"),
            (59_999, "59.9s"),
            (60_000, "1m00s"),
        ] {
            assert_eq!(offset(Duration::from_millis(ms)), wanted);
        }
    }

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let table = [
            (0, "0s", "just now"),
            (1, "1s", "1 second ago"),
            (59, "59s", "59 seconds ago"),
            (60, "1m", "1 minute ago"),
            (7200, "2h", "2 hours ago"),
            (86_400, "1d", "1 day ago"),
            (31_536_000, "1y", "1 year ago"),
        ];
        for (seconds, short, long) in table {
            let length = Duration::from_secs(seconds);
            assert_eq!((age(length).as_str(), ago(length).as_str()), (short, long));
        }
    }

    fn moment(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn local_time_has_the_day_only_when_it_is_not_today() {
        let present = Present {
            now: moment("2026-11-25T23:30:00Z"),
            zone: TimeZone::fixed(jiff::tz::offset(1)),
        };
        let table = [
            ("2026-11-25T23:05:00Z", "00:05"),
            ("2026-11-25T22:05:00Z", "Nov 25 23:05"),
            ("2025-11-25T22:05:00Z", "2025-11-25"),
        ];
        for (at, wanted) in table {
            assert_eq!(present.local(moment(at)), wanted);
        }
        assert_eq!(
            present.exact(moment("2026-11-25T23:05:09Z")),
            "2026-11-26 00:05:09 +01"
        );
    }

    #[test]
    fn clocks_that_disagree_make_no_length() {
        let (early, late) = (
            moment("2026-11-25T23:05:00Z"),
            moment("2026-11-25T23:05:09Z"),
        );
        assert_eq!(between(early, late), Duration::from_secs(9));
        assert_eq!(between(late, early), Duration::ZERO);
    }
}
