//! Every command in `README.md` and in the guides of `docs/` runs, and prints what is shown.
//!
//! A command is a line of a code block behind `$ `; the lines up to the next one are what it
//! prints, in which `...` stands for anything, and differences of white space do not count. One
//! that shows nothing must succeed. A section is one session of a shell, which starts with the
//! sound samples in `~/mail` and `/srv/mail`, one of them as `Offer.msg` too, an empty `/mnt/mail`, and the lines for
//! `/etc/fstab` that `docs/system.md` shows; `cargo` and `scripts/` run in the repository. A command in
//! a sentence is listed in [`INLINE`], and one that cannot run in [`NOT_RUN`].

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::mount::mounted::has_fuse;
use crate::mount::process::run;
use crate::package::LAYERS;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Some build the program.
const SESSION: Duration = Duration::from_secs(1200);

/// Commands that cannot run in a test, and why.
const NOT_RUN: [(&str, &str); 31] = [
    ("msgfs table", "a block has it in full"),
    ("msgfs grep", "a block has it in full"),
    ("msgfs extract", "a block has it in full"),
    ("msgfs table --help", "the tests of help print it"),
    ("scripts/test", "it runs this test"),
    ("scripts/test-extra", "it installs DuckDB and others"),
    (
        "python3 -c \"import pandas; print(pandas.read_parquet('mail.parquet').groupby('sender_name').size())\"",
        "scripts/test-extra, which installs pandas, runs it",
    ),
    (
        "python3 -c \"import pandas; print(pandas.read_parquet('mail.parquet').client_submit_time.dt.year.value_counts())\"",
        "scripts/test-extra, which installs pandas, runs it",
    ),
    (
        "duckdb -c \"select count(*), sum(message_size) from 'shards/*/*.parquet'\"",
        "scripts/test-extra, which has GNU parallel, runs it",
    ),
    ("scripts/test-browser", "it installs a browser"),
    ("msgfs save PATH", "the tests of edits that are not saved run it"),
    ("msgfs discard PATH", "the tests of edits that are not saved run it"),
    ("scripts/package", "the test of the package runs it"),
    ("scripts/package --tar", "scripts/test runs it"),
    (
        "sudo tar -xzf target/tar/msgfs-*.tar.gz -C /usr/local --strip-components=1",
        "the test of the package unpacks it",
    ),
    ("mount -t fuse.msgfs", "a block has it in full"),
    ("msgfs umount", "a block has it in full"),
    ("umount -f -l", "it frees a mount that hangs"),
    ("scripts/compare FOLDER", "it installs the other readers from their registries"),
    ("apt-get install gcc fuse3", "it changes the machine"),
    (
        "sudo apt-get install ./target/debian/msgfs_*.deb",
        "the test of the package installs it beside the system",
    ),
    ("scripts/bench", "it takes minutes and gigabytes"),
    ("scripts/bench --help", "the comment at its top is what it prints"),
    ("scripts/bench --publish", "it takes minutes and gigabytes"),
    ("scripts/bench --large", "it takes minutes and gigabytes"),
    ("scripts/bench --instructions", "it takes minutes and gigabytes"),
    ("cargo bench --bench micro", "it takes minutes"),
    (
        "find /mnt/mail -name '*.msg' | fzf --preview 'head -n 40 {}/from {}/subject {}/body.txt'",
        "it waits for a choice",
    ),
    ("cargo doc --open", "it opens a browser"),
    ("UPDATE_SAMPLES=1 cargo test", "it writes what the other tests read"),
    ("UPDATE_GOLDEN=1 cargo test", "it writes what the other tests compare with"),
];

/// Commands in sentences, and how they run on the mounted samples.
const INLINE: [(&str, &str); 10] = [
    ("cat mapi/0x0037", "cd '/mnt/mail/Lunch on Friday.msg' && cat mapi/0x0037"),
    ("getfattr -d", "getfattr -d '/mnt/mail/Lunch on Friday.msg/mapi/PR_SUBJECT'"),
    ("grep -r", "grep -r jetty /mnt/mail"),
    ("git diff", "git --version"),
    ("msgfs find --help", "msgfs find --help"),
    ("rg --pre", "rg --version"),
    ("msgfs check", "msgfs check ~/mail/*.msg"),
    ("msgfs status", "msgfs status"),
    ("msgfs help COMMAND", "msgfs help find"),
    ("cp -r", "cp -r '/mnt/mail/Lunch on Friday.msg' copy"),
];

/// What a line begins with that is a command.
const PROGRAMS: [&str; 20] = [
    "apt-get",
    "cargo",
    "cat",
    "cp",
    "dpkg",
    "find",
    "getfattr",
    "git",
    "grep",
    "ls",
    "mount",
    "msgfs",
    "rg",
    "rsync",
    "sed",
    "sudo",
    "systemctl",
    "tree",
    "umount",
    "xargs",
];

