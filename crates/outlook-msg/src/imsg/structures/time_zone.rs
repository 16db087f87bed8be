//! The time zones in messages (\[MS-OXOCAL\] 2.2.1.39, 2.2.1.41). Each has its rules, so no table
//! of zones is needed.

use crate::mapi::utf16::decode_utf16;

use super::fields::FieldReader;

/// A date and time of day, or a rule for one: `SYSTEMTIME`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SystemTime {
    /// The year of a date; 0 for a rule that applies every year.
    pub year: u16,
    /// 1 to 12; 0 for no date at all.
    pub month: u16,
    /// 0 Sunday to 6 Saturday; used only by a rule.
    pub day_of_week: u16,
    /// For a date: the day of the month. For a rule: 1 to 4 for the first to fourth `day_of_week`
    /// of the month, 5 for the last one.
    pub day: u16,
    /// 0 to 23.
    pub hour: u16,
    /// 0 to 59.
    pub minute: u16,
    /// 0 to 59.
    pub second: u16,
}

/// The offset of local time from UTC, and when it changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeZoneRule {
    /// 1: the rule for recurring meetings; 2: the rule in effect (`TZRULE_FLAG_EFFECTIVE_TZREG`).
    pub flags: u16,
    /// The first year in which the rule applies.
    pub year: u16,
    /// UTC minus local time, in minutes.
    pub bias_minutes: i32,
    /// Added to the bias in standard time, in minutes.
    pub standard_bias_minutes: i32,
    /// Added to the bias in daylight saving time, in minutes.
    pub daylight_bias_minutes: i32,
    /// When standard time begins, given in daylight saving time.
    pub standard_date: SystemTime,
    /// When daylight saving time begins, given in standard time.
    pub daylight_date: SystemTime,
}

/// A named time zone with its rules (`TZDEFINITION`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeZoneDefinition {
    /// The id that Windows has for the zone: `W. Europe Standard Time`.
    pub key_name: String,
    /// The rules, by year.
    pub rules: Vec<TimeZoneRule>,
}

/// `TZRULE_FLAG_EFFECTIVE_TZREG`.
const EFFECTIVE: u16 = 2;
/// A rule in a TZDEFINITION, in bytes.
const RULE_LEN: usize = 66;

impl TimeZoneDefinition {
    /// Decodes a TZDEFINITION (\[MS-OXOCAL\] 2.2.1.41).
    ///
    /// | offset | bytes | field |
    /// |---|---|---|
    /// | 0 | 2 | version 2.1 |
    /// | 2 | 2 | size of the header |
    /// | 4 | 2 | flags |
    /// | 6 | 2 | characters of the key name |
    /// | 8 | | key name, UTF-16LE |
    /// | | 2 | number of rules |
    /// | | 66 each | rules |
    ///
    /// If the list of rules is cut short, the whole rules are read; `None` if there is none.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = FieldReader::new(bytes);
        let _version_and_header_size = fields.u32()?;
        let _flags = fields.u16()?;
        let characters = usize::from(fields.u16()?);
        let key_name = decode_utf16(fields.bytes(characters * 2)?);
        let count = usize::from(fields.u16()?);
        let (rules, _) = fields.rest().as_chunks::<RULE_LEN>();
        let rules: Vec<_> = rules.iter().take(count).filter_map(decode_rule).collect();
        let key_name = key_name.trim_end_matches('\0').to_owned();
        (!rules.is_empty()).then_some(Self { key_name, rules })
    }

    /// The rule in effect: the one that its flags mark, else the one of the latest year.
    pub fn effective_rule(&self) -> Option<&TimeZoneRule> {
        let marked = self.rules.iter().find(|rule| rule.flags & EFFECTIVE != 0);
        marked.or_else(|| self.rules.iter().max_by_key(|rule| rule.year))
    }
}

/// Decodes a TZREG (\[MS-OXOCAL\] 2.2.1.39 `PidLidTimeZoneStruct`).
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 4 | bias |
/// | 4 | 4 | standard bias |
/// | 8 | 4 | daylight bias |
/// | 12 | 2 | standard year |
/// | 14 | 16 | standard date |
/// | 30 | 2 | daylight year |
/// | 32 | 16 | daylight date |
pub fn decode_time_zone_struct(bytes: &[u8]) -> Option<TimeZoneRule> {
    let mut fields = FieldReader::new(bytes);
    let [bias_minutes, standard_bias_minutes, daylight_bias_minutes] = biases(&mut fields)?;
    let _standard_year = fields.u16()?;
    let standard_date = system_time(&mut fields)?;
    let _daylight_year = fields.u16()?;
    Some(TimeZoneRule {
        flags: 0,
        year: 0,
        bias_minutes,
        standard_bias_minutes,
        daylight_bias_minutes,
        standard_date,
        daylight_date: system_time(&mut fields)?,
    })
}

