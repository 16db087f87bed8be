//! The pages for people name what exists, and code and tests keep to what their pages say.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The folders of the repository whose files the pages name.
const FOLDERS: [&str; 12] = [
    ".ci/",
    ".github/",
    "benches/",
    "crates/",
    "docs/",
    "examples/",
    "fuzz/",
    "packaging/",
    "python/",
    "scripts/",
    "src/",
    "tests/",
];

/// Every page beside the README.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let mut pages: Vec<_> =
        docs.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect();
    let others = ["CONTRIBUTING.md", "SECURITY.md", "tests/README.md", "fuzz/README.md"];
    pages.extend(others.map(|page| root.join(page)));
    pages
}

/// What a page names in backquotes or in a link and looks like a path of the repository. A part in
/// capitals, as in `src/cli/NAME.rs`, stands for any name.
fn paths(page: &str) -> BTreeSet<&str> {
    let words = page.split(|c: char| c.is_whitespace() || "`,;:()[]|'\"".contains(c));
    let words = words.map(|word| word.strip_prefix("../").unwrap_or(word).trim_end_matches('.'));
    let is_path = |word: &&str| FOLDERS.iter().any(|folder| word.starts_with(folder));
    let is_pattern = |word: &str| {
        let mut parts = word.split(['/', '.']);
        word.contains(['*', '$', '{'])
            || parts.any(|part| {
                part.len() > 1 && part != "README" && part.bytes().all(|b| b.is_ascii_uppercase())
            })
    };
    words.filter(is_path).filter(|word| !is_pattern(word)).collect()
}

#[test]
fn the_paths_that_the_pages_name_exist() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{page:?}: {error}"));
        for path in paths(&text) {
            assert!(Path::new(ROOT).join(path).exists(), "{page:?} names {path}");
        }
    }
}

#[test]
fn paths_are_found() {
    let page = "See `src/cli/cat.rs`, (../tests/tests.rs), src/cli/NAME.rs and `tests/README.md`.";
    let expected = ["src/cli/cat.rs", "tests/README.md", "tests/tests.rs"];
    assert_eq!(paths(page), BTreeSet::from(expected));
}

/// The files of Rust in a folder of the repository and below it.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![Path::new(ROOT).join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// A part that imports what uses it can touch more than its type says.
#[test]
fn imports_point_downward() {
    for (folder, above) in [
        ("src/view", &["crate::fs", "crate::mount", "crate::cli"][..]),
        ("src/fs", &["crate::mount", "crate::cli"]),
        ("src/mount", &["crate::cli"]),
        ("src/fs/source", &["fs::messages", "super::messages", "fs::edits", "super::edits"]),
        ("src/fs/messages", &["fs::edits", "super::edits"]),
    ] {
        for file in rust_files(folder) {
            let text = fs::read_to_string(&file).unwrap();
            let imports = text.lines().filter(|line| line.trim_start().starts_with("use "));
            for line in imports {
                assert!(!above.iter().any(|one| line.contains(one)), "{file:?}: {line}");
            }
        }
    }
}

/// A test that sleeps is slow on every machine and still fails on a slower one. `wait_until` waits
/// for a condition with a deadline, and nothing else waits.
#[test]
fn no_test_sleeps() {
    let sleeps =
        |path: &PathBuf| fs::read_to_string(path).unwrap().contains(concat!("thread::", "sleep("));
    let sleepers: Vec<_> = rust_files("tests").into_iter().filter(sleeps).collect();
    let sleepers: Vec<_> = sleepers.iter().map(|path| path.strip_prefix(ROOT).unwrap()).collect();
    assert_eq!(sleepers, [Path::new("tests/mount/process.rs")]);
}
