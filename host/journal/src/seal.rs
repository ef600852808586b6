//! Seals: whether an entry is what the journal has written, in the place where it was written.
//!
//! What is on record is put back into a cluster, so an entry that was edited, moved, copied from elsewhere or taken out must not be acted upon. The seal of
//! an entry is a keyed hash (RFC 2104) of it, its number, and the seal of the one before: an entry that is not there any more is missed by the next one, and
//! one of another run does not fit. Which run it is stands in the first one. Who has the key, which only our user can read, can seal what they like; that the last entries are gone is not seen.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// What entries are sealed with.
#[derive(Clone)]
pub(crate) struct Seal(Hmac<Sha256>);

/// The seal of one entry.
pub(crate) type Sealed = [u8; 32];

impl Seal {
    /// Makes it from the key of the journal, which serves other ends too.
    pub(crate) fn new(key: &[u8; 32]) -> Seal {
        let of_entries = keyed(key).chain_update("entries of the journal").finalize();
        Seal(keyed(&of_entries.into_bytes().into()))
    }

    /// Seals an entry behind the one with the seal `before`.
    pub(crate) fn of(
        &self,
        before: &[u8],
        number: i64,
        at: i64,
        kind: &[u8],
        body: &[u8],
    ) -> Sealed {
        self.mac(before, number, at, kind, body)
            .finalize()
            .into_bytes()
            .into()
    }

    /// Returns whether an entry is what was sealed.
    pub(crate) fn fits(
        &self,
        sealed: &[u8],
        before: &[u8],
        number: i64,
        at: i64,
        kind: &[u8],
        body: &[u8],
    ) -> bool {
        let mac = self.mac(before, number, at, kind, body);
        mac.verify_slice(sealed).is_ok()
    }

    fn mac(&self, before: &[u8], number: i64, at: i64, kind: &[u8], body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in [before, &number.to_be_bytes(), &at.to_be_bytes(), kind, body] {
            // With its length, so that nothing moves from one part into the next.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(***)")
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    // A key that is shorter than a block is one with zeros behind it.
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    Hmac::new(&block.into())
}
