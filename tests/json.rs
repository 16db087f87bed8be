//! `message.json`: that it has everything under the documented keys, and says what the other
//! files of the message say.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use msgfs::mapi::{PropertyTag, PropertyType, Value, tags};
use msgfs::view::{FileKind, MessageTree, NodeId};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::browse::{self, Browser, open};
use crate::fixture::{AttachmentBuilder, MessageBuilder};
use crate::mail::{messages, samples};
use crate::mount::folder::{damaged, letter, numbers, parcel};
use crate::mount::mounted::Mounted;

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples");
/// Binary values up to this many bytes are in the file.
const BINARY_BYTES_MAX: usize = 4096;

/// JSON with its keys in the order of the file.
#[derive(Clone, Debug, PartialEq)]
enum Json {
    Object(Vec<(String, Json)>),
    Array(Vec<Json>),
    Text(String),
    Number(i64),
    Boolean(bool),
    Null,
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfAnyKind;
        impl<'de> Visitor<'de> for OfAnyKind {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Json::Object(entries))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
                let mut elements = Vec::new();
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(Json::Array(elements))
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
                Ok(Json::Number(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
                Ok(Json::Number(i64::try_from(number).unwrap()))
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Json, E> {
                Ok(Json::Boolean(truth))
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }
        }
        deserializer.deserialize_any(OfAnyKind)
    }
}

