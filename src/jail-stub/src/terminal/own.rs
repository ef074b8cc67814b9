//! A pseudo-terminal of the jail's own: made by init, in the jail's own devpts.

use alloc::format;

use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, fcntl_getfl, fstat, major, minor, openat};
use rustix::io::Errno;
use rustix::process::ioctl_tiocsctty;
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};
use rustix::termios::{
    LocalModes, OptionalActions, OutputModes, Termios, tcgetattr, tcgetwinsize, tcsetattr,
    tcsetwinsize,
};

use super::Given;
use crate::failure::Problem;
use crate::inside::{Root, terminals};
use crate::message;
use crate::sys::{self, Standard};

/// The device that makes pseudo-terminals (the kernel's devices.txt).
const MAKER: (u32, u32) = (5, 2);

/// Where it is: in a devpts, and also in a /dev of the host's.
const PLACES: [&str; 2] = ["/dev/pts/ptmx", "/dev/ptmx"];

/// The side on which programs are.
pub(crate) struct Own(OwnedFd);

impl Own {
    /// Makes it the controlling terminal of this process's session, puts it in place of those that
    /// the launcher has passed, and passes the other side to the supervisor. `root` is the jail's,
    /// if it has one of its own.
    pub(crate) fn make(
        given: &Given,
        root: Option<&Root>,
        channel: &OwnedFd,
    ) -> Result<Self, Problem> {
        let help = "the jail gets no terminal of its own here; give it pipes (`cat | COMMAND 2>&1 | cat`), or let the \
                    spec say `share-terminal`";
        make(given, root, channel)
            .map_err(|error| Problem::errno("a terminal of the jail's own", error).help(help))
    }

    /// The process group that has it.
    pub(crate) fn group(&self) -> Option<i32> {
        sys::foreground_group(&self.0).ok()
    }

    /// Gives it to a process group of the jail's. Returns whether that exists.
    pub(crate) fn give(&self, group: i32) -> bool {
        sys::set_foreground_group(&self.0, group).is_ok()
    }

    /// It is not the controlling terminal of this process any more.
    pub(crate) fn leave(&self) -> Result<(), Errno> {
        sys::leave_terminal(&self.0)
    }
}

impl AsFd for Own {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn make(given: &Given, root: Option<&Root>, channel: &OwnedFd) -> Result<Own, Errno> {
    let outside = match root {
        Some(root) => maker_in(root)?,
        None => open(PLACES[1])?,
    };
    unlockpt(&outside)?;
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let inside = ioctl_tiocgptpeer(&outside, flags)?;
    if let Some(one) = given.terminals().next_back() {
        let model = sys::standard(one);
        tcsetwinsize(&inside, tcgetwinsize(model)?)?;
        let launchers = tcgetattr(model)?;
        let modes = match given.takes {
            true => with_modes(&launchers, given),
            false => in_background(&launchers, tcgetattr(&inside)?),
        };
        tcsetattr(&inside, OptionalActions::Now, &modes)?;
    }
    ioctl_tiocsctty(&inside)?;
    for one in given.terminals() {
        replace(one, &outside)?;
    }
    message::give_terminal(channel, &outside)?;
    Ok(Own(inside))
}

/// The modes of the jail's terminal, if `modes` are those of the launcher's: only one of the two
/// changes what programs write.
pub(crate) fn with_modes(modes: &Termios, given: &Given) -> Termios {
    if given.has_company { raw_output(modes.clone()) } else { modes.clone() }
}

/// The modes until the job comes to the foreground. The launcher's may be those of a
/// shell that edits a line now.
fn in_background(launchers: &Termios, own: Termios) -> Termios {
    let mut modes = raw_output(own);
    // Whether a job in the background is stopped when it writes.
    modes.local_modes |= launchers.local_modes & LocalModes::TOSTOP;
    modes
}

fn raw_output(mut modes: Termios) -> Termios {
    modes.output_modes.remove(OutputModes::OPOST);
    modes
}

/// Opens the device in the jail's own /dev, so the terminal has a name there. Without one, it opens
/// a devpts without a place.
fn maker_in(root: &Root) -> Result<OwnedFd, Errno> {
    for path in PLACES {
        let Ok(place) = root.open(path.as_bytes()) else { continue };
        let stat = fstat(&place)?;
        let is_maker = FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice
            && (major(stat.st_rdev), minor(stat.st_rdev)) == MAKER;
        if is_maker && let Ok(opened) = open(&format!("/proc/self/fd/{}", place.as_raw_fd())) {
            return Ok(opened);
        }
    }
    let folder = terminals()?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = openat(&folder, c"ptmx", flags, Mode::empty());
    // The kernel waits for every processor when it takes the mount apart: that is
    // left to init's last steps.
    core::mem::forget(folder);
    opened
}

fn open(path: &str) -> Result<OwnedFd, Errno> {
    openat(CWD, path, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
}

/// Replaces that one by the jail's terminal, opened in the same mode as the launcher's was.
fn replace(one: Standard, outside: &OwnedFd) -> Result<(), Errno> {
    let mode = fcntl_getfl(sys::standard(one))? & OFlags::RWMODE;
    let flags = OpenptFlags::from_bits_retain((mode | OFlags::NOCTTY | OFlags::CLOEXEC).bits());
    let inside = ioctl_tiocgptpeer(outside, flags)?;
    match one {
        Standard::Input => dup2_stdin(inside),
        Standard::Output => dup2_stdout(inside),
        Standard::Error => dup2_stderr(inside),
    }
}
