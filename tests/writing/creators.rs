//! Who owns the files that are made through a mount, and who may read them.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::fixture::AttachmentBuilder;
use crate::mount::folder::{Folder, letter};
use crate::mount::process::{Ended, MOMENT, is_installed, run, wait_until};

use super::mounted::Served;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn bash(mount: &Served, script: &str) {
    let mut command = Command::new("bash");
    run(command.args(["-euc", script]).current_dir(mount.root()), MOMENT).expect_success();
}

#[test]
fn a_new_message_has_the_permissions_that_the_umask_of_its_maker_leaves() {
    let source = Folder::new().with("A.msg", letter("A").to_bytes());
    let copied = source.join("A.msg");
    let state = tempfile::tempdir().unwrap();
    let Some(mut mount) = Served::start_with("edit", source.path(), state.path()) else { return };
    for (umask, expected) in [("077", 0o600), ("002", 0o664), ("027", 0o640)] {
        let script = format!(
            "umask {umask}; mkdir Made{umask}.msg; echo New > Made{umask}.msg/subject; \
             cat {} > Copied{umask}.msg",
            copied.display()
        );
        bash(&mount, &script);
        for name in [format!("Made{umask}.msg"), format!("Copied{umask}.msg")] {
            let shown = mode(&mount.path(&name)) & 0o666;
            assert_eq!(shown, expected, "{name}");
            wait_until("the file", MOMENT, || source.join(&name).exists());
            assert_eq!(mode(&source.join(&name)), expected, "{name}");
        }
    }
    mount.signal(Signal::TERM);
    assert_eq!(mount.end().status.code(), Some(0));
}

/// Mode and time that are set right after `mkdir` are those of the file that the message gets.
#[test]
fn a_new_message_takes_the_attributes_that_it_is_given() {
    let source = Folder::new();
    let state = tempfile::tempdir().unwrap();
    let Some(mut mount) = Served::start_with("edit", source.path(), state.path()) else { return };
    bash(&mount, "umask 022; mkdir N.msg; chmod 600 N.msg; echo Secret > N.msg/subject");
    bash(&mount, "mkdir -m 700 O.msg; echo Open > O.msg/subject; chmod 755 O.msg");
    bash(&mount, "mkdir T.msg; touch -d 2001-01-01T00:00:00Z T.msg");
    let modified = fs::metadata(source.join("T.msg")).unwrap().mtime();
    assert_eq!(modified, 978_307_200);
    mount.signal(Signal::TERM);
    assert_eq!(mount.end().status.code(), Some(0));
    assert_eq!(mode(&source.join("N.msg")), 0o600);
    assert_eq!(mode(&source.join("O.msg")), 0o644);
}

/// If a mount is killed before a new message is saved, the next mount creates the file. It knows no
/// umask of the program that made the message, so the log has its permissions.
#[test]
fn a_message_made_before_a_crash_is_as_private_as_it_was_to_be() {
    let source = Folder::new();
    let state = tempfile::tempdir().unwrap();
    let Some(mut mount) = Served::start_with("edit", source.path(), state.path()) else { return };
    bash(&mount, "umask 077; mkdir Private.msg; echo Secret > Private.msg/subject");
    mount.kill();
    mount.serve();
    mount.signal(Signal::TERM);
    assert_eq!(mount.end().status.code(), Some(0));
    assert_eq!(mode(&source.join("Private.msg")), 0o600);
}

#[test]
fn a_message_that_comes_out_of_another_one_is_not_more_readable() {
    let embedded = AttachmentBuilder::message(letter("Inner"));
    let source = Folder::new().with("A.msg", letter("A").attach(embedded).to_bytes());
    fs::set_permissions(source.join("A.msg"), Permissions::from_mode(0o600)).unwrap();
    let state = tempfile::tempdir().unwrap();
    let Some(mut mount) = Served::start_with("edit", source.path(), state.path()) else { return };
    bash(&mount, "umask 022; mv A.msg/attachments/*.msg Out.msg");
    mount.signal(Signal::TERM);
    assert_eq!(mount.end().status.code(), Some(0));
    assert_eq!(mode(&source.join("Out.msg")), 0o600);
}

/// Others may edit what they may write to, and make nothing that would belong to the mounter.
#[test]
fn edits_of_others_are_kept_with_the_mounter() {
    if !rustix::process::geteuid().is_root() || !is_installed("setpriv") {
        println!("SKIPPED: needs root and setpriv");
        return;
    }
    let embedded = AttachmentBuilder::message(letter("Inner"));
    let source = Folder::new().with("A.msg", letter("A").attach(embedded).to_bytes());
    fs::set_permissions(source.join("A.msg"), Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(source.path(), Permissions::from_mode(0o777)).unwrap();
    let state = tempfile::tempdir().unwrap();
    let options = "edit,allow_other";
    let Some(mut mount) = Served::start_with(options, source.path(), state.path()) else { return };
    fs::set_permissions(mount.root().parent().unwrap(), Permissions::from_mode(0o1777)).unwrap();
    let script = |script: &str| -> Ended {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-ec", script]);
        run(command.arg("sh").arg(mount.root()), MOMENT)
    };
    script("echo Theirs > \"$1\"/A.msg/subject").expect_success();
    for refused in ["mkdir \"$1\"/New.msg", "mv \"$1\"/A.msg/attachments/*.msg \"$1\"/Out.msg"] {
        let ended = script(refused);
        assert!(ended.stderr.contains("not permitted"), "{refused}: {}", ended.stderr);
    }
    let told = format!(
        "edits of user 65534 that cannot be saved are kept in the mounter's folder {}",
        state.path().display()
    );
    wait_until("a line in the log", MOMENT, || mount.told().contains(&told));
    mount.signal(Signal::TERM);
    assert_eq!(mount.end().status.code(), Some(0));
    assert!(!source.join("Out.msg").exists());
}
