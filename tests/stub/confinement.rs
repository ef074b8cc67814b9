//! What the payload cannot do: capabilities, system calls, devices, the
//! kernel's switches, the network.

use std::io::Write;
use std::net::TcpListener;

use jail_plan::{Access, InsideOp, Missing, Namespace};

use crate::jail::{Jail, bind_to, callers, filter, literal, probe, skipped};
use crate::set_id::with_policy;
use jail_seccomp::{Base, Policy};

#[test]
fn there_are_no_capabilities_and_no_new_privileges() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let status = jail
            .sh("grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr -s '\\t' ' ' | sort");
        let none = "0000000000000000";
        status.prints(&format!(
            "CapAmb: {none}\nCapBnd: {none}\nCapEff: {none}\nCapInh: {none}\nCapPrm: {none}\nNoNewPrivs: 1\nSeccomp: 2"
        ));
    }
}

#[test]
fn the_jail_has_a_session_keyring_of_its_own() {
    // The filter refuses keyctl(2); the keyring is changed all the same, as is seen under a
    // filter that allows everything.
    const ALLOW_ALL: [u8; 8] = [0x06, 0, 0, 0, 0, 0, 0xff, 0x7f];
    let session = "call keyctl 0 -3 1";
    for caller in callers() {
        let jail = Jail::new(caller).change(|plan| plan.seccomp = vec![filter(&ALLOW_ALL)]);
        let (inside, outside) = (jail.probe(session), jail.control(session));
        if outside == "errno 38" {
            skipped("keys", "the kernel has no keys");
            continue;
        }
        assert!(inside.starts_with("ok ") && outside.starts_with("ok "), "{inside}, {outside}");
        assert_ne!(inside, outside, "{caller:?}");
    }
}

#[test]
fn nothing_about_capabilities_can_be_changed_any_more() {
    for caller in callers() {
        let jail = Jail::new(caller);
        // PR_GET_SECUREBITS: NOROOT, NO_SETUID_FIXUP and NO_CAP_AMBIENT_RAISE, all of
        // them and KEEP_CAPS locked.
        assert_eq!(jail.probe("call prctl 27 0 0 0 0"), "ok 239", "{caller:?}");
        // PR_SET_SECUREBITS, PR_CAP_AMBIENT_RAISE of CAP_CHOWN, PR_SET_NO_NEW_PRIVS to 0.
        assert_eq!(jail.probe("call prctl 28 0 0 0 0"), "errno 1");
        assert_eq!(jail.probe("call prctl 47 2 0 0 0"), "errno 1");
        assert_eq!(jail.probe("call prctl 38 0 0 0 0"), "errno 22");
        // The control: what was locked is open outside, and nothing is set.
        assert_eq!(jail.control("call prctl 27 0 0 0 0"), "ok 0");
    }
}

#[test]
fn a_set_user_id_program_gains_nothing() {
    for caller in callers().into_iter().filter(|caller| !caller.is_root()) {
        let jail = Jail::new(caller);
        // Whatever folder of its file system the host's /usr is.
        jail.sh("grep -cE ' /usr [a-z,]*nosuid' /proc/self/mountinfo").prints("1");
    }
}

#[test]
fn the_caller_is_the_only_user_inside() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let uid = caller.uid.unwrap_or_else(|| rustix::process::geteuid().as_raw());
        jail.sh("id -u; tr -s ' ' < /proc/self/uid_map; cat /proc/self/setgroups")
            .prints(&format!("{uid}\n {uid} {uid} 1\ndeny"));
    }
}

