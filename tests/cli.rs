//! The command line: what is typed wrong, or cannot be done, is one line that names it and says
//! what to do, with exit status 2 for wrong usage and missing paths and 1 for the rest. Nothing is left mounted.

mod again;
mod completions;
mod extract;
mod find;
mod forms;
mod help;
mod list;
mod names;
mod search;
mod show;
pub(crate) mod shown;
mod tools;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::mount::folder::{Folder, letter};
use crate::mount::mounted::{Mounted, has_fuse, is_mounted, msgfs, processes_of};
use crate::mount::process::{Ended, MOMENT, is_installed, run, wait_until};

const FAILED: i32 = 2;
/// `nobody`, of whom no file here is.
const NOBODY: u32 = 65534;

/// A source with a message, and what can be taken for a mount point.
struct Stage {
    /// For mounts that should not be there. Dropped before the folder.
    _guards: Vec<Mounted>,
    folder: Folder,
}

impl Stage {
    fn new() -> Self {
        let folder = Folder::new()
            .with("mail/a.msg", letter("A").to_bytes())
            .with("full/file", "here before")
            .with("file", "");
        fs::create_dir(folder.join("empty")).unwrap();
        let guards = ["empty", "full", "mail"].map(|name| Mounted::guard(&folder.join(name)));
        Self { _guards: guards.into(), folder }
    }

    /// The words of a command, with each `@name` made a path in the folder.
    fn words(&self, words: &str) -> Vec<String> {
        let word = |word: &str| match word.strip_prefix('@') {
            Some(name) => self.folder.join(name).display().to_string(),
            None => word.to_owned(),
        };
        words.split_whitespace().map(word).collect()
    }

    /// Runs `msgfs` and expects it to fail with just one line, in which `@name` is a path too.
    #[track_caller]
    fn check(&self, arguments: &str, code: i32, expected: &str) {
        let ended = run(msgfs().args(self.words(arguments)), MOMENT);
        let expected = expected.replace('@', &format!("{}/", self.folder.path().display()));
        assert_eq!(ended.stderr, format!("msgfs: {expected}\n"), "{arguments}");
        self.check_failed(&ended, code, arguments);
    }

