//! Values of secret parameters. They are given apart from the other arguments and never leave the process: what people see has `***` in their
//! place, and what is on record has a keyed hash beside it, by which a value that is given again is known to be the same.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::descriptor::Operation;

/// What stands where a secret value stood.
pub const MASK: &str = "***";

/// Secret values by the names of their parameters. Wiped from memory when it is dropped.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<String, Zeroizing<String>>);

impl Secrets {
    /// Takes the values of an operation's secret parameters out of its arguments, and leaves [`MASK`] in their places.
    pub fn take(operation: &Operation, arguments: &mut Map<String, Value>) -> Secrets {
        let secret = operation.parameters.iter().filter(|one| one.secret);
        let mut taken = Secrets::default();
        for parameter in secret {
            let value = arguments.get_mut(parameter.name.as_str()).map(Value::take);
            if let Some(Value::String(value)) = value {
                taken.insert(&parameter.name, value);
                arguments.insert(parameter.name.to_string(), Value::from(MASK));
            }
        }
        taken
    }

    /// Adds a value, in place of one of the same name.
    pub fn insert(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), Zeroizing::new(value));
    }

    /// Returns names and values, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let values = self.0.iter();
        values.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.as_str())
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts the values in their places among the arguments.
    pub fn fill_in(&self, arguments: &mut Map<String, Value>) {
        for (name, value) in self.iter() {
            arguments.insert(name.to_owned(), Value::from(value));
        }
    }
}

/// Only the names.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let masked = self.0.keys().map(|name| (name, MASK));
        f.debug_map().entries(masked).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn login() -> Operation {
        let parameter = |name: &str, secret: bool| {
            json!({
                "name": name, "summary": "what it is", "style": "flag", "secret": secret,
                "schema": { "type": "string" },
            })
        };
        let operation = json!({
            "name": "login",
            "summary": "log in",
            "parameters": [parameter("user", false), parameter("token", true), parameter("code", true)],
        });
        serde_json::from_value(operation).expect("an operation")
    }

    #[test]
    fn only_secret_values_are_taken_and_each_leaves_a_mask() {
        let mut arguments = json!({ "user": "ada", "token": "t0ken-of-ada" });
        let arguments = arguments.as_object_mut().expect("an object");
        let secrets = Secrets::take(&login(), arguments);
        assert_eq!(
            *arguments,
            *json!({ "user": "ada", "token": MASK })
                .as_object()
                .expect("an object")
        );
        assert_eq!(
            secrets.iter().collect::<Vec<_>>(),
            [("token", "t0ken-of-ada")]
        );
        secrets.fill_in(arguments);
        assert_eq!(arguments["token"], "t0ken-of-ada");
    }

    #[test]
    fn debug_text_has_no_value() {
        let mut secrets = Secrets::default();
        secrets.insert("token", "t0ken-of-ada".to_owned());
        assert_eq!(format!("{secrets:?}"), r#"{"token": "***"}"#);
    }
}
