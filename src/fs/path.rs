//! Paths that lead from a real folder into a message, as if the folder were mounted.
//!
//! The command line reads without a mount through [`Place`], and gets the same names and bytes as
//! the kernel. Knows nothing of what is printed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::vec;

use crate::imsg::Defect;
use crate::mail::Mail;
use crate::view::{self, Findings, MessageTree, NodeId, ShownMessage};

use super::error::{message_error, source_error};
use super::source::SourceFolder;
use super::source::attr::{Attr, FileType};
use super::source::ino::{Base, Ino, SourceKind};
use super::{Entry, Error, Fs, NamedEntry, Options, control};

/// A file or directory of a tree that is not mounted.
#[derive(Debug)]
pub struct Place {
    fs: Arc<Fs>,
    entry: Entry,
    path: PathBuf,
}

/// A walk through the files of a folder of the source, sorted by name. It keeps the folder open, so
/// that each file costs one system call to look at.
#[derive(Debug)]
pub struct FolderWalk {
    folder: Place,
    names: vec::IntoIter<OsString>,
    /// `None` before the first file, and after [`FolderWalk::pause`].
    open: Option<SourceFolder>,
}

/// Opens paths. Paths in the same folder that follow each other share one [`Fs`].
#[derive(Debug)]
pub struct PathOpener {
    options: Options,
    last: Option<(PathBuf, Arc<Fs>)>,
}

/// At most this many symbolic links are followed, as in Linux (`MAXSYMLINKS`).
const LINKS_MAX: usize = 40;

impl PathOpener {
    /// Paths are shown with these options.
    pub fn new(options: Options) -> Self {
        Self { options, last: None }
    }

    /// Opens a folder, a file, or a path that leads into a message. Links on the way are
    /// followed.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotADirectory`], or where the source cannot be read.
    pub fn open(&mut self, path: &Path) -> Result<Place, Error> {
        self.open_as(path, path)
    }

    /// Opens a path that is shown as another one.
    ///
    /// # Errors
    /// As [`PathOpener::open`].
    pub fn open_as(&mut self, path: &Path, shown: &Path) -> Result<Place, Error> {
        let (real, inside) = split(path)?;
        let metadata = real.metadata().map_err(|error| source_error(&real, error))?;
        let (folder, name) = match (metadata.is_dir(), real.parent(), real.file_name()) {
            (false, Some(folder), Some(name)) => (folder, Some(name)),
            _ => (real.as_path(), None),
        };
        let fs = self.fs(folder)?;
        let start = Place::root(&fs, shown)?;
        let start = match name {
            Some(name) => start.child(name)?,
            None => start,
        };
        start.descend(inside)?.named(shown)
    }

    /// Opens a file that has no name in any folder as a message, or a path in it.
    ///
    /// # Errors
    /// As [`PathOpener::open`].
    pub fn open_file(&mut self, file: File, path: &Path, inside: &Path) -> Result<Place, Error> {
        let fs = Fs::of_file(file, self.options.clone());
        let fs = Arc::new(fs.map_err(|error| source_error(path, error))?);
        let inside = inside.components().map(|one| one.as_os_str().to_owned()).collect();
        Place::root(&fs, path)?.descend(inside)?.named(path)
    }

    fn fs(&mut self, folder: &Path) -> Result<Arc<Fs>, Error> {
        if let Some((last, fs)) = &self.last
            && last == folder
        {
            return Ok(Arc::clone(fs));
        }
        let fs = Fs::open(folder, self.options.clone());
        let fs = Arc::new(fs.map_err(|error| source_error(folder, error))?);
        self.last = Some((folder.to_owned(), Arc::clone(&fs)));
        Ok(fs)
    }
}

impl Place {
    /// The same under the path as it was asked for. A path that ends in a slash is that of a
    /// directory.
    fn named(mut self, path: &Path) -> Result<Self, Error> {
        let ends_in_slash = path.as_os_str().as_bytes().ends_with(b"/");
        if ends_in_slash && self.attr().file_type == FileType::RegularFile {
            return Err(Error::NotADirectory);
        }
        self.path = path.to_owned();
        Ok(self)
    }

    /// The path as it was asked for.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its attributes.
    pub fn attr(&self) -> &Attr {
        &self.entry.attr
    }

    /// Whether it is a folder of the source, which holds messages and other files.
    pub fn is_folder(&self) -> bool {
        let (base, id) = self.ino().parts();
        let node =
            self.fs.source.node(base).ok().filter(|_| id == NodeId(0) && base != Base::CONTROL);
        node.is_some_and(|node| node.kind == SourceKind::Folder)
    }

