//! The session's control socket: what the command line asks and changes while the jail runs. No
//! jail can reach it.
//!
//! One request is one line of JSON, and so is its answer:
//!
//! ```json
//! {"do": "status"}
//! {"do": "allow", "host": "api.example.com:8443"}
//! {"do": "deny", "host": "*.example.com"}
//! {"do": "log"}
//! ```
//! An answer has `ok`, and else `error`. `log` answers with the newest lines in `lines`. What is
//! allowed or denied is so for this session, and is in its log.

mod orders;

use std::cell::RefCell;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixListener as StdUnixListener;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::geteuid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::session::Session;

pub use orders::{Answer, Order};

/// A request is not longer.
const REQUEST_MAX: usize = 4096;

/// How long a client may be silent.
const SILENT_MAX: Duration = Duration::from_secs(30);

/// The socket, before the runtime is there.
pub(crate) struct Control {
    socket: StdUnixListener,
    /// Whose it is. The broker cannot ask for that later.
    user: u32,
}

impl Control {
    /// Binds it in a folder that only its user can enter.
    pub(crate) fn bind(at: &Path) -> io::Result<Self> {
        let folder = at.parent().ok_or(io::ErrorKind::InvalidInput)?;
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened: OwnedFd = open(folder, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&opened)?;
        let user = geteuid().as_raw();
        if stat.st_uid != user || stat.st_mode & 0o077 != 0 {
            return Err(io::Error::other("its folder is open to others"));
        }
        match fs::remove_file(at) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        // The address of a socket has 108 bytes, and a state folder may be longer.
        let number = std::os::fd::AsRawFd::as_raw_fd(&opened);
        let name = at.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let short = Path::new("/proc/self/fd").join(number.to_string()).join(name);
        let socket = StdUnixListener::bind(short)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, user })
    }
}

/// Serves the socket for `jailgen allow` and its like, while the session lasts.
pub(crate) fn serve(session: &Rc<Session>, control: Control) -> io::Result<()> {
    let socket = UnixListener::from_std(control.socket)?;
    let user = control.user;
    let session = session.clone();
    let spare = Rc::new(Spare::default());
    tokio::task::spawn_local(async move {
        spare.keep(&socket);
        let socket = Rc::new(socket);
        loop {
            match socket.accept().await {
                Ok((stream, _)) => {
                    let (session, socket, spare) = (session.clone(), socket.clone(), spare.clone());
                    tokio::task::spawn_local(async move {
                        client(session, stream, user).await;
                        // Its file is free, and no other task has run since.
                        spare.keep(&*socket);
                    });
                }
                Err(_) if spare.give() => {}
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    });
    Ok(())
}

/// A spare open file. If connections of the jail use all others, it is closed to make room for a
/// control connection.
#[derive(Default)]
struct Spare(RefCell<Option<OwnedFd>>);

impl Spare {
    fn keep(&self, of: impl AsFd) {
        let mut spare = self.0.borrow_mut();
        if spare.is_none() {
            *spare = rustix::io::fcntl_dupfd_cloexec(of, 0).ok();
        }
    }

    /// Gives it up: whether it was there.
    fn give(&self) -> bool {
        self.0.borrow_mut().take().is_some()
    }
}

async fn client(session: Rc<Session>, mut stream: UnixStream, user: u32) {
    // Root may do everything else to the session already.
    let is_own = stream.peer_cred().is_ok_and(|peer| [0, user].contains(&peer.uid()));
    if !is_own {
        return;
    }
    while let Ok(Ok(line)) = tokio::time::timeout(SILENT_MAX, line(&mut stream)).await {
        let answer = match serde_json::from_slice::<Order>(&line) {
            Ok(order) => session.obey(&order),
            Err(error) => Answer::error(&error.to_string()),
        };
        if stream.write_all(answer.line().as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn line(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    loop {
        match stream.read_u8().await? {
            b'\n' => return Ok(line),
            _ if line.len() == REQUEST_MAX => return Err(io::ErrorKind::InvalidData.into()),
            byte => line.push(byte),
        }
    }
}
