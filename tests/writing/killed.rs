//! `kill -9` before the edits are saved: what was closed is there in the next mount, or is kept
//! where others have changed the file meanwhile. Each kill follows from its seed, which is printed
//! when it fails; `MSGFS_KILL_SEED=S` tries others, `MSGFS_KILLS=N` so many.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use msgfs::fs::{Fs, Ino};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::fixture::{AttachmentBuilder, RecipientBuilder};
use crate::mount::folder::{Folder, letter, numbers, parcel};
use crate::mount::mounted::{Mounted, has_fuse, msgfs};
use crate::mount::process::{MOMENT, Process, run, wait_until};
use crate::random::{Random, number_from_environment};

use super::direct::{Direct, open_for_writing};
use super::files::ReadFiles as _;
use super::mounted::Served;
use super::places::{contents, kept, names, recovered};

const KILLS: u64 = 40;
/// At most this many values are closed before a kill.
const VALUES_MAX: usize = 12;

/// A folder with two messages.
fn source() -> Folder {
    Folder::new().with("a.msg", parcel().to_bytes()).with("sub/b.msg", letter("B").to_bytes())
}

#[test]
fn every_value_that_was_closed_is_in_the_next_mount() {
    let kills = number_from_environment("MSGFS_KILLS").unwrap_or(KILLS);
    let first = number_from_environment("MSGFS_KILL_SEED").unwrap_or(0);
    let (state, source) = (tempfile::tempdir().unwrap(), source());
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let mut values = BTreeMap::new();
    for seed in first..first + kills {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        for number in 0..=random.below(VALUES_MAX) {
            let (path, value) = value(&mut random, seed, number);
            close(&mount, &path, &value);
            values.insert(path, value);
        }
        mount.kill();
        mount.serve();
        check(&mount, &values);
        assert_eq!(kept(state.path()), Vec::<std::path::PathBuf>::new());
    }
    for name in ["a.msg", "sub/b.msg"] {
        mount.sync(&format!("{name}/subject")).unwrap();
    }
    check(&Direct::reading(source.path()), &values);
    let unsaved = fs::read_to_string(mount.path(".msgfs/unsaved")).unwrap();
    assert_eq!(unsaved, "");
    assert!(names(source.path()).iter().all(|name| !name.starts_with(".msgfs-")));
}

/// A file and what it is set to.
fn value(random: &mut Random, seed: u64, number: usize) -> (String, Vec<u8>) {
    let message = ["a.msg", "sub/b.msg"][random.below(2)];
    let word = format!("{seed} and {number}\n");
    let (file, value) = match random.below(6) {
        0 => ("subject", format!("Subject {word}").into_bytes()),
        1 => ("body.txt", format!("Body {word}").repeat(random.below(200) + 1).into_bytes()),
        2 => ("importance", ["low\n", "high\n"][random.below(2)].into()),
        3 => ("cc", format!("Ann <a{seed}.{number}@example.org>\n").into_bytes()),
        4 => ("attachments/small.bin", word.into_bytes()),
        _ => ("attachments/large.bin", [word.into_bytes(), numbers(200_000)].concat()),
    };
    (format!("{message}/{file}"), value)
}

/// Writes a value, and checks that closing it succeeds: `dd` says so.
fn close(mount: &Served, path: &str, value: &[u8]) {
    let from = TempDir::new().unwrap();
    let from = from.path().join("value");
    fs::write(&from, value).unwrap();
    run(Command::new("cp").arg(&from).arg(mount.path(path)), MOMENT).expect_success();
}

#[track_caller]
fn check(found: &impl super::files::ReadFiles, values: &BTreeMap<String, Vec<u8>>) {
    for (path, value) in values {
        let found = found.read(path).unwrap();
        assert!(found == *value, "{path}: {} bytes, not {}", found.len(), value.len());
    }
}

