//! Memory follows the input: no view takes more than 64 MiB and 8 times the size of the source.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;

use msgfs::mapi::tags;

use super::mail;
use crate::cli::shown::msgfs_in;
use crate::fixture::{AttachmentBuilder, MessageBuilder};
use crate::mount::folder::Folder;
use crate::mount::mounted::msgfs;

const MIB: u64 = 1 << 20;

/// Prints a file of a message; gives its length, the most memory that it took, and whether
/// all of it could be read.
fn printed(folder: &Path, path: &str) -> (u64, u64, bool) {
    let mut command = msgfs();
    command.current_dir(folder).args(["cat", path]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = child.stdout.take().unwrap();
    let (mut len, mut peak) = (0, 0);
    let mut buffer = vec![0; 32 << 10];
    loop {
        let read = output.read(&mut buffer).unwrap();
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let kib = |field: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            line.trim().split(' ').next()?.parse::<u64>().ok()
        };
        // The program itself is in the page cache, and how much of it is mapped is up to the kernel.
        let own = kib("VmHWM:").zip(kib("RssFile:")).map(|(peak, file)| peak.saturating_sub(file));
        peak = peak.max(own.unwrap_or(0) * 1024);
        if read == 0 {
            break;
        }
        len += read as u64;
    }
    let status = child.wait().unwrap();
    assert!(matches!(status.code(), Some(0 | 1)), "{path}: {status}");
    (len, peak, status.success())
}

#[track_caller]
fn check(message: &MessageBuilder, files: &[&str]) {
    check_all(message, files, true);
}

#[track_caller]
fn check_all(message: &MessageBuilder, files: &[&str], is_whole: bool) {
    let bytes = message.to_bytes();
    let limit = 64 * MIB + 8 * bytes.len() as u64;
    let folder = Folder::new().with("a.msg", bytes);
    for file in files {
        let (len, peak, all) = printed(folder.path(), &format!("a.msg/{file}"));
        assert_eq!(all, is_whole, "{file}");
        println!("{file}: {len} bytes, {} MiB of {}", peak / MIB, limit / MIB);
        // A process that prints little may have ended before it was looked at.
        let is_seen = peak > 0 || len < MIB / 16;
        assert!(len > 0 && is_seen && peak <= limit, "{file}: {peak} of {limit} bytes");
    }
}

const VIEWS: [&str; 4] = ["body.txt", "message.eml", "message.json", "message.txt"];

#[test]
fn a_text_that_is_amplified() {
    let rules = "<blockquote>".repeat(20) + &"<hr>".repeat(300_000);
    let rtf = format!("{{\\rtf1\\ansi\\fromhtml1 {{\\*\\htmltag {rules}}}}}");
    check(&mail("Rules").unset(tags::PR_BODY).rtf(rtf.as_bytes()), &VIEWS[..3]);
}

#[test]
fn a_large_html_body() {
    let html = format!("<p>{}</p>", "Words &amp; more words. ".repeat(500_000));
    let message = mail("Large").unset(tags::PR_BODY).html(&html);
    check(&message, &["body.html", "body.txt", "message.eml", "message.json"]);
}

/// The text that is made of it is written into mail, and into a calendar in it, without further
/// copies in memory.
#[test]
fn a_large_native_rtf() {
    let rtf =
        format!("{{\\rtf1\\ansi\\deff0 {}}}", "Words, and more words.\\par\n".repeat(900_000));
    let message = |class| {
        let message = MessageBuilder::new(class, "RTF");
        message.time(tags::PR_START_DATE, "2024-03-01T09:00:00Z").rtf(rtf.as_bytes())
    };
    check(&message("IPM.Note"), &["message.eml"]);
    check(&message("IPM.Appointment"), &["event.ics", "message.eml"]);
    check(&message("IPM.Contact"), &["contact.vcf", "message.eml"]);
}

/// A native RTF body of so many bytes, of which everything is repeated, so that little is stored.
fn repeated(text: &[u8], len: usize) -> MessageBuilder {
    rtf(b"{\\rtf1\\ansi ", text, len)
}

fn rtf(begin: &[u8], text: &[u8], len: usize) -> MessageBuilder {
    let rtf = [begin, &text.repeat(len / text.len()), b"}"].concat();
    mail("Repeated").unset(msgfs::mapi::tags::PR_BODY).rtf(&rtf)
}

#[test]
fn a_long_rtf_body() {
    const LEN: usize = 25_000_000;
    let files = ["body.txt", "body.rtf", "message.txt", "message.eml", "message.json"];
    // A byte becomes three, and nothing divides them.
    let signs = repeated(b"\x80", LEN);
    check_all(&signs, &files, false);
    told(&signs, "the text in the RTF body is read up to some");
    check(&repeated(b"{\\field{\\*\\fldinst HYPERLINK abc}}", LEN), &files[..1]);
    check(&repeated(b"{\\fonttbl\\f1\\f2\\f31\\f42\\f537\\f-6\\f70}w ", LEN), &files);
    let longer = repeated(b"a", 4 * LEN);
    check_all(&longer, &files, false);
    told(&longer, "the text in the RTF body is read up to some");
}

#[test]
fn a_long_html_body_in_rtf() {
    const LEN: usize = 20_000_000;
    let files = ["body.html", "body.txt", "message.txt", "message.eml", "message.json"];
    let begin = b"{\\rtf1\\ansi\\fromhtml1\\pard ";
    check_all(&rtf(begin, b"\x80", LEN), &files, false);
    check(&rtf(begin, b"{\\*\\htmltag <p>}a", LEN), &files);
}

/// Checks that `check` tells of the RTF body.
#[track_caller]
fn told(message: &MessageBuilder, cause: &str) {
    let folder = Folder::new().with("a.msg", message.to_bytes());
    let ended = msgfs_in(folder.path(), &["check", "a.msg"]);
    let told = String::from_utf8(ended.stdout).unwrap();
    assert!(told.contains(&format!("0x10090102: {cause}")), "{told}");
}

#[test]
fn short_references_to_a_long_name() {
    let name = "\u{65E5}".repeat(80) + ".png";
    let picture = AttachmentBuilder::file(&name, [1, 2, 3])
        .set(tags::PR_ATTACH_CONTENT_ID, super::string("a"));
    let html = "<img src=cid:a>".repeat(300_000);
    let message = mail("Pictures").unset(tags::PR_BODY).html(&html).attach(picture);
    check(&message, &["body.html", "body.txt", "message.eml"]);
}

const LEVELS: usize = 24;

#[test]
fn many_levels_are_listed_once() {
    let deep = (0..LEVELS)
        .fold(mail("Inmost"), |inner, _| mail("Level").attach(AttachmentBuilder::message(inner)));
    let folder = Folder::new().with("a.msg", deep.to_bytes());
    let out = Folder::new();
    let words = ["extract", "-o", "show=all", "a.msg", out.path().to_str().unwrap()];
    msgfs_in(folder.path(), &words).expect_success();
    let mut directory = out.path().to_owned();
    let mut levels = 0;
    while let Some(inner) = fs::read_dir(directory.join("attachments"))
        .ok()
        .and_then(|mut all| all.find_map(|one| Some(one.ok()?.path()).filter(|path| path.is_dir())))
    {
        directory = inner;
        levels += 1;
        // As many as that have all that is embedded in them.
        assert_eq!(directory.join("message.msg").exists(), levels <= 8, "{levels}");
        assert!(directory.join("mapi").is_dir());
    }
    assert_eq!(levels, LEVELS);
}
