//! Messages written to with ordinary programs.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command;

use msgfs::body::html;

use super::folder::{Folder, letter, parcel};
use super::mounted::Mounted;
use super::process::{Ended, MOMENT, is_installed, run, wait_until};
use crate::cli::shown::SAMPLES;

/// Runs a script in the root of a mount.
fn shell(mounted: &Mounted, script: &str) -> Ended {
    run(Command::new("sh").args(["-euc", script]).current_dir(mounted.root()), MOMENT)
}

/// What a script that must succeed prints.
#[track_caller]
fn output(mounted: &Mounted, script: &str) -> String {
    String::from_utf8(shell(mounted, script).expect_success()).unwrap()
}

/// What a script that must fail complains of.
#[track_caller]
fn complaint(mounted: &Mounted, script: &str) -> String {
    let ended = shell(mounted, script);
    assert!(!ended.status.success(), "{script}");
    ended.stderr
}

fn wait_until_saved(mounted: &Mounted) {
    wait_until("the save", MOMENT, || mounted.session("unsaved_messages") == 0);
}

/// A file of a message in the source, read through a mount of its own.
#[track_caller]
fn saved(source: &Path, name: &str) -> String {
    Mounted::new(source, "").unwrap().text(name)
}

#[test]
fn files_are_set_as_ever() {
    let source = Folder::new().with("M.msg", letter("Old").to_bytes());
    let Some(mounted) = Mounted::new(source.path(), "edit") else { return };
    for (script, file, expected) in [
        ("echo New > M.msg/subject", "subject", "New\n"),
        ("sed -i s/New/Newer/ M.msg/subject", "subject", "Newer\n"),
        (
            "printf 'Sales <sales@example.org>\\nhelp@example.org\\n' > M.msg/to",
            "to",
            "Sales <sales@example.org>\nhelp@example.org\n",
        ),
        ("echo 'Cy <cy@example.org>' > M.msg/cc", "cc", "Cy <cy@example.org>\n"),
        ("printf 'Red\\nBlue\\n' > M.msg/categories", "categories", "Red\nBlue\n"),
        ("echo high > M.msg/importance", "importance", "high\n"),
        ("echo 2020-01-02T03:04:05Z > M.msg/date", "date", "2020-01-02T03:04:05Z\n"),
        ("printf one > M.msg/body.txt; echo two >> M.msg/body.txt", "body.txt", "onetwo\n"),
        ("truncate -s 3 M.msg/body.txt", "body.txt", "one"),
        ("printf X | dd of=M.msg/body.txt bs=1 seek=1 conv=notrunc status=none", "body.txt", "oXe"),
        ("echo 5 > M.msg/mapi/PR_PRIORITY", "mapi/PR_PRIORITY", "5\n"),
        ("printf x > M.msg/mapi/0x66A1001F", "mapi/0x66A1001F", "x"),
        (
            "printf x > M.msg/mapi/named/PS_PUBLIC_STRINGS/Own",
            "mapi/named/PS_PUBLIC_STRINGS/Own",
            "x",
        ),
        (
            "printf Zed > M.msg/mapi/recipients/0/PR_DISPLAY_NAME",
            "to",
            "Zed <sales@example.org>\nhelp@example.org\n",
        ),
    ] {
        assert_eq!(output(&mounted, script), "", "{script}");
        assert_eq!(mounted.text(format!("M.msg/{file}")), expected, "{script}");
        let len = fs::metadata(mounted.path(format!("M.msg/{file}"))).unwrap().len();
        assert_eq!(len, expected.len() as u64, "{script}");
    }
    wait_until_saved(&mounted);
    let again = Mounted::new(source.path(), "").unwrap();
    assert_eq!(again.text("M.msg/subject"), "Newer\n");
    assert_eq!(again.text("M.msg/to"), mounted.text("M.msg/to"));
    assert_eq!(again.text("M.msg/body.txt"), "oXe");
    mounted.unmount();
}

