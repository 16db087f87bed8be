//! Writes values as text, in the form in which a mounted message shows them, and parses that text.
//!
//! Knows no file.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp, Unit};

use super::{FileTime, Guid, Location, PropertyType, Value};

/// The text is no value of the type; says what was expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {0}")]
pub struct ParseError(&'static str);

const UNIX_EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
/// From 1970-01-01 to 1899-12-30, which is day 0 of an OLE DATE.
const FLOATING_TIME_EPOCH: SignedDuration = SignedDuration::from_hours(-25_569 * 24);
const SECONDS_PER_DAY: f64 = 86_400.0;
const NANOS_PER_SECOND: i128 = 1_000_000_000;

impl Value {
    /// The value as text: strings as they are, numbers in decimal, several values one a line.
    ///
    /// The text has no line end after the last value. [`Value::parse`] reads a list back from this
    /// text plus a line end, if the list is not empty and no string in it contains a line end.
    /// `None` for bytes and objects.
    pub fn to_text(&self) -> Option<String> {
        Some(match self {
            Self::Null => String::new(),
            Self::Integer16(number) => number.to_string(),
            Self::Integer32(number) => number.to_string(),
            Self::Integer64(number) => number.to_string(),
            Self::Floating32(number) => number.to_string(),
            Self::Floating64(number) => number.to_string(),
            Self::Currency(ten_thousandths) => currency_text(*ten_thousandths),
            Self::FloatingTime(days) => floating_time_text(*days),
            Self::ErrorCode(code) => format!("0x{code:08X}"),
            Self::Boolean(value) => value.to_string(),
            Self::String(text) => text.clone(),
            Self::Time(time) => time.to_string(),
            Self::Guid(guid) => guid.to_string(),
            Self::Multiple(values) => {
                values.iter().map(Self::to_text).collect::<Option<Vec<_>>>()?.join("\n")
            }
            Self::Binary(_) | Self::Object => return None,
        })
    }

    /// Parses what [`Value::to_text`] writes. Blanks and line ends around a value are ignored,
    /// except in strings.
    ///
    /// # Errors
    /// [`ParseError`] if the text is no value of the type, or the type has no text form.
    pub fn parse(property_type: PropertyType, text: &str) -> Result<Self, ParseError> {
        if let Some(one) = property_type.of_one_value() {
            let values = text.lines().map(|line| Self::parse(one, line));
            return Ok(Self::Multiple(values.collect::<Result<_, _>>()?));
        }
        let trimmed = text.trim();
        let integer = ParseError("a whole number within the range of the type");
        let decimal = ParseError("a decimal number");
        Ok(match property_type {
            PropertyType::NULL if trimmed.is_empty() => Self::Null,
            PropertyType::NULL => return Err(ParseError("nothing")),
            PropertyType::INTEGER16 => Self::Integer16(trimmed.parse().map_err(|_| integer)?),
            PropertyType::INTEGER32 => Self::Integer32(trimmed.parse().map_err(|_| integer)?),
            PropertyType::INTEGER64 => Self::Integer64(trimmed.parse().map_err(|_| integer)?),
            PropertyType::FLOATING32 => Self::Floating32(trimmed.parse().map_err(|_| decimal)?),
            PropertyType::FLOATING64 => Self::Floating64(trimmed.parse().map_err(|_| decimal)?),
            PropertyType::CURRENCY => Self::Currency(parse_currency(trimmed)?),
            PropertyType::FLOATING_TIME => Self::FloatingTime(parse_floating_time(trimmed)?),
            PropertyType::ERROR_CODE => Self::ErrorCode(parse_error_code(trimmed)?),
            PropertyType::BOOLEAN => {
                Self::Boolean(trimmed.parse().map_err(|_| ParseError("true or false"))?)
            }
            PropertyType::STRING8 | PropertyType::STRING => Self::String(text.to_owned()),
            PropertyType::TIME => Self::Time(trimmed.parse()?),
            PropertyType::GUID => Self::Guid(trimmed.parse()?),
            _ => return Err(ParseError("a type that is written as text")),
        })
    }
}

impl PropertyType {
    /// Whether [`Value::parse`] knows how values of this type are written as text.
    ///
    /// ```
    /// # use outlook_msg::mail::PropertyType;
    /// assert!(PropertyType::TIME.has_text() && PropertyType::MULTIPLE_STRING.has_text());
    /// assert!(!PropertyType::BINARY.has_text() && !PropertyType::MULTIPLE_BINARY.has_text());
    /// ```
    #[must_use]
    pub fn has_text(self) -> bool {
        let one = self.of_one_value().unwrap_or(self);
        let is_fixed = one.location() == Location::Entry;
        is_fixed || matches!(one, Self::STRING8 | Self::STRING | Self::GUID)
    }
}

impl fmt::Display for FileTime {
    /// RFC 3339 in UTC with up to 7 decimals, such as `2018-11-07T13:05:56.63Z`. After the year
    /// 9999, where RFC 3339 ends: the ticks in hexadecimal, such as `0x7FFFFFFFFFFFFFFF`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = self.to_unix();
        let nanos = SignedDuration::from_nanos(nanos.into());
        match SignedDuration::from_secs(seconds).checked_add(nanos).and_then(civil) {
            Some(civil) => write!(f, "{civil}Z"),
            None => write!(f, "0x{:016X}", self.0),
        }
    }
}

