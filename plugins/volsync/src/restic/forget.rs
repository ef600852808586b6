//! Whether the retention of a backup would drop a snapshot: what `restic forget` does, foretold.
//!
//! Rules from restic's manual, "Removing snapshots according to a policy", and from VolSync's restic mover, which turns `spec.restic.retain`
//! into options. Where restic could keep more than is foretold here, that is no harm: the caller holds retention back for nothing.

use agent_sdk::jiff::{Span, Timestamp, ToSpan as _, tz::TimeZone};
use serde_json::Value;

use super::{DATA, HOST, Snapshot};

/// What a policy keeps one snapshot each of, and how a moment tells which one it is in. Movers run in UTC.
const PERIODS: [(&str, &str); 5] = [
    ("hourly", "%Y%m%d%H"),
    ("daily", "%Y%m%d"),
    ("weekly", "%G%V"),
    ("monthly", "%Y%m"),
    ("yearly", "%Y"),
];

/// Says whether a backup at one of these moments would drop `chosen`.
pub(crate) fn drops(
    retain: Option<&Value>,
    list: &[Snapshot],
    chosen: &Snapshot,
    moments: &[Timestamp],
) -> bool {
    let policy = Policy::of(retain.unwrap_or(&Value::Null));
    moments
        .iter()
        .any(|moment| !policy.keeps(&group(list, chosen, *moment), chosen.time))
}

/// The times of the snapshots that the policy is applied to together with the chosen one, newest first, the new one included. Forget goes by
/// host and paths.
fn group(list: &[Snapshot], chosen: &Snapshot, new: Timestamp) -> Vec<Timestamp> {
    let same = |one: &&Snapshot| one.hostname == chosen.hostname && one.paths == chosen.paths;
    let mut times: Vec<_> = list.iter().filter(same).map(|one| one.time).collect();
    if chosen.hostname == HOST && chosen.paths == [DATA] {
        times.push(new);
    }
    times.sort_by(|a, b| b.cmp(a));
    times
}

#[derive(Debug, Default)]
struct Policy {
    last: i64,
    periods: [i64; 5],
    within: Option<Span>,
}

impl Policy {
    /// None and an empty one keep the newest snapshot only, as VolSync does.
    fn of(retain: &Value) -> Policy {
        let number = |name: &str| {
            let value = &retain[name];
            let text = || value.as_str()?.parse().ok();
            value.as_i64().or_else(text).unwrap_or_default()
        };
        let mut policy = Policy {
            last: number("last"),
            periods: PERIODS.map(|(name, _)| number(name)),
            within: retain["within"].as_str().and_then(span),
        };
        if policy.last == 0 && policy.within.is_none() && policy.periods.iter().all(|one| *one == 0)
        {
            policy.last = 1;
        }
        policy
    }

    /// Says whether the snapshot of that time stays. `times` are newest first.
    fn keeps(&self, times: &[Timestamp], chosen: Timestamp) -> bool {
        let Some(at) = times.iter().position(|time| *time == chosen) else {
            return true;
        };
        let recent = self.last < 0 || i64::try_from(at).is_ok_and(|at| at < self.last);
        let since = self.since(times.first().copied());
        recent
            || since.is_some_and(|since| chosen > since)
            || (0..PERIODS.len()).any(|rule| self.keeps_by(rule, times, at))
    }

    /// One of the rules by period: the newest of each of so many periods.
    fn keeps_by(&self, rule: usize, times: &[Timestamp], at: usize) -> bool {
        let period = |time: &Timestamp| time.strftime(PERIODS[rule].1).to_string();
        let mut newest: Vec<_> = times[..=at].iter().map(period).collect();
        let first = at == 0 || newest[at - 1] != newest[at];
        newest.dedup();
        let limit = self.periods[rule];
        first && (limit < 0 || i64::try_from(newest.len()).is_ok_and(|count| count <= limit))
    }

    fn since(&self, newest: Option<Timestamp>) -> Option<Timestamp> {
        let newest = newest?.to_zoned(TimeZone::UTC);
        Some(newest.checked_sub(self.within?).ok()?.timestamp())
    }
}

/// Reads a length of time as restic writes it, `2y5m7d3h`.
fn span(text: &str) -> Option<Span> {
    let (mut span, mut digits) = (Span::new(), String::new());
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let number: i32 = digits.parse().ok()?;
        digits.clear();
        let part = match letter {
            'y' => number.years(),
            'm' => number.months(),
            'd' => number.days(),
            'h' => number.hours(),
            _ => return None,
        };
        span = match letter {
            'y' => span.years(part.get_years()),
            'm' => span.months(part.get_months()),
            'd' => span.days(part.get_days()),
            _ => span.hours(part.get_hours()),
        };
    }
    (digits.is_empty() && !text.is_empty()).then_some(span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use agent_sdk::jiff::SignedDuration;
    use serde_json::json;

    /// One every six hours, oldest first, the last one at 18:00 of the 10th.
    fn list() -> Vec<Snapshot> {
        let start: Timestamp = "2026-11-01T00:00:05Z".parse().expect("a time");
        let snapshot = |index: i64| Snapshot {
            id: format!("{index:064x}"),
            time: start + SignedDuration::from_hours(6 * index),
            hostname: HOST.to_owned(),
            paths: vec![DATA.to_owned()],
            summary: None,
        };
        (0..40).map(snapshot).collect()
    }

    fn dropped(retain: Value, at: &str) -> Vec<usize> {
        let (list, at) = (list(), at.parse().expect("a time"));
        let gone = |one: &&Snapshot| drops(Some(&retain), &list, one, &[at]);
        let gone = list.iter().filter(gone);
        gone.map(|one| usize::from_str_radix(&one.id, 16).expect("a number"))
            .collect()
    }

    #[test]
    fn no_policy_keeps_the_new_one_only() {
        assert_eq!(dropped(Value::Null, "2026-11-10T19:00:00Z").len(), 40);
        assert_eq!(dropped(json!({}), "2026-11-10T19:00:00Z").len(), 40);
    }

    #[test]
    fn newest_of_each_period_stays_and_the_new_one_counts() {
        let late = "2026-11-10T19:00:00Z";
        assert_eq!(dropped(json!({"hourly": 40}), late), [0]);
        assert_eq!(dropped(json!({"last": "39"}), late), [0, 1]);
        let daily = dropped(json!({"daily": 10}), late);
        assert!(daily.contains(&39) && !daily.contains(&35), "{daily:?}");
        assert_eq!(dropped(json!({"within": "9d18h"}), late), [0]);
    }

    #[test]
    fn new_one_takes_the_place_of_the_chosen_one_in_its_hour() {
        let retain = json!({"hourly": 100});
        assert_eq!(dropped(retain.clone(), "2026-11-10T18:30:00Z"), [39]);
        assert!(dropped(retain, "2026-11-10T19:30:00Z").is_empty());
    }

    #[test]
    fn several_rules_keep_what_any_of_them_keeps() {
        let retain = json!({"hourly": 2, "daily": 3});
        let kept: Vec<_> = (0..40)
            .filter(|one| !dropped(retain.clone(), "2026-11-10T19:00:00Z").contains(one))
            .collect();
        assert_eq!(kept, [31, 35, 39]);
    }

    #[test]
    fn snapshots_of_other_hosts_and_paths_are_kept_apart() {
        let mut list = list();
        list[39].paths = vec!["/other".to_owned()];
        let at = "2026-11-10T19:00:00Z".parse().expect("a time");
        assert!(!drops(None, &list, &list[39], &[at]));
    }
}
