//! What `README.md` names exists: options, files of a message, scripts, samples, commands.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use msgfs::mount::{Caller, MountOptions};
use msgfs::view::{file_names, is_message_entry};

use crate::mount::mounted::msgfs;
use crate::mount::process::{MOMENT, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn readme() -> String {
    fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap()
}

/// The text from a heading to the next one.
fn section(readme: &str, heading: &str) -> String {
    let heading = format!("\n## {heading}\n");
    let (_, text) = readme.split_once(&heading).unwrap_or_else(|| panic!("no {heading:?}"));
    text.split("\n## ").next().unwrap().to_owned()
}

/// What stands in backquotes in a line.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// What is left of a line of the tree of a message: the names before the explanation.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let names = line.trim_start().split("  ").next().unwrap_or_default();
    names.split_whitespace().map(|name| name.trim_end_matches('/'))
}

#[test]
fn the_options_are_understood() {
    let text = section(&readme(), "Options");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let options: BTreeSet<_> = rows
        .flat_map(|row| {
            quoted(row.split('|').nth(1).unwrap()).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    assert!(options.len() > 10, "{options:?}");
    for option in &options {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let example = match (name, value) {
            ("codepage", "N") => "codepage=932".to_owned(),
            (_, "N") => format!("{name}=1000"),
            (_, "SIZE") => format!("{name}=64M"),
            (_, "OCTAL") => format!("{name}=027"),
            (_, "NAME") => format!("{name}=mail"),
            ("delete", _) => "edit,delete".to_owned(),
            _ => option.clone(),
        };
        assert!(
            !example.bytes().any(|byte| byte.is_ascii_uppercase() && byte != b'M'),
            "{example}"
        );
        let parsed = MountOptions::parse([example.as_str()], Caller::CommandLine);
        assert!(parsed.is_ok(), "{option}: {parsed:?}");
    }
}

/// Every option that `msgfs help options` names is in the table too.
#[test]
fn no_option_is_missing() {
    let help = run(msgfs().args(["help", "options"]), MOMENT).expect_success();
    let help = String::from_utf8(help).unwrap();
    let table = section(&readme(), "Options");
    let (_, options) = help.split_once("Options of -o:\n").unwrap();
    let words = options
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .flat_map(|line| line.split("  ").next().unwrap().split(", "));
    let named: Vec<_> = words.map(|word| word.split(['=', '[']).next().unwrap()).collect();
    assert!(named.len() > 10, "{named:?}");
    // These are of mount(8).
    for name in named.into_iter().filter(|name| !["exec", "noexec"].contains(name)) {
        let is_there = table.contains(&format!("`{name}=")) || table.contains(&format!("`{name}`"));
        assert!(is_there, "{name}");
    }
}

#[test]
fn the_files_of_a_message_are_known() {
    let text = section(&readme(), "What a message looks like");
    let tree = text.lines().skip_while(|line| !line.ends_with(".msg/"));
    let tree = tree.skip(1).take_while(|line| line.starts_with("    "));
    // A line that only goes on with an explanation is set in further.
    let lines: Vec<_> =
        tree.filter(|line| line.starts_with("      ") && !line.starts_with("       ")).collect();
    let mut found = BTreeSet::new();
    for name in lines.iter().flat_map(|line| names(line)) {
        assert!(is_message_entry(name), "{name}");
        found.insert(name);
    }
    for name in file_names() {
        assert!(found.contains(name), "the README explains no file {name}");
    }
}

/// Every file that a sample has is explained.
#[test]
fn no_file_of_a_message_is_missing() {
    let text = section(&readme(), "What a message looks like");
    let (tree, _) = text.split_once("\nA file is there only").unwrap();
    let explained: BTreeSet<_> =
        tree.split_whitespace().map(|word| word.trim_end_matches('/')).collect();
    let mut listings = BTreeSet::new();
    crate::mail::collect_files(&Path::new(ROOT).join("tests/golden"), &mut listings);
    assert!(listings.len() > 10);
    for listing in listings {
        for line in fs::read_to_string(&listing).unwrap().lines() {
            let path = line.split('\t').next().unwrap();
            if !path.contains('/') {
                assert!(explained.contains(path), "{path} of {listing:?}");
            }
        }
    }
}

#[test]
fn the_scripts_can_be_run() {
    let readme = readme();
    let words = readme.split(|c: char| c.is_whitespace() || "`,;:()".contains(c));
    let scripts: BTreeSet<_> = words.filter(|word| word.starts_with("scripts/")).collect();
    assert!(scripts.contains("scripts/demo") && scripts.contains("scripts/test"), "{scripts:?}");
    for script in scripts {
        let metadata = Path::new(ROOT).join(script).metadata();
        let metadata = metadata.unwrap_or_else(|error| panic!("{script}: {error}"));
        assert!(metadata.is_file() && metadata.permissions().mode() & 0o111 == 0o111, "{script}");
    }
}

/// Paths of the repository that are named exist.
#[test]
fn the_paths_exist() {
    let readme = readme();
    let words = readme.split(|c: char| c.is_whitespace() || "`,;:()".contains(c));
    let is_path = |word: &&str| ["src/", "tests/"].iter().any(|start| word.starts_with(start));
    let paths: BTreeSet<PathBuf> = words
        .filter(is_path)
        .map(|word| Path::new(ROOT).join(word.trim_end_matches('.')))
        .collect();
    assert!(paths.len() >= 3, "{paths:?}");
    for path in paths {
        assert!(path.exists(), "{path:?}");
    }
}

/// The terminal session at the top names a sample, and lists what it has.
#[test]
fn the_first_listing_is_true() {
    let readme = readme();
    let (_, rest) = readme.split_once("$ ls \"/mnt/mail/").unwrap();
    let (sample, rest) = rest.split_once("\"\n").unwrap();
    let listed: BTreeSet<_> = rest.lines().next().unwrap().split_whitespace().collect();
    let listing = Path::new(ROOT).join(format!("tests/golden/{sample}.tree"));
    let listing = fs::read_to_string(listing).unwrap();
    let names = listing.lines().map(|line| line.split('\t').next().unwrap());
    let hidden = ["mapi", "raw", "message.json", "message.msg", "message.eml"];
    let names: BTreeSet<_> =
        names.filter(|name| !name.contains('/') && !hidden.contains(name)).collect();
    assert_eq!(listed, names, "{sample}");
    let (_, from) = rest.split_once("/from\"\n").unwrap();
    let from = from.lines().next().unwrap().trim();
    assert!(listing.contains(&format!("\"{from}\\n\"")), "{from}");
    let (_, attachment) = readme.split_once(&format!("{sample}/attachments/")).unwrap();
    let attachment = attachment.split('"').next().unwrap();
    assert!(listing.contains(&format!("attachments/{attachment}\t")), "{attachment}");
}
