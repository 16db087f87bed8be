//! The seeds of the fuzzer, and what it found: each is read without a panic.

use std::fs;
use std::path::Path;

#[path = "../fuzz/targets.rs"]
mod targets;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn run(name: &str, folders: &[&str], target: fn(&[u8])) {
    let seeds = format!("fuzz/seeds/{name}");
    let mut count = 0;
    for folder in folders.iter().chain([&&*seeds]) {
        for entry in fs::read_dir(Path::new(ROOT).join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                println!("{}", path.display());
                target(&fs::read(&path).unwrap());
                count += 1;
            }
        }
    }
    assert!(count > 2, "{count} seeds of {name}");
}

const SAMPLES: [&str; 3] = ["tests/samples", "tests/samples/Calendar", "tests/samples/Damaged"];

#[test]
fn compound_file() {
    run("compound_file", &SAMPLES, targets::compound_file);
}

#[test]
fn message() {
    run("message", &SAMPLES, targets::message);
}

#[test]
fn rtf() {
    run("rtf", &[], targets::rtf);
}

#[test]
fn html() {
    run("html", &[], targets::html);
}

#[test]
fn tnef() {
    run("tnef", &[], targets::tnef);
}

#[test]
fn cms() {
    run("cms", &[], targets::cms);
}

#[test]
fn recurrence() {
    run("recurrence", &[], targets::recurrence);
}
