//! Entities written by hand.

use super::{Entity, Part, PartContent};
use crate::body::mutations::mutations;
use crate::mapi::CodePage;

fn parse(text: &str) -> Entity {
    Entity::parse(text.replace('\n', "\r\n").as_bytes())
}

fn check_bodies(text: &str, plain: Option<&str>, html: Option<&str>, attachments: &[&str]) {
    let entity = parse(text);
    assert_eq!((entity.text.as_deref(), entity.html.as_deref()), (plain, html), "{text}");
    let found: Vec<_> = entity.attachments.iter().map(describe).collect();
    assert_eq!(found, attachments, "{text}");
}

fn describe(part: &Part) -> String {
    let name = part.name.as_deref().unwrap_or("-");
    match &part.content {
        PartContent::Bytes(bytes) => {
            format!("{name} {} {}", part.media_type, String::from_utf8_lossy(bytes))
        }
        PartContent::Message(entity) => {
            let subject = entity.fields.subject.as_deref().unwrap_or("-");
            format!("{name} {} [{subject}]", part.media_type)
        }
    }
}

#[test]
fn header_fields_are_read() {
    let entity = parse(
        "From: =?iso-8859-1?Q?J=FCrgen?= <j@example.org>\nTo: a@example.org, \"B, C\"\n \
         <b@example.org>\nSubject: =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=\n\
         Date: Fri, 1 Mar 2024 10:00:00 +0100\nMessage-ID: <1@example.org>\n\nHi\n",
    );
    let fields = &entity.fields;
    assert_eq!(fields.from[0].name, "J\u{fc}rgen");
    assert_eq!(fields.to[1].name, "B, C");
    assert_eq!(fields.to[1].address, "b@example.org");
    assert_eq!(fields.subject.as_deref(), Some("\u{65e5}\u{672c}"));
    assert_eq!(fields.date.unwrap().to_string(), "2024-03-01T09:00:00Z");
    assert_eq!(fields.message_id.as_deref(), Some("1@example.org"));
    assert_eq!(entity.text.as_deref(), Some("Hi\r\n"));
    assert!(entity.findings.defects.is_empty());
}

#[test]
fn bodies_and_attachments_are_told_apart() {
    check_bodies("Subject: x\n\nplain", Some("plain"), None, &[]);
    check_bodies("plain", Some("plain"), None, &[]);
    check_bodies("\nplain", Some("plain"), None, &[]);
    check_bodies(
        "Content-Type: text/plain; charset=windows-1251\n\
         Content-Transfer-Encoding: quoted-printable\n\n=CF=F0=\n=E8",
        Some("\u{41f}\u{440}\u{438}"),
        None,
        &[],
    );
    check_bodies(
        "Content-Type: multipart/mixed; boundary=m\n\n--m\n\
         Content-Type: multipart/alternative; boundary=\"m.a\"\n\n--m.a\n\none\n--m.a\n\
         Content-Type: text/html\n\n<p>one\n--m.a--\n--m\n\
         Content-Type: text/plain; name=\"=?utf-8?Q?=C3=BC.txt?=\"\n\
         Content-Transfer-Encoding: base64\n\nZmlsZQ==\n--m\n\
         Content-Disposition: attachment\n\nfile\n--m\n\nfooter\n--m--\n",
        Some("one\nfooter"),
        Some("<p>one"),
        &["\u{fc}.txt text/plain file", "- text/plain file"],
    );
    check_bodies(
        "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: message/rfc822\n\n\
         Subject: inner\n\ntext\n--m--\n",
        None,
        None,
        &["- message/rfc822 [inner]"],
    );
}

#[test]
fn signed_parts_are_shown_without_smime_signatures() {
    let signed = "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\n\
                  \tboundary=\"----s\"\n\nThis is signed.\n\n------s\nSubject: protected\n\n\
                  text\n------s\nContent-Type: application/pkcs7-signature\n\nMII=\n------s--\n";
    check_bodies(signed, Some("text"), None, &[]);
    assert_eq!(parse(signed).fields.subject.as_deref(), Some("protected"));
    let pgp = signed.replace("pkcs7", "pgp").replace("MII=", "PGP");
    check_bodies(&pgp, Some("text"), None, &["- application/pgp-signature PGP"]);
}

