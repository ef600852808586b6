//! Guests that have the host, or others, work, keep and say more than they may themselves.

use std::hint::black_box;
use std::io::Write as _;
use std::time::Duration;

use agent_sdk::NoArgs;
use agent_sdk::operations::Call;
use agent_sdk::prelude::*;

/// How long texts are that nobody would read.
const LONG: usize = 1 << 20;

/// Compute for a while.
#[operation(risk = "read")]
pub(crate) fn compute_a_while(_args: NoArgs) -> Result<Value> {
    let mut turns = 0_u64;
    for _ in 0..50_000_000_u64 {
        turns = black_box(turns.wrapping_add(1));
    }
    Ok(json!(turns))
}

/// Have others compute, one after the other, each of them less than it may.
#[operation(risk = "read")]
pub(crate) fn have_others_compute(_args: NoArgs) -> Result<Value> {
    for _ in 0..1_000 {
        operations::call(&[Call::new("guests.compute-a-while", json!({}))]).remove(0)?;
    }
    Ok(json!("never"))
}

/// Have the host compute: print for ever, in small pieces.
#[operation(risk = "read")]
pub(crate) fn print_without_end(_args: NoArgs) -> Result<Value> {
    let text = "x".repeat(4000);
    loop {
        // Nobody cares whether it arrives.
        drop(std::io::stdout().write_all(text.as_bytes()));
        drop(std::io::stdout().flush());
    }
}

/// Have the host look at its clock for ever.
#[operation(risk = "read")]
pub(crate) fn look_at_the_clock(_args: NoArgs) -> Result<Value> {
    loop {
        black_box(std::time::Instant::now());
    }
}

/// Have many others say as much as they may.
#[operation(risk = "read")]
pub(crate) fn have_others_talk(_args: NoArgs) -> Result<Value> {
    let calls: Vec<Call> = (0..16)
        .map(|_| Call::new("guests.talk-a-while", json!({})))
        .collect();
    let said = operations::call(&calls);
    Ok(json!(said.iter().filter(|one| one.is_ok()).count()))
}

/// Say something, and leave a step without words.
#[operation(risk = "read")]
pub(crate) fn talk_a_while(_args: NoArgs) -> Result<Value> {
    for line in 0..200 {
        info!("line {line:06} {}", "x".repeat(1000));
    }
    Ok(json!("talked"))
}

/// Read a lot, and have others read a lot, until all are refused.
#[operation(risk = "change")]
pub(crate) fn have_others_read(_args: NoArgs) -> Result<Value> {
    let calls = [(); 4].map(|()| Call::new("guests.read-too-much", json!({})));
    let read = operations::call(&calls).into_iter();
    let read = read.map(|one| match one {
        Ok(outcome) => outcome.value,
        Err(error) => json!({ "code": error.code() }),
    });
    Ok(read.collect())
}

/// Ask for what is said at length and found to be nothing.
#[operation(risk = "change")]
pub(crate) fn select_at_length(_args: NoArgs) -> Result<Value> {
    let all = Query::all(kinds::CONFIG_MAP).namespace("default");
    let selector = format!("app={}", "x".repeat(LONG));
    let pointer = format!("/{}", "x".repeat(LONG));
    let target = ObjectRef::new(kinds::CONFIG_MAP, "default", &"x".repeat(LONG));
    let refused = [
        cluster::list(&all.clone().labels(&selector), &[]).err(),
        cluster::list(&all.clone(), &[&pointer]).err(),
        cluster::watch(&[all.clone().labels(&selector)], &[]).err(),
        cluster::watch(&[all], &[&pointer]).err(),
        cluster::get(&target, &[]).err(),
    ];
    let told = |error: Option<Error>| error.map(|error| error.code().to_owned());
    Ok(json!(refused.map(told)))
}

/// Fail in many words.
#[operation(risk = "change")]
pub(crate) fn fail_at_length(_args: NoArgs) -> Result<Value> {
    let long = "x".repeat(LONG);
    let error = Error::conflict("guests.failed", long.clone()).hint(long.clone());
    Err((0..5).fold(error, |error, _| error.cause(long.clone())))
}

