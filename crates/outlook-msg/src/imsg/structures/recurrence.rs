//! The recurrence of an appointment or a task (\[MS-OXOCAL\] 2.2.1.44).
//!
//! Dates are minutes since 1601-01-01 in local time. Knows no time zone.

use crate::mapi::CodePage;
use crate::mapi::utf16::decode_utf16;

use super::fields::FieldReader;

/// How often it recurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrenceFrequency {
    /// 0x200A.
    Daily,
    /// 0x200B.
    Weekly,
    /// 0x200C.
    Monthly,
    /// 0x200D.
    Yearly,
}

/// Days of the week: bit 0 Sunday to bit 6 Saturday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayMask(pub u32);

/// On which days it recurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// 0: every `period` minutes. The minutes are whole days.
    Day,
    /// 1: on these days of the week.
    Week(DayMask),
    /// 2, in the Hijri calendar 0xA: on this day of the month, or on the last day of a shorter
    /// month.
    Month {
        /// 1 to 31.
        day: u32,
    },
    /// 4, in the Hijri calendar 0xC: on the last day of the month.
    MonthEnd,
    /// 3, in the Hijri calendar 0xB: on the n-th of these days in the month.
    MonthNth {
        /// The days that count.
        days: DayMask,
        /// 1 to 4; 5 for the last one.
        n: u32,
    },
}

/// When it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecurrenceEnd {
    /// 0x2021: on the end date.
    Date,
    /// 0x2022: after so many occurrences.
    Count(u32),
    /// 0x2023, 0xFFFFFFFF and any other: never.
    Never,
}

/// RecurrencePattern (\[MS-OXOCAL\] 2.2.1.44.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecurrencePattern {
    /// How often it recurs.
    pub frequency: RecurrenceFrequency,
    /// On which days.
    pub pattern: Pattern,
    /// 0 and 1 are the Gregorian calendar.
    pub calendar_type: u16,
    /// Whether the pattern is one of the Hijri calendar (0xA to 0xC).
    pub is_hijri: bool,
    /// The start of the first period, in minutes since 1601.
    pub first_date_time_minutes: u32,
    /// Minutes, weeks or months between two occurrences.
    pub period: u32,
    /// Whether the next task is created only after this one is completed, `period` later.
    pub is_regenerating: bool,
    /// When it ends.
    pub end: RecurrenceEnd,
    /// The first day of the week, 0 Sunday to 6 Saturday.
    pub first_day_of_week: u32,
    /// The dates of occurrences that were deleted or changed, in minutes since 1601.
    pub deleted_dates: Vec<u32>,
    /// The date of the first occurrence, in minutes since 1601.
    pub start_date_minutes: u32,
    /// The date of the last occurrence, in minutes since 1601.
    pub end_date_minutes: u32,
}

/// AppointmentRecurrencePattern (\[MS-OXOCAL\] 2.2.1.44.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppointmentRecurrence {
    /// When it recurs.
    pub pattern: RecurrencePattern,
    /// The start of an occurrence, in minutes from midnight.
    pub start_offset_minutes: u32,
    /// The end of an occurrence, in minutes from midnight of the day on which it starts.
    pub end_offset_minutes: u32,
    /// The occurrences that were changed.
    pub exceptions: Vec<Exception>,
    /// Whether all of it could be read.
    pub is_whole: bool,
}

/// A changed occurrence: ExceptionInfo and ExtendedException (\[MS-OXOCAL\] 2.2.1.44.2,
/// 2.2.1.44.4). If a value is `None`, that of the series applies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exception {
    /// Its start, in minutes since 1601.
    pub start_minutes: u32,
    /// Its end, in minutes since 1601.
    pub end_minutes: u32,
    /// The start of the occurrence that it replaces, in minutes since 1601.
    pub original_start_minutes: u32,
    /// Its subject.
    pub subject: Option<String>,
    /// The time from the reminder to the start, in minutes.
    pub reminder_delta_minutes: Option<u32>,
    /// Whether there is a reminder.
    pub reminder_set: Option<bool>,
    /// Its place.
    pub location: Option<String>,
    /// 0 free, 1 tentative, 2 busy, 3 out of office, 4 working elsewhere.
    pub busy_status: Option<u32>,
    /// Whether it takes whole days.
    pub all_day: Option<bool>,
    /// `OverrideFlags`.
    flags: u16,
}

