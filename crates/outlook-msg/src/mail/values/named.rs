//! Reads values of a message by tag or by name.
//!
//! If a value is damaged, the part that can be read is used. An empty text counts as missing, and
//! so does a time that stands for "no time".

use std::cell::RefCell;

use crate::imsg::{MapiProp as _, Message, NameKind, PropertyName, Salvaged};
use crate::mapi::sets::{
    PS_PUBLIC_STRINGS, PSETID_ADDRESS, PSETID_APPOINTMENT, PSETID_COMMON, PSETID_LOG,
    PSETID_MEETING, PSETID_POST_RSS, PSETID_TASK,
};
use crate::mapi::{FileTime, Guid, PropertyTag, PropertyType, Value};
use crate::storage::Defect;

/// Names a property of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mail) enum NamedKey {
    /// By its tag; the type does not matter.
    Tag(PropertyTag),
    /// By its number in a property set.
    Lid(Guid, u32),
    /// By its name in a property set.
    Name(Guid, &'static str),
}

impl From<PropertyTag> for NamedKey {
    fn from(tag: PropertyTag) -> Self {
        Self::Tag(tag)
    }
}

/// The categories (\[MS-OXCMSG\] 2.2.1.17).
pub(in crate::mail) const PID_NAME_KEYWORDS: NamedKey =
    NamedKey::Name(PS_PUBLIC_STRINGS, "Keywords");

/// What is missing of the values that were read to make a file of them.
#[derive(Debug, Default)]
pub(in crate::mail) struct Missing(RefCell<Vec<Defect>>);

impl Missing {
    pub(in crate::mail) fn add(&self, defects: impl IntoIterator<Item = Defect>) {
        let mut known = self.0.borrow_mut();
        for defect in defects {
            if !known.contains(&defect) {
                known.push(defect);
            }
        }
    }

    pub(in crate::mail) fn into_defects(self) -> Vec<Defect> {
        self.0.into_inner()
    }
}

/// The values of one message.
#[derive(Clone, Copy, Debug)]
pub(in crate::mail) struct Values<'a> {
    message: &'a Message,
    missing: Option<&'a Missing>,
}

impl<'a> Values<'a> {
    pub(in crate::mail) fn new(message: &'a Message) -> Self {
        Self { message, missing: None }
    }

    /// The values of a message; what is missing of each that is read is added to `missing`.
    pub(in crate::mail) fn watched(message: &'a Message, missing: &'a Missing) -> Self {
        Self { message, missing: Some(missing) }
    }

