//! `agent plugin inspect ID_OR_FILE`

use agent_core::Failure;
use agent_core::agent::{Origin, Plugin, State, Usable};
use agent_core::grant::{Reach, Right};
use agent_core::hint;
use agent_core::hint::Words;
use agent_core::manifest::Request;
use agent_core::name::OperationPart;

use crate::clean;
use crate::command::{Door, list};
use crate::ink::{Ink, Tone};
use crate::render::width;
use crate::terminal::Terminal;

pub(super) async fn execute(wanted: &str, door: &mut Door<'_>) -> Result<(), Failure> {
    let plugins = door.agent.plugins().await?;
    let plugin = super::find(wanted, &plugins)?;
    if matches!(plugin.state, State::Usable(_)) {
        door.agent.inspected(&plugin.digest).await;
    }
    if door.documents(&[super::list::to_json(plugin)?]) {
        return Ok(());
    }
    match &plugin.state {
        State::Refused { failure } => {
            let refused = format!("plugin `{}` is refused", plugin.origin);
            Err(failure.clone().while_doing(refused))
        }
        State::Usable(usable) => {
            identity(plugin, usable, door.terminal);
            list::domain(usable, door.terminal);
            requests(usable, door.terminal);
            rights(plugin, usable, door.terminal);
            Ok(())
        }
    }
}

fn identity(plugin: &Plugin, usable: &Usable, terminal: &mut Terminal) {
    let ink = terminal.stdout.ink;
    let manifest = &usable.manifest;
    let facts = [
        ("plugin", format!("{} {}", manifest.id, manifest.version)),
        ("from", clean::line(&plugin.origin.to_string())),
        ("digest", plugin.digest.to_string()),
        ("licence", clean::line(&manifest.license)),
        (
            "imports",
            usable
                .imports
                .iter()
                .map(|import| clean::line(import))
                .collect::<Vec<_>>()
                .join(&format!("{}         ", width::FOLD)),
        ),
    ];
    for (label, value) in facts {
        let label = ink.paint(Tone::Faint, format!("{label:7}"));
        terminal.stdout.line(format_args!("{label}  {value}"));
    }
    terminal.stdout.line("");
}

fn requests(usable: &Usable, terminal: &mut Terminal) {
    if usable.manifest.requests.is_empty() {
        return;
    }
    let room = terminal.result_width();
    let heading = terminal.stdout.ink.paint(Tone::Strong, "asks");
    terminal.stdout.line(heading);
    for request in &usable.manifest.requests {
        let (what, operations, why) = described(request);
        let why = clean::line(why);
        let whom = if operations.is_empty() {
            String::new()
        } else {
            format!(" (for {})", joined(operations))
        };
        let line = clean::line(&format!("{what}{whom}"));
        terminal
            .stdout
            .line(format_args!("  {}", width::fold(&line, room, 4)));
        let why = width::fold(&format!("to {}", why.trim_start_matches("to ")), room, 6);
        let why = terminal.stdout.ink.paint(Tone::Faint, why);
        terminal.stdout.line(format_args!("      {why}"));
    }
    terminal.stdout.line("");
}

/// Returns what a request is for in words, the operations that need it, and why.
fn described(request: &Request) -> (String, &[OperationPart], &str) {
    let what = match request {
        Request::Cluster(request) => {
            let verbs: Vec<&str> = request.verbs.iter().map(|verb| verb.as_str()).collect();
            let fields = match request.fields.as_slice() {
                [] => String::new(),
                fields => format!("{} of ", joined(fields)),
            };
            let names = match request.names.as_slice() {
                [] => String::new(),
                names => format!(", only {}", joined(names)),
            };
            let (of, places) = (joined(&request.resources), joined(&request.namespaces));
            format!("{} {fields}{of} in {places}{names}", verbs.join(", "))
        }
        Request::Named(request) => {
            let (verbs, names) = (joined(&request.verbs), joined(&request.names));
            format!(
                "{verbs} {names} by the capability {}",
                request.capability.as_str()
            )
        }
        Request::Operations(request) => {
            let calls = format!("call {}", joined(&request.call));
            match request.namespaces.as_slice() {
                [] => format!("{calls}, {}", Reach::OfCaller),
                places => format!("{calls}, which may act in {}", joined(places)),
            }
        }
    };
    (what, request.operations(), request.why())
}

fn joined<T: ToString>(all: &[T]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join(", ")
}

/// Returns what a right opens that its name does not say, to stand behind it; nothing when it says everything.
pub(super) fn opens(right: &Right, ink: Ink) -> String {
    match right {
        Right::Cluster(_) | Right::Named(_) => String::new(),
        Right::Call(right) => ink.paint(Tone::Faint, format!("  {}", right.reach)),
    }
}

fn rights(plugin: &Plugin, usable: &Usable, terminal: &mut Terminal) {
    let ink = terminal.stdout.ink;
    for (title, tone, mark, rights) in [
        ("granted", Tone::Good, "✓", &usable.granted),
        ("not granted", Tone::Bad, "✗", &usable.missing),
    ] {
        if rights.is_empty() {
            continue;
        }
        terminal.stdout.line(ink.paint(Tone::Strong, title));
        for right in rights {
            terminal.stdout.line(format_args!(
                "  {} {}{}",
                ink.paint(tone, mark),
                clean::line(&right.to_string()),
                opens(right, ink)
            ));
        }
        super::warn_of(rights, terminal);
    }
    if !usable.missing.is_empty() {
        let remedy = hint!(
            "agent plugin grant {} {}",
            format!("{}@{}", usable.manifest.id, plugin.digest),
            Words(usable.missing.clone())
        );
        // One that only the command line knows of is unknown without it.
        let remedy = match &plugin.origin {
            Origin::File(path) => remedy.and(" ", &hint!("--plugin {}", hint::Path(path))),
            Origin::Bundled | Origin::Directory(_) => remedy,
        };
        crate::report::hint(&remedy, &mut terminal.stderr);
    }
}
