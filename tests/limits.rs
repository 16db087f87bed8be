//! As much of everything as a message may have: named properties, recipients, attachments,
//! messages in messages, bytes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use msgfs::imsg::{EMBEDDING_DEPTH_MAX, NameKind, PropertyName, Session};
use msgfs::mapi::sets::{PS_INTERNET_HEADERS, PS_PUBLIC_STRINGS, PSETID_COMMON};
use msgfs::mapi::{Guid, PropertyType, Value, tags};
use msgfs::storage::{CompoundFile, Source, Writer};
use msgfs::view::{FileKind, MessageTree, NodeId, Show};
use rustix::process::{Pid, Signal};
use serde_json::Value as Json;
use tempfile::TempDir;

use crate::browse::{Browser, read};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder, stream_name};
use crate::mount::process::{MOMENT, wait_until};

/// How long the reader's view of the largest message may take, unoptimized.
const VIEW_TIME_MAX: Duration = Duration::from_secs(2);
/// The most recipients and attachments (\[MS-OXMSG\] 2.2.1, 2.2.2).
const PARTS: usize = 2_048;
const OWN_SET: Guid = Guid::from_u128(0x6D736766_7300_4C69_6D69_747300000001);
/// The length of the large attachment.
const LARGE: u64 = 300_000_000;
const CACHE_BYTES: u64 = 16 << 20;
/// What a mount may take beside its cache.
const BESIDE_CACHE_BYTES_MAX: u64 = 64 << 20;

fn open(source: Source) -> MessageTree {
    MessageTree::open(&Session::open(Default::default()), source, Show::default()).unwrap()
}

fn mail(subject: &str) -> MessageBuilder {
    MessageBuilder::mail(subject, ("Ann", "ann@example.org"), "2024-03-01T10:00:00Z")
}

fn text(browser: Browser<'_>, from: NodeId, path: &str) -> String {
    let content = browser.read(from, path).unwrap_or_else(|| panic!("no {path}"));
    String::from_utf8(content).unwrap()
}

/// Opens a message and reads all that it lists, in time.
fn timed_view(message: &MessageBuilder) -> (MessageTree, BTreeMap<String, Vec<u8>>) {
    let bytes = message.to_bytes();
    let begun = Instant::now();
    let tree = open(Source::from_bytes(bytes));
    let view = Browser::new(&tree).contents(NodeId(0)).into_iter().collect();
    let taken = begun.elapsed();
    println!("the view: {taken:?}");
    assert!(taken < VIEW_TIME_MAX, "{taken:?}");
    (tree, view)
}

/// The names of a thousand properties, by the directories of their sets.
fn thousand_names() -> Vec<(String, PropertyName, String)> {
    let own_set = OWN_SET.to_string();
    let mut names = Vec::new();
    for n in 0..250_u32 {
        let field = format!("Field {n}");
        let header = format!("x-field-{n}");
        let lid = |n: u32| (NameKind::Lid(n), format!("0x{n:08X}"));
        for (set, directory, (kind, file)) in [
            (PS_PUBLIC_STRINGS, "PS_PUBLIC_STRINGS", (NameKind::Name(field.clone()), field)),
            (PS_INTERNET_HEADERS, "PS_INTERNET_HEADERS", (NameKind::Name(header.clone()), header)),
            (PSETID_COMMON, "PSETID_Common", lid(0x9000 + n)),
            (OWN_SET, own_set.as_str(), lid(n)),
        ] {
            names.push((directory.to_owned(), PropertyName { set, kind }, file));
        }
    }
    names
}