/// Not only values outlast a kill, but also what was made, renamed and removed.
#[test]
fn every_kind_of_edit_is_made_again() {
    let (state, source) = (tempfile::tempdir().unwrap(), source());
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let script = "mkdir New.msg; echo New > New.msg/subject
        mkdir -p New.msg/attachments/In.msg; echo Inner > New.msg/attachments/In.msg/subject
        echo x > a.msg/attachments/first; mv a.msg/attachments/first a.msg/attachments/second
        rm a.msg/attachments/none";
    let mut shell = Command::new("sh");
    shell.args(["-euc", script]).current_dir(mount.root());
    run(&mut shell, MOMENT).expect_success();
    // The removal is final once the process has ended; then it is in the log at the next look.
    let log = || super::places::contents(state.path());
    let is_noted = || log().values().any(|(.., bytes)| holds(bytes, b"attachments/none"));
    wait_until("the removal in the log or the save", MOMENT, || {
        is_noted()
            || !Direct::reading(source.path())
                .names("a.msg/attachments")
                .unwrap()
                .contains(&"none".to_owned())
    });
    mount.kill();
    mount.serve();
    assert_eq!(mount.text("New.msg/subject"), "New\n");
    assert_eq!(mount.text("New.msg/attachments/In.msg/subject"), "Inner\n");
    let attachments = |files: &dyn Fn() -> Vec<String>| {
        let names = files();
        assert!(names.contains(&"second".to_owned()), "{names:?}");
        assert!(!names.iter().any(|name| name == "none" || name == "first"), "{names:?}");
    };
    attachments(&|| mount.names("a.msg/attachments").unwrap());
    mount.sync("New.msg/subject").unwrap();
    mount.sync("a.msg/subject").unwrap();
    let saved = Direct::reading(source.path());
    assert_eq!(saved.read("New.msg/attachments/In.msg/subject").unwrap(), b"Inner\n");
    attachments(&|| saved.names("a.msg/attachments").unwrap());
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(bytes, part).is_some()
}

/// What others have done to a message whose mount was killed.
#[test]
fn edits_of_a_file_that_others_changed_are_kept_and_named() {
    let changes: [fn(&Folder); 3] = [
        |source| drop(source.put("a.msg", letter("Of others").to_bytes())),
        |source| fs::remove_file(source.join("a.msg")).unwrap(),
        |source| {
            let file = OpenOptions::new().write(true).open(source.join("a.msg")).unwrap();
            file.write_all_at(&[0; 100], 3000).unwrap();
        },
    ];
    for change in changes {
        let (state, source) = (tempfile::tempdir().unwrap(), source());
        let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
        // A writer keeps the message from being saved at once.
        let open = OpenOptions::new().write(true).open(mount.path("a.msg/class")).unwrap();
        mount.put("a.msg/subject", "Mine\n");
        mount.kill();
        drop(open);
        change(&source);
        let before = contents(source.path());
        mount.serve();
        let folders = kept(state.path());
        assert_eq!(folders.len(), 1, "{folders:?}");
        assert_eq!(fs::read(folders[0].join("subject")).unwrap(), b"Mine\n");
        assert!(recovered(state.path()).is_empty(), "no whole message is left to be read");
        assert!(mount.told().contains(folders[0].to_str().unwrap()), "{}", mount.told());
        assert!(before == contents(source.path()), "the work of others has changed");
        let mut status = msgfs();
        status.env("XDG_STATE_HOME", state.path()).arg("status");
        let told = run(&mut status, MOMENT);
        assert_eq!(told.status.code(), Some(1), "{}", told.stderr);
        let lines = String::from_utf8(told.stdout).unwrap();
        assert!(lines.contains(&format!("kept\t{}\t", folders[0].display())), "{lines}");
    }
}

/// Two mounts that write to one source are like two programs: nobody's edits are damaged.
#[test]
fn two_mounts_of_one_source() {
    let (state, source) = (tempfile::tempdir().unwrap(), source());
    let Some(mut one) = Served::start(source.path(), state.path()) else { return };
    let Some(mut two) = Served::start(source.path(), state.path()) else { return };
    let open = OpenOptions::new().write(true).open(one.path("a.msg/class")).unwrap();
    one.put("a.msg/subject", "One\n");
    two.put("a.msg/subject", "Two\n");
    two.put("sub/b.msg/subject", "Two, too\n");
    two.sync("a.msg/subject").unwrap();
    two.kill();
    one.kill();
    drop(open);
    one.serve();
    let folders = kept(state.path());
    assert_eq!(folders.len(), 1, "{folders:?}");
    assert_eq!(fs::read(folders[0].join("subject")).unwrap(), b"One\n");
    assert_eq!(one.text("a.msg/subject"), "Two\n");
    assert_eq!(one.text("sub/b.msg/subject"), "Two, too\n");
}

