//! Every property type, written and read back.

use msgfs::imsg::MapiProp as _;
use msgfs::mapi::{FileTime, Guid, Location, PropertyTag, PropertyType, Value};

use super::{open, text, value};
use crate::fixture::{AttachmentBuilder, MessageBuilder, RecipientBuilder};

/// Ids of no known meaning.
const FIRST_ID: u16 = 0x6600;

/// Values of every type, at their limits too.
fn values() -> Vec<(PropertyType, Value)> {
    let guid = Guid::from_u128(0x00112233_4455_6677_8899_AABBCCDDEEFF);
    let singles = [
        (PropertyType::NULL, vec![Value::Null]),
        (PropertyType::INTEGER16, [i16::MIN, 0, i16::MAX].map(Value::Integer16).to_vec()),
        (PropertyType::INTEGER32, [i32::MIN, -1, i32::MAX].map(Value::Integer32).to_vec()),
        (PropertyType::FLOATING32, [0.1, f32::MAX].map(Value::Floating32).to_vec()),
        (PropertyType::FLOATING64, [-0.1, f64::MIN_POSITIVE].map(Value::Floating64).to_vec()),
        (PropertyType::CURRENCY, [i64::MIN, 12_345].map(Value::Currency).to_vec()),
        (PropertyType::FLOATING_TIME, [0.0, 45_000.5].map(Value::FloatingTime).to_vec()),
        (PropertyType::ERROR_CODE, [0, 0x8004_010F].map(Value::ErrorCode).to_vec()),
        (PropertyType::BOOLEAN, [true, false].map(Value::Boolean).to_vec()),
        (PropertyType::INTEGER64, [i64::MIN, i64::MAX].map(Value::Integer64).to_vec()),
        (PropertyType::TIME, [0, 1, u64::MAX].map(|ticks| Value::Time(FileTime(ticks))).to_vec()),
        (PropertyType::GUID, vec![Value::Guid(guid), Value::Guid(Guid::default())]),
        (PropertyType::STRING, ["", "a", "Žluťoučký\r\nkůň 🐎", "a\0b"].map(text).to_vec()),
        (PropertyType::STRING8, ["", "a", "café € “so”\r\n"].map(text).to_vec()),
        (PropertyType::BINARY, [0, 1, 63, 64, 65, 4095, 4096, 70_000].map(binary).to_vec()),
        (PropertyType::SERVER_ID, vec![binary(21)]),
        (PropertyType::RESTRICTION, vec![binary(30)]),
        (PropertyType::RULE_ACTION, vec![binary(40)]),
    ];
    let multiple = |property_type: PropertyType| match property_type {
        PropertyType::GUID => PropertyType::MULTIPLE_GUID,
        PropertyType::BINARY => PropertyType::MULTIPLE_BINARY,
        other => PropertyType(other.0 | 0x1000),
    };
    let mut all = Vec::new();
    for (property_type, values) in singles {
        if multiple(property_type).location() != Location::Unknown {
            let list = Value::Multiple(values.clone());
            all.extend(
                [list, Value::Multiple(Vec::new())].map(|one| (multiple(property_type), one)),
            );
        }
        all.extend(values.into_iter().map(|value| (property_type, value)));
    }
    all
}

/// Bytes that are no text.
fn binary(len: usize) -> Value {
    Value::Binary((0..=u8::MAX).rev().cycle().take(len).collect())
}

fn tagged() -> Vec<(PropertyTag, Value)> {
    let values = values().into_iter().zip(FIRST_ID..);
    values
        .map(|((property_type, value), id)| (PropertyTag::new(id, property_type), value))
        .collect()
}

#[test]
fn every_type_is_covered() {
    let covered: Vec<_> = values().into_iter().map(|(property_type, _)| property_type).collect();
    let all = (0..=u16::MAX).map(PropertyType).filter(|one| one.location() != Location::Unknown);
    let missing: Vec<_> = all.filter(|one| !covered.contains(one)).collect();
    // An object is no value, but a storage.
    assert_eq!(missing, [PropertyType::OBJECT]);
}

#[test]
fn values_are_read_as_written_by_messages() {
    let message = tagged()
        .into_iter()
        .fold(MessageBuilder::empty(), |message, (tag, value)| message.set(tag, value));
    let message = open(message.to_bytes());
    for (tag, expected) in tagged() {
        assert_eq!(value(&message, tag), expected, "{tag}");
    }
    assert_eq!(message.property_tags().unwrap().len(), tagged().len());
    assert_eq!(message.value_defects().unwrap(), []);
}

#[test]
fn values_are_read_as_written_by_recipients_and_attachments() {
    let recipient = RecipientBuilder::empty();
    let recipient = tagged().into_iter().fold(recipient, |to, (tag, value)| to.set(tag, value));
    let attachment = AttachmentBuilder::empty(0);
    let attachment = tagged().into_iter().fold(attachment, |to, (tag, value)| to.set(tag, value));
    let message = MessageBuilder::new("IPM.Note", "").recipient(recipient).attach(attachment);
    let message = open(message.to_bytes());
    let recipient = message.recipients().unwrap().remove(0);
    let attachment = message.attachment(0).unwrap();
    for (tag, expected) in tagged() {
        assert_eq!(recipient.property(tag).unwrap(), expected, "{tag}");
        assert_eq!(attachment.property(tag).unwrap(), expected, "{tag}");
    }
}

#[test]
fn a_unicode_tag_finds_an_8_bit_value() {
    let string8 = PropertyTag(0x6600_001E);
    let message = MessageBuilder::empty().set(string8, text("é"));
    let message = open(message.to_bytes());
    assert_eq!(value(&message, string8.with_type(PropertyType::STRING)), text("é"));
    assert!(message.property(string8.with_type(PropertyType::BINARY)).is_err());
}

#[test]
fn entries_may_have_junk_behind_a_small_value() {
    // One entry of seven has (measured on 337 files): only the bytes of the type count.
    let mut tree = MessageBuilder::empty()
        .set(PropertyTag(0x6600_0003), Value::Integer32(7))
        .set(PropertyTag(0x6601_000B), Value::Boolean(false))
        .to_tree();
    let stream = tree.stream("__properties_version1.0");
    stream[32 + 12..32 + 16].fill(0xA5);
    stream[48 + 10..48 + 16].fill(0xA5);
    let message = open(tree.to_bytes());
    assert_eq!(value(&message, PropertyTag(0x6600_0003)), Value::Integer32(7));
    assert_eq!(value(&message, PropertyTag(0x6601_000B)), Value::Boolean(false));
}

#[test]
fn flags_are_kept_and_control_nothing() {
    let tag = PropertyTag(0x6600_0003);
    for flags in [0, 2, 6, 7, u32::MAX] {
        let message = MessageBuilder::empty().set(tag, Value::Integer32(7)).flags(tag, flags);
        let message = open(message.to_bytes());
        let (set, _) = message.property_set().unwrap();
        assert_eq!(set.get(tag).unwrap().flags, Some(flags));
        assert_eq!(value(&message, tag), Value::Integer32(7));
    }
}