#[test]
fn a_thousand_named_properties() {
    let names = thousand_names();
    let message = names.iter().zip(0..).fold(mail("Named"), |message, ((_, name, _), n)| {
        let (PropertyName { set, kind }, value) = (name.clone(), Value::Integer32(n));
        message.named(set, kind, PropertyType::INTEGER32, value)
    });
    let keywords = ["First", "Second"].map(|one| Value::String(one.to_owned()));
    let message = message.named(
        PS_PUBLIC_STRINGS,
        NameKind::Name("Keywords".to_owned()),
        PropertyType::MULTIPLE_STRING,
        Value::Multiple(keywords.to_vec()),
    );
    let (tree, view) = timed_view(&message);
    assert_eq!(view["categories"], b"First\nSecond\n");

    let browser = Browser::new(&tree);
    let named = browser.walk(NodeId(0), "mapi/named").unwrap();
    assert_eq!(tree.list(named).unwrap().entries().len(), 4);
    for (directory, count) in [("PS_PUBLIC_STRINGS", 251), ("PSETID_Common", 250)] {
        let set = browser.walk(named, directory).unwrap();
        assert_eq!(tree.list(set).unwrap().entries().len(), count, "{directory}");
    }
    for (n, (directory, _, file)) in names.iter().enumerate() {
        let (expected, id) = (format!("{n}\n"), 0x8000 + n);
        let by_name = browser.walk(named, &format!("{directory}/{file}")).unwrap();
        assert_eq!(read(&tree, by_name).unwrap(), expected.as_bytes(), "{directory}/{file}");
        for path in [format!("mapi/0x{id:04X}"), format!("mapi/0x{id:04X}0003")] {
            assert_eq!(browser.walk(NodeId(0), &path).unwrap(), by_name, "{path}");
        }
    }

    let json: Json = serde_json::from_str(&text(browser, NodeId(0), "message.json")).unwrap();
    let properties = json["properties"].as_array().unwrap().iter();
    let found: Vec<_> = properties.filter(|one| !one["set"].is_null()).collect();
    let value_of: BTreeMap<_, _> =
        found.iter().map(|one| (one["name"].as_str().unwrap(), &one["value"])).collect();
    assert_eq!((found.len(), value_of.len()), (names.len() + 1, names.len() + 1));
    for (n, (directory, _, file)) in names.iter().enumerate() {
        assert_eq!(value_of[format!("{directory}/{file}").as_str()], n);
    }
}

#[test]
fn thousands_of_recipients() {
    let new = [RecipientBuilder::to, RecipientBuilder::cc, RecipientBuilder::bcc];
    let recipient = |n: usize| (format!("Recipient {n}"), format!("r{n}@example.org"));
    let message = (0..PARTS).fold(mail("Recipients"), |message, n| {
        let (name, address) = recipient(n);
        message.recipient(new[n % 3](&name, &address))
    });
    let (tree, view) = timed_view(&message);
    for (kind, file) in ["to", "cc", "bcc"].into_iter().enumerate() {
        let of_kind = (0..PARTS).filter(|n| n % 3 == kind).map(recipient);
        let lines: String =
            of_kind.map(|(name, address)| format!("{name} <{address}>\n")).collect();
        assert_eq!(String::from_utf8_lossy(&view[file]), lines, "{file}");
    }

    let browser = Browser::new(&tree);
    let recipients = browser.walk(NodeId(0), "mapi/recipients").unwrap();
    let numbers: Vec<_> = (0..PARTS).map(|n| n.to_string()).collect();
    assert_eq!(browser.names(recipients), numbers.join(" "));
    for n in 0..PARTS {
        let (name, address) = recipient(n);
        assert_eq!(text(browser, recipients, &format!("{n}/PR_DISPLAY_NAME")), name);
        assert_eq!(text(browser, recipients, &format!("{n}/PR_SMTP_ADDRESS")), address);
    }
    let eml = text(browser, NodeId(0), "message.eml");
    for n in 0..PARTS {
        assert!(eml.contains(&format!("<r{n}@example.org>")), "{n}");
    }
    let json: Json = serde_json::from_str(&text(browser, NodeId(0), "message.json")).unwrap();
    assert_eq!(json["recipients"].as_array().unwrap().len(), PARTS);
}

#[test]
fn thousands_of_attachments() {
    /// As many names as there are; each is given many times.
    const NAMES: usize = 2;
    let message = (0..PARTS).fold(mail("Attachments"), |message, n| {
        let name = format!("same {}.txt", n % NAMES);
        message.attach(AttachmentBuilder::file(&name, n.to_string()))
    });
    let (tree, view) = timed_view(&message);
    for n in 0..PARTS {
        let (stem, number) = (format!("same {}", n % NAMES), n / NAMES + 1);
        let name = if number == 1 { stem } else { format!("{stem} ({number})") };
        let found = &view[&format!("attachments/{name}.txt")];
        assert_eq!(String::from_utf8_lossy(found), n.to_string(), "{name}");
    }
    assert_eq!(view.keys().filter(|path| path.starts_with("attachments/")).count(), PARTS);

    let browser = Browser::new(&tree);
    let attachments = browser.walk(NodeId(0), "mapi/attachments").unwrap();
    let numbers: Vec<_> = (0..PARTS).map(|n| n.to_string()).collect();
    assert_eq!(browser.names(attachments), numbers.join(" "));
    let eml = text(browser, NodeId(0), "message.eml");
    let encoded = BASE64.encode((PARTS - 1).to_string());
    assert!(eml.contains(&format!("\r\n\r\n{encoded}\r\n")));
    assert_eq!(eml.matches("Content-Disposition: attachment").count(), PARTS);
}

