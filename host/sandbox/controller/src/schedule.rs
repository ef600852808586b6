//! Cron schedules, as Kubernetes and VolSync read them: five fields or a nickname.

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::str::FromStr;

/// The first time after `after` at which the schedule is due, in a time zone (empty: UTC). None when the schedule is no schedule.
pub(crate) fn next(schedule: &str, zone: &str, after: Timestamp) -> Option<Timestamp> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let cron = Cron::from_str(schedule).ok()?;
    Some(
        cron.find_next_occurrence(&after.to_zoned(zone), false)
            .ok()?
            .timestamp(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_six_hours_is_due_at_the_next_sixth_hour() {
        let after = "2026-11-23T15:12:07Z".parse().unwrap();
        assert_eq!(
            next("0 */6 * * *", "", after).unwrap().to_string(),
            "2026-11-23T18:00:00Z"
        );
        assert_eq!(
            next("0 5 * * *", "Europe/Berlin", after)
                .unwrap()
                .to_string(),
            "2026-11-24T04:00:00Z"
        );
        assert_eq!(
            next("@daily", "", after).unwrap().to_string(),
            "2026-11-24T00:00:00Z"
        );
        assert_eq!(next("six o'clock", "", after), None);
    }
}
