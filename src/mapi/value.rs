//! Property values (\[MS-OXCDATA\] 2.11) and the two structures met inside them.

use std::fmt;

/// A GUID as its 16 stored bytes (\[MS-DTYP\] 2.3.4.2: the first three fields little-endian).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Guid(pub [u8; 16]);

impl fmt::Display for Guid {
    /// `{00062008-0000-0000-C000-000000000046}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d, e, g, h, i, j, k, l] = self.0;
        write!(
            f,
            "{{{a3:02X}{a2:02X}{a1:02X}{a0:02X}-{b1:02X}{b0:02X}-{c1:02X}{c0:02X}-\
             {d:02X}{e:02X}-{g:02X}{h:02X}{i:02X}{j:02X}{k:02X}{l:02X}}}"
        )
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A point in time in 100 ns ticks since 1601-01-01 UTC (\[MS-DTYP\] 2.3.3 `FILETIME`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileTime(pub u64);

impl FileTime {
    const TICKS_PER_SECOND: u64 = 10_000_000;
    /// 1601-01-01 to 1970-01-01, in seconds.
    const UNIX_EPOCH_SECONDS: i64 = 11_644_473_600;
    /// 4501-01-01, which Outlook writes for "no date" (\[MS-OXOTASK\] 2.2.2.2.4).
    const NONE_TICKS: u64 = 0x0CB3_4557_A3DD_4000;

    /// Whether this is a real time: neither 0 nor Outlook's "none" (the year 4501) or later.
    pub const fn is_set(self) -> bool {
        self.0 != 0 && self.0 < Self::NONE_TICKS
    }

    /// Seconds and nanoseconds since the Unix epoch.
    pub fn to_unix(self) -> (i64, u32) {
        // Both divisions keep the quotient far below i64::MAX and the rest below 10^9.
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
    /// `PT_BINARY`, and the structures kept as their bytes: `PT_SVREID`, `PT_SRESTRICTION`,
    /// `PT_ACTIONS`, and types of no known form.
    Binary(Vec<u8>),
    /// `PT_MV_SHORT`, `PT_MV_LONG`, `PT_MV_FLOAT`, `PT_MV_DOUBLE`, `PT_MV_CURRENCY`,
    /// `PT_MV_APPTIME`, `PT_MV_LONGLONG`, `PT_MV_SYSTIME`, `PT_MV_CLSID`, `PT_MV_STRING8`,
    /// `PT_MV_UNICODE`, `PT_MV_BINARY`: the values in order, all of one kind.
    Multiple(Vec<Value>),
    /// `PT_OBJECT`: a storage, opened by its own call.
    Object,
}
