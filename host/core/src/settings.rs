//! What a person has set for all commands: `agent.toml` in the configuration directory. `examples/agent.toml` has every key.

use serde::Deserialize;
use thiserror::Error;

use crate::failure::{Failure, Kind};
use crate::hint;
use crate::hint::Path;
use crate::record::Retention;
use crate::size;

/// The name of the file.
pub const FILE: &str = "agent.toml";

/// Everything that can be set. What is not set has the value that [`Settings::default`] says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// How long runs that are over are remembered.
    pub retention: Retention,
}

/// Why the file cannot be used.
#[derive(Debug, Error)]
enum Wrong {
    #[error("it is not as it should be")]
    Document(#[source] toml::de::Error),
    #[error("`journal.keep-days` is a number of days, 1 or more, and not {0}")]
    Days(i64),
    #[error(
        "`journal.keep-size` is a number of bytes such as \"500K\", \"50M\" or \"1G\", and not {0:?}"
    )]
    Size(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    journal: Journal,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Journal {
    keep_days: Option<i64>,
    keep_size: Option<String>,
}

impl Settings {
    /// Reads the text of the file. `place` is its path, for messages.
    ///
    /// # Errors
    /// `invalid` (`settings.invalid`): no TOML, an unknown key, or a value that cannot be.
    pub fn read(text: &str, place: &str) -> Result<Settings, Failure> {
        settings(text).map_err(|wrong| {
            Failure::of(Kind::Invalid, "settings.invalid", &wrong)
                .while_doing(format!("reading the settings `{place}`"))
                .hinted(hint!(
                    "mend {}, or remove it: everything in it has a default",
                    Path(place)
                ))
        })
    }
}

fn settings(text: &str) -> Result<Settings, Wrong> {
    let Document { journal } = toml::from_str(text).map_err(Wrong::Document)?;
    let default = Retention::default();
    let days = journal.keep_days.map(|days| {
        let known = u32::try_from(days).ok().filter(|days| *days > 0);
        known.ok_or(Wrong::Days(days))
    });
    let bytes = journal
        .keep_size
        .map(|text| size::parse(&text).ok_or(Wrong::Size(text)));
    Ok(Settings {
        retention: Retention {
            days: days.transpose()?.unwrap_or(default.days),
            bytes: bytes.transpose()?.unwrap_or(default.bytes),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_set_has_its_default() {
        let settings = |text| Settings::read(text, "agent.toml").expect("settings");
        assert_eq!(settings(""), Settings::default());
        let some = settings("[journal]\nkeep-size = \"1G\"\n");
        assert_eq!(some.retention.bytes, 1 << 30);
        assert_eq!(some.retention.days, Retention::default().days);
        assert_eq!(settings("[journal]\nkeep-days = 7").retention.days, 7);
    }

    #[test]
    fn example_says_the_defaults() {
        let example = include_str!("../../../examples/agent.toml");
        let settings = Settings::read(example, "agent.toml").expect("settings");
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn wrong_value_and_unknown_key_are_named() {
        let table = [
            ("[journal]\nkeep-days = 0", "and not 0"),
            ("[journal]\nkeep-days = -3", "and not -3"),
            ("[journal]\nkeep-size = \"50MB\"", "and not \"50MB\""),
            ("[journal]\nkeep = 3", "unknown field `keep`"),
            ("[jurnal]", "unknown field `jurnal`"),
            ("keep-days", "TOML parse error at line 1"),
        ];
        for (text, wanted) in table {
            let failure = Settings::read(text, "/etc/agent.toml").expect_err(text);
            let said = format!("{}\n{}", failure.message, failure.causes.join("\n"));
            assert!(said.contains(wanted), "{said}");
            assert!(said.starts_with("reading the settings `/etc/agent.toml`"));
            assert_eq!(crate::exit::of(&failure), crate::exit::USAGE);
        }
    }
}
