//! The mover's rules and ours, side by side.

use super::*;

fn snapshot(id: &str, time: &str) -> Snapshot {
    Snapshot {
        id: format!("{id:0<64}"),
        time: time.parse().expect("a time"),
        hostname: super::super::HOST.to_owned(),
        paths: vec![DATA.to_owned()],
        summary: None,
    }
}

fn foreign(id: &str, time: &str, path: &str) -> Snapshot {
    Snapshot {
        hostname: "laptop".to_owned(),
        paths: vec![path.to_owned()],
        ..snapshot(id, time)
    }
}

fn history() -> Vec<Snapshot> {
    vec![
        snapshot("aaaaaa11", "2026-11-20T06:00:04.9Z"),
        snapshot("bbbbbb22", "2026-11-21T06:00:04.1Z"),
        snapshot("bbbbbb33", "2026-11-22T07:00:04.1+01:00"),
    ]
}

#[test]
fn previous_zero_is_the_newest() {
    let list = history();
    assert_eq!(choose(&list, &Wish::Previous(0)), Ok(&list[2]));
    assert_eq!(choose(&list, &Wish::Previous(2)), Ok(&list[0]));
}

#[test]
fn previous_out_of_range_is_an_error_before_anything_is_touched() {
    assert_eq!(
        choose(&history(), &Wish::Previous(3)),
        Err(Unmet::TooFewFor(3))
    );
}

#[test]
fn as_of_before_the_oldest_is_an_error_before_anything_is_touched() {
    let moment = "2026-11-20T06:00:03Z".parse().expect("a time");
    assert_eq!(
        choose(&history(), &Wish::AsOf(moment)),
        Err(Unmet::AllYoungerThan(moment))
    );
}

#[test]
fn as_of_takes_the_newest_that_is_not_younger() {
    let list = history();
    let moment = "2026-11-22T06:00:00Z".parse().expect("a time");
    assert_eq!(choose(&list, &Wish::AsOf(moment)), Ok(&list[1]));
}

/// A list shows whole seconds, so a time that was copied from it means the snapshot that was made within that second.
#[test]
fn as_of_compares_whole_seconds() {
    let mut list = history();
    list[0].time = "2026-11-22T12:00:00.9Z".parse().expect("a time");
    let newest = list[0].clone();
    let moment = "2026-11-22T12:00:00Z".parse().expect("a time");
    assert_eq!(choose(&list, &Wish::AsOf(moment)), Ok(&newest));
}

#[test]
fn empty_repository_is_an_error_whatever_is_asked() {
    let stranger = [foreign("cc", "2026-11-22T06:00:00Z", "/home")];
    for wish in [Wish::Previous(0), Wish::Id("cccccc".to_owned())] {
        assert_eq!(choose(&stranger, &wish), Err(Unmet::Empty));
    }
}

#[test]
fn id_is_found_by_its_beginning_and_must_be_unambiguous() {
    let list = history();
    let by = |id: &str| choose(&list, &Wish::Id(id.to_owned()));
    assert_eq!(by("AAAAAA"), Ok(&list[0]));
    assert!(matches!(by("bbbbbb"), Err(Unmet::AmbiguousId(_, ids)) if ids.len() == 2));
    assert_eq!(by("dddddd"), Err(Unmet::UnknownId("dddddd".to_owned())));
    assert_eq!(by("aaaaa"), Err(Unmet::InvalidId("aaaaa".to_owned())));
    assert_eq!(by("newest"), Err(Unmet::InvalidId("newest".to_owned())));
}

#[test]
fn pinned_time_selects_the_same_snapshot_after_newer_ones_were_made() {
    let mut list = history();
    let chosen = list[1].clone();
    let moment = pin(&list, &chosen).expect("pins");
    list.push(snapshot("dddddd44", "2026-11-23T12:00:00Z"));
    assert_eq!(pin(&list, &chosen), Ok(moment));
    assert_eq!(mover_selects(&list, Some(moment), 0), Some(&chosen));
    assert_eq!(
        mover_selects(&list, None, 0).map(Snapshot::short),
        Some("dddddd44")
    );
}

#[test]
fn pin_cuts_to_the_second_as_the_mover_does() {
    let list = history();
    assert_eq!(
        pin(&list, &list[0]).map(|moment| moment.to_string()),
        Ok("2026-11-20T06:00:04Z".to_owned())
    );
}

#[test]
fn snapshot_that_retention_dropped_is_noticed_before_anything_is_overwritten() {
    let list = history();
    assert_eq!(pin(&list[1..], &list[0]), Err(Unpinnable::Gone));
}

#[test]
fn of_two_snapshots_in_one_second_the_mover_can_reach_only_the_later() {
    let list = vec![
        snapshot("aaaaaa11", "2026-11-20T06:00:04.1Z"),
        snapshot("bbbbbb22", "2026-11-20T06:00:04.7Z"),
    ];
    assert_eq!(mover_selects(&list, None, 1), Some(&list[1]));
    assert!(pin(&list, &list[1]).is_ok());
    assert_eq!(
        pin(&list, &list[0]),
        Err(Unpinnable::Hidden(Box::new(list[1].clone())))
    );
}

#[test]
fn stranger_in_the_same_second_is_noticed() {
    let mut list = history();
    list.push(foreign("eeeeee55", "2026-11-21T06:00:04.8Z", "/mnt/data"));
    assert!(
        matches!(pin(&list, &list[1]), Err(Unpinnable::Hidden(other)) if other.short() == "eeeeee55")
    );
    list.push(foreign("ffffff66", "2026-11-22T06:00:04.8Z", "/home"));
    assert!(pin(&list, &list[2]).is_ok());
}
