//! Rows under headings; on a screen too narrow for that, a block of lines per row.

use agent_core::descriptor::Column;
use serde_json::Value;

use super::width;
use crate::clean;
use crate::ink::{Ink, Tone};
use crate::terminal::Terminal;

const GAP: usize = 2;
/// A column is not made narrower than this; below it, rows become blocks.
const LEAST: usize = 10;

/// Writes a table of the agent's own to standard output.
pub(crate) fn write(rows: &[Value], columns: &[Column], terminal: &mut Terminal) {
    let lines = lines(rows, columns, terminal.result_width(), terminal.stdout.ink);
    whole(&lines, terminal);
}

/// Writes a result to standard output. Rows that failed stand out.
pub(super) fn write_result(rows: &[Value], columns: &[Column], terminal: &mut Terminal) {
    let (room, ink) = (terminal.width_behind_margin(), terminal.stdout.ink);
    terminal.stdout.results(lines(rows, columns, room, ink));
}

fn lines(rows: &[Value], columns: &[Column], room: Option<usize>, ink: Ink) -> Vec<String> {
    let table = Table::new(rows, columns);
    match room {
        None => table.lines(&table.natural(), ink),
        Some(room) => match table.squeezed(room) {
            Some(widths) => table.lines(&widths, ink),
            None => table.blocks(room, ink),
        },
    }
}

/// Writes a block of lines per row to standard output.
pub(crate) fn write_blocks(rows: &[Value], columns: &[Column], terminal: &mut Terminal) {
    let room = terminal.result_width().unwrap_or(usize::MAX);
    let ink = terminal.stdout.ink;
    whole(&Table::new(rows, columns).blocks(room, ink), terminal);
}

/// Writes lines at once: thousands of them one by one can be felt.
fn whole(lines: &[String], terminal: &mut Terminal) {
    let text: String = lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect();
    terminal.stdout.raw(&text.replace(width::FOLD, "\n"));
}

/// Returns whether a table has room on the screen without a cell being cut.
pub(crate) fn fits(rows: &[Value], columns: &[Column], terminal: &Terminal) -> bool {
    let natural = Table::new(rows, columns).natural();
    let needed = natural.iter().sum::<usize>() + GAP * natural.len().saturating_sub(1);
    terminal.result_width().is_none_or(|room| needed <= room)
}

/// Returns whether a row says that its object failed.
pub(super) fn is_failed(row: &Value) -> bool {
    row["failed"] == Value::Bool(true)
        || row["result"]
            .as_str()
            .is_some_and(|result| result.eq_ignore_ascii_case("failed"))
}

/// Returns a value as the text of a cell.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => clean::line(text),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items)
            if items
                .iter()
                .all(|item| !item.is_array() && !item.is_object()) =>
        {
            items.iter().map(cell).collect::<Vec<_>>().join(", ")
        }
        other => clean::line(&other.to_string()),
    }
}

struct Table {
    headings: Vec<String>,
    rows: Vec<(bool, Vec<String>)>,
}

impl Table {
    fn new(rows: &[Value], columns: &[Column]) -> Table {
        let cells = |row: &Value| {
            columns
                .iter()
                .map(|column| cell(&row[&column.key]))
                .collect()
        };
        Table {
            headings: columns
                .iter()
                .map(|column| clean::line(&column.heading))
                .collect(),
            rows: rows
                .iter()
                .map(|row| (is_failed(row), cells(row)))
                .collect(),
        }
    }

    fn natural(&self) -> Vec<usize> {
        let widest = |index: usize| {
            let cells = self.rows.iter().map(|(_, cells)| width::of(&cells[index]));
            cells
                .chain([width::of(&self.headings[index])])
                .max()
                .unwrap_or(0)
        };
        (0..self.headings.len()).map(widest).collect()
    }

    /// Returns widths that fit, the widest columns made narrower first; none when that is not possible.
    fn squeezed(&self, room: usize) -> Option<Vec<usize>> {
        let mut widths = self.natural();
        let gaps = GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > room {
            let widest = widths.iter_mut().max()?;
            if *widest <= LEAST {
                return None;
            }
            *widest -= 1;
        }
        Some(widths)
    }

    fn lines(&self, widths: &[usize], ink: Ink) -> Vec<String> {
        let row = |cells: &[String]| {
            let cells = cells.iter().zip(widths);
            let padded: Vec<String> = cells
                .map(|(cell, room)| width::pad(&width::cut(cell, *room), *room))
                .collect();
            padded.join(&" ".repeat(GAP)).trim_end().to_owned()
        };
        let head = ink.paint(Tone::Strong, row(&self.headings));
        let body = self.rows.iter().map(|(failed, cells)| {
            let line = row(cells);
            if *failed {
                ink.paint(Tone::Bad, line)
            } else {
                line
            }
        });
        std::iter::once(head).chain(body).collect()
    }

    fn blocks(&self, room: usize, ink: Ink) -> Vec<String> {
        let label = self
            .headings
            .iter()
            .map(|heading| width::of(heading))
            .max()
            .unwrap_or(0);
        let mut lines = Vec::new();
        for (failed, cells) in &self.rows {
            if !lines.is_empty() {
                lines.push(String::new());
            }
            for (heading, cell) in self.headings.iter().zip(cells) {
                let text = width::fold(cell, Some(room), label + GAP);
                let text = if *failed {
                    ink.paint(Tone::Bad, text)
                } else {
                    text
                };
                let heading = ink.paint(Tone::Faint, width::pad(heading, label + GAP));
                lines.push(format!("{heading}{text}"));
            }
        }
        lines
    }
}
