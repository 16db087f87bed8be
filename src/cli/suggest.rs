//! Guesses what a user meant who mistyped a word.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The most similar of some words, if any is similar.
pub(super) fn similar<'a>(
    typed: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // Two swapped letters count as one mistake, as in git.
    let distance = |word: &str| strsim::osa_distance(&typed.to_lowercase(), word);
    let slips_max = if typed.chars().count() < 4 { 1 } else { 2 };
    known
        .into_iter()
        .map(|word| (distance(word), word))
        .filter(|(slips, _)| *slips <= slips_max)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word)
}

/// Says why a pattern is no regular expression. The error draws the pattern over several lines.
pub(super) fn wrong_pattern(error: &grep_regex::Error) -> String {
    let text = error.to_string();
    let cause = text.rsplit("error: ").next().unwrap_or(&text).trim();
    format!("no regular expression: {cause}; -F takes the pattern as it stands")
}

/// Says what a file is that the user named as a message, and that is none.
pub(super) fn no_message(path: &Path, is_in_message: bool) -> &'static str {
    match other_mail_file(path) {
        Some(what) => what,
        None if is_in_message => "is a part of a message; 'msgfs cat' prints it",
        None if !path.is_file() => "is no Outlook message: it is no regular file",
        None if is_extension_only(path) => {
            "is no Outlook message: its name has nothing before the extension"
        }
        None => "is no Outlook message: its name ends neither in .msg nor in .oft",
    }
}

/// Whether the name is only `.msg` or `.oft`, that of a hidden file without an extension.
fn is_extension_only(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    [".msg", ".oft"].into_iter().any(|extension| name.eq_ignore_ascii_case(extension))
}

/// A mail file that is no `.msg` file: what it is, and what opens it.
pub(super) fn other_mail_file(path: &Path) -> Option<&'static str> {
    const PST: &str = "is an Outlook data file, not a folder of messages; 'readpst -m -o DIR FILE' \
                       of the package pst-utils takes the messages out as .msg files";
    const EML: &str = "is an Internet message (RFC 5322), which is text already; grep and every \
                       mail program read it";
    const MBOX: &str = "is a mailbox of Internet messages, which is text already; 'mutt -f FILE' \
                        and grep read it";
    // Open regular files only: reading a pipe could wait for ever.
    if !path.is_file() {
        return None;
    }
    let mut start = [0; 5];
    let start = File::open(path).and_then(|mut file| file.read_exact(&mut start)).map(|()| start);
    match start {
        Ok([b'!', b'B', b'D', b'N', _]) => return Some(PST),
        Ok([0xD0, 0xCF, 0x11, 0xE0, _]) => return None,
        Ok([b'F', b'r', b'o', b'm', b' ']) => return Some(MBOX),
        _ => {}
    }
    let extension = path.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "pst" | "ost" => Some(PST),
        "eml" | "emlx" => Some(EML),
        "mbox" | "mbx" => Some(MBOX),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::similar;

    #[test]
    fn slips_are_recognised() {
        let commands = ["cat", "check", "extract", "find", "grep", "ls", "show", "tree", "umount"];
        for (typed, expected) in [
            ("gerp", Some("grep")),
            ("unmount", Some("umount")),
            ("shwo", Some("show")),
            ("Shw", Some("show")),
            ("sl", Some("ls")),
            ("fnid", Some("find")),
            ("chekc", Some("check")),
            ("mail", None),
            ("x", None),
        ] {
            assert_eq!(similar(typed, commands), expected, "{typed}");
        }
    }
}
