//! What restic 0.18.1 printed in each of these states, and the movers' script around it.

use super::*;
use agent_sdk::prelude::json;

use crate::source::tests::source;

fn of(log: &str) -> Option<Why> {
    why(None, log)
}

const LOCK_IN: &str = "unable to create lock in backend: ";

/// A storage that fails is first noticed when the lock is made; the cause stands behind.
#[test]
fn lock_that_cannot_be_made_is_judged_by_its_cause() {
    let tmp = "locks/60504e81684416d8-tmp-3587209934";
    for (cause, meaning) in [
        (
            format!("write /mnt/repository/plex/{tmp}: no space left on device"),
            FULL,
        ),
        (
            format!("open /mnt/repository/plex/{tmp}: read-only file system"),
            READ_ONLY,
        ),
        (
            format!("open /mnt/repository/plex/{tmp}: permission denied"),
            DENIED,
        ),
        (
            format!("open /mnt/repository/plex/{tmp}: stale NFS file handle"),
            GONE,
        ),
        (
            "Save(<lock/5d9e>) returned error: no space left on device".to_owned(),
            FULL,
        ),
        (
            "client.PutObject: Access Denied.".to_owned(),
            FORBIDDEN,
        ),
        (
            "client.PutObject: Storage backend has reached its minimum free drive threshold. Please delete a few objects to proceed."
                .to_owned(),
            FULL,
        ),
        (
            "Save: b2_upload_file: 403: Cannot upload files, storage cap exceeded. See the Caps & Alerts page".to_owned(),
            FULL,
        ),
        (
            "unexpected HTTP response (507): 507 Insufficient Storage".to_owned(),
            FULL,
        ),
        (
            "unexpected HTTP response (401): 401 Unauthorized".to_owned(),
            CREDENTIALS,
        ),
        (
            "client.PutObject: The Access Key Id you provided does not exist in our records."
                .to_owned(),
            CREDENTIALS,
        ),
        (
            "client.PutObject: The provided token has expired.".to_owned(),
            CREDENTIALS,
        ),
        (
            "Post \"https://s3/b/\": dial tcp 10.0.0.5:443: connect: connection refused".to_owned(),
            REFUSED,
        ),
        (
            "Post \"https://s3/b/\": dial tcp: lookup s3 on 10.43.0.10:53: no such host".to_owned(),
            NO_NAME,
        ),
        (
            "Post \"https://s3/b/\": dial tcp 10.0.0.5:443: i/o timeout".to_owned(),
            SILENT,
        ),
        (
            "Post \"https://s3/b/\": dial tcp 10.0.0.5:443: connect: no route to host".to_owned(),
            NO_ROUTE,
        ),
        (
            "unexpected HTTP response (503): 503 Service Unavailable".to_owned(),
            UNAVAILABLE,
        ),
    ] {
        let log = format!("{LOCK_IN}{cause}\n");
        assert_eq!(of(&log), Some(meaning), "{log}");
        assert!(!locked(&log), "{log}");
        assert_ne!(
            remedy(&log, &source(json!({}))).as_deref(),
            Some("agent run volsync.unlock media plex"),
            "{log}"
        );
    }
    assert_eq!(of("unable to create lock in backend: something new"), None);
}

#[test]
fn lock_of_somebody_else_is_a_lock() {
    let log = "repo already locked, waiting up to 0s for the lock\n\
        unable to create lock in backend: repository is already locked exclusively by PID 7 on volsync-src-plex-x by nobody (UID 1000, GID 0)\n\
        lock was created at 2026-11-30 09:31:51 (2m3.8s ago)\nstorage ID 48f09705\nthe `unlock` command can be used to remove stale locks\n";
    assert!(locked(log));
    let with_script = format!("{log}ERROR: failure locking repository\n");
    assert!(locked(&with_script));
    assert!(lasts(log));
    let remedy = remedy(log, &source(json!({})));
    assert_eq!(
        remedy.as_deref(),
        Some("agent run volsync.unlock media plex")
    );
}

/// `restic unlock` passes over a lock that it cannot read.
#[test]
fn lock_that_cannot_be_read_is_no_lock_that_unlock_removes() {
    let log = "Fatal: invalid lock file: LoadRaw(<lock/2d711642b7>): invalid data returned\n\n\
        the `unlock --remove-all` command can be used to remove invalid locks. Make sure that no other restic process is accessing the repository\n";
    assert_eq!(of(log), Some(BROKEN_LOCK));
    assert_eq!(remedy(log, &source(json!({}))), None);
}

