//! What the journal remembers of runs.

use agent_core::id::CallId;
use agent_core::journal::{Entry, RunJournal as _};
use agent_core::record::{Filter, RunHeader, State};
use jiff::{SignedDuration, Timestamp};

use crate::world::{Home, begun, cut_off, digest, done, failed, id, ran, told, write};

/// A run that began so many minutes ago.
fn ago(run: &str, minutes: i64) -> RunHeader {
    RunHeader {
        at: Timestamp::now() - SignedDuration::from_mins(minutes),
        ..begun(&id(run))
    }
}

fn names(home: &Home, filter: Filter) -> Vec<(String, State)> {
    let runs = home.journal().runs(filter).expect("runs");
    let name = |summary: agent_core::record::Summary| (summary.run.to_string(), summary.state);
    runs.into_iter().map(name).collect()
}

#[test]
fn runs_are_told_newest_first_as_they_stand() {
    let home = Home::new();
    let journal = home.journal();
    ran(&journal, ago("bbbbbbbb", 4), failed(0));
    ran(&journal, ago("aaaaaaaa", 5), done());
    cut_off(&journal, ago("cccccccc", 3));
    ran(&journal, ago("dddddddd", 2), failed(1));
    let live = journal.begin(ago("eeeeeeee", 1)).expect("begins");
    write(&live, told(1)).expect("written");
    let (a, b) = (
        ("aaaaaaaa".into(), State::Done),
        ("bbbbbbbb".into(), State::Failed),
    );
    let (c, d) = (
        ("cccccccc".into(), State::Unfinished),
        ("dddddddd".into(), State::Failed),
    );
    let e = ("eeeeeeee".into(), State::Running);
    let (b, c, d) = (&b, &c, &d);
    let of = |runs: &[&(String, State)]| -> Vec<(String, State)> {
        runs.iter().copied().cloned().collect()
    };
    assert_eq!(names(&home, Filter::All), of(&[&e, d, c, b, &a]));
    assert_eq!(names(&home, Filter::Failed), of(&[d, c, b]));
    assert_eq!(names(&home, Filter::Unfinished), of(&[d, c]));
    let open = journal.open_runs().expect("runs").len();
    assert_eq!(open, 2);
    assert_eq!(journal.resolve("last").expect("the newest"), id("eeeeeeee"));
}

#[test]
fn summary_is_what_the_run_began_and_ended_with() {
    let home = Home::new();
    let begun = ago("aaaaaaaa", 1);
    ran(&home.journal(), begun.clone(), failed(0));
    let summary = home.journal().runs(Filter::All).expect("runs").remove(0);
    assert_eq!(summary.run, begun.run);
    assert_eq!(summary.operation, begun.call.operation);
    assert_eq!(summary.arguments, begun.call.arguments);
    assert_eq!((summary.plugin, summary.who), (begun.plugin, begun.who));
    assert_eq!(summary.begun, begun.at);
    assert!(summary.ended.expect("over") > begun.at);
    assert_eq!(
        (summary.state, summary.held, summary.exit),
        (State::Failed, 0, Some(1))
    );
}

#[test]
fn name_is_a_full_id_or_the_beginning_of_one_run_only() {
    let home = Home::new();
    let journal = home.journal();
    let code = |name: &str| journal.resolve(name).expect_err("nothing there").code;
    assert_eq!(code("last"), "journal.no-such-run");
    for run in ["abcdefgh", "abcx2345", "b2345678"] {
        ran(&journal, begun(&id(run)), done());
    }
    assert_eq!(journal.resolve("b").expect("one"), id("b2345678"));
    assert_eq!(journal.resolve("abcd").expect("one"), id("abcdefgh"));
    assert_eq!(journal.resolve("abcdefgh").expect("one"), id("abcdefgh"));
    for name in ["abcdefghi", "c", "", "B", "%", "b_", "~", "*"] {
        assert_eq!(code(name), "journal.no-such-run", "{name}");
    }
    let failure = journal.resolve("abc").expect_err("two");
    assert_eq!(failure.code, "journal.ambiguous-run");
    assert_eq!(failure.message, "`abc` can be `abcx2345`, `abcdefgh`");
    assert_eq!(failure.hint.as_deref(), Some("agent runs"));
    let failure = journal.resolve("zz").expect_err("nothing there");
    assert_eq!(failure.message, "there is no run `zz`");
    assert_eq!(failure.hint.as_deref(), Some("agent runs"));
}

#[test]
fn directory_without_a_journal_is_empty_and_stays_so() {
    let home = Home::new();
    let journal = home.journal();
    assert!(journal.runs(Filter::All).expect("runs").is_empty());
    assert!(journal.open_runs().expect("runs").is_empty());
    assert!(journal.needed().expect("digests").is_empty());
    assert!(journal.record(&id("aaaaaaaa")).is_err());
    assert!(journal.entries(&id("aaaaaaaa"), 0).is_err());
    let nothing = agent_core::record::Retention { days: 0, bytes: 0 };
    assert_eq!(journal.prune(nothing).expect("pruned").runs, 0);
    drop(journal);
    assert_eq!(home.names(), [""; 0]);
}

#[test]
fn artifacts_of_open_runs_are_needed_with_those_that_they_called() {
    let home = Home::new();
    let journal = home.journal();
    let of = |run: &str, number| RunHeader {
        digest: digest(number),
        ..begun(&id(run))
    };
    let called = |number| Entry::Called {
        call: CallId::root(),
        operation: "flux.suspend".parse().expect("a name"),
        digest: digest(number),
        at: None,
    };
    ran(&journal, of("aaaaaaaa", 1), done());
    ran(&journal, of("bbbbbbbb", 2), failed(1));
    let run = journal.begin(of("cccccccc", 3)).expect("begins");
    run.note(called(4));
    run.note(called(3));
    drop(run);
    let live = journal.begin(of("dddddddd", 5)).expect("begins");
    write(&live, called(6)).expect("written");
    let needed = journal.needed().expect("digests");
    assert_eq!(needed, [2, 3, 4, 5, 6].map(digest));
}
