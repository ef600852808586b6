//! All files together: which ones are read, what they say together, and which cluster and user a context names.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Unreadable, Unusable};
use crate::file::{Cluster, Context, File, User};

/// Where kubeconfigs may be.
#[derive(Clone, Debug, Default)]
pub struct Sources<'a> {
    /// The one that an option names. It has to be there, and nothing else is read.
    pub named: Option<&'a Path>,
    /// `KUBECONFIG`: a list of files, of which some may not be there. Empty is as good as not set.
    pub variable: Option<&'a OsStr>,
    /// The home directory, for `.kube/config`.
    pub home: Option<&'a Path>,
}

/// What the files say. Of entries with the same name the first one counts, whole.
pub struct Kubeconfig {
    files: Vec<File>,
    missing: Vec<PathBuf>,
}

/// What a context names.
pub(crate) struct Chosen<'a> {
    pub(crate) context: &'a Context,
    pub(crate) cluster: &'a Cluster,
    /// None when the context names nobody.
    pub(crate) user: Option<&'a User>,
}

impl Kubeconfig {
    /// Reads the files, in the order in which they count.
    ///
    /// # Errors
    /// When the named file is not there, and when any of them cannot be read or is not a kubeconfig.
    pub fn load(
        sources: &Sources<'_>,
        read: impl Fn(&Path) -> io::Result<Vec<u8>>,
    ) -> Result<Kubeconfig, Unreadable> {
        let mut kubeconfig = Kubeconfig {
            files: Vec::new(),
            missing: Vec::new(),
        };
        for path in sources.paths() {
            let bytes = read(&path).map(Zeroizing::new);
            match bytes {
                Ok(bytes) => kubeconfig.files.push(File::parse(&path, &bytes)?),
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound && sources.named.is_none() =>
                {
                    kubeconfig.missing.push(path);
                }
                Err(source) => {
                    let file = path.display().to_string();
                    return Err(Unreadable::File { file, source });
                }
            }
        }
        Ok(kubeconfig)
    }

    /// Returns the files that would have been read, were they there.
    pub fn missing(&self) -> &[PathBuf] {
        &self.missing
    }

    /// Returns whether no file was there.
    pub fn is_absent(&self) -> bool {
        self.files.is_empty()
    }

    /// Returns the context that counts: the wanted one, else the first that a file calls its current one.
    pub fn context<'a>(&'a self, wanted: Option<&'a str>) -> Option<&'a str> {
        let current = self.files.iter().map(|file| file.current_context.as_str());
        let wanted = wanted.into_iter().chain(current);
        wanted.into_iter().find(|name| !name.is_empty())
    }

    pub(crate) fn choose<'a>(&'a self, wanted: Option<&'a str>) -> Result<Chosen<'a>, Unusable> {
        let Some(name) = self.context(wanted) else {
            return Err(Unusable::NoContext {
                known: self.contexts(),
            });
        };
        let mut contexts = self.files.iter().flat_map(|file| &file.contexts);
        let Some(context) = contexts.find(|context| context.name == name) else {
            return Err(Unusable::UnknownContext {
                name: name.to_owned(),
                known: self.contexts(),
            });
        };
        let dangling = |what, name: &str| Unusable::Dangling {
            context: context.name.clone(),
            what,
            name: name.to_owned(),
        };
        let mut clusters = self.files.iter().flat_map(|file| &file.clusters);
        let cluster = clusters
            .find(|cluster| cluster.name == context.cluster)
            .ok_or_else(|| dangling("cluster", &context.cluster))?;
        let mut users = self.files.iter().flat_map(|file| &file.users);
        let user = users.find(|user| user.name == context.user);
        if user.is_none() && !context.user.is_empty() && !crate::target::is_plain(cluster) {
            return Err(dangling("user", &context.user));
        }
        Ok(Chosen {
            context,
            cluster,
            user,
        })
    }

    /// Returns every scalar of the files that nobody may see.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let secrets = self.files.iter().flat_map(|file| &file.secrets);
        secrets.map(|secret| secret.as_str())
    }

    fn contexts(&self) -> Vec<String> {
        let contexts = self.files.iter().flat_map(|file| &file.contexts);
        let names: BTreeSet<_> = contexts.map(|context| &context.name).collect();
        names.into_iter().cloned().collect()
    }
}

impl Sources<'_> {
    fn paths(&self) -> Vec<PathBuf> {
        if let Some(named) = self.named {
            return vec![named.to_owned()];
        }
        if let Some(list) = self.variable.filter(|list| !list.is_empty()) {
            let mut paths: Vec<PathBuf> = Vec::new();
            for path in std::env::split_paths(list) {
                if !path.as_os_str().is_empty() && !paths.contains(&path) {
                    paths.push(path);
                }
            }
            return paths;
        }
        let home = self.home.map(|home| home.join(".kube/config"));
        home.into_iter().collect()
    }
}
