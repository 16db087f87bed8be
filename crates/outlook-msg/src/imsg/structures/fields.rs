//! Reads little-endian fields one after the other. Knows no structure.

/// The bytes of a structure that have not been read yet. A field beyond the end is `None`.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldReader<'a> {
    rest: &'a [u8],
}

impl<'a> FieldReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*field)
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn i32(&mut self) -> Option<i32> {
        self.array().map(i32::from_le_bytes)
    }

    pub(super) fn bytes(&mut self, len: usize) -> Option<&'a [u8]> {
        let (field, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(field)
    }

    /// Reads a `u32`, and as many bytes as it states.
    pub(super) fn sized(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.u32()?).ok()?;
        self.bytes(len)
    }

    /// Reads a `u32`, and as many further `u32` as it states.
    pub(super) fn numbers(&mut self) -> Option<Vec<u32>> {
        let count = usize::try_from(self.u32()?).ok()?;
        let (numbers, _) = self.bytes(count.checked_mul(4)?)?.as_chunks::<4>();
        Some(numbers.iter().map(|number| u32::from_le_bytes(*number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::FieldReader;

    #[test]
    fn fields_end_with_the_bytes() {
        let mut fields = FieldReader::new(&[1, 2, 0, 1, 0, 0, 0, 7, 2, 0, 0, 0, 9]);
        assert_eq!((fields.u8(), fields.u16()), (Some(1), Some(2)));
        assert_eq!(fields.sized(), Some(&[7][..]));
        assert_eq!(fields.clone().numbers(), None);
        assert_eq!(fields.sized(), None);
        assert_eq!(fields.rest(), [9]);
        assert_eq!((fields.u16(), fields.i32()), (None, None));
        assert_eq!(FieldReader::new(&[0xFF; 4]).numbers(), None);
        assert_eq!(FieldReader::new(&[1, 0, 0, 0, 5, 0, 0, 0]).numbers(), Some(vec![5]));
    }
}