impl FromStr for FileTime {
    type Err = ParseError;

    /// Parses RFC 3339 with any offset, and what `Display` writes. Decimals after the seventh are
    /// dropped.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = ParseError("a time from the year 1601 on, as 2018-11-07T13:05:56.63Z");
        if text.starts_with("0x") {
            return parse_hexadecimal(text).map(Self).ok_or(error);
        }
        // A jiff timestamp ends some hours before the year 9999 does, so UTC is parsed as a civil
        // time.
        let nanos_since_1970 = match text.strip_suffix('Z').and_then(parse_civil) {
            Some(civil) => civil.duration_since(UNIX_EPOCH).as_nanos(),
            None => text.parse::<Timestamp>().map_err(|_| error)?.as_nanosecond(),
        };
        let seconds = i64::try_from(nanos_since_1970.div_euclid(NANOS_PER_SECOND));
        let nanos = u32::try_from(nanos_since_1970.rem_euclid(NANOS_PER_SECOND));
        let (Ok(seconds), Ok(nanos)) = (seconds, nanos) else { return Err(error) };
        Self::from_unix(seconds, nanos).ok_or(error)
    }
}

impl fmt::Display for Guid {
    /// `{00062008-0000-0000-C000-000000000046}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.to_u128();
        let [a, b, c] = [80, 64, 48].map(|shift| (digits >> shift) & 0xFFFF);
        let (first, last) = (digits >> 96, digits & 0xFFFF_FFFF_FFFF);
        write!(f, "{{{first:08X}-{a:04X}-{b:04X}-{c:04X}-{last:012X}}}")
    }
}

impl FromStr for Guid {
    type Err = ParseError;

    /// Parses the digits in groups of 8, 4, 4, 4 and 12, with or without braces, in any case.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let error = ParseError("a GUID, as {00062008-0000-0000-C000-000000000046}");
        let braced = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let mut digits = 0;
        let mut groups = braced.unwrap_or(text).split('-');
        for length in [8, 4, 4, 4, 12] {
            let group = groups.next().filter(|group| group.len() == length).ok_or(error)?;
            for digit in group.chars() {
                digits = digits << 4 | u128::from(digit.to_digit(16).ok_or(error)?);
            }
        }
        if groups.next().is_some() {
            return Err(error);
        }
        Ok(Self::from_u128(digits))
    }
}

