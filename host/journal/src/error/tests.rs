use agent_core::failure::Failure;
use rusqlite::ffi;

use super::*;

fn of(extended_code: i32) -> Failure {
    let source = rusqlite::Error::SqliteFailure(ffi::Error::new(extended_code), None);
    JournalError::of(Path::new("/state/it's here/journal.db"), source).into()
}

#[test]
fn what_sqlite_says_is_sorted_by_what_mends_it() {
    for (said, code) in [
        (ffi::SQLITE_CORRUPT, "journal.damaged"),
        (ffi::SQLITE_CORRUPT_INDEX, "journal.damaged"),
        (ffi::SQLITE_NOTADB, "journal.damaged"),
        (ffi::SQLITE_FULL, "journal.full"),
        (ffi::SQLITE_IOERR_SHMSIZE, "journal.full"),
        (ffi::SQLITE_BUSY, "journal.busy"),
        (ffi::SQLITE_BUSY_RECOVERY, "journal.busy"),
        (ffi::SQLITE_LOCKED, "journal.busy"),
        (ffi::SQLITE_IOERR_WRITE, "journal.unwritable"),
        (ffi::SQLITE_IOERR_FSYNC, "journal.unwritable"),
        (ffi::SQLITE_READONLY, "journal.unwritable"),
        (ffi::SQLITE_CANTOPEN, "journal.unwritable"),
        (ffi::SQLITE_PERM, "journal.unwritable"),
    ] {
        let failure = of(said);
        assert_eq!(failure.code, code, "{said}");
        assert_eq!(failure.kind, Kind::Unavailable);
        assert!(
            !failure.causes.is_empty(),
            "what SQLite said is told: {failure:?}"
        );
    }
}

#[test]
fn system_without_room_is_full_whichever_file_it_was() {
    for (said, code) in [
        (io::ErrorKind::StorageFull, "journal.full"),
        (io::ErrorKind::QuotaExceeded, "journal.full"),
        (io::ErrorKind::PermissionDenied, "journal.unwritable"),
    ] {
        let error = JournalError::file(PathBuf::from("/state/key"), "made", said.into());
        assert_eq!(Failure::from(error).code, code);
    }
}

#[test]
fn hint_is_what_a_shell_takes() {
    let hint = of(ffi::SQLITE_FULL).hint.expect("a hint");
    assert_eq!(hint, r"make room: df -h '/state/it'\''s here'");
}
