//! Writes a new compound file of version 3. This is the only place that uses the crate `cfb`.
//!
//! Writing is not atomic: the caller writes to a temporary file, and renames it when it is
//! complete.

use std::fmt;
use std::io::{self, Read, Seek, Write};
use std::time::{Duration, SystemTime};

use super::error::{Defect, Error};
use super::name::Name;
use super::object::{Entry, Storage};
use super::stream::{Extents, Stream};
use crate::mapi::Guid;

/// The most UTF-16 units in a name, without the NUL (\[MS-CFB\] 2.6.1).
const NAME_UNITS_MAX: usize = 31;
/// The most bytes in a stream of a version 3 file (\[MS-CFB\] 2.6.1).
const STREAM_BYTES_MAX: u64 = 0x8000_0000;
const COPY_BYTES: usize = 64 * 1024;
/// Seconds from 1601, where the times of a compound file begin, to 1970.
const UNIX_EPOCH_SECONDS: u64 = 11_644_473_600;

/// A compound file that is being written.
///
/// A path is the names from the root down; the empty path is the root. The same calls give the same
/// bytes: no times are stored.
pub struct Writer<F> {
    file: cfb::CompoundFile<F>,
    buffer: Vec<u8>,
}

impl<F: Read + Write + Seek> Writer<F> {
    /// Begins a new file in `out`, which must be empty.
    ///
    /// # Errors
    /// `Write`.
    pub fn create(out: F) -> Result<Self, Error> {
        let file = cfb::CompoundFile::create_with_version(cfb::Version::V3, out)
            .map_err(|source| Error::Write { entry: "/".into(), source })?;
        Ok(Self { file, buffer: vec![0; COPY_BYTES] })
    }

    /// Sets the class of a storage.
    ///
    /// # Errors
    /// `Name`, `Write`.
    pub fn set_clsid(&mut self, path: &[&str], clsid: Guid) -> Result<(), Error> {
        let path = joined(path)?;
        let parsed = clsid.to_string().parse().map_err(io::Error::other);
        parsed
            .and_then(|clsid| self.file.set_storage_clsid(&path, clsid))
            .map_err(|source| Error::Write { entry: path, source })
    }

    /// Creates a storage in an existing one.
    ///
    /// # Errors
    /// `Name`; `Write`, also if the name exists already.
    pub fn create_storage(&mut self, path: &[&str]) -> Result<(), Error> {
        let path = joined(path)?;
        let no_time = SystemTime::UNIX_EPOCH - Duration::from_secs(UNIX_EPOCH_SECONDS);
        self.file
            .create_storage(&path)
            .and_then(|()| self.file.set_created_time(&path, no_time))
            .and_then(|()| self.file.set_modified_time(&path, no_time))
            .map_err(|source| Error::Write { entry: path, source })
    }

    /// Writes a new stream into an existing storage; reads `data` to its end.
    ///
    /// # Errors
    /// `Name`; `Write`, also if the name exists already, if `data` fails, and beyond 2 GiB.
    pub fn write_stream(&mut self, path: &[&str], data: &mut dyn Read) -> Result<(), Error> {
        let path = joined(path)?;
        copy(&mut self.file, &path, data, &mut self.buffer)
            .map_err(|source| Error::Write { entry: path, source })
    }

    /// Copies a storage with everything in it to `to`, which is the root or a new storage.
    ///
    /// Returns the defects that were found: a damaged stream is copied up to the damage.
    ///
    /// # Errors
    /// `Name`, `Write`.
    pub fn copy_storage(&mut self, from: &Storage, to: &[&str]) -> Result<Vec<Defect>, Error> {
        let mut defects = Vec::new();
        let to = to.iter().map(|name| (*name).to_owned()).collect();
        let mut pending: Vec<(Storage, Vec<String>)> = vec![(from.clone(), to)];
        while let Some((storage, mut path)) = pending.pop() {
            if !path.is_empty() {
                self.create_storage(&borrowed(&path))?;
            }
            self.set_clsid(&borrowed(&path), storage.clsid())?;
            for entry in distinct_entries(&storage, &mut defects) {
                path.push(entry.name().to_owned());
                match entry {
                    Entry::Storage(storage) => pending.push((storage, path.clone())),
                    Entry::Stream(stream) => {
                        defects.extend(self.copy_stream(&stream, &borrowed(&path))?);
                    }
                }
                path.pop();
            }
        }
        Ok(defects)
    }

