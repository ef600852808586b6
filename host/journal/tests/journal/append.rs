//! What is written comes back, in its order.

use std::time::{Duration, Instant};

use agent_core::call::Goal;
use agent_core::effect::{Effect, FieldChange, Recovery, Target, Verb};
use agent_core::event::{Event, Outcome, UndoReport};
use agent_core::failure::{Failure, Kind};
use agent_core::id::CallId;
use agent_core::journal::{Answer, Entry, Intent, Returned, RunJournal as _};
use agent_core::undo::{Holder, Scope, Undo};
use agent_journal::Journal;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::world::{Home, begun, digest, done, entries, failed, id, sync, told, write};

/// One of each sort, with numbers that a careless reader of JSON rounds.
fn every_sort() -> Vec<Entry> {
    let call = CallId::root().nested(3);
    let failure = Failure::new(Kind::Denied, "cluster.forbidden", "no")
        .hinted("ask for it")
        .because("RBAC");
    let take_back = UndoReport {
        number: None,
        target: "deployments media/plex".to_owned(),
        summary: "`spec.replicas` is 1 again".to_owned(),
        left: vec!["`spec.paused` was changed since".to_owned()],
        failure: Some(failure.clone()),
    };
    vec![
        Entry::Called {
            call: call.clone(),
            operation: "flux.suspend".parse().expect("a name"),
            digest: digest(2),
            at: None,
        },
        Entry::Answered {
            call: call.clone(),
            ask: "get".to_owned(),
            at: jiff::Timestamp::from_nanosecond(1_700_000_000_123_456_789).expect("a time"),
            answer: Answer::Value(json!({
                "load": [0.21291890726713458, 1.0715660391465826e-75, 4.450_147_717_014_403e-308, 1e300, 8.414709848078965e-1],
                "large": u64::MAX,
                "small": i64::MIN,
                "none": Value::Null,
                "text": "\u{0} \u{1f600} \\ \"",
            })),
        },
        Entry::Answered {
            call: call.clone(),
            ask: "get".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
            answer: Answer::Failure(failure.clone()),
        },
        Entry::Answered {
            call: call.clone(),
            ask: "get".to_owned(),
            at: jiff::Timestamp::UNIX_EPOCH,
            answer: Answer::Secret("5e".repeat(32)),
        },
        Entry::Intent(intent(&call)),
        Entry::Result {
            number: 1,
            failure: Some(failure.clone()),
            uncertain: true,
            undo: Some(Undo::Remove {
                uid: None,
                marker: "m".to_owned(),
            }),
        },
        Entry::PutBack {
            number: 1,
            take_back: take_back.clone(),
        },
        Entry::Kept { number: u64::MAX },
        Entry::Ended {
            end: Ok(Returned {
                value: json!({"a": 0.3}),
                failed: 2,
                summary: String::new(),
            }),
        },
        Entry::Ended {
            end: Err(failure.clone()),
        },
        Entry::Told {
            event: Event::PutBack(take_back.clone()),
        },
        Entry::Resumed {
            host: "desk".to_owned(),
            process: 7,
            to: Goal::Undo,
        },
        failed(2),
        Entry::Finished {
            outcome: Outcome::Undone {
                put_back: vec![take_back],
                irreversible: vec!["gone".to_owned()],
            },
            held: 0,
        },
        Entry::Undone {
            left: 1,
            outcome: None,
        },
    ]
}

fn intent(call: &CallId) -> Intent {
    let fields = vec![FieldChange {
        path: "/spec/replicas".to_owned(),
        before: Some(json!(1)),
        after: None,
    }];
    Intent {
        effect: Effect {
            number: 1,
            by: "flux.suspend".parse().expect("a name"),
            verb: Verb::PATCH,
            target: Target {
                capability: "cluster".to_owned(),
                of: "deployments.v1.apps".to_owned(),
                namespace: Some("media".to_owned()),
                name: "plex".to_owned(),
            },
            fields: fields.clone(),
            hashes: Default::default(),
            temporary: true,
            recovery: Recovery::Retry,
        },
        call: call.clone(),
        holder: Some(Holder {
            actor: CallId::root(),
            own: true,
            scope: Some(Scope {
                id: call.clone(),
                opener: CallId::root(),
            }),
        }),
        undo: Some(Undo::Fields {
            uid: Some("u".to_owned()),
            fields,
            grown: vec!["/spec".to_owned()],
        }),
        planned: None,
        uid: None,
    }
}

#[test]
fn every_sort_of_entry_comes_back_as_it_was() {
    let home = Home::new();
    let written = every_sort();
    let begun = begun(&id("aaaaaaaa"));
    {
        let run = home.journal().begin(begun.clone()).expect("begins");
        for entry in written.clone() {
            write(&run, entry).expect("written");
        }
    }
    let record = home.journal().record(&begun.run).expect("a record");
    assert_eq!(record.begun, begun);
    let read: Vec<Entry> = record
        .entries
        .into_iter()
        .map(|noted| noted.entry)
        .collect();
    assert_eq!(read, written);
}

