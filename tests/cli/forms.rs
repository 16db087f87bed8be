//! The forms of `msgfs extract`: attachments, mbox, pages, several paths, a list, a manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::shown::{SAMPLES, everything, msgfs_in, msgfs_on, text};
use crate::fixture::{AttachmentBuilder, Tree};
use crate::mount::folder::{Folder, damaged, letter, parcel};
use crate::mount::process::{Ended, MOMENT, is_installed, run};
use crate::parts;

fn extract(folder: &Path, target: &Folder, words: &[&str]) -> Ended {
    let out = target.path().to_str().unwrap();
    msgfs_in(folder, &[&["extract"], words, &[out]].concat())
}

/// The files in a folder, by their paths.
fn files(folder: &Path) -> Vec<String> {
    let files = everything(folder).into_iter();
    let files = files.filter(|(path, _)| folder.join(path).is_file());
    files.map(|(path, _)| path.to_str().unwrap().to_owned()).collect()
}

#[test]
fn attachments_are_taken_without_their_messages() {
    let source = Path::new(SAMPLES);
    let target = Folder::new();
    let summary = text(extract(source, &target, &["--attachments", "Fwd Lost parcel.msg"]));
    assert_eq!(summary.split_once(", ").unwrap().0, "1 message");
    assert_eq!(
        files(target.path()),
        [
            "Lost parcel.msg",
            "Lost parcel.msg.d/Your parcel 00340434.msg",
            "Lost parcel.msg.d/Your parcel 00340434.msg.d/tracking.txt",
        ]
    );
    let target = Folder::new();
    let words =
        ["--attachments", "--name", "*.PDF", "--name", "*.csv", "Quotation for the jetty.msg"];
    text(extract(source, &target, &words));
    assert_eq!(files(target.path()), ["Quotation 2024-117.pdf", "costs 2023_2024.csv"]);
    let target = Folder::new();
    let words =
        ["--attachments", "--no-inline", "Summer regatta.msg", "Quotation for the jetty.msg"];
    text(extract(source, &target, &words));
    assert!(!files(target.path()).iter().any(|path| path.ends_with("boat.png")));
    assert!(target.join("Quotation for the jetty.msg/signature.asc").is_file());
}

/// Several paths go under their last names, those of a list under their paths as given, without
/// what would lead out of the target. A name that is taken gets a number.
#[test]
fn each_path_has_its_place() {
    let source = Folder::new()
        .with("a/x.msg", letter("A").to_bytes())
        .with("b/x.msg", letter("B").to_bytes());
    let target = Folder::new();
    text(extract(source.path(), &target, &["a/x.msg", "b/x.msg"]));
    let subject = |path: &str| fs::read_to_string(target.join(path).join("subject")).unwrap();
    assert_eq!((subject("x.msg"), subject("x (2).msg")), ("A\n".to_owned(), "B\n".to_owned()));
    let target = Folder::new();
    let absolute = source.join("b/x.msg");
    let list = Folder::new();
    let paths = format!("a/x.msg\0{}\0./b/../a/x.msg\0", absolute.display());
    fs::write(list.join("list"), paths).unwrap();
    let list = list.join("list");
    let words = ["--eml", "--files0-from", list.to_str().unwrap()];
    text(extract(source.path(), &target, &words));
    let absolute = absolute.strip_prefix("/").unwrap().with_extension("eml");
    for path in [Path::new("a/x.eml"), &absolute, Path::new("b/a/x.eml")] {
        assert!(target.join(path).is_file(), "{path:?}: {:?}", files(target.path()));
    }
    let ended = extract(source.path(), &target, &["--files0-from", list.to_str().unwrap(), "a"]);
    assert_eq!(ended.status.code(), Some(2));
}

