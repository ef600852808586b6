//! Checking an object against its schema, with the texts of the real server.

use regex::Regex;
use serde_json::Value;

use super::{Rest, Schema, join};
use crate::object;
use crate::status::Cause;

/// Appends everything that is wrong with `value` to `causes`.
pub(crate) fn validate(schema: Schema<'_>, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    if value.is_null() {
        return;
    }
    if !has_type(schema, value) {
        causes.push(wrong_type(schema, value, path));
        return;
    }
    check_enum(schema, value, path, causes);
    match value {
        Value::Object(map) => check_object(schema, map, path, causes),
        Value::Array(items) => check_list(schema, items, path, causes),
        Value::String(text) => check_string(schema, text, path, causes),
        Value::Number(_) => check_number(schema, value, path, causes),
        Value::Bool(_) | Value::Null => {}
    }
}

fn has_type(schema: Schema<'_>, value: &Value) -> bool {
    if schema.is_int_or_string() {
        return value.is_string() || value.is_i64() || value.is_u64();
    }
    match schema.type_name() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => {
            value.is_i64()
                || value.is_u64()
                || value.as_f64().is_some_and(|number| number.fract() == 0.0)
        }
        "number" => value.is_number(),
        _ => true,
    }
}

pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn wrong_type(schema: Schema<'_>, value: &Value, path: &str) -> Cause {
    let (found, wanted) = (
        type_of(value),
        if schema.is_int_or_string() {
            "integer,string"
        } else {
            schema.type_name()
        },
    );
    let text =
        format!("Invalid value: \"{found}\": {path} in body must be of type {wanted}: \"{found}\"");
    Cause::new("FieldValueTypeInvalid", path, text)
}

fn check_enum(schema: Schema<'_>, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let Some(Value::Array(allowed)) = schema.keyword("enum") else {
        return;
    };
    if allowed.contains(value) {
        return;
    }
    let list: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    let text = format!(
        "Unsupported value: {value}: supported values: {}",
        list.join(", ")
    );
    causes.push(Cause::new("FieldValueNotSupported", path, text));
}

fn check_object(
    schema: Schema<'_>,
    map: &serde_json::Map<String, Value>,
    path: &str,
    causes: &mut Vec<Cause>,
) {
    for name in schema.required() {
        if map.get(name).is_none_or(Value::is_null)
            && !schema.property(name).is_some_and(Schema::is_always_present)
        {
            causes.push(Cause::required(join(path, name), ""));
        }
    }
    bound(
        schema,
        "minProperties",
        map.len(),
        |least| {
            causes.push(Cause::invalid(
                path,
                &Value::from(map.len()),
                &format!("{path} in body should have at least {least} properties"),
            ));
        },
        usize::lt,
    );
    for (name, child) in map {
        let inner = schema.property(name).or(match schema.rest() {
            Rest::Each(each) => Some(each),
            Rest::Anything | Rest::Nothing => None,
        });
        if let Some(inner) = inner {
            validate(inner, child, &join(path, name), causes);
        }
    }
}

fn check_list(schema: Schema<'_>, items: &[Value], path: &str, causes: &mut Vec<Cause>) {
    let shown = Value::from(items.len());
    bound(
        schema,
        "minItems",
        items.len(),
        |least| {
            causes.push(Cause::invalid(
                path,
                &shown,
                &format!("{path} in body should have at least {least} items"),
            ));
        },
        usize::lt,
    );
    bound(
        schema,
        "maxItems",
        items.len(),
        |most| {
            causes.push(Cause::new(
                "FieldValueTooMany",
                path,
                format!("Too many: {shown}: must have at most {most} items"),
            ));
        },
        usize::gt,
    );
    for (index, item) in items.iter().enumerate() {
        validate(schema.items(), item, &format!("{path}[{index}]"), causes);
    }
}