#[test]
fn damage_is_told() {
    let check = |text, causes: &[&str]| assert_eq!(parse(text).findings.defects, causes, "{text}");
    check("Content-Type: multipart/mixed; boundary=b\n\nx", &["no part between boundaries \"b\""]);
    check(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx",
        &[
            "the last boundary \"b\" is missing",
            "a text/plain part ends without a line end and without a boundary",
        ],
    );
    check(
        "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n(*)",
        &["a text/html part is no base64"],
    );
}

/// What is missing of each attachment of an entity with a text and a file in base64, by what follows
/// the header of the file.
fn check_file(end: &str, missing: Option<&str>) {
    let entity = parse(&format!(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\n\
         Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n{end}"
    ));
    let found: Vec<_> = entity.attachments.iter().map(|one| one.missing.as_deref()).collect();
    assert_eq!(found, [missing], "{end:?}");
    let is_open = !end.ends_with("--b--\n");
    assert_eq!(entity.findings.defects.len(), usize::from(is_open), "{end:?}");
}

#[test]
fn attachments_say_what_is_missing() {
    check_file("Zm9v\nZm9v\n--b--\n", None);
    check_file("Zm9v\nZm8\n--b--\n", None);
    check_file("Zm9v\nZm9vY\n--b--\n", Some("ends within a group of base64"));
    check_file("Zm9v\nZ!9v\n--b--\n", Some("is no base64 from byte 7 on"));
    // The last boundary is missing.
    check_file("Zm9v\nZm8=", None);
    check_file("Zm9v\nZm9v\n", None);
    check_file("Zm9v\nZm9v\n--b", None);
    check_file("Zm9v\nZm9v", Some("ends without a line end and without a boundary"));
    check_file("Zm9v\nZm8", Some("ends within a group of base64"));
}

/// The boundary around a multipart says that the file does not end in it.
#[test]
fn only_the_last_part_of_a_file_may_be_cut() {
    let missing = |end: &str| {
        let entity = parse(&format!(
            "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/mixed; \
             boundary=i\n\n--i\nContent-Type: image/png\n\nfile{end}"
        ));
        entity.attachments.into_iter().map(|one| one.missing.is_some()).collect::<Vec<_>>()
    };
    assert_eq!(missing("\n--i--\n--m--\n"), [false]);
    assert_eq!(missing("\n--m--\n"), [false]);
    assert_eq!(missing("\n--i--"), [false]);
    assert_eq!(missing(""), [true]);
    let message = format!(
        "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: message/rfc822\n\n{}",
        "Content-Type: multipart/mixed; boundary=i\n\n--i\nContent-Type: image/png\n\nfile"
    );
    let PartContent::Message(inner) = &parse(&message).attachments[0].content else {
        panic!("no message");
    };
    assert!(inner.attachments[0].missing.is_some());
}

/// All that can be read of an entity and of those in it, in one text.
fn reachable(entity: &Entity) -> String {
    let mut all: Vec<String> =
        [&entity.text, &entity.html].into_iter().flatten().cloned().collect();
    for part in &entity.attachments {
        all.push(match &part.content {
            PartContent::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            PartContent::Message(inner) => reachable(inner),
        });
    }
    all.join("\n")
}

