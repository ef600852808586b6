//! What is secret in the connection itself: tokens, passwords and keys by which the person is known to the server. No guest is told any of it, whoever
//! says it: a server knows what it was sent, and may repeat it in an error.

use std::sync::{PoisonError, RwLock};

use agent_core::failure::Failure;
use agent_core::secret::MASK;
use zeroize::Zeroizing;

/// Shorter ones would take away every other word, and are not secrets worth the name.
const SHORTEST: usize = 4;

/// How long a line must be, of a secret with several, to be one by itself.
const LINE: usize = 16;

/// See the module. It grows while credentials are renewed, and what was once one stays one.
#[derive(Default)]
pub struct ConnectionSecrets(RwLock<Vec<Zeroizing<String>>>);

impl ConnectionSecrets {
    /// Adds a secret; of one with several lines, such as a key, its lines.
    pub fn add(&self, secret: &str) {
        let secret = secret.trim();
        let lines = secret.lines().map(str::trim);
        match secret.contains('\n') {
            true => lines
                .filter(|line| line.len() >= LINE && !line.starts_with("-----"))
                .for_each(|line| self.add_one(line)),
            false => self.add_one(secret),
        }
    }

    fn add_one(&self, secret: &str) {
        if secret.len() < SHORTEST {
            return;
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.iter().all(|known| known.as_str() != secret) {
            all.push(Zeroizing::new(secret.to_owned()));
        }
    }

    /// Gives those to `learn` that came after the first so many, and returns how many there are.
    pub(super) fn since(&self, first: usize, mut learn: impl FnMut(&str)) -> usize {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        for secret in all.get(first..).unwrap_or_default() {
            learn(secret);
        }
        all.len()
    }

    /// Returns a failure in which none of them is.
    pub(super) fn hide(&self, failure: Failure) -> Failure {
        let mut all = self
            .0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if all.is_empty() {
            return failure;
        }
        // One may be the beginning of another one.
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        let hidden = |text: String| {
            all.iter()
                .fold(text, |text, secret| match text.contains(secret.as_str()) {
                    true => text.replace(secret.as_str(), MASK),
                    false => text,
                })
        };
        let is_open = |text: &str| all.iter().all(|secret| !text.contains(secret.as_str()));
        Failure {
            message: hidden(failure.message),
            causes: failure.causes.into_iter().map(hidden).collect(),
            // A remedy with a hole in it helps nobody.
            hint: failure.hint.filter(|hint| is_open(hint)),
            ..failure
        }
    }
}

#[cfg(test)]
mod tests {
    use agent_core::failure::Kind;

    use super::*;

    #[test]
    fn secret_that_a_server_repeats_is_in_no_part_of_a_failure() {
        let known = ConnectionSecrets::default();
        known.add("t0ken\n");
        known.add("t0ken-longer");
        known.add("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nab==\n-----END KEY-----\n");
        known.add("abc");
        known.add("");
        let mut failure = Failure::new(Kind::Denied, "cluster.unauthorized", "no t0ken-longer")
            .because("MIIEvQIBADANBgkqhkiG is not t0ken, abc, ab== or -----BEGIN KEY-----")
            .hinted("kubectl --token t0ken");
        failure.retry_after_ms = Some(7);
        let hidden = known.hide(failure);
        assert_eq!(hidden.message, "no ***");
        assert_eq!(
            hidden.causes,
            ["*** is not ***, abc, ab== or -----BEGIN KEY-----"]
        );
        assert_eq!(hidden.hint, None);
        assert_eq!(hidden.retry_after_ms, Some(7));
        assert_eq!(hidden.code, "cluster.unauthorized");
    }

    #[test]
    fn renewed_secret_is_learnt_once() {
        let known = ConnectionSecrets::default();
        let mut learnt = Vec::new();
        known.add("first");
        let first = known.since(0, |secret| learnt.push(secret.to_owned()));
        known.add("first");
        known.add("second");
        known.since(first, |secret| learnt.push(secret.to_owned()));
        assert_eq!(learnt, ["first", "second"]);
    }
}
