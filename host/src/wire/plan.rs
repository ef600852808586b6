//! Plans in files: the one that `agent apply` names, and the one that `--out` keeps.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use agent_cli::{Command, Invocation, Keep};
use agent_core::failure::remedy_for_file;
use agent_core::{Failure, Kind};
use agent_file::Pipes;
use cap_std::ambient_authority;
use cap_std::fs::{Dir, OpenOptions};

/// No plan is larger: it has whole objects, and each change is at most as long as a host call.
const MOST: u64 = 64 << 20;

/// Reads the plan that a command applies, or opens the place of the one that it keeps.
///
/// # Errors
/// `invalid` when there is no such file, or no such place.
pub(super) fn prepare(invocation: &mut Invocation) -> Result<Option<Keep>, Failure> {
    match &mut invocation.command {
        Command::Apply(apply) => {
            apply.text = read(&apply.path)?;
            Ok(None)
        }
        Command::Run(run) => run.options.out.as_deref().map(keep).transpose(),
        _ => Ok(None),
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    agent_file::read_named_text(path, MOST, Pipes::Refused).map_err(|refused| {
        let error = io::Error::from(refused);
        let path = path.display().to_string();
        let failure = wrong(&error).while_doing(format!("reading the plan `{path}`"));
        match error.kind() {
            io::ErrorKind::NotFound => {
                failure.hinted("agent run DOMAIN.OPERATION … --plan --out FILE makes one")
            }
            _ => failure
                .hinted_if(remedy_for_file(&error, &path))
                .hinted_if(agent_file::remedy(&error)),
        }
    })
}

/// Opens the place of a file: that there is none must be known before a plan is made for it.
fn keep(path: &Path) -> Result<Keep, Failure> {
    let doing = format!("keeping the plan in `{}`", path.display());
    let parent = path.parent().filter(|parent| *parent != Path::new(""));
    let parent = parent.unwrap_or(Path::new(".")).display().to_string();
    let place = Place::of(path).map_err(|error| {
        let failure = wrong(&error).while_doing(&doing);
        match remedy_for_file(&error, &parent) {
            Some(remedy) => failure.hinted(remedy),
            None => failure.hinted("give --out the path of a file in a directory that is there"),
        }
        .hinted_if(agent_file::remedy(&error))
    })?;
    Ok(Box::new(move |text: &str| {
        place.replace(text).map_err(|error| {
            Failure::of(Kind::Invalid, "plan.not-kept", &error)
                .while_doing(doing)
                .hinted_if(remedy_for_file(&error, &parent))
        })
    }))
}

fn wrong(error: &io::Error) -> Failure {
    Failure::of(Kind::Invalid, "operations.arguments", error)
}

/// Where a file is, or will be.
pub(super) struct Place {
    directory: Dir,
    name: OsString,
}

impl Place {
    /// Finds the place: a directory that is there, and no file that is no regular one, or to which somebody else's link leads.
    pub(super) fn of(path: &Path) -> io::Result<Place> {
        let path = followed(path)?;
        let name = path
            .file_name()
            .ok_or_else(|| io::Error::other("it names no file"))?;
        let parent = path.parent().filter(|parent| *parent != Path::new(""));
        let directory =
            Dir::open_ambient_dir(parent.unwrap_or(Path::new(".")), ambient_authority())?;
        Ok(Place {
            directory,
            name: name.to_owned(),
        })
    }

    /// Writes beside the file and puts it in its place, so that nobody ever finds half of it.
    pub(super) fn replace(&self, text: &str) -> io::Result<()> {
        let beside = self.beside();
        let replaced = self
            .write(&beside, text)
            .and_then(|()| self.directory.rename(&beside, &self.directory, &self.name));
        if replaced.is_err() {
            // It may not be there at all; what matters is told already.
            drop(self.directory.remove_file(&beside));
        }
        replaced
    }

    fn write(&self, name: &OsStr, text: &str) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        // It holds whole objects of the cluster: for its owner alone, like the journal.
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = self.directory.open_with(name, &options)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    }

    fn beside(&self) -> OsString {
        let mut name = OsString::from(".");
        name.push(&self.name);
        name.push(format!(".{}", std::process::id()));
        name
    }
}

/// Returns the file that is meant: a link is followed and stays. What is no file must not be replaced by one, and neither must the file that
/// `/dev/stdout` leads to: whoever has it open would write on into nothing.
fn followed(path: &Path) -> io::Result<PathBuf> {
    if is_open_file(path) {
        return Err(io::Error::other(
            "it names a file that is open, and not a place",
        ));
    }
    let meant = agent_file::followed(path)?;
    match std::fs::metadata(&meant) {
        Ok(found) if found.is_file() => Ok(meant),
        Ok(_) => Err(io::Error::other("it is there, and is no regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(meant),
        Err(error) => Err(error),
    }
}

/// Returns whether a path leads through the files that a process has open.
fn is_open_file(path: &Path) -> bool {
    let link = std::fs::read_link(path).unwrap_or_default();
    let directory = path.parent().and_then(|parent| parent.canonicalize().ok());
    link.starts_with("/proc") || directory.is_some_and(|directory| directory.starts_with("/proc"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Returns the names in a directory.
    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("a directory");
        let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).into_string().expect("UTF-8"))
            .collect();
        names.sort();
        names
    }

    #[test]
    fn file_is_replaced_as_a_whole_and_nothing_stays_beside_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("plan.json");
        for text in ["a long first plan\n", "a second\n"] {
            keep(&path).expect("a place")(text).expect("kept");
            assert_eq!(read(&path).expect("a plan"), text);
        }
        assert_eq!(names(directory.path()), ["plan.json"]);
    }

    #[test]
    fn place_is_looked_at_before_there_is_a_plan() {
        let directory = tempfile::tempdir().expect("a directory");
        let under = |name: &str| directory.path().join(name);
        fs::write(under("file"), "as it was").expect("written");
        for wrong in ["none/plan.json", "file/plan.json", ".", "..", ""] {
            let Err(failure) = keep(&under(wrong)) else {
                panic!("{wrong} is a place")
            };
            assert_eq!(failure.code, "operations.arguments", "{wrong}");
        }
        for special in ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
            assert!(keep(Path::new(special)).is_err(), "{special}");
        }
        drop(keep(&under("file")).expect("a place"));
        assert_eq!(read(&under("file")).expect("a file"), "as it was");
    }

    #[test]
    fn failure_leaves_the_file_as_it_was() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("plan.json");
        fs::write(&path, "as it was").expect("written");
        let place = Place::of(&path).expect("a place");
        // Somebody else is there first.
        let beside = directory.path().join(place.beside());
        fs::create_dir(&beside).expect("made");
        place.replace("new").expect_err("not replaced");
        assert_eq!(read(&path).expect("a file"), "as it was");
    }

    #[cfg(unix)]
    #[test]
    fn link_stays_and_leads_to_the_new_plan() {
        let directory = tempfile::tempdir().expect("a directory");
        let (link, path) = (directory.path().join("link"), directory.path().join("plan"));
        fs::write(&path, "old").expect("written");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        keep(&link).expect("a place")("new").expect("kept");
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("a file"), "new");
    }

    #[test]
    fn missing_plan_is_a_wrong_argument() {
        let failure = read(Path::new("/nowhere/plan.json")).expect_err("no file");
        assert_eq!(failure.code, "operations.arguments");
        assert!(failure.message.contains("`/nowhere/plan.json`"));
    }
}
