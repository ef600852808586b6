//! Times as `kubectl` shows them: how long ago.

use jiff::Timestamp;

/// `5m`, `3h12m`, `<unknown>` where there is no time.
pub(crate) fn of(time: Option<&str>) -> String {
    match time.and_then(|text| text.parse::<Timestamp>().ok()) {
        Some(then) => duration(Timestamp::now().as_second() - then.as_second()),
        None => "<unknown>".to_owned(),
    }
}

/// Seconds as Kubernetes' `HumanDuration` writes them.
pub(crate) fn duration(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const YEAR: i64 = 365 * DAY;
    let pair = |whole: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 {
            format!("{whole}{unit}")
        } else {
            format!("{whole}{unit}{rest}{small}")
        }
    };
    match seconds {
        i64::MIN..-1 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(seconds / MINUTE, "m", seconds % MINUTE, "s"),
        600..10_800 => format!("{}m", seconds / MINUTE),
        10_800..28_800 => pair(seconds / HOUR, "h", seconds % HOUR / MINUTE, "m"),
        28_800..172_800 => format!("{}h", seconds / HOUR),
        172_800..691_200 => pair(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
        691_200..63_072_000 => format!("{}d", seconds / DAY),
        63_072_000..252_288_000 => pair(seconds / YEAR, "y", seconds % YEAR / DAY, "d"),
        _ => format!("{}y", seconds / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_look_like_kubectls() {
        let shown: Vec<String> = [5, 119, 130, 700, 11_000, 90_000, 180_000, 700_000]
            .into_iter()
            .map(duration)
            .collect();
        assert_eq!(
            shown,
            ["5s", "119s", "2m10s", "11m", "3h3m", "25h", "2d2h", "8d"]
        );
    }
}
