//! Numbers as people read them.

use agent_sdk::jiff::{SignedDuration, Timestamp};

/// Returns how long ago something was, in its two largest units.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    if seconds < 0 {
        return format!("in {}", length(-seconds));
    }
    format!("{} ago", length(seconds))
}

/// Returns a length of time in its two largest units.
pub(crate) fn length(seconds: i64) -> String {
    const UNITS: [(&str, i64); 4] = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut rest = seconds.max(0);
    let mut parts = Vec::new();
    for (unit, size) in UNITS {
        if rest >= size && parts.len() < 2 {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        } else if !parts.is_empty() {
            break;
        }
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.concat()
    }
}

/// Returns a number of things, such as `1 workload` or `2 workloads`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{end}")
}

/// Returns a length of time in seconds, at least 1.
pub(crate) fn seconds(length: SignedDuration) -> u64 {
    u64::try_from(length.as_secs()).unwrap_or_default().max(1)
}

/// Returns a size in binary units.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut size = count as f64;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{count} B")
    } else {
        format!("{size:.1} {}", UNITS[unit])
    }
}

/// Returns the random end of a token, eight letters and digits, for names of objects of which one run makes several. The host knows it again, so a plan
/// does not rest on it.
pub(crate) fn end(token: &str) -> &str {
    token.rsplit('-').next().unwrap_or(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units_at_most() {
        assert_eq!(length(0), "0s");
        assert_eq!(length(59), "59s");
        assert_eq!(length(3_600), "1h");
        assert_eq!(length(90_061), "1d1h");
        assert_eq!(length(86_405), "1d");
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
    }

    #[test]
    fn end_of_a_token_is_its_random_part() {
        assert_eq!(end("2026-11-22T06-00-00.123456789Z-0a1b2c3d"), "0a1b2c3d");
    }
}
