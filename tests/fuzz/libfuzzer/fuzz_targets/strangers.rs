//! One program for all parsers, because it takes minutes to build: `AGENT_FUZZ` says which one.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let run = TARGET.get_or_init(|| {
        let name = std::env::var("AGENT_FUZZ").expect("AGENT_FUZZ names a parser");
        agent_fuzz::target(&name).expect("a parser of that name")
    });
    run(bytes);
});