/// What surrounds a session, in layers. `$2` is the repository, `$3` the program.
const SANDBOX: &str = r#"
    set +e
    home=$1/home repository=$2
    export CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
    export CARGO_INSTALL_ROOT=$home/.cargo CARGO_TARGET_DIR=$repository/target/readme
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_TERM_QUIET=true
    export HOME=$home PATH=$PATH:/usr/sbin:/sbin LC_ALL=C.UTF-8
    mkdir "$HOME"
    cp -r "$repository/tests/samples" "$HOME/mail"
    rm -r "$HOME/mail/Damaged"
    for directory in mnt srv; do
        mount -t tmpfs tmpfs "/$directory" || exit
        mkdir "/$directory/mail"
    done
    cp -r "$HOME/mail" /srv
    cp "$HOME/mail/Quotation for the jetty.msg" "$HOME/Offer.msg"
    cp "$HOME/Offer.msg" "$HOME/mail"
    rm -f /usr/bin/msgfs /usr/sbin/mount.fuse.msgfs
    ln -s "$3" /usr/bin/msgfs
    sed -n 's|^    \(/.* fuse\.msgfs \)|\1|p' "$repository/docs/system.md" >/etc/fstab
    cd
    exec 2>&1
    in_repository() { (cd "$repository" && eval "$1"); }
"#;
/// Stands before the number and behind the end of each command in the output of a session.
const MARK: &str = "\u{1}";
/// The output begins with it where the layers could be made.
const LAYERED: &str = "\u{2}";

/// A command, and what is shown of its output.
#[derive(Debug)]
struct Shown {
    command: String,
    output: String,
}

/// A section of a page.
#[derive(Debug)]
struct Section {
    heading: String,
    commands: Vec<Shown>,
}

/// The pages for users.
fn pages() -> Vec<String> {
    let names = ["README.md", "docs/editing.md", "docs/commands.md", "docs/tables.md"];
    let names = names.into_iter().chain(["docs/system.md", "benches/README.md"]);
    names.map(|name| fs::read_to_string(Path::new(ROOT).join(name)).unwrap()).collect()
}

fn sections() -> Vec<Section> {
    let pages = pages();
    let mut sections = Vec::new();
    for text in pages.iter().flat_map(|page| page.split("\n## ")) {
        let heading = text.lines().next().unwrap().to_owned();
        let commands = blocks(text).iter().flat_map(|block| commands(block)).collect();
        sections.push(Section { heading, commands });
    }
    sections
}

