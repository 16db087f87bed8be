//! The binary structures of calendar items, as Outlook writes them, and their properties.

use msgfs::imsg::NameKind;
use msgfs::mapi::sets::PSETID_APPOINTMENT;
use msgfs::mapi::{Guid, PropertyType, Value};

use crate::fixture::MessageBuilder;

/// Minutes from 1601-01-01 to 1970-01-01.
const EPOCH_MINUTES: i64 = 194_074_560;

/// A time as minutes since 1601, given as RFC 3339 with `Z` for local time.
pub(crate) fn minutes(time: &str) -> u32 {
    let time: jiff::Timestamp = time.parse().unwrap();
    u32::try_from(time.as_second() / 60 + EPOCH_MINUTES).unwrap()
}

/// A recurrence from 2024-03-04, a Monday, at 9:00 to 10:00 local time.
#[derive(Clone, Debug)]
pub(crate) struct Recurrence {
    pub(crate) frequency: u16,
    pub(crate) pattern_type: u16,
    pub(crate) specific: Vec<u32>,
    pub(crate) period: u32,
    /// End type and count.
    pub(crate) end: (u32, u32),
    pub(crate) end_date: &'static str,
    pub(crate) deleted: Vec<&'static str>,
    pub(crate) exceptions: Vec<Exception>,
}

/// A changed occurrence: original start, new start, new end and subject.
#[derive(Clone, Debug)]
pub(crate) struct Exception {
    pub(crate) original: &'static str,
    pub(crate) start: &'static str,
    pub(crate) end: &'static str,
    pub(crate) subject: Option<&'static str>,
}

impl Recurrence {
    pub(crate) fn new(frequency: u16, pattern_type: u16, specific: &[u32], period: u32) -> Self {
        Self {
            frequency,
            pattern_type,
            specific: specific.to_vec(),
            period,
            end: (0x2022, 4),
            end_date: "2024-12-31T00:00:00Z",
            deleted: Vec::new(),
            exceptions: Vec::new(),
        }
    }

    /// The RecurrencePattern, which a task has.
    pub(crate) fn pattern(&self) -> Vec<u8> {
        let mut bytes =
            [0x3004, 0x3004, self.frequency, self.pattern_type, 0].map(u16::to_le_bytes).concat();
        let mut put = |numbers: &[u32]| bytes.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        put(&[0, self.period, 0]);
        put(&self.specific);
        put(&[self.end.0, self.end.1, 1]);
        let deleted: Vec<_> = self.deleted.iter().map(|date| minutes(date)).collect();
        put(&[u32::try_from(deleted.len()).unwrap()]);
        put(&deleted);
        let modified: Vec<_> = self.exceptions.iter().map(|one| minutes(one.start)).collect();
        put(&[u32::try_from(modified.len()).unwrap()]);
        put(&modified);
        put(&[minutes("2024-03-04T00:00:00Z"), minutes(self.end_date)]);
        bytes
    }

    /// The AppointmentRecurrencePattern.
    pub(crate) fn appointment(&self) -> Vec<u8> {
        let mut bytes = self.pattern();
        bytes.extend([0x3006, 0x3009, 540, 600].map(u32::to_le_bytes).concat());
        bytes.extend(u16::try_from(self.exceptions.len()).unwrap().to_le_bytes());
        for one in &self.exceptions {
            let times = [one.start, one.end, one.original].map(minutes).map(u32::to_le_bytes);
            bytes.extend(times.concat());
            bytes.extend(u16::from(one.subject.is_some()).to_le_bytes());
            if let Some(subject) = one.subject {
                let len = u16::try_from(subject.len()).unwrap();
                bytes.extend([(len + 1).to_le_bytes(), len.to_le_bytes()].concat());
                bytes.extend(vec![b'?'; subject.len()]);
            }
        }
        bytes.extend([0; 4]);
        for one in &self.exceptions {
            bytes.extend([4, 0, 0].map(u32::to_le_bytes).concat());
            if let Some(subject) = one.subject {
                let times = [one.start, one.end, one.original].map(minutes).map(u32::to_le_bytes);
                bytes.extend(times.concat());
                let units: Vec<_> = subject.encode_utf16().collect();
                bytes.extend(u16::try_from(units.len()).unwrap().to_le_bytes());
                bytes.extend(units.into_iter().flat_map(u16::to_le_bytes));
                bytes.extend([0; 4]);
            }
        }
        bytes.extend([0; 4]);
        bytes
    }
}

/// A TZDEFINITION with the rule of the European Union: last Sundays of March and October.
pub(crate) fn berlin() -> Vec<u8> {
    let name: Vec<u16> = "W. Europe Standard Time".encode_utf16().collect();
    let mut bytes = vec![2, 1, 0x36, 0, 2, 0];
    bytes.extend(u16::try_from(name.len()).unwrap().to_le_bytes());
    bytes.extend(name.into_iter().flat_map(u16::to_le_bytes));
    bytes.extend([1, 0, 2, 1, 0x3E, 0, 2, 0, 0xD8, 0x07]);
    bytes.extend([0; 14]);
    bytes.extend(zone_rule());
    bytes
}

/// The TZREG of the same zone.
pub(crate) fn berlin_struct() -> Vec<u8> {
    let rule = zone_rule();
    [&rule[..12], &[0, 0], &rule[12..28], &[0, 0], &rule[28..]].concat()
}

fn zone_rule() -> Vec<u8> {
    let biases = [-60, 0, -60].map(i32::to_le_bytes).concat();
    let dates = [0, 10, 0, 5, 3, 0, 0, 0, 0, 3, 0, 5, 2, 0, 0, 0_u16].map(u16::to_le_bytes);
    [biases, dates.concat()].concat()
}

/// A GlobalObjectId of that data, meant for the instance of that date.
pub(crate) fn global_object_id(date: [u8; 4], data: &[u8]) -> Vec<u8> {
    let mut id = vec![4, 0, 0, 0, 0x82, 0, 0xE0, 0, 0x74, 0xC5, 0xB7, 0x10, 0x1A, 0x82, 0xE0, 8];
    id.extend(date);
    id.extend([0; 16]);
    id.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
    id.extend(data);
    id
}

/// Sets named properties by their numbers.
pub(crate) trait SetNamed: Sized {
    fn lid(self, set: Guid, lid: u32, value: Value) -> Self;

    fn lid_time(self, set: Guid, lid: u32, time: &str) -> Self {
        self.lid(set, lid, Value::Time(time.parse().unwrap()))
    }

    fn lid_text(self, set: Guid, lid: u32, text: &str) -> Self {
        self.lid(set, lid, Value::String(text.to_owned()))
    }

    /// Start and end of an appointment.
    fn at(self, start: &str, end: &str) -> Self {
        self.lid_time(PSETID_APPOINTMENT, 0x820D, start).lid_time(PSETID_APPOINTMENT, 0x820E, end)
    }
}

impl SetNamed for MessageBuilder {
    fn lid(self, set: Guid, lid: u32, value: Value) -> Self {
        let property_type = match &value {
            Value::Integer32(_) => PropertyType::INTEGER32,
            Value::Floating64(_) => PropertyType::FLOATING64,
            Value::Boolean(_) => PropertyType::BOOLEAN,
            Value::String(_) => PropertyType::STRING,
            Value::Time(_) => PropertyType::TIME,
            Value::Binary(_) => PropertyType::BINARY,
            Value::Multiple(_) => PropertyType::MULTIPLE_BINARY,
            other => panic!("{other:?}"),
        };
        self.named(set, NameKind::Lid(lid), property_type, value)
    }
}