/// Messages 0 to 65, each embedded in the one before: the last one is too deep.
fn nested() -> MessageBuilder {
    let level = |level: usize| mail(&format!("Level {level}")).body(&format!("Body {level}\n"));
    (0..=EMBEDDING_DEPTH_MAX).rev().fold(level(EMBEDDING_DEPTH_MAX + 1), |inner, outer| {
        level(outer).attach(AttachmentBuilder::message(inner))
    })
}

#[test]
fn messages_are_embedded_64_levels_deep() {
    let tree = open(Source::from_bytes(nested().to_bytes()));
    let browser = Browser::new(&tree);
    let mut message = NodeId(0);
    for level in 0..=EMBEDDING_DEPTH_MAX {
        let last = if level == EMBEDDING_DEPTH_MAX { " ERRORS" } else { "" };
        let names = format!(
            "subject from sender date received class importance body.txt attachments{last}"
        );
        assert_eq!(browser.names(message), names, "level {level}");
        for entry in tree.list(message).unwrap().entries() {
            if entry.kind == FileKind::File {
                assert!(!read(&tree, entry.id).unwrap().is_empty(), "{level}: {}", entry.name);
            }
        }
        assert_eq!(text(browser, message, "subject"), format!("Level {level}\n"));
        assert_eq!(text(browser, message, "body.txt"), format!("Body {level}\n"));
        assert_eq!(text(browser, message, "mapi/PR_SUBJECT"), format!("Level {level}"));
        // Writing each would take as long as the square of their number.
        if level % 32 == 0 {
            let file = Source::from_bytes(browser.read(message, "message.msg").unwrap());
            let file = open(file);
            let subject = text(Browser::new(&file), NodeId(0), "subject");
            assert_eq!(subject, format!("Level {level}\n"));
        }
        let inner = format!("attachments/Level {}.msg", level + 1);
        if level == EMBEDDING_DEPTH_MAX {
            let errors = text(browser, message, "ERRORS");
            assert!(errors.ends_with("more than 64 levels deep\n"), "{errors}");
        }
        message = browser.walk(message, &inner).unwrap();
    }
    assert_eq!(browser.names(message), "ERRORS");
    let errors = text(browser, message, "ERRORS");
    assert!(errors.ends_with("message embedded more than 64 levels deep\n"), "{errors}");
    assert_eq!(errors.lines().count(), 1);
}

/// The number behind the first "Level ".
fn first_level(text: &str) -> usize {
    let digits = text.split_once("Level ").unwrap().1;
    digits.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
}

#[test]
fn all_64_levels_are_in_eml_and_json() {
    let tree = open(Source::from_bytes(nested().to_bytes()));
    let browser = Browser::new(&tree);
    let eml = text(browser, NodeId(0), "message.eml");
    let subjects: Vec<_> = eml.lines().filter(|line| line.starts_with("Subject: ")).collect();
    let expected: Vec<_> =
        (0..=EMBEDDING_DEPTH_MAX).map(|level| format!("Subject: Level {level}")).collect();
    assert_eq!(subjects, expected);
    for level in 0..=EMBEDDING_DEPTH_MAX {
        assert_eq!(eml.matches(&format!("Body {level}\r\n")).count(), 1, "level {level}");
    }

    let json = text(browser, NodeId(0), "message.json");
    let subjects: Vec<_> = json.split("\"PR_SUBJECT\"").skip(1).map(first_level).collect();
    assert_eq!(subjects, (0..=EMBEDDING_DEPTH_MAX).collect::<Vec<_>>());
    // The parser takes 128 levels of brackets, and each message has three.
    const HALF: usize = EMBEDDING_DEPTH_MAX / 2;
    let levels: Vec<_> = (1..=HALF).map(|n| format!("attachments/Level {n}.msg")).collect();
    let half = browser.walk(NodeId(0), &levels.join("/")).unwrap();
    let json: Json = serde_json::from_str(&text(browser, half, "message.json")).unwrap();
    let mut message = &json;
    for level in HALF..=EMBEDDING_DEPTH_MAX {
        let mut properties = message["properties"].as_array().unwrap().iter();
        let subject = properties.find(|one| one["name"] == "PR_SUBJECT").unwrap();
        assert_eq!(subject["value"], format!("Level {level}"));
        if level < EMBEDDING_DEPTH_MAX {
            assert_eq!(message["errors"], Json::Array(Vec::new()));
            message = &message["attachments"][0]["message"];
        }
    }
    assert!(message["attachments"][0]["message"].is_null());
    let cause = message["errors"][0]["cause"].as_str().unwrap();
    assert!(cause.ends_with("message embedded more than 64 levels deep"), "{cause}");
}

