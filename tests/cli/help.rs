//! Help, man pages and completions.

use super::shown::{SAMPLES, msgfs_in, text};

#[test]
fn help_fits_one_screen() {
    for words in ["--help", "-h", "help"] {
        let help = text(msgfs_in("/".as_ref(), &[words]));
        assert!(help.lines().count() <= 34, "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        assert!(help.contains("Usage: msgfs [OPTIONS] <SOURCE> <MOUNTPOINT>\n"), "{help}");
    }
}

#[test]
fn every_command_and_option_is_explained() {
    let help = |topic: &str| text(msgfs_in("/".as_ref(), &["help", topic]));
    let overview = text(msgfs_in("/".as_ref(), &["--help"]));
    let (_, commands) = overview.split_once("\nCommands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let commands: Vec<_> = commands.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 10, "{commands:?}");
    for command in commands {
        assert!(help(command).contains(&format!("Usage: msgfs {command}")), "{command}");
    }
    let options = help("options");
    assert!(options.starts_with("Options of -o:\n  show=VIEW"), "{options}");
    for option in ["show", "others", "remote", "codepage", "cache", "uid", "gid", "umask", "fsname"]
    {
        assert!(options.contains(&format!("{option}=")), "{option}");
        // What is a command too is explained as that first.
        assert!(help(option).contains(&format!("-o {option}=")) || option == "gid", "{option}");
    }
}

#[test]
fn a_topic_that_is_not_known_gets_a_suggestion() {
    for (words, expected) in [
        (["help", "frobnicate"], "no command or option 'frobnicate'; see msgfs --help"),
        (["help", "gerp"], "no command or option 'gerp'; did you mean 'grep'?"),
        (["help", "umsk=027"], "no command or option 'umsk=027'; did you mean 'umask'?"),
        (["man", "shwo"], "no command or option 'shwo'; did you mean 'show'?"),
        // There is no page of an option.
        (["man", "umsk"], "no command or option 'umsk'; see msgfs --help"),
    ] {
        let ended = msgfs_in("/".as_ref(), &words);
        let expected = format!("msgfs: {expected}\n");
        assert_eq!((ended.status.code(), ended.stderr), (Some(2), expected));
    }
}

#[test]
fn man_pages_and_completions_are_made() {
    let run = |words: &[&str]| text(msgfs_in("/".as_ref(), words));
    let page = run(&["man"]);
    for expected in [".TH msgfs 1", "MOUNT OPTIONS", "codepage=N", "msgfs\\-grep"] {
        assert!(page.contains(expected), "{expected}: {page}");
    }
    assert!(run(&["man", "grep"]).contains(".TH msgfs-grep 1"));
    assert_eq!(msgfs_in("/".as_ref(), &["man", "frobnicate"]).status.code(), Some(2));
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(&["completions", shell]).contains("msgfs completions -- "), "{shell}");
    }
    // What is offered as one word may be written as a list.
    run(&["ls", "-o", "others=hide,show=mapi", SAMPLES]);
}
