//! Programs of the host that write to a name while what stands there is moved aside.

use std::fs;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use rustix::fs::{OFlags, open};

use super::*;

struct World {
    folder: tempfile::TempDir,
    place: Place,
    store: Store,
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path().join("project");
    fs::create_dir(&project).expect("a folder");
    let opened = open(&project, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty());
    let place = Place::new(opened.expect("it"), project.into_os_string().into_encoded_bytes());
    let store = Store::create(&folder.path().join("state"), &place.path).expect("a store");
    World { folder, place, store }
}

impl World {
    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("project").join(name)
    }

    /// What is held, by its content.
    fn held(&self) -> Vec<Vec<u8>> {
        all(&self.store).expect("it").into_iter().map(|(_, held)| held.content).collect()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).expect("a folder").flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

/// As editors save: a new file, renamed over the name.
fn save(path: &Path, content: &str, spins: usize) {
    let fresh = path.with_extension("new");
    fs::write(&fresh, content).expect("a file");
    (0..spins).for_each(|_| std::hint::spin_loop());
    fs::rename(&fresh, path).expect("renamed");
}

#[test]
fn what_a_program_saves_at_that_moment_is_not_lost() {
    let world = world();
    let path = world.path(".envrc");
    for round in 0..1000 {
        let mine = format!("mine {round}");
        fs::write(&path, format!("evil {round}")).expect("a file");
        let begin = Barrier::new(2);
        thread::scope(|threads| {
            threads.spawn(|| {
                begin.wait();
                save(&path, &mine, round % 100 * 60);
            });
            begin.wait();
            let _ = hold_one(&world.place, &world.store, b".envrc");
        });
        let there = fs::read_to_string(&path).unwrap_or_default();
        let is_held = world.held().iter().any(|held| held == mine.as_bytes());
        assert!(there == mine || is_held, "{round}: `{there}`, {:?}", world.names());
        restore(&world.place, &world.store, |_| true).expect("brought back");
        for name in world.store.held().expect("it") {
            world.store.remove(&format!("held/{name}")).expect("removed");
        }
        assert_eq!(world.names(), [".envrc"], "{round}");
    }
}

#[test]
fn what_is_not_what_was_looked_at_keeps_its_name() {
    let world = world();
    let (folder, name) = parent(&world.place, b".envrc", Make::Nothing).expect("the project");
    let (path, other) = (world.path(".envrc"), world.path("other"));
    let taken =
        |before: &Data| take_away(&folder, name, before, |_| panic!("nothing else has its name"));
    fs::write(&path, "evil").expect("a file");
    let before = data(&folder, name).expect("it");
    fs::write(&other, "evil").expect("a file");
    fs::rename(&other, &path).expect("renamed");
    assert!(taken(&before).is_err());
    assert_eq!(world.names(), [".envrc"]);
    // The control: the one that is there.
    taken(&data(&folder, name).expect("it")).expect("taken away");
    assert_eq!(world.names(), [""; 0]);
    // In its place was made what cannot be read.
    rustix::fs::mknodat(&folder, name, FileType::Fifo, Mode::RUSR, 0).expect("a pipe");
    assert!(taken(&before).is_err());
    assert_eq!(world.names(), [".envrc"]);
    taken(&data(&folder, name).expect("it")).expect("taken away");
}

#[test]
fn a_copy_of_what_was_not_moved_aside_is_not_kept() {
    let world = world();
    fs::write(world.path(".envrc"), "evil").expect("a file");
    let (folder, name) = parent(&world.place, b".envrc", Make::Nothing).expect("the project");
    let (_, copy) = Copy::make(&world.store, b".envrc", &folder, name).expect("a copy");
    copy.discard(&world.store).expect("removed");
    assert_eq!(world.held(), [b""; 0]);
    // But that of the same content that was moved aside before.
    hold_one(&world.place, &world.store, b".envrc").expect("moved aside");
    fs::write(world.path(".envrc"), "evil").expect("a file");
    let (_, copy) = Copy::make(&world.store, b".envrc", &folder, name).expect("a copy");
    copy.discard(&world.store).expect("kept");
    assert_eq!(world.held(), [b"evil"]);
}
