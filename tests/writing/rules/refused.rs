//! Rule 3: what cannot become a value is refused at the first call that can know it.

use std::fs;
use std::os::unix::fs::FileExt as _;

use crate::mount::process::{MOMENT, wait_until};

use super::{Stage, bytes};

/// Rule 3.
#[test]
fn what_cannot_become_a_value_is_refused_early() {
    let Some(mut stage) = Stage::new() else { return };
    stage.refused("echo nonsense > B.msg/importance", "invalid argument");
    // What was only emptied before keeps its value.
    stage.refused("printf '\\xff\\n' > B.msg/subject", "invalid argument");
    assert_eq!(stage.output("cat B.msg/subject"), "B\n");
    assert_eq!(stage.output("cat B.msg/importance 2>/dev/null || echo normal"), "normal\n");
    // A message store begins a subject so, and its readers leave both characters out.
    stage.refused("printf '\\001\\006Hello world\\n' > B.msg/subject", "invalid argument");
    assert_eq!(stage.output("cat B.msg/subject"), "B\n");
    let errors = stage.output("cat .msgfs/errors");
    assert!(errors.contains("a subject that does not begin with U+0001"), "{errors}");
    // What only turns out at the end is kept.
    let _ = stage.sh("printf 2020-01-0 > B.msg/date");
    let kept = stage.state.path().join("msgfs/recovered/B.msg.d/date");
    wait_until("the refused text", MOMENT, || {
        fs::read(&kept).is_ok_and(|text| text == b"2020-01-0")
    });
    assert_eq!(stage.output("cat B.msg/date"), "2021-03-04T05:06:07Z\n");
    stage.end(1);
}

/// Rule 3: the name of a property says its type, and so whether a file can be its value.
#[test]
fn a_type_that_no_file_can_hold_is_refused_at_open() {
    let Some(mut stage) = Stage::new() else { return };
    for name in ["0x66011102", "0x66010999", "0x660100FB", "0x0017001F"] {
        stage.refused(&format!(": > B.msg/mapi/{name}"), "not permitted");
        let errors = stage.output("cat .msgfs/errors");
        assert!(errors.contains(&format!("B.msg/mapi/{name}: refused")), "{errors}");
    }
    stage.output(
        "echo 2020-01-01T00:00:00Z > B.msg/mapi/0x66010040; echo a > B.msg/mapi/0x6602101F",
    );
    stage.end(0);
}

/// Rule 3: what is written behind the present value is checked with it.
#[test]
fn what_is_appended_is_refused_early() {
    let Some(mut stage) = Stage::new() else { return };
    let to = stage.output("cat B.msg/to");
    stage.refused("echo 'a@b@c' >> B.msg/to", "invalid argument");
    stage.refused("echo 'Bob <bob@example.com' >> B.msg/to", "invalid argument");
    stage.refused("echo soon >> B.msg/date", "invalid argument");
    assert_eq!(stage.output("cat B.msg/to"), to);
    let errors = stage.output("cat .msgfs/errors");
    assert!(errors.contains("B.msg/to: refused: expected one address a line"), "{errors}");
    assert!(errors.contains("B.msg/date: refused: "), "{errors}");
    // Both through one descriptor: what was right before stays.
    stage.refused(
        "exec 3>>B.msg/to; echo 'New <new@example.com>' >&3; echo 'a@b@c' >&3",
        "invalid argument",
    );
    stage.output("echo 'Eve <eve@example.com>' >> B.msg/to; echo more >> B.msg/body.txt");
    let added = stage.output("cat B.msg/to");
    assert!(added.ends_with("Eve <eve@example.com>\n") && added.starts_with(&to), "{added}");
    stage.refused("echo x > B.msg/report.pdf", "not permitted");
    let errors = stage.output("cat .msgfs/errors");
    assert!(
        errors.contains("B.msg/report.pdf: refused: ") && errors.contains("attachments/"),
        "{errors}"
    );
    // Nothing was lost, so nothing is kept.
    stage.end(0);
}

