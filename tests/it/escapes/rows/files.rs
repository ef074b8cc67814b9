//! C: files, mounts and what the host would execute.

use super::Columns;

const ABSENT: &str = "errno 2";
const DENIED: &str = "errno 13";
const READ_ONLY: &str = "errno 30";
const FORBIDDEN: &str = "errno 1";

pub(super) const ROWS: &[Columns] = &[
    ("C14", "hard-link {project}/mine /tmp/stolen", "errno 18", "errno 18|ok 0"),
    ("C14", "hard-link {outside-file} {project}/stolen", ABSENT, "ok 0"),
    ("C16", "read /proc/self/root{outside-file}", ABSENT, "outside"),
    ("C16", "read /proc/{pid}/root{outside-file}", ABSENT, "outside|errno 13"),
    ("C16", "stat /proc/{pid}/cwd", ABSENT, "link…|errno 13"),
    // Root may read the numbers there, and nothing through them.
    ("C16", "link /proc/1/fd/{init-fd}", DENIED, ""),
    ("C16", "open-write /proc/1/fd/{init-fd}", DENIED, ""),
    ("C16", "link /proc/1/root", DENIED, ""),
    ("C16", "link /proc/1/cwd", DENIED, ""),
    ("C16", "read /proc/1/environ", DENIED, ""),
    ("C17", "open-write /proc/1/exe", DENIED, ""),
    ("C17", "link /proc/1/exe", DENIED, ""),
    ("C17", "open-write {stub}", ABSENT, "ok 0|errno 13|errno 30|errno 26"),
    ("C18", "read /proc/self/fd/7{outside-file}", ABSENT, "outside"),
    ("C18", "list /proc/self/fd/7", ABSENT, "…"),
    ("C18", "call fchdir 7", "errno 9", "ok 0"),
    ("C18", "list /proc/self/cwd/..", "home\nproject", "daemon…"),
    ("C19", "in user,mount call mount s:none s:/proc s:tmpfs 0 0", FORBIDDEN, "ok 0"),
    ("C19", "in user,mount call umount2 s:/proc 2", FORBIDDEN, "errno 22"),
    ("C19", "call mount s:none s:/tmp s:tmpfs 0 0", FORBIDDEN, ""),
    ("C19", "call umount2 s:/nowhere 0", FORBIDDEN, "errno 2|errno 1"),
    ("C19", "call open_tree -100 s:/ 1", FORBIDDEN, "errno 1|ok…"),
    ("C19", "call move_mount -1 s: -1 s: 0", FORBIDDEN, "errno 2|errno 1"),
    ("C19", "call mount_setattr -1 s: 0 z:32 32", FORBIDDEN, "ok 0|errno 9|errno 1"),
    ("C19", "call pivot_root s:/ s:/", FORBIDDEN, ""),
    ("C19", "call chroot s:/tmp", FORBIDDEN, ""),
    ("C19", "call setns -1 0", FORBIDDEN, "errno 9"),
    ("C19", "call fsopen s:tmpfs 0", FORBIDDEN, ""),
    // struct clone_args: CLONE_NEWUSER, and SIGCHLD at its place.
    (
        "C20",
        "call clone3 b:00000010000000000000000000000000000000000000000000000000000000001100000000000000\
         000000000000000000000000000000000000000000000000 64",
        "errno 38",
        "ok…",
    ),
    ("C20", "call clone 0x10000011 0 0 0 0", FORBIDDEN, "ok…"),
    ("C20", "call unshare 0x10000000", FORBIDDEN, "ok 0"),
    ("C22", "open-write /proc/sysrq-trigger", "errno 13|errno 30|errno 2", "ok 0|errno 13|errno 2"),
    ("C22", "stat /dev/null", "device…", "device…"),
    ("C22", "open-write /proc/kcore", "errno 2|errno 13|errno 30", "ok 0|errno 13|errno 1|errno 2"),
    ("C22", "create /proc/null", "errno 2|errno 13|errno 30", ""),
    ("C22", "create /null", READ_ONLY, ""),
    ("C22", "list /sys", ABSENT, "block…"),
    ("C24", "list /sys/fs/cgroup", ABSENT, "…"),
    ("C24", "stat /sys/kernel", ABSENT, "folder…"),
    ("C24", "in user,cgroup,mount call mount s:none s:/tmp s:cgroup2 0 0", FORBIDDEN, "ok 0"),
    ("C26", "call mknod s:/tmp/device 0x2180 0x103", "errno 1|errno 13", "ok 0|errno 1"),
    (
        "C26",
        "list /dev",
        "fd\nfull\nnull\nptmx\npts\nrandom\nshm\nstderr\nstdin\nstdout\ntty\nurandom\nzero",
        "…",
    ),
    ("C26", "stat /dev/shm/{marker}", ABSENT, "file…"),
    ("C27", "stat /dev/shm/{marker}", ABSENT, "file…"),
    ("C27", "call shmget {shm-key} 0 0", ABSENT, "ok…"),
    ("C27", "call mq_open s:{marker} 0 0 0", ABSENT, "ok…"),
    ("C28", "read /proc/sys/kernel/core_pattern", "…", "…"),
    ("C28", "open-write /proc/sys/kernel/core_pattern", "errno 30|errno 13", "ok 0|errno 13"),
    (
        "C34",
        "in user,mount call mount s:none s:/tmp s:overlay 0 s:lowerdir=/proc:/sys",
        FORBIDDEN,
        "ok 0|errno 22",
    ),
    ("C34", "stat /dev/fuse", ABSENT, "device…|errno 2"),
    ("C34", "call fsopen s:overlay 0", FORBIDDEN, ""),
    ("C36", "call chmod s:{outside-file} 0x1a4", ABSENT, "ok 0"),
    ("C36", "call setxattr s:{outside-file} s:user.jailgen s:v 1 0", ABSENT, "ok 0|errno 95"),
    ("C36", "call utimensat -100 s:{outside-file} 0 0", ABSENT, "ok 0"),
];
