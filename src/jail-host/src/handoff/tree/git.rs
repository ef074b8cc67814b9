//! What counts in a repository: hooks, the keys of its configurations, and where those and its
//! pointers lead.

use std::os::fd::OwnedFd;

use jail_plan::handoff::Counted;
use rustix::fs::FileType;

use super::super::content::{Form, parts};
use super::super::git_config;
use super::super::names::Reach;
use super::super::place::{Data, Entry, data};
use super::{FILE_MAX, Job, Part, Walk, fold};

/// Whether git takes a folder with these names for a repository, or for a worktree's part of one.
pub(super) fn is_repository(entries: &[Entry]) -> bool {
    let has = |name: &[u8]| entries.iter().any(|entry| entry.name.eq_ignore_ascii_case(name));
    has(b"HEAD") && (has(b"commondir") || has(b"objects") && has(b"refs"))
}

impl Walk<'_> {
    /// A repository in an unexpected place is reported as such.
    pub(super) fn repository(&mut self, job: &Job, data: Option<Data>) {
        let is_expected = job.in_repository || job.names.last().is_some_and(|name| name == ".git");
        if let (false, Some(data)) = (is_expected, data) {
            let part = Part { name: String::new(), says: String::new(), hash: "repository".into() };
            // Its times are those of any folder: what counts is that it was none.
            let counted = self.names.found("bare-repository");
            self.add(job, job.path.clone(), counted, data.stamp, part);
        }
    }

    /// Looks at an entry of a repository; whether that was all there is to it.
    pub(super) fn in_repository(&mut self, job: &Job, folder: &OwnedFd, entry: &Entry) -> bool {
        let name = fold(&entry.name);
        let is_link = entry.kind == FileType::Symlink;
        // Git follows a link, as far as it leads to something.
        let links = if is_link { Some(()) } else { job.links };
        let job = &Job { links, in_repository: true, ..job.clone() };
        match (name.as_str(), entry.kind) {
            ("hooks", FileType::Directory | FileType::Symlink) => {
                self.hooks(job, job.path_of(&entry.name));
            }
            ("config" | "config.worktree", FileType::RegularFile | FileType::Symlink) => {
                self.configuration(job, folder, &entry.name);
            }
            ("commondir" | "gitdir", FileType::RegularFile | FileType::Symlink) => {
                self.pointer(job, &entry.name);
            }
            // Content, by its hash, and names for it: nothing of it is executed. It may be most of
            // a project's files.
            ("objects", FileType::Directory) => self.pointer(job, b"objects/info/alternates"),
            ("refs" | "logs" | "lfs", FileType::Directory) => {}
            (_, FileType::Directory) => self.enter(job, &entry.name),
            // Git makes and replaces these all the time: the index, heads, messages.
            (name, FileType::RegularFile)
                if job.names.last().is_some_and(|name| name == ".git")
                    && self.names.file(&job.names, name).is_none() => {}
            (_, _) => return false,
        }
        !is_link
    }

    /// A folder of hooks. Git's own examples end in `.sample` and are run by nothing.
    fn hooks(&mut self, job: &Job, path: Vec<u8>) {
        let counted = self.names.found("git-hook");
        let mut names = job.names.clone();
        names.push("hooks".into());
        let under = Some((counted, Reach::Below));
        self.jump(Job { path, names, under, in_repository: true, ..job.clone() });
    }

    fn pointer(&mut self, job: &Job, name: &[u8]) {
        let Ok((data, bytes)) = self.place.read(&job.path_of(name), FILE_MAX, job.links()) else {
            return;
        };
        // It leads nowhere, or to the folder that it lies in. Such a one stands there while a jail
        // keeps git's settings apart.
        if bytes.is_some_and(|bytes| matches!(bytes.trim_ascii(), b"" | b".")) {
            return;
        }
        self.content(job, name, data, self.names.found("git-pointer"), Form::Whole);
    }

    /// The keys that count, and what they name in the project.
    fn configuration(&mut self, job: &Job, folder: &OwnedFd, name: &[u8]) {
        let Ok(found) = data(folder, name) else { return };
        let counted = self.names.found("git-config");
        let Ok((data, Some(bytes))) = self.place.read(&job.path_of(name), FILE_MAX, job.links())
        else {
            return self.content(job, name, found, counted, Form::GitConfig);
        };
        for part in parts(Form::GitConfig, &bytes) {
            self.add(job, job.path_of(name), counted, data.stamp, part);
        }
        let keys = git_config::counted_keys(&bytes).unwrap_or_default();
        for (key, values) in keys {
            for value in values {
                self.led_to(job, counted, &key, &value);
            }
        }
    }

    /// What a key names: it was there before, or the key itself counts as new.
    fn led_to(&mut self, job: &Job, counted: Counted, key: &str, value: &str) {
        let is_include = key == "include.path" || key.starts_with("includeif.");
        let from = match (key, is_include) {
            // Git looks for hooks from the folder that the work is in.
            ("core.hookspath", _) => parent(&job.path),
            (_, true) => Some(job.path.clone()),
            (_, false) => return,
        };
        let Some(path) = from.and_then(|from| self.joined(&from, value)) else { return };
        if key == "core.hookspath" {
            return self.hooks(job, path);
        }
        const INCLUDES_MAX: usize = 20;
        self.jumps += 1;
        if self.jumps > INCLUDES_MAX {
            let there = Job { path, ..job.clone() };
            return self.unseen("too many configurations include each other", &there);
        }
        let Ok((data, Some(bytes))) = self.place.read(&path, FILE_MAX, super::Links::Within) else {
            return;
        };
        for part in parts(Form::GitConfig, &bytes) {
            self.add(job, path.clone(), counted, data.stamp, part);
        }
        let base = Job { path: parent(&path).unwrap_or_default(), ..job.clone() };
        for (key, values) in git_config::counted_keys(&bytes).unwrap_or_default() {
            if key.starts_with("include") {
                values.iter().for_each(|value| self.led_to(&base, counted, &key, value));
            }
        }
    }

    /// A path that a configuration names, below the project; nothing where it leads elsewhere.
    fn joined(&self, from: &[u8], value: &str) -> Option<Vec<u8>> {
        let value = value.as_bytes();
        let (mut names, rest): (Vec<&[u8]>, &[u8]) = match value.strip_prefix(b"/") {
            Some(_) => (Vec::new(), value.strip_prefix(self.place.path.as_slice())?),
            None => {
                (from.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).collect(), value)
            }
        };
        for name in rest.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => drop(names.pop()?),
                b"~" => return None,
                name => names.push(name),
            }
        }
        Some(names.join(b"/".as_slice()))
    }
}

fn parent(path: &[u8]) -> Option<Vec<u8>> {
    if path.is_empty() {
        return Some(Vec::new());
    }
    let slash = path.iter().rposition(|byte| *byte == b'/');
    Some(slash.and_then(|slash| path.get(..slash)).unwrap_or_default().to_vec())
}