#[test]
fn no_part_disappears() {
    const PARTS: [&str; 13] = [
        "text/plain",
        "text/html",
        "text/calendar",
        "text/enriched",
        "application/pgp-signature",
        "application/pgp-encrypted",
        "application/applefile",
        "application/pkcs7-mime",
        "message/rfc822",
        "message/delivery-status",
        "message/partial",
        "message/external-body",
        "x-unknown/x-type",
    ];
    const KINDS: [&str; 12] = [
        "mixed",
        "alternative",
        "related",
        "digest",
        "parallel",
        "report; report-type=delivery-status",
        "signed; protocol=\"application/pgp-signature\"",
        "signed; protocol=\"application/pkcs7-signature\"",
        "encrypted; protocol=\"application/pgp-encrypted\"",
        "appledouble",
        "related; start=\"<none>\"",
        "x-unknown",
    ];
    for kind in KINDS {
        // A part without a type, and then one of each type, forwards and backwards.
        let part = |name: &str| match name {
            "" => "--b\n\nSubject: untyped\n\nuntyped inner\n".to_owned(),
            name => format!("--b\nContent-Type: {name}\n\nX-Word: ({name})\n\n({name})\n"),
        };
        let names = || std::iter::once("").chain(PARTS);
        let parts: String = names().chain(names().rev()).map(part).collect();
        let inner = format!("Content-Type: multipart/{kind}; boundary=b\n\n{parts}--b--\n");
        for around in ["", "Content-Type: message/rfc822\n\n"] {
            let found = reachable(&parse(&format!("{around}{inner}")));
            for name in PARTS.map(|name| format!("({name})")).into_iter().chain(["untyped".into()])
            {
                assert!(found.matches(&name).count() >= 2, "{kind} {name}: {found}");
            }
        }
    }
}

#[test]
fn the_parts_of_a_digest_are_messages() {
    let digest = "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\ntext\n\
                  --b\nContent-Type: text/plain\n\nfooter\n--b--\n";
    check_bodies(digest, Some("footer"), None, &["- message/rfc822 [one]"]);
}

#[test]
fn depth_and_number_of_parts_are_bounded() {
    let deep = Entity::parse("Content-Type: message/rfc822\n\n".repeat(100_000).as_bytes());
    let depth = std::iter::successors(Some(&deep), |entity| {
        entity.attachments.iter().find_map(|part| match &part.content {
            PartContent::Message(inner) => Some(&**inner),
            PartContent::Bytes(_) => None,
        })
    });
    assert_eq!(depth.count(), 25);
    let nested: String = (0..1000)
        .map(|i| format!("--b{i}\nContent-Type: multipart/mixed; boundary=b{}\n\n", i + 1))
        .collect();
    let nested =
        Entity::parse(format!("Content-Type: multipart/mixed; boundary=b0\n\n{nested}").as_bytes());
    assert!(
        nested.findings.defects.iter().any(|cause| cause.contains("deep")),
        "{:?}",
        nested.findings.defects
    );
    let many = "--b\nContent-Type: multipart/mixed; boundary=c\n\n".repeat(100_000);
    let many =
        Entity::parse(format!("Content-Type: multipart/mixed; boundary=b\n\n{many}").as_bytes());
    assert!(many.attachments.len() < 2001);
    assert!(many.findings.defects.iter().any(|cause| cause.contains("more than")), "no defect");
}

#[test]
fn only_what_goes_beyond_the_number_of_parts_is_told() {
    let defects = |count: usize| {
        let parts = "--b\n\ntext\n".repeat(count);
        let header = "Content-Type: multipart/mixed; boundary=b\n\n";
        Entity::parse(format!("{header}{parts}--b--\n").as_bytes()).findings.defects
    };
    // The entity itself is one part.
    assert_eq!(defects(1999), [""; 0]);
    assert_eq!(defects(2000), ["more than 2000 parts"]);
    assert_eq!(defects(3000), ["more than 2000 parts"]);
}

