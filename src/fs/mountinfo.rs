//! The mount table of this process, `/proc/self/mountinfo` (proc(5)).

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;

/// The number of a mounted file system, as in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    major: u32,
    pub(crate) minor: u32,
}

/// What is said of a mount in the table.
#[derive(Debug)]
pub(crate) struct MountLine {
    pub(crate) device: Device,
    pub(crate) path: PathBuf,
    pub(crate) file_system_type: Vec<u8>,
    pub(crate) source: PathBuf,
    /// Those of the file system itself.
    pub(crate) options: Vec<u8>,
}

/// The mounts, each behind those that it may cover.
pub(crate) fn read() -> io::Result<Vec<MountLine>> {
    let table = std::fs::read("/proc/self/mountinfo")?;
    Ok(table.split(|byte| *byte == b'\n').filter_map(MountLine::parse).collect())
}

impl Device {
    /// The device of a file (`st_dev`).
    pub(crate) fn of(number: u64) -> Self {
        Self { major: rustix::fs::major(number), minor: rustix::fs::minor(number) }
    }

    /// The number as mountinfo writes it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once(':')?;
        Some(Self { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.major, self.minor)
    }
}

impl MountLine {
    /// Reads a line: fields with blanks between; behind a lone `-` the type, the source and the
    /// options of the file system itself.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        let mut fields = line.split(|byte| *byte == b' ');
        let device = Device::parse(std::str::from_utf8(fields.nth(2)?).ok()?)?;
        let path = unescape(fields.nth(1)?).into();
        let mut fields = fields.skip_while(|field| *field != b"-").skip(1);
        let file_system_type = fields.next()?.to_owned();
        let source = unescape(fields.next()?).into();
        let options = fields.next()?.to_owned();
        Some(Self { device, path, file_system_type, source, options })
    }
}

/// Blanks, tabs, newlines and backslashes stand as a backslash and three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, behind)) = rest.split_first() {
        let octal = behind.get(..3).filter(|_| *first == b'\\');
        let code = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(3..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::MountLine;

    #[test]
    fn lines_of_the_table() {
        let line = br"42 28 0:39 / /mnt/my\040mail\134 ro,nosuid shared:2 master:1 - fuse.msgfs /a rw,user_id=7";
        let line = MountLine::parse(line).unwrap();
        assert_eq!(line.device.to_string(), "0:39");
        assert_eq!(line.path, Path::new(r"/mnt/my mail\"));
        assert_eq!(line.file_system_type, b"fuse.msgfs");
        assert_eq!(line.source, Path::new("/a"));
        assert_eq!(line.options, b"rw,user_id=7");
        assert!(MountLine::parse(b"").is_none());
        assert!(MountLine::parse(b"42 28 0:39 / /mnt ro").is_none());
    }
}
