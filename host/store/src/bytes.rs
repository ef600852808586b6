//! The bytes of an artifact, wherever they live, and their name.

use std::ops::Deref;
use std::sync::Arc;

use agent_core::id::Digest;
use sha2::{Digest as _, Sha256};

/// Bytes that are in the program itself, or shared.
#[derive(Clone, Debug)]
pub enum Bytes {
    /// In the program's own image: nothing is copied.
    Static(&'static [u8]),
    /// Read from somewhere.
    Shared(Arc<[u8]>),
}

impl Bytes {
    /// Returns the SHA-256 of the bytes.
    pub fn digest(&self) -> Digest {
        Digest::from_sha256(&Sha256::digest(&**self).into())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Static(bytes) => bytes,
            Bytes::Shared(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Bytes {
        Bytes::Shared(bytes.into())
    }
}
