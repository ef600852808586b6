//! Seals: whether an entry is what the journal has written, in the place where it was written.
//!
//! What is on record is put back into a cluster, so an entry that was edited, moved, copied from elsewhere or taken out must not be acted upon. The seal of
//! an entry is a keyed hash (RFC 2104) of it, its number, and the seal of the one before: an entry that is not there any more is missed by the next one, and
//! one of another run does not fit. A run's row, which says in one line how it stands, has a seal of its own: it is computed anew from the record where
//! that does not fit. Which run it is stands in the first one. Who has the key, which only our user can read, can seal what they like; that the last entries are gone is not seen.

use hmac::{Hmac, Mac as _};
use sha2::Sha256;

/// What entries are sealed with.
#[derive(Clone)]
pub(crate) struct Seal(Option<Hmac<Sha256>>);

/// The seal of one entry.
pub(crate) type Sealed = [u8; 32];

impl Seal {
    /// Makes it from the key of the journal, which serves other ends too.
    pub(crate) fn new(key: &[u8; 32]) -> Seal {
        let of_entries = keyed(key).chain_update("entries of the journal").finalize();
        Seal(Some(keyed(&of_entries.into_bytes().into())))
    }

    /// Makes one that fits everything: the key is gone, and what is on record is only looked at.
    pub(crate) fn unknown() -> Seal {
        Seal(None)
    }

    /// Returns whether the key is gone.
    pub(crate) fn is_unknown(&self) -> bool {
        self.0.is_none()
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
        let parts = [before, &number.to_be_bytes(), &at.to_be_bytes(), kind, body];
        self.of_parts(parts.into_iter())
    }

    /// Seals what is no entry. `parts` say so by their number or by the first of them.
    pub(crate) fn of_parts<'a>(&self, parts: impl Iterator<Item = &'a [u8]>) -> Sealed {
        self.mac(parts)
            .map_or([0; 32], |mac| mac.finalize().into_bytes().into())
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
        let parts = [before, &number.to_be_bytes(), &at.to_be_bytes(), kind, body];
        self.fits_parts(sealed, parts.into_iter())
    }

    /// Returns whether those parts are what was sealed.
    pub(crate) fn fits_parts<'a>(
        &self,
        sealed: &[u8],
        parts: impl Iterator<Item = &'a [u8]>,
    ) -> bool {
        self.mac(parts)
            .is_none_or(|mac| mac.verify_slice(sealed).is_ok())
    }

    fn mac<'a>(&self, parts: impl Iterator<Item = &'a [u8]>) -> Option<Hmac<Sha256>> {
        let mut mac = self.0.clone()?;
        for part in parts {
            // With its length, so that nothing moves from one part into the next.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Some(mac)
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
