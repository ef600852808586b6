//! The codes of what fails in the host: what scripts match. A plugin's begin with its id.
//!
//! `cargo xtask tidy` looks that every code which the host and the contract name is in this list, and that no other is.

/// All of them, in order.
pub const HOST: &[&str] = &[
    "agent.bug",
    "agent.code-directory",
    "agent.json",
    "agent.misplaced",
    "agent.no-randomness",
    "agent.plan",
    "agent.run-broken-off",
    "agent.sandbox",
    "agent.unwritten",
    "cluster.already-exists",
    "cluster.answer-lost",
    "cluster.conflict",
    "cluster.disruption-budget",
    "cluster.expired",
    "cluster.forbidden",
    "cluster.invalid",
    "cluster.no-kubeconfig",
    "cluster.no-kubernetes",
    "cluster.no-logs",
    "cluster.no-signal",
    "cluster.no-such-resource",
    "cluster.not-found",
    "cluster.not-granted",
    "cluster.overloaded",
    "cluster.owned",
    "cluster.read-only",
    "cluster.riskier",
    "cluster.still-there",
    "cluster.terminating",
    "cluster.too-large",
    "cluster.too-many-watches",
    "cluster.unauthorized",
    "cluster.unexpected",
    "cluster.unreachable",
    "journal.ambiguous-run",
    "journal.busy",
    "journal.damaged",
    "journal.full",
    "journal.key-missing",
    "journal.network",
    "journal.newer",
    "journal.no-directory",
    "journal.no-such-run",
    "journal.other-cluster",
    "journal.run-damaged",
    "journal.run-exists",
    "journal.run-is-live",
    "journal.unsafe",
    "journal.unwritable",
    "lock.contended",
    "lock.held",
    "lock.unfinished",
    "operations.arguments",
    "operations.failed-in-part",
    "operations.name",
    "operations.not-granted",
    "operations.riskier",
    "operations.too-deep",
    "operations.unknown",
    "plan.not-kept",
    "plan.not-planned",
    "plan.other-cluster",
    "plan.outdated",
    "plugin.compile-limit",
    "plugin.contract",
    "plugin.core-module",
    "plugin.empty",
    "plugin.exited",
    "plugin.grants",
    "plugin.host-call-too-large",
    "plugin.id-taken",
    "plugin.invalid-descriptor",
    "plugin.invalid-result",
    "plugin.invalid-section",
    "plugin.later-format",
    "plugin.malformed",
    "plugin.needs-newer-agent",
    "plugin.no-section",
    "plugin.no-such-power",
    "plugin.not-compiled",
    "plugin.not-granted",
    "plugin.not-requested",
    "plugin.not-wasm",
    "plugin.other-artifact",
    "plugin.other-world",
    "plugin.out-of-cpu",
    "plugin.out-of-memory",
    "plugin.out-of-stack",
    "plugin.out-of-tables",
    "plugin.out-of-time",
    "plugin.precompiled",
    "plugin.record-too-large",
    "plugin.result-too-large",
    "plugin.section-twice",
    "plugin.too-large",
    "plugin.too-many",
    "plugin.too-many-calls",
    "plugin.too-many-resources",
    "plugin.trapped",
    "plugin.unreadable",
    "run.cancelled",
    "run.cut-off",
    "run.declined",
    "run.diverged",
    "run.holds-lost",
    "run.in-doubt",
    "run.lock-lost",
    "run.no-capability",
    "run.not-asked",
    "run.not-compensated",
    "run.not-yet",
    "run.overwritten",
    "run.phrase",
    "run.question-too-long",
    "run.secret-changed",
    "run.secret-not-kept",
    "run.too-many-resources",
    "run.withdrawn",
    "secrets.changed",
    "secrets.missing",
    "secrets.too-short",
    "secrets.unknown",
    "settings.invalid",
    "settings.unsafe",
    "store.cannot-keep",
    "store.no-artifact",
    "store.other-plugin",
];

/// Returns whether a code is the host's own: those are told as they are, and any other is a plugin's word.
pub fn is_listed(code: &str) -> bool {
    HOST.binary_search(&code).is_ok()
}

/// Returns whether the host's codes begin with a word, or could: no plugin is called so, for its codes begin with its id.
pub fn is_reserved(word: &str) -> bool {
    let begins = |code: &&str| code.split_once('.').is_some_and(|(root, _)| root == word);
    word == "host" || HOST.iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_and_nothing_else() {
        assert!(HOST.is_sorted());
        assert!(HOST.iter().all(|code| is_listed(code)));
        assert!(is_reserved("agent") && is_reserved("host") && !is_reserved("volsync"));
        assert!(!is_listed("volsync.no-eligible-snapshot") && !is_listed(""));
    }
}