fn check_string(schema: Schema<'_>, text: &str, path: &str, causes: &mut Vec<Cause>) {
    let value = Value::from(text);
    let length = text.chars().count();
    bound(
        schema,
        "minLength",
        length,
        |least| {
            causes.push(Cause::invalid(
                path,
                &value,
                &format!("{path} in body should be at least {least} chars long"),
            ));
        },
        usize::lt,
    );
    bound(
        schema,
        "maxLength",
        length,
        |most| {
            causes.push(Cause::new(
                "FieldValueTooLong",
                path,
                format!("Too long: may not be more than {most} bytes"),
            ));
        },
        usize::gt,
    );
    if let Some(pattern) = schema.keyword("pattern").and_then(Value::as_str)
        && let Ok(regex) = Regex::new(pattern)
        && !regex.is_match(text)
    {
        causes.push(Cause::invalid(
            path,
            &value,
            &format!("{path} in body should match '{pattern}'"),
        ));
    }
    if schema.is_structural()
        && schema
            .keyword("format")
            .is_some_and(|format| format == "date-time")
        && text.parse::<jiff::Timestamp>().is_err()
    {
        causes.push(Cause::invalid(
            path,
            &value,
            &format!("{path} in body must be of type date-time: \"{text}\""),
        ));
    }
}

fn check_number(schema: Schema<'_>, value: &Value, path: &str, causes: &mut Vec<Cause>) {
    let number = value.as_f64().unwrap_or_default();
    if let Some(least) = schema
        .keyword("minimum")
        .filter(|least| least.as_f64().is_some_and(|least| number < least))
    {
        causes.push(Cause::invalid(
            path,
            value,
            &format!("{path} in body should be greater than or equal to {least}"),
        ));
    }
    if let Some(most) = schema
        .keyword("maximum")
        .filter(|most| most.as_f64().is_some_and(|most| number > most))
    {
        causes.push(Cause::invalid(
            path,
            value,
            &format!("{path} in body should be less than or equal to {most}"),
        ));
    }
}

fn bound(
    schema: Schema<'_>,
    keyword: &str,
    size: usize,
    fail: impl FnOnce(u64),
    out: fn(&usize, &usize) -> bool,
) {
    if let Some(limit) = schema.keyword(keyword).and_then(Value::as_u64)
        && out(&size, &usize::try_from(limit).unwrap_or(usize::MAX))
    {
        fail(limit);
    }
}

/// The first value whose type does not fit a built-in Go type, as path, wanted and found.
pub(crate) fn undecodable(
    schema: Schema<'_>,
    value: &Value,
    path: &str,
) -> Option<(String, String, &'static str)> {
    if value.is_null() {
        return None;
    }
    if !schema.type_name().is_empty() && !has_type(schema, value) {
        return Some((
            path.to_owned(),
            schema.type_name().to_owned(),
            type_of(value),
        ));
    }
    match value {
        Value::Object(map) => map
            .iter()
            .find_map(|(name, child)| undecodable(schema.field(name), child, &join(path, name))),
        Value::Array(_) => object::list(value)
            .iter()
            .find_map(|item| undecodable(schema.items(), item, path)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_those_of_the_real_server() {
        let schema = json!({"type":"object","required":["spec"],"properties":{"spec":{"type":"object","required":["interval"],
            "properties":{"interval":{"type":"string","pattern":"^[0-9]+m$"},"mode":{"type":"string","enum":["a","b"]},
            "n":{"type":"integer","minimum":1}}}}});
        let mut causes = Vec::new();
        validate(
            Schema::structural(&schema),
            &json!({"spec":{"mode":"c","n":0}}),
            "",
            &mut causes,
        );
        let texts: Vec<String> = causes
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        assert_eq!(
            texts,
            [
                "spec.interval: Required value",
                "spec.mode: Unsupported value: \"c\": supported values: \"a\", \"b\"",
                "spec.n: Invalid value: 0: spec.n in body should be greater than or equal to 1",
            ]
        );
        causes.clear();
        validate(
            Schema::structural(&schema),
            &json!({"spec":{"interval":5}}),
            "",
            &mut causes,
        );
        assert_eq!(
            causes[0].message,
            "Invalid value: \"integer\": spec.interval in body must be of type string: \"integer\""
        );
    }
}
