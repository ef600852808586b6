//! What guest and host tell each other of what did not work.
//!
//! A guest is told of a connection that did not come about no more than that, and a code: why is about the person's kubeconfig, programs and network. When
//! the guest ends with it, the person gets the rest. And what a guest says is a stranger's, but for what the host has told it in this run: only then a
//! code counts that the host decides the exit code by, and a remedy is the host's.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use agent_core::exit;
use agent_core::failure::{Failure, Kind};

use crate::Gate;

/// How much is remembered: a guest may provoke any number of failures.
const MANY: usize = 128;

/// What operations judge by themselves.
const ARGUMENTS: &str = "operations.arguments";

/// What the guests of a run were told.
#[derive(Default)]
pub(super) struct Told(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// What was said in place of what.
    short: VecDeque<(&'static str, Failure)>,
    codes: BTreeSet<String>,
    remedies: VecDeque<Failure>,
}

impl Gate {
    /// Returns what a guest is told of a failure.
    pub fn told(&self, failure: Failure) -> Failure {
        let short = self.run.without_details(&failure);
        self.run.told.tell(failure, short)
    }

    /// Returns what a guest is told of a failure, as it may be on record.
    pub fn told_of(&self, failure: Failure) -> Failure {
        let failure = self.run.secrets.failure(failure.bounded());
        self.told(failure)
    }

    /// Returns what an operation ended with, which it says.
    pub fn heard(&self, said: Failure) -> Failure {
        let plugin = self.actor.plugin.split(' ').next().unwrap_or_default();
        self.run.told.hear(plugin, self.run.has_begun(), said)
    }
}

impl Told {
    /// `short` is what is said in its place.
    fn tell(&self, mut failure: Failure, short: Option<&'static str>) -> Failure {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if exit::is_hosts(&failure) {
            known.codes.insert(failure.code.clone());
        }
        if let Some(said) = short {
            let short = Failure::new(failure.kind, &failure.code, said);
            let full = std::mem::replace(&mut failure, short);
            keep(&mut known.short, (said, full));
        }
        for (said, full) in &known.short {
            shorten(&mut failure, said, full);
        }
        if failure.hint.is_some() {
            keep(&mut known.remedies, failure.clone());
        }
        failure
    }

    /// `begun` is whether the run has announced or asked anything.
    fn hear(&self, plugin: &str, begun: bool, mut failure: Failure) -> Failure {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let judged = failure.code == ARGUMENTS && !begun;
        if exit::is_hosts(&failure) && !judged && !known.codes.contains(&failure.code) {
            failure.code = format!("{plugin}.{}", failure.code);
            if failure.kind == Kind::Declined {
                failure.kind = Kind::Failed;
            }
        }
        let ours = known.remedies.iter().rev().map(|told| &told.hint);
        let ours = ours
            .into_iter()
            .find(|told| told.as_deref() == failure.hint.as_deref());
        if let Some(ours) = ours {
            failure.hint.clone_from(ours);
        }
        for (said, full) in known.short.iter().rev() {
            restore(&mut failure, said, full);
        }
        failure
    }
}

/// Takes out what a guest that called another operation must not be told by way of that.
fn shorten(failure: &mut Failure, said: &str, full: &Failure) {
    let at = match failure.message == full.message {
        true => {
            said.clone_into(&mut failure.message);
            Some(0)
        }
        false => failure.causes.iter().position(|it| *it == full.message),
    };
    let Some(at) = at else { return };
    if let Some(cause) = failure.causes.get_mut(at).filter(|it| **it == full.message) {
        said.clone_into(cause);
    }
    failure.causes.retain(|cause| !full.causes.contains(cause));
    if failure.hint == full.hint {
        failure.hint = None;
    }
}

/// Puts back in what was taken out.
fn restore(failure: &mut Failure, said: &str, full: &Failure) {
    let at = if failure.message == said {
        failure.message.clone_from(&full.message);
        0
    } else if let Some(at) = failure.causes.iter().position(|cause| cause == said) {
        failure.causes[at].clone_from(&full.message);
        at + 1
    } else {
        return;
    };
    failure.causes.splice(at..at, full.causes.iter().cloned());
    if failure.hint.is_none() {
        failure.hint.clone_from(&full.hint);
    }
}