#[test]
fn what_cannot_be_set_says_so() {
    let source = Folder::new().with("M.msg", parcel().to_bytes()).with("note.txt", "A note.\n");
    let Some(mounted) = Mounted::new(source.path(), "edit") else { return };
    for (script, expected) in [
        ("echo x > M.msg/mapi/PR_DISPLAY_TO", "not permitted"),
        ("rm M.msg/mapi/PR_HASATTACH", "not permitted"),
        ("echo x > M.msg/raw/__x", "not permitted"),
        ("echo x > note.txt", "read-only"),
        ("echo x > other.txt", "read-only"),
        ("rm note.txt", "read-only"),
        ("mkdir folder", "not permitted"),
        ("mkdir M.msg/attachments/folder", "not permitted"),
        ("mkdir M.msg/attachments/.msg", "not permitted"),
        ("rm -r M.msg", "not permitted"),
        ("cp note.txt bad.msg", "invalid argument"),
    ] {
        let complaint = complaint(&mounted, script).to_lowercase();
        assert!(complaint.contains(expected), "{script}: {complaint}");
    }
    assert_eq!(mounted.names(""), ["M.msg", "note.txt"]);
    // An rm -r that was refused has removed nothing.
    assert_eq!(mounted.text("M.msg/subject"), "A parcel\n");
    assert_eq!(mounted.session("unsaved_messages"), 0);

    let path = mounted.path("M.msg/importance");
    let mut file = fs::File::create(&path).unwrap();
    let error = file.write_all(b"urgent").unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
    drop(file);
    let old = || fs::read_to_string(&path).is_ok_and(|text| text == "normal\n");
    wait_until("the old value", MOMENT, old);
    mounted.unmount();
}

#[test]
fn attachments_are_files() {
    let source = Folder::new()
        .with("M.msg", parcel().to_bytes())
        .with("Other.msg", letter("Other").to_bytes())
        .with("report.pdf", "%PDF");
    let Some(mounted) = Mounted::new(source.path(), "edit") else { return };
    output(
        &mounted,
        "cp report.pdf M.msg/attachments/; mv M.msg/attachments/report.pdf M.msg/attachments/r.pdf",
    );
    assert_eq!(mounted.text("M.msg/attachments/r.pdf"), "%PDF");
    assert!(!mounted.path("M.msg/attachments/report.pdf").exists());
    output(&mounted, "rm M.msg/attachments/none M.msg/attachments/page.ref");
    let other = fs::read(source.join("Other.msg")).unwrap();
    fs::write(mounted.path("M.msg/attachments/Other.msg"), other).unwrap();
    assert_eq!(mounted.text("M.msg/attachments/Other.msg/subject"), "Other\n");
    output(&mounted, "echo Mine > M.msg/attachments/Other.msg/subject");
    assert_eq!(mounted.text("M.msg/attachments/Other.msg/subject"), "Mine\n");
    output(&mounted, "mv M.msg/attachments/Other.msg M.msg/attachments/Moved.msg");
    output(&mounted, "echo deep > 'M.msg/attachments/Moved.msg/attachments/deep.txt'");
    wait_until_saved(&mounted);
    let name = "M.msg/attachments/Moved.msg/";
    assert_eq!(saved(source.path(), &format!("{name}subject")), "Mine\n");
    assert_eq!(saved(source.path(), &format!("{name}attachments/deep.txt")), "deep\n");
    output(&mounted, "rm -r M.msg/attachments/Moved.msg");
    assert!(!mounted.names("M.msg/attachments").contains(&"Moved.msg".to_owned()));
    mounted.unmount();
}

/// What nothing in a message sets is not taken and dropped: the copy of an appointment says so.
#[test]
fn a_copy_that_would_lose_an_appointment_fails() {
    let sample = Path::new(SAMPLES).join("Calendar/Boat inspection.msg");
    let source = Folder::new().with("A.msg", fs::read(sample).unwrap());
    let Some(mounted) = Mounted::new(source.path(), "edit") else { return };
    let complaint = complaint(&mounted, "cp -r A.msg B.msg").to_lowercase();
    assert!(complaint.contains("event.ics") && complaint.contains("not permitted"), "{complaint}");
    output(&mounted, "cp A.msg/message.msg C.msg; diff -r A.msg C.msg");
    mounted.unmount();
}

#[test]
fn messages_are_created_copied_and_renamed() {
    let source = Folder::new().with("A.msg", parcel().to_bytes());
    let Some(mounted) = Mounted::new(source.path(), "edit") else { return };
    output(&mounted, "mkdir New.msg; echo Hello > New.msg/subject; echo Text > New.msg/body.txt");
    output(&mounted, "mv New.msg Newer.msg");
    assert_eq!(saved(source.path(), "Newer.msg/subject"), "Hello\n");
    output(&mounted, "cp -r A.msg C.msg; diff -r A.msg C.msg");
    wait_until_saved(&mounted);
    let copy = Mounted::new(source.path(), "").unwrap();
    run(Command::new("diff").arg("-r").arg(copy.path("A.msg")).arg(copy.path("C.msg")), MOMENT)
        .expect_success();
    let bytes = fs::read(source.join("A.msg")).unwrap();
    fs::write(mounted.path("File.msg"), bytes).unwrap();
    assert_eq!(mounted.text("File.msg/subject"), "A parcel\n");
    assert_eq!(mounted.names(""), ["A.msg", "C.msg", "File.msg", "Newer.msg"]);
    mounted.unmount();

    let mounted = Mounted::new(source.path(), "edit,delete").unwrap();
    output(&mounted, "rm -r C.msg File.msg");
    assert_eq!(mounted.names(""), ["A.msg", "Newer.msg"]);
    assert!(!source.join("C.msg").exists() && !source.join("File.msg").exists());
    mounted.unmount();
}

