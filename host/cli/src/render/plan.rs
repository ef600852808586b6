//! What a run would change, in order.

use std::collections::HashMap;

use agent_core::plan::Placeholder;
use agent_core::undo::Compensation;
use agent_core::{Effect, OperationName, Verb};
use serde_json::Value;

use super::{change, width};
use crate::clean;
use crate::ink::Tone;
use crate::report;
use crate::terminal::{Sink, Terminal};

/// Returns a plan in which what it leaves open is said to be so, and how many values that are. What the host makes anew, such as a token, is none of them.
pub(super) fn left_open(plan: &[Effect], open: &[Placeholder]) -> (Vec<Effect>, usize) {
    let declared = open.iter().filter(|one| one.form.is_some());
    let names = declared.map(|one| (one.text.as_str(), one.name.as_str()));
    let names: HashMap<&str, &str> = names.collect();
    let (mut plan, mut count) = (plan.to_vec(), 0);
    for effect in &mut plan {
        let overwrites = effect.verb == Verb::OVERWRITE;
        for field in &mut effect.fields {
            match &mut field.after {
                Some(Value::String(text)) if overwrites && field.path == Compensation::BY_HAND => {
                    let words = text.split(' ').map(|word| open_word(word, &names));
                    *text = words.collect::<Vec<_>>().join(" ");
                }
                Some(value) => leave_open(value, &names, &mut count),
                None => {}
            }
        }
    }
    (plan, count)
}

/// Returns a word of a command as the plan has it: what is left open in it is counted where it is a value.
fn open_word(word: &str, names: &HashMap<&str, &str>) -> String {
    names
        .get(word)
        .map_or_else(|| word.to_owned(), |name| format!("<{name}>"))
}

fn leave_open(value: &mut Value, names: &HashMap<&str, &str>, count: &mut usize) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text.as_str()) {
                *text = format!("<{name}: e.g. {text}>");
                *count += 1;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| leave_open(it, names, count)),
        Value::Object(fields) => {
            let values = fields.values_mut();
            values.for_each(|it| leave_open(it, names, count));
        }
        _ => {}
    }
}

/// Writes the list of planned changes to standard output.
pub(super) fn write(
    plan: &[Effect],
    operation: Option<&OperationName>,
    whole: bool,
    terminal: &mut Terminal,
) {
    let digits = plan.len().to_string().len();
    for (index, effect) in plan.iter().enumerate() {
        one(index + 1, digits, effect, operation, whole, terminal);
    }
}

/// Writes to standard error how many changes there would be, and that none happened.
pub(super) fn sum(plan: &[Effect], open: usize, whole: bool, to: &mut Sink) {
    let temporary = plan.iter().filter(|effect| effect.temporary).count();
    let changes = match plan.len() {
        0 => "no changes".to_owned(),
        1 => "1 change".to_owned(),
        many => format!("{many} changes"),
    };
    let back = match temporary {
        0 => String::new(),
        all if all == plan.len() => ", put back at the end".to_owned(),
        some => format!(", {some} of them put back at the end"),
    };
    let open = match open {
        0 => String::new(),
        1 => ", 1 value is known only when it is applied".to_owned(),
        many => format!(", {many} values are known only when it is applied"),
    };
    to.paste(format_args!("{changes}{back}{open}; nothing was written"));
    if !whole && plan.iter().any(|effect| effect.verb == Verb::CREATE) {
        report::hint(&"-v shows the created objects whole".into(), to);
    }
}

fn one(
    number: usize,
    digits: usize,
    effect: &Effect,
    operation: Option<&OperationName>,
    whole: bool,
    terminal: &mut Terminal,
) {
    let room = terminal.result_width();
    let ink = terminal.stdout.ink;
    let indent = digits + 2;
    let verb = ink.paint(Tone::Strong, effect.verb.as_str());
    let mut notes = Vec::new();
    if operation.is_some_and(|operation| effect.by != *operation) {
        notes.push(format!("by {}", clean::line(effect.by.as_str())));
    }
    if effect.temporary {
        notes.push("put back at the end".to_owned());
    }
    let mut line = format!("{number:digits$}. {verb} {}", change::target(effect));
    if !notes.is_empty() {
        let notes = ink.paint(Tone::Faint, format!("({})", notes.join(", ")));
        line.push_str("  ");
        line.push_str(&notes);
    }
    if room.is_none() {
        terminal.stdout.line(line);
    } else {
        terminal.stdout.line(fold_notes(line, room, indent));
    }
    for field in change::fields(effect, whole) {
        let field = if whole {
            field
        } else {
            width::fold(&field, room, indent + 4)
        };
        terminal
            .stdout
            .line(format_args!("{}{field}", " ".repeat(indent + 2)));
    }
}

/// Moves the notes to a line of their own when they do not fit.
fn fold_notes(line: String, room: Option<usize>, indent: usize) -> String {
    let plain = clean::text(&line);
    if room.is_some_and(|room| width::of(&plain) > room) {
        line.replacen(
            "  ",
            &format!("{}{}", width::FOLD, " ".repeat(indent + 2)),
            usize::from(line.contains("  ")),
        )
    } else {
        line
    }
}