/// Adds something at the end, unless it is there, and drops the oldest when there are too many.
fn keep<T: PartialEq>(all: &mut VecDeque<T>, one: T) {
    if all.contains(&one) {
        return;
    }
    if all.len() == MANY {
        all.pop_front();
    }
    all.push_back(one);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unreachable() -> Failure {
        let message = "the API server at https://nas.example:6443 cannot be reached";
        Failure::new(Kind::Unavailable, "cluster.unreachable", message)
            .because("the name `nas.example` does not resolve")
            .hinted("see whether the DNS of this machine is up")
    }

    const CODES: [&str; 4] = [
        "cluster.unreachable",
        "cluster.no-kubeconfig",
        "cluster.unauthorized",
        "cluster.no-kubernetes",
    ];

    /// What a capability says of its connection.
    fn short(failure: &Failure) -> Option<&'static str> {
        let is_of_it = CODES.contains(&failure.code.as_str());
        is_of_it.then_some("the cluster is away")
    }

    impl Told {
        fn says(&self, failure: Failure) -> Failure {
            let short = short(&failure);
            self.tell(failure, short)
        }
    }

    #[test]
    fn guest_is_told_of_a_connection_only_that_there_is_none_and_the_person_gets_the_rest() {
        for full in [
            unreachable(),
            Failure::new(
                Kind::Unavailable,
                "cluster.no-kubeconfig",
                "reading the kubeconfig",
            )
            .because("`/home/jane/.kube/config`, line 3, column 7: a value is missing"),
            Failure::new(
                Kind::Denied,
                "cluster.unauthorized",
                "the API server at https://k does not accept the credentials",
            )
            .because("the credential plugin `aws` of user `jane` failed with exit code 3"),
            Failure::new(
                Kind::Unavailable,
                "cluster.no-kubernetes",
                "`https://k` did not answer like a Kubernetes API server",
            )
            .because("expected value at line 1 column 1"),
        ] {
            let told = Told::default();
            let short = told.says(full.clone());
            assert_eq!((short.kind, &short.code), (full.kind, &full.code));
            assert!(short.causes.is_empty() && short.hint.is_none(), "{short:?}");
            for secret in ["nas", "jane", "https", "aws", "line"] {
                assert!(!short.message.contains(secret), "{short:?}");
            }
            assert_eq!(told.hear("volsync", true, short.clone()), full);
            let wrapped = short.clone().while_doing("looking for `plex`");
            let heard = told.hear("volsync", true, wrapped.clone());
            assert_eq!(heard.message, "looking for `plex`");
            assert_eq!(
                heard.causes,
                [vec![full.message.clone()], full.causes.clone()].concat()
            );
            assert_eq!(heard.hint, full.hint);
            // Whoever called it is told as little.
            assert_eq!(told.says(heard), short);
        }
    }

    #[test]
    fn what_was_not_told_is_not_made_up() {
        let told = Told::default();
        let said = short(&unreachable()).expect("a short form");
        let forged = Failure::new(Kind::Unavailable, "cluster.unreachable", said);
        assert_eq!(told.hear("evil", true, forged.clone()), forged);
    }

    #[test]
    fn exit_code_of_ours_is_not_a_plugins_to_say() {
        for (kind, code, wanted) in [
            (Kind::Internal, "agent.bug", exit::FAILED),
            (Kind::Declined, "run.declined", exit::FAILED),
            (Kind::Declined, "any", exit::FAILED),
            (Kind::NotFound, "operations.unknown", exit::FAILED),
            (Kind::Invalid, "settings.invalid", exit::FAILED),
            (Kind::Invalid, "operations.arguments", exit::FAILED),
            (Kind::Unavailable, "journal.full", exit::UNREACHABLE),
        ] {
            let told = Told::default();
            let failure = Failure::new(kind, code, "x");
            let heard = told.hear("evil", true, failure.clone());
            assert_eq!(heard.code, format!("evil.{code}"));
            assert_eq!(exit::of(&heard), wanted, "{code}");
            // Once the host has said it, it is so.
            told.says(failure.clone());
            assert_eq!(told.hear("evil", true, failure.clone()), failure);
        }
        let fine = Failure::new(Kind::Conflict, "evil.own", "x");
        assert_eq!(Told::default().hear("evil", true, fine.clone()), fine);
    }

    #[test]
    fn plugin_judges_its_arguments_before_it_has_done_anything() {
        let failure = Failure::new(Kind::Invalid, ARGUMENTS, "`since` is no time");
        let heard = Told::default().hear("flux", false, failure.clone());
        assert_eq!(exit::of(&heard), exit::USAGE);
    }

    #[test]
    fn any_number_of_failures_costs_a_bounded_memory() {
        let told = Told::default();
        for number in 0..1000 {
            let denied = Failure::new(Kind::Denied, "cluster.not-granted", "x");
            told.says(
                denied
                    .because(number.to_string())
                    .hinted("agent plugin grant"),
            );
            told.says(unreachable().because(number.to_string()));
        }
        let known = told.0.lock().expect("a lock");
        assert!(known.short.len() <= MANY && known.remedies.len() <= MANY);
    }
}
