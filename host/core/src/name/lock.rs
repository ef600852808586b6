//! The names of locks.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Misnamed, ParameterName, is_word};

/// The name of a lock, with `{parameter}` in it: `volsync:{namespace}/{app}`. What stands before the colon is the id of the plugin whose lock it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LockName {
    text: String,
    parameters: Vec<ParameterName>,
}

/// How long a lock's name may be.
const LONGEST_LOCK: usize = 200;

impl LockName {
    /// Returns what stands before the colon.
    pub fn owner(&self) -> &str {
        self.text.split_once(':').map_or("", |(owner, _)| owner)
    }

    /// Returns the parameters whose values go into it.
    pub fn parameters(&self) -> &[ParameterName] {
        &self.parameters
    }

    /// Returns the name as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns it with the values in it; none when one of them is not there.
    pub fn filled_in(&self, value: impl Fn(&ParameterName) -> Option<String>) -> Option<String> {
        let mut filled = String::new();
        let mut rest = self.text.as_str();
        for parameter in &self.parameters {
            let (before, after) = rest.split_once('{')?;
            filled.push_str(before);
            filled.push_str(&value(parameter)?);
            rest = after.split_once('}')?.1;
        }
        filled.push_str(rest);
        Some(filled)
    }
}

const LOCK: &str = "the name of a lock: write PLUGIN:NAME with `{parameter}` in it, such as `volsync:{namespace}/{app}`";

impl TryFrom<String> for LockName {
    type Error = Misnamed;

    fn try_from(text: String) -> Result<Self, Misnamed> {
        let wrong = || Misnamed::new(&text, LOCK);
        let (owner, name) = text.split_once(':').ok_or_else(wrong)?;
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_./:@+=".contains(&b);
        if !is_word(owner) || name.is_empty() || text.len() > LONGEST_LOCK {
            return Err(wrong());
        }
        let mut parameters = Vec::new();
        let mut rest = name;
        while let Some((before, after)) = rest.split_once('{') {
            let (parameter, after) = after.split_once('}').ok_or_else(wrong)?;
            if !before.bytes().all(plain) {
                return Err(wrong());
            }
            parameters.push(parameter.parse().map_err(|_| wrong())?);
            rest = after;
        }
        if !rest.bytes().all(plain) {
            return Err(wrong());
        }
        Ok(LockName { text, parameters })
    }
}

impl From<LockName> for String {
    fn from(lock: LockName) -> String {
        lock.text
    }
}

impl fmt::Display for LockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