    /// Whether it is a message file of the source.
    pub fn is_message(&self) -> bool {
        self.fs.is_message(self.ino())
    }

    /// Whether it is the directory of a message that can be opened: that of a message file, or one
    /// inside of another message.
    pub fn is_readable_message(&self) -> bool {
        self.ask_tree(MessageTree::is_readable).unwrap_or(false)
    }

    /// Whether it stands for a message: a message file, also if there is no message in it, or a
    /// message inside of another one.
    pub fn shows_message(&self) -> bool {
        self.is_message() || self.is_readable_message()
    }

    /// Whether it lies in a message, and so cannot change while it is open.
    pub fn is_in_message(&self) -> bool {
        self.ino().parts().1 != NodeId(0)
    }

    /// The entries of a directory, sorted by name. Nothing is rendered for it.
    ///
    /// # Errors
    /// As [`Fs::readdir`].
    pub fn list(&self) -> Result<Vec<NamedEntry>, Error> {
        let mut names = self.names()?;
        names.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(names)
    }

    /// Begins a walk through the files of a folder of the source.
    ///
    /// # Errors
    /// [`Error::NotADirectory`] of anything else, others where the folder cannot be read.
    pub fn walk(&self) -> Result<FolderWalk, Error> {
        if !self.is_folder() {
            return Err(Error::NotADirectory);
        }
        let path = &self.fs.source.node(self.ino().parts().0)?.path;
        let names = self.fs.source.root.names(path);
        let mut names = names.map_err(|error| source_error(path, error))?;
        names.sort_unstable();
        Ok(FolderWalk { folder: self.again(), names: names.into_iter(), open: None })
    }

    fn names(&self) -> Result<Vec<NamedEntry>, Error> {
        let (base, _) = self.ino().parts();
        if base == Base::CONTROL {
            let mut found = Vec::new();
            self.fs.readdir(self.ino(), 2, false, &mut |child| {
                let (name, file_type) = (child.name.to_owned(), child.entry.attr.file_type);
                found.push(NamedEntry { name, file_type, is_message: false });
                false
            })?;
            return Ok(found);
        }
        if let Some((message, id)) = self.fs.message_of(self.ino())? {
            return self.fs.messages.list_names(&message, id);
        }
        let node = self.fs.source.node(base)?;
        match node.kind {
            SourceKind::Folder => self.fs.source.list_names(&node.path),
            SourceKind::OwnMountPoint => Ok(Vec::new()),
            SourceKind::Other | SourceKind::Message | SourceKind::OneMessage => {
                Err(Error::NotADirectory)
            }
        }
    }

    /// An entry of a directory, listed or not.
    ///
    /// # Errors
    /// As [`Fs::lookup`].
    pub fn child(&self, name: &OsStr) -> Result<Self, Error> {
        Ok(self.entered(name, self.fs.lookup(self.ino(), name)?))
    }

    fn entered(&self, name: &OsStr, entry: Entry) -> Self {
        Self { fs: Arc::clone(&self.fs), entry, path: self.path.join(name) }
    }

    /// At most `size` bytes of a file from `offset`: fewer only at its end.
    ///
    /// # Errors
    /// As [`Fs::read_at`].
    pub fn read(&self, offset: u64, size: usize) -> Result<Vec<u8>, Error> {
        self.fs.read(self.ino(), offset, size)
    }

    /// Reads the file from `offset` into `buffer`. Returns how many bytes: fewer than it has room
    /// for only at the end.
    ///
    /// # Errors
    /// As [`Fs::read_at`].
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<usize, Error> {
        self.fs.read_at(self.ino(), offset, buffer)
    }

    /// What cannot be read of a message directory and all that is in it, or of a file in a message.
    pub fn losses(&self) -> Result<Vec<Defect>, Error> {
        let Some((message, id)) = self.fs.message_of(self.ino())? else { return Ok(Vec::new()) };
        Ok(self.fs.messages.open(&message)?.tree.losses(id))
    }

    /// Checks that no part is missing of the values that this file is made of, as each read through
    /// a mount does.
    ///
    /// # Errors
    /// As [`MessageTree::check_whole`].
    pub fn check_whole(&self) -> Result<(), Error> {
        match self.fs.message_of(self.ino())? {
            Some(_) => self.ask_tree(MessageTree::check_whole),
            None => Ok(()),
        }
    }

    /// What `ERRORS` says in a message directory: what cannot be read of the message itself.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is no such directory.
    pub fn own_defects(&self) -> Result<Vec<Defect>, Error> {
        self.ask_tree(MessageTree::own_defects)
    }

