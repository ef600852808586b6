//! Why restic failed, judged by the cause that it gives and not by what it was doing then.
//!
//! restic takes a lock before anything else, so whatever is wrong with a storage is first told as `unable to create lock`; and it asks for a
//! repository's config first, so whatever cannot be reached may be told as `Is there a repository at the following location?`. The words are those
//! of restic 0.18 and of the clients of its storages (minio-go, blazer, Azure, Google, OpenSSH), and of VolSync's `mover-restic/entry.sh`.

use crate::source::Source;

/// Why restic failed, in plain words.
pub(crate) type Why = &'static str;

const MISSING: Why = "there is no restic repository at the place that the secret names";
const LOCKED: Why = "the repository is locked";
const BROKEN_LOCK: Why = "a lock in the repository cannot be read, and only `restic unlock --remove-all` removes such a one";
const PASSWORD: Why = "the password in the secret does not open the repository";
const CREDENTIALS: Why = "the storage of the repository refuses the credentials in the secret";
const NO_CREDENTIALS: Why = "the secret has no credentials for the storage of the repository";
const FORBIDDEN: Why =
    "the credentials in the secret do not allow this at the storage of the repository";
const FULL: Why = "the storage of the repository is full, or its quota is used up";
const CACHE_FULL: Why = "the mover's cache volume is full";
const VOLUME_FULL: Why = "the volume is full";
const SCRATCH_FULL: Why = "the mover's `/tmp`, which is in memory, is full";
const CAP: Why = "a cap that is set at the storage of the repository is reached";
const READ_ONLY: Why = "the storage of the repository is read-only";
const DENIED: Why =
    "the mover's user may not use the files of the repository: see `moverSecurityContext`";
const CACHE_DENIED: Why =
    "the mover's user may not write to its cache volume: see `moverSecurityContext`";
const VOLUME_DENIED: Why =
    "the mover's user may not use all files of the volume: see `moverSecurityContext`";
const NO_NAME: Why = "the name of the repository's host cannot be resolved";
const REFUSED: Why = "the host of the repository refuses the connection";
const SILENT: Why = "the host of the repository does not answer";
const NO_ROUTE: Why = "there is no way through the network to the host of the repository";
const UNAVAILABLE: Why = "the storage of the repository cannot serve now";
const GONE: Why = "the storage of the repository does not work: its file system or mount is broken";
const BROKEN: Why = "a volume of the mover does not work: its file system or mount is broken";
const CLOCK: Why =
    "the clock of the mover's node differs too much from that of the repository's storage";
const NO_BUCKET: Why = "the bucket that the secret names does not exist";
const OTHER_NAMES: Why =
    "the certificate of the repository's host is for other names than that in the secret";
const DAMAGED: Why = "something in the repository is damaged: see `restic check`";