impl Json {
    fn get(&self, key: &str) -> Option<&Json> {
        let Self::Object(entries) = self else { panic!("{key} of {self:?}") };
        entries.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The elements of the array under a key.
    fn elements(&self, key: &str) -> &[Json] {
        match self.get(key) {
            Some(Json::Array(elements)) => elements,
            found => panic!("{key}: {found:?}"),
        }
    }

    fn text(&self, key: &str) -> &str {
        match self.get(key) {
            Some(Json::Text(text)) => text,
            found => panic!("{key}: {found:?}"),
        }
    }

    fn number(&self, key: &str) -> i64 {
        match self.get(key) {
            Some(Json::Number(number)) => *number,
            found => panic!("{key}: {found:?}"),
        }
    }

    /// Checks that the keys come in this order, those without `?` all of them.
    fn check_keys(&self, documented: &str) {
        let Self::Object(entries) = self else { panic!("{self:?}") };
        let mut found = entries.iter().map(|(name, _)| name.as_str()).peekable();
        for key in documented.split(' ') {
            let name = key.trim_end_matches('?');
            let is_there = found.next_if_eq(&name).is_some();
            assert!(is_there || key.ends_with('?'), "no {name} here: {self:?}");
        }
        assert_eq!(found.next(), None, "in {self:?}");
    }

    /// The property of a tag among those of an object.
    fn property(&self, tag: &str) -> &Json {
        let properties = self.elements("properties").iter();
        properties.into_iter().find(|one| one.text("tag") == tag).unwrap_or_else(|| panic!("{tag}"))
    }
}

fn message_json(tree: &MessageTree, message: NodeId) -> Json {
    let bytes = Browser::new(tree).read(message, "message.json").unwrap();
    assert_eq!(bytes.last(), Some(&b'\n'));
    serde_json::from_slice(&bytes).unwrap()
}

/// Checks a message and those embedded in it.
fn check_message(tree: &MessageTree, message: NodeId, json: &Json) {
    let browser = Browser::new(tree);
    json.check_keys("schema? properties recipients attachments errors notes");
    check_properties(tree, browser.walk(message, "mapi").unwrap(), json);
    for (directory, key) in [("mapi/recipients", "recipients"), ("mapi/attachments", "attachments")]
    {
        let directory = browser.walk(message, directory).ok();
        let numbers = directory.map(|directory| browser.names(directory)).unwrap_or_default();
        let found: Vec<_> =
            json.elements(key).iter().map(|one| one.number("number").to_string()).collect();
        assert_eq!(found.join(" "), numbers, "{key}");
        for one in json.elements(key) {
            let part = browser.walk(directory.unwrap(), &one.number("number").to_string()).unwrap();
            check_properties(tree, part, one);
        }
    }
    json.elements("recipients").iter().for_each(|one| one.check_keys("number properties"));
    for attachment in json.elements("attachments") {
        attachment.check_keys("number file? properties message?");
        let Some(Json::Text(file)) = attachment.get("file") else { continue };
        let node = browser.walk(message, file).unwrap();
        let embedded = attachment.get("message");
        let kind = tree.attributes(node).unwrap().kind;
        assert_eq!(embedded.is_some(), kind == FileKind::Directory, "{file}");
        if let Some(embedded) = embedded {
            let mut own = message_json(tree, node);
            if let Json::Object(entries) = &mut own {
                entries.retain(|(name, _)| name != "schema");
            }
            assert!(*embedded == own, "{file}");
            check_message(tree, node, embedded);
        }
    }
    let errors = json.elements("errors").iter().map(|error| {
        error.check_keys("place cause");
        format!("{}: {}\n", error.text("place"), error.text("cause"))
    });
    let expected = browser.read(message, "ERRORS").unwrap_or_default();
    assert_eq!(errors.collect::<String>(), String::from_utf8(expected).unwrap());
}

/// Checks that the properties are those of the directory, each with the content of its file.
fn check_properties(tree: &MessageTree, directory: NodeId, object: &Json) {
    let browser = Browser::new(tree);
    let mut found = BTreeSet::new();
    for property in object.elements("properties") {
        property.check_keys("tag name? set? lid? string? type flags? value? size? error?");
        let node = browser.walk(directory, property.text("tag")).unwrap();
        assert!(found.insert(node), "twice: {property:?}");
        check_value(tree, node, property);
    }
    let listed = |node| {
        let listing = tree.list(node).unwrap();
        let entries = listing.entries().iter();
        entries.map(|entry| (entry.name.clone(), entry.id)).collect::<Vec<_>>()
    };
    let mut expected = BTreeSet::new();
    for (name, node) in listed(directory) {
        match name.as_str() {
            "recipients" | "attachments" => {}
            "named" => {
                let sets = listed(node).into_iter();
                expected.extend(sets.flat_map(|(_, set)| listed(set)).map(|(_, node)| node));
            }
            _ => _ = expected.insert(node),
        }
    }
    assert_eq!(found, expected);
}

/// Checks that a property has the value that its file in `mapi/` has.
fn check_value(tree: &MessageTree, node: NodeId, property: &Json) {
    let kind = tree.attributes(node).unwrap().kind;
    let property_type = property.text("type");
    let value = match (kind, property.get("value")) {
        (FileKind::File, Some(value)) => value,
        (FileKind::Symlink, None) => return assert_eq!(property_type, "PT_OBJECT"),
        (FileKind::Directory, Some(Json::Array(values))) => {
            let elements = tree.list(node).unwrap();
            let elements = elements.entries().iter().map(|one| browse::read(tree, one.id).unwrap());
            let expected: Vec<_> = elements.map(|bytes| Json::Text(BASE64.encode(bytes))).collect();
            return assert_eq!(*values, expected);
        }
        (FileKind::File, None) if property.get("size").is_some() => {
            let size = usize::try_from(property.number("size")).unwrap();
            let len = browse::read(tree, node).map_or(size, |content| content.len());
            return assert!(size > BINARY_BYTES_MAX && len == size, "{property:?}");
        }
        found => {
            assert!(property.get("error").is_some(), "{found:?}, {property:?}");
            return assert!(browse::read(tree, node).is_err(), "{property:?}");
        }
    };
    let content = browse::read(tree, node).unwrap();
    let line = |value: &Json| match value {
        Json::Text(text) => format!("{text}\n"),
        Json::Number(number) => format!("{number}\n"),
        Json::Boolean(truth) => format!("{truth}\n"),
        other => panic!("{other:?}"),
    };
    let expected = match (property_type, value) {
        ("PT_UNICODE" | "PT_STRING8", Json::Text(text)) => text.clone().into_bytes(),
        ("PT_BINARY", Json::Text(text)) => BASE64.decode(text).unwrap(),
        (_, Json::Array(values)) => values.iter().map(line).collect::<String>().into_bytes(),
        (_, value) => line(value).into_bytes(),
    };
    assert_eq!(content, expected, "{property:?}");
    if property_type == "PT_BINARY" {
        assert!(content.len() <= BINARY_BYTES_MAX && property.get("size").is_none());
    }
}

#[test]
fn samples_in_json_are_what_their_files_are() {
    for (path, message) in messages() {
        let tree = open(message.to_bytes());
        let json = message_json(&tree, NodeId(0));
        assert!(json.elements("properties").len() > 10, "{path}");
        assert_eq!(json.elements("errors"), [], "{path}");
        check_message(&tree, NodeId(0), &json);
    }
    for message in [parcel(), letter("A letter")] {
        let tree = open(message.to_bytes());
        check_message(&tree, NodeId(0), &message_json(&tree, NodeId(0)));
    }
}

#[test]
fn damage_is_told() {
    let (_, cut_short) =
        samples().into_iter().find(|(path, _)| path.ends_with("cut short.msg")).unwrap();
    for bytes in [cut_short, damaged()] {
        let tree = open(bytes);
        let json = message_json(&tree, NodeId(0));
        assert!(!json.elements("errors").is_empty());
        check_message(&tree, NodeId(0), &json);
    }
    let tree = open(damaged());
    let json = message_json(&tree, NodeId(0));
    let body = json.property("0x1000001F");
    body.check_keys("tag name type flags error");
    assert_eq!(body.text("name"), "PR_BODY");
}

/// A message that cannot be opened has no properties to show.
#[test]
fn what_is_no_message_has_no_json() {
    let tree = open(b"no message".to_vec());
    assert!(Browser::new(&tree).read(NodeId(0), "message.json").is_none());
}

#[test]
fn properties_are_named_typed_and_flagged() {
    let tree = open(parcel().to_bytes());
    let json = message_json(&tree, NodeId(0));
    let subject = json.property("0x0037001F");
    subject.check_keys("tag name type flags value");
    assert_eq!(subject.text("name"), "PR_SUBJECT");
    assert_eq!(subject.text("type"), "PT_UNICODE");
    assert_eq!(subject.number("flags"), 6);
    assert_eq!(subject.text("value"), "A parcel");
    let keywords = json.elements("properties").iter().find(|one| one.get("string").is_some());
    let keywords = keywords.unwrap();
    keywords.check_keys("tag name set string type flags value");
    assert_eq!(keywords.text("name"), "PS_PUBLIC_STRINGS/Keywords");
    assert_eq!(keywords.text("set"), "{00020329-0000-0000-C000-000000000046}");
    assert_eq!(keywords.text("string"), "Keywords");
    assert_eq!(keywords.elements("value"), ["Blue", "Travel"].map(|word| Json::Text(word.into())));
    let importance = json.property("0x00170003");
    assert_eq!((importance.text("type"), importance.number("value")), ("PT_LONG", 1));
    let [.., last] = json.elements("attachments") else { panic!("no attachment") };
    assert_eq!(last.text("file"), "attachments/Outer: with_slash.msg");
    let inner = &last.get("message").unwrap().elements("attachments")[0];
    assert_eq!(inner.text("file"), "attachments/Inner.msg");
    let deep = &inner.get("message").unwrap().elements("attachments")[0];
    assert_eq!(deep.property("0x37010102").text("value"), BASE64.encode("Deep inside.\n"));
}

/// Large binaries, in attachments or not, are left out with their size.
#[test]
fn large_binaries_are_left_out() {
    let sizes = [0, 1, BINARY_BYTES_MAX - 1, BINARY_BYTES_MAX, BINARY_BYTES_MAX + 1, 100_000];
    let message = MessageBuilder::new("IPM.Note", "Sizes");
    let message = sizes.iter().fold(message, |message, size| {
        message.attach(AttachmentBuilder::file(&format!("{size}.bin"), numbers(*size)))
    });
    let html = vec![b'x'; 5000];
    let tree = open(message.set(tags::PR_HTML, Value::Binary(html)).to_bytes());
    let json = message_json(&tree, NodeId(0));
    check_message(&tree, NodeId(0), &json);
    assert_eq!(json.property("0x10130102").number("size"), 5000);
    assert_eq!(json.elements("attachments").len(), sizes.len());
    for (attachment, size) in json.elements("attachments").iter().zip(sizes) {
        let data = attachment.property("0x37010102");
        if size > BINARY_BYTES_MAX {
            data.check_keys("tag name type flags size");
            assert_eq!(data.number("size"), i64::try_from(size).unwrap());
        } else {
            data.check_keys("tag name type flags value");
            assert_eq!(data.text("value"), BASE64.encode(numbers(size)));
        }
    }
}

#[test]
fn the_file_is_the_same_at_every_mount() {
    let mounts = ["", "show=json,cache=64K"];
    let Some(mounts) = mounts
        .map(|options| Mounted::new(Path::new(SAMPLES), options))
        .into_iter()
        .collect::<Option<Vec<_>>>()
    else {
        return;
    };
    for (path, message) in messages() {
        let tree = open(message.to_bytes());
        let expected = Browser::new(&tree).read(NodeId(0), "message.json").unwrap();
        for mount in &mounts {
            assert!(mount.read(format!("{path}/message.json")) == expected, "{path}");
        }
    }
}

#[test]
fn what_json_has_not_is_said_in_words() {
    let tag = |id, property_type| PropertyTag::new(id, property_type);
    let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.5].map(Value::Floating64);
    let long = vec![Value::Binary(vec![1, 2, 3]), Value::Binary(vec![7; BINARY_BYTES_MAX + 1])];
    let message = MessageBuilder::new("IPM.Note", "Numbers")
        .set(tag(0x6600, PropertyType::FLOATING32), Value::Floating32(f32::INFINITY))
        .set(tag(0x6601, PropertyType::FLOATING64), Value::Floating64(f64::NAN))
        .set(tag(0x6602, PropertyType::MULTIPLE_FLOATING64), Value::Multiple(floats.to_vec()))
        .set(tag(0x6603, PropertyType::MULTIPLE_BINARY), Value::Multiple(long));
    let tree = open(message.to_bytes());
    let json = Browser::new(&tree).read(NodeId(0), "message.json").unwrap();
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let properties = json["properties"].as_array().unwrap();
    let check = |tag: &str, expected: serde_json::Value| {
        let found = properties.iter().find(|one| one["tag"] == tag).unwrap();
        assert_eq!(found["value"], expected, "{tag}");
    };
    check("0x66000004", "Infinity".into());
    check("0x66010005", "NaN".into());
    check("0x66021005", serde_json::json!(["NaN", "Infinity", "-Infinity", 0.5]));
    check("0x66031102", serde_json::json!(["AQID", { "size": BINARY_BYTES_MAX + 1 }]));
}