/// `status`, `save` and `discard`.
#[test]
fn what_is_unsaved_is_listed_saved_and_thrown_away() {
    let (state, source) = (tempfile::tempdir().unwrap(), source());
    let Some(mount) = Served::start(source.path(), state.path()) else { return };
    let msgfs_of = |words: &[&str]| {
        let mut command = msgfs();
        command.env("XDG_STATE_HOME", state.path()).args(words).current_dir(mount.root());
        run(&mut command, MOMENT)
    };
    let status = || {
        let told = msgfs_of(&["status", "."]);
        assert!(told.status.success(), "{}", told.stderr);
        String::from_utf8(told.stdout).unwrap()
    };
    assert_eq!(status(), "");
    let open = OpenOptions::new().write(true).open(mount.path("a.msg/class")).unwrap();
    mount.put("a.msg/subject", "New\n");
    let line = status();
    let path = mount.path("a.msg").canonicalize().unwrap();
    assert!(line.starts_with(&format!("unsaved\t{}\t", path.display())), "{line}");
    assert_eq!(line.lines().count(), 1, "{line}");
    msgfs_of(&["discard", "a.msg"]).expect_success();
    assert_eq!(status(), "");
    assert_ne!(mount.text("a.msg/subject"), "New\n");
    assert_eq!(msgfs_of(&["discard", "a.msg"]).status.code(), Some(2));
    mount.put("a.msg/subject", "Newer\n");
    msgfs_of(&["save", "."]).expect_success();
    assert_eq!(status(), "");
    assert_eq!(Direct::reading(source.path()).read("a.msg/subject").unwrap(), b"Newer\n");
    // Both `save` and `status` say that there is a conflict.
    mount.put("a.msg/subject", "Newest\n");
    source.put("a.msg", letter("Of others").to_bytes());
    let saved = msgfs_of(&["save", "a.msg"]);
    assert_eq!(saved.status.code(), Some(1), "{}", saved.stderr);
    let told = msgfs_of(&["status"]);
    assert_eq!(told.status.code(), Some(1));
    // Mounts of other tests are listed too.
    let lines = String::from_utf8(told.stdout).unwrap();
    let line = format!("conflict\t{}\t", path.display());
    assert!(lines.lines().any(|one| one.starts_with(&line)), "{lines}");
    assert_eq!(msgfs_of(&["save", "/"]).status.code(), Some(2));
    drop(open);
}

/// A mount that hangs is named, and keeps `msgfs status` from nothing else.
#[test]
fn status_names_a_mount_that_does_not_answer() {
    let (state, source) = (tempfile::tempdir().unwrap(), source());
    let Some(hung) = Served::start(source.path(), state.path()) else { return };
    hung.stop();
    let mut command = msgfs();
    command.env("XDG_STATE_HOME", state.path()).arg("status");
    let told = run(&mut command, MOMENT);
    hung.signal(Signal::CONT);
    assert_eq!(told.status.code(), Some(1));
    let line = format!("msgfs: {}: the mount does not answer", hung.root().display());
    assert!(told.stderr.contains(&line), "{}", told.stderr);
}

