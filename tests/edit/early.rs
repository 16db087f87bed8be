//! What cannot become a value is refused while it is being written.

use msgfs::mapi::CodePage;
use msgfs::view::{Error, StartCheck};

use super::editor::{Edited, letter};

/// Pushes a text byte by byte, and tells after how many it is refused.
fn refused_after(edited: &Edited, path: &str, bytes: &[u8]) -> Option<usize> {
    let mut check = StartCheck::new(&edited.tree(), path).unwrap();
    bytes.iter().position(|byte| check.push(&[*byte]).is_err()).map(|at| at + 1)
}

#[test]
fn nothing_that_can_become_a_value_is_refused() {
    let edited = Edited::new(&letter());
    for (path, text) in [
        ("subject", "Räder: 見積書\nnext\n"),
        ("from", "\"Doe, Jane\" <jane@example.org>\n"),
        ("to", "ann@b.cc, bob@d.ee; Carl <c@x.yy>\nEve <eve@example.org>\n"),
        ("date", "2017-11-30T08:09:10+01:00\n"),
        ("class", "IPM.Note\n"),
        ("importance", "high\n"),
        ("importance", "1"),
        ("body.txt", "é\n\n見"),
        ("body.html", "<p>é</p>"),
        ("body.rtf", "{\\rtf1 x}"),
        ("mapi/PR_IMPORTANCE", "-17\n"),
        ("mapi/0x66A5001F", "é"),
        ("mapi/0x66A50040", "2017-11-30T08:09:10Z"),
        ("mapi/0x66A61003", "1\n2\n-3\n"),
        ("attachments/x.bin", "\u{1}\0"),
    ] {
        assert_eq!(refused_after(&edited, path, text.as_bytes()), None, "{path}: {text}");
    }
}

#[test]
fn what_cannot_become_a_value_is_refused_at_the_first_wrong_byte() {
    let edited = Edited::new(&letter());
    for (path, bytes, after) in [
        ("importance", &b"nonsense\n"[..], 3),
        ("importance", b"7\n", 1),
        ("date", b"yesterday\n", 1),
        ("date", b"2018-13-01", 7),
        ("subject", b"a\xFFb", 2),
        ("subject", b"\xC3\xC3", 2),
        ("body.txt", b"abc\0d", 4),
        ("subject", b"\0\0", 1),
        ("body.html", b"<p>\xE9</p>", 5),
        ("body.rtf", b"{\\html", 3),
        ("message-id", b"<a@b>\n<c@d>", 7),
        ("to", b"ann@b.cc bob@d.ee\nx", 18),
        ("from", b"a@b.cc\nc@d.ee\n", 14),
        ("mapi/PR_IMPORTANCE", b"high", 1),
        ("mapi/0x66A61003", b"1\nx\n", 3),
    ] {
        assert_eq!(refused_after(&edited, path, bytes), Some(after), "{path}");
    }
}

#[test]
fn a_line_of_addresses_makes_several_recipients() {
    let mut edited = Edited::new(&letter());
    edited.set("to", "ann@b.cc, bob@d.ee; Carl <c@x.yy>").unwrap();
    assert_eq!(edited.text("to").unwrap(), "ann@b.cc\nbob@d.ee\nCarl <c@x.yy>\n");
    let before = edited.text("to");
    assert!(matches!(edited.set("to", "a@b.cc x@y\n"), Err(Error::Invalid { .. })));
    assert_eq!(edited.text("to"), before);
}

/// A character that the code page of the message does not have is named when it is written, not
/// when the file is closed: programs overlook the errors of `close`.
#[test]
fn a_character_that_the_message_cannot_store_is_refused_where_it_is_written() {
    let edited = Edited::new(&letter().ansi(CodePage::new(1252).unwrap()));
    for (path, text, after) in [
        ("subject", "Räder ✓", Some("Räder ✓".len())),
        ("subject", "Räder €\n", None),
        ("class", "IPM.見", Some("IPM.見".len())),
        ("body.txt", "a\n✓", Some(5)),
        ("body.html", "<p>✓</p>", None),
        ("mapi/PR_COMMENT", "✓", Some(3)),
        ("cc", "Čeněk <c@x.yy>\n", Some("Čeněk <c@x.yy>\n".len())),
        ("cc", "Cy <cy@example.org>\nÖrjan <o@x.yy>\n", None),
        ("attachments/x.bin", "✓", None),
    ] {
        assert_eq!(refused_after(&edited, path, text.as_bytes()), after, "{path}: {text}");
    }
    let mut check = StartCheck::new(&edited.tree(), "subject").unwrap();
    let refused = check.push("a ✓ b".as_bytes()).unwrap_err();
    let Error::Unmappable { character, code_page } = refused else { panic!("{refused}") };
    assert_eq!((character, code_page), ('✓', 1252));
    let edited = Edited::new(&letter());
    assert_eq!(refused_after(&edited, "subject", "✓".as_bytes()), None);
}
