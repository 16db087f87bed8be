//! Many messages, and many programs at once.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::folder::{Folder, letter, numbers};
use super::mounted::Mounted;
use super::process::{Ended, LONG, Process, is_installed, run};
use super::walk;
use crate::fixture::AttachmentBuilder;

/// How many messages make a large folder.
const MANY: usize = 10_000;
/// What a mount may take beside its cache.
const BESIDE_CACHE_BYTES_MAX: u64 = 64 << 20;

/// Listing a large folder opens no message, with attributes neither.
#[test]
fn listing_a_large_folder_opens_no_message() {
    let source = Folder::new();
    let first = source.put("0.msg", letter("A").to_bytes());
    for n in 1..MANY {
        fs::hard_link(&first, source.join(format!("{n}.msg"))).unwrap();
    }
    let Some(mount) = Mounted::new(source.path(), "") else { return };
    for arguments in ["-U", "-lU", "-la", "-laF"] {
        let ended = run(Command::new("ls").arg(arguments).arg(mount.root()), LONG);
        let listing = String::from_utf8(ended.expect_success()).unwrap();
        let count = listing.lines().filter(|line| line.contains(".msg")).count();
        assert_eq!(count, MANY, "{arguments}");
        assert_eq!(mount.session("messages_opened"), 0, "{arguments}");
    }
    assert_eq!(mount.text("9999.msg/subject"), "A\n");
    assert_eq!(mount.session("messages_opened"), 1);
}

/// Eight programs that walk the mount at the same time end without an error, and see everything.
#[test]
fn eight_walkers_at_once() {
    let source = Folder::of_everything();
    for n in 0..100 {
        let attachment = AttachmentBuilder::file(&format!("{n}.bin"), numbers(n * 37));
        let message = letter(&format!("Letter {n}")).attach(attachment);
        source.put(format!("many/{n}.msg"), message.to_bytes());
    }
    std::os::unix::fs::symlink("nowhere", source.join("dangling")).unwrap();
    let target = Folder::new();
    // A cache that is too small, so that messages are opened again all the time.
    let Some(mount) = Mounted::new(source.path(), "cache=128K,show=mapi") else { return };
    let root = mount.root();
    let walkers: Vec<_> = commands(root, target.path())
        .into_iter()
        .filter(|(program, _)| {
            let is_installed = is_installed(program);
            if !is_installed {
                println!("SKIPPED: {program} is not installed");
            }
            is_installed
        })
        .map(|(program, arguments)| {
            (program, Process::start(Command::new(program).args(arguments).current_dir(root)))
        })
        .collect();
    let ended = walkers.into_iter().map(|(program, walker)| (program, walker.end(LONG)));
    let ended: Vec<(_, Ended)> = ended.collect();
    let paths = walk(root);
    for (program, ended) in ended {
        let output = ended.expect_success();
        let lines = output.split(|byte| *byte == b'\n').count();
        if ["find", "du"].contains(&program) {
            // A line for the root, and a last one without an end.
            assert_eq!(lines, paths.len() + 2, "{program}");
        }
    }
    for copy in ["cp", "rsync"].map(|name| target.join(name)).iter().filter(|copy| copy.exists()) {
        check_copy(root, copy);
    }
}

/// The walkers, by program and arguments.
fn commands<'a>(root: &'a Path, target: &'a Path) -> Vec<(&'static str, Vec<String>)> {
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (root, copy) = (text(root), |name: &str| text(&target.join(name)));
    let words = |words: &str| words.split(' ').map(str::to_owned).collect::<Vec<_>>();
    vec![
        ("find", words(".")),
        ("ls", words("-lR .")),
        ("du", words("-a .")),
        ("grep", words("-rc e .")),
        ("cp", vec!["-r".to_owned(), root.clone(), copy("cp")]),
        ("tar", vec!["-cf".to_owned(), copy("all.tar"), ".".to_owned()]),
        ("rg", words("--no-ignore --hidden --no-messages -c e .")),
        ("rsync", vec!["-a".to_owned(), format!("{root}/"), copy("rsync")]),
    ]
}

/// A copy has the files of the mount, with their contents.
fn check_copy(root: &Path, copy: &Path) {
    let names = |root: &Path| -> Vec<_> {
        walk(root).iter().map(|path| path.strip_prefix(root).unwrap().to_owned()).collect()
    };
    assert_eq!(names(copy), names(root));
    for path in walk(copy).iter().filter(|path| path.is_file()) {
        let original = root.join(path.strip_prefix(copy).unwrap());
        assert!(fs::read(path).unwrap() == fs::read(&original).unwrap(), "{original:?}");
    }
}

/// A search through a large folder takes little more memory than the cache may.
#[test]
fn memory_is_bounded() {
    let source = Folder::new();
    let template = letter("Message 00000").to_bytes();
    for n in 0..MANY {
        source.put(format!("{n}.msg"), numbered(&template, n));
    }
    let Some(mount) = Mounted::new(source.path(), "cache=16M") else { return };
    let ended = run(Command::new("grep").args(["-rc", "Message"]).arg(mount.root()), LONG);
    let found = String::from_utf8(ended.expect_success()).unwrap();
    assert_eq!(found.lines().filter(|line| line.ends_with("subject:1")).count(), MANY);
    assert!(mount.session("messages_opened") >= MANY as u64);
    assert!(mount.session("cache_bytes") <= 16 << 20);
    let peak = memory_peak(mount.process().as_raw_nonzero().get());
    println!("peak: {} KiB", peak >> 10);
    assert!(peak <= (16 << 20) + BESIDE_CACHE_BYTES_MAX, "{} KiB", peak >> 10);
    for n in [0, 1, MANY / 2, MANY - 1] {
        assert_eq!(mount.text(format!("{n}.msg/subject")), format!("Message {n:05}\n"));
    }
}

/// The message with another number in it.
fn numbered(template: &[u8], number: usize) -> Vec<u8> {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let (old, new) = (wide("Message 00000"), wide(&format!("Message {number:05}")));
    let mut bytes = template.to_vec();
    let places = memchr::memmem::find_iter(template, &old);
    for place in places {
        bytes[place..place + new.len()].copy_from_slice(&new);
    }
    bytes
}

/// The most memory that a process ever had in use, in bytes.
fn memory_peak(process: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}