/// `OverrideFlags` (\[MS-OXOCAL\] 2.2.1.44.2).
mod override_flags {
    pub(super) const SUBJECT: u16 = 0x0001;
    pub(super) const MEETING_TYPE: u16 = 0x0002;
    pub(super) const REMINDER_DELTA: u16 = 0x0004;
    pub(super) const REMINDER: u16 = 0x0008;
    pub(super) const LOCATION: u16 = 0x0010;
    pub(super) const BUSY_STATUS: u16 = 0x0020;
    pub(super) const ATTACHMENT: u16 = 0x0040;
    pub(super) const SUB_TYPE: u16 = 0x0080;
    pub(super) const COLOR: u16 = 0x0100;
}

/// From this `WriterVersion2` on, an ExtendedException begins with a ChangeHighlight.
const HAS_CHANGE_HIGHLIGHT: u32 = 0x3009;

impl RecurrencePattern {
    /// Decodes the RecurrencePattern of a task.
    ///
    /// | bytes | field |
    /// |---|---|
    /// | 2, 2 | reader version, writer version |
    /// | 2, 2, 2 | frequency, pattern type, calendar type |
    /// | 4, 4, 4 | first date and time, period, sliding flag |
    /// | 0, 4 or 8 | depends on the pattern type |
    /// | 4, 4, 4 | end type, occurrence count, first day of week |
    /// | 4, 4 each | deleted dates |
    /// | 4, 4 each | modified dates |
    /// | 4, 4 | start date, end date |
    ///
    /// `None` if it is cut short, or has an unknown frequency or pattern.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Self::read(&mut FieldReader::new(bytes))
    }

    fn read(fields: &mut FieldReader<'_>) -> Option<Self> {
        let _versions = fields.u32()?;
        let frequency = match fields.u16()? {
            0x200A => RecurrenceFrequency::Daily,
            0x200B => RecurrenceFrequency::Weekly,
            0x200C => RecurrenceFrequency::Monthly,
            0x200D => RecurrenceFrequency::Yearly,
            _ => return None,
        };
        let (pattern_type, calendar_type) = (fields.u16()?, fields.u16()?);
        let (first_date_time_minutes, period) = (fields.u32()?, fields.u32()?);
        let is_regenerating = fields.u32()? != 0;
        let pattern = read_pattern(pattern_type, fields)?;
        let (end_type, count) = (fields.u32()?, fields.u32()?);
        let end = match end_type {
            0x2021 => RecurrenceEnd::Date,
            0x2022 => RecurrenceEnd::Count(count),
            _ => RecurrenceEnd::Never,
        };
        let first_day_of_week = fields.u32()?;
        let deleted_dates = fields.numbers()?;
        // The exceptions of an appointment have these dates too.
        let _modified_dates = fields.numbers()?;
        Some(Self {
            frequency,
            pattern,
            calendar_type,
            is_hijri: pattern_type >= 0xA,
            first_date_time_minutes,
            period,
            is_regenerating,
            end,
            first_day_of_week,
            deleted_dates,
            start_date_minutes: fields.u32()?,
            end_date_minutes: fields.u32()?,
        })
    }
}

impl AppointmentRecurrence {
    /// Decodes an AppointmentRecurrencePattern; the strings of an ExceptionInfo are in
    /// `code_page`.
    ///
    /// | bytes | field |
    /// |---|---|
    /// | | RecurrencePattern |
    /// | 4, 4 | reader version 2, writer version 2 |
    /// | 4, 4 | start offset, end offset |
    /// | 2 | exception count |
    /// | | ExceptionInfo each |
    /// | 4, n | reserved |
    /// | | ExtendedException each |
    /// | 4, n | reserved |
    ///
    /// `None` if the RecurrencePattern cannot be read. The rest is read as far as possible;
    /// `is_whole` tells whether all of it was.
    pub fn decode(bytes: &[u8], code_page: CodePage) -> Option<Self> {
        let mut fields = FieldReader::new(bytes);
        let pattern = RecurrencePattern::read(&mut fields)?;
        let mut recurrence = Self {
            pattern,
            start_offset_minutes: 0,
            end_offset_minutes: 0,
            exceptions: Vec::new(),
            is_whole: false,
        };
        recurrence.is_whole = recurrence.read_tail(&mut fields, code_page).is_some();
        Some(recurrence)
    }

    fn read_tail(&mut self, fields: &mut FieldReader<'_>, code_page: CodePage) -> Option<()> {
        let _reader_version = fields.u32()?;
        let writer_version = fields.u32()?;
        (self.start_offset_minutes, self.end_offset_minutes) = (fields.u32()?, fields.u32()?);
        for _ in 0..fields.u16()? {
            self.exceptions.push(read_exception(fields, code_page)?);
        }
        let _reserved = fields.sized()?;
        for exception in &mut self.exceptions {
            read_extended(fields, writer_version, exception)?;
        }
        let _reserved = fields.sized()?;
        Some(())
    }
}

