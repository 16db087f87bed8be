//! Keeping up with the source: what the kernel must forget when files change.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::view::NodeId;

use super::ino::{Base, Identity, Ino, SourceKind, SourceNode};
use super::tree::SourceTree;
use super::watch::{NameEvent, SourceChange};
use super::watches::FolderId;

/// Something that the kernel may have kept and that does not hold any more.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Invalidation {
    /// What a name in a directory stands for.
    Entry {
        /// The directory.
        parent: Ino,
        /// The name.
        name: OsString,
    },
    /// Attributes and content of a file or directory.
    Inode(Ino),
    /// Which names are in a directory.
    Listing(Ino),
}

impl<D> SourceTree<D> {
    /// Waits until the source changes, or for some time at most, and returns what the kernel must
    /// forget. `None` if the source is not watched.
    pub(in crate::fs) fn wait_for_changes(
        &self,
        at_most: Option<Duration>,
    ) -> io::Result<Option<Vec<Invalidation>>> {
        let Some(watcher) = &self.watcher else { return Ok(None) };
        let changes = watcher.wait(&self.root, at_most)?;
        Ok(Some(self.invalidations(changes)))
    }

    /// What the kernel must forget after changes, names before the directories that list them.
    fn invalidations(&self, changes: Vec<SourceChange>) -> Vec<Invalidation> {
        let mut stale = ToForget::default();
        let mut below = HashSet::new();
        for change in changes {
            match change {
                SourceChange::Below(path) => {
                    below.insert(path);
                }
                SourceChange::Folder { path, folder } => {
                    stale.add(Invalidation::Inode(self.folder_ino(path, folder)));
                }
                SourceChange::Name { path, folder, name, event } => {
                    self.forget_name(path, folder, name, event, &mut stale);
                }
            }
        }
        if !below.is_empty() {
            self.forget_below(&below, &mut stale);
        }
        stale.list.append(&mut stale.listings);
        stale.list
    }

    fn forget_name(
        &self,
        path: PathBuf,
        folder: FolderId,
        name: OsString,
        event: NameEvent,
        stale: &mut ToForget,
    ) {
        let child = path.join(&name);
        let parent = self.folder_ino(path, folder);
        if event != NameEvent::Changed {
            stale.add_listing(parent);
        }
        if event == NameEvent::Appeared {
            // Negative lookups are not cached, so there is nothing to forget.
            return;
        }
        let now = self.metadata(&child).ok().map(|metadata| self.node_at(&child, &metadata));
        match now {
            Some(node) if event == NameEvent::Changed && node.kind != SourceKind::Message => {
                stale.add(Invalidation::Inode(Ino::new(self.nodes.base_of(&node), NodeId(0))));
            }
            // The number of a message changes with its file.
            _ => stale.add(Invalidation::Entry { parent, name }),
        }
    }

    /// Looks again at everything known at or below some paths.
    fn forget_below(&self, paths: &HashSet<PathBuf>, stale: &mut ToForget) {
        let known = self.nodes.known();
        let folders = known.iter().filter(|(_, node)| node.kind == SourceKind::Folder);
        let mut by_path: HashMap<&Path, Vec<Base>> = HashMap::new();
        for (base, node) in folders {
            by_path.entry(&node.path).or_default().push(*base);
        }
        let is_below = |node: &Arc<SourceNode>| node.path.ancestors().any(|p| paths.contains(p));
        for (base, node) in known.iter().filter(|(_, node)| is_below(node)) {
            let ino = Ino::new(*base, NodeId(0));
            let now = self.metadata(&node.path).ok();
            let now = now.map(|metadata| self.node_at(&node.path, &metadata));
            let is_same = *base == Base::ROOT || now.is_some_and(|now| now == **node);
            match node.kind {
                SourceKind::Folder => stale.add_listing(ino),
                SourceKind::Message if is_same => {}
                _ => stale.add(Invalidation::Inode(ino)),
            }
            let (Some(above), Some(name)) = (node.path.parent(), node.path.file_name()) else {
                continue;
            };
            for parent in by_path.get(above).into_iter().flatten().filter(|_| !is_same) {
                let parent = Ino::new(*parent, NodeId(0));
                stale.add(Invalidation::Entry { parent, name: name.to_owned() });
            }
        }
    }

