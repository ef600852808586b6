//! The agent's directories, by the XDG base directory specification.

use std::io;
use std::path::{Path, PathBuf};

use agent_core::failure::{Hint as _, remedy_for_file};
use agent_core::hint;
use agent_core::{Failure, Kind, Settings, settings};
use agent_file::{Folder, Refused, Whose};
use agent_store::CodeCache;

use super::filesystem;

/// So much is read of the settings.
const SETTINGS: u64 = 64 << 10;

/// The directories that are there. One that is not is done without: no plugins of the user's, no grants. One that others could write to is refused,
/// and whoever needs what is in it is told why.
pub(super) struct Directories {
    /// `$XDG_DATA_HOME/agent/plugins`: the user's plugins. Not made: whoever wants it makes it.
    pub(super) plugins: Result<Option<Folder>, Refused>,
    /// `$XDG_CONFIG_HOME/agent`: grants and settings.
    pub(super) config: Result<Option<Folder>, Refused>,
}

/// `$XDG_STATE_HOME/agent`: the journal, and the plugins that unfinished runs need.
pub(super) struct StateDirectory {
    pub(super) folder: Folder,
}

impl StateDirectory {
    /// Opens it, and makes it first when it is not there.
    ///
    /// # Errors
    /// `unavailable` when that is not possible: nothing can be changed then, because it could not be taken back after a crash.
    pub(super) fn open() -> Result<StateDirectory, Failure> {
        let missing = |message: String| {
            Failure::new(Kind::Unavailable, "journal.no-directory", message).hinted(
                "set XDG_STATE_HOME to a directory that lasts and that this user can write to",
            )
        };
        let base = base("XDG_STATE_HOME", ".local/state").ok_or_else(|| {
            missing(
                "there is no place for the journal: HOME is not set, or there is no such directory"
                    .to_owned(),
            )
        })?;
        let path = base.join("agent");
        let folder = Folder::made(&path, Whose::ToRead).map_err(|refused| {
            let Refused::System { source, .. } = &refused else {
                return Failure::of(Kind::Unavailable, "journal.unsafe", &refused)
                    .while_doing("opening the directory for the journal")
                    .hinted_if(refused.hint());
            };
            let place = path.display();
            let failure = missing(format!(
                "the directory `{place}` for the journal cannot be made or opened"
            ));
            let failure = agent_core::failure::chain(&**source)
                .into_iter()
                .fold(failure, Failure::because);
            match source.kind() {
                // Where there is no room for a directory, there is none for what goes into it.
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    failure.hinted_if(remedy_for_file(source, &base.display().to_string()))
                }
                _ => failure,
            }
        })?;
        match filesystem::shared(folder.dir()) {
            Some(kind) => Err(out_of_place(&path, &kind)),
            None => Ok(StateDirectory { folder }),
        }
    }

    /// Opens the directory of the plugins that unfinished runs need.
    pub(super) fn kept(&self) -> Result<Option<Folder>, Refused> {
        Folder::made(&self.folder.path().join("plugins"), Whose::ToRead).map(Some)
    }
}

/// `$XDG_CACHE_HOME/agent/code`: compiled code, for us alone. Without it plugins are compiled in every process.
pub(super) struct CodeDirectory {
    pub(super) cache: Option<CodeCache>,
    /// Why a directory that is there is not used: somebody else could put code into it.
    pub(super) refused: Option<Failure>,
}

impl CodeDirectory {
    pub(super) fn open() -> CodeDirectory {
        let Some(path) = base("XDG_CACHE_HOME", ".cache").map(|base| base.join("agent/code"))
        else {
            return CodeDirectory {
                cache: None,
                refused: None,
            };
        };
        let (cache, refused) = match Folder::made(&path, Whose::Alone) {
            Err(Refused::System { .. }) => (None, None),
            Ok(folder) => (Some(CodeCache::new(folder)), None),
            Err(refused) => {
                let failure = Failure::of(Kind::Denied, "agent.code-directory", &refused);
                let doing = format!("not using the compiled code in `{}`", path.display());
                let remedy = match &refused {
                    // Whoever could get in may have put something there.
                    Refused::Mode { path: open, .. } if *open == path => {
                        Some(hint!("rm -r {}", path.display()))
                    }
                    refused => refused.hint(),
                };
                (None, Some(failure.while_doing(doing).hinted_if(remedy)))
            }
        };
        CodeDirectory { cache, refused }
    }
}

/// A run that is recorded over a network could be lost, or be taken from a process that is still at it.
fn out_of_place(path: &Path, kind: &str) -> Failure {
    let path = path.display();
    let message =
        format!("the directory `{path}` for the journal is on a network file system ({kind})");
    Failure::new(Kind::Unavailable, "journal.network", message)
        .because("there nobody can tell a run that is at work from one that was cut off, and the record can be damaged")
        .hinted(hint!(
            "set XDG_STATE_HOME to a directory on a disk of this machine; what is remembered comes along by: cp -a {} \"$XDG_STATE_HOME\"/",
            path
        ))
}

impl Directories {
    pub(super) fn open() -> Directories {
        let plugins = base("XDG_DATA_HOME", ".local/share").map(|base| base.join("agent/plugins"));
        let config = base("XDG_CONFIG_HOME", ".config").map(|base| base.join("agent"));
        let plugins = plugins.map(|path| Folder::open(&path, Whose::ToRead));
        let config = config.map(|path| Folder::made(&path, Whose::ToRead));
        Directories {
            plugins: usable(plugins),
            config: usable(config),
        }
    }

    /// Reads what the person has set. Without a file everything has its default.
    ///
    /// # Errors
    /// `invalid` when there is one that cannot be read, or that says what cannot be; `denied` when somebody else could have written it.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let folder = match &self.config {
            Ok(Some(folder)) => folder,
            Ok(None) => return Ok(Settings::default()),
            Err(refused) => return Err(unsafe_settings(refused, "reading the settings")),
        };
        let place = folder.path().join(settings::FILE).display().to_string();
        match folder.read_linked_text(settings::FILE, SETTINGS) {
            Ok(text) => Settings::read(&text, &place),
            Err(absent) if absent.is_absent() => Ok(Settings::default()),
            Err(refused) => {
                let doing = format!("reading the settings `{place}`");
                Err(unsafe_settings(&refused, &doing))
            }
        }
    }
}

fn unsafe_settings(refused: &Refused, doing: &str) -> Failure {
    let (kind, code) = match refused {
        Refused::Owner { .. } | Refused::Mode { .. } | Refused::Link { .. } => {
            (Kind::Denied, "settings.unsafe")
        }
        _ => (Kind::Invalid, "settings.invalid"),
    };
    Failure::of(kind, code, refused)
        .while_doing(doing)
        .hinted_if(refused.hint())
}

/// A directory that the system does not open, because it is not there or cannot be made, is done without.
fn usable(folder: Option<Result<Folder, Refused>>) -> Result<Option<Folder>, Refused> {
    match folder {
        None | Some(Err(Refused::System { .. })) => Ok(None),
        Some(opened) => opened.map(Some),
    }
}

fn base(variable: &str, beneath_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    // A home that is not there is not made by whoever looks for something in it.
    let home = || absolute("HOME").filter(|home| home.is_dir());
    absolute(variable).or_else(|| home().map(|home| home.join(beneath_home)))
}
