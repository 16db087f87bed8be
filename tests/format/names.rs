//! Named properties: one map for a file, and what is left of them when the map is damaged.

use msgfs::imsg::{MapiProp as _, NameKind, PropertyName};
use msgfs::mapi::sets::{PS_INTERNET_HEADERS, PS_MAPI, PS_PUBLIC_STRINGS, PSETID_COMMON};
use msgfs::mapi::{Guid, PropertyTag, PropertyType, Value, tags};

use super::{errors, file, open, text, tree};
use crate::fixture::{AttachmentBuilder, MessageBuilder, Tree};

const OWN_SET: Guid = Guid::from_u128(0x00112233_4455_6677_8899_AABBCCDDEEFF);
const GUIDS: &str = "__nameid_version1.0/__substg1.0_00020102";
const ENTRIES: &str = "__nameid_version1.0/__substg1.0_00030102";
const STRINGS: &str = "__nameid_version1.0/__substg1.0_00040102";

fn lid(set: Guid, lid: u32) -> PropertyName {
    PropertyName { set, kind: NameKind::Lid(lid) }
}

fn name(set: Guid, name: &str) -> PropertyName {
    PropertyName { set, kind: NameKind::Name(name.to_owned()) }
}

/// A message with a string property of each of these names, which is the name's position.
fn message(names: &[PropertyName]) -> MessageBuilder {
    names.iter().zip(0_u32..).fold(MessageBuilder::empty(), |message, (name, position)| {
        let value = text(&position.to_string());
        message.named(name.set, name.kind.clone(), PropertyType::STRING, value)
    })
}

fn all() -> Vec<PropertyName> {
    vec![
        lid(PSETID_COMMON, 0x8503),
        lid(OWN_SET, 0xFFFF_FFFF),
        name(PS_PUBLIC_STRINGS, "Keywords"),
        name(PS_MAPI, "old"),
        name(OWN_SET, "Größe / size"),
        name(PS_INTERNET_HEADERS, "X-Mailer"),
        name(OWN_SET, ""),
        lid(PS_PUBLIC_STRINGS, 0x8503),
    ]
}

fn tag(position: u16) -> PropertyTag {
    PropertyTag::new(0x8000 + position, PropertyType::STRING)
}

#[test]
fn names_and_ids_lead_to_each_other() {
    let message = open(message(&all()).to_bytes());
    let names = message.names().unwrap();
    for (known, position) in all().iter().zip(0_u16..) {
        assert_eq!(names.name(tag(position)), Some(known));
        assert_eq!(names.id(known), Some(0x8000 + position));
        assert_eq!(message.text(tag(position)).unwrap(), position.to_string());
    }
    assert_eq!((names.len(), names.defects().len()), (all().len(), 0));
    assert_eq!(names.name(tag(8)), None);
    assert_eq!(names.id(&lid(OWN_SET, 0x8503)), None);
    assert_eq!(names.id(&name(PS_PUBLIC_STRINGS, "keywords")), None);
    // Names of internet headers are compared without regard to case.
    assert_eq!(names.id(&name(PS_INTERNET_HEADERS, "x-mAILER")), Some(0x8005));
}

#[test]
fn names_are_files() {
    let bytes = message(&all()).to_bytes();
    for (path, expected) in [
        ("mapi/named/PSETID_Common/PidLidReminderSet", "0"),
        ("mapi/named/{00112233-4455-6677-8899-AABBCCDDEEFF}/0xFFFFFFFF", "1"),
        ("mapi/named/PS_PUBLIC_STRINGS/Keywords", "2"),
        ("mapi/named/PS_MAPI/old", "3"),
        ("mapi/named/{00112233-4455-6677-8899-AABBCCDDEEFF}/Größe _ size", "4"),
        ("mapi/named/PS_INTERNET_HEADERS/X-Mailer", "5"),
        ("mapi/named/{00112233-4455-6677-8899-AABBCCDDEEFF}/unnamed", "6"),
        ("mapi/named/PS_PUBLIC_STRINGS/0x00008503", "7"),
        ("mapi/0x8002001F", "2"),
        ("mapi/0x8007", "7"),
    ] {
        assert_eq!(file(bytes.clone(), path).as_deref(), Some(expected), "{path}");
    }
}

