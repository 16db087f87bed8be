//! msgfs as a helper of mount(8): called as `mount.fuse.msgfs` or `mount.msgfs`, it takes the
//! arguments of mount(8) and gives its exit codes.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::mount::{Caller, MountOptions, OptionError};

/// What mount(8) asks for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HelperArguments {
    pub(super) source: PathBuf,
    pub(super) mount_point: PathBuf,
    pub(super) options: Vec<String>,
    /// `-f`: everything but the mount.
    pub(super) fake: bool,
}

/// The exit status of mount(8) for wrong usage.
pub(super) const USAGE: u8 = 1;
/// The exit status of mount(8) for a failed mount.
pub(super) const FAILED: u8 = 32;

/// Whether the program was called by the name of a mount helper.
pub(super) fn is_called(name: Option<&OsStr>) -> bool {
    let name = name.and_then(|name| Path::new(name).file_name());
    name.is_some_and(|name| name == "mount.fuse.msgfs" || name == "mount.msgfs")
}

/// Who gives the options of a command line. Where the program is not installed as a mount helper,
/// mount(8) calls `mount.fuse3`, which has a shell call `msgfs SOURCE MOUNTPOINT -o rw,…` as a
/// person would; only the processes around tell the one from the other.
pub(super) fn caller() -> Caller {
    let parent = parent_of("self");
    let grandparent = parent.as_deref().and_then(parent_of);
    let is_mount = |process: &str| {
        let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
        matches!(name.trim_end(), "mount" | "mount.fuse" | "mount.fuse3")
    };
    match [parent, grandparent].iter().flatten().any(|process| is_mount(process)) {
        true => Caller::MountHelper,
        false => Caller::CommandLine,
    }
}

/// The process that started a process (`PPid` in proc_pid_status(5)).
fn parent_of(process: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
    Some(parent.trim().to_owned())
}

/// Understands `SOURCE MOUNTPOINT [-sfnvrw] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]`, flags and
/// names in any order.
pub(super) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<HelperArguments, String> {
    let mut parsed = HelperArguments::default();
    let mut names = Vec::new();
    let mut is_sloppy = false;
    let mut arguments = arguments;
    let mut only_names = false;
    while let Some(argument) = arguments.next() {
        let flags = argument.to_str().and_then(|text| text.strip_prefix('-'));
        let Some(flags) = flags.filter(|flags| !only_names && !flags.is_empty()) else {
            names.push(PathBuf::from(argument));
            continue;
        };
        only_names = flags == "-";
        for (at, flag) in flags.char_indices().filter(|_| !only_names) {
            match flag {
                'f' => parsed.fake = true,
                's' => is_sloppy = true,
                'r' => parsed.options.push("ro".to_owned()),
                'w' => parsed.options.push("rw".to_owned()),
                // `-n` and `-v` change nothing: there is no mtab to keep, and nothing more to say.
                'n' | 'v' => {}
                'o' | 't' | 'N' => {
                    let joined = flags.get(at + 1..).filter(|value| !value.is_empty());
                    let value = match joined {
                        Some(value) => value.to_owned(),
                        None => text(arguments.next(), flag)?,
                    };
                    if flag == 'o' {
                        parsed.options.push(value);
                    }
                    break;
                }
                _ => return Err(format!("unexpected argument '-{flag}'")),
            }
        }
    }
    let mut names = names.into_iter();
    match (names.next(), names.next(), names.next()) {
        (Some(source), Some(mount_point), None) => {
            (parsed.source, parsed.mount_point) = (source, mount_point);
        }
        _ => return Err("expected SOURCE MOUNTPOINT [-sfnvrw] [-o OPTIONS]".to_owned()),
    }
    if is_sloppy {
        parsed.options = known(&parsed.options);
    }
    Ok(parsed)
}

fn text(value: Option<OsString>, flag: char) -> Result<String, String> {
    let missing = || format!("'-{flag}' needs a value");
    value.ok_or_else(missing)?.into_string().map_err(|_| format!("'-{flag}' is no text"))
}

/// The options that msgfs knows.
fn known(lists: &[String]) -> Vec<String> {
    let words = lists.iter().flat_map(|list| list.split(','));
    let is_known = |word: &&str| {
        !matches!(MountOptions::parse([*word], Caller::MountHelper), Err(OptionError::Unknown(_)))
    };
    words.filter(is_known).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::{HelperArguments, is_called, parse};

    fn parsed(arguments: &str) -> Result<HelperArguments, String> {
        parse(arguments.split_whitespace().map(Into::into))
    }

    #[test]
    fn the_name_tells() {
        for (name, expected) in [
            ("/sbin/mount.fuse.msgfs", true),
            ("mount.msgfs", true),
            ("/usr/bin/msgfs", false),
            ("mount.fuse", false),
        ] {
            assert_eq!(is_called(Some(OsStr::new(name))), expected, "{name}");
        }
        assert!(!is_called(None));
    }

    #[test]
    fn as_mount_calls_it() {
        let found = parsed("/srv/mail /mnt -n -v -o ro,noauto -t fuse.msgfs").unwrap();
        assert_eq!(found.source.to_str(), Some("/srv/mail"));
        assert_eq!(found.mount_point.to_str(), Some("/mnt"));
        assert_eq!((found.options, found.fake), (vec!["ro,noauto".to_owned()], false));
        let found = parsed("-sfr -oro,frobnicate,uid=1 a b").unwrap();
        assert_eq!((found.options.join(","), found.fake), ("ro,ro,uid=1".to_owned(), true));
        assert_eq!(parsed("-f -- a -b").unwrap().mount_point.to_str(), Some("-b"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(parsed("a b -x").unwrap_err(), "unexpected argument '-x'");
        assert_eq!(parsed("a b -o").unwrap_err(), "'-o' needs a value");
        assert!(parsed("a").is_err() && parsed("a b c").is_err());
    }
}
