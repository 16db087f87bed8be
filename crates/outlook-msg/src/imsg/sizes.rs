//! Compares the length of a value with the size that its entry, or the list of the lengths of many
//! values, states (\[MS-OXMSG\] 2.4.2.2).
//!
//! Reads nothing.

use crate::mapi::PropertyType;

/// How many bytes the NUL has that ends a string of this type. A stated size counts it, and a stream
/// may have it or not.
pub(super) fn end_mark(property_type: PropertyType) -> u64 {
    match property_type {
        PropertyType::STRING => 2,
        PropertyType::STRING8 => 1,
        _ => 0,
    }
}

/// Whether a value of `len` bytes has lost some of the stated ones. A size beyond the length of the
/// file is ignored, because it cannot be a size.
pub(super) fn is_short(property_type: PropertyType, stated: u32, len: u64, file_len: u64) -> bool {
    let stated = u64::from(stated);
    stated > len + end_mark(property_type) && stated <= file_len
}

/// Whether a value of `len` bytes has more than the stated ones, so that the end of it is something
/// else. A size that no value of this type has is ignored: some programs write 0 for every string.
pub(super) fn is_long(property_type: PropertyType, stated: u32, len: u64) -> bool {
    let is_size =
        stated != 0 && (property_type != PropertyType::STRING || stated.is_multiple_of(2));
    is_size && len > u64::from(stated) + end_mark(property_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_count_the_nul_or_not() {
        let check = |property_type, stated, lens: &[u64]| {
            for len in 1..20 {
                let fits = !is_short(property_type, stated, len, 100)
                    && !is_long(property_type, stated, len);
                assert_eq!(fits, lens.contains(&len), "{property_type} {stated} {len}");
            }
        };
        check(PropertyType::BINARY, 8, &[8]);
        check(PropertyType::GUID, 16, &[16]);
        check(PropertyType::STRING8, 8, &[7, 8, 9]);
        check(PropertyType::STRING, 8, &[6, 7, 8, 9, 10]);
    }

    #[test]
    fn what_is_no_size_says_nothing() {
        for (stated, len) in [(0, 6), (5, 9), (u32::MAX, 6)] {
            assert!(!is_short(PropertyType::STRING, stated, len, 100), "{stated}");
            assert!(!is_long(PropertyType::STRING, stated, len), "{stated}");
        }
    }
}
