//! The journal on real files, and between real processes: what was acknowledged is there, whoever dies and however the files end.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests make files and processes of their own, and print figures"
)]

mod append;
mod child;
mod damage;
mod exclusion;
mod figures;
mod kill;
mod live;
mod log;
mod prune;
mod refusal;
mod remembered;
mod room;
mod seal;
mod world;
