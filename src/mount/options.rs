//! The options of `-o`: ours, those that the kernel takes, and those of mount(8) that mean
//! nothing here.
//!
//! A mount is writable only if somebody asks for it. `edit` always does. `rw` does on the command
//! line, but not from mount(8), which passes it whenever `ro` is not given.

use std::borrow::Cow;

use fuser::{MountOption, SessionACL};

use crate::body::html::Remote;
use crate::fs;
use crate::mapi::CodePage;
use crate::view::Show;

/// What the `-o` options say.
#[derive(Clone, Debug)]
pub struct MountOptions {
    /// How the filesystem shows its source.
    pub fs: fs::Options,
    /// Whether the mount point may have files in it.
    pub nonempty: bool,
    /// Whether messages may be removed.
    delete: bool,
    pub(super) acl: SessionACL,
    pub(super) kernel: Vec<MountOption>,
}

/// Who gives the options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caller {
    /// A person, or a script of theirs.
    CommandLine,
    /// mount(8), with the options of fstab(5).
    MountHelper,
}

/// An option that is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// There is no such option.
    #[error("unknown option '{0}'; see msgfs --help")]
    Unknown(String),
    /// `delete` without `edit`: nothing can be removed in a read-only mount.
    #[error("option delete: removes messages, and needs edit")]
    Delete,
    /// The option has no such value.
    #[error("option {name}={value}: expected {expected}")]
    Value {
        /// The option.
        name: String,
        /// What was given.
        value: String,
        /// What can be given.
        expected: Cow<'static, str>,
    },
}