    /// Copies a stream piece by piece, as far as it can be read. Returns its defect, if it is
    /// damaged.
    ///
    /// # Errors
    /// `Name`, `Write`.
    pub fn copy_stream(&mut self, from: &Stream, to: &[&str]) -> Result<Option<Defect>, Error> {
        let extents = from.extents();
        let mut reader = ExtentsReader { extents: &extents, offset: 0 };
        self.write_stream(to, &mut reader)?;
        let cause = extents.damage().map(|error| error.to_string());
        Ok(cause.map(|cause| Defect { place: from.path(), cause }))
    }

    /// Writes what is still in memory, and returns `out`.
    ///
    /// # Errors
    /// `Write`.
    pub fn finish(mut self) -> Result<F, Error> {
        self.file.flush().map_err(|source| Error::Write { entry: "/".into(), source })?;
        Ok(self.file.into_inner())
    }
}

impl<F> fmt::Debug for Writer<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// Reads a stream up to the place where it is damaged.
struct ExtentsReader<'a> {
    extents: &'a Extents,
    offset: u64,
}

impl Read for ExtentsReader<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = self.extents.readable_len().saturating_sub(self.offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(buf.len());
        let buf = buf.get_mut(..len).unwrap_or_default();
        let count = self.extents.read_at(self.offset, buf).map_err(io::Error::other)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// The entries of a storage, without those that repeat a name. Adds a defect for each that is left
/// out.
///
/// Only a damaged directory has such entries. In sort order, they are adjacent.
fn distinct_entries(storage: &Storage, defects: &mut Vec<Defect>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for entry in storage.entries() {
        let name = Name::new(entry.name());
        if entries.last().is_some_and(|last| Name::new(last.name()).compare(name).is_eq()) {
            let cause = "a second entry of this name is left out".into();
            defects.push(Defect { place: entry.path(), cause });
        } else {
            entries.push(entry);
        }
    }
    entries
}

fn borrowed(path: &[String]) -> Vec<&str> {
    path.iter().map(String::as_str).collect()
}

fn copy<F: Read + Write + Seek>(
    file: &mut cfb::CompoundFile<F>,
    path: &str,
    data: &mut dyn Read,
    buffer: &mut [u8],
) -> io::Result<()> {
    let mut stream = file.create_new_stream(path)?;
    let mut written = 0_u64;
    loop {
        let count = match data.read(buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        written += count as u64;
        if written > STREAM_BYTES_MAX {
            let cause = format!("a stream of version 3 has at most {STREAM_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, cause));
        }
        stream.write_all(buffer.get(..count).unwrap_or_default())?;
    }
    // Dropping a stream would hide the error of writing its last bytes.
    stream.flush()
}

/// The path in the form that the crate `cfb` takes. Refuses names that `cfb` would change.
fn joined(path: &[&str]) -> Result<String, Error> {
    let whole: String = path.iter().flat_map(|name| ["/", name]).collect();
    for name in path {
        if let Some(cause) = refusal(name) {
            return Err(Error::Name { entry: whole, cause });
        }
    }
    Ok(if whole.is_empty() { "/".into() } else { whole })
}

/// Why a name cannot be written.
pub(super) fn refusal(name: &str) -> Option<String> {
    let units = name.encode_utf16().count();
    if units > NAME_UNITS_MAX {
        return Some(format!("expected a name of at most {NAME_UNITS_MAX} units, found {units}"));
    }
    // The first four by [MS-CFB] 2.6.1; NUL ends a name.
    if let Some(found) = name.chars().find(|c| ['/', '\\', ':', '!', '\0'].contains(c)) {
        return Some(format!("a name cannot hold {found:?}"));
    }
    // A Rust path would drop these components.
    matches!(name, "" | "." | "..").then(|| format!("{name:?} cannot be a name"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use super::super::fixtures::{Broken, STREAMS, content, sample, shown};
    use super::super::{CompoundFile, Source};
    use super::*;

    const CLASS: Guid = Guid([11, 13, 2, 0, 0, 0, 0, 0, 192, 0, 0, 0, 0, 0, 0, 70]);

    fn new() -> Writer<Cursor<Vec<u8>>> {
        Writer::create(Cursor::new(Vec::new())).unwrap()
    }

    fn open(bytes: Vec<u8>) -> Arc<CompoundFile> {
        CompoundFile::open(Source::from_bytes(bytes)).unwrap()
    }

    fn written() -> Vec<u8> {
        let mut writer = new();
        writer.set_clsid(&[], CLASS).unwrap();
        writer.create_storage(&["sub"]).unwrap();
        writer.create_storage(&["sub", "deep"]).unwrap();
        writer.set_clsid(&["sub", "deep"], CLASS).unwrap();
        for (path, len) in STREAMS {
            let names: Vec<&str> = path.split('/').skip(1).collect();
            writer.write_stream(&names, &mut content(path, len).as_slice()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn writes_what_is_read() {
        let bytes = written();
        assert_eq!(shown(&bytes), shown(&sample(cfb::Version::V3)));
        let file = open(bytes.clone());
        let sub = file.root().storage("sub").unwrap();
        assert_eq!((file.version(), file.root().clsid()), (3, CLASS));
        assert_eq!((sub.clsid(), sub.storage("deep").unwrap().clsid()), (Guid::default(), CLASS));
        assert_eq!(written(), bytes, "no time of day is in it");
    }

    #[test]
    fn copies_storages() {
        let from = open(written());
        let mut writer = new();
        assert_eq!(writer.copy_storage(&from.root(), &[]).unwrap(), []);
        assert_eq!(writer.copy_storage(&from.root().storage("sub").unwrap(), &["a"]).unwrap(), []);
        let bytes = writer.finish().unwrap().into_inner();
        let (found, defects) = shown(&bytes).unwrap();
        assert_eq!((found.len(), defects.len()), (9 + 5, 0));
        assert_eq!(found["/sub/middle"], "4095");
        assert_eq!(found["/a/deep/leaf"], "10!"); // The bytes are those of another path.
        let copy = open(bytes).root();
        assert_eq!((copy.clsid(), copy.storage("A").unwrap().clsid()), (CLASS, Guid::default()));
    }

    #[test]
    fn copies_what_can_be_read() {
        let mut broken = Broken::sample();
        broken.put(broken.fat(broken.first_sector("big") + 3), 5000);
        let at = broken.entry("small");
        broken.bytes[at..at + 10].copy_from_slice(b"O\0t\0h\0e\0R\0");
        let mut writer = new();
        let defects = writer.copy_storage(&open(broken.bytes).root(), &[]).unwrap();
        let defects: Vec<String> = defects.iter().map(ToString::to_string).collect();
        assert_eq!(
            defects,
            [
                "/OtheR: a second entry of this name is left out",
                "/big: stream \"/big\": expected 9000 bytes, found 2048: \
                 sector 5000 is not in the file",
            ]
        );
        let (found, _) = shown(&writer.finish().unwrap().into_inner()).unwrap();
        assert_eq!((found["/big"].as_str(), found.contains_key("/OtheR")), ("2048", false));
    }

    #[test]
    fn refuses_names() {
        let refused = |path: &[&str], expected: &str| {
            for error in [
                new().create_storage(path).unwrap_err(),
                new().write_stream(path, &mut io::empty()).unwrap_err(),
                new().set_clsid(path, CLASS).unwrap_err(),
            ] {
                assert!(matches!(error, Error::Name { .. }), "{error}");
                assert_eq!(error.to_string(), expected);
            }
        };
        refused(&["a/b"], "entry \"/a/b\": a name cannot hold '/'");
        refused(&["s", "a\\b"], "entry \"/s/a\\\\b\": a name cannot hold '\\\\'");
        refused(&["a:"], "entry \"/a:\": a name cannot hold ':'");
        refused(&["!"], "entry \"/!\": a name cannot hold '!'");
        refused(&["a\0"], "entry \"/a\\0\": a name cannot hold '\\0'");
        refused(&[""], "entry \"/\": \"\" cannot be a name");
        refused(&["."], "entry \"/.\": \".\" cannot be a name");
        refused(&["a", ".."], "entry \"/a/..\": \"..\" cannot be a name");
        let long = "n".repeat(32);
        let expected = "expected a name of at most 31 units, found 32";
        refused(&[&long], &format!("entry \"/{long}\": {expected}"));
        let name = "n".repeat(31);
        new().write_stream(&[&name], &mut io::empty()).unwrap();
        new().write_stream(&["\u{1}Ole"], &mut io::empty()).unwrap();
    }

    #[test]
    fn tells_what_cannot_be_written() {
        let mut writer = new();
        writer.write_stream(&["a"], &mut io::empty()).unwrap();
        for result in [
            writer.write_stream(&["A"], &mut io::empty()),
            writer.create_storage(&["a"]),
            writer.create_storage(&["none", "b"]),
            writer.set_clsid(&["a"], CLASS),
        ] {
            assert!(matches!(result, Err(Error::Write { .. })), "{result:?}");
        }
    }
}
