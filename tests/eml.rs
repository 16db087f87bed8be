//! `message.eml`, read back with another reader of mail: the same subject, addresses, bodies and
//! attachments, byte for byte.

mod header;
mod made;
mod told;

use std::collections::BTreeMap;
use std::fs;

use mail_parser::{Address, Message, MessageParser, MimeHeaders as _, PartType};
use msgfs::body::html::{self, Reference};
use msgfs::imsg::Session;
use msgfs::storage::Source;
use msgfs::view::{FileKind, MessageTree, NodeId, Show};
use sha2::{Digest as _, Sha256};

use crate::browse::{Browser, read};
use crate::fixture::MessageBuilder;

/// Values that another reader sees otherwise: the file, the field, the reason.
const EXPLAINED: &[(&str, &str, &str)] =
    &[("7c4ec5a5e1a3-", "to", "an address with a blank that is not ASCII")];

/// What agrees and what does not, by field.
#[derive(Debug, Default)]
struct Tally {
    counts: BTreeMap<&'static str, usize>,
    disagreements: Vec<String>,
    explained: usize,
}

impl Tally {
    fn check<T: PartialEq + std::fmt::Debug>(
        &mut self,
        place: &str,
        field: &'static str,
        expected: &T,
        found: &T,
    ) {
        if expected == found {
            *self.counts.entry(field).or_default() += 1;
        } else if EXPLAINED
            .iter()
            .any(|(file, known, _)| place.starts_with(file) && *known == field)
        {
            self.explained += 1;
        } else {
            let (expected, found) = (short(expected), short(found));
            self.disagreements
                .push(format!("{place}: {field}:\n  expected {expected}\n  found    {found}"));
        }
    }

    fn finish(self) {
        println!("agreed: {:?}, explained: {}", self.counts, self.explained);
        let count = self.disagreements.len();
        assert!(count == 0, "{count} disagreements:\n{}", self.disagreements.join("\n"));
    }
}

fn short(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    text.chars().take(600).collect()
}

fn open(bytes: Vec<u8>) -> (Session, MessageTree) {
    let session = Session::open(Default::default());
    let mut show = Show::default();
    assert!(show.add("eml"));
    let tree = MessageTree::open(&session, Source::from_bytes(bytes), show).unwrap();
    (session, tree)
}

/// The file of a message, read by ranges, and of the size that its attributes say.
fn eml(tree: &MessageTree, message: NodeId) -> Vec<u8> {
    let (id, kind) = tree.lookup(message, "message.eml").unwrap();
    let attributes = tree.attributes(id).unwrap();
    let bytes = read(tree, id).unwrap();
    assert_eq!((attributes.kind, kind), (FileKind::File, FileKind::File));
    assert_eq!(attributes.size, bytes.len() as u64);
    bytes
}

fn eml_of(message: &MessageBuilder) -> Vec<u8> {
    let (_session, tree) = open(message.to_bytes());
    eml(&tree, NodeId(0))
}

/// Composes a message and compares it with its own files; gives its text.
fn check(message: &MessageBuilder) -> String {
    let (_session, tree) = open(message.to_bytes());
    let bytes = eml(&tree, NodeId(0));
    check_lines("fixture", &bytes);
    let parsed = MessageParser::new().parse(&bytes).unwrap();
    let mut tally = Tally::default();
    check_message(&tree, NodeId(0), &parsed, "fixture", &mut tally);
    tally.finish();
    String::from_utf8(bytes).unwrap()
}

/// Every line ends in CRLF and has at most 998 characters.
fn check_lines(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\u{1}");
    assert!(!text.contains(['\r', '\n']), "{place}: a line end that is not CRLF");
    let longest = text.split('\u{1}').map(str::len).max().unwrap_or(0);
    assert!(longest <= 998, "{place}: a line of {longest} characters");
}

