//! The values of a message by tag or by name.
//!
//! Of a damaged value, what can be read is taken. An empty text, and a time that stands for "no
//! time", count as missing. Knows no file that is made from them.

use crate::imsg::{MapiProp as _, Message, NameKind, PropertyName};
use crate::mapi::sets::{
    PS_PUBLIC_STRINGS, PSETID_ADDRESS, PSETID_APPOINTMENT, PSETID_COMMON, PSETID_LOG,
    PSETID_MEETING, PSETID_TASK,
};
use crate::mapi::{FileTime, Guid, PropertyTag, PropertyType, Value};

/// How a property is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// By its tag, whatever the type.
    Tag(PropertyTag),
    /// By its number in a property set.
    Lid(Guid, u32),
    /// By its name in a property set.
    Name(Guid, &'static str),
}

impl From<PropertyTag> for Key {
    fn from(tag: PropertyTag) -> Self {
        Self::Tag(tag)
    }
}

/// The categories (\[MS-OXCMSG\] 2.2.1.17).
pub(super) const PID_NAME_KEYWORDS: Key = Key::Name(PS_PUBLIC_STRINGS, "Keywords");

/// The values of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values<'a> {
    message: &'a Message,
}

impl<'a> Values<'a> {
    pub(super) fn new(message: &'a Message) -> Self {
        Self { message }
    }