/// What restic and storages say, most telling first: the first that a line has is its meaning.
const WORDS: &[(&str, Why)] = &[
    ("invalid lock file", BROKEN_LOCK),
    ("already locked", LOCKED),
    ("failure locking repository", LOCKED),
    ("wrong password", PASSWORD),
    ("incorrect password", PASSWORD),
    ("empty password", PASSWORD),
    ("storage cap exceeded", FULL),
    ("disk quota exceeded", FULL),
    ("Insufficient Storage", FULL),
    ("minimum free drive threshold", FULL),
    ("quota exceeded", FULL),
    ("QuotaExceeded", FULL),
    ("not enough space", FULL),
    ("cap exceeded", CAP),
    ("Access Key Id you provided does not exist", CREDENTIALS),
    ("InvalidAccessKeyId", CREDENTIALS),
    ("signature we calculated does not match", CREDENTIALS),
    ("SignatureDoesNotMatch", CREDENTIALS),
    ("ExpiredToken", CREDENTIALS),
    ("oken has expired", CREDENTIALS),
    ("oken is expired", CREDENTIALS),
    ("expired_auth_token", CREDENTIALS),
    ("bad_auth_token", CREDENTIALS),
    ("AuthenticationFailed", CREDENTIALS),
    ("invalid_grant", CREDENTIALS),
    ("no credentials found", NO_CREDENTIALS),
    ("could not find default credentials", NO_CREDENTIALS),
    (") is empty", NO_CREDENTIALS),
    ("Unauthorized", CREDENTIALS),
    ("unauthorized", CREDENTIALS),
    ("Permission denied (", CREDENTIALS),
    ("unable to authenticate", CREDENTIALS),
    ("Access Denied", FORBIDDEN),
    ("AccessDenied", FORBIDDEN),
    ("Forbidden", FORBIDDEN),
    ("Error 403", FORBIDDEN),
    ("AuthorizationFailure", FORBIDDEN),
    ("AuthorizationPermissionMismatch", FORBIDDEN),
    ("RequestTimeTooSkewed", CLOCK),
    ("difference between the request time", CLOCK),
    ("bucket does not exist", NO_BUCKET),
    ("NoSuchBucket", NO_BUCKET),
    ("ContainerNotFound", NO_BUCKET),
    ("repository does not exist", MISSING),
    (
        "parsing repository location failed",
        "`RESTIC_REPOSITORY` in the secret is not the location of a repository",
    ),
    (
        "Host key verification failed",
        "the host key of the repository's host is not known to the mover",
    ),
    (
        "certificate has expired",
        "the certificate of the repository's host has expired, or is not valid yet",
    ),
    ("x509: certificate is valid for", OTHER_NAMES),
    ("doesn't contain any IP SANs", OTHER_NAMES),
    ("certificate is not valid for any names", OTHER_NAMES),
    (
        "x509:",
        "the certificate of the repository's host is not trusted: `customCA` may be missing",
    ),
    (
        "server gave HTTP response to HTTPS client",
        "the host of the repository speaks http and not https",
    ),
    ("no such host", NO_NAME),
    ("server misbehaving", NO_NAME),
    ("name resolution", NO_NAME),
    ("Could not resolve hostname", NO_NAME),
    ("connection refused", REFUSED),
    ("Connection refused", REFUSED),
    ("network is unreachable", NO_ROUTE),
    ("no route to host", NO_ROUTE),
    ("No route to host", NO_ROUTE),
    ("i/o timeout", SILENT),
    ("TLS handshake timeout", SILENT),
    ("Client.Timeout exceeded", SILENT),
    ("onnection timed out", SILENT),
    ("deadline exceeded", SILENT),
    ("connection reset by peer", SILENT),
    ("unexpected HTTP response (50", UNAVAILABLE),
    ("Service Unavailable", UNAVAILABLE),
    ("ServiceUnavailable", UNAVAILABLE),
    ("Bad Gateway", UNAVAILABLE),
    ("SlowDown", UNAVAILABLE),
    ("ciphertext verification failed", DAMAGED),
    ("invalid data returned", DAMAGED),
];

/// What the mover's shell and kernel say of a file, with what it means for one of the repository, the cache, the volume, and `/tmp`.
const OF_FILES: &[(&str, [Why; 4])] = &[
    (
        "no space left on device",
        [FULL, CACHE_FULL, VOLUME_FULL, SCRATCH_FULL],
    ),
    (
        "No space left on device",
        [FULL, CACHE_FULL, VOLUME_FULL, SCRATCH_FULL],
    ),
    (
        "permission denied",
        [DENIED, CACHE_DENIED, VOLUME_DENIED, DENIED],
    ),
    (
        "operation not permitted",
        [DENIED, CACHE_DENIED, VOLUME_DENIED, DENIED],
    ),
    (
        "read-only file system",
        [
            READ_ONLY,
            "the mover's cache volume is read-only",
            "the volume is read-only",
            READ_ONLY,
        ],
    ),
    ("stale file handle", [GONE, BROKEN, BROKEN, GONE]),
    ("stale NFS file handle", [GONE, BROKEN, BROKEN, GONE]),
    (
        "transport endpoint is not connected",
        [GONE, BROKEN, BROKEN, GONE],
    ),
    ("input/output error", [GONE, BROKEN, BROKEN, GONE]),
];
/// Causes that VolSync's next try may find gone: what the network does, a storage that is busy, a mount, which each pod has anew.
const PASSING: [Why; 7] = [
    NO_NAME,
    REFUSED,
    SILENT,
    NO_ROUTE,
    UNAVAILABLE,
    GONE,
    BROKEN,
];