    fn folder_ino(&self, path: PathBuf, (device, inode): FolderId) -> Ino {
        let identity = Identity { device, inode, ..Identity::default() };
        let node = SourceNode { path, kind: SourceKind::Folder, identity };
        Ino::new(self.nodes.base_of(&node), NodeId(0))
    }
}

/// What the kernel must forget, each once, listings last: a directory that is read again must
/// not find names that are still to be forgotten.
#[derive(Debug, Default)]
struct ToForget {
    list: Vec<Invalidation>,
    listings: Vec<Invalidation>,
    known: HashSet<Invalidation>,
}

impl ToForget {
    fn add(&mut self, invalidation: Invalidation) {
        if self.known.insert(invalidation.clone()) {
            self.list.push(invalidation);
        }
    }

    fn add_listing(&mut self, directory: Ino) {
        let listing = Invalidation::Listing(directory);
        if self.known.insert(listing.clone()) {
            self.listings.push(listing);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::time::{Duration, Instant};

    use super::super::tree::SOURCE_TTL;
    use super::super::watches::WATCHED_TTL;
    use super::{Ino, Invalidation};
    use crate::fs::{Entry, Fs, Options};

    struct Stage {
        folder: tempfile::TempDir,
        fs: Fs,
    }

    impl Stage {
        /// `None` where the file system of temporary files cannot be watched.
        fn new() -> Option<Self> {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("sub")).unwrap();
            fs::write(folder.path().join("a.msg"), "a").unwrap();
            fs::write(folder.path().join("b.txt"), "b").unwrap();
            let fs =
                Fs::open(folder.path(), Options { watch: true, ..Options::default() }).unwrap();
            let stage = Self { folder, fs };
            stage.look_up(Ino::ROOT, "b.txt");
            let is_watched = stage.fs.source.watches() > 0;
            if !is_watched {
                println!("SKIPPED: no watches on this file system");
            }
            is_watched.then_some(stage)
        }

        fn look_up(&self, parent: Ino, name: &str) -> Entry {
            self.fs.lookup(parent, OsStr::new(name)).unwrap()
        }

        /// Waits until all that is expected is to be forgotten.
        fn expect(&self, expected: &[Invalidation]) {
            let end = Instant::now() + Duration::from_secs(20);
            let mut found = Vec::new();
            while !expected.iter().all(|one| found.contains(one)) {
                assert!(Instant::now() < end, "only {found:?}");
                found.extend(self.fs.wait_for_changes(None).unwrap().unwrap());
            }
        }

        fn entry(parent: Ino, name: &str) -> Invalidation {
            Invalidation::Entry { parent, name: name.into() }
        }
    }

    #[test]
    fn what_is_watched_holds_longer() {
        let Some(stage) = Stage::new() else { return };
        assert_eq!(stage.look_up(Ino::ROOT, "a.msg").ttl, WATCHED_TTL);
        assert_eq!(stage.look_up(Ino::ROOT, "b.txt").ttl, WATCHED_TTL);
        // Not watched yet, so its own attributes may change unseen.
        let sub = stage.look_up(Ino::ROOT, "sub");
        assert_eq!(sub.ttl, SOURCE_TTL);
        stage.fs.readdir(sub.attr.ino, 0, false, &mut |_| false).unwrap();
        assert_eq!(stage.look_up(Ino::ROOT, "sub").ttl, WATCHED_TTL);
        // A second name may be written to from anywhere.
        let other = tempfile::tempdir().unwrap();
        if fs::hard_link(stage.folder.path().join("b.txt"), other.path().join("b")).is_ok() {
            assert_eq!(stage.look_up(Ino::ROOT, "b.txt").ttl, SOURCE_TTL);
        }
    }

    #[test]
    fn without_a_watch_all_is_looked_at_again() {
        let Some(stage) = Stage::new() else { return };
        let fs = Fs::open(stage.folder.path(), Options::default()).unwrap();
        assert_eq!(fs.lookup(Ino::ROOT, OsStr::new("a.msg")).unwrap().ttl, SOURCE_TTL);
        assert_eq!(fs.wait_for_changes(None).unwrap(), None);
    }

    #[test]
    fn changes_tell_what_to_forget() {
        let Some(stage) = Stage::new() else { return };
        let path = |name: &str| stage.folder.path().join(name);
        let listing = Invalidation::Listing(Ino::ROOT);
        fs::write(path("a.msg"), "changed").unwrap();
        stage.expect(&[Stage::entry(Ino::ROOT, "a.msg")]);
        let other = stage.look_up(Ino::ROOT, "b.txt").attr.ino;
        fs::write(path("b.txt"), "changed").unwrap();
        stage.expect(&[Invalidation::Inode(other)]);
        fs::write(path("c.msg"), "c").unwrap();
        stage.expect(std::slice::from_ref(&listing));
        fs::rename(path("c.msg"), path("a.msg")).unwrap();
        stage.expect(&[
            Stage::entry(Ino::ROOT, "c.msg"),
            Stage::entry(Ino::ROOT, "a.msg"),
            listing.clone(),
        ]);
        fs::remove_file(path("a.msg")).unwrap();
        stage.expect(&[Stage::entry(Ino::ROOT, "a.msg"), listing]);
    }

    #[test]
    fn a_moved_folder_takes_all_in_it_along() {
        let Some(stage) = Stage::new() else { return };
        let path = |name: &str| stage.folder.path().join(name);
        fs::create_dir(path("sub/deep")).unwrap();
        fs::write(path("sub/deep/d.msg"), "d").unwrap();
        let sub = stage.look_up(Ino::ROOT, "sub").attr.ino;
        let deep = stage.look_up(sub, "deep").attr.ino;
        assert_eq!(stage.look_up(deep, "d.msg").ttl, WATCHED_TTL);
        assert_eq!(stage.fs.source.watches(), 3);
        fs::rename(path("sub"), path("moved")).unwrap();
        stage.expect(&[
            Stage::entry(Ino::ROOT, "sub"),
            Stage::entry(sub, "deep"),
            Stage::entry(deep, "d.msg"),
        ]);
        assert_eq!(stage.fs.source.watches(), 1);
        assert!(stage.fs.lookup(deep, OsStr::new("d.msg")).is_err());
        let moved = stage.look_up(Ino::ROOT, "moved").attr.ino;
        let deep = stage.look_up(moved, "deep").attr.ino;
        assert_eq!(stage.look_up(deep, "d.msg").ttl, WATCHED_TTL);
        fs::remove_dir_all(path("moved")).unwrap();
        stage.expect(&[Stage::entry(Ino::ROOT, "moved"), Stage::entry(deep, "d.msg")]);
    }

    #[test]
    fn an_event_about_a_folder_does_not_end_the_watch_on_its_successor() {
        let Some(stage) = Stage::new() else { return };
        let path = |name: &str| stage.folder.path().join(name);
        let message = |folder: &str| {
            let folder = stage.look_up(Ino::ROOT, folder).attr.ino;
            let deep = stage.look_up(folder, "deep").attr.ino;
            assert_eq!(stage.look_up(deep, "d.msg").ttl, WATCHED_TTL);
            deep
        };
        fs::create_dir(path("sub/deep")).unwrap();
        fs::write(path("sub/deep/d.msg"), "d").unwrap();
        message("sub");
        fs::rename(path("sub"), path("moved")).unwrap();
        fs::create_dir_all(path("sub/deep")).unwrap();
        fs::write(path("sub/deep/d.msg"), "other").unwrap();
        // Both are told and watched before the first event is read.
        let (moved, sub) = (message("moved"), message("sub"));
        stage.expect(&[Stage::entry(Ino::ROOT, "sub")]);
        assert_eq!(stage.fs.source.watches(), 5);
        fs::write(path("moved/deep/d.msg"), "changed").unwrap();
        fs::write(path("sub/deep/d.msg"), "changed too").unwrap();
        stage.expect(&[Stage::entry(moved, "d.msg"), Stage::entry(sub, "d.msg")]);
    }
}
