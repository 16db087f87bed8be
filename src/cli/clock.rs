//! Times as people read them: local with their zone, or in UTC.

use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The zone that times are printed in.
#[derive(Clone, Debug)]
pub(super) struct Clock {
    zone: TimeZone,
}

impl Clock {
    /// The user's time zone (`TZ`, else that of the system), or UTC.
    pub(super) fn new(utc: bool) -> Self {
        Self { zone: if utc { TimeZone::UTC } else { TimeZone::system() } }
    }

    /// The zone itself, for days that begin in it.
    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// A time with seconds and zone: `2024-04-02 16:05:09 +02:00`.
    pub(super) fn exact(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
    }

    /// A time for a column: `2024-04-02 16:05 +02:00`.
    pub(super) fn short(&self, time: Timestamp) -> String {
        time.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M %:z").to_string()
    }

    /// The time of a file.
    pub(super) fn exact_of_file(&self, time: SystemTime) -> String {
        self.exact(Timestamp::try_from(time).unwrap_or_default())
    }
}

/// A size as `ls -h` prints it: `999`, `1.2K`, `34M`.
pub(super) fn human_size(bytes: u64) -> String {
    let (mut unit, mut units) = ("", ["K", "M", "G", "T", "P", "E"].into_iter());
    let mut scaled = bytes;
    let mut rest = 0;
    while scaled >= 1024 {
        rest = scaled % 1024;
        scaled /= 1024;
        unit = units.next().unwrap_or(unit);
    }
    // Rounded up, as ls does: a file is never shown smaller than it is.
    let tenths = scaled * 10 + (rest * 10).div_ceil(1024);
    match (unit, tenths) {
        ("", _) => bytes.to_string(),
        (_, ..100) => format!("{}.{}{unit}", tenths / 10, tenths % 10),
        _ => format!("{}{unit}", scaled + u64::from(rest > 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::human_size;

    #[test]
    fn sizes_are_those_of_ls() {
        for (bytes, expected) in [
            (0, "0"),
            (1023, "1023"),
            (1024, "1.0K"),
            (1025, "1.1K"),
            (10_239, "10K"),
            (10_240, "10K"),
            (10_241, "11K"),
            (1 << 20, "1.0M"),
            (3_565_158, "3.4M"),
        ] {
            assert_eq!(human_size(bytes), expected, "{bytes}");
        }
    }
}