fn check_message(
    tree: &MessageTree,
    node: NodeId,
    parsed: &Message<'_>,
    place: &str,
    tally: &mut Tally,
) {
    let browser = Browser::new(tree);
    let file = |name: &str| browser.read(node, name).map(|bytes| String::from_utf8(bytes).unwrap());
    let headers = file("headers").unwrap_or_default();
    let received = MessageParser::new().parse_headers(headers.trim_start());
    let subject = received.as_ref().and_then(Message::subject).map(str::to_owned);
    let subject = subject.or_else(|| file("subject")).unwrap_or_default();
    let subject = subject.trim().replace('\n', " ");
    let found = parsed.subject().unwrap_or_default().trim().to_owned();
    tally.check(place, "subject", &subject, &found);
    type Getter = for<'a, 'x> fn(&'a Message<'x>) -> Option<&'a Address<'x>>;
    let getters: [(&'static str, Getter); 5] = [
        ("from", |message| message.from()),
        ("to", |message| message.to()),
        ("cc", |message| message.cc()),
        ("bcc", |message| message.bcc()),
        ("reply-to", |message| message.reply_to()),
    ];
    for (name, get) in getters {
        let found = get(parsed).map(address_lines).unwrap_or_default();
        let expected = match received.as_ref().and_then(get) {
            Some(address) => address_lines(address),
            None => file(name).unwrap_or_default().lines().map(comparable).collect(),
        };
        let is_undisclosed = name == "to" && found == ["undisclosed-recipients"];
        if !(is_undisclosed && expected.is_empty()) {
            tally.check(place, name, &expected, &found);
        }
    }
    let class = file("class").unwrap_or_default().to_uppercase();
    if class.contains(".SMIME") {
        return;
    }
    check_bodies(tree, node, parsed, place, tally);
    check_attachments(tree, node, parsed, place, tally);
}

fn check_bodies(
    tree: &MessageTree,
    node: NodeId,
    parsed: &Message<'_>,
    place: &str,
    tally: &mut Tally,
) {
    let file = |name: &str| {
        let bytes = Browser::new(tree).read(node, name)?;
        Some(String::from_utf8(bytes).unwrap())
    };
    let body = |html: bool| {
        let mut parts = if html {
            parsed.html_bodies().collect::<Vec<_>>()
        } else {
            parsed.text_bodies().collect()
        };
        parts.retain(|part| matches!(&part.body, PartType::Html(_)) == html && part.is_text());
        parts.first().map(|part| part.text_contents().unwrap().replace("\r\n", "\n"))
    };
    let text = body(false).unwrap_or_default();
    // A message without a body of its own has that of the message that it wraps.
    let places = ["", "signed/", "attachments/winmail.dat.d/"];
    let shown = places.iter().find_map(|place| file(&format!("{place}body.txt")));
    tally.check(place, "text", &shown.unwrap_or_default(), &text);
    let expected = file("body.html").map(|html| html::undo(&html));
    let expected = expected.map(|html| html.replace("\r\n", "\n").replace('\r', "\n"));
    // With the parts found by their content ids, it is what `body.html` is with its paths.
    let resolve = |reference: Reference<'_>| {
        let same = |found: Option<&str>, wanted: &str| {
            found.is_some_and(|found| found.eq_ignore_ascii_case(wanted))
        };
        let part = parsed.attachments().find(|part| match reference {
            Reference::ContentId(id) => same(part.content_id(), id),
            Reference::ContentLocation(location) => part.content_location() == Some(location),
        })?;
        Some(format!("attachments/{}", part.attachment_name()?))
    };
    let found = body(true).map(|html| html::rewrite(&html, &resolve));
    tally.check(place, "html", &expected, &found);
}

