//! The checksum shared by compressed RTF and the named property map.
//!
//! Knows neither of them: bytes in, number out.

/// How many bytes are processed in one step; each has its own table.
const STEP_BYTES: usize = 8;

/// `TABLES[k][b]` is the checksum of byte `b` followed by `k` zero bytes.
static TABLES: [[u32; 256]; STEP_BYTES] = tables();

/// Computes the CRC of bytes (\[MS-OXRTFCP\] 3.1.3.2): the reflected polynomial EDB88320, beginning
/// with 0 and without a final inversion.
pub fn crc(bytes: &[u8]) -> u32 {
    let (steps, rest) = bytes.as_chunks::<STEP_BYTES>();
    let crc = steps.iter().fold(0_u32, |crc, step| {
        let [a, b, c, d, e, f, g, h] = *step;
        let [i, j, k, l] = (crc ^ u32::from_le_bytes([a, b, c, d])).to_le_bytes();
        entry(7, i)
            ^ entry(6, j)
            ^ entry(5, k)
            ^ entry(4, l)
            ^ entry(3, e)
            ^ entry(2, f)
            ^ entry(1, g)
            ^ entry(0, h)
    });
    rest.iter().fold(crc, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        entry(0, low ^ byte) ^ (crc >> 8)
    })
}

fn entry(table: usize, byte: u8) -> u32 {
    TABLES.get(table).and_then(|table| table.get(usize::from(byte))).copied().unwrap_or(0)
}

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler, where a panic is an error")]
const fn tables() -> [[u32; 256]; STEP_BYTES] {
    let mut tables = [[0; 256]; STEP_BYTES];
    let mut byte = 0;
    let mut value = 0_u32;
    while byte < 256 {
        let mut crc = value;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
        value += 1;
    }
    let mut zeros = 1;
    while zeros < STEP_BYTES {
        byte = 0;
        while byte < 256 {
            let crc = tables[zeros - 1][byte];
            tables[zeros][byte] = (crc >> 8) ^ tables[0][(crc & 0xFF) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::crc;

    /// The CRC by its definition, bit by bit.
    fn crc_by_bits(bytes: &[u8]) -> u32 {
        bytes.iter().fold(0, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 }
            })
        })
    }

    #[test]
    fn agrees_with_the_definition_at_every_length() {
        let bytes: Vec<u8> =
            (0..67_u32).flat_map(|n| n.wrapping_mul(0x9E37_79B9).to_le_bytes()).collect();
        for end in 0..bytes.len() {
            assert_eq!(crc(&bytes[..end]), crc_by_bits(&bytes[..end]), "{end} bytes");
        }
    }

    #[test]
    fn agrees_with_the_example_of_the_specification() {
        // [MS-OXRTFCP] 4.1: the payload of the first example and the CRC in its header.
        let payload = [
            0x03, 0x00, 0x0A, 0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0A,
            0xF3, 0x20, 0x68, 0x65, 0x6C, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xB0, 0x6C, 0x64,
            0x7D, 0x0A, 0x80, 0x0F, 0xA0,
        ];
        assert_eq!(crc(&payload), 0xA7C7_C5F1);
    }
}
