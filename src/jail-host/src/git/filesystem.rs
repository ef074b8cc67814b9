//! What cannot be held on the file system that a folder lies on: it is said when the jail starts.

use std::os::fd::AsFd;

use jail_plan::one_line;
use rustix::fs::{fstatfs, ioctl_getflags};

use super::find::FoundRepository;
use super::held::Held;

/// `FS_CASEFOLD_FL` of linux/fs.h.
const CASEFOLD: u32 = 0x4000_0000;

/// File systems that others can change without this kernel, by their numbers in statfs(2).
const SHARED: [(u32, &str); 9] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "SMB"),
    (0xfe53_4d42, "SMB"),
    (0x0102_1997, "9P"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x0161_1970, "GFS2"),
    (0x6573_5546, "FUSE"),
];

/// A line for each kind of file system, with the first folder on it.
pub(super) fn lines(found: &FoundRepository) -> Vec<String> {
    let repositories = found.repositories.iter().map(|repository| &repository.held);
    let all = repositories.chain(found.private.iter().map(|folder| &folder.held));
    let mut lines: Vec<(&str, String)> = Vec::new();
    for held in all {
        for (kind, words) in weaknesses(held) {
            if !lines.iter().any(|(other, _)| *other == kind) {
                lines.push((kind, words));
            }
        }
    }
    lines.into_iter().map(|(_, words)| words).collect()
}

fn weaknesses(held: &Held) -> impl Iterator<Item = (&'static str, String)> {
    let path = one_line(&held.path.to_string_lossy());
    let shared = shared(&held.folder).map(|kind| {
        let words = format!(
            "`{path}` lies on a file system ({kind}) that can be changed past this kernel: a file that is replaced there meanwhile is not protected any more"
        );
        (kind, words)
    });
    let folds = ioctl_getflags(&held.folder).is_ok_and(|flags| flags.bits() & CASEFOLD != 0);
    let folded = folds.then(|| {
        let words = format!(
            "names in `{path}` are compared without regard to case, for which the protection of what is in it was never tried"
        );
        ("casefold", words)
    });
    shared.into_iter().chain(folded)
}

fn shared(folder: impl AsFd) -> Option<&'static str> {
    let number = fstatfs(folder).ok()?.f_type;
    // The field is longer than the number on some machines, and signed.
    let number = u32::try_from(number & 0xffff_ffff).ok()?;
    SHARED.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_in_memory_or_on_a_disk_has_nothing_to_say() {
        let folder = std::fs::File::open(std::env::temp_dir()).unwrap();
        assert_eq!(shared(&folder), None);
        let proc = std::fs::File::open("/proc").unwrap();
        assert_eq!(shared(&proc), None);
    }
}
