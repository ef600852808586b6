//! Reading the protobuf form of built-in kinds, which `kubectl` and other Go clients send by default.
//!
//! The schemas carry the field numbers (`x-pb`: a path of numbers, because Go embeds structs that JSON does not show; a `p`
//! behind it marks a pointer, whose zero value counts). Answers are always JSON: every client accepts that.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use crate::schema::{Rest, Schema, builtin, named};
use crate::status::ApiError;

/// The media type of the encoding.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.kubernetes.protobuf";

const MAGIC: &[u8] = b"k8s\0";

/// Decodes an object of a built-in kind, with its envelope.
pub(crate) fn decode(bytes: &[u8]) -> Result<Value, ApiError> {
    let body = bytes
        .strip_prefix(MAGIC)
        .ok_or_else(|| malformed("it does not begin with the magic number"))?;
    let envelope = Message::parse(body).ok_or_else(|| malformed("its envelope is no message"))?;
    let kinds = envelope.message(1).unwrap_or_default();
    let (api_version, kind) = (kinds.text(1), kinds.text(2));
    let schema = schema_of(&api_version, &kind).ok_or_else(|| {
        ApiError::bad_request(format!(
            "no kind \"{kind}\" is registered for version \"{api_version}\""
        ))
    })?;
    let raw = envelope.bytes(2).unwrap_or_default();
    let message = Message::parse(raw).ok_or_else(|| malformed("the object is no message"))?;
    let mut object = object(schema, &message);
    object["apiVersion"] = json!(api_version);
    object["kind"] = json!(kind);
    Ok(object)
}

fn malformed(why: &str) -> ApiError {
    ApiError::bad_request(format!("the body cannot be read as protobuf: {why}"))
}

fn schema_of(api_version: &str, kind: &str) -> Option<Schema<'static>> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let wanted = json!({ "group": group, "version": version, "kind": kind });
    let all = builtin().as_object()?;
    let is_wanted = |schema: &Value| {
        let kinds = schema
            .get("x-kubernetes-group-version-kind")
            .and_then(Value::as_array);
        kinds.is_some_and(|kinds| kinds.contains(&wanted))
    };
    // Options of a verb are of every group; their schema names one.
    let options = || {
        (kind == "DeleteOptions").then_some("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions")
    };
    let name = all
        .iter()
        .find(|(_, schema)| is_wanted(schema))
        .map(|(name, _)| name.as_str())
        .or_else(options)?;
    Some(named(name))
}

/// A value on the wire.
#[derive(Clone, Copy)]
enum Wire<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
}

/// The fields of a message, in their order.
#[derive(Default)]
struct Message<'a>(Vec<(u64, Wire<'a>)>);

impl<'a> Message<'a> {
    fn parse(mut bytes: &'a [u8]) -> Option<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let value = match key & 7 {
                0 => Wire::Varint(varint(&mut bytes)?),
                1 => Wire::Fixed(u64::from_le_bytes(take(&mut bytes, 8)?.try_into().ok()?)),
                2 => {
                    let length = usize::try_from(varint(&mut bytes)?).ok()?;
                    Wire::Bytes(take(&mut bytes, length)?)
                }
                5 => Wire::Fixed(u64::from(u32::from_le_bytes(
                    take(&mut bytes, 4)?.try_into().ok()?,
                ))),
                _ => return None,
            };
            fields.push((key >> 3, value));
        }
        Some(Self(fields))
    }

    fn all(&self, number: u64) -> impl Iterator<Item = Wire<'a>> {
        self.0
            .iter()
            .filter(move |(other, _)| *other == number)
            .map(|(_, value)| *value)
    }

    fn bytes(&self, number: u64) -> Option<&'a [u8]> {
        self.all(number).find_map(|value| {
            if let Wire::Bytes(bytes) = value {
                Some(bytes)
            } else {
                None
            }
        })
    }

    fn message(&self, number: u64) -> Option<Message<'a>> {
        Message::parse(self.bytes(number)?)
    }

    fn text(&self, number: u64) -> String {
        self.bytes(number)
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .unwrap_or_default()
    }

    fn integer(&self, number: u64) -> i64 {
        self.all(number)
            .find_map(|value| {
                if let Wire::Varint(value) = value {
                    Some(value.cast_signed())
                } else {
                    None
                }
            })
            .unwrap_or(0)
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn object(schema: Schema<'_>, message: &Message<'_>) -> Value {
    let mut map = Map::new();
    for (name, property) in schema.properties() {
        let Some(path) = property.keyword("x-pb").and_then(Value::as_str) else {
            continue;
        };
        let (path, is_pointer) = path
            .strip_suffix('p')
            .map_or((path, false), |path| (path, true));
        let found = follow(message, path);
        if found.is_empty() {
            continue;
        }
        let value = field(property, &found);
        if is_pointer || !is_zero(&value) {
            map.insert(name.clone(), value);
        }
    }
    Value::Object(map)
}

/// Everything at a path of field numbers.
fn follow<'a>(message: &Message<'a>, path: &str) -> Vec<Wire<'a>> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let Ok(number) = first.parse() else {
        return Vec::new();
    };
    if rest.is_empty() {
        return message.all(number).collect();
    }
    message
        .message(number)
        .map(|inner| follow(&inner, rest))
        .unwrap_or_default()
}