/// Messages whose names differ only in what the target leaves out are files of their own.
#[test]
fn messages_that_become_files_of_one_name_are_numbered() {
    let source = Folder::new()
        .with("d/x.msg", letter("A").to_bytes())
        .with("d/x.oft", letter("B").to_bytes())
        .with("d/x.eml", b"Subject: C\r\n\r\n");
    let list = Folder::new();
    fs::write(list.join("list"), "d/x.msg\0d/x.oft\0d/x.eml\0").unwrap();
    let list = list.join("list");
    let listed = ["--eml", "--update", "--files0-from", list.to_str().unwrap()];
    let given = ["--eml", "--update", "d/x.msg", "d/x.oft", "d/x.eml"];
    for (words, folder) in [(&listed[..], "d/"), (&given[..], "")] {
        let target = Folder::new();
        for _ in 0..2 {
            text(extract(source.path(), &target, words));
            for (name, subject) in [("x.eml", "A"), ("x (2).eml", "B"), ("x (3).eml", "C")] {
                let file = fs::read_to_string(target.join(format!("{folder}{name}"))).unwrap();
                assert!(file.contains(&format!("Subject: {subject}\r\n")), "{name}: {file}");
            }
            assert_eq!(files(target.path()).len(), 3);
        }
    }
}

/// What `find -0` prints is what `extract --files0-from -` takes.
#[test]
fn what_is_found_can_be_extracted() {
    let target = Folder::new();
    let found = msgfs_in(SAMPLES.as_ref(), &["find", "-0", "--subject", "jetty"]);
    let list = Folder::new();
    fs::write(list.join("found"), found.stdout).unwrap();
    let out = target.path().to_str().unwrap();
    let words = ["extract", "--attachments", "--name", "*.pdf", "--files0-from", "-", out];
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" \"$@\" < \"$INPUT\"", env!("CARGO_BIN_EXE_msgfs")]);
    shell.args(words).env("INPUT", list.join("found")).current_dir(SAMPLES);
    text(run(&mut shell, MOMENT));
    assert_eq!(files(target.path()), ["Quotation for the jetty.msg/Quotation 2024-117.pdf"]);
}

/// What lies in another path of the list is there once, in each form.
#[test]
fn what_is_found_in_messages_can_be_extracted_with_them() {
    let list = Folder::new();
    let found = msgfs_in(SAMPLES.as_ref(), &["find", "-0", "--embedded", "Fwd Lost parcel.msg"]);
    let count = found.stdout.iter().filter(|byte| **byte == 0).count();
    assert_eq!(count, 3);
    fs::write(list.join("list"), found.stdout).unwrap();
    let listed = list.join("list");
    let listed = ["--files0-from", listed.to_str().unwrap()];
    let extracted = |form: &[&str], words: &[&str]| {
        let target = Folder::new();
        text(extract(SAMPLES.as_ref(), &target, &[form, words].concat()));
        target
    };
    let tree = everything(extracted(&[], &listed).join("Fwd Lost parcel.msg").as_path());
    assert_eq!(tree, everything(extracted(&[], &["Fwd Lost parcel.msg"]).path()));
    let attachments = extracted(&["--attachments"], &listed);
    assert_eq!(
        files(&attachments.join("Fwd Lost parcel.msg")),
        files(extracted(&["--attachments"], &["Fwd Lost parcel.msg"]).path())
    );
    let inner = "attachments/Lost parcel.msg";
    assert_eq!(
        files(extracted(&["--msg"], &listed).path()),
        [
            "Fwd Lost parcel.msg".to_owned(),
            format!("Fwd Lost parcel.msg.d/{inner}"),
            format!("Fwd Lost parcel.msg.d/{inner}.d/attachments/Your parcel 00340434.msg"),
        ]
    );
    assert_eq!(files(extracted(&["--eml"], &listed).path()).len(), 3);
    // A folder has all that is below it.
    fs::write(list.join("list"), "Calendar\0Calendar/Boat inspection.msg\0").unwrap();
    let found = files(extracted(&["--eml"], &listed).path());
    assert!(found.contains(&"Calendar/Boat inspection.eml".to_owned()), "{found:?}");
    assert!(!found.iter().any(|path| path.contains("(2)")), "{found:?}");
}