/// Call, arguments, how the jail answers, and how the kernel answers outside (`*`: anything else).
const REFUSED: &[(&str, &str, &str)] = &[
    ("ptrace", "0 0 0 0", "errno 1"),
    ("process_vm_readv", "1 0 0 0 0 0", "errno 1"),
    ("bpf", "99 0 0", "errno 1"),
    ("perf_event_open", "0 0 -1 -1 0", "errno 1"),
    ("userfaultfd", "-1", "errno 1"),
    ("io_uring_setup", "0 0", "errno 1"),
    ("keyctl", "0 -3 0", "errno 1"),
    ("add_key", "0 0 0 0 0", "errno 1"),
    ("open_by_handle_at", "-1 0 0", "errno 1"),
    ("name_to_handle_at", "-1 0 0 0 0", "errno 1"),
    ("mount", "0 0 0 0 0", "errno 1"),
    ("umount2", "s:/nowhere 0", "errno 1"),
    ("open_tree", "-1 0 0", "errno 1"),
    ("fsopen", "s:tmpfs 0", "errno 1"),
    ("mount_setattr", "-1 0 0 0 0", "errno 1"),
    ("setns", "-1 0", "errno 1"),
    ("unshare", "0x10000000", "errno 1"),
    ("unshare", "0x40000000", "errno 1"),
    ("clone", "0x10000011 0 0 0 0", "errno 1"),
    ("clone3", "0 0", "errno 38"),
    ("socket", "40 1 0", "errno 97"),
    ("socket", "38 5 0", "errno 97"),
    ("socket", "17 3 0", "errno 97"),
    ("socket", "2 3 1", "errno 1"),
    ("socket", "16 3 12", "errno 93"),
    ("ioctl", "0 0x5412 s:x", "errno 1"),
    ("ioctl", "0 0x100005412 s:x", "errno 1"),
    ("ioctl", "0 0x541c s:x", "errno 1"),
    ("ioctl", "0 0xffffffff0000541c s:x", "errno 1"),
    ("personality", "0x400000", "errno 1"),
    ("kcmp", "1 1 99 0 0", "errno 1"),
    ("fanotify_init", "-1 0", "errno 1"),
    ("syslog", "10 0 0", "errno 1"),
    ("5000", "", "errno 38"),
];

#[test]
fn dangerous_calls_are_refused_and_the_same_probes_work_outside() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let mut differ = 0;
        for (call, arguments, answer) in REFUSED {
            let words = format!("call {call} {arguments}");
            let words = words.trim();
            assert_eq!(jail.probe(words), *answer, "{caller:?}: {words}");
            differ += usize::from(jail.control(words) != *answer);
        }
        // What root may not do and an ordinary user may not either looks
        // alike; most of it must not.
        assert!(differ * 2 > REFUSED.len(), "only {differ} of {} differ outside", REFUSED.len());
    }
}

