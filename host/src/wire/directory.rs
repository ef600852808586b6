//! The agent's directories, by the XDG base directory specification.

use std::io;
use std::path::{Path, PathBuf};

use agent_core::failure::{Hint as _, remedy_for_file};
use agent_core::hint;
use agent_core::{Failure, Kind, Settings, settings};
use agent_store::{CodeCache, Unsafe};
use cap_std::ambient_authority;
use cap_std::fs::Dir;

use super::filesystem;

/// The directories that could be opened. One that cannot be is done without: no plugins of the user's, no grants.
pub(super) struct Directories {
    /// `$XDG_DATA_HOME/agent/plugins`: the user's plugins. Not made: whoever wants it makes it.
    pub(super) plugins: Option<Dir>,
    /// `$XDG_CONFIG_HOME/agent`: grants and settings.
    pub(super) config: Option<Dir>,
    config_path: Option<PathBuf>,
}

/// `$XDG_STATE_HOME/agent`: the journal, and the plugins that unfinished runs need.
pub(super) struct StateDirectory {
    pub(super) dir: Dir,
    pub(super) path: PathBuf,
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
            missing("there is no place for the journal: HOME is not set".to_owned())
        })?;
        let path = base.join("agent");
        let dir = made(&path).map_err(|error| {
            let place = path.display();
            let failure = missing(format!(
                "the directory `{place}` for the journal cannot be made or opened"
            ));
            let failure = agent_core::failure::chain(&error)
                .into_iter()
                .fold(failure, Failure::because);
            match error.kind() {
                // Where there is no room for a directory, there is none for what goes into it.
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    failure.hinted_if(remedy_for_file(&error, &base.display().to_string()))
                }
                _ => failure,
            }
        })?;
        match filesystem::shared(&dir) {
            Some(kind) => Err(out_of_place(&path, &kind)),
            None => Ok(StateDirectory { dir, path }),
        }
    }

    /// Opens the directory of the plugins that unfinished runs need.
    pub(super) fn kept(&self) -> Option<Dir> {
        made(&self.path.join("plugins")).ok()
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
        let (cache, refused) = match made(&path).map(CodeCache::new) {
            Err(_without) => (None, None),
            Ok(Ok(cache)) => (Some(cache), None),
            Ok(Err(refused)) => {
                let failure = Failure::of(Kind::Denied, "agent.code-directory", &refused);
                let path = path.display();
                let doing = format!("not using the compiled code in `{path}`");
                let remedy = match &refused {
                    // Whoever could get in may have put something there.
                    Unsafe::Mode { .. } => Some(hint!("rm -r {}", path)),
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
        let config_path = base("XDG_CONFIG_HOME", ".config").map(|base| base.join("agent"));
        Directories {
            plugins: base("XDG_DATA_HOME", ".local/share")
                .and_then(|base| open(&base.join("agent/plugins")).ok()),
            config: config_path.as_deref().and_then(|path| made(path).ok()),
            config_path,
        }
    }

    /// Reads what the person has set. Without a file everything has its default.
    ///
    /// # Errors
    /// `invalid` when there is one that cannot be read, or that says what cannot be.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let (Some(dir), Some(path)) = (&self.config, &self.config_path) else {
            return Ok(Settings::default());
        };
        let place = path.join(settings::FILE).display().to_string();
        match dir.read_to_string(settings::FILE) {
            Ok(text) => Settings::read(&text, &place),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Settings::default()),
            Err(error) => Err(Failure::of(Kind::Invalid, "settings.invalid", &error)
                .while_doing(format!("reading the settings `{place}`"))),
        }
    }
}

fn base(variable: &str, beneath_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(beneath_home)))
}

fn open(path: &Path) -> io::Result<Dir> {
    Dir::open_ambient_dir(path, ambient_authority())
}

/// Opens a directory, and makes it first when it is not there. What it holds decides what runs, so nobody else may look in.
fn made(path: &Path) -> io::Result<Dir> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    open(path)
}
