//! The help of an operation, as clap draws it everywhere else.

use agent_core::descriptor::{Constraint, Operation, OwnError, Parameter, Risk, Style, Type};
use agent_core::{Failure, arguments, exit};
use clap::{Arg, ArgAction, Command};

use super::{Flag, flags, heading, positionals};
use crate::clean;
use crate::options;
use crate::usage::Early;

/// Returns the help of an operation; `name` is its full name.
pub(crate) fn help(name: &str, operation: &Operation, width: Option<usize>) -> Early {
    let called = format!("agent run {name}");
    let (options, places): (Vec<Flag<'_>>, Vec<Flag<'_>>) = flags(operation)
        .into_iter()
        .partition(|flag| flag.parameter.style == Style::Flag);
    let short = |parameter: &Parameter| {
        let place = places
            .iter()
            .find(|flag| flag.parameter.name == parameter.name);
        place.and_then(|flag| flag.short)
    };
    let command = Command::new(called.clone())
        .args(
            positionals(operation)
                .enumerate()
                .map(|(place, parameter)| {
                    // clap takes no optional argument in front of one that is required.
                    let required = positionals(operation).skip(place).any(|it| it.required);
                    positional(parameter, short(parameter)).required(required)
                }),
        )
        .args(options.iter().map(Flag::shown))
        .disable_help_flag(true)
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .help("Print help")
                .action(ArgAction::SetTrue),
        );
    // The options bring a text of their own about themselves, so the operation's comes after.
    let mut command = options::of_run(command)
        .bin_name(called)
        .term_width(width.unwrap_or(100))
        .about(about(operation))
        .override_usage(usage(name, operation))
        .after_help(after(operation));
    let text = command.render_help();
    Early::Text {
        plain: text.to_string(),
        painted: text.ansi().to_string(),
    }
}

/// Returns one line on a parameter: its summary, the values it can have, its default.
pub(super) fn summary(parameter: &Parameter) -> String {
    let mut line = clean::line(&parameter.summary);
    let schema = parameter.schema.of_word();
    let plain_text =
        schema.of == Type::String && schema.format.is_none() && schema.one_of.is_empty();
    let is_name = schema.format == Some(agent_core::descriptor::Format::Name);
    if schema.of != Type::Boolean && !plain_text && !is_name {
        line.push_str(&format!(" ({})", clean::line(&arguments::wanted(schema))));
    }
    if parameter.schema.is_array() && parameter.style == Style::Flag {
        line.push_str(" (can be given more than once)");
    }
    if parameter.secret {
        line.push_str(" (a secret: from a file, with @- from standard input, or asked for)");
    }
    match &parameter.default {
        None | Some(serde_json::Value::Bool(false)) => {}
        Some(default) => {
            let text = default
                .as_str()
                .map_or_else(|| default.to_string(), clean::line);
            line.push_str(&format!(" [default: {text}]"));
        }
    }
    line
}

/// Returns what stands for the value after a flag.
pub(super) fn placeholder(parameter: &Parameter) -> String {
    use agent_core::descriptor::Format;
    if parameter.secret {
        return "@FILE".to_owned();
    }
    let schema = parameter.schema.of_word();
    match (schema.of, schema.format) {
        (_, Some(Format::DateTime)) => "TIME".to_owned(),
        (_, Some(Format::Duration)) => "DURATION".to_owned(),
        (Type::Integer | Type::Number, _) => "N".to_owned(),
        _ => heading(parameter),
    }
}

/// Returns a positional argument. That it can be given by flag too is told where there is a letter for it.
fn positional(parameter: &Parameter, short: Option<char>) -> Arg {
    let by_flag = short.map_or_else(String::new, |short| {
        format!(" [or: -{short}, --{}]", clean::line(&parameter.name))
    });
    let arg = Arg::new(super::id(parameter))
        .value_name(heading(parameter))
        .help(summary(parameter) + &by_flag);
    match parameter.schema.is_array() {
        true => arg.num_args(1..),
        false => arg,
    }
}

/// Returns an error of the operation with the exit code that it has when nothing had been changed.
fn own_error(error: &OwnError) -> String {
    let exit = exit::of(&Failure::new(error.kind, &error.code, ""));
    format!(
        "{} (exit code {exit}): {}",
        error.code,
        clean::line(&error.summary)
    )
}

fn about(operation: &Operation) -> String {
    let summary = clean::line(&operation.summary);
    let summary = match &operation.deprecated {
        Some(instead) => format!("{summary}\n\nDeprecated: {}", clean::line(instead)),
        None => summary,
    };
    let description = clean::text(&operation.description);
    if description.trim().is_empty() {
        summary
    } else {
        format!("{summary}\n\n{}", paragraphs(description.trim()))
    }
}

/// Joins the lines of each paragraph, so that the width of the terminal breaks them and not the author's editor. Indented lines stay.
fn paragraphs(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let keeps_its_line = line.starts_with([' ', '-', '*']) || line.is_empty();
        if !out.is_empty() {
            out.push(if keeps_its_line || out.ends_with('\n') {
                '\n'
            } else {
                ' '
            });
        }
        out.push_str(line);
        if line.is_empty() {
            out.push('\n');
        }
    }
    out.replace("\n\n\n", "\n\n")
}

fn usage(name: &str, operation: &Operation) -> String {
    let mut usage = format!("agent run {name}");
    for parameter in positionals(operation) {
        let heading = heading(parameter);
        usage.push_str(&if parameter.required {
            format!(" {heading}")
        } else {
            format!(" [{heading}]")
        });
        if parameter.schema.is_array() {
            usage.push_str("...");
        }
    }
    usage.push_str(" [OPTIONS]");
    usage
}

fn after(operation: &Operation) -> String {
    let mut sections = Vec::new();
    if !operation.constraints.is_empty() {
        let rules = operation.constraints.iter().map(rule);
        sections.push(section("Rules", rules));
    }
    sections.push(format!("Risk: {}", risk(operation.risk)));
    if !operation.examples.is_empty() {
        let lines = operation
            .examples
            .iter()
            .map(|example| format!("agent run {}", clean::line(example)));
        sections.push(section("Examples", lines));
    }
    if !operation.errors.is_empty() {
        sections.push(section("Errors", operation.errors.iter().map(own_error)));
    }
    sections.push(EXIT_CODES.to_owned());
    sections.join("\n\n")
}

fn section(title: &str, lines: impl Iterator<Item = String>) -> String {
    let lines: Vec<String> = lines.map(|line| format!("  {line}")).collect();
    format!("{title}:\n{}", lines.join("\n"))
}

fn rule(constraint: &Constraint) -> String {
    let list = |names: &[String]| {
        names
            .iter()
            .map(|name| clean::line(name))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match constraint {
        Constraint::AtMostOne(names) => format!("at most one of {}", list(names)),
        Constraint::ExactlyOne(names) => format!("exactly one of {}", list(names)),
        Constraint::Requires(names) => match names.split_first() {
            Some((first, others)) => format!("{first} needs {}", list(others)),
            None => String::new(),
        },
    }
}

/// Returns what a risk means for the person.
pub(crate) fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Read => "read (it only looks)",
        Risk::Change => "change (it changes something that can be changed back)",
        Risk::Disrupt => "disrupt (something is unavailable for a while)",
        Risk::Destroy => "destroy (it can overwrite data, so it asks first)",
    }
}

const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  the operation failed, or a part of what it worked on
   2  the command line is wrong
   3  declined, or nobody was there to ask
   4  denied by grants or by the cluster
   5  the cluster cannot be reached
   6  failed, and what had been changed was put back
  70  a bug of the agent";