/// What the large attachment repeats: a length that is no multiple of any sector's, so that no
/// sector can stand for another one.
const PERIOD: u64 = 65_521;
/// The most bytes that are compared at once.
const PIECE: usize = 1 << 20;

/// The bytes of the large attachment from an offset on.
fn large(offset: u64, len: usize) -> &'static [u8] {
    static REPEATED: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let byte = |n: u64| (n % PERIOD).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes()[0];
        (0..PERIOD + PIECE as u64).map(byte).collect()
    });
    let start = usize::try_from(offset % PERIOD).unwrap();
    &REPEATED[start..start + len]
}

/// The large attachment from its start.
struct LargeReader(u64);

impl Read for LargeReader {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(LARGE - self.0).unwrap();
        let len = buf.len().min(left).min(PIECE);
        buf[..len].copy_from_slice(large(self.0, len));
        self.0 += len as u64;
        Ok(len)
    }
}

/// Writes the message with the large attachment without ever holding it.
fn write_large(path: &Path) {
    let mut small = mail("Large")
        .body("See the file.\n")
        .attach(
            AttachmentBuilder::file("large.bin", "x")
                .set(tags::PR_ATTACH_SIZE, Value::Integer32(i32::try_from(LARGE).unwrap())),
        )
        .to_tree();
    let (storage, stream) =
        ("__attach_version1.0_#00000000", stream_name(tags::PR_ATTACH_DATA_BIN));
    small.remove(&format!("{storage}/{stream}"));
    let small = CompoundFile::open(Source::from_bytes(small.to_bytes())).unwrap();
    let file = File::options().read(true).write(true).create_new(true).open(path).unwrap();
    let mut writer = Writer::create(file).unwrap();
    assert_eq!(writer.copy_storage(&small.root(), &[]).unwrap(), []);
    writer.write_stream(&[storage, &stream], &mut LargeReader(0)).unwrap();
    writer.finish().unwrap();
}

/// Checks 4 KiB at many places, and then every byte in order.
fn check_large(mut read_at: impl FnMut(u64, usize) -> Vec<u8>) {
    const PAGE: usize = 4096;
    for n in 0..200 {
        let offset = n * 1_234_567_891 % (LARGE - PAGE as u64);
        assert!(read_at(offset, PAGE) == large(offset, PAGE), "at {offset}");
    }
    let mut offset = 0;
    while offset < LARGE {
        let len = PIECE.min(usize::try_from(LARGE - offset).unwrap());
        assert!(read_at(offset, len) == large(offset, len), "at {offset}");
        offset += len as u64;
    }
    assert!(read_at(LARGE, PAGE).is_empty());
}

/// Checks the size of `message.eml` and its lines of base64 at several places.
fn check_large_eml(size: u64, mut read_at: impl FnMut(u64, usize) -> Vec<u8>) {
    const LINE_BYTES: u64 = 57;
    const LINE_LEN: u64 = 78;
    let head = String::from_utf8(read_at(0, 8192)).unwrap();
    let part = head.find("Content-Transfer-Encoding: base64").unwrap();
    let start = (part + head[part..].find("\r\n\r\n").unwrap() + 4) as u64;
    let lines = LARGE.div_ceil(LINE_BYTES);
    for line in [0, 1, lines / 3, lines / 2, lines - 2, lines - 1] {
        let offset = line * LINE_BYTES;
        let len = LINE_BYTES.min(LARGE - offset);
        let expected = BASE64.encode(large(offset, usize::try_from(len).unwrap())) + "\r\n";
        let found = read_at(start + line * LINE_LEN, expected.len());
        assert_eq!(String::from_utf8_lossy(&found), expected, "line {line}");
    }
    let encoded = LARGE.div_ceil(3) * 4 + 2 * lines;
    let tail = String::from_utf8(read_at(start + encoded, PIECE)).unwrap();
    assert!(tail.trim_start().starts_with("--") && tail.ends_with("--\r\n"), "{tail}");
    assert_eq!(size, start + encoded + tail.len() as u64);
}