    #[track_caller]
    fn check_failed(&self, ended: &Ended, code: i32, what: &str) {
        assert_eq!(ended.status.code(), Some(code), "{what}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("msgfs: "), "{what}: {}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{what}: {}", ended.stderr);
        assert_eq!(String::from_utf8_lossy(&ended.stdout), "", "{what}");
        for name in ["empty", "full", "file", "missing"] {
            let point = self.folder.join(name);
            assert!(!is_mounted(&point), "{what}: mounted on {name}");
            // The process in the background says why it failed, and then ends.
            wait_until("the end of the process", MOMENT, || processes_of(&point).is_empty());
        }
    }
}

/// Whether a test that needs root and a program can run here; says why not.
fn can_run_as_root(program: &str) -> bool {
    let missing = match () {
        () if !rustix::process::geteuid().is_root() => "root",
        () if !is_installed(program) => program,
        () => return true,
    };
    println!("SKIPPED: needs {missing}");
    false
}

#[test]
fn wrong_usage() {
    let stage = Stage::new();
    let check = |arguments, expected: &str| {
        stage.check(arguments, FAILED, &format!("{expected}; see msgfs --help"));
    };
    check("", "missing <SOURCE> and <MOUNTPOINT>");
    check("@mail", "missing <MOUNTPOINT>");
    check("@mail @empty @full", "too many arguments");
    check("--frobnicate @mail @empty", "unexpected argument '--frobnicate' found");
    check("-x @mail @empty", "unexpected argument '-x' found");
    check("-o", "a value is required for '-o <OPTIONS>' but none was supplied");
    check("umount", "missing <MOUNTPOINT>");
    check("umount @empty @full", "unexpected argument '@full' found");
    check("grep", "missing <PATTERN>");
    check("check --frobnicate", "unexpected argument '--frobnicate' found");
}

/// What was meant is named, where something similar is known.
#[test]
fn slips_get_a_suggestion() {
    let stage = Stage::new();
    let check = |arguments, expected: &str| stage.check(arguments, FAILED, expected);
    check("gerp x", "no file or command 'gerp'; did you mean 'grep'?");
    check(
        "gerp -i x",
        "unexpected argument '-i' found; did you mean 'msgfs grep'?; see msgfs --help",
    );
    check("gerp x @mail", "too many arguments; did you mean 'msgfs grep'?; see msgfs --help");
    check("grep (", "no regular expression: unclosed group; -F takes the pattern as it stands");
    check(
        "find --subject ( @mail",
        "--subject: no regular expression: unclosed group; -F takes the pattern as it stands",
    );
    check("unmount @empty", "no file or command 'unmount'; did you mean 'umount'?");
    check("tre", "missing <MOUNTPOINT>; did you mean 'msgfs tree'?; see msgfs --help");
    check(
        "@mail/a.msg",
        "missing <MOUNTPOINT>; 'msgfs show @mail/a.msg' prints a message; see msgfs --help",
    );
    check(
        "-o shwo=all @mail @empty",
        "unknown option 'shwo=all'; see msgfs --help; did you mean 'show'?",
    );
    check(
        "ls --recursiv",
        "unexpected argument '--recursiv' found; did you mean '--recursive'?; see msgfs --help",
    );
    check("ls --json --mail", "--json and --mail exclude each other; see msgfs --help");
}

/// Files of other mail programs are told apart, by their content before their name.
#[test]
fn other_mail_files_are_recognised() {
    let stage = Stage::new();
    let folder = &stage.folder;
    for (name, content, expected) in [
        ("a.pst", "!BDN", "is an Outlook data file"),
        ("b.eml", "Subject: x", "is an Internet message"),
        ("c", "From ann@example.org Mon", "is a mailbox"),
    ] {
        fs::write(folder.join(name), content).unwrap();
        let ended = run(msgfs().arg(folder.join(name)).arg(folder.join("empty")), MOMENT);
        assert!(ended.stderr.contains(expected), "{name}: {}", ended.stderr);
        stage.check_failed(&ended, FAILED, name);
    }
}

#[test]
fn wrong_options() {
    let stage = Stage::new();
    let check = |options: &str, expected: &str| {
        stage.check(&format!("-o {options} @mail @empty"), FAILED, expected);
        stage.check(&format!("-f -o ro -o noauto,{options} @mail @empty"), FAILED, expected);
    };
    check("frobnicate", "unknown option 'frobnicate'; see msgfs --help");
    check("frobnicate=1", "unknown option 'frobnicate=1'; see msgfs --help");
    check("delete", "option delete: removes messages, and needs edit");
    check("show=xml", "option show=xml: expected one of mapi, json, raw, eml, text, msg, all");
    check("others=no", "option others=no: expected show or hide");
    let expected = "expected the number of a known code page, such as 1252 or 932";
    for page in ["7", "utf-8", "-1", "99999999999"] {
        check(&format!("codepage={page}"), &format!("option codepage={page}: {expected}"));
    }
    for size in ["", "M", "1X", "-1", "99999999999G"] {
        let expected = "expected a size in bytes, or with K, M or G behind it";
        check(&format!("cache={size}"), &format!("option cache={size}: {expected}"));
    }
    check("uid=root", "option uid=root: expected a number");
    check("gid=-1", "option gid=-1: expected a number");
    for umask in ["8", "1000", "rwx"] {
        let expected = "expected an octal number up to 777";
        check(&format!("umask={umask}"), &format!("option umask={umask}: {expected}"));
    }
    check("fsname=", "option fsname=: expected a name");
}

/// What is wrong is named in one line, whatever is in its name.
#[test]
fn control_characters_are_not_repeated() {
    let stage = Stage::new();
    let ended =
        run(msgfs().args(["-o", "a\nb\u{1b}[2J"]).args(stage.words("@mail @empty")), MOMENT);
    stage.check_failed(&ended, FAILED, "an option with line ends");
    assert!(!ended.stderr.contains('\u{1b}'), "{:?}", ended.stderr);
}

#[test]
fn unusable_sources() {
    let stage = Stage::new();
    let check = |source: &str, cause: &str| {
        let expected = format!("source \"{source}\": {cause}; give a folder, or one message file");
        for flags in ["", "-f "] {
            stage.check(&format!("{flags}{source} @empty"), FAILED, &expected);
        }
    };
    check("@missing", "No such file or directory");
    check("@file/a.msg", "Not a directory");
    check("/dev/null", "neither a folder nor a file");
    let pipe = stage.folder.join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o644);
    rustix::fs::mknodat(rustix::fs::CWD, pipe, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    check("@pipe", "neither a folder nor a file");
}

#[test]
fn unusable_mount_points() {
    let stage = Stage::new();
    let check = |name: &str, cause: &str| {
        for flags in ["", "-f "] {
            let expected = format!("mount point \"@{name}\": {cause}");
            stage.check(&format!("{flags}@mail @{name}"), FAILED, &expected);
        }
    };
    check("missing", "no such directory; create it with mkdir");
    check("file", "not a directory; give an empty one");
    let cause = "not empty; give an empty directory, or -o nonempty to cover what is in it";
    check("full", cause);
    check("mail", cause);
}

/// A second mount would hide the first one.
#[test]
fn a_mount_is_not_mounted_over() {
    let stage = Stage::new();
    let Some(mount) = Mounted::new(stage.folder.path(), "") else { return };
    let ended = run(msgfs().arg(stage.folder.join("mail")).arg(mount.root()), MOMENT);
    let cause = "a msgfs is mounted there already; unmount it with 'msgfs umount'";
    let expected = format!("msgfs: mount point {:?}: {cause}\n", mount.root());
    assert_eq!((ended.status.code(), ended.stderr), (Some(FAILED), expected));
    assert_eq!(mount.text("mail/a.msg/subject"), "A\n");
    mount.unmount();
}

#[test]
fn only_a_msgfs_is_unmounted() {
    let stage = Stage::new();
    for name in ["empty", "file", "missing"] {
        let expected = format!(
            "cannot unmount \"@{name}\": no msgfs is mounted there; list them with 'findmnt -t fuse.msgfs'"
        );
        stage.check(&format!("umount @{name}"), FAILED, &expected);
    }
    let expected = "cannot unmount \"/proc\": no msgfs is mounted there; list them with 'findmnt -t fuse.msgfs'";
    stage.check("umount /proc", FAILED, expected);
    assert!(Path::new("/proc/self").exists());
}

#[test]
fn an_ordinary_user_is_told_what_to_do() {
    if !can_run_as_root("setpriv") {
        return;
    }
    let stage = Stage::new();
    // The one that was built may lie where only its builder may go.
    let program = stage.folder.join("msgfs");
    // Not by us: a program that another thread starts meanwhile would hold the copy open, and
    // what is open for writing cannot be run.
    run(Command::new("cp").arg(env!("CARGO_BIN_EXE_msgfs")).arg(&program), MOMENT).expect_success();
    let permit = |name: &str, mode| {
        fs::set_permissions(stage.folder.join(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let run = |words: &str| {
        let mut command = Command::new("setpriv");
        let [user, group] = ["--reuid", "--regid"].map(|flag| format!("{flag}={NOBODY}"));
        command.args([&user, &group, "--clear-groups"]).arg(&program).args(stage.words(words));
        run(&mut command, MOMENT)
    };
    permit("", 0o755);
    let ended = run("@mail @empty");
    stage.check_failed(&ended, FAILED, "a mount by nobody");
    let device = fs::metadata("/dev/fuse");
    let is_open = device.as_ref().is_ok_and(|device| device.permissions().mode() & 0o6 == 0o6);
    let remedy = match device {
        Ok(_) if !is_open => "'chmod 666 /dev/fuse', or mount as root\n",
        Ok(_) if is_installed("fusermount3") => "that you own, or mount as root\n",
        Ok(_) => "install fusermount3 (package fuse3), or mount as root\n",
        Err(_) => "or give the container the device\n",
    };
    assert!(ended.stderr.ends_with(remedy), "{}", ended.stderr);

    permit("empty", 0o700);
    let ended = run("@mail @empty");
    stage.check_failed(&ended, FAILED, "a closed mount point");
    let expected = "permission denied; choose a directory that you own\n";
    assert!(ended.stderr.ends_with(expected), "{}", ended.stderr);

    permit("empty", 0o755);
    permit("mail", 0o700);
    let ended = run("@mail @empty");
    stage.check_failed(&ended, FAILED, "a closed source");
    assert!(ended.stderr.ends_with("; mount as a user who may read it\n"), "{}", ended.stderr);
}

#[test]
fn without_the_device_the_remedy_is_told() {
    if !can_run_as_root("unshare") {
        return;
    }
    let stage = Stage::new();
    let in_empty_dev = |command: &str| {
        let mut unshare = Command::new("unshare");
        let script = format!("mount -t tmpfs none /dev && {command}");
        unshare.args(["-m", "sh", "-c", &script, env!("CARGO_BIN_EXE_msgfs")]);
        run(unshare.args(stage.words("@mail @empty")), MOMENT)
    };
    if !in_empty_dev("true").status.success() {
        println!("SKIPPED: no mount namespaces here");
        return;
    }
    for flags in ["", "-f"] {
        let ended = in_empty_dev(&format!("exec \"$0\" {flags} \"$@\""));
        let expected = "msgfs: no /dev/fuse: load the kernel module with 'modprobe fuse', or \
                        give the container the device\n";
        assert_eq!(ended.stderr, expected);
        stage.check_failed(&ended, FAILED, "no /dev/fuse");
    }
}

#[test]
fn help_and_version_are_printed() {
    for (arguments, expected) in [
        ("--help", "msgfs [OPTIONS] <SOURCE> <MOUNTPOINT>"),
        ("help show", "show=VIEW"),
        ("help options", "Options of -o:"),
        ("check --help", "--json"),
        ("umount --help", "<MOUNTPOINT>"),
        ("--version", concat!("msgfs ", env!("CARGO_PKG_VERSION"), "\n")),
        ("-V", concat!("msgfs ", env!("CARGO_PKG_VERSION"), "\n")),
    ] {
        let text = run(msgfs().args(arguments.split(' ')), MOMENT).expect_success();
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(expected), "{arguments}: {text}");
    }
}

/// A line of fstab may have any option of mount(8).
#[test]
fn generic_mount_options_are_accepted() {
    if !has_fuse() {
        return;
    }
    let stage = Stage::new();
    let options = "noauto,nofail,_netdev,user,x-systemd.automount,defaults,noatime,ro,nodev,nosuid";
    let mount = Mounted::new(&stage.folder.join("mail"), options).unwrap();
    assert_eq!(mount.text("a.msg/subject"), "A\n");
    mount.unmount();
    for option in options.split(',') {
        let point = stage.folder.join("empty");
        let mount = Mounted::at(&stage.folder.join("mail"), &point, option);
        assert_eq!(mount.names(""), ["a.msg"], "{option}");
        drop(mount);
    }
}