#[test]
fn ordinary_calls_are_not_refused() {
    for caller in callers() {
        let jail = Jail::new(caller);
        for words in [
            "call memfd_create s:x 0",
            "call pidfd_open 2 0",
            "call inotify_init1 0",
            "call socket 1 1 0",
            "call socket 2 1 0",
            "call socket 10 2 0",
            "call socket 16 3 0",
            "call personality 0xffffffff",
            "call sched_setscheduler 0 3 s:\x01",
            "call unshare 0x400",
        ] {
            let answer = jail.probe(words);
            assert!(
                !["errno 1", "errno 38", "errno 97"].contains(&answer.as_str()),
                "{words}: {answer}"
            );
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn foreign_numberings_are_killed() {
    for caller in callers() {
        let jail = Jail::new(caller);
        assert_eq!(jail.probe("x32 39"), "signal 31");
        if jail.control("32bit").starts_with("ok") {
            assert_eq!(jail.probe("32bit"), "signal 31");
        } else {
            skipped("ia32", "the kernel has no 32-bit calls");
        }
    }
}

#[test]
fn what_a_filter_kills_is_reported_with_the_way_to_find_the_call() {
    let strict = Policy { base: Base::Strict { agent: None }, ..Policy::DEFAULT };
    for caller in callers() {
        let jail = with_policy(caller, strict.clone());
        // semget(2) is on no list.
        for (script, code, signal) in
            [("exec ipcmk -S 1", None, Some(31)), ("ipcmk -S 1; exit $?", Some(159), None)]
        {
            let ran = jail.sh(script);
            assert_eq!((ran.code, ran.signal), (code, signal), "{ran:?}");
            for word in ["system call filter", "SIGSYS", "jailgen trace"] {
                assert!(ran.stderr.contains(word), "{ran:?}");
            }
        }
        // Refused by the default filter: the program goes on, and nothing is reported.
        let ran = jail.sh("chroot / true 2>/dev/null; exit $?");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(125), ""), "{ran:?}");
        // The control.
        let ran = Jail::new(caller).sh("ipcmk -S 1");
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    }
}

#[test]
fn the_kernels_switches_cannot_be_turned() {
    for caller in callers() {
        let jail = Jail::new(caller);
        for file in [
            "sys/kernel/core_pattern",
            "sys/kernel/hostname",
            "sys/vm/swappiness",
            "sysrq-trigger",
            "irq/default_smp_affinity",
        ] {
            let ran = jail.sh(&format!("test ! -e /proc/{file} || (: >> /proc/{file}) 2>/dev/null && test -e /proc/{file} && echo open"));
            assert_eq!(ran.stdout, "", "{caller:?}: {file}");
        }
        jail.sh("echo name > /proc/self/comm && cat /proc/self/status | grep -c Name").prints("1");
        jail.sh("cat /proc/keys | wc -c").prints("0");
    }
    // The control: without the read-only mount root could.
    for caller in callers().into_iter().filter(|caller| caller.is_root()) {
        let jail = Jail::new(caller);
        jail.outside_sh("test -w /proc/sys/kernel/core_pattern && echo open").prints("open");
    }
}

#[test]
fn what_the_kernel_tells_root_alone_is_told_to_no_jail() {
    let read = "for file in kpageflags kpagecount timer_list vmallocinfo keys; do \
                test ! -e /proc/$file || head -c 8 /proc/$file; done | wc -c";
    let switches = "cd /proc && for one in acpi bus driver fs irq mtrr pressure slabinfo; do \
                    test ! -e $one || grep -c \" /proc/$one ro\" self/mountinfo; done | uniq";
    for caller in callers() {
        let jail = Jail::new(caller);
        // Who is not root cannot open them in any case.
        jail.sh(&format!("({read}) 2>/dev/null")).prints("0");
        if caller.is_root() {
            assert_ne!(jail.outside_sh(read).stdout.trim(), "0", "the control");
            jail.sh(switches).prints("1");
        }
        // The rest of /proc is no less writable than it was.
        jail.sh("grep -c ' / /proc rw,nosuid,nodev,noexec' /proc/self/mountinfo").prints("1");
    }
}

#[test]
fn nothing_can_be_added_to_the_devices_once_the_jail_stands() {
    for caller in callers() {
        let later = bind_to(probe(), "/dev/later", Access::ReadOnly, Missing::Fail);
        let jail = Jail::new(caller).op(later);
        jail.sh("for at in /dev/x /dev/pts/x; do (: > $at) 2>/dev/null || echo refused; done")
            .prints("refused\nrefused");
        // The control: the same, a folder further, and what the plan itself put there.
        jail.sh("for at in /dev/shm/x /x; do : > $at && echo made; done; test -e /dev/later")
            .prints("made\nmade");
        // The nodes are the host's: root would change them for everybody.
        jail.sh("echo x > /dev/null && chmod 666 /dev/null 2>&1 | grep -o 'Read-only'")
            .prints("Read-only");
        jail.sh("cp /dev/null /tmp/file && chmod 600 /tmp/file && stat -c %a /tmp/file")
            .prints("600");
    }
}

#[test]
fn devices_are_the_harmless_ones() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.sh("ls /dev | tr '\\n' ' '")
            .prints("fd full null ptmx pts random shm stderr stdin stdout tty urandom zero");
        jail.sh("head -c 3 /dev/zero | wc -c; echo x > /dev/null; head -c 3 /dev/urandom | wc -c")
            .prints("3\n3");
        jail.sh(
            "echo x > /dev/full 2>&1; echo $?; echo y > /dev/shm/y; cat /dev/shm/y; ls /dev/pts",
        )
        .prints("1\ny\nptmx");
        assert_ne!(jail.sh("mknod /tmp/disk b 1 0").code, Some(0));
        jail.sh("script -qc 'echo terminal' /dev/null | tr -d '\\r'").prints("terminal");
    }
}

#[test]
fn names_ipc_and_the_network_are_the_jails_own() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.sh("uname -n; cat /proc/net/dev | grep -c :; wc -l < /proc/net/route")
            .prints("jail\n1\n1");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connect = format!(
            "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}' 2>/dev/null && echo reached || echo refused"
        );
        jail.sh(&connect).prints("refused");
        jail.outside_sh(&connect).prints("reached");
        let shared = Jail::new(caller).change(|plan| {
            plan.namespaces.retain(|one| *one != Namespace::Net);
            plan.inside.retain(|step| !matches!(step.op, InsideOp::Loopback));
        });
        shared.sh(&connect).prints("reached");
        // Loopback is up: something inside can talk to itself.
        jail.sh("grep -c 'lo$' /proc/net/if_inet6").prints("1");
    }
}

