//! A tree of the host, read-only, with the targets of its symbolic links in their
//! stead: configuration that consists of links to other places works inside, where
//! those places do not exist.
//!
//! A folder without links that leave the tree is bound as a whole. If there are such
//! links, folders in memory replace the host's, and each file and each untouched folder in
//! them is a mount of its own.

use alloc::vec::Vec;

use jail_plan::{Access, Deep, Missing};
use rustix::fd::OwnedFd;
use rustix::fs::{FileType, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::failure::{About, Problem};
use crate::host::{self, Identity};
use crate::inside::bind::confine;
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Launch, Root, file, listing};

/// Bounds of one tree: how much is read, how many mounts are made, how deep it is.
const ENTRIES_MAX: usize = 200_000;
const MOUNTS_MAX: usize = 8_192;
const DEPTH_MAX: usize = 64;
/// A list of name servers is replaced rather than written by the program that manages it, and a
/// mount would keep the old one.
const BY_CONTENT: &[u8] = b"/etc/resolv.conf";
const CONTENT_MAX: usize = 1024 * 1024;

/// What is at one place inside.
enum Item {
    Folder,
    Tree(OwnedFd, BindKind),
    Content(Vec<u8>),
    Link(Vec<u8>),
}

/// What was found at launch, before there is a root to put it in.
pub(crate) struct DeepTree {
    pub(crate) to: Vec<u8>,
    items: Vec<(Vec<u8>, Item)>,
    /// Links that lead nowhere, which are kept.
    pub(crate) dangling: Vec<Vec<u8>>,
    /// Places in it at which nothing of the host may be visible.
    covered: Vec<Vec<u8>>,
}

/// Reads the tree. `None`: it does not exist, and the plan allows that.
pub(crate) fn find(op: &Deep, launch: &Launch<'_>) -> Result<Option<DeepTree>, Problem> {
    let from = launch.caller.path(&op.from)?;
    let to = from.as_str().as_bytes();
    let place = match (launch.paths.open(to), op.missing) {
        (Err(problem), Missing::Skip) if problem.is(&[Errno::NOENT]) => return Ok(None),
        (other, Missing::Skip | Missing::Fail) => other?,
    };
    let mut walk = Walk {
        launch,
        top: to,
        items: Vec::new(),
        dangling: Vec::new(),
        covered: Vec::new(),
        entries: 0,
    };
    if to == BY_CONTENT {
        let content = launch.paths.read(to, CONTENT_MAX)?;
        walk.items.push((to.into(), Item::Content(content)));
    } else if walk.visit(&place, to, &mut Vec::new())? == Seen::Whole {
        walk.add_tree(&place, to)?;
    }
    let Walk { items, dangling, covered, .. } = walk;
    Ok(Some(DeepTree { to: to.into(), items, dangling, covered }))
}

impl DeepTree {
    /// Puts it in place.
    pub(crate) fn attach(self, root: &mut Root) -> Result<(), Problem> {
        let mut made = false;
        for (path, item) in self.items {
            match item {
                Item::Tree(tree, kind) => root.attach_at(tree, &path, kind)?,
                Item::Link(target) => file::link(root, text(&path)?, text(&target)?)?,
                Item::Content(content) => file::write(root, text(&path)?, &content, 0o444)?,
                // The first folder is the tree's own. In a filesystem of the launch's own,
                // nothing is made on the host.
                Item::Folder if path == self.to => {
                    root.tmpfs(text(&path)?, 0o755, None)?;
                    made = true;
                }
                Item::Folder => root.directory(text(&path)?, 0o755)?,
            }
        }
        self.covered.iter().try_for_each(|covered| root.cover(covered, Access::ReadOnly))?;
        if made { root.read_only(&self.to) } else { Ok(()) }
    }
}

fn text(path: &[u8]) -> Result<&str, Problem> {
    core::str::from_utf8(path).map_err(|_| Problem::new(path, "the name is not UTF-8"))
}

/// A folder or file, once it has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    /// Nothing in it leaves the tree: it can be bound unchanged.
    Whole,
    /// It is among the items, part by part.
    Parts,
}

struct Walk<'a> {
    launch: &'a Launch<'a>,
    top: &'a [u8],
    items: Vec<(Vec<u8>, Item)>,
    dangling: Vec<Vec<u8>>,
    covered: Vec<Vec<u8>>,
    entries: usize,
}