#[test]
fn one_map_serves_embedded_messages_too() {
    let shared = lid(PSETID_COMMON, 0x8503);
    let inner = message(&[name(OWN_SET, "inner"), shared.clone()]);
    let outer = message(&[shared.clone(), name(OWN_SET, "outer")]);
    let outer = open(outer.attach(AttachmentBuilder::message(inner)).to_bytes());
    let inner = outer.attachment(0).unwrap().embedded_message().unwrap();
    let names = inner.names().unwrap();
    assert_eq!(names.len(), 3);
    assert_eq!(names.id(&shared), Some(0x8000));
    assert_eq!(inner.text(tag(0)).as_deref(), Some("1"));
    assert_eq!(inner.text(tag(2)).as_deref(), Some("0"));
}

#[test]
fn a_file_may_have_very_many_names() {
    const NAMES: u16 = 1_500;
    let all: Vec<_> = (0..u32::from(NAMES))
        .map(|n| if n % 2 == 0 { lid(OWN_SET, n) } else { name(OWN_SET, &format!("name {n}")) })
        .collect();
    let empty = MessageBuilder::empty();
    let message = all.iter().fold(empty, |message, name| {
        let value = Value::Boolean(true);
        message.named(name.set, name.kind.clone(), PropertyType::BOOLEAN, value)
    });
    let names = open(message.to_bytes()).names().unwrap();
    assert_eq!(names.len(), usize::from(NAMES));
    for (name, id) in all.iter().zip(0x8000..) {
        assert_eq!(names.id(name), Some(id));
    }
}

/// Damages the map of [`all`], and tells the ids that keep their names and the defects.
fn damaged(damage: impl FnOnce(&mut Tree)) -> (Vec<u16>, Vec<String>) {
    let mut tree = message(&all()).to_tree();
    damage(&mut tree);
    let bytes = tree.to_bytes();
    let message = open(bytes.clone());
    let names = message.names().unwrap();
    // Whatever becomes of a name, the value stays.
    for position in 0..8 {
        assert_eq!(message.text(tag(position)).unwrap(), position.to_string());
    }
    let kept = (0..8).filter(|position| names.name(tag(*position)).is_some()).collect();
    (kept, errors(bytes))
}

const GUID_DEFECTS: [&str; 3] = [
    "/__nameid_version1.0/__substg1.0_00030102: entry 0: GUID index 3 beyond the 0 stored",
    "/__nameid_version1.0/__substg1.0_00030102: entry 1: GUID index 4 beyond the 0 stored",
    "/__nameid_version1.0/__substg1.0_00030102: entry 4: GUID index 4 beyond the 0 stored",
];

const NO_NAMES: &str = "/: the names of 8 named properties are missing";

#[test]
fn names_that_the_map_lacks_are_noted() {
    let mut cut = message(&all()).to_tree();
    cut.stream(ENTRIES).truncate(6 * 8);
    let notes = tree(cut.to_bytes()).check().notes;
    let notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["/: named properties without a name: 2"]);
}

#[test]
fn without_the_map_properties_have_numbers() {
    let (kept, defects) = damaged(|tree| tree.remove("__nameid_version1.0"));
    assert_eq!((kept, defects), (vec![], vec![NO_NAMES.to_owned()]));
    let mut tree = message(&all()).to_tree();
    tree.remove("__nameid_version1.0");
    assert_eq!(file(tree.to_bytes(), "mapi/0x8002001F").as_deref(), Some("2"));
    assert_eq!(file(tree.to_bytes(), "categories"), None);
}

#[test]
fn a_map_without_entries_has_no_names() {
    assert_eq!(damaged(|tree| tree.remove(ENTRIES)), (vec![], vec![NO_NAMES.to_owned()]));
}

#[test]
fn a_map_without_guids_keeps_the_sets_that_are_not_stored() {
    let (kept, defects) = damaged(|tree| tree.remove(GUIDS));
    assert_eq!(kept, [2, 3, 7]);
    assert_eq!(defects[..3], GUID_DEFECTS);
    assert_eq!(defects.len(), 5);
}

#[test]
fn a_map_without_strings_keeps_the_numbers() {
    let (kept, defects) = damaged(|tree| tree.remove(STRINGS));
    assert_eq!(kept, [0, 1, 7]);
    let entry = "/__nameid_version1.0/__substg1.0_00030102: entry";
    assert_eq!(defects[0], format!("{entry} 2: name at 0 beyond the string stream of 0"));
    assert_eq!(defects.len(), 5);
}