impl MountOptions {
    /// Parses the values of all `-o`, each a list with commas.
    ///
    /// # Errors
    /// For an option that is unknown, or has a value that is none.
    pub fn parse<'a>(
        lists: impl IntoIterator<Item = &'a str>,
        caller: Caller,
    ) -> Result<Self, OptionError> {
        let mut options = Self {
            fs: fs::Options::default(),
            nonempty: false,
            delete: false,
            acl: SessionACL::Owner,
            kernel: vec![
                MountOption::RO,
                MountOption::NoDev,
                MountOption::NoSuid,
                MountOption::DefaultPermissions,
                // fuser has an option for the subtype, but drops it in a mount by root.
                MountOption::CUSTOM("subtype=msgfs".to_owned()),
            ],
        };
        let words = lists.into_iter().flat_map(|list| list.split(','));
        let mut in_show = false;
        for word in words.filter(|word| !word.is_empty()) {
            // The list of views has commas too: show=mapi,raw.
            if in_show && Show::words().any(|view| view == word) {
                options.show("show", word)?;
                continue;
            }
            in_show = word.starts_with("show=");
            match word.split_once('=') {
                Some((name, value)) => options.set(name, value)?,
                None => options.set_flag(word, caller)?,
            }
        }
        match &mut options.fs.write {
            Some(write) => write.delete = options.delete,
            None if options.delete => return Err(OptionError::Delete),
            None => {}
        }
        Ok(options)
    }

    /// The last one of `ro` and `edit` counts.
    fn set_writable(&mut self) {
        self.fs.write.get_or_insert_default();
        self.kernel.retain(|option| *option != MountOption::RO);
    }

    fn set_read_only(&mut self) {
        self.fs.write = None;
        if !self.kernel.contains(&MountOption::RO) {
            self.kernel.push(MountOption::RO);
        }
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), OptionError> {
        let number = || value.parse().map_err(|_| wrong(name, value, "a number"));
        match name {
            "show" => return self.show(name, value),
            "others" => {
                self.fs.hide_others = match value {
                    "show" => false,
                    "hide" => true,
                    _ => return Err(wrong(name, value, "show or hide")),
                }
            }
            "remote" => {
                self.fs.show.remote = match value {
                    "block" => Remote::Blocked,
                    "allow" => Remote::Allowed,
                    _ => return Err(wrong(name, value, "allow or block")),
                }
            }
            "codepage" => {
                let page = value.parse().ok().and_then(CodePage::new);
                let expected = "the number of a known code page, such as 1252 or 932";
                self.fs.code_page = Some(page.ok_or_else(|| wrong(name, value, expected))?);
            }
            "cache" => {
                let expected = "a size in bytes, or with K, M or G behind it";
                let size = parse_size(value).ok_or_else(|| wrong(name, value, expected))?;
                self.fs.cache_bytes_max = size;
            }
            "uid" => self.fs.ownership.uid = Some(number()?),
            "gid" => self.fs.ownership.gid = Some(number()?),
            "umask" => {
                let umask = u16::from_str_radix(value, 8).ok().filter(|umask| *umask <= 0o777);
                let expected = "an octal number up to 777";
                self.fs.ownership.umask = umask.ok_or_else(|| wrong(name, value, expected))?;
            }
            "fsname" if value.is_empty() => return Err(wrong(name, value, "a name")),
            "fsname" => self.kernel.push(MountOption::FSName(value.to_owned())),
            "subtype" => {}
            _ if name.starts_with("x-") || name.starts_with("X-") || name == "comment" => {}
            _ => return Err(OptionError::Unknown(format!("{name}={value}"))),
        }
        Ok(())
    }

    fn set_flag(&mut self, word: &str, caller: Caller) -> Result<(), OptionError> {
        match word {
            "allow_other" => self.acl = SessionACL::All,
            "allow_root" => self.acl = SessionACL::RootAndOwner,
            "auto_unmount" => self.kernel.push(MountOption::AutoUnmount),
            "nonempty" => self.nonempty = true,
            "exec" => self.kernel.push(MountOption::Exec),
            "noexec" => self.kernel.push(MountOption::NoExec),
            "ro" => self.set_read_only(),
            // mount.fuse3 adds dev and suid for root; there are neither devices nor programs here.
            "default_permissions" | "nodev" | "nosuid" | "dev" | "suid" => {}
            "edit" => self.set_writable(),
            "rw" => match caller {
                Caller::CommandLine => self.set_writable(),
                Caller::MountHelper => {}
            },
            "delete" => self.delete = true,
            // What mount(8) and fstab(5) know that needs nothing from us.
            "defaults" | "auto" | "noauto" | "nofail" | "_netdev" | "user" | "nouser" | "users"
            | "owner" | "group" | "atime" | "noatime" | "relatime" | "norelatime"
            | "strictatime" | "lazytime" | "diratime" | "nodiratime" | "async" | "silent" => {}
            _ if word.starts_with("x-") || word.starts_with("X-") => {}
            "show" | "others" | "remote" | "codepage" | "cache" | "uid" | "gid" | "umask"
            | "fsname" => {
                return Err(wrong(word, "", "a value"));
            }
            _ => return Err(OptionError::Unknown(word.to_owned())),
        }
        Ok(())
    }

    fn show(&mut self, name: &str, views: &str) -> Result<(), OptionError> {
        for view in views.split([':', '+']) {
            if !self.fs.show.add(view) {
                let words = Show::words().collect::<Vec<_>>().join(", ");
                return Err(wrong(name, view, format!("one of {words}")));
            }
        }
        Ok(())
    }
}

fn wrong(name: &str, value: &str, expected: impl Into<Cow<'static, str>>) -> OptionError {
    let expected = expected.into();
    OptionError::Value { name: name.to_owned(), value: value.to_owned(), expected }
}

/// Parses `1000`, `64M`, `1.5GiB`.
pub fn parse_size(text: &str) -> Option<usize> {
    let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text.get(number.len()..)?.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    let Some((whole, fraction)) = number.split_once('.') else {
        return number.parse::<usize>().ok()?.checked_mul(factor);
    };
    // A byte has no parts.
    if factor == 1 {
        return None;
    }
    let whole = whole.parse::<usize>().ok()?.checked_mul(factor)?;
    whole.checked_add(part_of(factor, fraction)?)
}