    /// The message in a message that this directory shows.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is no such directory, others where it cannot be opened.
    pub fn mail(&self) -> Result<Mail, Error> {
        self.ask_tree(MessageTree::mail)
    }

    /// The message whose attachments this directory shows, and what cannot be read of that message.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is no such directory, others where it cannot be opened.
    pub fn mail_of_attachments(&self) -> Result<(Mail, Vec<Defect>), Error> {
        self.ask_tree(MessageTree::mail_of_attachments)
    }

    /// Which message of a message file it shows; `None` if it shows none.
    ///
    /// # Errors
    /// Where the message that it lies in cannot be read.
    pub fn shown_message(&self) -> Result<Option<ShownMessage>, Error> {
        match self.ask_tree(MessageTree::shown_message) {
            Err(Error::NotFound) => Ok(None),
            shown => shown,
        }
    }

    /// Asks the tree of the message that it lies in, with its number there.
    fn ask_tree<T>(
        &self,
        ask: impl FnOnce(&MessageTree, NodeId) -> Result<T, view::Error>,
    ) -> Result<T, Error> {
        let (message, id) = self.fs.message_of(self.ino())?.ok_or(Error::NotFound)?;
        let open = self.fs.messages.open(&message)?;
        ask(&open.tree, id).map_err(|error| message_error(&open.path, error))
    }

    /// The file of the source that this is, opened for reading.
    ///
    /// # Errors
    /// Where the source cannot be read; [`Error::NotADirectory`] for what lies in a message.
    pub fn open_source(&self) -> Result<File, Error> {
        let node = self.fs.source.node(self.ino().parts().0)?;
        if self.is_in_message() {
            return Err(Error::NotADirectory);
        }
        self.fs.source.root.open_file(&node.path).map_err(|error| source_error(&node.path, error))
    }

    /// Reads the whole message that this is, or lies in, and returns what is damaged and what is to
    /// be noted.
    ///
    /// # Errors
    /// As [`Fs::check`].
    pub fn check(&self) -> Result<Findings, Error> {
        self.fs.check(self.ino())
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    /// As [`Fs::readlink`].
    pub fn read_link(&self) -> Result<PathBuf, Error> {
        Ok(OsString::from_vec(self.fs.readlink(self.ino())?).into())
    }

    fn root(fs: &Arc<Fs>, path: &Path) -> Result<Self, Error> {
        let entry = fs.getattr(Ino::ROOT)?;
        Ok(Self { fs: Arc::clone(fs), entry, path: path.to_owned() })
    }

    fn ino(&self) -> Ino {
        self.entry.attr.ino
    }

    /// Follows names, and the links between the files of a message.
    fn descend(self, names: Vec<OsString>) -> Result<Self, Error> {
        let mut links = 0;
        let mut rest = names;
        'again: loop {
            let mut done: Vec<OsString> = Vec::new();
            let mut place = self.again();
            for (at, name) in rest.iter().enumerate() {
                place = place.child(name)?;
                if place.attr().file_type == FileType::Symlink {
                    links += 1;
                    let behind = rest.get(at + 1..).unwrap_or_default();
                    rest = joined(done, &place.read_link()?, behind)?;
                    if links > LINKS_MAX {
                        return Err(Error::NotFound);
                    }
                    continue 'again;
                }
                done.push(name.clone());
            }
            return Ok(place);
        }
    }

    /// The same place with a reference of its own.
    pub(crate) fn again(&self) -> Self {
        let (base, _) = self.ino().parts();
        self.fs.source.nodes.look_up_inside(base, 1);
        Self { fs: Arc::clone(&self.fs), entry: self.entry, path: self.path.clone() }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (base, _) = self.ino().parts();
        if let Some(gone) = self.fs.source.nodes.forget(base, 1) {
            // A command does not come back to a message. What is kept only takes memory, and the
            // time that new memory takes.
            self.fs.messages.release(&gone);
        }
    }
}

impl FolderWalk {
    /// Closes the folder until the next file is asked for: in a deep tree, the folders around would
    /// take all descriptors.
    pub fn pause(&mut self) {
        self.open = None;
    }

    fn look_up(&mut self, name: &OsStr) -> Result<Entry, Error> {
        let Place { fs, .. } = &self.folder;
        let parent = self.folder.ino();
        if parent == Ino::ROOT && name == control::DIRECTORY {
            return fs.lookup(parent, name);
        }
        let node = fs.source.node(parent.parts().0)?;
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let folder = fs.source.root.folder(&node.path);
                none.insert(folder.map_err(|error| source_error(&node.path, error))?)
            }
        };
        let path = node.path.join(name);
        let metadata = fs.source.metadata_in(open, name, &path);
        fs.source_entry(&path, metadata, true, None)
    }
}