fn read_pattern(pattern_type: u16, fields: &mut FieldReader<'_>) -> Option<Pattern> {
    Some(match pattern_type {
        0 => Pattern::Day,
        1 => Pattern::Week(DayMask(fields.u32()?)),
        2 | 0xA => Pattern::Month { day: fields.u32()? },
        4 | 0xC => {
            let _day = fields.u32()?;
            Pattern::MonthEnd
        }
        3 | 0xB => Pattern::MonthNth { days: DayMask(fields.u32()?), n: fields.u32()? },
        _ => return None,
    })
}

fn read_exception(fields: &mut FieldReader<'_>, code_page: CodePage) -> Option<Exception> {
    let (start_minutes, end_minutes) = (fields.u32()?, fields.u32()?);
    let original_start_minutes = fields.u32()?;
    let flags = fields.u16()?;
    let has = |flag: u16| flags & flag != 0;
    let number = |fields: &mut FieldReader<'_>, flag| {
        if has(flag) { fields.u32().map(Some) } else { Some(None) }
    };
    let ansi = |fields: &mut FieldReader<'_>, flag| {
        if !has(flag) {
            return Some(None);
        }
        let _len_and_one = fields.u16()?;
        let len = usize::from(fields.u16()?);
        Some(Some(code_page.decode(fields.bytes(len)?).into_owned()))
    };
    let subject = ansi(fields, override_flags::SUBJECT)?;
    let _meeting_type = number(fields, override_flags::MEETING_TYPE)?;
    let reminder_delta_minutes = number(fields, override_flags::REMINDER_DELTA)?;
    let reminder_set = number(fields, override_flags::REMINDER)?;
    let location = ansi(fields, override_flags::LOCATION)?;
    let busy_status = number(fields, override_flags::BUSY_STATUS)?;
    let _attachment = number(fields, override_flags::ATTACHMENT)?;
    let all_day = number(fields, override_flags::SUB_TYPE)?;
    let _color = number(fields, override_flags::COLOR)?;
    Some(Exception {
        start_minutes,
        end_minutes,
        original_start_minutes,
        subject,
        reminder_delta_minutes,
        reminder_set: reminder_set.map(|set| set != 0),
        location,
        busy_status,
        all_day: all_day.map(|all_day| all_day != 0),
        flags,
    })
}

/// Replaces the 8-bit strings of an exception by its Unicode strings.
fn read_extended(
    fields: &mut FieldReader<'_>,
    writer_version: u32,
    exception: &mut Exception,
) -> Option<()> {
    if writer_version >= HAS_CHANGE_HIGHLIGHT {
        let _change_highlight = fields.sized()?;
    }
    let _reserved = fields.sized()?;
    let has = |flag: u16| exception.flags & flag != 0;
    let (has_subject, has_location) = (has(override_flags::SUBJECT), has(override_flags::LOCATION));
    if !has_subject && !has_location {
        return Some(());
    }
    let _start_end_original = fields.array::<12>()?;
    if has_subject {
        exception.subject = Some(read_unicode(fields)?);
    }
    if has_location {
        exception.location = Some(read_unicode(fields)?);
    }
    let _reserved = fields.sized()?;
    Some(())
}

fn read_unicode(fields: &mut FieldReader<'_>) -> Option<String> {
    let characters = usize::from(fields.u16()?);
    Some(decode_utf16(fields.bytes(characters * 2)?))
}

#[cfg(test)]
mod tests {
    use super::{
        AppointmentRecurrence, DayMask, Exception, Pattern, RecurrenceEnd, RecurrenceFrequency,
        RecurrencePattern,
    };
    use crate::mapi::CodePage;

    const MONDAY_2024_01_01: u32 = 222_475_680;

    /// A weekly pattern of ten occurrences with one deleted date.
    fn weekly(pattern_type: u16, specific: &[u32]) -> Vec<u8> {
        let mut bytes = [0x3004, 0x3004, 0x200B, pattern_type, 0].map(u16::to_le_bytes).concat();
        let mut put = |numbers: &[u32]| bytes.extend(numbers.iter().flat_map(|n| n.to_le_bytes()));
        put(&[0, 1, 0]);
        put(specific);
        put(&[0x2022, 10, 1]);
        put(&[1, MONDAY_2024_01_01, 0]);
        put(&[MONDAY_2024_01_01, MONDAY_2024_01_01 + 70 * 1440]);
        bytes
    }