/// The part of a number that the digits behind a point mean, rounded down.
fn part_of(number: usize, digits: &str) -> Option<usize> {
    // More digits would not fit, and mean less than a byte of a GiB.
    const DIGITS_MAX: u32 = 18;
    let count = u32::try_from(digits.len()).ok().filter(|count| *count <= DIGITS_MAX)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = digits.parse::<u128>().ok()? * number as u128 / 10_u128.pow(count);
    usize::try_from(part).ok()
}

#[cfg(test)]
mod tests {
    use super::{Caller, MountOptions, OptionError, parse_size};
    use crate::view::Show;

    fn check_error(options: &str, expected: &str) {
        let error = MountOptions::parse([options], Caller::CommandLine).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn every_option_of_ours_is_understood() {
        let lists = [
            "ro,show=mapi,raw,others=hide,codepage=932",
            "cache=1M,uid=1000,gid=100,umask=027,nonempty,x-systemd.automount,noauto",
        ];
        let options = MountOptions::parse(lists, Caller::CommandLine).unwrap();
        let mut show = Show::default();
        assert!(show.add("mapi") && show.add("raw"));
        assert_eq!(options.fs.show, show);
        assert!(options.fs.hide_others && options.nonempty);
        assert_eq!(options.fs.code_page.map(crate::mapi::CodePage::number), Some(932));
        assert_eq!(options.fs.cache_bytes_max, 1 << 20);
        let ownership = options.fs.ownership;
        assert_eq!((ownership.uid, ownership.gid, ownership.umask), (Some(1000), Some(100), 0o27));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        check_error("frobnicate", "unknown option 'frobnicate'; see msgfs --help");
        check_error("delete", "option delete: removes messages, and needs edit");
        check_error(
            "show=xml",
            "option show=xml: expected one of mapi, json, raw, eml, text, msg, all",
        );
        check_error("mapi", "unknown option 'mapi'; see msgfs --help");
        check_error("umask=9", "option umask=9: expected an octal number up to 777");
        check_error(
            "codepage=7",
            "option codepage=7: expected the number of a known code page, such as 1252 or 932",
        );
        check_error("uid", "option uid=: expected a value");
        assert!(matches!(
            MountOptions::parse(["a=b"], Caller::CommandLine),
            Err(OptionError::Unknown(_))
        ));
    }

    #[test]
    fn only_who_asks_for_it_can_edit() {
        let is_writable =
            |list: &str, caller| MountOptions::parse([list], caller).unwrap().fs.write.is_some();
        for caller in [Caller::CommandLine, Caller::MountHelper] {
            assert!(is_writable("edit", caller) && is_writable("ro,rw,edit", caller));
            assert!(!is_writable("edit,ro", caller) && !is_writable("", caller));
        }
        assert!(is_writable("rw", Caller::CommandLine));
        assert!(!is_writable("rw,nosuid", Caller::MountHelper));
        let delete = MountOptions::parse(["rw,delete"], Caller::MountHelper).unwrap_err();
        assert_eq!(delete, OptionError::Delete);
    }

    #[test]
    fn sizes() {
        assert_eq!(parse_size("1000"), Some(1000));
        assert_eq!(parse_size("64M"), Some(64 << 20));
        assert_eq!(parse_size("2GiB"), Some(2 << 30));
        assert_eq!(parse_size("1.5M"), Some(3 << 19));
        assert_eq!(parse_size("0.1k"), Some(102));
        assert_eq!(parse_size("2.0GiB"), Some(2 << 30));
        for wrong in ["M", "1.5", "1.5b", "1.M", ".5M", "1.-5M", "1.2.3M", "-1M", "1,5M"] {
            assert_eq!(parse_size(wrong), None, "{wrong}");
        }
        assert_eq!(parse_size("1X"), None);
        assert_eq!(parse_size("99999999999999999999"), None);
        assert_eq!(parse_size("18446744073709551615G"), None);
    }
}
