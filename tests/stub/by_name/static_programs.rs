//! Static programs: each brings a resolver of its own.

use std::path::Path;
use std::process::Command;

use super::jail;
use super::world::{World, run};
use jail_plan::Access;

use crate::jail::{Caller, Jail, bind, callers, skipped};

/// Gets a page of each host, and says whose it is.
const RUST: &str = r#"use std::io::{Read, Write};
fn main() { for host in std::env::args().skip(1) { match std::net::TcpStream::connect((host.as_str(), 80)) {
    Ok(mut stream) => { let mut text = String::new();
        write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
        stream.read_to_string(&mut text).unwrap(); println!("{}", text.lines().last().unwrap()); }
    Err(_) => println!("no {host}") } } }
"#;
const C: &str = r#"#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int count, char **hosts) { for (int i = 1; i < count; i++) {
    struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *found;
    if (getaddrinfo(hosts[i], "80", &hints, &found)) { printf("no %s\n", hosts[i]); continue; }
    for (; found; found = found->ai_next) { char text[4096]; int length = 0, part;
        int to = socket(found->ai_family, SOCK_STREAM, 0);
        if (connect(to, found->ai_addr, found->ai_addrlen)) continue;
        dprintf(to, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", hosts[i]);
        while ((part = read(to, text + length, sizeof text - 1 - length)) > 0) length += part;
        text[length] = 0; printf("%s", strstr(text, "\r\n\r\n") + 4); break; } } }
"#;

fn compiled(world: &World, program: &str, words: &[&str]) -> bool {
    let status = Command::new(program).args(words).current_dir(world.folder()).status();
    status.is_ok_and(|status| status.success())
}

fn with_folder(world: &World, caller: Caller) -> Jail {
    jail(world, caller, &["api.test:80"]).op(bind(world.folder(), Access::ReadOnly))
}

#[track_caller]
fn reaches_one(world: &World, program: &Path) {
    for caller in callers() {
        let jail = with_folder(world, caller);
        jail.sh(&format!("{} api.test other.test", program.display()))
            .prints("page of api.test\nno other.test");
    }
    assert!(!world.asked().contains(&"other.test".into()));
}

#[test]
fn a_static_program_in_rust_finds_it() {
    run(|world| {
        std::fs::write(world.folder().join("get.rs"), RUST).expect("a program");
        if !compiled(world, "rustc", &["-Ctarget-feature=+crt-static", "get.rs", "-o", "get"]) {
            return skipped("rustc", "no static programs of Rust can be made here");
        }
        reaches_one(world, &world.folder().join("get"));
    });
}

#[test]
fn a_static_program_with_musl_finds_it() {
    run(|world| {
        let Some(musl) = world.package("musl") else { return };
        let of = |kind: &str| {
            let folder = musl.join(format!("usr/{kind}/{}-linux-musl", std::env::consts::ARCH));
            folder.to_str().expect("UTF-8").to_owned()
        };
        let (headers, lib) = (of("include"), of("lib"));
        std::fs::write(world.folder().join("get.c"), C).expect("a program");
        let [begin, first, all, last] =
            ["crt1.o", "crti.o", "libc.a", "crtn.o"].map(|name| format!("{lib}/{name}"));
        let words =
            ["-static", "-nostdinc", "-isystem", &headers, "-nostdlib", "-fno-stack-protector"];
        let objects = [&begin, &first, "get.c", &all, "-lgcc", &all, &last, "-o", "get"];
        if !compiled(world, "cc", &[&words[..], &objects.map(|word| word as &str)].concat()) {
            return skipped("cc", "no static programs with musl can be made here");
        }
        reaches_one(world, &world.folder().join("get"));
    });
}

#[test]
fn busybox_finds_it() {
    run(|world| {
        let Some(busybox) = world.package("busybox") else { return };
        let busybox = busybox.join("bin/busybox").display().to_string();
        for caller in callers() {
            let jail = with_folder(world, caller);
            jail.sh(&format!("{busybox} wget -q -O - http://api.test/")).prints("page of api.test");
            let ran = jail.sh(&format!("{busybox} wget -q -O - http://other.test/"));
            assert!(ran.code == Some(1) && ran.stderr.contains("bad address"), "{ran:?}");
            let found = jail.sh(&format!("{busybox} nslookup api.test"));
            assert!(found.stdout.contains("Address: 198.18."), "{found:?}");
            let found = jail.sh(&format!("{busybox} nslookup other.test"));
            assert!(found.stdout.contains("NXDOMAIN"), "{found:?}");
        }
    });
}