    /// The tail of an appointment with one exception of all fields.
    fn tail(writer_version: u32) -> Vec<u8> {
        let mut bytes = [0x3006, writer_version, 540, 600].map(u32::to_le_bytes).concat();
        bytes.extend([1, 0]);
        bytes.extend([100, 160, 40].map(u32::to_le_bytes).concat());
        bytes.extend(0x01FF_u16.to_le_bytes());
        bytes.extend(b"\x03\0\x02\0S\xFC");
        bytes.extend([1, 30, 1].map(u32::to_le_bytes).concat());
        bytes.extend(b"\x02\0\x01\0L");
        bytes.extend([3, 1, 1, 7].map(u32::to_le_bytes).concat());
        bytes.extend([0; 4]);
        if writer_version >= 0x3009 {
            bytes.extend(b"\x04\0\0\0\0\0\0\0");
        }
        bytes.extend([0; 4]);
        bytes.extend([100, 160, 40].map(u32::to_le_bytes).concat());
        bytes.extend(b"\x02\0S\0\xFC\0\x01\0M\0");
        bytes.extend([0; 8]);
        bytes
    }

    fn check(pattern_type: u16, specific: &[u32], expected: Option<Pattern>) {
        let decoded = RecurrencePattern::decode(&weekly(pattern_type, specific));
        assert_eq!(decoded.map(|one| one.pattern), expected, "{pattern_type:X}");
    }

    #[test]
    fn patterns_have_their_specifics() {
        let days = DayMask(0x3E);
        check(0, &[], Some(Pattern::Day));
        check(1, &[0x3E], Some(Pattern::Week(days)));
        check(2, &[31], Some(Pattern::Month { day: 31 }));
        check(3, &[0x3E, 5], Some(Pattern::MonthNth { days, n: 5 }));
        check(4, &[31], Some(Pattern::MonthEnd));
        check(0xA, &[3], Some(Pattern::Month { day: 3 }));
        check(0xB, &[0x3E, 2], Some(Pattern::MonthNth { days, n: 2 }));
        check(0xC, &[0], Some(Pattern::MonthEnd));
        check(5, &[], None);
    }

    #[test]
    fn a_recurrence_is_read_to_its_last_byte() {
        for writer_version in [0x3008, 0x3009] {
            let bytes = [weekly(1, &[2]), tail(writer_version)].concat();
            let recurrence = AppointmentRecurrence::decode(&bytes, CodePage::WINDOWS_1252).unwrap();
            let pattern = &recurrence.pattern;
            assert_eq!(pattern.frequency, RecurrenceFrequency::Weekly);
            assert_eq!((pattern.end, pattern.first_day_of_week), (RecurrenceEnd::Count(10), 1));
            assert_eq!(pattern.deleted_dates, [MONDAY_2024_01_01]);
            assert_eq!(
                (recurrence.start_offset_minutes, recurrence.end_offset_minutes),
                (540, 600)
            );
            assert!(recurrence.is_whole);
            let expected = Exception {
                start_minutes: 100,
                end_minutes: 160,
                original_start_minutes: 40,
                subject: Some("Sü".to_owned()),
                reminder_delta_minutes: Some(30),
                reminder_set: Some(true),
                location: Some("M".to_owned()),
                busy_status: Some(3),
                all_day: Some(true),
                flags: 0x1FF,
            };
            assert_eq!(recurrence.exceptions, [expected]);
        }
    }

    #[test]
    fn a_recurrence_cut_short_keeps_what_is_there() {
        let (pattern, tail) = (weekly(1, &[2]), tail(0x3009));
        let bytes = [pattern.clone(), tail].concat();
        for len in 0..bytes.len() {
            let decoded = AppointmentRecurrence::decode(&bytes[..len], CodePage::WINDOWS_1252);
            assert_eq!(decoded.is_some(), len >= pattern.len(), "{len}");
            assert!(!decoded.is_some_and(|one| one.is_whole), "{len}");
        }
        let without_extended = &bytes[..bytes.len() - 38];
        let decoded = AppointmentRecurrence::decode(without_extended, CodePage::WINDOWS_1252);
        assert_eq!(decoded.unwrap().exceptions[0].location.as_deref(), Some("L"));
    }

    #[test]
    fn counts_beyond_the_end_are_damage() {
        let mut bytes = weekly(1, &[2]);
        let count = 10 + 12 + 4 + 12;
        bytes[count..count + 4].fill(0xFF);
        assert_eq!(RecurrencePattern::decode(&bytes), None);
    }
}
