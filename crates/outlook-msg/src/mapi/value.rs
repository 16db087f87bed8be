//! Property values (\[MS-OXCDATA\] 2.11), with GUIDs and times.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A GUID as its 16 stored bytes (\[MS-DTYP\] 2.3.4.2: the first three fields little-endian).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// The GUID of its digits, read as one number in the order in which they are written.
    pub const fn from_u128(digits: u128) -> Self {
        let [a3, a2, a1, a0, b1, b0, c1, c0, d, e, f, g, h, i, j, k] = digits.to_be_bytes();
        Self([a0, a1, a2, a3, b0, b1, c0, c1, d, e, f, g, h, i, j, k])
    }

    /// Its digits as one number, in the order in which they are written.
    pub const fn to_u128(self) -> u128 {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d, e, f, g, h, i, j, k] = self.0;
        u128::from_be_bytes([a3, a2, a1, a0, b1, b0, c1, c0, d, e, f, g, h, i, j, k])
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A time, in units of 100 ns since 1601-01-01 UTC (\[MS-DTYP\] 2.3.3 `FILETIME`). It is written
/// and parsed as RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileTime(pub u64);

impl FileTime {
    const TICKS_PER_SECOND: u64 = 10_000_000;
    /// 1601-01-01 to 1970-01-01, in seconds.
    const UNIX_EPOCH_SECONDS: i64 = 11_644_473_600;
    /// 4501-01-01, which Outlook writes for "no date" (\[MS-OXOTASK\] 2.2.2.2.4).
    const NONE_TICKS: u64 = 0x0CB3_4557_A3DD_4000;

    /// Whether this is a real time: not 0, and before the year 4501, which Outlook writes for
    /// "none".
    pub const fn is_set(self) -> bool {
        self.0 != 0 && self.0 < Self::NONE_TICKS
    }

    /// The time now by the clock of the system.
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        Self::from_unix(seconds, since.subsec_nanos()).unwrap_or(Self(0))
    }

    /// Seconds and nanoseconds since the Unix epoch.
    pub fn to_unix(self) -> (i64, u32) {
        // Neither conversion can fail: the seconds are far below i64::MAX, the nanoseconds below
        // 10^9.
        let seconds = i64::try_from(self.0 / Self::TICKS_PER_SECOND).unwrap_or(i64::MAX);
        let nanos = u32::try_from(self.0 % Self::TICKS_PER_SECOND * 100).unwrap_or(0);
        (seconds - Self::UNIX_EPOCH_SECONDS, nanos)
    }

    /// The time of a Unix timestamp; `None` before 1601.
    pub fn from_unix(seconds: i64, nanos: u32) -> Option<Self> {
        let seconds = u64::try_from(seconds.checked_add(Self::UNIX_EPOCH_SECONDS)?).ok()?;
        let ticks = seconds.checked_mul(Self::TICKS_PER_SECOND)?;
        Some(Self(ticks.checked_add(u64::from(nanos / 100))?))
    }
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `PT_NULL`.
    Null,
    /// `PT_SHORT`.
    Integer16(i16),
    /// `PT_LONG`.
    Integer32(i32),
    /// `PT_FLOAT`.
    Floating32(f32),
    /// `PT_DOUBLE`.
    Floating64(f64),
    /// `PT_CURRENCY`, in ten-thousandths.
    Currency(i64),
    /// `PT_APPTIME`, in days since 1899-12-30 00:00 local.
    FloatingTime(f64),
    /// `PT_ERROR`, an SCODE.
    ErrorCode(u32),
    /// `PT_BOOLEAN`.
    Boolean(bool),
    /// `PT_LONGLONG`.
    Integer64(i64),
    /// `PT_STRING8` or `PT_UNICODE`, decoded.
    String(String),
    /// `PT_SYSTIME`.
    Time(FileTime),
    /// `PT_CLSID`.
    Guid(Guid),
    /// `PT_BINARY`. Also the structures `PT_SVREID`, `PT_SRESTRICTION` and `PT_ACTIONS`, and
    /// unknown types, as their stored bytes.
    Binary(Vec<u8>),
    /// `PT_MV_SHORT`, `PT_MV_LONG`, `PT_MV_FLOAT`, `PT_MV_DOUBLE`, `PT_MV_CURRENCY`,
    /// `PT_MV_APPTIME`, `PT_MV_LONGLONG`, `PT_MV_SYSTIME`, `PT_MV_CLSID`, `PT_MV_STRING8`,
    /// `PT_MV_UNICODE`, `PT_MV_BINARY`: the values in order, all of one kind.
    Multiple(Vec<Value>),
    /// `PT_OBJECT`: a storage. `Attachment::embedded_message` or `Attachment::content_storage`
    /// opens it.
    Object,
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Integer32(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

impl From<FileTime> for Value {
    fn from(time: FileTime) -> Self {
        Self::Time(time)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_stored_with_three_little_endian_fields() {
        let guid = Guid::from_u128(0x00062008_0000_0000_C000_000000000046);
        assert_eq!(guid.0, [8, 0x20, 6, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46]);
        assert_eq!(guid.to_u128(), 0x00062008_0000_0000_C000_000000000046);
    }

    #[test]
    fn a_time_has_unix_seconds() {
        let time = FileTime(131_860_695_566_300_001);
        assert_eq!(time.to_unix(), (1_541_595_956, 630_000_100));
        assert_eq!(FileTime::from_unix(1_541_595_956, 630_000_199), Some(time));
        assert_eq!(FileTime(0).to_unix(), (-11_644_473_600, 0));
        assert_eq!(FileTime::from_unix(-11_644_473_601, 0), None);
        assert_eq!(FileTime::from_unix(i64::MAX, 0), None);
        let (seconds, nanos) = FileTime(u64::MAX).to_unix();
        assert_eq!(FileTime::from_unix(seconds, nanos), Some(FileTime(u64::MAX)));
    }

    #[test]
    fn a_time_may_stand_for_none() {
        assert!(FileTime(1).is_set() && FileTime(0x0CB3_4557_A3DD_3FFF).is_set());
        for none in [0, 0x0CB3_4557_A3DD_4000, u64::MAX] {
            assert!(!FileTime(none).is_set(), "{none:#X}");
        }
    }
}