/// The attachments may be those of a directory `attachments/`.
#[test]
fn attachments_are_taken_from_their_directory() {
    let source = Path::new(SAMPLES);
    let directories = [
        "Fwd Lost parcel.msg",
        "Summer regatta.msg",
        "Fwd Lost parcel.msg/attachments/Lost parcel.msg",
    ];
    for message in directories {
        for words in [&["--attachments"][..], &["--attachments", "--no-inline"]] {
            let (whole, part) = (Folder::new(), Folder::new());
            let directory = format!("{message}/attachments");
            text(extract(source, &whole, &[words, &[message]].concat()));
            text(extract(source, &part, &[words, &[&directory]].concat()));
            let found = files(part.path());
            assert_eq!(found, files(whole.path()), "{words:?} {message}");
            let is_same = |file: &String| {
                fs::read(part.join(file)).unwrap() == fs::read(whole.join(file)).unwrap()
            };
            assert!(found.iter().all(is_same), "{words:?} {message}");
            // The picture of the regatta is inline.
            assert_eq!(found.is_empty(), words.len() > 1 && message.starts_with("Summer"));
        }
    }
    // No page and no mailbox is made of what is no message.
    for form in ["--html", "--mbox"] {
        let target = Folder::new();
        let ended = extract(source, &target, &[form, "Fwd Lost parcel.msg/attachments"]);
        assert_eq!(ended.status.code(), Some(1), "{form}: {}", ended.stderr);
        assert!(ended.stderr.contains("attachments: holds no message to make"), "{}", ended.stderr);
        assert_eq!(files(target.path()), [""; 0], "{form}");
    }
}

