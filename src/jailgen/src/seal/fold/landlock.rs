//! The Landlock layer, from what the mounts grant: what is writable inside may be written, and
//! nothing else (landlock(7)).

use std::collections::BTreeSet;

use jail_plan::{
    Beneath, FoundAtLaunch, Handled, HostText, InsideOp, Landlock, LandlockRule, Missing,
    Namespace, Origin, Reach, Service, Session, Step,
};
use jail_policy::{Entry, Wall};

use super::EVERY_JAIL;

/// What the grants of a policy say about the wall.
#[derive(Default)]
pub(super) struct Wish {
    wall: Option<(Wall, Origin)>,
    least: Option<(u32, Origin)>,
    nested: bool,
}

impl Wish {
    pub(super) fn wall(&mut self, wall: Wall, entry: &Entry) {
        self.wall = Some((wall, entry.by.to_string()));
    }

    /// Under rules about files the kernel refuses every mount, and a nested sandbox is made of
    /// mounts.
    pub(super) fn nested(&mut self) {
        self.nested = true;
    }

    pub(super) fn least(&mut self, least: u32, entry: &Entry) {
        self.least = Some((least, entry.by.to_string()));
    }

    /// The wall around what `inside` puts in place.
    pub(super) fn lower(
        self,
        inside: &[Step<InsideOp>],
        namespaces: &BTreeSet<Namespace>,
        store: &str,
    ) -> Landlock {
        let wall = self.wall.as_ref().map_or(Wall::Writes, |(wall, _)| *wall);
        let nested = self.nested;
        let files = if nested { &[] } else { files(wall) };
        let (least, by) = self.demanded();
        let mut landlock = Landlock {
            handles: handles(files, inside, namespaces),
            rules: Vec::new(),
            bind: Vec::new(),
            connect: Vec::new(),
            least,
            by,
        };
        let rules = inside.iter().flat_map(|step| landlock.rules_of(step, store));
        let standard =
            LandlockRule::Standard(FoundAtLaunch { reach: Reach::Device, by: EVERY_JAIL.into() });
        landlock.rules = rules.chain([standard]).collect();
        if wall == Wall::Writes && !nested {
            read_what_is_mounted(&mut landlock);
        }
        landlock
    }

    /// A wall that the spec names stops the launch where the kernel cannot build it; the one that
    /// every jail has is as high as the kernel can.
    fn demanded(self) -> (u32, Origin) {
        let named = self.wall.map(|(wall, by)| (least(wall), by));
        named.into_iter().chain(self.least).max_by_key(|(least, _)| *least).unwrap_or_default()
    }
}

/// The ABI with all rights on files of a level. Before 3, a file that cannot be
/// written could be emptied.
fn least(wall: Wall) -> u32 {
    match wall {
        Wall::Writes => Handled::Writes.since(),
        Wall::Full => 3,
    }
}

fn files(wall: Wall) -> &'static [Handled] {
    match wall {
        Wall::Writes => &[Handled::Writes, Handled::Devices, Handled::Sockets],
        Wall::Full => &[
            Handled::Writes,
            Handled::Reads,
            Handled::Execution,
            Handled::Devices,
            Handled::Sockets,
        ],
    }
}

/// Whatever is in the jail may be read, by one rule about its root. What is left is a folder that
/// another process hands in as a descriptor: no mount of the jail leads there.
fn read_what_is_mounted(landlock: &mut Landlock) {
    landlock.handles.insert(0, Handled::Reads);
    let (path, missing) = (HostText::Literal("/".into()), Missing::Fail);
    let root = Beneath { path, reach: Reach::Ro, missing, by: EVERY_JAIL.into() };
    landlock.rules.push(LandlockRule::Path(root));
}

fn handles(
    files: &[Handled],
    inside: &[Step<InsideOp>],
    namespaces: &BTreeSet<Namespace>,
) -> Vec<Handled> {
    let mut handles = files.to_vec();
    // An X client tries the abstract socket first, and uses the one with a path only if no server
    // listens there.
    let x11 = InsideOp::Session(Session { service: Service::X11 });
    if !inside.iter().any(|step| step.op == x11) {
        handles.push(Handled::AbstractSockets);
    }
    // A jail that shares the host's processes may signal them: that is what it was granted.
    if namespaces.contains(&Namespace::Pid) {
        handles.push(Handled::Signals);
    }
    handles
}
