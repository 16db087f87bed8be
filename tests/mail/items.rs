//! Items of other classes than mail: an appointment with named properties, a template.

use msgfs::imsg::NameKind;
use msgfs::mapi::sets::{
    PS_INTERNET_HEADERS, PS_PUBLIC_STRINGS, PSETID_APPOINTMENT, PSETID_COMMON, PSETID_MEETING,
};
use msgfs::mapi::{Guid, PropertyType, Value, tags};

use super::{ANNA, BEN, HARBOUR};
use crate::fixture::{MessageBuilder, RecipientBuilder, TEMPLATE_CLSID};

pub(super) fn appointment() -> MessageBuilder {
    let lid = |set: Guid, lid: u32, property_type: PropertyType, text: &str| {
        (set, NameKind::Lid(lid), property_type, Value::parse(property_type, text).unwrap())
    };
    let name = |set: Guid, name: &str, value: Value| {
        let property_type = match value {
            Value::Multiple(_) => PropertyType::MULTIPLE_STRING,
            Value::Integer32(_) => PropertyType::INTEGER32,
            _ => PropertyType::STRING,
        };
        (set, NameKind::Name(name.to_owned()), property_type, value)
    };
    let string = |text: &str| Value::String(text.to_owned());
    let (start, end) = ("2024-05-21T13:00:00Z", "2024-05-21T14:30:00Z");
    let id = Value::Binary(global_object_id());
    let named = [
        lid(PSETID_APPOINTMENT, 0x8205, PropertyType::INTEGER32, "2"),
        lid(PSETID_APPOINTMENT, 0x8208, PropertyType::STRING, "Berth 14, north jetty"),
        lid(PSETID_APPOINTMENT, 0x820D, PropertyType::TIME, start),
        lid(PSETID_APPOINTMENT, 0x820E, PropertyType::TIME, end),
        lid(PSETID_APPOINTMENT, 0x8213, PropertyType::INTEGER32, "90"),
        lid(PSETID_APPOINTMENT, 0x8215, PropertyType::BOOLEAN, "false"),
        lid(PSETID_COMMON, 0x8501, PropertyType::INTEGER32, "30"),
        lid(PSETID_COMMON, 0x8503, PropertyType::BOOLEAN, "true"),
        lid(PSETID_COMMON, 0x8516, PropertyType::TIME, start),
        lid(PSETID_COMMON, 0x8517, PropertyType::TIME, end),
        (PSETID_MEETING, NameKind::Lid(0x0003), PropertyType::BINARY, id.clone()),
        (PSETID_MEETING, NameKind::Lid(0x0023), PropertyType::BINARY, id),
        name(PS_PUBLIC_STRINGS, "Keywords", Value::Multiple(vec![string("Boats"), string("Été")])),
        name(PS_PUBLIC_STRINGS, "Berth number", Value::Integer32(14)),
        name(PS_PUBLIC_STRINGS, "Boat name", string("Möwe")),
        name(PS_INTERNET_HEADERS, "x-club-id", string("SC-0417")),
    ];
    let message = MessageBuilder::new("IPM.Appointment", "Boat inspection")
        .from(HARBOUR)
        .recipient(RecipientBuilder::to(ANNA.0, ANNA.1))
        .recipient(RecipientBuilder::to(BEN.0, BEN.1))
        .time(tags::PR_CREATION_TIME, "2024-05-10T10:00:00Z")
        .time(tags::PR_LAST_MODIFICATION_TIME, "2024-05-13T17:20:00Z")
        .time(tags::PR_START_DATE, start)
        .time(tags::PR_END_DATE, end)
        .body("Please bring the papers of the boat.\n");
    named.into_iter().fold(message, |message, (set, kind, property_type, value)| {
        message.named(set, kind, property_type, value)
    })
}

pub(super) fn template() -> MessageBuilder {
    MessageBuilder::new("IPM.Note", "Absence from … to …")
        .clsid(TEMPLATE_CLSID)
        .integer(tags::PR_MESSAGE_FLAGS, 8)
        .recipient(RecipientBuilder::to(HARBOUR.0, HARBOUR.1))
        .time(tags::PR_CREATION_TIME, "2023-12-01T12:00:00Z")
        .time(tags::PR_LAST_MODIFICATION_TIME, "2023-12-01T12:00:00Z")
        .body("My boat is away from … to …; the berth may be let.\n")
}

/// A global object id (\[MS-OXOCAL\] 2.2.1.27) that was made from a UID of iCalendar.
fn global_object_id() -> Vec<u8> {
    const ID: [u8; 16] =
        [0x04, 0, 0, 0, 0x82, 0, 0xE0, 0, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 0x08];
    let data = b"vCal-Uid\x01\0\0\0inspection-14@harbour.example.org\0";
    let size = u32::try_from(data.len()).unwrap().to_le_bytes();
    // Exception date, creation time and a reserved field, all 0.
    [&ID[..], &[0; 4], &[0; 8], &[0; 8], &size, data].concat()
}
