//! The properties of one object, each compared in three forms: as stored, as a value, as a file
//! under `mapi/`.

use msgfs::imsg::{MapiProp, NameKind, Property, PropertyNames, PropertySet, Salvaged};
use msgfs::mapi::{PropertyTag, Value};
use msgfs::view::{FileKind, MessageTree, NodeId};
use serde_json::{Value as Json, json};

use super::message::Compared;
use super::sha256;
use super::tally::{Place, Tally};
use crate::browse::read;

/// Compares every property of an object with a list of
/// `[tag, name, type, value or {len, sha256, text_sha256}, flags, raw bytes]`.
pub(super) fn check(
    compared: &Compared<'_>,
    mapi: NodeId,
    object: &dyn MapiProp,
    expected: &Json,
    tally: &mut Tally,
) {
    let Compared { tree, names, place, .. } = compared;
    let (set, _) = object.property_set().unwrap();
    let mut wanted: Vec<_> = expected.as_array().unwrap().iter().collect();
    wanted.sort_by_key(|one| one[0].as_str().unwrap());
    let tags = wanted.iter().map(|one| one[0].clone()).collect::<Vec<_>>();
    let found = set.properties().iter().map(|one| format!("{:08X}", one.tag.0));
    tally.check(place, "property tags", &Json::from(tags), found.collect::<Vec<_>>());
    for wanted in wanted {
        let text = wanted[0].as_str().unwrap();
        let tag = PropertyTag(u32::from_str_radix(text, 16).unwrap());
        let Some(property) = set.get(tag) else { continue };
        tally.check(place, "property flags", &wanted[4], property.flags);
        tally.check(place, "property name", &wanted[1], name_text(names, tag));
        let value = &wanted[3];
        if value.is_object() {
            check_stored(&set, property, value, place, tally);
        }
        let salvaged = object.salvage(tag).unwrap();
        check_value(tag, &salvaged, value, place, tally);
        let file = tree.lookup(mapi, &format!("0x{text}")).unwrap();
        check_file(tree, file, &salvaged, value, place, tally);
    }
}

/// The name of a named property, as `{GUID}/NAME`.
fn name_text(names: &PropertyNames, tag: PropertyTag) -> Option<String> {
    let name = names.name(tag)?;
    let set = name.set.to_string().to_lowercase();
    Some(match &name.kind {
        NameKind::Lid(lid) => format!("{set}/0x{lid:08X}"),
        NameKind::Name(name) => format!("{set}/{name}"),
    })
}

/// Compares the bytes as stored.
fn check_stored(
    set: &PropertySet,
    property: &Property,
    expected: &Json,
    place: &Place<'_>,
    tally: &mut Tally,
) {
    let stored = set.stream(property).map(|stream| stream.read_salvage().0);
    if let Some(sha) = expected.get("sha256") {
        let len = stored.as_ref().map(Vec::len);
        tally.check(place, "stored length", &expected["len"], len);
        tally.check(place, "stored sha256", sha, stored.map(sha256));
    }
    if let Some(values) = expected.get("values") {
        let elements = set.element_streams(property.tag).map(|(index, stream)| {
            let bytes = stream.read_salvage().0;
            json!([index, bytes.len(), sha256(bytes)])
        });
        tally.check(place, "stored values", values, elements.collect::<Vec<_>>());
    }
}

fn check_value(
    tag: PropertyTag,
    salvaged: &Salvaged,
    expected: &Json,
    place: &Place<'_>,
    tally: &mut Tally,
) {
    match (expected, &salvaged.value) {
        (Json::Object(fields), value) if fields.contains_key("missing") => {
            let has_defect = salvaged.defect.is_some();
            tally.check(place, "missing value", &json!(true), has_defect || value.is_none());
        }
        (Json::Object(fields), value) if fields.contains_key("object") => {
            tally.check(place, "object", &json!(true), *value == Some(Value::Object));
        }
        (Json::Object(fields), Some(Value::String(text))) => {
            tally.check(place, "string value", &fields["text_sha256"], sha256(text));
        }
        (Json::Object(fields), Some(Value::Binary(bytes))) => {
            tally.check(place, "binary value", &fields["sha256"], sha256(bytes));
        }
        (Json::Object(fields), Some(Value::Guid(guid))) => {
            tally.check(place, "guid value", &fields["sha256"], sha256(guid.0));
        }
        (Json::Object(fields), Some(Value::Multiple(values))) => {
            let count = fields.get("values").map(|values| values.as_array().unwrap().len());
            let count = count.unwrap_or_else(|| packed_count(tag, &fields["len"]));
            tally.check(place, "number of values", &json!(count), values.len());
        }
        (Json::String(text), value) => {
            let field = "scalar value";
            match value {
                Some(Value::Time(time)) => {
                    let found = if time.0 == 0 { "0".to_owned() } else { time.to_string() };
                    tally.check(place, field, &json!(trimmed_time(text)), found);
                }
                Some(Value::Floating64(number)) => {
                    tally.check(place, field, &json!(text.parse::<f64>().unwrap()), *number);
                }
                Some(value) => tally.check(place, field, expected, value.to_text()),
                None => tally.check(place, field, expected, None::<String>),
            }
        }
        (expected, value) => tally.check(place, "value", expected, format!("{tag} {value:?}")),
    }
}

fn check_file(
    tree: &MessageTree,
    (file, kind): (NodeId, FileKind),
    salvaged: &Salvaged,
    expected: &Json,
    place: &Place<'_>,
    tally: &mut Tally,
) {
    if kind == FileKind::Directory {
        let values = expected["values"].as_array().map(Vec::len);
        let listed = tree.list(file).unwrap().entries().len();
        return tally.check(place, "mapi directory", &Json::from(values), listed);
    }
    let content = read(tree, file).map_err(|error| error.to_string());
    if expected.get("missing").is_some() {
        let is_gone = content.is_err() || salvaged.value.is_some();
        return tally.check(place, "mapi missing", &json!(true), is_gone);
    }
    let Ok(content) = content else {
        return tally.check(place, "mapi file", &json!("readable"), content.unwrap_err());
    };
    match (expected, &salvaged.value) {
        (Json::Object(fields), Some(Value::String(_))) => {
            tally.check(place, "mapi string", &fields["text_sha256"], sha256(content));
        }
        (Json::Object(fields), Some(Value::Binary(_))) => {
            tally.check(place, "mapi binary", &fields["sha256"], sha256(content));
        }
        (Json::String(_), Some(value)) => {
            let text = value.to_text().unwrap() + "\n";
            tally.check(place, "mapi scalar", &json!(text), String::from_utf8(content).unwrap());
        }
        _ => {}
    }
}

fn packed_count(tag: PropertyTag, len: &Json) -> usize {
    let size = match tag.property_type().0 & 0xFF {
        0x02 => 2,
        0x03 | 0x04 => 4,
        0x48 => 16,
        _ => 8,
    };
    usize::try_from(len.as_u64().unwrap()).unwrap() / size
}

/// A time without the zeros at the end of its decimals.
pub(super) fn trimmed_time(time: &str) -> String {
    match time.strip_suffix('Z') {
        Some(digits) if digits.contains('.') => {
            digits.trim_end_matches('0').trim_end_matches('.').to_owned() + "Z"
        }
        _ => time.to_owned(),
    }
}
