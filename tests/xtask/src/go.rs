//! The Go modules of the testbed, and building them once.
//!
//! A module is built again when the digest of its pins and of the flags below
//! changes, or when a binary is missing. `go build` verifies `go.sum`; nothing is
//! downloaded in another way.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::process;

/// A folder below `tests/testbed/go` and the programs that come out of it.
pub(crate) struct Module {
    /// The folder's name.
    pub(crate) name: &'static str,
    programs: &'static [Program],
    /// Files of a module that a program needs beside it.
    files: &'static [File],
    tags: &'static str,
    ldflags: &'static str,
}

struct File {
    name: &'static str,
    module: &'static str,
    path: &'static str,
}

struct Program {
    file: &'static str,
    package: &'static str,
}

const fn program(file: &'static str, package: &'static str) -> Program {
    Program { file, package }
}

/// Everything the testbed runs.
///
/// The versions in the linker flags are those of `go.mod`: without them the API
/// server says that it is v0.0.0, and clients misbehave.
pub(crate) const MODULES: &[Module] = &[
    Module {
        name: "kubernetes",
        programs: &[
            program("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"),
            program("etcd", "go.etcd.io/etcd/server/v3"),
            program(
                "kube-controller-manager",
                "k8s.io/kubernetes/cmd/kube-controller-manager",
            ),
            program("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"),
            program("kubectl", "k8s.io/kubernetes/cmd/kubectl"),
        ],
        ldflags: "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
                  -X k8s.io/component-base/version.gitMajor=1 \
                  -X k8s.io/component-base/version.gitMinor=36",
        ..PLAIN
    },
    Module {
        name: "kwok",
        programs: &[program("kwok", "sigs.k8s.io/kwok/cmd/kwok")],
        ..PLAIN
    },
    Module {
        name: "flux",
        programs: &[program(
            "kustomize-controller",
            "github.com/fluxcd/kustomize-controller",
        )],
        ..PLAIN
    },
    Module {
        name: "restic",
        programs: &[program("restic", "github.com/restic/restic/cmd/restic")],
        ..PLAIN
    },
    Module {
        name: "volsync",
        programs: &[program("volsync", "github.com/backube/volsync/cmd")],
        files: &[File {
            name: "entry.sh",
            module: "github.com/backube/volsync",
            path: "mover-restic/entry.sh",
        }],
        tags: "disable_rclone,disable_rsync,disable_rsynctls,disable_syncthing",
        ldflags: "-s -w -X main.volsyncVersion=v0.16.0",
    },
];

const PLAIN: Module = Module {
    name: "",
    programs: &[],
    files: &[],
    tags: "",
    ldflags: "-s -w",
};

/// Builds the module into `servers`, unless that was done; says whether it did.
pub(crate) fn build(module: &Module, root: &Path, servers: &Path) -> Result<bool> {
    let folder = root.join("tests/testbed/go").join(module.name);
    let digest = digest(module, &folder)?;
    let stamp = servers.join(format!(".{}.digest", module.name));
    if is_built(module, servers, &stamp, &digest) {
        return Ok(false);
    }
    fs::create_dir_all(servers).with_context(|| format!("creating `{}`", servers.display()))?;
    for program in module.programs {
        println!("building {} (go build {})", program.file, program.package);
        process::run(&mut compile(module, program, &folder, servers))?;
    }
    for file in module.files {
        copy(file, &folder, servers)?;
    }
    fs::write(&stamp, digest).with_context(|| format!("writing `{}`", stamp.display()))?;
    Ok(true)
}

fn is_built(module: &Module, servers: &Path, stamp: &Path, digest: &str) -> bool {
    let programs = module.programs.iter().map(|program| program.file);
    let mut needed = programs.chain(module.files.iter().map(|file| file.name));
    needed.all(|name| servers.join(name).is_file())
        && fs::read_to_string(stamp).is_ok_and(|recorded| recorded == digest)
}

fn digest(module: &Module, folder: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    for file in ["go.mod", "go.sum"] {
        let path = folder.join(file);
        let text = fs::read(&path).with_context(|| format!("reading `{}`", path.display()))?;
        hash.update(text);
    }
    hash.update(module.ldflags);
    hash.update(module.tags);
    for program in module.programs {
        hash.update(program.file);
        hash.update(program.package);
    }
    Ok(hex::encode(hash.finalize()))
}

fn compile(module: &Module, program: &Program, folder: &Path, servers: &Path) -> Command {
    let mut command = process::command("go", ["build", "-trimpath", "-mod=readonly"]);
    command
        .args(["-tags", module.tags, "-ldflags", module.ldflags, "-o"])
        .arg(servers.join(program.file))
        .arg(program.package)
        .current_dir(folder)
        .env("CGO_ENABLED", "0");
    command
}

/// Copies a file out of the folder of its module, which `go build` has fetched and verified.
fn copy(file: &File, folder: &Path, servers: &Path) -> Result<()> {
    let mut list = process::command("go", ["list", "-m", "-f", "{{.Dir}}", file.module]);
    let listed = list.current_dir(folder).output();
    let listed = listed.with_context(|| format!("finding the module of `{}`", file.name))?;
    let source = Path::new(String::from_utf8_lossy(&listed.stdout).trim()).join(file.path);
    let text = fs::read(&source).with_context(|| format!("reading `{}`", source.display()))?;
    let target = servers.join(file.name);
    fs::write(&target, text).with_context(|| format!("writing `{}`", target.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: Module = Module {
        name: "sample",
        programs: &[program("sample", "example.org/sample")],
        ..PLAIN
    };

    fn folder(go_mod: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("go.mod"), go_mod).unwrap();
        fs::write(folder.path().join("go.sum"), "").unwrap();
        folder
    }

    #[test]
    fn changed_pin_changes_the_digest() {
        let one = digest(&MODULE, folder("module one").path()).unwrap();
        let same = digest(&MODULE, folder("module one").path()).unwrap();
        let other = digest(&MODULE, folder("module two").path()).unwrap();
        assert_eq!(one, same);
        assert_ne!(one, other);
    }

    #[test]
    fn missing_binary_or_older_digest_means_not_built() {
        let servers = tempfile::tempdir().unwrap();
        let stamp = servers.path().join("stamp");
        fs::write(&stamp, "new").unwrap();
        assert!(!is_built(&MODULE, servers.path(), &stamp, "new"));
        fs::write(servers.path().join("sample"), "").unwrap();
        assert!(is_built(&MODULE, servers.path(), &stamp, "new"));
        assert!(!is_built(&MODULE, servers.path(), &stamp, "newer"));
    }

    #[test]
    fn linker_flags_name_the_version_of_the_pin() {
        let pins = [
            include_str!("../../testbed/go/kubernetes/go.mod"),
            include_str!("../../testbed/go/volsync/go.mod"),
        ];
        let flags = [
            ("kubernetes", "gitVersion=", "k8s.io/kubernetes"),
            ("volsync", "volsyncVersion=", "github.com/backube/volsync"),
        ];
        for (pins, (name, flag, module)) in pins.iter().zip(flags) {
            let named = MODULES.iter().find(|one| one.name == name).unwrap();
            let (_, rest) = named.ldflags.split_once(flag).unwrap();
            let version = rest.split_whitespace().next().unwrap();
            assert!(pins.contains(&format!("{module} {version}")));
        }
    }
}