#[test]
fn an_attachment_of_300_mb() {
    let source = TempDir::with_prefix("msgfs-large-").unwrap();
    let disk = rustix::fs::statvfs(source.path()).unwrap();
    let free = disk.f_bavail * disk.f_frsize;
    if free < 2 * LARGE {
        println!("SKIPPED: {free} bytes free in {}", source.path().display());
        return;
    }
    let path = source.path().join("Large.msg");
    let begun = Instant::now();
    write_large(&path);
    println!("written: {:?}", begun.elapsed());

    let tree = open(Source::from_file(File::open(&path).unwrap()).unwrap().0);
    let browser = Browser::new(&tree);
    let eml = browser.walk(NodeId(0), "message.eml").unwrap();
    check_large_eml(tree.attributes(eml).unwrap().size, |offset, len| {
        tree.read(eml, offset, len).unwrap()
    });
    println!("message.eml: {:?}", begun.elapsed());
    if let Some(mount) = Mount::new(source.path()) {
        check_large_mount(&mount);
    } else {
        let file = browser.walk(NodeId(0), "attachments/large.bin").unwrap();
        assert_eq!(tree.attributes(file).unwrap().size, LARGE);
        check_large(|offset, len| tree.read(file, offset, len).unwrap());
    }
    println!("all: {:?}", begun.elapsed());
}

fn check_large_mount(mount: &Mount) {
    let message = mount.point.path().join("Large.msg");
    let attachments = message.join("attachments");
    let names: Vec<_> =
        fs::read_dir(&attachments).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["large.bin"]);
    let path = attachments.join("large.bin");
    assert_eq!(fs::metadata(&path).unwrap().size(), LARGE);
    assert_eq!(fs::read(message.join("body.txt")).unwrap(), b"See the file.\n");
    // The allocation table alone is 2.4 MB of it.
    let listed = mount.bytes_read();
    assert!(listed < 16 << 20, "{listed} bytes read to list");

    let read_at = |file: &File, offset: u64, len: usize| {
        let mut piece = vec![0; len];
        let mut filled = 0;
        while filled < len {
            match file.read_at(&mut piece[filled..], offset + filled as u64).unwrap() {
                0 => break,
                count => filled += count,
            }
        }
        piece.truncate(filled);
        piece
    };
    let file = File::open(&path).unwrap();
    check_large(|offset, len| read_at(&file, offset, len));
    let eml = File::open(message.join("message.eml")).unwrap();
    let size = eml.metadata().unwrap().size();
    check_large_eml(size, |offset, len| read_at(&eml, offset, len));
    let peak = mount.memory_peak();
    println!("peak: {} KiB", peak >> 10);
    assert!(peak < CACHE_BYTES + BESIDE_CACHE_BYTES_MAX, "{} KiB", peak >> 10);
}

/// A mount whose process is ours, so that it can be measured. Dropping it ends both.
struct Mount {
    child: Child,
    point: TempDir,
}

impl Mount {
    /// Mounts a folder with one message; `None` where mounts do not work, which the tests of
    /// mounts complain of where they must.
    fn new(source: &Path) -> Option<Self> {
        if let Err(error) = File::options().read(true).write(true).open("/dev/fuse") {
            println!("SKIPPED: /dev/fuse: {error}");
            return None;
        }
        let point = TempDir::with_prefix("msgfs-mount-").unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_msgfs"))
            .args(["-f", "-o", &format!("cache={CACHE_BYTES}")])
            .args([source, point.path()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut mount = Self { child, point };
        let mut ended = None;
        wait_until("the mount answers", MOMENT, || {
            ended = mount.child.try_wait().unwrap();
            ended.is_some() || mount.point.path().join("Large.msg").exists()
        });
        if let Some(status) = ended {
            println!("SKIPPED: the mount ended: {status}");
            return None;
        }
        Some(mount)
    }

    /// A figure of the process, from a file of `/proc`.
    fn figure(&self, file: &str, name: &str) -> u64 {
        let path: PathBuf = ["/proc", &self.child.id().to_string(), file].iter().collect();
        let text = fs::read_to_string(path).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        value.split_ascii_whitespace().next().unwrap().parse().unwrap()
    }

    /// The bytes that the process ever read.
    fn bytes_read(&self) -> u64 {
        self.figure("io", "rchar:")
    }

    /// The most memory that the process ever had in use, in bytes.
    fn memory_peak(&self) -> u64 {
        self.figure("status", "VmHWM:") << 10
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // It may have ended.
        let _ = rustix::process::kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}
