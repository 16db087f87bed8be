//! Finds damage in binary values from which fields and files are made: a damaged list of addresses,
//! for example, means that some of them are missing. The damage of recurrences is found in
//! `ics::damage`.

use crate::imsg::structures::{
    TimeZoneDefinition, decode_time_zone_struct, list_stream_members, voting_options,
};
use crate::imsg::{MapiProp as _, Message, Salvaged, flat_entry_list};
use crate::mapi::{CodePage, PropertyType, Value, tags};
use crate::storage::Defect;

use super::named::{NamedKey, Values, lid};

/// A property, the check whether all of its value can be read, and the cause if not.
type Structure = (NamedKey, fn(&[u8]) -> bool, &'static str);

const STRUCTURES: [Structure; 7] = [
    (
        NamedKey::Tag(tags::PR_REPLY_RECIPIENT_ENTRIES),
        |list| flat_entry_list(list).1,
        "the end of the list is missing, and addresses of `reply-to` with it",
    ),
    (
        lid::VERB_STREAM,
        |stream| stream.is_empty() || voting_options(stream, CodePage::WINDOWS_1252).is_some(),
        "the answers to vote with cannot be read",
    ),
    (
        lid::DISTRIBUTION_LIST_STREAM,
        |stream| list_stream_members(stream).1,
        "the end of the list is missing, and members with it",
    ),
    (lid::TIME_ZONE_STRUCT, |zone| decode_time_zone_struct(zone).is_some(), NO_ZONE),
    (lid::APPOINTMENT_TIME_ZONE_DEFINITION_START_DISPLAY, is_zone, NO_ZONE),
    (lid::APPOINTMENT_TIME_ZONE_DEFINITION_END_DISPLAY, is_zone, NO_ZONE),
    (lid::APPOINTMENT_TIME_ZONE_DEFINITION_RECUR, is_zone, NO_ZONE),
];

const NO_ZONE: &str = "the time zone cannot be read";

fn is_zone(definition: &[u8]) -> bool {
    TimeZoneDefinition::decode(definition).is_some()
}

/// The defects in such values of a message.
pub(in crate::mail) fn defects(message: &Message) -> Vec<Defect> {
    STRUCTURES.into_iter().filter_map(|structure| defect(message, structure)).collect()
}

/// The defect in such a value of a message.
pub(in crate::mail) fn defect_of(message: &Message, wanted: NamedKey) -> Option<Defect> {
    let structure = STRUCTURES.into_iter().find(|(key, ..)| *key == wanted)?;
    defect(message, structure)
}

fn defect(message: &Message, (key, is_whole, cause): Structure) -> Option<Defect> {
    let (set, strings) = message.property_set().ok()?;
    let tag = Values::new(message).tag(key, PropertyType::BINARY)?;
    // If bytes of the value are missing, the value has a defect already.
    let Salvaged { value: Some(Value::Binary(bytes)), defect: None } =
        set.salvage(set.get(tag)?, &strings)
    else {
        return None;
    };
    let place = || format!("{}/{tag}", set.storage().path().trim_end_matches('/'));
    (!is_whole(&bytes)).then(|| Defect { place: place(), cause: cause.to_owned() })
}
