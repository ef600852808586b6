//! What capabilities know by names.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Misnamed, is_word};
use crate::id::name;

text! {
    /// A capability, or what is done with a thing of it: `talos`, `reboot`.
    Word,
    is_word,
    "a word: use at most 40 lower-case letters, digits and dashes, with a letter first"
}
text! {
    /// A thing that a capability knows by a name, such as a machine or a URL.
    ThingName,
    |text| {
        let plain = |c: char| c.is_ascii_graphic() && !"*{}'\"`\\".contains(c);
        (1..=253).contains(&text.len()) && text.chars().all(plain)
    },
    "the name of a thing: use at most 253 visible ASCII characters, and no quotes, braces, stars or backslashes"
}
