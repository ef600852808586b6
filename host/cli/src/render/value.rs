//! The result of an operation for a person: a table where its descriptor has columns, else a line per key.

use agent_core::descriptor::Column;
use serde_json::{Map, Value};

use super::{table, width, yaml};
use crate::clean;
use crate::ink::Tone;
use crate::terminal::Terminal;

/// Writes a result to standard output.
pub(super) fn write(value: &Value, columns: &[Column], terminal: &mut Terminal) {
    match (rows(value), value) {
        (Some(rows), _) => write_rows(rows, columns, value, terminal),
        (None, Value::Object(fields)) => write_fields(fields, columns, terminal),
        (None, Value::Null) => {}
        (None, other) => {
            let text = other
                .as_str()
                .map_or_else(|| other.to_string(), clean::text);
            let text = text.trim_end();
            match text.contains('\n') {
                true => terminal.stdout.theirs("", None, text),
                false => terminal.stdout.results([text]),
            }
        }
    }
}

/// Returns the rows in a result: all of it, or the one list of objects among its fields.
pub(super) fn rows(value: &Value) -> Option<&Vec<Value>> {
    let is_rows = |value: &&Vec<Value>| value.iter().all(Value::is_object);
    match value {
        Value::Array(items) => Some(items).filter(is_rows),
        Value::Object(fields) => {
            let mut lists = fields
                .values()
                .filter_map(Value::as_array)
                .filter(is_rows)
                .filter(|list| !list.is_empty());
            lists.next().filter(|_| lists.next().is_none())
        }
        _ => None,
    }
}

fn write_rows(rows: &[Value], columns: &[Column], value: &Value, terminal: &mut Terminal) {
    if rows.is_empty() {
        terminal.stderr.line("nothing to show");
    } else if columns.is_empty() {
        table::write_result(rows, &columns_of(rows), terminal);
    } else {
        table::write_result(rows, columns, terminal);
    }
    if let Value::Object(fields) = value {
        let others: Map<String, Value> = fields
            .iter()
            .filter(|(_, field)| !field.is_array())
            .map(|(key, field)| (key.clone(), field.clone()))
            .collect();
        if !others.is_empty() {
            terminal.stdout.results([""]);
            write_fields(&others, columns, terminal);
        }
    }
}

fn columns_of(rows: &[Value]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for key in rows.iter().filter_map(Value::as_object).flat_map(Map::keys) {
        if !columns.iter().any(|column| column.key == *key) {
            columns.push(Column {
                heading: key.to_uppercase(),
                key: key.clone(),
            });
        }
    }
    columns
}

/// Writes a line per field: those that are columns first, in their order.
fn write_fields(fields: &Map<String, Value>, columns: &[Column], terminal: &mut Terminal) {
    let room = terminal.width_behind_margin();
    let ink = terminal.stdout.ink;
    let place = |key: &str| {
        columns
            .iter()
            .position(|column| column.key == key)
            .unwrap_or(columns.len())
    };
    let mut ordered: Vec<(&String, &Value)> = fields.iter().collect();
    ordered.sort_by_key(|(key, _)| place(key));
    let label = ordered
        .iter()
        .map(|(key, _)| width::of(&clean::line(key)))
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for (key, field) in ordered {
        let key = clean::line(key);
        if is_deep(field) {
            lines.push(ink.paint(Tone::Faint, key));
            lines.extend(yaml::text(field).lines().map(|line| format!("  {line}")));
        } else {
            let text = width::fold(&table::cell(field), room, label + 2);
            let key = ink.paint(Tone::Faint, width::pad(&key, label));
            lines.push(format!("{key}  {text}"));
        }
    }
    terminal.stdout.results(lines);
}

/// Returns whether a value does not fit on a line.
fn is_deep(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => items.iter().any(|item| item.is_object() || item.is_array()),
        _ => false,
    }
}