/// Decodes a TZRule (\[MS-OXOCAL\] 2.2.1.41.1).
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 2 | version 2.1 |
/// | 2 | 2 | size 0x003E |
/// | 4 | 2 | flags |
/// | 6 | 2 | year |
/// | 8 | 14 | zero |
/// | 22 | 12 | bias, standard bias, daylight bias |
/// | 34 | 16 | standard date |
/// | 50 | 16 | daylight date |
fn decode_rule(bytes: &[u8; RULE_LEN]) -> Option<TimeZoneRule> {
    let mut fields = FieldReader::new(bytes);
    let _version_and_size = fields.u32()?;
    let (flags, year) = (fields.u16()?, fields.u16()?);
    let _zero = fields.bytes(14)?;
    let [bias_minutes, standard_bias_minutes, daylight_bias_minutes] = biases(&mut fields)?;
    Some(TimeZoneRule {
        flags,
        year,
        bias_minutes,
        standard_bias_minutes,
        daylight_bias_minutes,
        standard_date: system_time(&mut fields)?,
        daylight_date: system_time(&mut fields)?,
    })
}

fn biases(fields: &mut FieldReader<'_>) -> Option<[i32; 3]> {
    Some([fields.i32()?, fields.i32()?, fields.i32()?])
}

fn system_time(fields: &mut FieldReader<'_>) -> Option<SystemTime> {
    let time = SystemTime {
        year: fields.u16()?,
        month: fields.u16()?,
        day_of_week: fields.u16()?,
        day: fields.u16()?,
        hour: fields.u16()?,
        minute: fields.u16()?,
        second: fields.u16()?,
    };
    let _milliseconds = fields.u16()?;
    Some(time)
}

#[cfg(test)]
mod tests {
    use super::{SystemTime, TimeZoneDefinition, TimeZoneRule, decode_time_zone_struct};

    /// The first Sunday of November at 2:00, and the second of March.
    const STANDARD: SystemTime =
        SystemTime { year: 0, month: 11, day_of_week: 0, day: 1, hour: 2, minute: 0, second: 0 };
    const DAYLIGHT: SystemTime = SystemTime { month: 3, day: 2, ..STANDARD };

    fn system_time(time: SystemTime) -> Vec<u8> {
        let SystemTime { year, month, day_of_week, day, hour, minute, second } = time;
        let fields = [year, month, day_of_week, day, hour, minute, second, 0];
        fields.into_iter().flat_map(u16::to_le_bytes).collect()
    }

    fn rule(flags: u16, year: u16, bias: i32) -> Vec<u8> {
        let mut rule = vec![2, 1, 0x3E, 0];
        rule.extend([flags, year].map(u16::to_le_bytes).concat());
        rule.extend([0; 14]);
        rule.extend([bias, 0, -60].map(i32::to_le_bytes).concat());
        rule.extend([system_time(STANDARD), system_time(DAYLIGHT)].concat());
        rule
    }

    fn definition(rules: &[Vec<u8>]) -> Vec<u8> {
        let name: Vec<u16> = "Eastern Standard Time".encode_utf16().collect();
        let count = |count: usize| u16::try_from(count).unwrap().to_le_bytes();
        let mut bytes = vec![2, 1, 0, 0, 2, 0];
        bytes.extend(count(name.len()));
        bytes.extend(name.into_iter().flat_map(u16::to_le_bytes));
        bytes.extend(count(rules.len()));
        bytes.extend(rules.concat());
        bytes
    }

    #[test]
    fn definitions_have_an_effective_rule() {
        let bytes = definition(&[rule(0, 2000, 360), rule(2, 2007, 300), rule(0, 2010, 0)]);
        let zone = TimeZoneDefinition::decode(&bytes).unwrap();
        assert_eq!((zone.key_name.as_str(), zone.rules.len()), ("Eastern Standard Time", 3));
        let effective = zone.effective_rule().unwrap();
        let expected = TimeZoneRule {
            flags: 2,
            year: 2007,
            bias_minutes: 300,
            standard_bias_minutes: 0,
            daylight_bias_minutes: -60,
            standard_date: STANDARD,
            daylight_date: DAYLIGHT,
        };
        assert_eq!(*effective, expected);
        let unmarked =
            TimeZoneDefinition::decode(&definition(&[rule(0, 2000, 1), rule(0, 2010, 2)]));
        assert_eq!(unmarked.unwrap().effective_rule().unwrap().bias_minutes, 2);
    }

    #[test]
    fn definitions_cut_short_keep_their_whole_rules() {
        let bytes = definition(&[rule(0, 2000, 360), rule(2, 2007, 300)]);
        for len in 0..bytes.len() {
            let rules =
                TimeZoneDefinition::decode(&bytes[..len]).map_or(0, |zone| zone.rules.len());
            let whole = len.saturating_sub(bytes.len() - 132) / 66;
            assert_eq!(rules, whole, "{len}");
        }
    }

    #[test]
    fn a_zone_struct_is_one_rule() {
        let mut bytes = [300, 0, -60].map(i32::to_le_bytes).concat();
        bytes.extend([0, 0]);
        bytes.extend(system_time(STANDARD));
        bytes.extend([0, 0]);
        bytes.extend(system_time(DAYLIGHT));
        let rule = decode_time_zone_struct(&bytes).unwrap();
        assert_eq!(
            (rule.bias_minutes, rule.standard_date, rule.daylight_date),
            (300, STANDARD, DAYLIGHT)
        );
        assert_eq!(decode_time_zone_struct(&bytes[..47]), None);
    }
}
