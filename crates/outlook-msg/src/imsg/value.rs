//! Decodes property values of a `.msg` file (\[MS-OXMSG\] 2.1, 2.4).
//!
//! Knows types and bytes, not storages.

use crate::mapi::utf16::{decode_utf16, trim_nuls};
use crate::mapi::{FileTime, Guid, PropertyType, Value};

use super::strings::Strings;

/// Decodes the 8 value bytes of a property of fixed size; `None` for a type without a fixed size.
///
/// Bytes beyond the size of the type are ignored: real files have junk there.
pub(super) fn decode_fixed(property_type: PropertyType, bytes: [u8; 8]) -> Option<Value> {
    let [b0, b1, b2, b3, ..] = bytes;
    let low = [b0, b1, b2, b3];
    Some(match property_type {
        PropertyType::NULL => Value::Null,
        PropertyType::INTEGER16 => Value::Integer16(i16::from_le_bytes([b0, b1])),
        PropertyType::INTEGER32 => Value::Integer32(i32::from_le_bytes(low)),
        PropertyType::FLOATING32 => Value::Floating32(f32::from_le_bytes(low)),
        PropertyType::FLOATING64 => Value::Floating64(f64::from_le_bytes(bytes)),
        PropertyType::CURRENCY => Value::Currency(i64::from_le_bytes(bytes)),
        PropertyType::FLOATING_TIME => Value::FloatingTime(f64::from_le_bytes(bytes)),
        PropertyType::ERROR_CODE => Value::ErrorCode(u32::from_le_bytes(low)),
        // Old programs store 16 bits, so both bytes count. Any value but 0 is true.
        PropertyType::BOOLEAN => Value::Boolean(b0 != 0 || b1 != 0),
        PropertyType::INTEGER64 => Value::Integer64(i64::from_le_bytes(bytes)),
        PropertyType::TIME => Value::Time(FileTime(u64::from_le_bytes(bytes))),
        _ => return None,
    })
}

/// Decodes a value from its stream. The second part of the result says what is wrong with the
/// length, if anything is.
pub(super) fn decode_stream(
    property_type: PropertyType,
    bytes: Vec<u8>,
    strings: &Strings,
) -> (Value, Option<String>) {
    match property_type {
        PropertyType::STRING => {
            // A single last byte is half a character. If it is NUL, nothing is lost.
            let odd = bytes.len() % 2 == 1 && bytes.last() != Some(&0);
            let defect = odd.then(|| format!("PT_UNICODE of odd length {}", bytes.len()));
            (Value::String(trim_nuls(decode_utf16(&bytes))), defect)
        }
        PropertyType::STRING8 => (Value::String(strings.decode(&bytes)), None),
        PropertyType::GUID => match bytes.first_chunk::<16>() {
            Some(guid) => (Value::Guid(Guid(*guid)), None),
            None => {
                let defect = format!("PT_CLSID needs 16 bytes, found {}", bytes.len());
                (Value::Binary(bytes), Some(defect))
            }
        },
        _ => match element_type(property_type) {
            Some((element, size)) => decode_packed(property_type, element, size, &bytes),
            None => (Value::Binary(bytes), None),
        },
    }
}

/// Whether a stored length does not fit the type.
pub(super) fn has_odd_length(property_type: PropertyType, len: u64) -> bool {
    match property_type {
        PropertyType::STRING => !len.is_multiple_of(2),
        PropertyType::GUID => len < 16,
        _ => element_type(property_type).is_some_and(|(_, size)| !len.is_multiple_of(size as u64)),
    }
}

/// The type and size of the elements of a multi-valued type whose values lie one after the other in
/// a single stream.
fn element_type(property_type: PropertyType) -> Option<(PropertyType, usize)> {
    Some(match property_type {
        PropertyType::MULTIPLE_INTEGER16 => (PropertyType::INTEGER16, 2),
        PropertyType::MULTIPLE_INTEGER32 => (PropertyType::INTEGER32, 4),
        PropertyType::MULTIPLE_FLOATING32 => (PropertyType::FLOATING32, 4),
        PropertyType::MULTIPLE_FLOATING64 => (PropertyType::FLOATING64, 8),
        PropertyType::MULTIPLE_CURRENCY => (PropertyType::CURRENCY, 8),
        PropertyType::MULTIPLE_FLOATING_TIME => (PropertyType::FLOATING_TIME, 8),
        PropertyType::MULTIPLE_INTEGER64 => (PropertyType::INTEGER64, 8),
        PropertyType::MULTIPLE_TIME => (PropertyType::TIME, 8),
        PropertyType::MULTIPLE_GUID => (PropertyType::GUID, 16),
        _ => return None,
    })
}

fn decode_packed(
    property_type: PropertyType,
    element: PropertyType,
    size: usize,
    bytes: &[u8],
) -> (Value, Option<String>) {
    let chunks = bytes.chunks_exact(size);
    let left_over = chunks.remainder().len();
    let values = chunks.filter_map(|chunk| match chunk.first_chunk::<16>() {
        Some(guid) => Some(Value::Guid(Guid(*guid))),
        None => {
            let mut value = [0; 8];
            value.get_mut(..size)?.copy_from_slice(chunk);
            decode_fixed(element, value)
        }
    });
    let defect = (left_over != 0)
        .then(|| format!("{property_type} of {} bytes is not a multiple of {size}", bytes.len()));
    (Value::Multiple(values.collect()), defect)
}
