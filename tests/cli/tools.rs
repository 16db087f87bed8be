//! The scripts of packaging/tools, each as the program that it is for runs it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::shown::{SAMPLES, text};
use crate::mount::folder::{Folder, letter};
use crate::mount::process::{MOMENT, is_installed, run};

const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/tools");

/// A command that finds `msgfs` in PATH.
fn command(program: &str) -> Command {
    let msgfs = Path::new(env!("CARGO_BIN_EXE_msgfs"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(msgfs.parent().unwrap().to_owned());
    let path = std::env::join_paths(folders.chain(std::env::split_paths(&path))).unwrap();
    let mut command = Command::new(program);
    command.env("PATH", path);
    command
}

#[test]
fn less_shows_messages_and_leaves_other_files_alone() {
    let print = |file: &str| {
        let mut lesspipe = command(&format!("{TOOLS}/lesspipe"));
        text(run(lesspipe.arg(file).current_dir(SAMPLES), MOMENT))
    };
    assert!(print("Price list.msg").starts_with("Subject:     Price list\n"));
    assert_eq!(print("notes.txt"), "");
}

#[test]
fn ripgrep_searches_messages() {
    let mut pre = command(&format!("{TOOLS}/rg-pre"));
    let shown = text(run(pre.arg("Price list.msg").current_dir(SAMPLES), MOMENT));
    assert!(shown.starts_with("Subject:     Price list\n"), "{shown}");
    let mut damaged = command(&format!("{TOOLS}/rg-pre"));
    damaged.arg("Damaged/Report cut short.msg").current_dir(SAMPLES);
    assert!(text(run(&mut damaged, MOMENT)).contains("\nDamaged: "));
    if !is_installed("rg") {
        println!("SKIPPED: no rg");
        return;
    }
    let mut rg = command("rg");
    rg.args(["--pre", &format!("{TOOLS}/rg-pre"), "--pre-glob", "*.msg", "-l", "jetty"]);
    let found = text(run(rg.arg(SAMPLES), MOMENT));
    assert!(found.contains("Quotation for the jetty.msg"), "{found}");
}

#[test]
fn git_shows_what_changed_in_a_message() {
    if !is_installed("git") {
        println!("SKIPPED: no git");
        return;
    }
    let folder = Folder::new().with("a.msg", letter("Before").to_bytes());
    let git = |words: &[&str]| {
        let mut git = command("git");
        git.args(["-c", "user.name=a", "-c", "user.email=a@example.org"]).args(words);
        git.current_dir(folder.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
        text(run(&mut git, MOMENT))
    };
    git(&["init", "--quiet"]);
    git(&["config", "diff.msg.textconv", &format!("{TOOLS}/git-textconv")]);
    fs::write(folder.join(".gitattributes"), "*.msg diff=msg\n").unwrap();
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "a"]);
    fs::write(folder.join("a.msg"), letter("Behind").to_bytes()).unwrap();
    let diff = git(&["diff"]);
    assert!(diff.contains("\n-Subject:     Before\n+Subject:     Behind\n"), "{diff}");
}

/// fzf needs a terminal; what it prints beside a message is what the preview command prints.
#[test]
fn the_preview_of_fzf_shows_a_message() {
    let script = fs::read_to_string(format!("{TOOLS}/fzf-preview")).unwrap();
    let preview = script.split("--preview '").nth(1).unwrap().split('\'').next().unwrap();
    let preview = preview.replace("{}", "'Price list.msg'");
    let mut shell = command("sh");
    let shown = text(run(shell.args(["-c", &preview]).current_dir(SAMPLES), MOMENT));
    assert!(shown.contains("Price list"), "{shown}");
}