#[test]
fn entries_of_names_that_are_damaged_are_told() {
    let every: Vec<u16> = (0..8).collect();
    let entry = |cause: &str| vec![format!("/{ENTRIES}: {cause}")];
    let found = damaged(|tree| tree.stream(ENTRIES).extend([1, 2, 3]));
    assert_eq!(found, (every, entry("an entry of 8 bytes, found 3")));
    let (kept, defects) = damaged(|tree| tree.stream(ENTRIES)[8..16].fill(0));
    assert_eq!((kept.len(), &defects[..1]), (7, &entry("entry 1: nothing but zeros")[..]));
    let (kept, defects) = damaged(|tree| tree.stream(ENTRIES)[3 * 8 + 6] = 2);
    assert_eq!((kept.len(), &defects[..1]), (7, &entry("entry 3: it is for index 2")[..]));
    let (kept, defects) = damaged(|tree| tree.stream(STRINGS)[0] += 1);
    assert_eq!(kept.len(), 7);
    assert!(defects[0].ends_with(" bytes, an odd number"), "{defects:?}");
}

#[test]
fn tails_and_padding_of_the_map_do_not_matter() {
    let every: Vec<u16> = (0..8).collect();
    let (kept, defects) = damaged(|tree| {
        tree.stream(GUIDS).extend([0; 7]);
    });
    assert_eq!((kept, defects), (every, vec![]));
    // Writers leave out the padding of the last name.
    let last = message(&[name(OWN_SET, "odd")]);
    let mut tree = last.to_tree();
    tree.stream(STRINGS).truncate(4 + 6);
    assert_eq!(open(tree.to_bytes()).names().unwrap().len(), 1);
}

#[test]
fn a_property_index_goes_before_the_position() {
    let mut tree = message(&[lid(OWN_SET, 1), lid(OWN_SET, 2)]).to_tree();
    let entries = tree.stream(ENTRIES);
    let (first, second) = entries.split_at_mut(8);
    first.swap_with_slice(second);
    let names = open(tree.to_bytes()).names().unwrap();
    assert_eq!(names.id(&lid(OWN_SET, 1)), Some(0x8000));
    assert_eq!(names.id(&lid(OWN_SET, 2)), Some(0x8001));
}

#[test]
fn of_two_entries_for_one_id_the_first_counts() {
    let mut tree = message(&[lid(OWN_SET, 1), lid(OWN_SET, 2)]).to_tree();
    tree.stream(ENTRIES)[14] = 0;
    let names = open(tree.to_bytes()).names().unwrap();
    assert_eq!(names.name(tag(0)), Some(&lid(OWN_SET, 1)));
    assert_eq!(names.len(), 1);
}

#[test]
fn the_map_of_an_embedded_message_is_none() {
    // Only the root has one; streams of that name elsewhere mean nothing.
    let inner = message(&[lid(OWN_SET, 1)]);
    let outer = MessageBuilder::empty().attach(AttachmentBuilder::message(inner.clone()));
    let mut tree = outer.to_tree();
    let mut map = inner.to_tree();
    let map = map.storage("__nameid_version1.0").clone();
    tree.remove("__nameid_version1.0");
    let embedded = "__attach_version1.0_#00000000/__substg1.0_3701000D/__nameid_version1.0";
    tree.put_storage(embedded, map);
    let message = open(tree.to_bytes());
    let embedded = message.attachment(0).unwrap().embedded_message().unwrap();
    assert!(embedded.names().unwrap().is_empty());
    assert_eq!(embedded.property_tags().unwrap(), [tag(0)]);
}

#[test]
fn categories_are_found_by_name() {
    let keywords = vec![text("One"), text("Zwei\nDrei")];
    let message = MessageBuilder::new("IPM.Note", "x").named(
        PS_PUBLIC_STRINGS,
        NameKind::Name("Keywords".to_owned()),
        PropertyType::MULTIPLE_STRING,
        Value::Multiple(keywords),
    );
    assert_eq!(file(message.to_bytes(), "categories").as_deref(), Some("One\nZwei\\nDrei\n"));
    let renamed = message.text(tags::PR_SUBJECT, "y").to_bytes();
    assert_eq!(file(renamed, "subject").as_deref(), Some("y\n"));
}
