//! What is inside of attachments are message directories with all views.

use msgfs::mail::Mail;
use msgfs::mapi::{CodePage, Value, tags};
use msgfs::view::NodeId;

use super::{mail, names, open, string, text};
use crate::browse::Browser;
use crate::fixture::AttachmentBuilder;

/// Writes a stream of attributes (\[MS-OXTNEF\] 2.1.3).
#[derive(Default)]
struct Tnef(Vec<u8>);

impl Tnef {
    fn attribute(mut self, level: u8, id: u32, data: &[u8]) -> Self {
        if self.0.is_empty() {
            self.0.extend(0x223E_9F78_u32.to_le_bytes());
            self.0.extend([1, 0]);
        }
        let sum = data.iter().fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
        self.0.push(level);
        self.0.extend(id.to_le_bytes());
        self.0.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        self.0.extend(data);
        self.0.extend(sum.to_le_bytes());
        self
    }

    fn properties(self, properties: &[Vec<u8>]) -> Self {
        let count = u32::try_from(properties.len()).unwrap().to_le_bytes();
        self.attribute(1, 0x0006_9003, &[count.to_vec(), properties.concat()].concat())
    }
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = u32::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
    padded.extend(bytes);
    padded.resize(padded.len().next_multiple_of(4), 0);
    padded
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

fn unicode(tag: u32, text: &str) -> Vec<u8> {
    [tag.to_le_bytes().to_vec(), 1_u32.to_le_bytes().to_vec(), padded(&utf16(text))].concat()
}

/// A property that is named by a number in a set.
fn named(property_type: u32, set: [u8; 16], lid: u32, value: &[u8]) -> Vec<u8> {
    let tag = 0x8000_0000 | property_type;
    let name = [set.as_slice(), &0_u32.to_le_bytes(), &lid.to_le_bytes()].concat();
    [tag.to_le_bytes().to_vec(), name, value.to_vec()].concat()
}

fn set(first: u8) -> [u8; 16] {
    [first, 0x20, 6, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46]
}

/// 2024-03-01T09:00:00Z and an hour later.
const START: u64 = 133_537_572_000_000_000;
const HOUR: u64 = 36_000_000_000;

fn appointment() -> Vec<u8> {
    let time = |lid, ticks: u64| named(0x0040, set(2), lid, &ticks.to_le_bytes());
    let place = [1_u32.to_le_bytes().to_vec(), padded(&utf16("Boat house"))].concat();
    Tnef::default()
        .properties(&[
            unicode(0x001A_001F, "IPM.Appointment"),
            unicode(0x0037_001F, "Regatta"),
            time(0x820D, START),
            time(0x820E, START + HOUR),
            named(0x001F, set(2), 0x8208, &place),
        ])
        .0
}

#[test]
fn an_appointment_in_winmail_has_all_views() {
    let message = mail("Outer").attach(AttachmentBuilder::file("winmail.dat", appointment()));
    let tree = open(message.to_bytes());
    let inside = "attachments/winmail.dat.d";
    assert_eq!(names(&tree, inside), "subject class event.ics");
    let event = text(&tree, &format!("{inside}/event.ics"));
    for line in ["DTSTART:20240301T090000Z", "SUMMARY:Regatta", "LOCATION:Boat house"] {
        assert!(event.contains(line), "{event}");
    }
    let place = format!("{inside}/mapi/named/PSETID_Appointment/PidLidLocation");
    assert_eq!(text(&tree, &place), "Boat house");
    let json = text(&tree, &format!("{inside}/message.json"));
    assert!(json.contains("PSETID_Appointment/PidLidAppointmentStartWhole"), "{json}");
    let eml = text(&tree, &format!("{inside}/message.eml"));
    assert!(eml.starts_with("Subject: Regatta\r\n") && eml.contains("text/calendar"), "{eml}");
    let msg = Browser::new(&tree).read(NodeId(0), &format!("{inside}/message.msg")).unwrap();
    let alone = open(msg);
    assert_eq!(text(&alone, "event.ics"), event, "the file that is made of it is a message");
    assert_eq!(alone.check().defects, []);
}

#[test]
fn a_guess_in_signed_mail_is_a_note() {
    let text = "Привет, завтра в десять часов";
    let bytes = CodePage::new(1251).unwrap().encode(text).unwrap();
    let entity = [&b"Subject: Inner\r\n\r\n"[..], &bytes].concat();
    let signed = AttachmentBuilder::file("smime.p7m", entity)
        .set(tags::PR_ATTACH_MIME_TAG, string("multipart/signed"));
    let message = mail("Outer").unset(tags::PR_BODY).attach(signed);
    let bytes = message.to_bytes();
    let tree = open(bytes.clone());
    assert_eq!(super::text(&tree, "signed/body.txt"), text);
    let guess = "the text is read in code page 1251, a guess: no page is stated";
    let findings = tree.check();
    let place = "/__attach_version1.0_#00000000/signed/";
    assert_eq!(findings.defects, []);
    let found: Vec<_> = findings.notes.iter().map(ToString::to_string).collect();
    assert_eq!(found, [format!("{place}: {guess}")]);
    assert!(super::text(&tree, "signed/message.json").contains(guess));
    // `show` prints the text that is signed, so it has the note too.
    assert!(super::text(&tree, "message.txt").contains(guess));
    let mail = Mail::from_bytes(bytes).unwrap();
    assert_eq!(mail.notes().unwrap(), findings.notes);
}

#[test]
fn addresses_that_are_not_read_are_told() {
    let to = vec!["ann@example.org"; 5_000].join(",");
    let entity = format!("Subject: Inner\r\nTo: {to}\r\n\r\ntext");
    let message = mail("Outer").attach(AttachmentBuilder::file("in.eml", entity));
    let tree = open(message.to_bytes());
    let errors = super::text(&tree, "attachments/in.eml.d/ERRORS");
    assert!(errors.contains("the header field \"to\" has more than 65536 bytes"), "{errors}");
    assert_eq!(tree.check().defects.len(), 1);
}

fn binary(tag: u32, value: &[u8]) -> Vec<u8> {
    [tag.to_le_bytes().to_vec(), 1_u32.to_le_bytes().to_vec(), padded(value)].concat()
}

/// The fields of a message in `winmail.dat` come from its own header where it lacks properties.
#[test]
fn a_message_in_winmail_falls_back_to_its_header() {
    let header = "Received: from a by b; Fri, 1 Mar 2024 10:00:05 +0100\r\n\
        From: Bo <bo@example.org>\r\nSender: Cy <cy@example.org>\r\n\
        To: Ann <ann@example.org>\r\nCc: Dee <dee@example.org>\r\nSubject: Inner\r\n\
        Date: Fri, 1 Mar 2024 10:00:00 +0100\r\nReply-To: desk@example.org\r\n\
        Message-ID: <1@example.org>\r\n\r\n";
    let tnef = Tnef::default().properties(&[unicode(0x007D_001F, header)]).0;
    let message = mail("Outer").attach(AttachmentBuilder::file("winmail.dat", tnef));
    let tree = open(message.to_bytes());
    for (name, expected) in [
        ("subject", "Inner\n"),
        ("from", "Bo <bo@example.org>\n"),
        ("sender", "Cy <cy@example.org>\n"),
        ("to", "Ann <ann@example.org>\n"),
        ("cc", "Dee <dee@example.org>\n"),
        ("reply-to", "desk@example.org\n"),
        ("date", "2024-03-01T09:00:00Z\n"),
        ("received", "2024-03-01T09:00:05Z\n"),
        ("message-id", "<1@example.org>\n"),
    ] {
        assert_eq!(text(&tree, &format!("attachments/winmail.dat.d/{name}")), expected, "{name}");
    }
}

/// HTML that stands where RTF should, and HTML inside of RTF, are the body of a message in
/// `winmail.dat` as of any other.
#[test]
fn a_message_in_winmail_has_the_html_in_its_rtf() {
    let html = "<html><body><p>Caf\u{E9}</p></body></html>";
    let wide: Vec<u8> =
        format!("\u{FEFF}{html}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let inside_rtf =
        br"{\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag64 <p>}Caf\'e9{\*\htmltag72 </p>}}";
    for stored in [html.as_bytes(), &wide, inside_rtf] {
        let rtf = msgfs::body::compressed_rtf::compress(stored);
        let tnef = Tnef::default().properties(&[binary(0x1009_0102, &rtf)]).0;
        let message = mail("Outer").attach(AttachmentBuilder::file("winmail.dat", tnef));
        let tree = open(message.to_bytes());
        let inside = "attachments/winmail.dat.d";
        let found = text(&tree, &format!("{inside}/body.html"));
        assert!(found.contains("<p>Caf\u{E9}</p>"), "{found}");
        assert_eq!(text(&tree, &format!("{inside}/body.txt")), "Caf\u{E9}\n");
        assert_eq!(tree.check().defects, []);
    }
}

/// Strings and HTML in `winmail.dat` that are not in the stated page, or have none, are guessed as
/// in any message, and the guess is a note.
#[test]
fn pages_are_guessed_in_winmail() {
    let encoded = |text| CodePage::new(936).unwrap().encode(text).unwrap();
    let (subject, body) = (encoded("关于合同的问题"), encoded("您好,请看附件。"));
    let inside = "attachments/winmail.dat.d";
    let oem = |page: u32| Tnef::default().attribute(1, 0x0006_9007, &page.to_le_bytes());
    for (tnef, stated) in [
        (Tnef::default(), "no page is stated"),
        (oem(65001), "it does not fit the stated page 65001"),
    ] {
        let tnef = tnef
            .attribute(1, 0x0001_8004, &[&subject[..], b"\0"].concat())
            .properties(&[binary(0x1000_001E, &body), binary(0x001A_001E, b"IPM.Note.X\0")])
            .attribute(2, 0x0006_9002, &[0; 14])
            .attribute(2, 0x0001_8010, &[&subject[..], b"\0"].concat())
            .attribute(2, 0x0006_800F, b"data");
        let message = mail("Outer").attach(AttachmentBuilder::file("winmail.dat", tnef.0));
        let tree = open(message.to_bytes());
        assert_eq!(text(&tree, &format!("{inside}/subject")), "关于合同的问题\n");
        assert_eq!(text(&tree, &format!("{inside}/body.txt")), "您好,请看附件。");
        assert_eq!(text(&tree, &format!("{inside}/class")), "IPM.Note.X\n");
        assert_eq!(text(&tree, &format!("{inside}/attachments/关于合同的问题")), "data");
        let found = tree.check();
        assert_eq!(found.defects, []);
        let notes: Vec<_> = found.notes.iter().map(ToString::to_string).collect();
        let note = format!("8-bit strings are read in code page 936, a guess: {stated}");
        let place = "/__attach_version1.0_#00000000/winmail.dat.d/";
        assert_eq!(notes, [format!("{place}: {note}")]);
        assert!(text(&tree, &format!("{inside}/message.json")).contains(&note));
    }
    // In the stated page it is a text like others.
    let tnef = oem(936).attribute(1, 0x0001_8004, &subject);
    let message = mail("Outer").attach(AttachmentBuilder::file("winmail.dat", tnef.0));
    let tree = open(message.to_bytes());
    assert_eq!(text(&tree, &format!("{inside}/subject")), "关于合同的问题\n");
    assert_eq!(tree.check().notes, []);
}

#[test]
fn html_in_winmail_is_in_its_own_page() {
    let html = "<html><body><p>您好,请看附件。销售合同。</p></body></html>";
    let gbk = CodePage::new(936).unwrap().encode(html).unwrap();
    for (tag, bytes, is_guessed) in [
        (0x1013_0102, gbk.clone(), true),
        (0x1013_001E, gbk, true),
        (0x1013_001E, html.as_bytes().to_vec(), false),
    ] {
        let tnef = Tnef::default().properties(&[binary(tag, &bytes)]).0;
        let message = mail("Outer").attach(AttachmentBuilder::file("winmail.dat", tnef));
        let tree = open(message.to_bytes());
        let found = text(&tree, "attachments/winmail.dat.d/body.html");
        assert!(found.contains("您好,请看附件。"), "{found}");
        let notes: Vec<_> = tree.check().notes.iter().map(ToString::to_string).collect();
        let is_noted = |note: &String| note.contains("the HTML body is read in code page 936");
        assert_eq!((notes.len(), notes.iter().all(is_noted)), (usize::from(is_guessed), true));
    }
}

#[test]
fn a_contact_and_a_task_in_winmail_are_files() {
    let contact = Tnef::default()
        .properties(&[
            unicode(0x001A_001F, "IPM.Contact"),
            unicode(0x0037_001F, "Eve Example"),
            unicode(0x3001_001F, "Eve Example"),
        ])
        .0;
    let task = Tnef::default()
        .properties(&[unicode(0x001A_001F, "IPM.Task"), unicode(0x0037_001F, "Paint the hull")])
        .0;
    let message = mail("Outer")
        .attach(AttachmentBuilder::file("winmail.dat", contact))
        .attach(AttachmentBuilder::file("win.dat", task));
    let tree = open(message.to_bytes());
    let card = text(&tree, "attachments/winmail.dat.d/contact.vcf");
    assert!(card.contains("FN:Eve Example"), "{card}");
    let task = text(&tree, "attachments/win.dat.d/task.ics");
    assert!(task.contains("SUMMARY:Paint the hull"), "{task}");
}

const EML: &str = "From: Bo <bo@example.org>\r\nTo: Ann <ann@example.org>\r\n\
    Subject: Inner\r\nDate: Fri, 1 Mar 2024 10:00:00 +0100\r\nReply-To: desk@example.org\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n\
    Words inside\r\n--b\r\nContent-Type: application/octet-stream; name=\"a.bin\"\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nAAEC\r\n--b--\r\n";

#[test]
fn attached_msg_and_eml_files_are_message_directories() {
    let inner = mail("By value").attach(AttachmentBuilder::file("deep.eml", EML)).to_bytes();
    let message = mail("Outer")
        .attach(AttachmentBuilder::file("letter.eml", EML))
        .attach(AttachmentBuilder::file("saved.MSG", inner.clone()))
        .attach(AttachmentBuilder::file("no.msg", "not a compound file"))
        .attach(AttachmentBuilder::file("no.eml", [0, 1, 2]));
    let tree = open(message.to_bytes());
    let expected = "letter.eml saved.MSG no.msg no.eml letter.eml.d saved.MSG.d";
    assert_eq!(names(&tree, "attachments"), expected);
    let inside = "attachments/letter.eml.d";
    assert_eq!(text(&tree, &format!("{inside}/from")), "Bo <bo@example.org>\n");
    assert_eq!(text(&tree, &format!("{inside}/to")), "Ann <ann@example.org>\n");
    assert_eq!(text(&tree, &format!("{inside}/reply-to")), "desk@example.org\n");
    assert_eq!(text(&tree, &format!("{inside}/date")), "2024-03-01T09:00:00Z\n");
    assert!(text(&tree, &format!("{inside}/body.txt")).starts_with("Words inside"));
    let file = Browser::new(&tree).read(NodeId(0), &format!("{inside}/attachments/a.bin"));
    assert_eq!(file, Some(vec![0, 1, 2]));
    let inside = "attachments/saved.MSG.d";
    assert_eq!(text(&tree, &format!("{inside}/subject")), "By value\n");
    let same = Browser::new(&tree).read(NodeId(0), &format!("{inside}/message.msg"));
    assert_eq!(same, Some(inner));
    let deep = format!("{inside}/attachments/deep.eml.d/subject");
    assert_eq!(text(&tree, &deep), "Inner\n");
    assert_eq!(tree.check().defects, []);
}

#[test]
fn messages_inside_of_each_other_are_bounded() {
    let mut message = mail("Inmost").to_bytes();
    for _ in 0..12 {
        message = mail("Level").attach(AttachmentBuilder::file("in.msg", message)).to_bytes();
    }
    let tree = open(message);
    let told = tree.check().defects;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].cause.contains("more than 8 deep"), "{told:?}");
}