#[test]
fn decoded_bytes_are_bounded() {
    let header = "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n";
    let text = format!("{}{}", header.repeat(20), "x".repeat(10 << 20));
    let outer = Entity::parse(text.as_bytes());
    let depth = std::iter::successors(Some(&outer), |entity| {
        entity.attachments.iter().find_map(|part| match &part.content {
            PartContent::Message(inner) => Some(&**inner),
            PartContent::Bytes(_) => None,
        })
    });
    let mut defects = depth.flat_map(|entity| &entity.findings.defects);
    assert!(defects.any(|cause| cause.contains("left out")));
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_left_out_of_a_header_is_a_defect() {
    let check = |header: &str, addresses: usize, expected: &[&str]| {
        let entity = Entity::parse(header.as_bytes());
        let read = &entity.fields.to;
        assert!(read.iter().all(|one| one.address.ends_with("@example.org")), "{expected:?}");
        assert_eq!(
            (read.len(), entity.findings.defects.as_slice()),
            (addresses, &strings(expected)[..])
        );
    };
    let cut = "the header field \"to\" has more than 65536 bytes, and its end is not read";
    let address = |n: usize| format!("\"Lee, Ann\" <ann{n:05}@example.org>");
    let addresses = |count, between| (0..count).map(address).collect::<Vec<_>>().join(between);
    check(&format!("To: {}\n\n", addresses(1_000, ", ")), 1_000, &[]);
    check(&format!("To: {}\n\n", addresses(2_000, ",\n ")), 1_820, &[cut]);
    check(&format!("To: {}\n\n", addresses(2_000, ", ")), 1_872, &[cut]);
    let short = vec!["a@example.org"; 4_097].join(",");
    let more = "1 addresses of a header field beyond the first 4096";
    check(&format!("To: {short}\n\n"), 4_096, &[more]);
    let many = "To: a@example.org\n".repeat(65);
    let entity = Entity::parse(many.as_bytes());
    assert_eq!(entity.findings.defects, ["header fields beyond the first 64 are not read"]);
}

/// What is cut of a field must not look like the end of the header.
#[test]
fn fields_behind_a_long_one_are_read() {
    let to = vec!["\"Lee, Ann\" <ann@example.org>"; 4_000];
    for to in [to.join(",\n "), to.join(", "), "x".repeat(70_000)] {
        let entity = format!("To: {to}\nBcc: ben@example.org\nSubject: Hello\n\ntext");
        let fields = Entity::parse(entity.as_bytes()).fields;
        assert_eq!((fields.bcc.len(), fields.subject.as_deref()), (1, Some("Hello")));
    }
    let long = format!("Subject: {}\nBcc: ben@example.org\n\ntext", "ab ".repeat(30_000));
    let fields = Entity::parse(long.as_bytes()).fields;
    assert!(fields.subject.unwrap().len() > 60_000 && fields.bcc.len() == 1);
    let disposition = format!("attachment; filename=\"{}.pdf\"", "x".repeat(9_000));
    let part = format!(
        "Content-Disposition: {disposition}\nContent-Type: application/pdf; name=x.pdf\n\
         Content-Transfer-Encoding: base64\n\nAAAA\n"
    );
    let entity = format!("Content-Type: multipart/mixed; boundary=m\n\n--m\n{part}--m--\n");
    let entity = Entity::parse(entity.as_bytes());
    assert_eq!(entity.text.as_deref().unwrap_or_default().trim(), "");
    assert_eq!(entity.attachments.len(), 1);
}

/// The fields are read in the page that the note names.
#[test]
fn fields_in_a_guessed_page_are_read_in_it() {
    let entity = b"Subject: Gr\xFC\xDFe aus M\xFCnchen\nFrom: J\xFCrgen <j@example.org>\n\ntext";
    let Entity { fields, .. } = Entity::parse(entity);
    assert_eq!(fields.subject.as_deref(), Some("Grüße aus München"));
    assert_eq!(fields.from.first().map(|one| one.name.as_str()), Some("Jürgen"));
}

#[test]
fn a_guessed_page_is_a_note() {
    let check = |entity: &[u8], text: &str, note: &[&str]| {
        let entity = Entity::parse(entity);
        let found = entity.text.or(entity.html).unwrap_or_default();
        assert_eq!((found.trim(), entity.findings.notes), (text, strings(note)));
    };
    let russian = "Привет, завтра в десять часов";
    let bytes = CodePage::new(1251).unwrap().encode(russian).unwrap();
    let with = |header: &str| [header.as_bytes(), &bytes].concat();
    let guess = "is read in code page 1251, a guess: ";
    let stated = "it does not fit the stated page 65001";
    check(&with("Content-Type: text/plain; charset=windows-1251\n\n"), russian, &[]);
    check(
        &with("Content-Type: text/plain\n\n"),
        russian,
        &[&format!("the text {guess}no page is stated")],
    );
    check(
        &with("Content-Type: text/html; charset=utf-8\n\n"),
        russian,
        &[&format!("the HTML body {guess}{stated}")],
    );
    let header = [&b"Subject: "[..], &bytes, b"\n\na"].concat();
    check(&header, "a", &[&format!("the header {guess}no page is stated")]);
    assert!(Entity::parse(&header).fields.header.contains(russian));
}

#[test]
fn flowed_texts_are_joined() {
    let header = "Content-Type: text/plain; format=Flowed";
    check_bodies(&format!("{header}\n\none \ntwo\n"), Some("one two\r\n"), None, &[]);
    check_bodies(&format!("{header}; delsp=yes\n\none \ntwo\n"), Some("onetwo\r\n"), None, &[]);
    check_bodies("Content-Type: text/plain\n\none \ntwo", Some("one \r\ntwo"), None, &[]);
}

#[test]
fn authors_beside_the_first_are_a_note() {
    let notes = |from: &str| parse(&format!("From: {from}\n\ntext")).findings.notes;
    assert_eq!(notes("a@b.c"), [""; 0]);
    let note = "of the 2 authors in its header, `from` is the first";
    assert_eq!(notes("a@b.c, Ann <d@e.f>"), [note]);
}

/// Each layer is nearly as long as the entity, and all of them are in memory at once.
#[test]
fn layers_of_an_encoding_are_bounded_by_the_entity() {
    /// The defects of an entity and of those in it.
    fn defects(entity: Entity) -> Vec<String> {
        let inside = entity.attachments.into_iter().flat_map(|part| match part.content {
            PartContent::Message(inner) => defects(*inner),
            PartContent::Bytes(_) => Vec::new(),
        });
        inside.chain(entity.findings.defects).collect()
    }
    let layers = |count: usize| {
        let layer = "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n";
        let text = "line\n".repeat((2 << 20) / 5);
        defects(Entity::parse(format!("{}\n{text}", layer.repeat(count)).as_bytes()))
    };
    assert_eq!(layers(10), [""; 0]);
    let found = layers(22);
    assert!(found.iter().any(|cause| cause.contains("left out")), "{found:?}");
}

#[test]
fn hostile_headers_take_no_time() {
    for piece in
        ["=?", "=?utf-8?Q?=", "(", "<", "\"", ",", ":;", "a*0=b;", "a*1*=%", "\\", "=?x?b?"]
    {
        for field in ["Subject", "From", "Content-Type", "Date", "Message-ID", "Received"] {
            let header = format!("{field}: {}", piece.repeat(100_000 / piece.len()));
            let started = std::time::Instant::now();
            Entity::parse(header.as_bytes());
            // A parser whose time grows with the square of the length would take longer than this
            // even on a busy machine.
            assert!(started.elapsed().as_secs() < 5, "{field}: {piece}");
        }
    }
}

#[test]
fn damaged_entities_never_panic() {
    let sound = "From: =?iso-8859-1?Q?J=FC?= <j@example.org>\r\nDate: Fri, 1 Mar 2024 10:00:00 \
                 +0100\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: \
                 text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41\
                 =\r\n--m\r\nContent-Type: image/png; name*0*=utf-8''%41; name*1=b\r\n\
                 Content-Transfer-Encoding: base64\r\nContent-ID: <1@x>\r\n\r\nAAAA\r\n--m\r\n\
                 Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ntext\r\n--m--\r\n";
    for damaged in mutations(sound.as_bytes(), 20_000) {
        Entity::parse(&damaged);
    }
}
