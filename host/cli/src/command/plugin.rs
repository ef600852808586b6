//! `agent plugin …`: which plugins there are, what they ask for, and what they were granted.

use std::path::PathBuf;

use agent_core::agent::{Origin, Plugin as Found, State};
use agent_core::{Digest, Failure, Kind, PluginId, Right, suggest};
use clap::Subcommand;

use crate::catalog::usable;
use crate::command::Door;
use crate::ink::Tone;
use crate::render::width;
use crate::terminal::Terminal;

mod grant;
mod inspect;
mod list;

/// The words after `agent plugin`.
#[derive(Debug, Subcommand)]
pub(crate) enum Word {
    /// List the plugins that were found, also those that cannot be used
    List,
    /// Show what a plugin offers, what it asks for and why, and what it was granted
    #[command(after_help = "\
Examples:
  agent plugin inspect volsync
  agent plugin inspect ./my-plugin.wasm")]
    Inspect {
        /// A plugin's id, or a file
        #[arg(value_name = "ID_OR_FILE", value_hint = clap::ValueHint::FilePath)]
        plugin: String,
    },
    /// Grant rights to a plugin that is not bundled
    #[command(after_help = "\
Examples:
  agent plugin inspect hello
  agent plugin grant hello 'cluster:list:pods:*'
  agent plugin grant hello operations:call:flux.suspend")]
    Grant {
        /// The plugin's id, with the digest of the file that you have looked at
        #[arg(value_name = "ID[@DIGEST]")]
        plugin: String,
        /// `cluster:VERB:RESOURCE:NAMESPACE` or `operations:call:OPERATION:NAMESPACE`, with `*` for any
        #[arg(value_name = "RIGHT", required = true)]
        rights: Vec<String>,
    },
}

/// What to do with plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plugin {
    /// List them.
    List,
    /// Show one, by id or file.
    Inspect(String),
    /// Grant rights to one.
    Grant {
        /// Its id, with or without a digest, not yet judged.
        plugin: String,
        /// The rights, not yet judged.
        rights: Vec<String>,
    },
}

impl Plugin {
    /// Returns whether it changes what a plugin may do.
    pub(crate) fn changes(&self) -> bool {
        matches!(self, Plugin::Grant { .. })
    }
}

impl Word {
    /// Turns words into a command. A file to be inspected is also loaded.
    pub(crate) fn into_plugin(self, load: &mut Vec<PathBuf>) -> Plugin {
        match self {
            Word::List => Plugin::List,
            Word::Inspect { plugin } => {
                if is_file(&plugin) && !load.iter().any(|file| file.as_os_str() == plugin.as_str())
                {
                    load.push(PathBuf::from(&plugin));
                }
                Plugin::Inspect(plugin)
            }
            Word::Grant { plugin, rights } => Plugin::Grant { plugin, rights },
        }
    }
}

pub(super) async fn execute(command: Plugin, door: &mut Door<'_>) -> Result<(), Failure> {
    match command {
        Plugin::List => list::execute(door).await,
        Plugin::Inspect(plugin) => inspect::execute(&plugin, door).await,
        Plugin::Grant { plugin, rights } => grant::execute(&plugin, &rights, door).await,
    }
}

/// Returns whether a word names a file and not a plugin: ids have neither slashes nor dots.
fn is_file(word: &str) -> bool {
    word.contains(['/', '\\', '.'])
}

fn find<'a>(wanted: &str, plugins: &'a [Found]) -> Result<&'a Found, Failure> {
    let is_it = |found: &&Found| match (&found.origin, &found.state) {
        (Origin::File(path) | Origin::Directory(path), _) if is_file(wanted) => {
            path == wanted || std::path::Path::new(path) == std::path::Path::new(wanted)
        }
        (_, State::Usable(usable)) => usable.manifest.id.as_str() == wanted,
        (_, State::Refused { .. }) => false,
    };
    plugins.iter().find(is_it).ok_or_else(|| {
        let known = usable(plugins).map(|usable| usable.manifest.id.as_str());
        let failure = Failure::new(
            Kind::NotFound,
            "operations.unknown",
            format!("there is no plugin `{wanted}`"),
        );
        match suggest::sentence(wanted, known) {
            Some(known) => failure.hinted(known),
            None => failure,
        }
    })
}

/// Reads `ID` or `ID@sha256:…`.
fn id(text: &str) -> Result<(PluginId, Option<Digest>), Failure> {
    let invalid = |error| Failure::of(Kind::Invalid, "operations.arguments", &error);
    let (id, digest) = match text.split_once('@') {
        Some((id, digest)) => (id, Some(digest)),
        None => (text, None),
    };
    let digest = digest.map(str::parse).transpose().map_err(invalid)?;
    Ok((id.parse().map_err(invalid)?, digest))
}

fn right(text: &str) -> Result<Right, Failure> {
    text.parse()
        .map_err(|error| Failure::of(Kind::Invalid, "operations.arguments", &error))
}

/// Says what harm rights can do that their words do not say, a sentence for each kind.
fn warn_of(rights: &[Right], terminal: &mut Terminal) {
    let mut said = Vec::new();
    for sentence in rights.iter().filter_map(Right::destroys) {
        if said.contains(&sentence) {
            continue;
        }
        said.push(sentence);
        let room = terminal.result_width();
        let line = width::fold(&format!("! {sentence}"), room, 4);
        let line = terminal.stdout.ink.paint(Tone::Warn, line);
        terminal.stdout.line(format_args!("  {line}"));
    }
}