fn currency_text(ten_thousandths: i64) -> String {
    let sign = if ten_thousandths < 0 { "-" } else { "" };
    let digits = ten_thousandths.unsigned_abs();
    format!("{sign}{}.{:04}", digits / 10_000, digits % 10_000)
}

/// ISO 8601 without a zone, to the millisecond; the number of days if there is no such date.
fn floating_time_text(days: f64) -> String {
    // In an OLE DATE, the fraction counts forward even if the number is negative: -1.25 is 06:00 of
    // the day before day 0.
    let seconds = (days.trunc() + days.fract().abs()) * SECONDS_PER_DAY;
    SignedDuration::try_from_secs_f64(seconds)
        .and_then(|duration| duration.round(Unit::Millisecond))
        .ok()
        .and_then(|duration| FLOATING_TIME_EPOCH.checked_add(duration))
        .and_then(civil)
        .map_or_else(|| days.to_string(), |civil| civil.to_string())
}

/// The date and time at this distance from 1970-01-01; `None` outside of the years 0 to 9999.
fn civil(since_1970: SignedDuration) -> Option<DateTime> {
    // jiff cannot add more days than there are between 1970 and 9999, so the calculation starts
    // from 1970.
    UNIX_EPOCH.checked_add(since_1970).ok().filter(|civil| civil.year() >= 0)
}

fn parse_currency(text: &str) -> Result<i64, ParseError> {
    let error = ParseError("a decimal number with at most 4 decimals");
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(digits) || !all_digits(decimals) || decimals.len() > 4 {
        return Err(error);
    }
    // The sign stays text, because the number before the point of -0.5 is 0 and would lose it.
    let sign = if whole.len() > digits.len() { "-" } else { "" };
    format!("{sign}{digits}{decimals:0<4}").parse().map_err(|_| error)
}

fn parse_floating_time(text: &str) -> Result<f64, ParseError> {
    let Some(civil) = parse_civil(text) else {
        return text.parse().map_err(|_| ParseError("a time without zone, as 2018-11-07T13:05:56"));
    };
    let seconds = civil.duration_since(UNIX_EPOCH).as_secs_f64();
    let seconds = seconds - FLOATING_TIME_EPOCH.as_secs_f64();
    let day = (seconds / SECONDS_PER_DAY).floor();
    let fraction = (seconds - day * SECONDS_PER_DAY) / SECONDS_PER_DAY;
    Ok(if day < 0.0 { day - fraction } else { day + fraction })
}

fn parse_error_code(text: &str) -> Result<u32, ParseError> {
    let code = parse_hexadecimal(text).and_then(|code| u32::try_from(code).ok());
    code.ok_or(ParseError("an error code, as 0x8004010F"))
}

/// Bytes in upper-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

/// The number after `0x`.
fn parse_hexadecimal(text: &str) -> Option<u64> {
    let digits = text.strip_prefix("0x").filter(|digits| !digits.starts_with('+'))?;
    u64::from_str_radix(digits, 16).ok()
}