impl Iterator for FolderWalk {
    /// A file, or the path of one that cannot be looked at and why. Files that are gone since the
    /// folder was listed, or hidden, are left out.
    type Item = Result<Place, (PathBuf, Error)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let name = self.names.next()?;
            match self.look_up(&name) {
                Err(Error::NotFound) => {}
                Ok(entry) => return Some(Ok(self.folder.entered(&name, entry))),
                Err(error) => return Some(Err((self.folder.path.join(&name), error))),
            }
        }
    }
}

/// Splits a path into what exists, with every link resolved, and the names behind it, which are
/// looked up in it.
fn split(path: &Path) -> Result<(PathBuf, Vec<OsString>), Error> {
    let failed = |error: io::Error| source_error(path, error);
    let mut real = PathBuf::new();
    let mut components = path.components();
    let mut inside = Vec::new();
    while let Some(component) = components.next() {
        let next = real.join(component);
        match next.metadata() {
            Ok(metadata) if metadata.is_dir() => real = next,
            Ok(_) => {
                let file = next.canonicalize().map_err(failed)?;
                // As in a mount, `..` leads from a message into its folder.
                inside = match normalized(&mut components) {
                    Some(inside) => inside,
                    None => {
                        let folder = file.parent().unwrap_or(Path::new("/"));
                        return split(&folder.join(components.as_path()));
                    }
                };
                return Ok((file, inside));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // No such file exists, so it can only be one that msgfs adds to the folder, such as
                // `.msgfs`.
                inside.push(component.as_os_str().to_owned());
                inside.extend(normalized(&mut components).ok_or(Error::NotFound)?);
                break;
            }
            Err(error) => return Err(failed(error)),
        }
    }
    let real = if real.as_os_str().is_empty() { Path::new(".") } else { &real };
    Ok((real.canonicalize().map_err(failed)?, inside))
}

/// The names of a path without `.` and `..`; `None` as soon as it leads out of where it started.
fn normalized(components: &mut std::path::Components<'_>) -> Option<Vec<OsString>> {
    let mut names = Vec::new();
    for component in components {
        match component {
            Component::ParentDir => drop(names.pop()?),
            Component::Normal(name) => names.push(name.to_owned()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(names)
}

/// A link's target, and the names behind the link, from the directory that the link lies in.
fn joined(
    directory: Vec<OsString>,
    target: &Path,
    behind: &[OsString],
) -> Result<Vec<OsString>, Error> {
    let path: PathBuf = directory
        .iter()
        .map(Path::new)
        .chain([target])
        .chain(behind.iter().map(Path::new))
        .collect();
    match path.is_absolute() {
        true => Err(Error::NotFound),
        false => normalized(&mut path.components()).ok_or(Error::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FileType, Options, PathOpener, Place};

    #[test]
    fn a_message_is_released_with_the_last_place_in_it() {
        let samples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples"));
        let mut opener = PathOpener::new(Options::default());
        let message = opener.open(&samples.join("Price list.msg")).unwrap();
        let (subject, sender) =
            (message.child("subject".as_ref()).unwrap(), message.child("from".as_ref()).unwrap());
        let fs = std::sync::Arc::clone(&message.fs);
        let open = || fs.messages.figures().cached_messages;
        for place in [message, subject] {
            drop(place);
            assert_eq!(open(), 1);
        }
        drop(sender);
        assert_eq!(open(), 0);
    }

    #[test]
    fn to_tell_a_message_from_other_directories_makes_no_file_of_it() {
        let samples = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples"));
        let mut opener = PathOpener::new(Options::default());
        let message = opener.open(&samples.join("Fwd Lost parcel.msg")).unwrap();
        let attachments = message.child("attachments".as_ref()).unwrap();
        let mut entries = attachments.list().unwrap().into_iter();
        let embedded = entries.find(|entry| entry.file_type == FileType::Directory).unwrap();
        let embedded = attachments.child(&embedded.name).unwrap();
        let bytes = || message.fs.messages.figures().cache_bytes;
        let before = bytes();
        let tell = |place: &Place| (place.is_readable_message(), place.shows_message());
        assert_eq!(tell(&message), (true, true));
        assert_eq!(tell(&embedded), (true, true));
        assert_eq!(tell(&attachments), (false, false));
        assert_eq!(bytes(), before);

        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("text.msg"), "no message").unwrap();
        let other = PathOpener::new(Options::default()).open(&folder.path().join("text.msg"));
        assert_eq!(tell(&other.unwrap()), (false, true));
    }
}