/// Call what fails in many words, again and again.
#[operation(risk = "change")]
pub(crate) fn be_told_at_length(_args: NoArgs) -> Result<Value> {
    let mut told = 0;
    for _ in 0..20 {
        let failed = operations::call(&[Call::new("guests.fail-at-length", json!({}))]).remove(0);
        told += failed.err().map_or(0, |error| error.message().len());
    }
    Ok(json!(told))
}

/// Return more than anybody reads.
#[operation(risk = "read")]
pub(crate) fn return_at_length(_args: NoArgs) -> Result<Value> {
    Ok(json!(vec![0; 2 << 20]))
}

/// Ask in many words.
#[operation(risk = "read")]
pub(crate) fn ask_in_many_words(_args: NoArgs) -> Result<Value> {
    let long = "x".repeat(5_000);
    let questions = [
        run::confirm(&long, &[]),
        run::confirm("go on?", &[("because", "x".repeat(100_000))]),
        run::confirm("go on?", &vec![("because", long.clone()); 10]),
    ];
    let told = |asked: Result<()>| asked.err().map(|error| error.code().to_owned());
    Ok(json!(questions.map(told)))
}

/// Name steps in many words.
#[operation(risk = "read")]
pub(crate) fn name_steps_at_length(_args: NoArgs) -> Result<Value> {
    let long = "x".repeat(100_000);
    let step = Step::new(&long);
    step.note(&long);
    step.done(&long);
    info!("{long}");
    Ok(json!("named"))
}

/// Open watchers that watch nothing, with much to look at.
#[operation(risk = "read")]
pub(crate) fn watch_nothing(_args: NoArgs) -> Result<Value> {
    let pointer = format!("/{}", "x".repeat(10_000));
    match cluster::watch(&[], &[&pointer]) {
        Ok(_) => Ok(json!("opened")),
        Err(error) => Ok(json!(error.code())),
    }
}

/// Make objects of many small values, which take more memory than text.
#[operation(risk = "change")]
pub(crate) fn write_at_length(_args: NoArgs) -> Result<Value> {
    let create = |zeros: usize| {
        let manifest = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "zeros", "namespace": "default" },
            "data": { "zeros": vec![0; zeros] },
        });
        let created = cluster::commit_one(Change::create(kinds::CONFIG_MAP, manifest), &[]);
        created.err().map(|error| error.code().to_owned())
    };
    Ok(json!([create(3 << 20), create(1 << 20)]))
}

/// Hold changes of long values without letting go of any.
#[operation(risk = "change")]
pub(crate) fn hold_at_length(_args: NoArgs) -> Result<Value> {
    let target = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    for number in 0..1_000_u64 {
        let mode = format!("{number}{}", "x".repeat(100_000));
        let change = Change::patch(&target, json!({ "data": { "mode": mode } }));
        cluster::hold(&[change], &["/data"])?;
    }
    Ok(json!("never"))
}

/// Talk to somebody who does not listen.
#[operation(risk = "read")]
pub(crate) fn talk_to_nobody(_args: NoArgs) -> Result<Value> {
    for line in 0..60_000 {
        info!("line {line:06} {}", "x".repeat(1000));
    }
    run::sleep(Duration::from_millis(1))?;
    Ok(json!("talked"))
}

/// Begin steps and let go of them without a word, as a language does that collects them at some time.
#[operation(risk = "read")]
pub(crate) fn let_go_of_steps(_args: NoArgs) -> Result<Value> {
    for _ in 0..5_500 {
        drop(agent_sdk::bindings::ops::run::run::Step::new("step"));
    }
    info!("let go");
    Ok(json!("let go"))
}

/// Talk without end to somebody who does not listen.
#[operation(risk = "read")]
pub(crate) fn talk_without_end(_args: NoArgs) -> Result<Value> {
    loop {
        info!("{}", "x".repeat(1000));
    }
}

/// Hold something, and have the host say so to somebody who does not listen.
#[operation(risk = "change")]
pub(crate) fn change_and_talk_to_nobody(_args: NoArgs) -> Result<Value> {
    let target = ObjectRef::new(kinds::CONFIG_MAP, "default", "settings");
    let change = |mode: &str| Change::patch(&target, json!({ "data": { "mode": mode } }));
    let _held = cluster::hold(&[change("held")], &[])?;
    for number in 0..200 {
        let mode = format!("{number}{}", "x".repeat(100_000));
        cluster::commit_one(change(&mode), &["/metadata/name"])?;
    }
    Ok(json!("talked"))
}