/// What Go leaves out of JSON.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(set) => !set,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn field(schema: Schema<'_>, found: &[Wire<'_>]) -> Value {
    if schema.type_name() == "array" {
        return found
            .iter()
            .map(|wire| single(schema.items(), *wire))
            .collect();
    }
    if let Rest::Each(each) = schema.rest() {
        return map(each, found);
    }
    found
        .last()
        .map_or(Value::Null, |wire| single(schema, *wire))
}

fn map(each: Schema<'_>, found: &[Wire<'_>]) -> Value {
    let mut map = Map::new();
    for wire in found {
        let Wire::Bytes(bytes) = wire else { continue };
        let Some(entry) = Message::parse(bytes) else {
            continue;
        };
        let value = entry
            .all(2)
            .next()
            .map_or_else(|| json!(""), |wire| map_value(each, wire));
        map.insert(entry.text(1), value);
    }
    Value::Object(map)
}

/// A list as the value of a map is a message that holds the list.
fn map_value(each: Schema<'_>, wire: Wire<'_>) -> Value {
    match wire {
        Wire::Bytes(bytes) if each.type_name() == "array" => {
            let inner = Message::parse(bytes).unwrap_or_default();
            field(each, &inner.all(1).collect::<Vec<_>>())
        }
        other => single(each, other),
    }
}

fn single(schema: Schema<'_>, wire: Wire<'_>) -> Value {
    match wire {
        Wire::Varint(value) if schema.type_name() == "boolean" => json!(value != 0),
        Wire::Varint(value) => json!(value.cast_signed()),
        Wire::Fixed(bits) => json!(f64::from_bits(bits)),
        Wire::Bytes(bytes) => from_bytes(schema, bytes),
    }
}

fn from_bytes(schema: Schema<'_>, bytes: &[u8]) -> Value {
    let format = schema
        .keyword("format")
        .and_then(Value::as_str)
        .unwrap_or_default();
    match (schema.type_name(), format) {
        ("string", "byte") => json!(BASE64_STANDARD.encode(bytes)),
        ("string", "date-time") => time(bytes),
        ("string", _) => json!(String::from_utf8_lossy(bytes)),
        (_, "int-or-string") => {
            let message = Message::parse(bytes).unwrap_or_default();
            if message.integer(1) == 1 {
                json!(message.text(3))
            } else {
                json!(message.integer(2))
            }
        }
        _ if schema.keyword("oneOf").is_some() => {
            json!(Message::parse(bytes).unwrap_or_default().text(1))
        }
        _ if schema.properties().next().is_some() => {
            object(schema, &Message::parse(bytes).unwrap_or_default())
        }
        // Raw JSON inside a message of one field.
        _ => Message::parse(bytes)
            .and_then(|message| serde_json::from_slice(message.bytes(1)?).ok())
            .unwrap_or(Value::Null),
    }
}

fn time(bytes: &[u8]) -> Value {
    let message = Message::parse(bytes).unwrap_or_default();
    if message.0.is_empty() {
        return Value::Null;
    }
    let nanos = i32::try_from(message.integer(2)).unwrap_or(0);
    let time = jiff::Timestamp::new(message.integer(1), nanos).unwrap_or_default();
    json!(time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(number: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(content.len()).expect("short")];
        out.extend_from_slice(content);
        out
    }

    #[test]
    fn embedded_structs_and_pointers_to_zero_survive() {
        // A Deployment with spec.replicas = 0 (a pointer) and spec.minReadySeconds = 0 (none).
        let spec = [vec![1 << 3, 0], vec![5 << 3, 0]].concat();
        let object = [bytes(1, &bytes(1, b"web")), bytes(2, &spec)].concat();
        let kinds = [bytes(1, b"apps/v1"), bytes(2, b"Deployment")].concat();
        let body = [MAGIC.to_vec(), bytes(1, &kinds), bytes(2, &object)].concat();
        let value = decode(&body).expect("a Deployment");
        assert_eq!(
            value,
            json!({"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":0}})
        );
    }

    #[test]
    fn rubbish_is_refused() {
        assert!(decode(b"nonsense").is_err());
        assert!(decode(b"k8s\0\xff\xff").is_err());
    }
}