#[test]
fn editors_save_in_every_way() {
    if !is_installed("vim") {
        println!("SKIPPED: no vim");
        return;
    }
    let source = Folder::new().with("M.msg", parcel().to_bytes());
    let Some(mounted) = Mounted::new(source.path(), "edit") else { return };
    let names = mounted.names("M.msg");
    for (way, text) in [
        ("set backup writebackup backupcopy=yes", "first"),
        ("set nobackup writebackup backupcopy=no", "second"),
        ("set nobackup nowritebackup", "third"),
    ] {
        let edit =
            format!("vim -es -u NONE -c '{way}' -c '%d' -c 's/^/{text}/' -c wq M.msg/body.txt");
        output(&mounted, &edit);
        assert_eq!(mounted.text("M.msg/body.txt"), format!("{text}\n"), "{way}");
        // The other bodies, which had the old text, are gone.
        assert!(!mounted.path("M.msg/body.html").exists());
    }
    output(&mounted, "rm -f M.msg/body.txt~");
    let left: Vec<_> = names.into_iter().filter(|name| name != "body.html").collect();
    assert_eq!(mounted.names("M.msg"), left);
    assert_eq!(mounted.text(".msgfs/errors"), "");
    mounted.unmount();
}

#[test]
fn open_files_and_directories_survive_a_save() {
    let source = Folder::new().with("M.msg", parcel().to_bytes());
    let Some(mounted) = Mounted::new(source.path(), "edit") else { return };
    let reader = fs::File::open(mounted.path("M.msg/body.txt")).unwrap();
    let directory = mounted.path("M.msg/attachments");
    output(&mounted, "echo Changed > M.msg/subject; printf more > M.msg/body.txt");
    wait_until_saved(&mounted);
    let mut bytes = [0; 10];
    let read = reader.read_at(&mut bytes, 0).unwrap();
    assert_eq!(&bytes[..read], b"more");
    let script = "cd M.msg/attachments; echo 1 > one; sync one; ls | grep -x one; cat one";
    assert_eq!(output(&mounted, script), "one\n1\n");
    assert!(directory.join("one").exists());
    mounted.unmount();
}

#[test]
fn pictures_of_an_html_body_are_found_by_mail_programs_too() {
    let source = Folder::new().with("M.msg", letter("Old").to_bytes());
    let Some(mounted) = Mounted::new(source.path(), "edit") else { return };
    let html = "<p>Logo <img src=\"attachments/logo%20a.png\"></p>";
    output(&mounted, &format!("printf %s '{html}' > M.msg/body.html"));
    output(&mounted, "printf PNG > 'M.msg/attachments/logo a.png'");
    wait_until_saved(&mounted);
    assert_eq!(html::undo(&mounted.text("M.msg/body.html")), html);
    let stored = mounted.text("M.msg/mapi/PR_HTML");
    let content_id = mounted.text("M.msg/mapi/attachments/0/PR_ATTACH_CONTENT_ID");
    assert_eq!(stored, format!("<p>Logo <img src=\"cid:{content_id}\"></p>"));
    // An edit of the body as it is shown keeps the reference.
    output(&mounted, "sed -i s/Logo/Emblem/ M.msg/body.html");
    wait_until_saved(&mounted);
    assert_eq!(mounted.text("M.msg/mapi/PR_HTML"), stored.replace("Logo", "Emblem"));
}

#[test]
fn no_old_body_is_left_beside_one_set_as_a_property() {
    let letter = letter("Old").html("<p>Old <b>text</b></p>").to_bytes();
    let source = Folder::new().with("M.msg", letter.clone()).with("N.msg", letter);
    let Some(mounted) = Mounted::new(source.path(), "edit") else { return };
    output(&mounted, "printf New > M.msg/mapi/PR_BODY; sync M.msg/mapi/PR_BODY");
    assert_eq!(mounted.text("M.msg/body.txt"), "New");
    assert!(!mounted.path("M.msg/body.html").exists());
    output(&mounted, "printf '<p>Newer</p>' > N.msg/mapi/0x10130102; sync N.msg/mapi/PR_HTML");
    assert_eq!(mounted.text("N.msg/body.txt").trim_end(), "Newer");
    assert_eq!(html::undo(&mounted.text("N.msg/body.html")), "<p>Newer</p>");
}