    /// The values of a message that is embedded in this one, watched as these are.
    pub(in crate::mail) fn embedded<'b>(self, message: &'b Message) -> Values<'b>
    where
        'a: 'b,
    {
        Values { message, missing: self.missing }
    }

    /// Adds what is missing of something that is read by other means, if these values are watched.
    pub(in crate::mail) fn add_missing<D>(self, find: impl FnOnce() -> D)
    where
        D: IntoIterator<Item = Defect>,
    {
        if let Some(missing) = self.missing {
            missing.add(find());
        }
    }

    pub(in crate::mail) fn message(self) -> &'a Message {
        self.message
    }

    /// The value of a property, if it has this type.
    pub(in crate::mail) fn value(
        self,
        key: impl Into<NamedKey>,
        property_type: PropertyType,
    ) -> Option<Value> {
        let tag = self.tag(key, property_type)?;
        let Salvaged { value, defect } = self.message.salvage(tag).ok()?;
        self.add_missing(|| match value {
            Some(_) => self.message.missing_part(tag).ok().flatten(),
            None => defect,
        });
        value
    }

    /// The tag that the property has in this file.
    pub(in crate::mail) fn tag(
        self,
        key: impl Into<NamedKey>,
        property_type: PropertyType,
    ) -> Option<PropertyTag> {
        let id = match key.into() {
            NamedKey::Tag(tag) => tag.id(),
            NamedKey::Lid(set, lid) => self.id(set, NameKind::Lid(lid))?,
            NamedKey::Name(set, name) => self.id(set, NameKind::Name(name.to_owned()))?,
        };
        Some(PropertyTag::new(id, property_type))
    }

    /// A string that is not empty.
    pub(in crate::mail) fn text(self, key: impl Into<NamedKey>) -> Option<String> {
        match self.value(key, PropertyType::STRING)? {
            Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
            _ => None,
        }
    }

    /// The strings of a multi-valued property that are not empty.
    pub(in crate::mail) fn texts(self, key: impl Into<NamedKey>) -> Vec<String> {
        let Some(Value::Multiple(values)) = self.value(key, PropertyType::MULTIPLE_STRING) else {
            return Vec::new();
        };
        let texts = values.into_iter().filter_map(|value| match value {
            Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
            _ => None,
        });
        texts.collect()
    }

    pub(in crate::mail) fn integer(self, key: impl Into<NamedKey>) -> Option<i32> {
        match self.value(key, PropertyType::INTEGER32)? {
            Value::Integer32(number) => Some(number),
            _ => None,
        }
    }

    /// Whether a property exists and is true.
    pub(in crate::mail) fn is_true(self, key: impl Into<NamedKey>) -> bool {
        self.value(key, PropertyType::BOOLEAN) == Some(Value::Boolean(true))
    }

    /// A time, unless it stands for "no time".
    pub(in crate::mail) fn time(self, key: impl Into<NamedKey>) -> Option<FileTime> {
        match self.value(key, PropertyType::TIME)? {
            Value::Time(time) => Some(time).filter(|time| time.is_set()),
            _ => None,
        }
    }

    pub(in crate::mail) fn binary(self, key: impl Into<NamedKey>) -> Option<Vec<u8>> {
        match self.value(key, PropertyType::BINARY)? {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A binary value of the message that contains this one.
    pub(in crate::mail) fn outer_binary(self, key: impl Into<NamedKey>) -> Option<Vec<u8>> {
        match self.message.outer_value(self.tag(key, PropertyType::BINARY)?).ok()?? {
            Value::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The values of a `PT_MV_BINARY` property.
    pub(in crate::mail) fn binaries(self, key: impl Into<NamedKey>) -> Vec<Vec<u8>> {
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
        let names = self.message.names().ok()?;
        let id = names.id(&PropertyName { set, kind });
        if id.is_none() {
            // The name may be one of those that cannot be read.
            self.add_missing(|| names.defects().to_vec());
        }
        id
    }
}

/// The named properties that this crate reads. The constants have their names in \[MS-OXPROPS\]
/// without `PidLid`.
pub(in crate::mail) mod lid {
    use super::{
        NamedKey, PSETID_ADDRESS, PSETID_APPOINTMENT, PSETID_COMMON, PSETID_LOG, PSETID_MEETING,
        PSETID_POST_RSS, PSETID_TASK,
    };

    pub(in crate::mail) const APPOINTMENT_SEQUENCE: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8201);
    pub(in crate::mail) const BUSY_STATUS: NamedKey = NamedKey::Lid(PSETID_APPOINTMENT, 0x8205);
    pub(in crate::mail) const LOCATION: NamedKey = NamedKey::Lid(PSETID_APPOINTMENT, 0x8208);
    pub(in crate::mail) const APPOINTMENT_START_WHOLE: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x820D);
    pub(in crate::mail) const APPOINTMENT_END_WHOLE: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x820E);
    pub(in crate::mail) const APPOINTMENT_DURATION: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8213);
    pub(in crate::mail) const APPOINTMENT_SUB_TYPE: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8215);
    pub(in crate::mail) const APPOINTMENT_RECUR: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8216);
    pub(in crate::mail) const APPOINTMENT_STATE_FLAGS: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8217);
    pub(in crate::mail) const RECURRING: NamedKey = NamedKey::Lid(PSETID_APPOINTMENT, 0x8223);
    pub(in crate::mail) const INTENDED_BUSY_STATUS: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8224);
    pub(in crate::mail) const EXCEPTION_REPLACE_TIME: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8228);
    pub(in crate::mail) const RECURRENCE_PATTERN: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8232);
    pub(in crate::mail) const TIME_ZONE_STRUCT: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8233);
    pub(in crate::mail) const TIME_ZONE_DESCRIPTION: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8234);
    pub(in crate::mail) const APPOINTMENT_PROPOSED_START_WHOLE: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8250);
    pub(in crate::mail) const APPOINTMENT_PROPOSED_END_WHOLE: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8251);
    pub(in crate::mail) const APPOINTMENT_COUNTER_PROPOSAL: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8257);
    pub(in crate::mail) const APPOINTMENT_NOT_ALLOW_PROPOSE: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x825A);
    pub(in crate::mail) const APPOINTMENT_TIME_ZONE_DEFINITION_START_DISPLAY: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x825E);
    pub(in crate::mail) const APPOINTMENT_TIME_ZONE_DEFINITION_END_DISPLAY: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x825F);
    pub(in crate::mail) const APPOINTMENT_TIME_ZONE_DEFINITION_RECUR: NamedKey =
        NamedKey::Lid(PSETID_APPOINTMENT, 0x8260);
    pub(in crate::mail) const ATTENDEE_CRITICAL_CHANGE: NamedKey =
        NamedKey::Lid(PSETID_MEETING, 0x0001);
    pub(in crate::mail) const WHERE: NamedKey = NamedKey::Lid(PSETID_MEETING, 0x0002);
    pub(in crate::mail) const GLOBAL_OBJECT_ID: NamedKey = NamedKey::Lid(PSETID_MEETING, 0x0003);
    pub(in crate::mail) const IS_RECURRING: NamedKey = NamedKey::Lid(PSETID_MEETING, 0x0005);
    pub(in crate::mail) const IS_EXCEPTION: NamedKey = NamedKey::Lid(PSETID_MEETING, 0x000A);
    pub(in crate::mail) const START_RECURRENCE_TIME: NamedKey =
        NamedKey::Lid(PSETID_MEETING, 0x000E);
    pub(in crate::mail) const OWNER_CRITICAL_CHANGE: NamedKey =
        NamedKey::Lid(PSETID_MEETING, 0x001A);
    pub(in crate::mail) const CLEAN_GLOBAL_OBJECT_ID: NamedKey =
        NamedKey::Lid(PSETID_MEETING, 0x0023);
    pub(in crate::mail) const REMINDER_DELTA: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8501);
    pub(in crate::mail) const REMINDER_TIME: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8502);
    pub(in crate::mail) const REMINDER_SET: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8503);
    pub(in crate::mail) const PRIVATE: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8506);
    pub(in crate::mail) const COMMON_START: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8516);
    pub(in crate::mail) const COMMON_END: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8517);
    pub(in crate::mail) const TASK_GLOBAL_ID: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8519);
    pub(in crate::mail) const VERB_STREAM: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8520);
    pub(in crate::mail) const VERB_RESPONSE: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8524);
    pub(in crate::mail) const FLAG_REQUEST: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8530);
    pub(in crate::mail) const REMINDER_SIGNAL_TIME: NamedKey = NamedKey::Lid(PSETID_COMMON, 0x8560);
    pub(in crate::mail) const TASK_STATUS: NamedKey = NamedKey::Lid(PSETID_TASK, 0x8101);
    pub(in crate::mail) const PERCENT_COMPLETE: NamedKey = NamedKey::Lid(PSETID_TASK, 0x8102);
    pub(in crate::mail) const TASK_START_DATE: NamedKey = NamedKey::Lid(PSETID_TASK, 0x8104);
    pub(in crate::mail) const TASK_DUE_DATE: NamedKey = NamedKey::Lid(PSETID_TASK, 0x8105);
    pub(in crate::mail) const TASK_DATE_COMPLETED: NamedKey = NamedKey::Lid(PSETID_TASK, 0x810F);
    pub(in crate::mail) const TASK_ACTUAL_EFFORT: NamedKey = NamedKey::Lid(PSETID_TASK, 0x8110);
    pub(in crate::mail) const TASK_ESTIMATED_EFFORT: NamedKey = NamedKey::Lid(PSETID_TASK, 0x8111);
    pub(in crate::mail) const TASK_RECURRENCE: NamedKey = NamedKey::Lid(PSETID_TASK, 0x8116);
    pub(in crate::mail) const TASK_COMPLETE: NamedKey = NamedKey::Lid(PSETID_TASK, 0x811C);
    pub(in crate::mail) const TASK_OWNER: NamedKey = NamedKey::Lid(PSETID_TASK, 0x811F);
    pub(in crate::mail) const TASK_ASSIGNER: NamedKey = NamedKey::Lid(PSETID_TASK, 0x8121);
    pub(in crate::mail) const LOG_TYPE: NamedKey = NamedKey::Lid(PSETID_LOG, 0x8700);
    pub(in crate::mail) const LOG_START: NamedKey = NamedKey::Lid(PSETID_LOG, 0x8706);
    pub(in crate::mail) const LOG_DURATION: NamedKey = NamedKey::Lid(PSETID_LOG, 0x8707);
    pub(in crate::mail) const LOG_END: NamedKey = NamedKey::Lid(PSETID_LOG, 0x8708);
    pub(in crate::mail) const LOG_TYPE_DESC: NamedKey = NamedKey::Lid(PSETID_LOG, 0x8712);
    pub(in crate::mail) const POST_RSS_CHANNEL_LINK: NamedKey =
        NamedKey::Lid(PSETID_POST_RSS, 0x8900);
    pub(in crate::mail) const POST_RSS_ITEM_LINK: NamedKey = NamedKey::Lid(PSETID_POST_RSS, 0x8901);
    pub(in crate::mail) const POST_RSS_CHANNEL: NamedKey = NamedKey::Lid(PSETID_POST_RSS, 0x8904);
    pub(in crate::mail) const FILE_UNDER: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x8005);
    pub(in crate::mail) const HOME_ADDRESS: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x801A);
    pub(in crate::mail) const WORK_ADDRESS: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x801B);
    pub(in crate::mail) const OTHER_ADDRESS: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x801C);
    pub(in crate::mail) const POSTAL_ADDRESS_ID: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x8022);
    pub(in crate::mail) const HTML: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x802B);
    pub(in crate::mail) const WORK_ADDRESS_STREET: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x8045);
    pub(in crate::mail) const WORK_ADDRESS_CITY: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x8046);
    pub(in crate::mail) const WORK_ADDRESS_STATE: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x8047);
    pub(in crate::mail) const WORK_ADDRESS_POSTAL_CODE: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8048);
    pub(in crate::mail) const WORK_ADDRESS_COUNTRY: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8049);
    pub(in crate::mail) const WORK_ADDRESS_POST_OFFICE_BOX: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x804A);
    pub(in crate::mail) const DISTRIBUTION_LIST_NAME: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8053);
    pub(in crate::mail) const DISTRIBUTION_LIST_ONE_OFF_MEMBERS: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8054);
    pub(in crate::mail) const DISTRIBUTION_LIST_MEMBERS: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8055);
    pub(in crate::mail) const INSTANT_MESSAGING_ADDRESS: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8062);
    pub(in crate::mail) const DISTRIBUTION_LIST_STREAM: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8064);
    pub(in crate::mail) const EMAIL1_ADDRESS_TYPE: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x8082);
    pub(in crate::mail) const EMAIL1_EMAIL_ADDRESS: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8083);
    pub(in crate::mail) const EMAIL1_ORIGINAL_DISPLAY_NAME: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8084);
    pub(in crate::mail) const EMAIL1_ORIGINAL_ENTRY_ID: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8085);
    pub(in crate::mail) const EMAIL2_ADDRESS_TYPE: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x8092);
    pub(in crate::mail) const EMAIL2_EMAIL_ADDRESS: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8093);
    pub(in crate::mail) const EMAIL2_ORIGINAL_DISPLAY_NAME: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8094);
    pub(in crate::mail) const EMAIL2_ORIGINAL_ENTRY_ID: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x8095);
    pub(in crate::mail) const EMAIL3_ADDRESS_TYPE: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x80A2);
    pub(in crate::mail) const EMAIL3_EMAIL_ADDRESS: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x80A3);
    pub(in crate::mail) const EMAIL3_ORIGINAL_DISPLAY_NAME: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x80A4);
    pub(in crate::mail) const EMAIL3_ORIGINAL_ENTRY_ID: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x80A5);
    pub(in crate::mail) const FREE_BUSY_LOCATION: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x80D8);
    pub(in crate::mail) const BIRTHDAY_LOCAL: NamedKey = NamedKey::Lid(PSETID_ADDRESS, 0x80DE);
    pub(in crate::mail) const WEDDING_ANNIVERSARY_LOCAL: NamedKey =
        NamedKey::Lid(PSETID_ADDRESS, 0x80DF);
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
            "PSETID_POST_RSS" => sets::PSETID_POST_RSS,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn keys_have_the_names_of_their_properties() {
        let source = include_str!("named.rs").split("cfg(test)").next().unwrap();
        let (_, source) = source.split_once(" mod lid {").unwrap();
        let source = source.replace('\n', " ");
        let mut count = 0;
        for constant in source.split("pub(in crate::mail) const ").skip(1) {
            let Some((name, key)) = constant.split_once(": NamedKey") else { continue };
            let Some((_, key)) = key.split_once("NamedKey::Lid(") else { continue };
            let (set_name, lid) = key.split_once(", 0x").unwrap();
            let lid = u32::from_str_radix(lid.split_once(')').unwrap().0, 16).unwrap();
            let known = named_property_name(set(set_name), lid).unwrap().to_uppercase();
            assert_eq!(known.strip_prefix("PIDLID"), Some(name.replace('_', "").as_str()));
            count += 1;
        }
        assert!(count > 70, "{count}");
    }
}