/// The code blocks, indented or fenced.
fn blocks(text: &str) -> Vec<Vec<&str>> {
    let mut blocks = vec![Vec::new()];
    let mut is_fenced = false;
    for line in text.lines() {
        let is_fence = line.starts_with("```");
        is_fenced ^= is_fence;
        match line.strip_prefix("    ") {
            _ if is_fence => blocks.push(Vec::new()),
            _ if is_fenced => blocks.last_mut().unwrap().push(line),
            Some(line) => blocks.last_mut().unwrap().push(line),
            None => blocks.push(Vec::new()),
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

fn commands(block: &[&str]) -> Vec<Shown> {
    let mut commands: Vec<Shown> = Vec::new();
    for line in block {
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(Shown { command: command.to_owned(), output: String::new() });
        } else if let Some(last) = commands.last_mut() {
            last.output += line;
            last.output.push('\n');
        }
    }
    commands
}

/// Without the comment.
fn bare(command: &str) -> &str {
    command.split(" #").next().unwrap().trim()
}

/// Why a command is not run.
fn exemption(command: &str) -> Option<&'static str> {
    let found = NOT_RUN.iter().find(|(exempt, _)| *exempt == bare(command));
    found.map(|(_, reason)| *reason)
}

fn is_command(text: &str) -> bool {
    let first = text.split_whitespace().find(|word| !word.contains('=')).unwrap_or_default();
    PROGRAMS.contains(&first) || first.starts_with("scripts/")
}

/// Runs commands one after another in one shell; returns what each printed, and its exit code.
fn run_session(commands: &[&str]) -> Option<Vec<(String, i32)>> {
    let folder = tempfile::TempDir::with_prefix("msgfs-readme-").unwrap();
    let layered = format!("printf '{LAYERED}'\n");
    let mut script = [LAYERS, &layered, SANDBOX].concat();
    for command in commands {
        let quoted = format!("'{}'", command.replace('\'', r"'\''"));
        let first = command.split_whitespace().next().unwrap_or_default();
        let is_ours = first == "cargo" || first.starts_with("scripts/");
        let how = if is_ours { "in_repository" } else { "eval" };
        script += &format!("printf '{MARK}'\n{how} {quoted}\nprintf '{MARK}%d' $?\n");
    }
    let mut file = tempfile::NamedTempFile::with_prefix("msgfs-session-").unwrap();
    file.write_all(script.as_bytes()).unwrap();
    let mut unshare = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    unshare.args(["--mount", "bash"]).arg(file.path()).arg(folder.path());
    let ended = run(unshare.args([ROOT, env!("CARGO_BIN_EXE_msgfs")]), SESSION);
    let printed = String::from_utf8_lossy(&ended.stdout);
    if !printed.starts_with(LAYERED) {
        println!("SKIPPED: no layers over the system here: {}{printed}", ended.stderr);
        return None;
    }
    let mut parts = printed.split(MARK).skip(1);
    let mut results = Vec::new();
    while let (Some(output), Some(code)) = (parts.next(), parts.next()) {
        results.push((output.to_owned(), code.trim().parse().unwrap()));
    }
    let told = &ended.stderr;
    assert_eq!(results.len(), commands.len(), "a session that ended early: {told}\n{printed}");
    Some(results)
}

/// Whether a program that is not ours is not installed.
fn is_missing(printed: &str, code: i32) -> bool {
    code == 127 && !printed.contains("msgfs: command not found")
}

/// Whether words are those shown, in which `...` stands for any.
fn is_like(shown: &[&str], printed: &[&str]) -> bool {
    match shown.split_first() {
        None => printed.is_empty(),
        Some((&"...", rest)) => {
            (0..=printed.len()).any(|skipped| is_like(rest, &printed[skipped..]))
        }
        Some((word, rest)) => printed.first() == Some(word) && is_like(rest, &printed[1..]),
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn every_command_runs_and_prints_what_is_shown() {
    if !has_fuse() {
        return;
    }
    let mut failed = Vec::new();
    for Section { heading, commands } in sections() {
        let is_built = |command: &str| {
            let is_built = cfg!(feature = "table") || !command.contains("msgfs table ");
            if !is_built {
                println!("SKIPPED: {command}: the tests were built without --features table");
            }
            is_built
        };
        let to_run = commands
            .iter()
            .filter(|shown| exemption(&shown.command).is_none() && is_built(&shown.command));
        let to_run: Vec<_> = to_run.collect();
        let lines: Vec<_> = to_run.iter().map(|shown| shown.command.as_str()).collect();
        if lines.is_empty() {
            continue;
        }
        let Some(results) = run_session(&lines) else { return };
        for (Shown { command, output }, (printed, code)) in to_run.iter().zip(results) {
            if is_missing(&printed, code) {
                println!("SKIPPED: {command}: {printed}");
                continue;
            }
            let is_right = match output.trim() {
                "" => code == 0,
                shown => is_like(&words(shown), &words(&printed)),
            };
            if !is_right {
                failed.push(format!("{heading}: $ {command}\n{printed}exit code {code}\n"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// The sentences have a command or two.
#[test]
fn every_command_in_a_sentence_runs() {
    if !has_fuse() {
        return;
    }
    for (inline, session) in INLINE {
        let lines = ["msgfs ~/mail /mnt/mail", session, "cd /", "msgfs umount /mnt/mail"];
        let Some(results) = run_session(&lines) else { return };
        for (line, (printed, code)) in lines.iter().zip(results) {
            let is_missing = is_missing(&printed, code);
            if is_missing {
                println!("SKIPPED: {inline}: {printed}");
            }
            assert!(is_missing || code == 0, "{inline}: $ {line}\n{printed}exit code {code}");
        }
    }
}

/// No command hides where it would not be run.
#[test]
fn every_command_is_marked_as_one() {
    let pages = pages();
    for block in pages.iter().flat_map(|page| blocks(page)) {
        if block.iter().any(|line| line.starts_with("$ ")) {
            continue;
        }
        for line in block {
            // A synopsis has words in capitals for what is to be filled in.
            let mut words = line.split(|c: char| !c.is_alphabetic());
            let is_synopsis = words.any(|word| {
                word.len() > 1 && word.chars().all(|letter| letter.is_ascii_uppercase())
            });
            assert!(is_synopsis || !is_command(line), "no '$ ' before {line:?}");
        }
    }
    let lines = pages.iter().flat_map(|page| page.lines());
    let sentences = lines.filter(|line| !line.starts_with("    "));
    let quoted: Vec<_> = sentences.flat_map(|line| line.split('`').skip(1).step_by(2)).collect();
    let in_blocks: Vec<_> = sections().into_iter().flat_map(|section| section.commands).collect();
    let is_in_block = |text: &str| in_blocks.iter().any(|shown| bare(&shown.command) == text);
    for text in &quoted {
        if !is_command(text) || !text.contains(' ') {
            continue;
        }
        let is_known = INLINE.iter().any(|(inline, _)| inline == text)
            || exemption(text).is_some()
            || is_in_block(text);
        assert!(is_known, "{text:?} is in a sentence: list it in INLINE, or in NOT_RUN");
    }
    let is_there = |text: &str| quoted.contains(&text) || is_in_block(text);
    for listed in NOT_RUN.iter().chain(&INLINE).map(|(text, _)| *text) {
        assert!(is_there(listed), "{listed:?} is not in the pages any more");
    }
}

#[test]
fn shown_output_is_compared_by_words() {
    let check = |shown: &str, printed: &str, expected: bool| {
        assert_eq!(is_like(&words(shown), &words(printed)), expected, "{shown:?} {printed:?}");
    };
    check("a  b", "a\nb\n", true);
    check("a b", "a", false);
    check("a", "a b", false);
    check("a ... d", "a b c d", true);
    check("...", "", true);
    check("a ...", "b a", false);
}
