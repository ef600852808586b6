//! What puts a change back and must not be readable on record, because values of Secrets are in it: encrypted with the journal's key, so that whoever
//! can take the run back has it, also after the end of the process, and who reads only the journal has not.

use agent_core::effect::Target;
use agent_core::object::CLUSTER;
use agent_core::undo::{Callee, Compensation, Undo};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Seals and opens. The key is derived, so that what is sealed has nothing to do with the keyed hashes on record.
pub(super) struct Seal(LessSafeKey);

impl Seal {
    pub(super) fn new(key: &[u8; 32]) -> Option<Seal> {
        let mut derived = Hmac::<Sha256>::new_from_slice(key).ok()?;
        derived.update(b"agent: seals what puts a change back, 1");
        let derived = derived.finalize().into_bytes();
        let key = UnboundKey::new(&CHACHA20_POLY1305, &derived).ok()?;
        Some(Seal(LessSafeKey::new(key)))
    }

    /// Returns how a change is put back as it may be on record. What cannot be sealed is withheld.
    pub(super) fn seal(&self, undo: Undo, number: u64, target: &Target) -> Undo {
        match undo {
            Undo::Compensate(Compensation {
                call: Some(call),
                by_hand,
            }) => {
                let sealed = self.close(&call.arguments, number, target);
                let call = sealed.map(|sealed| Callee {
                    arguments: Default::default(),
                    sealed: Some(sealed),
                    ..call
                });
                Undo::Compensate(Compensation { call, by_hand })
            }
            Undo::Fields { .. } => match self.close(&undo, number, target) {
                Some(sealed) => Undo::Sealed { sealed },
                None => Undo::Withheld,
            },
            undo => undo,
        }
    }

    /// Returns how a change is put back, and whether that was sealed.
    pub(super) fn open(&self, undo: Undo, number: u64, target: &Target) -> (Undo, bool) {
        match undo {
            Undo::Sealed { sealed } => match self.opened(&sealed, number, target) {
                // Nothing else was ever sealed.
                Some(undo @ Undo::Fields { .. }) => (undo, true),
                _ => (Undo::Withheld, true),
            },
            Undo::Compensate(Compensation {
                call:
                    Some(
                        call @ Callee {
                            sealed: Some(_), ..
                        },
                    ),
                by_hand,
            }) => {
                let sealed = call.sealed.as_deref().unwrap_or_default();
                let arguments = self.opened(sealed, number, target);
                let call = arguments.map(|arguments| Callee {
                    arguments,
                    sealed: None,
                    ..call
                });
                (Undo::Compensate(Compensation { call, by_hand }), true)
            }
            undo => (undo, false),
        }
    }

    fn close(&self, what: &impl Serialize, number: u64, target: &Target) -> Option<String> {
        let mut text = Zeroizing::new(serde_json::to_vec(what).ok()?);
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).ok()?;
        let bound = Aad::from(bound_to(number, target));
        let nonce_value = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce_value, bound, &mut text)
            .ok()?;
        Some(STANDARD.encode([&nonce, text.as_slice(), tag.as_ref()].concat()))
    }

    fn opened<T: DeserializeOwned>(&self, sealed: &str, number: u64, target: &Target) -> Option<T> {
        let sealed = STANDARD.decode(sealed).ok()?;
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut text = Zeroizing::new(text.to_vec());
        let bound = Aad::from(bound_to(number, target));
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let text = self.0.open_in_place(nonce, bound, &mut text).ok()?;
        serde_json::from_slice(text).ok()
    }
}

/// Returns the effect that something sealed belongs to: it puts back no other one.
fn bound_to(number: u64, target: &Target) -> Vec<u8> {
    let Target {
        capability,
        of,
        namespace,
        name,
    } = target;
    // As it was when there was no other capability. No name in a cluster has a slash.
    if capability == CLUSTER {
        return format!("{number} {of} {target}").into_bytes();
    }
    serde_json::to_vec(&(number, capability, of, namespace, name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use agent_core::effect::FieldChange;
    use serde_json::json;

    use super::*;

    fn target(name: &str) -> Target {
        Target {
            capability: "cluster".to_owned(),
            of: "secrets.v1".to_owned(),
            namespace: Some("media".to_owned()),
            name: name.to_owned(),
        }
    }

    fn undo() -> Undo {
        Undo::Fields {
            uid: Some("u".to_owned()),
            fields: vec![FieldChange {
                path: "/data/password".to_owned(),
                before: Some(json!("correct-horse")),
                after: None,
            }],
            grown: Vec::new(),
        }
    }

    #[test]
    fn what_is_sealed_tells_nothing_and_opens_with_its_key_for_its_effect_only() {
        let seal = Seal::new(&[1; 32]).expect("a key");
        let sealed = seal.seal(undo(), 7, &target("login"));
        let text = serde_json::to_string(&sealed).expect("text");
        assert!(
            !text.contains("horse") && !text.contains("password"),
            "{text}"
        );
        let again = seal.seal(undo(), 7, &target("login"));
        assert_ne!(sealed, again, "nobody can see that two are the same");
        let open =
            |seal: &Seal, number, name: &str| seal.open(sealed.clone(), number, &target(name));
        assert_eq!(open(&seal, 7, "login"), (undo(), true));
        let other = Seal::new(&[2; 32]).expect("a key");
        for wrong in [
            open(&other, 7, "login"),
            open(&seal, 8, "login"),
            open(&seal, 7, "other"),
        ] {
            assert_eq!(wrong, (Undo::Withheld, true));
        }
    }

    #[test]
    fn arguments_of_what_undoes_something_are_sealed_and_the_operation_is_not() {
        let seal = Seal::new(&[1; 32]).expect("a key");
        let callee = json!({
            "operation": "volsync.rollback", "arguments": {"token": "correct-horse"},
            "digest": format!("sha256:{}", "0".repeat(64)), "risk": "destroy",
        });
        let undo = Undo::Compensate(Compensation {
            call: Some(serde_json::from_value(callee).expect("a callee")),
            by_hand: "agent run volsync.rollback".to_owned(),
        });
        let sealed = seal.seal(undo.clone(), 7, &target("plex"));
        let text = serde_json::to_string(&sealed).expect("text");
        assert!(
            text.contains("volsync.rollback") && !text.contains("horse"),
            "{text}"
        );
        assert_eq!(seal.open(sealed.clone(), 7, &target("plex")), (undo, true));
        let (lost, _) = seal.open(sealed, 8, &target("plex"));
        let lost = lost.compensation().expect("still one").clone();
        assert_eq!(lost.call, None, "nothing is called with other arguments");
    }
}