#[test]
fn a_mount_without_a_place_for_edits_is_refused() {
    if !has_fuse() {
        return;
    }
    let (source, folder) = (source(), tempfile::tempdir().unwrap());
    let point = folder.path().join("point");
    fs::create_dir(&point).unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let _guard = Mounted::guard(&point);
    let file = folder.path().join("file");
    for (state, cause) in [
        (file.as_path(), "move the file away that has its name"),
        (Path::new("/proc"), "cannot be used"),
        (point.as_path(), "below the mount point"),
    ] {
        let mut command = msgfs();
        command.env("XDG_STATE_HOME", state).args(["-f", "-o", "edit"]);
        let ended = Process::start(command.arg(source.path()).arg(&point)).end(MOMENT);
        assert_eq!(ended.status.code(), Some(2), "{state:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(cause), "{state:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("XDG_STATE_HOME"), "{}", ended.stderr);
    }
    assert_eq!(fs::read_dir(&point).unwrap().count(), 0);
}

/// The longest names, and one that is no text.
#[test]
fn edits_of_messages_with_odd_names_are_kept() {
    use std::os::unix::ffi::OsStringExt as _;
    let state = tempfile::tempdir().unwrap();
    let source = Folder::new();
    let odd = [
        std::ffi::OsString::from("ж".repeat(125) + "x.msg"),
        std::ffi::OsString::from_vec([b"\xFF\n".as_slice(), &[b'n'; 249], b".msg"].concat()),
    ];
    for name in &odd {
        assert_eq!(name.len(), 255);
        fs::write(source.path().join(name), letter("Old").to_bytes()).unwrap();
    }
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let mut open = Vec::new();
    for name in &odd {
        let path = mount.root().join(name);
        let class = path.join("class");
        open.push(OpenOptions::new().write(true).open(class).unwrap());
        let mut file = fs::File::create(path.join("subject")).unwrap();
        file.write_all(b"New\n").unwrap();
    }
    mount.kill();
    for name in &odd {
        fs::write(source.path().join(name), "of others").unwrap();
    }
    mount.serve();
    let folders = kept(state.path());
    assert_eq!(folders.len(), 2, "{folders:?}");
    for folder in folders {
        assert_eq!(fs::read(folder.join("subject")).unwrap(), b"New\n");
    }
}

/// The ends of the records in a log, and before the first one that of its signature.
fn record_ends(log: &[u8]) -> Vec<usize> {
    const SIGNATURE: usize = 16;
    const CHECKSUM: usize = 8;
    let mut ends = vec![SIGNATURE];
    loop {
        let start = *ends.last().unwrap();
        let Some(len) = log[start..].first_chunk::<4>() else { return ends };
        ends.push(start + 4 + CHECKSUM + usize::try_from(u32::from_le_bytes(*len)).unwrap());
    }
}

/// Renames, each of which gives a value to another file: of one that is there, or of another message.
const RENAMES: [(&str, &str); 3] = [
    ("attachments/first", "attachments/second"),
    ("attachments/third", "attachments/Inner.msg/attachments/third"),
    ("cc", "bcc"),
];

/// Wherever a kill cuts the log off, each rename was made or was not made: no value is lost, and
/// none is there twice.
#[test]
fn a_log_that_ends_behind_any_record_has_whole_renames() {
    let inner = letter("Inner").attach(AttachmentBuilder::file("other", "other"));
    let message = letter("A")
        .recipient(RecipientBuilder::cc("Cy", "cy@example.org"))
        .recipient(RecipientBuilder::bcc("Di", "di@example.org"))
        .attach(AttachmentBuilder::file("first", "bytes of first"))
        .attach(AttachmentBuilder::file("second", "bytes of second"))
        .attach(AttachmentBuilder::file("third", "bytes of third"))
        .attach(AttachmentBuilder::message(inner));
    let source = Folder::new().with("a.msg", message.to_bytes());
    let state = tempfile::tempdir().unwrap();
    // Nothing is saved, so the next mounts find the same file.
    let fs = open_for_writing(source.path(), state.path());
    let values = |fs: &Fs| RENAMES.map(|(from, to)| (read(fs, from), read(fs, to)));
    let before = values(&fs);
    for (from, to) in RENAMES {
        let parent = |path: &str| look_up(&fs, path.rsplit_once('/').map_or("", |(up, _)| up));
        let name = |path: &'static str| OsStr::new(path.rsplit('/').next().unwrap());
        let (old, new) = (parent(from).unwrap(), parent(to).unwrap());
        fs.rename((old, name(from)), (new, name(to)), false).unwrap();
    }
    let after = values(&fs);
    for ((from, to), (gone, value)) in std::iter::zip(&before, &after) {
        assert!(gone.is_none() && value == from && value != to, "{from:?} {to:?} {value:?}");
    }
    let logs: Vec<_> = contents(&state.path().join("edits"))
        .into_iter()
        .filter_map(|(path, (.., bytes))| path.ends_with("log").then_some(bytes))
        .collect();
    let [log] = &logs[..] else { panic!("one log was expected") };
    let ends = record_ends(log);
    assert!(ends.len() > RENAMES.len(), "{ends:?}");
    for end in &ends[1..] {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("edits/1/1");
        fs::create_dir_all(&folder).unwrap();
        fs::write(state.path().join("edits/1/lock"), "").unwrap();
        fs::write(folder.join("log"), &log[..*end]).unwrap();
        let found = values(&open_for_writing(source.path(), state.path()));
        for (found, (before, after)) in std::iter::zip(&found, std::iter::zip(&before, &after)) {
            assert!(found == before || found == after, "cut at {end}: {found:?}");
        }
        assert!(!state.path().join("recovered").exists(), "cut at {end}");
    }
}

fn look_up(fs: &Fs, path: &str) -> Option<Ino> {
    let names = ["a.msg"].into_iter().chain(path.split('/').filter(|name| !name.is_empty()));
    names
        .map(OsStr::new)
        .try_fold(Ino::ROOT, |directory, name| Some(fs.lookup(directory, name).ok()?.attr.ino))
}

fn read(fs: &Fs, path: &str) -> Option<Vec<u8>> {
    Some(fs.read(look_up(fs, path)?, 0, 1 << 20).unwrap())
}

/// After the first of two attachments of one name was removed and the message saved, the next mount
/// gives the second one another name than this one. An edit that a kill leaves is made in the file
/// that was edited.
#[test]
fn edits_of_attachments_of_one_name_are_made_in_the_right_one() {
    let (state, source) = (tempfile::tempdir().unwrap(), Folder::new());
    let same = |bytes: &str| AttachmentBuilder::file("a.txt", bytes.to_owned());
    let message = letter("A").attach(same("first")).attach(same("second")).attach(same("third"));
    source.put("a.msg", message.to_bytes());
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    assert_eq!(mount.text("a.msg/attachments/a (3).txt"), "third");
    run(Command::new("rm").arg(mount.path("a.msg/attachments/a.txt")), MOMENT).expect_success();
    mount.sync("a.msg/subject").unwrap();
    let attachments = |files: &dyn Fn(&str) -> Vec<u8>, names: &[String]| {
        let read = |name: &String| String::from_utf8(files(name)).unwrap();
        let mut found: Vec<_> = names.iter().map(read).collect();
        found.sort();
        found
    };
    let saved = || {
        let saved = Direct::reading(source.path());
        let names = saved.names("a.msg/attachments").unwrap();
        attachments(&|name| saved.read(&format!("a.msg/attachments/{name}")).unwrap(), &names)
    };
    assert_eq!(saved(), ["second", "third"]);
    // A writing handle keeps the message from being saved by itself.
    let open = OpenOptions::new().write(true).open(mount.path("a.msg/class")).unwrap();
    mount.put("a.msg/attachments/a (3).txt", "third, edited");
    mount.put("a.msg/attachments/a.txt", "new");
    mount.kill();
    drop(open);
    mount.serve();
    for (name, text) in [("a", "new"), ("a (2)", "second"), ("a (3)", "third, edited")] {
        assert_eq!(mount.text(&format!("a.msg/attachments/{name}.txt")), text);
    }
    mount.sync("a.msg/subject").unwrap();
    assert_eq!(saved(), ["new", "second", "third, edited"]);
}

/// A mount names what earlier mounts of its source have kept, a line for each message, until it is
/// thrown away.
#[test]
fn a_mount_names_what_was_kept_of_its_source() {
    let (state, source, other) = (tempfile::tempdir().unwrap(), source(), source());
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    for subject in ["Mine\n", "Mine, again\n"] {
        mount.put("a.msg/subject", subject);
        source.put("a.msg", letter(subject).to_bytes());
        mount.signal(Signal::TERM);
        assert_eq!(mount.end().status.code(), Some(1));
        mount.serve();
    }
    mount.signal(Signal::TERM);
    mount.end();
    let folders = kept(state.path());
    assert_eq!(folders.len(), 2, "{folders:?}");
    let told = |source: &Folder| {
        let point = tempfile::tempdir().unwrap();
        let _mounted = Mounted::guard(point.path());
        let mut command = msgfs();
        command.env("XDG_STATE_HOME", state.path()).args(["-o", "edit"]);
        let ended = run(command.arg(source.path()).arg(point.path()), MOMENT);
        assert!(ended.status.success(), "{}", ended.stderr);
        ended.stderr
    };
    assert_eq!(told(&other), "");
    let message = source.path().canonicalize().unwrap().join("a.msg");
    let line = format!(
        "msgfs: edits of {} are kept in {} and 1 more; when you have taken what you need, throw \
         them away with 'msgfs discard'\n",
        message.display(),
        folders[0].display()
    );
    assert_eq!(told(&source), line);
    let mut discard = msgfs();
    discard.env("XDG_STATE_HOME", state.path()).arg("discard").args(&folders);
    run(&mut discard, MOMENT).expect_success();
    assert_eq!(names(&state.path().join("msgfs/recovered")), Vec::<String>::new());
    assert_eq!(told(&source), "");
    assert_eq!(run(&mut discard, MOMENT).status.code(), Some(2));
}

#[test]
fn a_read_only_mount_names_the_edits_that_it_does_not_show() {
    let (state, source) = (tempfile::tempdir().unwrap(), source());
    let Some(mut mount) = Served::start(source.path(), state.path()) else { return };
    let told = |options: &[&str]| {
        let point = tempfile::tempdir().unwrap();
        let _mounted = Mounted::guard(point.path());
        let mut command = msgfs();
        command.env("XDG_STATE_HOME", state.path()).args(options);
        let ended = run(command.arg(source.path()).arg(point.path()), MOMENT);
        assert!(ended.status.success(), "{}", ended.stderr);
        ended.stderr
    };
    mount.put("a.msg/subject", "Mine\n");
    // A mount that lives will save them.
    assert_eq!(told(&[]), "");
    mount.kill();
    let message = source.path().canonicalize().unwrap().join("a.msg");
    let line = format!(
        "msgfs: edits of {} are not shown, since their mount was killed before it saved them; \
         mount the source with -o edit to bring them back\n",
        message.display()
    );
    assert_eq!(told(&[]), line);
    assert_eq!(told(&["-o", "edit"]), "");
}