#[test]
fn kinds_are_the_words_in_the_entries() {
    let home = Home::new();
    let run = home
        .journal()
        .begin(begun(&id("aaaaaaaa")))
        .expect("begins");
    for entry in every_sort() {
        run.note(entry);
    }
    drop(run);
    let database = Connection::open(home.file("journal.db")).expect("opens");
    let counts: (u32, u32) = database
        .query_row(
            "SELECT count(*), sum(kind = body ->> 'entry') FROM entry WHERE number > 0",
            (),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("counted");
    let all = u32::try_from(every_sort().len()).expect("few");
    assert_eq!(counts, (all, all));
}

#[test]
fn order_is_that_of_the_calls_whichever_they_are() {
    let home = Home::new();
    let run = home
        .journal()
        .begin(begun(&id("aaaaaaaa")))
        .expect("begins");
    for number in 0..300 {
        match number % 10 {
            3 => write(&run, told(number)).expect("written"),
            7 => sync(&run, told(number)).expect("written"),
            _ => run.note(told(number)),
        }
    }
    drop(run);
    let expected: Vec<Entry> = (0..300).map(told).collect();
    assert_eq!(entries(&home.journal(), &id("aaaaaaaa")), expected);
}

#[test]
fn what_was_written_has_all_before_it_on_disk() {
    let home = Home::new();
    let run = home
        .journal()
        .begin(begun(&id("aaaaaaaa")))
        .expect("begins");
    run.note(told(0));
    run.note(told(1));
    write(&run, told(2)).expect("written");
    run.note(told(3));
    // Another journal sees only what is on disk.
    let seen = entries(&home.journal(), &id("aaaaaaaa"));
    assert_eq!(seen, [told(0), told(1), told(2)]);
}

#[test]
fn what_was_noted_is_there_for_others_after_a_while() {
    let home = Home::new();
    let run = home
        .journal()
        .begin(begun(&id("aaaaaaaa")))
        .expect("begins");
    run.note(told(0));
    let end = Instant::now() + Duration::from_secs(10);
    let other = home.journal();
    while other.entries(&id("aaaaaaaa"), 0).is_err() {
        assert!(Instant::now() < end, "not there in time");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(entries(&other, &id("aaaaaaaa")), [told(0)]);
    drop(run);
}

#[test]
fn entries_after_a_number_are_those_that_came_later() {
    let home = Home::new();
    let run = home
        .journal()
        .begin(begun(&id("aaaaaaaa")))
        .expect("begins");
    for number in 0..5 {
        run.note(told(number));
    }
    drop(run);
    let journal = home.journal();
    let numbers = |after| -> Vec<u64> {
        let noted = journal.entries(&id("aaaaaaaa"), after).expect("entries");
        noted.into_iter().map(|noted| noted.number).collect()
    };
    assert_eq!(numbers(3), [4, 5]);
    assert_eq!(numbers(5), [0; 0]);
    assert_eq!(numbers(u64::MAX), [0; 0]);
}

#[test]
fn runs_at_the_same_time_keep_their_own_order() {
    let home = Home::new();
    let journal = home.journal();
    std::thread::scope(|scope| {
        for run in 0..8 {
            let journal = &journal;
            scope.spawn(move || {
                let name = id(&format!("runrun{run:02}"));
                let open = journal.begin(begun(&name)).expect("begins");
                for number in 0..50 {
                    if number % 2 == 0 {
                        open.note(told(number));
                    } else {
                        sync(&open, told(number)).expect("written");
                    }
                }
            });
        }
    });
    let expected: Vec<Entry> = (0..50).map(told).collect();
    for run in 0..8 {
        assert_eq!(entries(&journal, &id(&format!("runrun{run:02}"))), expected);
    }
}

#[test]
fn run_without_entries_leaves_nothing_behind() {
    let home = Home::new();
    let journal = home.journal();
    drop(journal.begin(begun(&id("aaaaaaaa"))).expect("begins"));
    drop(journal);
    assert_eq!(home.names(), ["runs"]);
    assert_eq!(crate::world::names(&home.file("runs")), [""; 0]);
}

#[test]
fn second_run_of_one_id_is_refused_and_the_first_is_as_it_was() {
    let home = Home::new();
    let journal = home.journal();
    crate::world::ran(&journal, begun(&id("aaaaaaaa")), done());
    let other = journal.begin(begun(&id("bbbbbbbb"))).expect("begins");
    let again = journal.begin(begun(&id("aaaaaaaa"))).expect("begins");
    again.note(told(7));
    let failure = write(&again, told(8)).expect_err("refused");
    assert_eq!(failure.code, "journal.run-exists");
    write(&other, told(9)).expect("nobody else suffers");
    drop(again);
    assert_eq!(entries(&journal, &id("aaaaaaaa")), [told(1), done()]);
    assert_eq!(entries(&journal, &id("bbbbbbbb")), [told(9)]);
}

#[test]
fn journal_in_memory_is_the_same_without_files() {
    let journal = Journal::in_memory().expect("a journal");
    let run = journal.begin(begun(&id("aaaaaaaa"))).expect("begins");
    run.note(told(0));
    sync(&run, told(1)).expect("written");
    assert_eq!(entries(&journal, &id("aaaaaaaa")), [told(0), told(1)]);
    let failure = journal.reopen(&id("aaaaaaaa")).expect_err("it is live");
    assert_eq!(failure.code, "journal.run-is-live");
    drop(run);
    let (run, record) = journal.reopen(&id("aaaaaaaa")).expect("reopens");
    assert_eq!(record.entries.len(), 2);
    write(&run, done()).expect("written");
    assert_eq!(journal.key().expect("a key"), journal.key().expect("a key"));
    let names = ["pvc:media/plex".to_owned()];
    let locks = journal.lock(&names, run.run()).expect("locked");
    let failure = journal.lock(&names, &id("bbbbbbbb")).expect_err("held");
    assert_eq!(failure.code, "lock.held");
    drop(locks);
    drop(journal.lock(&names, &id("bbbbbbbb")).expect("free"));
}