impl Walk<'_> {
    /// Reads what is at `place` on the host, for the place `to` inside. `above`
    /// are the folders on the way.
    fn visit(
        &mut self,
        place: &OwnedFd,
        to: &[u8],
        above: &mut Vec<Identity>,
    ) -> Result<Seen, Problem> {
        if BindKind::from_file(place).about(to)? == BindKind::File {
            return Ok(Seen::Whole);
        }
        if above.len() >= DEPTH_MAX {
            return Err(Problem::new(to, "the tree is too deep"));
        }
        let names = match listing::names(place, ENTRIES_MAX) {
            // What the user cannot read, the payload cannot either.
            Err(Errno::ACCESS) => return Ok(Seen::Whole),
            other => other.about(to)?,
        };
        above.push(Identity::from_file(place).about(to)?);
        let start = self.items.len();
        self.items.push((to.into(), Item::Folder));
        let mut whole = Vec::new();
        let mut parts = false;
        for name in names {
            self.count(to)?;
            let path = [to, b"/", name.as_slice()].concat();
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let child =
                openat(place, name.as_slice(), flags, Mode::empty()).about(path.as_slice())?;
            match self.child(&child, place, &path, above)? {
                Seen::Whole => whole.push((path, child)),
                Seen::Parts => parts = true,
            }
        }
        above.pop();
        if !parts {
            self.items.truncate(start);
            return Ok(Seen::Whole);
        }
        for (path, child) in whole {
            self.add_tree(&child, &path)?;
        }
        Ok(Seen::Parts)
    }

    fn count(&mut self, to: &[u8]) -> Result<(), Problem> {
        self.entries += 1;
        if self.entries > ENTRIES_MAX {
            return Err(Problem::new(to, "the tree is too large to follow its links"));
        }
        Ok(())
    }

    fn child(
        &mut self,
        child: &OwnedFd,
        folder: &OwnedFd,
        path: &[u8],
        above: &mut Vec<Identity>,
    ) -> Result<Seen, Problem> {
        let stat = rustix::fs::fstat(child).about(path)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
            return self.visit(child, path, above);
        }
        if self.stays(child, path)? {
            return Ok(Seen::Whole);
        }
        match self.follow(folder, path)? {
            Some(target) if !above.contains(&Identity::from_file(&target).about(path)?) => {
                if self.visit(&target, path, above)? == Seen::Whole {
                    self.add_tree(&target, path)?;
                }
                Ok(Seen::Parts)
            }
            // A link to a folder that contains it would have no end, and one that
            // leads nowhere has no target.
            Some(_) | None => {
                self.dangling.push(path.into());
                Ok(Seen::Whole)
            }
        }
    }

    /// Whether a link stays in the tree by its text: then it works inside unchanged.
    fn stays(&self, link: &OwnedFd, path: &[u8]) -> Result<bool, Problem> {
        let target = rustix::fs::readlinkat(link, c"", Vec::new()).about(path)?.into_bytes();
        let parent = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        let absolute = match target.first() {
            Some(b'/') => target,
            _ => [path.get(..=parent).unwrap_or_default(), &target].concat(),
        };
        let mut names: Vec<&[u8]> = Vec::new();
        for name in absolute.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => drop(names.pop()),
                name => names.push(name),
            }
        }
        let top = self.top.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        let mut rest = names.iter();
        Ok(top.into_iter().all(|name| rest.next() == Some(&name)))
    }

    /// The target of a link on the host. The path of its folder is the real
    /// one, however it was reached.
    fn follow(&self, folder: &OwnedFd, path: &[u8]) -> Result<Option<OwnedFd>, Problem> {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let real = host::path_of(folder).about(path)?;
        match host::open(&[&real, b"/".as_slice(), name].concat(), self.launch.paths.trees()) {
            Ok(target) => Ok(Some(target)),
            Err(problem)
                if problem.is(&[Errno::NOENT, Errno::NOTDIR, Errno::LOOP, Errno::ACCESS]) =>
            {
                Ok(None)
            }
            Err(problem) => Err(problem),
        }
    }

    fn add_tree(&mut self, place: &OwnedFd, path: &[u8]) -> Result<(), Problem> {
        if self.items.len() >= MOUNTS_MAX {
            return Err(Problem::new(self.top, "its links would need too many mounts")
                .help("grant the folders that they lead to, with `readonly`"));
        }
        let stat = rustix::fs::fstat(place).about(path)?;
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            let target = rustix::fs::readlinkat(place, c"", Vec::new()).about(path)?;
            self.items.push((path.into(), Item::Link(target.into_bytes())));
            return Ok(());
        }
        let kind = BindKind::from_file(place).about(path)?;
        self.covered.extend(self.launch.own_state_in(place, path, Access::ReadOnly, path)?);
        let tree = tree::clone_tree(place, Depth::All).about(path)?;
        confine(&tree, Access::ReadOnly).about(path)?;
        self.items.push((path.into(), Item::Tree(tree, kind)));
        Ok(())
    }
}
