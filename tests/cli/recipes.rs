//! The commands of the README's sections on searching and on the commands without a mount.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::shown::SAMPLES;
use crate::mount::folder::Folder;
use crate::mount::mounted::Mounted;
use crate::mount::process::{LONG, is_installed, run};

/// The commands of a section of the README, without comments.
fn commands(heading: &str) -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("    "));
    lines.map(|line| line.split("  #").next().unwrap().trim_end().to_owned()).collect()
}

/// Each command does something on the sample mail; those of programs that are not installed are
/// left out.
#[test]
fn the_commands_can_be_run() {
    let folder = Folder::new();
    let mail = folder.join("mail");
    let copied = run(Command::new("cp").arg("-r").arg(SAMPLES).arg(&mail), LONG);
    copied.expect_success();
    fs::copy(mail.join("Quotation for the jetty.msg"), mail.join("Offer.msg")).unwrap();
    fs::copy(mail.join("Offer.msg"), folder.join("Offer.msg")).unwrap();
    let Some(mount) = Mounted::new(&mail, "") else { return };
    let program = Path::new(env!("CARGO_BIN_EXE_msgfs")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let found = [commands("Without FUSE"), commands("Search")].concat();
    assert!(found.len() > 10, "{found:?}");
    for command in found {
        let programs = ["jq", "duckdb", "rg", "fzf", "notmuch", "recollindex"];
        let needed = programs
            .iter()
            .find(|one| command.split_whitespace().any(|word| word == **one) && !is_installed(one));
        if let Some(missing) = needed.or(command.contains("fzf").then_some(&"a terminal for fzf")) {
            println!("SKIPPED: {command}: no {missing}");
            continue;
        }
        let command = command.replace("/mnt/mail", &mount.root().display().to_string());
        let command = command.replace("invoice", "quotation").replace("Q[34]", "Quot");
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &command])
            .current_dir(folder.path())
            .env("PATH", &path)
            .env("HOME", folder.path());
        let ended = run(&mut shell, LONG);
        let is_damaged = ended.stderr.lines().all(|line| line.contains("/Damaged/"));
        assert!(is_damaged, "{command}: {}", ended.stderr);
        let is_silent =
            command.contains("extract") || command.contains('>') || command.contains("notmuch");
        assert_eq!(ended.stdout.is_empty(), is_silent, "{command}");
    }
    for made in ["copy/Offer.msg/subject", "eml/Offer.eml", "mail.jsonl"] {
        assert!(folder.join(made).metadata().unwrap().len() > 0, "{made}");
    }
}
