//! What a plain scalar is, by the rules of YAML 1.1 that goyaml.v2 keeps to.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Value;

/// Returns what an unquoted text stands for.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            Value::Bool(false)
        }
        _ if is_number(text) => Value::Number(Zeroizing::new(text.to_owned())),
        _ => Value::Text(Zeroizing::new(text.to_owned())),
    }
}

/// Returns the text behind the tag `!!binary`.
pub(super) fn binary(text: &str) -> Result<Value, &'static str> {
    let text: String = text.split_whitespace().collect();
    let bytes = STANDARD.decode(text).ok();
    bytes
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .map(|text| Value::Text(Zeroizing::new(text)))
        .ok_or("a value that is tagged `!!binary` is not base64 of a text")
}

/// Returns a number as JSON, or null when JSON has no such number.
pub(super) fn json(text: &str) -> serde_json::Value {
    let plain = text.replace('_', "");
    let number = match integer(&plain) {
        Some(number) => serde_json::Number::from_i128(number),
        None => plain.parse().ok().and_then(serde_json::Number::from_f64),
    };
    number.map_or(serde_json::Value::Null, serde_json::Value::Number)
}

fn is_number(text: &str) -> bool {
    let special = text.trim_start_matches(['+', '-']);
    if matches!(special, ".inf" | ".Inf" | ".INF") && text.len() - special.len() < 2 {
        return true;
    }
    if matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let plain = text.replace('_', "");
    let begins = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    begins && (integer(&plain).is_some() || is_float(&plain))
}

/// Reads an integer with the prefixes that Go knows; a leading 0 means octal.
fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let prefixed = |prefix: [char; 2]| digits.strip_prefix('0')?.strip_prefix(prefix);
    let (radix, digits) = if let Some(rest) = prefixed(['x', 'X']) {
        (16, rest)
    } else if let Some(rest) = prefixed(['b', 'B']) {
        (2, rest)
    } else if let Some(rest) = prefixed(['o', 'O']) {
        (8, rest)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, &digits[1..])
    } else {
        (10, digits)
    };
    if !digits.bytes().all(|digit| digit.is_ascii_alphanumeric()) {
        return None;
    }
    let number = i128::from_str_radix(digits, radix).ok()? * sign;
    (number >= i128::from(i64::MIN) && number <= i128::from(u64::MAX)).then_some(number)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, of a number that a double can hold.
fn is_float(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent = exponent.is_none_or(|exponent| {
        let digits_of = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits_of.is_empty() && digits(digits_of)
    });
    mantissa && exponent && text.parse::<f64>().is_ok_and(f64::is_finite)
}