#[test]
fn numbers_lead_back_to_the_same_files() {
    let inner = mail("By value").attach(AttachmentBuilder::file("deep.eml", EML)).to_bytes();
    let message = mail("Outer").attach(AttachmentBuilder::file("in.msg", inner)).to_bytes();
    let tree = open(message.clone());
    let files = Browser::new(&tree).everything(NodeId(0));
    let mut numbers: Vec<_> = files.iter().map(|found| found.id).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), files.len());
    // Of a tree that is opened again none of the directories was listed.
    let again = open(message);
    for found in files {
        let read = crate::browse::read(&again, found.id).unwrap();
        assert_eq!(read, found.content.unwrap(), "{}", found.path);
    }
}

fn base64_lines(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(bytes);
    text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\r\n").collect()
}

#[test]
fn base64_and_pem_are_decoded() {
    let entity = "Subject: Signed\n\nWords\n";
    let signed = crate::parts::signed(entity);
    let plain = base64_lines(&signed);
    let pem = format!("-----BEGIN PKCS7-----\n{plain}-----END PKCS7-----\n");
    for content in [plain, pem] {
        let message = mail("Outer").text(tags::PR_MESSAGE_CLASS, "IPM.Note.SMIME").attach(
            AttachmentBuilder::file("smime.p7m", content)
                .set(tags::PR_ATTACH_MIME_TAG, string("application/pkcs7-mime")),
        );
        let tree = open(message.to_bytes());
        assert_eq!(text(&tree, "signed/subject"), "Signed\n");
        assert_eq!(text(&tree, "signed/body.txt"), "Words\n");
        let eml = text(&tree, "message.eml");
        assert!(eml.contains("smime-type=signed-data"), "{eml}");
    }
    let lie = AttachmentBuilder::file("smime.p7m", "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=\r\n")
        .set(tags::PR_ATTACH_MIME_TAG, string("application/pkcs7-mime"));
    let message = mail("Outer").text(tags::PR_MESSAGE_CLASS, "IPM.Note.SMIME").attach(lie);
    let tree = open(message.to_bytes());
    assert!(Browser::new(&tree).walk(NodeId(0), "signed").is_err(), "base64 is no body");
}

#[test]
fn the_outer_body_refers_to_what_was_signed() {
    let entity = "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n\
        <img src=\"cid:1@x\">\n--b\nContent-Type: image/png; name=dot.png\n\
        Content-ID: <1@x>\nContent-Transfer-Encoding: base64\n\nAAEC\n--b--\n";
    let message = mail("Outer")
        .text(tags::PR_MESSAGE_CLASS, "IPM.Note.SMIME")
        .html("<p><img src=\"cid:1@x\"></p>")
        .attach(
            AttachmentBuilder::file("smime.p7m", crate::parts::signed(entity))
                .set(tags::PR_ATTACH_MIME_TAG, Value::String("application/pkcs7-mime".to_owned())),
        );
    let tree = open(message.to_bytes());
    let html = text(&tree, "body.html");
    assert!(html.contains("src=\"signed/attachments/dot.png\""), "{html}");
    assert!(text(&tree, "signed/body.html").contains("src=\"attachments/dot.png\""));
}
