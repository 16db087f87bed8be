//! Paths that are offered for a word: of files, of what is in messages, and of mounts.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use crate::fs::{FileType, NamedEntry, Options};
use crate::view::Show;

use super::super::places::Places;
use super::Offer;

/// Splits a typed path before the name that is being typed.
fn split(typed: &OsStr) -> (&[u8], &[u8]) {
    let bytes = typed.as_bytes();
    let slash = bytes.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    bytes.split_at_checked(slash).unwrap_or_default()
}

/// The folder that was typed. A shell gives `~` as it is.
fn folder(typed: &[u8]) -> PathBuf {
    let path = Path::new(OsStr::from_bytes(typed));
    match (path.strip_prefix("~"), home()) {
        (Ok(below), Some(home)) => home.join(below),
        _ if typed.is_empty() => PathBuf::from("."),
        _ => path.to_owned(),
    }
}

fn home() -> Option<PathBuf> {
    std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

/// Files and folders, and what is in messages: `X.msg/at` becomes `X.msg/attachments/`.
pub(super) fn inside(typed: &OsStr) -> Vec<Offer> {
    listed(typed, |named| Some(named.file_type == FileType::Directory))
}

/// Files and folders.
pub(super) fn files(typed: &OsStr) -> Vec<Offer> {
    listed(typed, |named| Some(named.file_type == FileType::Directory && !named.is_message))
}

/// Folders.
pub(super) fn folders(typed: &OsStr) -> Vec<Offer> {
    listed(typed, |named| {
        (named.file_type == FileType::Directory && !named.is_message).then_some(true)
    })
}

/// The names of a folder that begin as typed, and a slash behind those for which `is_entered` is
/// true. Hidden names are offered only if the user has typed their dot.
fn listed(typed: &OsStr, is_entered: impl Fn(&NamedEntry) -> Option<bool>) -> Vec<Offer> {
    let (before, start) = split(typed);
    // Offer those views, too, that are not listed by default.
    let mut options = Options::default();
    for word in Show::words() {
        options.show.add(word);
    }
    let place = Places::new(options).open(&folder(before));
    // What cannot be listed has nothing to offer.
    let names = place.and_then(|place| place.list()).unwrap_or_default();
    let begun = names.into_iter().filter(|named| {
        let name = named.name.as_bytes();
        name.starts_with(start) && (!name.starts_with(b".") || start.starts_with(b"."))
    });
    let path = |named: NamedEntry| {
        let slash: &[u8] = if is_entered(&named)? { b"/" } else { b"" };
        let path = [before, named.name.as_bytes(), slash].concat();
        Some(Offer::path(OsString::from_vec(path)))
    };
    begun.filter_map(path).collect()
}

/// Mounts, spelled as the user has begun: from the root, from home, or from the current folder.
pub(super) fn mount_points(typed: &OsStr, mounts: &[PathBuf]) -> Vec<Offer> {
    let current = std::env::current_dir().ok();
    let spelled = |mount: &PathBuf| {
        let below = |folder: Option<PathBuf>| {
            let below = mount.strip_prefix(folder?).ok().map(Path::to_owned);
            below.filter(|below| !below.as_os_str().is_empty())
        };
        match typed.as_bytes() {
            [b'/', ..] => mount.clone(),
            [b'~', ..] => {
                below(home()).map_or_else(|| mount.clone(), |path| Path::new("~").join(path))
            }
            _ => below(current.clone()).unwrap_or_else(|| mount.clone()),
        }
    };
    mounts.iter().map(|mount| Offer::path(spelled(mount))).collect()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::path::PathBuf;

    use super::{files, folders, inside, mount_points};

    const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples");

    #[test]
    fn paths_lead_into_messages() {
        let check = |list: fn(&OsStr) -> Vec<super::Offer>, typed: &str, expected: &[&str]| {
            let offers = list(format!("{SAMPLES}/{typed}").as_ref()).into_iter();
            let offered: Vec<_> = offers.map(|offer| offer.word.into_string().unwrap()).collect();
            let expected: Vec<_> =
                expected.iter().map(|path| format!("{SAMPLES}/{path}")).collect();
            assert_eq!(offered, expected, "{typed}");
        };
        check(inside, "Quot", &["Quotation for the jetty.msg/"]);
        check(files, "Quot", &["Quotation for the jetty.msg"]);
        check(folders, "Quot", &[]);
        check(folders, "Dam", &["Damaged/"]);
        check(
            inside,
            "Quotation for the jetty.msg/a",
            &["Quotation for the jetty.msg/attachments/"],
        );
        check(
            inside,
            "Quotation for the jetty.msg/mes",
            &["message.eml", "message.json", "message.msg", "message.txt"]
                .map(|name| format!("Quotation for the jetty.msg/{name}"))
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        );
        check(inside, "Missing.msg/", &[]);
    }

    #[test]
    fn mounts_are_spelled_as_typed() {
        let current = std::env::current_dir().unwrap();
        let mounts = [PathBuf::from("/mnt/mail"), current.join("mount")];
        let offered = |typed: &str| {
            let offers = mount_points(typed.as_ref(), &mounts).into_iter();
            offers.map(|offer| offer.word.into_string().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(offered(""), ["/mnt/mail", "mount"]);
        assert_eq!(offered("/")[1], current.join("mount").to_str().unwrap());
    }
}