/// Parses a date and a time without an offset. An offset is refused here, because jiff would ignore
/// it.
fn parse_civil(text: &str) -> Option<DateTime> {
    const DATE_LENGTH: usize = "2018-11-07".len();
    let time = text.get(DATE_LENGTH..).filter(|time| !time.is_empty())?;
    if time.contains(['+', '-', '[']) { None } else { text.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the value gives the text, and the text the value.
    fn check(property_type: PropertyType, value: Value, text: &str) {
        assert_eq!(value.to_text().as_deref(), Some(text));
        assert_eq!(Value::parse(property_type, text), Ok(value), "{text}");
    }

    fn check_time(ticks: u64, text: &str) {
        check(PropertyType::TIME, Value::Time(FileTime(ticks)), text);
    }

    #[test]
    fn types_that_have_a_text_are_parsed() {
        for code in 0..=u16::MAX {
            let one = PropertyType(code);
            let unknown = Err(ParseError("a type that is written as text"));
            assert_eq!(one.has_text(), Value::parse(one, "x") != unknown, "{code:04X}");
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        check_time(131_860_695_566_300_000, "2018-11-07T13:05:56.63Z");
        check_time(131_860_695_560_000_000, "2018-11-07T13:05:56Z");
        check_time(131_860_695_560_000_001, "2018-11-07T13:05:56.0000001Z");
        check_time(0, "1601-01-01T00:00:00Z");
        check_time(1, "1601-01-01T00:00:00.0000001Z");
        check_time(116_444_735_999_999_999, "1969-12-31T23:59:59.9999999Z");
        check_time(0x0CB3_4557_A3DD_4000, "4501-01-01T00:00:00Z");
        check_time(2_650_467_743_999_999_999, "9999-12-31T23:59:59.9999999Z");
    }

    #[test]
    fn times_after_the_year_9999_are_ticks() {
        check_time(2_650_467_744_000_000_000, "0x24C85A5ED1C04000");
        check_time(u64::MAX, "0xFFFFFFFFFFFFFFFF");
    }

    #[test]
    fn every_power_of_two_is_a_time_that_reads_back() {
        for shift in 0..u64::BITS {
            for time in [FileTime(1 << shift), FileTime((1 << shift) - 1)] {
                assert_eq!(time.to_string().parse(), Ok(time));
            }
        }
    }

    #[test]
    fn times_are_read_with_offsets() {
        let expected = FileTime(131_860_695_566_300_000);
        for text in [
            "2018-11-07T14:05:56.63+01:00",
            "2018-11-07 13:05:56.63Z",
            "2018-11-07T13:05:56.63000009Z",
            "2018-11-07T08:05:56.63-05:00",
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in ["", "Z", "2018-11-07", "2018-11-07T13:05:56", "1600-12-31T23:59:59Z", "0x"]
            .into_iter()
            .chain(["2018-13-07T13:05:56Z", "2018-11-07T13:05:56+01:00Z", "0x+1", "yesterday"])
        {
            assert!(text.parse::<FileTime>().is_err(), "{text}");
        }
    }

    #[test]
    fn guids_are_braced_and_upper_case() {
        let guid = Guid::from_u128(0x6ED8DA90_450B_101B_98DA_00AA003F1305);
        check(PropertyType::GUID, Value::Guid(guid), "{6ED8DA90-450B-101B-98DA-00AA003F1305}");
        assert_eq!("6ed8da90-450b-101b-98da-00aa003f1305".parse(), Ok(guid));
        for text in [
            "",
            "{}",
            "6ED8DA90450B101B98DA00AA003F1305",
            "{6ED8DA90-450B-101B-98DA-00AA003F1305",
            "6ED8DA90-450B-101B-98DA-00AA003F13051",
            "6ED8DA90-450B-101B-98DA-00AA003F1305-",
            "6ED8DA90-450B-101B-98DA-+0AA003F1305",
        ] {
            assert!(text.parse::<Guid>().is_err(), "{text}");
        }
    }

    #[test]
    fn currencies_have_four_decimals() {
        let check = |number, text| check(PropertyType::CURRENCY, Value::Currency(number), text);
        check(12_345_678, "1234.5678");
        check(0, "0.0000");
        check(-1, "-0.0001");
        check(-10_000, "-1.0000");
        check(i64::MAX, "922337203685477.5807");
        check(i64::MIN, "-922337203685477.5808");
        assert_eq!(parse_currency("12"), Ok(120_000));
        assert_eq!(parse_currency("-0.5"), Ok(-5_000));
        for text in ["", "-", ".5", "5.", "1.23456", "+1", "1e3", "922337203685477.5808"] {
            assert!(parse_currency(text).is_err(), "{text}");
        }
    }

    #[test]
    fn floating_times_are_local_dates() {
        let check =
            |days, text| check(PropertyType::FLOATING_TIME, Value::FloatingTime(days), text);
        check(0.0, "1899-12-30T00:00:00");
        check(0.5, "1899-12-30T12:00:00");
        check(-1.25, "1899-12-29T06:00:00");
        check(43_411.562_5, "2018-11-07T13:30:00");
        check(2_958_465.5, "9999-12-31T12:00:00");
        check(3_000_000.25, "3000000.25");
        check(-1_000_000.5, "-1000000.5");
        check(f64::INFINITY, "inf");
        assert_eq!(floating_time_text(f64::NAN), "NaN");
        assert_eq!(floating_time_text(-0.5), "1899-12-30T12:00:00");
        assert_eq!(floating_time_text(f64::MAX), f64::MAX.to_string());
        assert!(parse_floating_time("2018-11-07T13:30:00Z").is_err());
        assert!(parse_floating_time("2018-11-07T13:30:00+01:00").is_err());
    }

    #[test]
    fn floating_times_read_back_to_the_millisecond() {
        for text in ["2018-11-07T13:20:00", "1899-12-29T23:59:59.999", "1601-01-01T00:00:00.001"] {
            let days = parse_floating_time(text).unwrap();
            assert_eq!(floating_time_text(days), text);
        }
    }

    #[test]
    fn numbers_are_decimal() {
        check(PropertyType::INTEGER16, Value::Integer16(i16::MIN), "-32768");
        check(PropertyType::INTEGER32, Value::Integer32(-1), "-1");
        check(PropertyType::INTEGER64, Value::Integer64(i64::MAX), "9223372036854775807");
        check(PropertyType::FLOATING32, Value::Floating32(0.1), "0.1");
        check(PropertyType::FLOATING64, Value::Floating64(0.1 + 0.2), "0.30000000000000004");
        check(PropertyType::FLOATING64, Value::Floating64(1.0), "1");
        check(PropertyType::BOOLEAN, Value::Boolean(true), "true");
        check(PropertyType::ERROR_CODE, Value::ErrorCode(0x8004_010F), "0x8004010F");
        check(PropertyType::NULL, Value::Null, "");
    }

    #[test]
    fn values_are_one_a_line() {
        let numbers = vec![Value::Integer32(1), Value::Integer32(-2)];
        check(PropertyType::MULTIPLE_INTEGER32, Value::Multiple(numbers), "1\n-2");
        let names = ["Red", " Green "].map(|name| Value::String(name.to_owned()));
        check(PropertyType::MULTIPLE_STRING, Value::Multiple(names.to_vec()), "Red\n Green ");
        check(PropertyType::MULTIPLE_TIME, Value::Multiple(Vec::new()), "");
    }

    #[test]
    fn a_string_is_itself_and_bytes_are_no_text() {
        check(PropertyType::STRING, Value::String(" a\r\n".to_owned()), " a\r\n");
        assert_eq!(Value::Binary(vec![0x41]).to_text(), None);
        assert_eq!(Value::Multiple(vec![Value::Binary(vec![0x41])]).to_text(), None);
        assert_eq!(Value::Object.to_text(), None);
        assert!(Value::parse(PropertyType::BINARY, "A").is_err());
        assert!(Value::parse(PropertyType::OBJECT, "").is_err());
    }

    #[test]
    fn a_line_end_after_a_number_is_read_over() {
        assert_eq!(Value::parse(PropertyType::INTEGER32, "7\r\n"), Ok(Value::Integer32(7)));
        let error = Value::parse(PropertyType::INTEGER16, "70000").unwrap_err();
        assert_eq!(error.to_string(), "expected a whole number within the range of the type");
        assert!(Value::parse(PropertyType::BOOLEAN, "yes").is_err());
        assert!(Value::parse(PropertyType::ERROR_CODE, "0x100000000").is_err());
    }
}
