//! Whether a directory is on a disk of this machine, or others see it over a network.
//!
//! The journal needs memory that its processes share, and locks that the kernel gives back when their holder dies and not before. Over a network the
//! first is damaged without a word, and the second is lost with the connection, or holds on one machine only.

use std::fs;

use cap_std::fs::{Dir, MetadataExt as _};
use rustix::fs::{fstatfs, major, minor};

/// File systems that others see too, by the number that `statfs` tells (<https://man7.org/linux/man-pages/man2/statfs.2.html>).
const SHARED: [(u32, &str); 18] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0x517b, "SMB"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x0bd0_0bd0, "Lustre"),
    (0x1983_0326, "BeeGFS"),
    (0x4750_4653, "GPFS"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x2003_0528, "OrangeFS"),
    (0x564c, "NCP"),
    (0x786f_4256, "vboxsf"),
    (0xbacb_acbc, "vmhgfs"),
];

/// File systems in user space have one number for all.
const FUSE: u32 = 0x6573_5546;

/// Those of them that are on a disk of this machine.
const LOCAL_FUSE: [&str; 9] = [
    "fuseblk",
    "fuse.ntfs-3g",
    "fuse.gocryptfs",
    "fuse.encfs",
    "fuse.cryfs",
    "fuse.securefs",
    "fuse.bindfs",
    "fuse.fuse-overlayfs",
    "fuse.mergerfs",
];

/// Returns the file system of a directory, if others than this machine see it. One that does not say what it is, is taken for a disk.
pub(super) fn shared(dir: &Dir) -> Option<String> {
    let number = fstatfs(dir).ok()?.f_type;
    // The numbers have 32 bits, in a field that has more and a sign.
    let number = u32::try_from(i128::from(number) & 0xffff_ffff).ok()?;
    let mounts = || fs::read_to_string("/proc/self/mountinfo").ok();
    let device = dir.dir_metadata().ok()?.dev();
    named(number, || mounted_as(&mounts()?, device))
}

fn named(number: u32, mounted_as: impl FnOnce() -> Option<String>) -> Option<String> {
    if number == FUSE {
        let kind = mounted_as().unwrap_or_else(|| "fuse".to_owned());
        return Some(kind).filter(|kind| !LOCAL_FUSE.contains(&kind.as_str()));
    }
    let known = SHARED.iter().find(|(known, _)| *known == number);
    known.map(|(_, name)| (*name).to_owned())
}

/// Returns the type of the mount with that device, such as `fuse.sshfs` (<https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html>).
fn mounted_as(mounts: &str, device: u64) -> Option<String> {
    let device = format!("{}:{}", major(device), minor(device));
    let mount = mounts
        .lines()
        .find(|mount| mount.split(' ').nth(2) == Some(&device))?;
    let (_, rest) = mount.split_once(" - ")?;
    rest.split(' ').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn what_others_see_is_told_from_a_disk_of_this_machine() {
        let disks = [
            0xef53,
            0x5846_5342,
            0x9123_683e,
            0x2fc1_2fc1,
            0x0102_1994,
            0x794c_7630,
        ];
        for disk in disks {
            assert_eq!(named(disk, || None), None, "{disk:x}");
        }
        for (number, name) in SHARED {
            assert_eq!(named(number, || None).as_deref(), Some(name));
        }
        for (kind, is_shared) in [
            ("fuse.sshfs", true),
            ("fuse.rclone", true),
            ("virtiofs", true),
            ("fuse", true),
            ("fuseblk", false),
            ("fuse.gocryptfs", false),
        ] {
            let named = named(FUSE, || Some(kind.to_owned()));
            assert_eq!(named, is_shared.then(|| kind.to_owned()));
        }
    }

    #[test]
    fn type_of_a_mount_is_found_by_its_device() {
        let mounts = "22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n\
            36 22 0:52 / /home/eva/nas rw,nosuid shared:2 master:3 - fuse.sshfs nas:/ rw,user_id=0\n";
        assert_eq!(mounted_as(mounts, 52).as_deref(), Some("fuse.sshfs"));
        assert_eq!(mounted_as(mounts, 0x802).as_deref(), Some("ext4"));
        assert_eq!(mounted_as(mounts, 0x803), None);
    }

    #[test]
    fn temporary_directory_is_on_this_machine() {
        let dir = tempfile::tempdir().expect("a directory");
        let dir = Dir::open_ambient_dir(dir.path(), ambient_authority()).expect("opens");
        assert_eq!(shared(&dir), None);
    }
}