#[test]
fn core_dumps_are_off_also_for_handlers_of_the_host() {
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.sh("grep core /proc/self/limits | tr -s ' ' | cut -d' ' -f5,6").prints("1 1");
        jail.sh("ulimit -c unlimited 2>/dev/null || echo refused").prints("refused");
        // Whose shell says `(core dumped)` has left one. The launcher's limit
        // is as high as it can be.
        let crash = "sh -c 'kill -SEGV $$' 2>&1; ls";
        let high = "ulimit -S -c $(ulimit -H -c)";
        let inside =
            jail.outside_sh(&format!("{high}; \"$W\" -c \"{}\"", crash.replace('$', "\\$")));
        assert!(inside.stdout.contains("Segmentation fault"), "{inside:?}");
        assert!(!inside.stdout.contains("core"), "{inside:?}");
        let outside = jail.outside_sh(&format!("{high}; {crash}"));
        if !outside.stdout.contains("core") {
            skipped("cores", "nothing outside dumps a core either");
        }
    }
}

#[test]
fn a_launcher_that_may_dump_no_core_starts_jails_that_may_not_either() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let limits = "grep core /proc/self/limits | tr -s ' ' | cut -d' ' -f5,6";
        let low =
            format!("ulimit -c 0; {limits}; \"$W\" -c \"{limits}; sh -c 'kill -SEGV \\$\\$'\"; ls");
        jail.outside_sh(&low).prints("0 0\n0 0");
    }
}

#[test]
fn what_tells_machines_apart_is_not_the_hosts() {
    const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
    let host = std::fs::read_to_string(BOOT_ID).expect("the host's");
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.outside_sh(&format!("cat {BOOT_ID}; grep -c . /proc/cmdline"))
            .prints(&format!("{host}1"));
        jail.sh("cat /proc/cmdline").prints("");
        // Each launch has one of its own, which stays the same in it and looks like one.
        let ran = jail.sh(&format!("cat {BOOT_ID} {BOOT_ID}; echo x 2>/dev/null > {BOOT_ID}"));
        let ids: Vec<&str> = ran.stdout.lines().collect();
        assert_eq!((ids.len(), ids[0], ids[0].len()), (2, ids[1], host.trim().len()), "{ran:?}");
        assert_ne!(ids[0], host.trim());
        assert_ne!(jail.sh(&format!("cat {BOOT_ID}")).stdout.trim(), ids[0]);
        assert_ne!(ran.code, Some(0), "it can be written");
    }
}

#[test]
fn the_stub_is_not_dumpable_inside_and_outside() {
    // Files of /proc about a process that is not belong to root, who need
    // not exist inside (proc(5)).
    let owner = |process: &str| format!("stat -c %u /proc/{process}/environ");
    for caller in callers().into_iter().filter(|caller| !caller.is_root()) {
        let jail = Jail::new(caller);
        let uid = caller.uid.unwrap_or_else(|| rustix::process::geteuid().as_raw());
        jail.sh(&format!("{}; {}", owner("1"), owner("self"))).prints(&format!("65534\n{uid}"));
        let script = format!(
            "\"$W\" -c 'echo ready; read line' < fifo > out & exec 3> fifo; \
             until grep -q ready out; do sleep 0.05; done; {}; {}; cat /proc/$!/environ 2>&1 | grep -c denied; \
             echo >&3",
            owner("$!"),
            owner("$$"),
        );
        jail.outside_sh(&format!("mkfifo fifo; {script}")).prints(&format!("0\n{uid}\n1"));
    }
}

#[test]
fn the_root_ends_read_only_when_the_plan_says_so() {
    for caller in callers() {
        Jail::new(caller).sh("touch /made && echo made").prints("made");
        let jail = Jail::new(caller).op(InsideOp::RemountReadOnly(literal("/")));
        jail.sh("touch /made 2>/dev/null || echo read-only; touch /tmp/made && echo made")
            .prints("read-only\nmade");
    }
}

#[test]
fn mounts_of_the_jail_do_not_reach_the_host() {
    let before = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    for caller in callers() {
        Jail::new(caller).sh("true").prints("");
    }
    let after = std::fs::read_to_string("/proc/self/mountinfo").expect("mounts");
    assert_eq!(before, after);
    std::io::stdout().flush().expect("output");
}