fn check_attachments(
    tree: &MessageTree,
    node: NodeId,
    parsed: &Message<'_>,
    place: &str,
    tally: &mut Tally,
) {
    let mut expected = Vec::new();
    let mut messages = Vec::new();
    if let Ok((attachments, _)) = tree.lookup(node, "attachments") {
        let (mapi, _) = tree.lookup(node, "mapi").unwrap();
        let (numbers, _) = tree.lookup(mapi, "attachments").unwrap();
        let count = tree.list(numbers).unwrap().entries().len();
        // Behind the attachments stands what was found inside them.
        for entry in tree.list(attachments).unwrap().entries().iter().take(count) {
            match entry.kind {
                FileKind::Directory => messages.push((entry.name.clone(), entry.id)),
                _ if entry.name.ends_with(".ref") => {}
                _ => expected.push((entry.name.clone(), hash(&read(tree, entry.id).unwrap()))),
            }
        }
    }
    // What is made from properties and in no body.
    for name in ["contact.vcf", "task.ics"] {
        let made = Browser::new(tree).read(node, name);
        expected.extend(made.map(|bytes| (name.to_owned(), hash(&bytes))));
    }
    let mut found = Vec::new();
    let mut embedded = Vec::new();
    let mut has_errors = false;
    for part in parsed.attachments() {
        // The calendar of a meeting is an alternative of its body.
        let media_type = part.content_type().map(|one| (one.ctype(), one.subtype()));
        if media_type == Some(("text", Some("calendar"))) && part.attachment_name().is_none() {
            continue;
        }
        let name = part.attachment_name().unwrap_or_default().to_owned();
        match &part.body {
            PartType::Message(message) => embedded.push((name, message.clone())),
            _ if name.ends_with(".ref") => {}
            _ if name == "ERRORS.txt" => has_errors = true,
            _ => found.push((name, hash(part.contents()))),
        }
    }
    tally.check(place, "errors", &tree.lookup(node, "ERRORS").is_ok(), &has_errors);
    expected.sort();
    found.sort();
    tally.check(place, "attachments", &expected, &found);
    let stems = |names: Vec<&String>| -> Vec<String> {
        let mut stems: Vec<_> =
            names.into_iter().map(|name| name[..name.len() - 4].to_owned()).collect();
        stems.sort();
        stems
    };
    let names = stems(messages.iter().map(|(name, _)| name).collect());
    tally.check(place, "messages", &names, &stems(embedded.iter().map(|(name, _)| name).collect()));
    for (name, id) in &messages {
        let stem = &name[..name.len() - 4];
        let same = embedded.iter().find(|(found, _)| found.strip_suffix(".eml") == Some(stem));
        if let Some((_, message)) = same {
            check_message(tree, *id, message, &format!("{place}/{stem}"), tally);
        }
    }
}

/// `Name <address>` of each, groups without members by their names.
fn address_lines(address: &Address<'_>) -> Vec<String> {
    let line = |name: Option<&str>, address: Option<&str>| match (name, address) {
        (name, None) => name.unwrap_or_default().to_owned(),
        (None, Some(address)) => address.to_owned(),
        (Some(name), Some(address)) => format!("{name} <{address}>"),
    };
    let lines: Vec<String> = match address {
        Address::List(list) => list.iter().map(|one| line(one.name(), one.address())).collect(),
        Address::Group(groups) => groups
            .iter()
            .flat_map(|group| {
                let members = group.addresses.iter().map(|one| line(one.name(), one.address()));
                let name = group.name.as_deref().filter(|_| group.addresses.is_empty());
                name.map(str::to_owned).into_iter().chain(members).collect::<Vec<_>>()
            })
            .collect(),
    };
    lines.iter().map(|line| comparable(line)).collect()
}

/// An address line without what no two readers take alike: blanks and X.500 addresses.
fn comparable(line: &str) -> String {
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.rsplit_once('<') {
        Some((name, address)) if address.starts_with('/') || address.starts_with("IMCEAEX-") => {
            format!("{name}<X.500>")
        }
        _ if line.starts_with("/O=") || line.starts_with("/o=") => "X.500".to_owned(),
        _ if line.starts_with("IMCEAEX-") => "X.500".to_owned(),
        _ => line,
    }
}

fn hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    format!("{} bytes {:02x?}", bytes.len(), &digest[..8])
}

#[test]
fn real_messages_are_read_back() {
    let paths = crate::corpus_files::corpus_files();
    let mut tally = Tally::default();
    let (mut read_back, mut unreadable) = (0, 0);
    for path in &paths {
        let place = path.file_name().unwrap().to_string_lossy();
        let bytes = fs::read(path).unwrap();
        let (_session, tree) = open(bytes.clone());
        if tree.lookup(NodeId(0), "mapi").is_err() {
            assert!(tree.lookup(NodeId(0), "message.eml").is_err());
            unreadable += 1;
            continue;
        }
        let first = eml(&tree, NodeId(0));
        let (_session, again) = open(bytes);
        assert!(first == eml(&again, NodeId(0)), "{place}: other bytes at another mount");
        let parsed = MessageParser::new().parse(&first).unwrap();
        let class = Browser::new(&tree).read(NodeId(0), "class").unwrap_or_default();
        if !String::from_utf8_lossy(&class).contains("SMIME") {
            check_lines(&place, &first);
        }
        check_message(&tree, NodeId(0), &parsed, &place, &mut tally);
        read_back += 1;
    }
    println!("{read_back} read back, {unreadable} are no messages");
    tally.finish();
}
