//! The attempts by their words.

use crate::answer::Answer;
use crate::{call, child, files, lookup, namespaces, net, search};

/// What can be tried.
pub const USAGE: &str = "\
Usage: jail-probe WORD…          one attempt; exit status 0 if it succeeded, 1 if it was refused
       jail-probe --many         attempts as JSON lists of words, one a line; answers as JSON, one a line

  call NAME|NUMBER ARGUMENT…     a system call; s:TEXT, b:HEX and z:SIZE stand for addresses of such bytes
  x32 NUMBER ARGUMENT…           the same by the x32 numbering
  32bit                          getpid by the system call gate of 32-bit programs
  read PATH                      the content of a file
  list PATH                      the names in a folder
  link PATH                      where a symbolic link leads
  stat PATH                      the type, mode and owner of a file
  open-write PATH                open a file for writing, and write nothing
  write-mapped PATH TEXT         write into a file through a mapping of it
  create PATH                    create a file that does not exist, and remove it
  hard-link FROM TO              make a second name for a file, and remove it
  rename FROM TO                 rename something, and rename it back
  run PATH ARGUMENT…             the exit status of a program, whose output is thrown away
  environment                    the names of all variables
  variable NAME                  the value of one
  descriptors                    open descriptors, and what they are
  sockets PATH…                  Unix sockets below these folders on which a program listens
  connect unix|unix-datagram|abstract NAME
  connect tcp|udp ADDRESS:PORT
  ask unix|tcp NAME              what a server answers to a request of HTTP that no server carries out
  search TEXT|=DEVICE:INODE…     where texts, each written backwards, or these files can be read: variables, files, processes
  lookup NAME ADDRESS:PORT       the addresses of a host, asked of this DNS server
  listen tcp ADDRESS:PORT        bind a port and listen there
  send unix NAME                 a datagram without connecting
  in NAMESPACE,… WORD…           another attempt, in new namespaces with the caller's own id as root";

/// Makes the attempt in a process of its own.
#[must_use]
pub fn attempt(words: &[String]) -> Answer {
    child::answer(|| here(words))
}

/// Makes it in this process, which may end over it.
pub(crate) fn here(words: &[String]) -> Answer {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["call", name, rest @ ..] => call::by_name(name, rest),
        ["x32", number, rest @ ..] => call::x32(number, rest),
        ["32bit"] => call::gate(),
        ["read", path] => files::read(path),
        ["list", path] => files::list(path),
        ["link", path] => files::link(path),
        ["stat", path] => files::stat(path),
        ["open-write", path] => files::open_write(path),
        ["write-mapped", path, text] => files::write_mapped(path, text),
        ["create", path] => files::create(path),
        ["hard-link", from, to] => files::hard_link(from, to),
        ["rename", from, to] => files::rename(from, to),
        ["run", path, rest @ ..] => files::run(path, rest),
        ["environment"] => files::environment(),
        ["variable", name] => files::variable(name),
        ["descriptors"] => files::descriptors(),
        ["sockets", paths @ ..] => files::sockets(paths),
        ["ask", kind, name] => net::ask(kind, name),
        ["search", wanted @ ..] => search::search(wanted),
        ["connect", kind, name] => net::connect(kind, name),
        ["lookup", name, server] => lookup::lookup(name, server),
        ["listen", "tcp", name] => net::listen(name),
        ["send", "unix", name] => net::send(name),
        ["in", namespaces, rest @ ..] => namespaces::within(namespaces, rest),
        other => Answer::Unknown(other.join(" ")),
    }
}