/// Rule 3: whatever way the bytes come about. The log names the file in the message.
#[test]
fn a_text_with_nuls_is_refused() {
    let Some(mut stage) = Stage::new() else { return };
    let tree = "cat A.msg/subject A.msg/body.html";
    let before = stage.output(tree);
    for (script, expected) in [
        ("truncate -s 100 A.msg/subject", "invalid argument"),
        ("truncate -s 9999 A.msg/body.html", "invalid argument"),
        ("printf '<p>a\\0b</p>' > A.msg/body.html", "invalid argument"),
        // mv has words of its own for EINVAL.
        (
            "printf 'a\\0' > A.msg/tmp.abcdefghij; mv A.msg/tmp.abcdefghij A.msg/subject",
            "cannot move",
        ),
    ] {
        stage.refused(script, expected);
        assert_eq!(stage.output(tree), before, "{script}");
    }
    stage.output("rm A.msg/tmp.abcdefghij");
    let log = stage.end(1);
    for file in ["A.msg/subject", "A.msg/body.html"] {
        assert!(log.contains(&format!("{file}\": expected text without NULs")), "{log}");
    }
}

/// Rule 3: zero bytes that are overwritten before the file is closed are no matter, and bytes that are
/// no text may have them.
#[test]
fn a_file_can_be_made_longer_before_it_is_written() {
    let Some(mut stage) = Stage::new() else { return };
    stage.output("printf abc > B.msg/subject");
    let subject = fs::File::options().write(true).open(stage.mount.path("B.msg/subject")).unwrap();
    subject.set_len(6).unwrap();
    subject.write_all_at(b"def", 3).unwrap();
    rustix::fs::fsync(&subject).unwrap();
    drop(subject);
    assert_eq!(stage.saved("B.msg/subject"), b"abcdef\n");
    stage.output("truncate -s 4 B.msg/subject");
    assert_eq!(stage.output("cat B.msg/subject"), "abcd\n");
    stage.output("printf a > B.msg/mapi/PR_SEARCH_KEY; truncate -s 3 B.msg/mapi/PR_SEARCH_KEY");
    assert_eq!(bytes(&stage.mount.path("B.msg/mapi/PR_SEARCH_KEY")), b"a\0\0");
    stage.end(0);
}

/// Rules 3, 12 and 16. Shells overlook errors of `close`, so the end of the mount names what was
/// kept, with the reason.
#[test]
fn what_was_refused_at_the_end_is_named() {
    let Some(mut stage) = Stage::new() else { return };
    let date = stage.output("cat A.msg/date");
    stage.output("printf '2024-' > A.msg/date");
    assert_eq!(stage.output("cat A.msg/date"), date);
    let told = stage.end(1);
    assert!(
        told.contains("A.msg/date: not saved: refused: ") && told.contains("expected a time"),
        "{told}"
    );
    let kept = stage.state.path().join("msgfs/recovered/A.msg.d/date");
    assert_eq!(bytes(&kept), b"2024-");
}

/// Rules 3, 5 and 11: at the first call that can know it.
#[test]
fn what_is_sure_to_be_refused_is_refused_before_the_end() {
    let Some(mut stage) = Stage::new() else { return };
    stage.refused("echo hello > plain.msg", "invalid argument");
    for name in ["minutes ", " minutes", "etc.", "a\u{202e}b"] {
        stage.refused(&format!("echo x > 'A.msg/attachments/{name}'"), "not permitted");
    }
    for none in ["1601-01-01T00:00:00Z", "4501-01-01T00:00:00Z", "9999-12-31T00:00:00Z"] {
        let date = stage.output("cat A.msg/date");
        stage.output(&format!("echo {none} > A.msg/date"));
        assert_eq!(stage.output("cat A.msg/date"), date, "{none}");
    }
    let told = stage.end(1);
    assert!(told.contains("before the year 4501"), "{told}");
    assert!(!stage.source.join("plain.msg").exists());
}