/// Says in plain words why restic failed: from its exit code when there is one (restic 0.17 and later), and from its last words.
pub(crate) fn why(exit: Option<i64>, log: &str) -> Option<Why> {
    match exit {
        Some(10) => Some(MISSING),
        Some(11) => Some(LOCKED),
        Some(12) => Some(PASSWORD),
        Some(130) => Some("restic was interrupted"),
        _ => log
            .lines()
            .rev()
            .take_while(|line| !line.contains("operation successful after"))
            .find_map(meaning),
    }
}

/// Says whether a mover failed at a lock, which may be one that a crashed mover left.
pub(crate) fn locked(log: &str) -> bool {
    why(None, log) == Some(LOCKED)
}

/// Says whether the next try of a mover that failed so will fail in the same way, as far as can be known. A lock stays until its holder has ended, or
/// somebody removes it.
pub(crate) fn lasts(log: &str) -> bool {
    why(None, log).is_some_and(|why| !PASSING.contains(&why))
}

/// Returns what a person can do about it, where something is known to help.
pub(crate) fn remedy(log: &str, source: &Source) -> Option<String> {
    let (namespace, name) = (&source.namespace, &source.name);
    match why(None, log)? {
        LOCKED => Some(format!("agent run volsync.unlock {namespace} {name}")),
        CACHE_FULL => Some(format!(
            "raise `cacheCapacity`, or delete PersistentVolumeClaim `{namespace}/volsync-src-{name}-cache`: VolSync makes it anew"
        )),
        _ => None,
    }
}

/// Returns what one line means; none when it says only that something went wrong. restic does without a cache that it cannot open.
fn meaning(line: &str) -> Option<Why> {
    if line.starts_with("unable to open cache") {
        return None;
    }
    let of_files = || {
        let (_, meanings) = OF_FILES.iter().find(|(words, _)| line.contains(words))?;
        Some(match place(line) {
            Place::Repository if is_without_volume(line) => {
                "the place of the repository is not on a volume of the mover: see `moverVolumes`"
            }
            place => meanings[place as usize],
        })
    };
    let said = WORDS.iter().find(|(words, _)| line.contains(words));
    said.map(|(_, meaning)| *meaning)
        .or_else(of_files)
        .or_else(|| is_without_config(line).then_some(MISSING))
}

/// restic before 0.17 told a missing repository like one that it cannot reach.
fn is_without_config(line: &str) -> bool {
    const ABSENT: [&str; 3] = ["no such file", "does not exist", "not found"];
    line.contains("unable to open config file") && ABSENT.iter().any(|word| line.contains(word))
}

/// What is not on a volume is in the image of the mover, which is read-only.
fn is_without_volume(line: &str) -> bool {
    line.contains("create repository at") && line.contains("read-only file system")
}

/// Where a file is, in the order of [`OF_FILES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Repository,
    Cache,
    Volume,
    Scratch,
}

/// Says where the first file of a line is. What restic restores, or cannot read, it names by its place in the snapshot.
fn place(line: &str) -> Place {
    if line.starts_with("ignoring error for") || line.starts_with("error:") {
        return Place::Volume;
    }
    let path = line
        .split([' ', '"', '`', '\''])
        .find(|word| word.starts_with('/') && word.len() > 1)
        .unwrap_or_default();
    let within = |folder: &str| {
        let rest = path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
    };
    if within("/cache") {
        Place::Cache
    } else if within("/data") {
        Place::Volume
    } else if within("/tmp") {
        Place::Scratch
    } else {
        Place::Repository
    }
}

#[cfg(test)]
mod tests;