/// The manifest has every file, is read by sha256sum, and takes the place of none.
#[test]
fn a_manifest_has_every_file() {
    let source = Folder::new()
        .with("SHA256SUMS", "a file of the mail")
        .with("back\\slash.msg", parcel().to_bytes());
    let target = Folder::new();
    text(extract(source.path(), &target, &["--manifest", "."]));
    assert_eq!(fs::read_to_string(target.join("SHA256SUMS")).unwrap(), "a file of the mail");
    let manifest = target.join("SHA256SUMS (2)");
    assert_eq!(manifest.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let count = fs::read_to_string(&manifest).unwrap().lines().count();
    assert_eq!(count, files(target.path()).len() - 1);
    if !is_installed("sha256sum") {
        println!("SKIPPED: no sha256sum");
        return;
    }
    let mut check = Command::new("sha256sum");
    check.args(["--check", "--strict", "--quiet", "SHA256SUMS (2)"]).current_dir(target.path());
    assert_eq!(text(run(&mut check, MOMENT)), "");
}

/// All messages in one file, which mail programs take apart again.
#[test]
fn an_mbox_has_every_message() {
    let source = Folder::new()
        .with("a.msg", letter("From me").to_bytes())
        .with("b/c.msg", parcel().to_bytes());
    let target = Folder::new();
    text(extract(source.path(), &target, &["--mbox", "."]));
    let mbox = target.join("messages.mbox");
    assert_eq!(mbox.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let program = "import mailbox, sys\n\
                   for m in mailbox.mbox(sys.argv[1], create=False): print(m['subject'])";
    let mut python = Command::new("python3");
    let read = run(python.args(["-c", program]).arg(&mbox), MOMENT);
    assert_eq!(text(read), "From me\nA parcel\n");
}

/// Pages link to what lies beside them, and to nothing else.
#[test]
fn pages_have_all_that_they_link_to() {
    let target = Folder::new();
    let ended = extract(SAMPLES.as_ref(), &target, &["--html", "--utc", "."]);
    assert_eq!(ended.status.code(), Some(1), "two of the samples are damaged");
    let index = fs::read_to_string(target.join("index.html")).unwrap();
    assert!(index.contains("\"2024-04-02 11:30 +00:00\",\"Clara"), "{index}");
    assert!(!index.contains("src=") && !index.contains("://example"), "{index}");
    let mut links: BTreeMap<String, String> = BTreeMap::new();
    let mut pictures = 0;
    for page in files(target.path()).iter().filter(|path| path.starts_with("m/")) {
        if !page.ends_with("index.html") {
            continue;
        }
        let html = fs::read_to_string(target.join(page)).unwrap();
        let (before_frame, frame) = html.split_once("<iframe").unwrap_or((&html, ""));
        // Chromium loads no file in a frame that is sandboxed.
        assert!(!frame.contains("src=&quot;attachments/"), "{page}: {frame}");
        pictures += frame.matches("data:image/").count();
        for link in before_frame.split("href=\"").skip(1) {
            let link = link.split('"').next().unwrap().to_owned();
            links.insert(link, page.clone());
        }
    }
    assert!(links.len() > 20 && pictures > 0, "{links:?}, {pictures} pictures");
    for (link, page) in &links {
        let decoded = decoded(link);
        let path = target.join(page).parent().unwrap().join(&decoded);
        assert!(path.is_file(), "{page}: {link}");
        assert!(path.canonicalize().unwrap().starts_with(target.path().canonicalize().unwrap()));
    }
}

/// What lies inside of signed mail and of `winmail.dat` is linked, and found.
#[test]
fn what_attachments_wrap_belongs_to_the_message() {
    let message = |name, media_type, bytes: &[u8]| {
        parts::mail("IPM.Note.SMIME").attach(parts::wrapped(name, media_type, bytes)).to_bytes()
    };
    let signed = parts::signed(parts::ENTITY);
    let source = Folder::new()
        .with("1.msg", message("smime.p7m", "application/pkcs7-mime", &signed))
        .with("2.msg", message("winmail.dat", "application/ms-tnef", &parts::winmail(b"data")));
    let target = Folder::new();
    text(extract(source.path(), &target, &["--html", "."]));
    for (page, file, content) in [
        ("m/000001", "signed/attachments/dot_.png", &[0, 1, 2][..]),
        ("m/000002", "attachments/winmail.dat.d/attachments/file.txt", b"data"),
    ] {
        let html = fs::read_to_string(target.join(page).join("index.html")).unwrap();
        assert!(html.contains(&format!("<a href=\"{file}\">")), "{page}: {html}");
        assert_eq!(fs::read(target.join(page).join(file)).unwrap(), content);
    }
    let find = |words: &[&str]| text(msgfs_in(source.path(), &[&["find"], words].concat()));
    assert_eq!(find(&["--attachment", "*.png"]), "1.msg\n");
    assert_eq!(find(&["--attachment", "*.txt"]), "2.msg\n");
    assert_eq!(find(&["--body", "Hello"]), "1.msg\n");
    assert_eq!(find(&["--body", "^Text"]), "2.msg\n");
}

/// Whoever opens the list finds every page and every file by links.
#[test]
fn every_page_and_file_is_linked() {
    let eml = "Subject: Inner\r\nFrom: Bo <bo@example.org>\r\n\r\nWords\r\n";
    let file = |name: &str, bytes: &[u8]| AttachmentBuilder::file(name, bytes);
    let native = b"\x30\0\0\0\x02\0a/b.txt\0C:\\a\0\0\0\x03\0\x05\0\0\0C:\\b\0\x04\0\0\0data\0\0";
    let mut object = Tree::default();
    object.put("\u{1}Ole10Native", native);
    let inner = letter("Inner").attach(file("deep.eml", eml.as_bytes()));
    let mixed = letter("Mixed")
        .attach(file("letter.eml", eml.as_bytes()))
        .attach(file("saved #1.msg", &inner.to_bytes()))
        .attach(AttachmentBuilder::message(inner))
        .attach(AttachmentBuilder::ole("Object", object))
        .attach(AttachmentBuilder::reference(7, "page", "https://example.org/page"))
        .attach(parts::wrapped("winmail.dat", "application/ms-tnef", &parts::winmail(b"data")));
    let entity = format!(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nText\n--b\n\
         Content-Type: message/rfc822; name=x.eml\n\n{eml}\n--b--\n"
    );
    let signed = parts::mail("IPM.Note.SMIME").attach(parts::wrapped(
        "smime.p7m",
        "application/pkcs7-mime",
        &parts::signed(&entity),
    ));
    let source = Folder::new().with("1.msg", mixed.to_bytes()).with("2.msg", signed.to_bytes());
    let target = Folder::new();
    text(extract(source.path(), &target, &["--html", "."]));
    let root = target.path().canonicalize().unwrap();
    let mut reached = BTreeSet::new();
    // The list of messages links to these by a script.
    let mut pages = vec![root.join("m/000001/index.html"), root.join("m/000002/index.html")];
    while let Some(page) = pages.pop() {
        if !reached.insert(page.clone()) || !page.ends_with("index.html") {
            continue;
        }
        let html = fs::read_to_string(&page).unwrap();
        let before_frame = html.split("<iframe").next().unwrap();
        for link in before_frame.split("href=\"").skip(1) {
            let link = decoded(link.split('"').next().unwrap());
            let linked = page.parent().unwrap().join(&link).canonicalize();
            pages.push(linked.unwrap_or_else(|_| panic!("{page:?} leads to no {link}")));
        }
    }
    let missed: Vec<_> =
        files(&root).into_iter().filter(|path| !reached.contains(&root.join(path))).collect();
    assert_eq!(missed, Vec::<String>::new());
    assert!(reached.contains(&root.join("m/000001/attachments/a_b.txt")), "{reached:?}");
    assert!(reached.contains(&root.join("m/000001/attachments/letter.eml.d/index.html")));
}

fn decoded(url: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = url.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).unwrap()
}

/// Whatever the form is, what is lost is listed, and is the exit status. A copy of the file loses
/// nothing.
#[test]
fn a_loss_is_told_in_every_form() {
    let source = Folder::new().with("b.msg", damaged());
    let target = Folder::new();
    let copied = extract(source.path(), &target, &["--msg", "."]);
    assert_eq!((copied.status.code(), copied.stderr.as_str()), (Some(0), ""));
    assert_eq!(fs::read(target.join("b.msg")).unwrap(), damaged());
    for form in [&[][..], &["--eml"], &["--json"], &["--mbox"], &["--html"]] {
        let target = Folder::new();
        let ended = extract(source.path(), &target, &[form, &["."]].concat());
        assert_eq!(ended.status.code(), Some(1), "{form:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("b.msg: "), "{form:?}: {}", ended.stderr);
        let summary = String::from_utf8(ended.stdout).unwrap();
        assert!(summary.trim_end().ends_with("1 loss"), "{form:?}: {summary}");
    }
    let target = Folder::new();
    let ended = extract(source.path(), &target, &["missing"]);
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    let out = target.path().to_str().unwrap();
    text(msgfs_on(&source.join("b.msg"), &["ls", "-"]));
    assert_eq!(msgfs_in(source.path(), &["extract", out]).status.code(), Some(2));
}

/// An empty mailbox, or a list without pages, would say that there is no mail in the file.
#[test]
fn an_export_that_finds_no_message_leaves_nothing() {
    let source = Folder::new()
        .with("notes.txt", "no")
        .with("a.eml", "From: a@example.com\n\nHello\n")
        .with("empty.msg", "")
        .with("folder/empty.msg", "")
        .with("whole.msg", letter("A").to_bytes());
    fs::create_dir(source.join("nothing")).unwrap();
    let target = Folder::new();
    let run = |form: &str, name: &str| extract(source.path(), &target, &[form, "--update", name]);
    for (form, made) in [("--mbox", "messages.mbox"), ("--html", "index.html")] {
        for (name, status) in
            [("notes.txt", 2), ("a.eml", 2), ("empty.msg", 1), ("folder", 1), ("missing", 2)]
        {
            let into = target.join("new/inner");
            let into = into.to_str().unwrap();
            let ended = msgfs_in(source.path(), &["extract", form, name, into]);
            assert_eq!(ended.status.code(), Some(status), "{form} {name}");
            assert!(ended.stderr.starts_with(&format!("msgfs: {name}")), "{}", ended.stderr);
            assert_eq!(ended.stdout, b"0 messages, 0 files, 0 bytes; 1 loss\n", "{form} {name}");
            assert!(!target.join("new").exists(), "{form} {name}");
        }
        // What an earlier run has made stays.
        text(run(form, "whole.msg"));
        let earlier = everything(target.path());
        assert_eq!(run(form, "empty.msg").status.code(), Some(1));
        assert_eq!(everything(target.path()), earlier, "{form}");
        // A folder without mail is no loss.
        text(run(form, "nothing"));
        assert!(target.join(made).is_file(), "{form}");
    }
    let again = extract(source.path(), &target, &["--mbox", "notes.txt"]);
    assert!(!again.stderr.contains("differs"), "{}", again.stderr);
    let into = target.join("new");
    let words = ["extract", "--attachments", "--name", "*.zz", ".", into.to_str().unwrap()];
    assert_eq!(msgfs_in(source.path(), &words).status.code(), Some(1));
    assert!(!into.exists(), "folders that stay empty are no result");
    for form in ["--attachments", "--eml", "--json"] {
        let into = target.join("new");
        let words = ["extract", form, "--manifest", "empty.msg", into.to_str().unwrap()];
        let ended = msgfs_in(source.path(), &words);
        assert_eq!(ended.status.code(), Some(1), "{form}");
        assert_eq!(ended.stdout, b"0 messages, 0 files, 0 bytes; 1 loss\n", "{form}");
        assert!(!into.exists(), "{form}");
    }
}