    pub(super) fn message(self) -> &'a Message {
        self.message
    }

    /// A value of this type.
    pub(super) fn value(self, key: impl Into<Key>, property_type: PropertyType) -> Option<Value> {
        self.message.salvage(self.tag(key, property_type)?).ok()?.value
    }

    /// The tag that the property has in this file.
    pub(super) fn tag(
        self,
        key: impl Into<Key>,
        property_type: PropertyType,
    ) -> Option<PropertyTag> {
        let id = match key.into() {
            Key::Tag(tag) => tag.id(),
            Key::Lid(set, lid) => self.id(set, NameKind::Lid(lid))?,
            Key::Name(set, name) => self.id(set, NameKind::Name(name.to_owned()))?,
        };
        Some(PropertyTag::new(id, property_type))
    }

    /// A string that is not empty.
    pub(super) fn text(self, key: impl Into<Key>) -> Option<String> {
        match self.value(key, PropertyType::STRING)? {
            Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
            _ => None,
        }
    }

    /// The strings of a multi-valued property that are not empty.
    pub(super) fn texts(self, key: impl Into<Key>) -> Vec<String> {
        let Some(Value::Multiple(values)) = self.value(key, PropertyType::MULTIPLE_STRING) else {
            return Vec::new();
        };
        let texts = values.into_iter().filter_map(|value| match value {
            Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
            _ => None,
        });
        texts.collect()
    }

    pub(super) fn integer(self, key: impl Into<Key>) -> Option<i32> {
        match self.value(key, PropertyType::INTEGER32)? {
            Value::Integer32(number) => Some(number),
            _ => None,
        }
    }

    /// Whether a property is there and true.
    pub(super) fn is_true(self, key: impl Into<Key>) -> bool {
        self.value(key, PropertyType::BOOLEAN) == Some(Value::Boolean(true))
    }

    /// A time, unless it stands for "no time".
    pub(super) fn time(self, key: impl Into<Key>) -> Option<FileTime> {
        match self.value(key, PropertyType::TIME)? {
            Value::Time(time) => Some(time).filter(|time| time.is_set()),
            _ => None,
        }
    }

    pub(super) fn binary(self, key: impl Into<Key>) -> Option<Vec<u8>> {
        match self.value(key, PropertyType::BINARY)? {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A value of the message that this one is embedded in.
    pub(super) fn outer_binary(self, key: impl Into<Key>) -> Option<Vec<u8>> {
        match self.message.outer_value(self.tag(key, PropertyType::BINARY)?).ok()?? {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The values of a `PT_MV_BINARY` property.
    pub(super) fn binaries(self, key: impl Into<Key>) -> Vec<Vec<u8>> {
        let Some(Value::Multiple(values)) = self.value(key, PropertyType::MULTIPLE_BINARY) else {
            return Vec::new();
        };
        let bytes = values.into_iter().filter_map(|value| match value {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        });
        bytes.collect()
    }

    fn id(self, set: Guid, kind: NameKind) -> Option<u16> {
        self.message.names().ok()?.id(&PropertyName { set, kind })
    }
}

/// The named properties that are read, by their names in \[MS-OXPROPS\] without `PidLid`.
pub(super) mod lid {
    use super::{
        Key, PSETID_ADDRESS, PSETID_APPOINTMENT, PSETID_COMMON, PSETID_LOG, PSETID_MEETING,
        PSETID_TASK,
    };

    pub(in crate::mail) const APPOINTMENT_SEQUENCE: Key = Key::Lid(PSETID_APPOINTMENT, 0x8201);
    pub(in crate::mail) const BUSY_STATUS: Key = Key::Lid(PSETID_APPOINTMENT, 0x8205);
    pub(in crate::mail) const LOCATION: Key = Key::Lid(PSETID_APPOINTMENT, 0x8208);
    pub(in crate::mail) const APPOINTMENT_START_WHOLE: Key = Key::Lid(PSETID_APPOINTMENT, 0x820D);
    pub(in crate::mail) const APPOINTMENT_END_WHOLE: Key = Key::Lid(PSETID_APPOINTMENT, 0x820E);
    pub(in crate::mail) const APPOINTMENT_DURATION: Key = Key::Lid(PSETID_APPOINTMENT, 0x8213);
    pub(in crate::mail) const APPOINTMENT_SUB_TYPE: Key = Key::Lid(PSETID_APPOINTMENT, 0x8215);
    pub(in crate::mail) const APPOINTMENT_RECUR: Key = Key::Lid(PSETID_APPOINTMENT, 0x8216);
    pub(in crate::mail) const APPOINTMENT_STATE_FLAGS: Key = Key::Lid(PSETID_APPOINTMENT, 0x8217);
    pub(in crate::mail) const RECURRING: Key = Key::Lid(PSETID_APPOINTMENT, 0x8223);
    pub(in crate::mail) const INTENDED_BUSY_STATUS: Key = Key::Lid(PSETID_APPOINTMENT, 0x8224);
    pub(in crate::mail) const EXCEPTION_REPLACE_TIME: Key = Key::Lid(PSETID_APPOINTMENT, 0x8228);
    pub(in crate::mail) const RECURRENCE_PATTERN: Key = Key::Lid(PSETID_APPOINTMENT, 0x8232);
    pub(in crate::mail) const TIME_ZONE_STRUCT: Key = Key::Lid(PSETID_APPOINTMENT, 0x8233);
    pub(in crate::mail) const TIME_ZONE_DESCRIPTION: Key = Key::Lid(PSETID_APPOINTMENT, 0x8234);
    pub(in crate::mail) const APPOINTMENT_PROPOSED_START_WHOLE: Key =
        Key::Lid(PSETID_APPOINTMENT, 0x8250);
    pub(in crate::mail) const APPOINTMENT_PROPOSED_END_WHOLE: Key =
        Key::Lid(PSETID_APPOINTMENT, 0x8251);
    pub(in crate::mail) const APPOINTMENT_COUNTER_PROPOSAL: Key =
        Key::Lid(PSETID_APPOINTMENT, 0x8257);
    pub(in crate::mail) const APPOINTMENT_NOT_ALLOW_PROPOSE: Key =
        Key::Lid(PSETID_APPOINTMENT, 0x825A);
    pub(in crate::mail) const APPOINTMENT_TIME_ZONE_DEFINITION_START_DISPLAY: Key =
        Key::Lid(PSETID_APPOINTMENT, 0x825E);
    pub(in crate::mail) const APPOINTMENT_TIME_ZONE_DEFINITION_END_DISPLAY: Key =
        Key::Lid(PSETID_APPOINTMENT, 0x825F);
    pub(in crate::mail) const APPOINTMENT_TIME_ZONE_DEFINITION_RECUR: Key =
        Key::Lid(PSETID_APPOINTMENT, 0x8260);
    pub(in crate::mail) const ATTENDEE_CRITICAL_CHANGE: Key = Key::Lid(PSETID_MEETING, 0x0001);
    pub(in crate::mail) const WHERE: Key = Key::Lid(PSETID_MEETING, 0x0002);
    pub(in crate::mail) const GLOBAL_OBJECT_ID: Key = Key::Lid(PSETID_MEETING, 0x0003);
    pub(in crate::mail) const IS_RECURRING: Key = Key::Lid(PSETID_MEETING, 0x0005);
    pub(in crate::mail) const IS_EXCEPTION: Key = Key::Lid(PSETID_MEETING, 0x000A);
    pub(in crate::mail) const START_RECURRENCE_TIME: Key = Key::Lid(PSETID_MEETING, 0x000E);
    pub(in crate::mail) const OWNER_CRITICAL_CHANGE: Key = Key::Lid(PSETID_MEETING, 0x001A);
    pub(in crate::mail) const CLEAN_GLOBAL_OBJECT_ID: Key = Key::Lid(PSETID_MEETING, 0x0023);
    pub(in crate::mail) const REMINDER_DELTA: Key = Key::Lid(PSETID_COMMON, 0x8501);
    pub(in crate::mail) const REMINDER_TIME: Key = Key::Lid(PSETID_COMMON, 0x8502);
    pub(in crate::mail) const REMINDER_SET: Key = Key::Lid(PSETID_COMMON, 0x8503);
    pub(in crate::mail) const PRIVATE: Key = Key::Lid(PSETID_COMMON, 0x8506);
    pub(in crate::mail) const COMMON_START: Key = Key::Lid(PSETID_COMMON, 0x8516);
    pub(in crate::mail) const COMMON_END: Key = Key::Lid(PSETID_COMMON, 0x8517);
    pub(in crate::mail) const TASK_GLOBAL_ID: Key = Key::Lid(PSETID_COMMON, 0x8519);
    pub(in crate::mail) const VERB_STREAM: Key = Key::Lid(PSETID_COMMON, 0x8520);
    pub(in crate::mail) const VERB_RESPONSE: Key = Key::Lid(PSETID_COMMON, 0x8524);
    pub(in crate::mail) const REMINDER_SIGNAL_TIME: Key = Key::Lid(PSETID_COMMON, 0x8560);
    pub(in crate::mail) const TASK_STATUS: Key = Key::Lid(PSETID_TASK, 0x8101);
    pub(in crate::mail) const PERCENT_COMPLETE: Key = Key::Lid(PSETID_TASK, 0x8102);
    pub(in crate::mail) const TASK_START_DATE: Key = Key::Lid(PSETID_TASK, 0x8104);
    pub(in crate::mail) const TASK_DUE_DATE: Key = Key::Lid(PSETID_TASK, 0x8105);
    pub(in crate::mail) const TASK_DATE_COMPLETED: Key = Key::Lid(PSETID_TASK, 0x810F);
    pub(in crate::mail) const TASK_ACTUAL_EFFORT: Key = Key::Lid(PSETID_TASK, 0x8110);
    pub(in crate::mail) const TASK_ESTIMATED_EFFORT: Key = Key::Lid(PSETID_TASK, 0x8111);
    pub(in crate::mail) const TASK_RECURRENCE: Key = Key::Lid(PSETID_TASK, 0x8116);
    pub(in crate::mail) const TASK_COMPLETE: Key = Key::Lid(PSETID_TASK, 0x811C);
    pub(in crate::mail) const TASK_OWNER: Key = Key::Lid(PSETID_TASK, 0x811F);
    pub(in crate::mail) const TASK_ASSIGNER: Key = Key::Lid(PSETID_TASK, 0x8121);
    pub(in crate::mail) const LOG_TYPE: Key = Key::Lid(PSETID_LOG, 0x8700);
    pub(in crate::mail) const LOG_START: Key = Key::Lid(PSETID_LOG, 0x8706);
    pub(in crate::mail) const LOG_DURATION: Key = Key::Lid(PSETID_LOG, 0x8707);
    pub(in crate::mail) const LOG_END: Key = Key::Lid(PSETID_LOG, 0x8708);
    pub(in crate::mail) const LOG_TYPE_DESC: Key = Key::Lid(PSETID_LOG, 0x8712);
    pub(in crate::mail) const FILE_UNDER: Key = Key::Lid(PSETID_ADDRESS, 0x8005);
    pub(in crate::mail) const HOME_ADDRESS: Key = Key::Lid(PSETID_ADDRESS, 0x801A);
    pub(in crate::mail) const WORK_ADDRESS: Key = Key::Lid(PSETID_ADDRESS, 0x801B);
    pub(in crate::mail) const OTHER_ADDRESS: Key = Key::Lid(PSETID_ADDRESS, 0x801C);
    pub(in crate::mail) const POSTAL_ADDRESS_ID: Key = Key::Lid(PSETID_ADDRESS, 0x8022);
    pub(in crate::mail) const HTML: Key = Key::Lid(PSETID_ADDRESS, 0x802B);
    pub(in crate::mail) const WORK_ADDRESS_STREET: Key = Key::Lid(PSETID_ADDRESS, 0x8045);
    pub(in crate::mail) const WORK_ADDRESS_CITY: Key = Key::Lid(PSETID_ADDRESS, 0x8046);
    pub(in crate::mail) const WORK_ADDRESS_STATE: Key = Key::Lid(PSETID_ADDRESS, 0x8047);
    pub(in crate::mail) const WORK_ADDRESS_POSTAL_CODE: Key = Key::Lid(PSETID_ADDRESS, 0x8048);
    pub(in crate::mail) const WORK_ADDRESS_COUNTRY: Key = Key::Lid(PSETID_ADDRESS, 0x8049);
    pub(in crate::mail) const WORK_ADDRESS_POST_OFFICE_BOX: Key = Key::Lid(PSETID_ADDRESS, 0x804A);
    pub(in crate::mail) const DISTRIBUTION_LIST_NAME: Key = Key::Lid(PSETID_ADDRESS, 0x8053);
    pub(in crate::mail) const DISTRIBUTION_LIST_ONE_OFF_MEMBERS: Key =
        Key::Lid(PSETID_ADDRESS, 0x8054);
    pub(in crate::mail) const DISTRIBUTION_LIST_MEMBERS: Key = Key::Lid(PSETID_ADDRESS, 0x8055);
    pub(in crate::mail) const INSTANT_MESSAGING_ADDRESS: Key = Key::Lid(PSETID_ADDRESS, 0x8062);
    pub(in crate::mail) const DISTRIBUTION_LIST_STREAM: Key = Key::Lid(PSETID_ADDRESS, 0x8064);
    pub(in crate::mail) const EMAIL1_ADDRESS_TYPE: Key = Key::Lid(PSETID_ADDRESS, 0x8082);
    pub(in crate::mail) const EMAIL1_EMAIL_ADDRESS: Key = Key::Lid(PSETID_ADDRESS, 0x8083);
    pub(in crate::mail) const EMAIL1_ORIGINAL_DISPLAY_NAME: Key = Key::Lid(PSETID_ADDRESS, 0x8084);
    pub(in crate::mail) const EMAIL1_ORIGINAL_ENTRY_ID: Key = Key::Lid(PSETID_ADDRESS, 0x8085);
    pub(in crate::mail) const EMAIL2_ADDRESS_TYPE: Key = Key::Lid(PSETID_ADDRESS, 0x8092);
    pub(in crate::mail) const EMAIL2_EMAIL_ADDRESS: Key = Key::Lid(PSETID_ADDRESS, 0x8093);
    pub(in crate::mail) const EMAIL2_ORIGINAL_DISPLAY_NAME: Key = Key::Lid(PSETID_ADDRESS, 0x8094);
    pub(in crate::mail) const EMAIL2_ORIGINAL_ENTRY_ID: Key = Key::Lid(PSETID_ADDRESS, 0x8095);
    pub(in crate::mail) const EMAIL3_ADDRESS_TYPE: Key = Key::Lid(PSETID_ADDRESS, 0x80A2);
    pub(in crate::mail) const EMAIL3_EMAIL_ADDRESS: Key = Key::Lid(PSETID_ADDRESS, 0x80A3);
    pub(in crate::mail) const EMAIL3_ORIGINAL_DISPLAY_NAME: Key = Key::Lid(PSETID_ADDRESS, 0x80A4);
    pub(in crate::mail) const EMAIL3_ORIGINAL_ENTRY_ID: Key = Key::Lid(PSETID_ADDRESS, 0x80A5);
    pub(in crate::mail) const FREE_BUSY_LOCATION: Key = Key::Lid(PSETID_ADDRESS, 0x80D8);
    pub(in crate::mail) const BIRTHDAY_LOCAL: Key = Key::Lid(PSETID_ADDRESS, 0x80DE);
    pub(in crate::mail) const WEDDING_ANNIVERSARY_LOCAL: Key = Key::Lid(PSETID_ADDRESS, 0x80DF);
}

/// The name of a named property within its set.
pub fn name_in_set(name: &PropertyName) -> String {
    match &name.kind {
        NameKind::Name(text) => text.clone(),
        NameKind::Lid(lid) => crate::mapi::named_property_name(name.set, *lid)
            .map_or_else(|| format!("0x{lid:08X}"), str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use crate::mapi::{Guid, named_property_name, sets};

    fn set(name: &str) -> Guid {
        match name {
            "PSETID_APPOINTMENT" => sets::PSETID_APPOINTMENT,
            "PSETID_MEETING" => sets::PSETID_MEETING,
            "PSETID_COMMON" => sets::PSETID_COMMON,
            "PSETID_TASK" => sets::PSETID_TASK,
            "PSETID_LOG" => sets::PSETID_LOG,
            "PSETID_ADDRESS" => sets::PSETID_ADDRESS,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn keys_have_the_names_of_their_properties() {
        let source = include_str!("named.rs").split("cfg(test)").next().unwrap();
        let source = source.replace('\n', " ");
        let mut count = 0;
        for constant in source.split("pub(in crate::mail) const ").skip(1) {
            let Some((name, key)) = constant.split_once(": Key") else { continue };
            let Some((_, key)) = key.split_once("Key::Lid(") else { continue };
            let (set_name, lid) = key.split_once(", 0x").unwrap();
            let lid = u32::from_str_radix(lid.split_once(')').unwrap().0, 16).unwrap();
            let known = named_property_name(set(set_name), lid).unwrap().to_uppercase();
            assert_eq!(known.strip_prefix("PIDLID"), Some(name.replace('_', "").as_str()));
            count += 1;
        }
        assert!(count > 70, "{count}");
    }
}
