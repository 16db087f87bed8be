//! Completions, typed on a terminal into each shell that is installed.

use std::path::Path;
use std::process::Command;

use super::shown::{SAMPLES, msgfs_in, text};
use crate::mount::folder::Folder;
use crate::mount::mounted::{Mounted, has_fuse, msgfs};
use crate::mount::process::{Ended, LONG, MOMENT, is_installed, run};

/// How a shell is started without what the user has set, and how it takes the completions.
const SHELLS: [(&str, &str, &str); 3] = [
    ("bash", "bash --norc --noprofile -i", "source <(msgfs completions bash)"),
    (
        "zsh",
        "zsh -f -i",
        "autoload -Uz compinit && compinit -u -D && source <(msgfs completions zsh)",
    ),
    ("fish", "fish --no-config -i", "msgfs completions fish | source"),
];

/// Types lines into a shell on a terminal, and returns what is then on the screen.
fn typed(shell: &str, setup: &str, folder: &Path, lines: &str) -> String {
    const TERMINAL: &str = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let program = Path::new(env!("CARGO_BIN_EXE_msgfs")).parent().unwrap();
    // Shells write their history there.
    let home = Folder::new();
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"printf '%s\n' "$1" "$2" exit | python3 -c "$3" $4"#, "sh"])
        .args([setup, lines, TERMINAL, shell])
        .current_dir(folder)
        .env("PATH", format!("{}:{}", program.display(), std::env::var("PATH").unwrap()))
        .env("HOME", home.path())
        .env("TERM", "xterm");
    let Ended { stdout, .. } = run(&mut command, LONG);
    String::from_utf8_lossy(&stdout).into_owned()
}

/// Tab completes commands, options and their values, and the names of files in a message; what it
/// has inserted runs.
#[test]
fn shells_complete_paths_in_messages() {
    for (name, shell, setup) in SHELLS {
        if !is_installed(name) || !is_installed("python3") {
            println!("SKIPPED: no {name}, or no python3");
            continue;
        }
        for (line, expected) in [
            ("msgfs ca\t Quot\tsu\t", "Quotation for the jetty"),
            ("msgfs cat Quotation\\ for\\ the\\ jetty.msg/cl\t", "IPM.Note"),
            ("msgfs ls --color=ne\tQuot\tattachm\tcos\t", "costs 2023_2024.csv"),
            ("msgfs cat -o show=ma\tQuot\tmapi/PR_SUBJECT_P\t | wc -c", "0"),
        ] {
            let screen = typed(shell, setup, SAMPLES.as_ref(), line);
            // The prompt or a title may stand before it.
            let is_there = screen.lines().any(|shown| shown.trim().ends_with(expected));
            assert!(is_there, "{name}: {line}: {screen}");
        }
    }
}

#[test]
fn shells_complete_mount_points() {
    if !has_fuse() {
        return;
    }
    let folder = Folder::new();
    for (name, shell, setup) in SHELLS {
        if !is_installed(name) || !is_installed("python3") {
            println!("SKIPPED: no {name}, or no python3");
            continue;
        }
        let point = folder.join(format!("{name} mount"));
        std::fs::create_dir(&point).unwrap();
        let _guard = Mounted::guard(&point);
        text(run(msgfs().args([SAMPLES.as_ref(), point.as_path()]), MOMENT));
        let line = format!("msgfs umount {}\t && echo is gone", &name[..1]);
        let screen = typed(shell, setup, folder.path(), &line);
        assert!(screen.lines().any(|shown| shown.ends_with("is gone")), "{name}: {screen}");
    }
}

#[test]
fn wrong_words_offer_nothing() {
    for words in [&["frobnicate", ""][..], &["cat", "/no/such/folder/a"], &["ls", "--frobnicate="]]
    {
        let words = [&["completions", "--"], words].concat();
        let ended = msgfs_in(SAMPLES.as_ref(), &words);
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""), "{words:?}");
    }
}
