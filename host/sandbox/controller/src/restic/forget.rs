//! Retention: which snapshots `restic forget` keeps. Rules from restic's manual, "Removing snapshots according to a policy":
//! newest first, each rule keeps the first snapshot of each of its last N periods, and the oldest of all where it has some left; a
//! snapshot kept by any rule stays.

use super::Snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

/// A retention policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Policy {
    last: i64,
    periods: [i64; 5],
    within: Option<SignedDuration>,
    within_text: String,
}

const PERIODS: [(&str, &str); 5] = [
    ("hourly", "%Y%m%d%H"),
    ("daily", "%Y%m%d"),
    ("weekly", "%G%V"),
    ("monthly", "%Y%m"),
    ("yearly", "%Y"),
];

impl Policy {
    /// The policy of `spec.restic.retain`. None and an empty one keep the newest snapshot only, as VolSync does.
    pub(crate) fn of(retain: &Value) -> Self {
        let number = |name: &str| {
            let value = &retain[name];
            value
                .as_i64()
                .or_else(|| value.as_str()?.parse().ok())
                .unwrap_or(0)
        };
        let within = retain["within"].as_str().unwrap_or_default();
        let policy = Self {
            last: number("last"),
            periods: PERIODS.map(|(name, _)| number(name)),
            within: duration(within),
            within_text: within.to_owned(),
        };
        if policy == Self::default() {
            Self { last: 1, ..policy }
        } else {
            policy
        }
    }

    /// The policy as options of `restic forget`, which VolSync puts into the mover's environment.
    pub(crate) fn options(retain: &Value) -> String {
        let mut options = String::new();
        for (name, _) in PERIODS {
            if let Some(count) = retain[name].as_i64() {
                options.push_str(&format!(" --keep-{name} {count}"));
            }
        }
        for name in ["within", "last"] {
            if let Some(value) = retain[name].as_str() {
                options.push_str(&format!(" --keep-{name} {value}"));
            }
        }
        if options.is_empty() {
            "--keep-last 1".to_owned()
        } else {
            options
        }
    }

    /// The policy of options of `restic forget`.
    pub(crate) fn parse(options: &str) -> Self {
        let mut retain = serde_json::json!({});
        let words: Vec<&str> = options.split_whitespace().collect();
        for pair in words.chunks(2) {
            if let [name, value] = pair {
                let name = name.trim_start_matches("--keep-");
                retain[name] = Value::from((*value).to_owned());
            }
        }
        Self::of(&retain)
    }

    /// Why each of these snapshots, given oldest first, is kept, in the words of `restic forget`; those without a reason are not.
    pub(crate) fn reasons(&self, snapshots: &[Snapshot]) -> Vec<Vec<String>> {
        let mut left = self.periods;
        let mut seen: [Option<String>; 5] = Default::default();
        let newest = snapshots.last().map(|snapshot| snapshot.time);
        let mut reasons = vec![Vec::new(); snapshots.len()];
        for (age, (index, snapshot)) in snapshots.iter().enumerate().rev().enumerate() {
            if self.is_within(snapshot.time, newest) {
                reasons[index].push(format!("within {}", self.within_text));
            }
            if i64::try_from(age).is_ok_and(|age| age < self.last) {
                reasons[index].push("last snapshot".to_owned());
            }
            for (rule, (name, format)) in PERIODS.iter().enumerate() {
                let period = snapshot.time.strftime(format).to_string();
                let begins = seen[rule].as_ref() != Some(&period);
                if left[rule] > 0 && (begins || index == 0) {
                    seen[rule] = Some(period);
                    left[rule] -= 1;
                    let oldest = if begins { "" } else { "oldest " };
                    reasons[index].push(format!("{oldest}{name} snapshot"));
                }
            }
        }
        reasons
    }

    /// The line with which `restic forget` begins.
    pub(crate) fn announcement(&self) -> String {
        let mut rules = Vec::new();
        if self.last > 0 {
            rules.push(format!("{} latest", self.last));
        }
        let periods = PERIODS.iter().zip(self.periods);
        let periods = periods.filter(|(_, count)| *count > 0);
        rules.extend(periods.map(|((name, _), count)| format!("{count} {name}")));
        let mut text = format!("Applying Policy: keep {}", rules.join(", "));
        if !rules.is_empty() {
            text.push_str(" snapshots");
        }
        if self.within.is_some() {
            let and = if rules.is_empty() { "" } else { " and " };
            text.push_str(&format!(
                "{and}all snapshots within {} of the newest",
                self.within_text
            ));
        }
        text
    }

    fn is_within(&self, time: Timestamp, newest: Option<Timestamp>) -> bool {
        matches!((self.within, newest), (Some(within), Some(newest)) if newest.duration_since(time) <= within)
    }
}

/// A duration as restic writes it: `2y5m7d3h`, with years of 365 and months of 30 days.
fn duration(text: &str) -> Option<SignedDuration> {
    let mut hours = 0;
    let mut digits = String::new();
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        let number: i64 = digits.parse().ok()?;
        digits.clear();
        hours += number
            * match letter {
                'y' => 8760,
                'm' => 720,
                'd' => 24,
                'h' => 1,
                _ => return None,
            };
    }
    (digits.is_empty() && !text.is_empty()).then(|| SignedDuration::from_hours(hours))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn every_six_hours(count: i64) -> Vec<Snapshot> {
        let start: Timestamp = "2026-11-01T00:00:05Z".parse().unwrap();
        let at = |index: i64| start + SignedDuration::from_hours(6 * index);
        (0..count)
            .map(|index| Snapshot::of("/r", &index.to_string(), at(index)))
            .collect()
    }

    fn kept(retain: Value, count: i64) -> Vec<usize> {
        let reasons = Policy::of(&retain).reasons(&every_six_hours(count));
        reasons
            .iter()
            .enumerate()
            .filter(|(_, reasons)| !reasons.is_empty())
            .map(|(index, _)| index)
            .collect()
    }

    #[test]
    fn no_policy_keeps_the_newest_only() {
        assert_eq!(kept(Value::Null, 5), [4]);
        assert_eq!(kept(json!({}), 5), [4]);
        assert_eq!(Policy::options(&Value::Null), "--keep-last 1");
    }

    #[test]
    fn each_rule_keeps_the_newest_of_each_of_its_periods() {
        assert_eq!(kept(json!({"hourly": 3}), 9), [6, 7, 8]);
        assert_eq!(kept(json!({"daily": 2}), 9), [7, 8]);
        assert_eq!(kept(json!({"last": "2", "daily": 3}), 9), [3, 7, 8]);
        assert_eq!(kept(json!({"within": "12h"}), 9), [6, 7, 8]);
    }

    #[test]
    fn a_rule_with_some_left_keeps_the_oldest_of_all() {
        assert_eq!(kept(json!({"daily": 4}), 9), [0, 3, 7, 8]);
        let policy = Policy::of(&json!({"daily": 4}));
        assert_eq!(
            policy.reasons(&every_six_hours(9))[0],
            ["oldest daily snapshot"]
        );
        assert_eq!(
            policy.announcement(),
            "Applying Policy: keep 4 daily snapshots"
        );
    }

    #[test]
    fn the_options_of_the_mover_mean_the_policy_of_the_spec() {
        let retain = json!({"hourly": 8, "daily": 7, "last": "2"});
        assert_eq!(
            Policy::parse(&Policy::options(&retain)),
            Policy::of(&retain)
        );
    }
}