#[test]
fn full_cache_is_told_from_a_full_repository_volume_and_memory() {
    for (line, meaning) in [
        (
            "unable to save index: write /cache/000e2943/index/5d: no space left on device",
            CACHE_FULL,
        ),
        ("Fatal: open /cache: no space left on device", CACHE_FULL),
        (
            "Fatal: unable to save snapshot: write /mnt/nas/data/90/90dd-tmp-3: no space left on device",
            FULL,
        ),
        (
            "write /tmp/restic-temp-pack-1: no space left on device",
            SCRATCH_FULL,
        ),
        (
            "ignoring error for /library.db: write library.db: no space left on device",
            VOLUME_FULL,
        ),
        (
            "Fatal: write /data/library.db: no space left on device",
            VOLUME_FULL,
        ),
        (
            "Fatal: write /data-of-others/r/keys/1: no space left on device",
            FULL,
        ),
    ] {
        assert_eq!(of(line), Some(meaning), "{line}");
    }
    let hint = remedy(
        "write /cache/0/x: no space left on device",
        &source(json!({})),
    );
    let hint = hint.expect("a hint");
    assert!(hint.contains("`media/volsync-src-plex-cache`"), "{hint}");
}

#[test]
fn cache_that_cannot_be_opened_is_not_why_restic_failed() {
    let log = "unable to open cache: open /cache/CACHEDIR.TAG: permission denied\n\
        Save(<lock/06955b4ded>) failed: open /mnt/r/locks/0695-tmp-2: no space left on device\n\
        unable to create lock in backend: open /mnt/r/locks/0695-tmp-2: no space left on device\n";
    assert_eq!(of(log), Some(FULL));
    assert_eq!(of(log.lines().next().unwrap_or_default()), None);
}

/// `timeout` ends restic while it tries again, and its last words are of that.
#[test]
fn words_that_give_no_cause_leave_it_to_those_before() {
    let log = "Stat(<config/>) returned error, retrying after 658.012981ms: Head \"http://:***@10.0.0.5/b/config\": dial tcp 10.0.0.5:80: connect: connection refused\n\
        signal terminated received, cleaning up\nFatal: unable to open config file: context canceled\n\
        Is there a repository at the following location?\nrest:http://10.0.0.5/b/\nERROR: failure checking existence of repository\n";
    assert_eq!(of(log), Some(REFUSED));
    let restore = "ignoring error for /a: open a: permission denied\nSummary: Restored 3 files\nFatal: There were 1 errors\n";
    assert_eq!(of(restore), Some(VOLUME_DENIED));
}

#[test]
fn trouble_that_restic_got_over_is_not_the_cause() {
    let log = "Load(<index/1>) returned error, retrying after 1s: connection reset by peer\n\
        Load(<index/1>) operation successful after 1 retries\nFatal: something new\n";
    assert_eq!(of(log), None);
}

#[test]
fn missing_repository_is_told_by_every_version_in_its_words() {
    for log in [
        "Fatal: repository does not exist: unable to open config file: stat /mnt/r/config: no such file or directory\nIs there a repository at the following location?\n/mnt/r\n",
        "Fatal: unable to open config file: stat /repository/plex/config: no such file or directory\nIs there a repository at the following location?\n/repository/plex\n",
        "Fatal: unable to open config file: Stat: The specified key does not exist.\nIs there a repository at the following location?\ns3:x\n",
    ] {
        assert_eq!(of(log), Some(MISSING), "{log}");
    }
    let denied = "Stat(<config/>) failed: stat /mnt/r/config: permission denied\n\
        Fatal: unable to open config file: stat /mnt/r/config: permission denied\nIs there a repository at the following location?\n/mnt/r\n";
    assert_eq!(of(denied), Some(DENIED));
    let no_mount =
        "Fatal: create repository at /mnt/nas/plex failed: mkdir /mnt/nas: read-only file system\n";
    assert!(of(no_mount).is_some_and(|why| why.contains("`moverVolumes`")));
}

#[test]
fn reason_comes_from_the_exit_code_of_restic_first() {
    assert_eq!(why(Some(12), ""), Some(PASSWORD));
    assert_eq!(why(Some(11), ""), Some(LOCKED));
    assert_eq!(why(Some(10), ""), Some(MISSING));
    assert_eq!(
        why(Some(1), "Fatal: wrong password or no key found"),
        Some(PASSWORD)
    );
    assert_eq!(why(Some(1), "something new"), None);
}

#[test]
fn what_another_try_finds_again_is_told_from_what_passes() {
    assert!(lasts("Fatal: wrong password or no key found\n"));
    assert!(lasts(
        "write /mnt/r/locks/1-tmp-2: no space left on device\n"
    ));
    assert!(!lasts("dial tcp: connect: connection refused\n"));
    assert!(!lasts("Fatal: something new\n"));
}

#[test]
fn host_that_does_not_answer_is_not_a_missing_repository() {
    let log = "Fatal: unable to open config file: Stat: Get \"http://nas:9000/b/?location=\": dial tcp 10.0.0.5:9000: connect: \
        connection refused\nIs there a repository at the following location?\ns3:http://nas:9000/b/plex";
    assert_eq!(
        why(Some(1), log),
        Some("the host of the repository refuses the connection")
    );
}
