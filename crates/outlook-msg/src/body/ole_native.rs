//! Finds the file that is embedded in an OLE object (`\1Ole10Native`), or the picture that the
//! object shows (`CONTENTS`, `\2OlePres000`; \[MS-OLEDS\] 2.3.4, 2.3.6).
//!
//! Takes the bytes of streams; knows nothing of storages.

use std::ops::Range;

/// The stream of an embedded file.
pub const NATIVE_STREAM: &str = "\u{1}Ole10Native";
/// The stream of a picture.
pub const CONTENTS_STREAM: &str = "CONTENTS";
/// The stream of the picture that stands for an object.
pub const PRESENTATION_STREAM: &str = "\u{2}OlePres000";

/// How many bytes from the start of the stream [`native`] needs to find the name and the data.
pub const NATIVE_START_LEN: usize = 4096;
/// How many bytes from the start of a stream [`contents`] and [`presentation`] need.
pub const PICTURE_START_LEN: usize = 4096;

/// An embedded file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Native {
    /// Its file name as it was shown, in the ANSI code page of the computer that wrote it.
    pub label: Vec<u8>,
    /// The place of its bytes in the stream, which may be shorter.
    pub data: Range<u64>,
}

/// A picture as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The file name extension of its format, with the dot.
    pub extension: &'static str,
    /// Bytes of the file that the stream lacks; they come before `data`.
    pub header: Vec<u8>,
    /// The place of its bytes in the stream, which may be shorter.
    pub data: Range<u64>,
}

/// Reads the start of `\1Ole10Native`; `None` if there is no file in it.
///
/// | bytes | field |
/// |---|---|
/// | 4 | length of what follows |
/// | 2 | 2 |
/// | | label and path, each with a NUL |
/// | 2, 2 | 0, 3 |
/// | 4 | length of the path that follows, with its NUL |
/// | | temporary path |
/// | 4 | length of the data |
pub fn native(start: &[u8]) -> Option<Native> {
    let (kind, rest) = start.get(4..)?.split_first_chunk()?;
    if u16::from_le_bytes(*kind) != 2 {
        return None;
    }
    let (label, rest) = until_nul(rest)?;
    let (_, rest) = until_nul(rest)?;
    let (marker, rest) = rest.split_first_chunk::<4>()?;
    if *marker != [0, 0, 3, 0] {
        return None;
    }
    let (path_len, rest) = rest.split_first_chunk()?;
    let rest = rest.get(usize::try_from(u32::from_le_bytes(*path_len)).ok()?..)?;
    let (len, rest) = rest.split_first_chunk()?;
    let from = u64::try_from(start.len() - rest.len()).ok()?;
    let end = from.checked_add(u64::from(u32::from_le_bytes(*len)))?;
    Some(Native { label: label.to_vec(), data: from..end })
}

/// Reads the start of `CONTENTS`, which is a picture without an OLE header.
pub fn contents(start: &[u8], stream_len: u64) -> Option<Picture> {
    picture(start, 0, stream_len, None)
}

/// Reads the start of `\2OlePres000` (\[MS-OLEDS\] 2.3.4).
///
/// | bytes | field |
/// |---|---|
/// | 4, 4 | 0xFFFFFFFF or 0xFFFFFFFE, clipboard format |
/// | 4 | length of the target device with these bytes, 4 or more |
/// | | target device |
/// | 4, 4, 4, 4 | aspect, index, advise flags, reserved |
/// | 4, 4 | width and height, in hundredths of a millimetre |
/// | 4 | length of the data |
pub fn presentation(start: &[u8]) -> Option<Picture> {
    let marker = number(start, 0)?;
    if !(0xFFFF_FFFE..=0xFFFF_FFFF).contains(&marker) {
        return None;
    }
    let device_len = usize::try_from(number(start, 8)?).ok()?.max(4);
    let fixed = device_len.checked_add(8)?;
    let (width, height) = (number(start, fixed + 16)?, number(start, fixed + 20)?);
    let len = number(start, fixed + 24)?;
    let from = fixed + 28;
    let end = u64::try_from(from).ok()?.checked_add(u64::from(len))?;
    picture(start, from, end, Some((width, height)))
}

/// The picture that begins at `from`; its first bytes tell the format. `extent` is width and height
/// in hundredths of a millimetre.
fn picture(start: &[u8], from: usize, end: u64, extent: Option<(u32, u32)>) -> Option<Picture> {
    let bytes = start.get(from..)?;
    let data = u64::try_from(from).ok()?..end;
    if data.is_empty() {
        return None;
    }
    let plain = |extension| Some(Picture { extension, header: Vec::new(), data: data.clone() });
    match bytes {
        [b'B', b'M', ..] => plain(".bmp"),
        [0x89, b'P', b'N', b'G', ..] => plain(".png"),
        [0xFF, 0xD8, 0xFF, ..] => plain(".jpg"),
        [b'G', b'I', b'F', b'8', ..] => plain(".gif"),
        [0xD7, 0xCD, 0xC6, 0x9A, ..] => plain(".wmf"),
        _ if number(bytes, 0) == Some(1) && bytes.get(40..44) == Some(b" EMF") => plain(".emf"),
        // METAHEADER (MS-WMF 2.3.2.2): type, header of 9 words, version 1.0 or 3.0.
        [1 | 2, 0, 9, 0, 0, 1 | 3, ..] => {
            let header = extent.map(placeable_header).unwrap_or_default();
            Some(Picture { extension: ".wmf", header, data })
        }
        _ => {
            let len = end.saturating_sub(data.start);
            Some(Picture { extension: ".bmp", header: bitmap_file_header(bytes, len)?, data })
        }
    }
}

/// BITMAPFILEHEADER for a device-independent bitmap: `BM`, length, 4 zeros, offset of the pixels.
fn bitmap_file_header(bitmap: &[u8], len: u64) -> Option<Vec<u8>> {
    const FILE_HEADER_LEN: u32 = 14;
    const BITFIELDS: u32 = 3;
    let info_len = number(bitmap, 0)?;
    if !matches!(info_len, 40 | 52 | 56 | 64 | 108 | 124) || number(bitmap, 12)? & 0xFFFF != 1 {
        return None;
    }
    let bits = number(bitmap, 12)? >> 16;
    let (compression, used) = (number(bitmap, 16)?, number(bitmap, 32)?);
    let colours = match (bits, used) {
        (1 | 2 | 4 | 8, 0) => 1 << bits,
        (1 | 2 | 4 | 8 | 16 | 24 | 32, used) => used.min(256),
        _ => return None,
    };
    let masks = if info_len == 40 && compression == BITFIELDS { 12 } else { 0 };
    let pixels = FILE_HEADER_LEN + info_len + masks + colours * 4;
    let file_len = u32::try_from(len).unwrap_or(u32::MAX).saturating_add(FILE_HEADER_LEN);
    let mut header = b"BM".to_vec();
    for field in [file_len, 0, pixels] {
        header.extend(field.to_le_bytes());
    }
    Some(header)
}

/// META_PLACEABLE (\[MS-WMF\] 2.3.2.3): key, handle, bounding box, units per inch, checksum.
fn placeable_header((width, height): (u32, u32)) -> Vec<u8> {
    const HUNDREDTHS_PER_INCH: u32 = 2540;
    // Each side of the box has 16 bits, so a larger picture gets a coarser unit.
    let scale = width.max(height) / 0x7FFF + 1;
    let short = |number: u32| u16::try_from(number / scale).unwrap_or(u16::MAX);
    let key = [0xCDD7, 0x9AC6];
    let words =
        [key[0], key[1], 0, 0, 0, short(width), short(height), short(HUNDREDTHS_PER_INCH), 0, 0];
    let checksum = words.iter().fold(0, |sum, word| sum ^ word);
    words.into_iter().chain([checksum]).flat_map(u16::to_le_bytes).collect()
}

fn until_nul(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::{Native, Picture, contents, native, presentation};
    use crate::body::mutations::mutations;

    fn native_stream(label: &[u8], data: &[u8]) -> Vec<u8> {
        let path = b"C:\\Temp\\x.txt\0";
        let mut stream = vec![2, 0];
        stream.extend([label, b"\0", path, &[0, 0, 3, 0, 14, 0, 0, 0], path].concat());
        stream.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        stream.extend(data);
        let len = u32::try_from(stream.len()).unwrap().to_le_bytes();
        [len.as_slice(), &stream].concat()
    }

    fn presentation_stream(format: u32, data: &[u8]) -> Vec<u8> {
        let len = u32::try_from(data.len()).unwrap();
        let fields = [u32::MAX, format, 4, 1, u32::MAX, 2, 0, 2540, 1270, len];
        let mut stream: Vec<_> = fields.into_iter().flat_map(u32::to_le_bytes).collect();
        stream.extend(data);
        stream
    }

    /// A bitmap of 2 by 1 pixels.
    fn bitmap(bits: u8, colours: usize) -> Vec<u8> {
        let mut bitmap = vec![40, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, bits, 0];
        bitmap.resize(40 + colours * 4, 0);
        bitmap.extend([1, 2, 3, 4, 5, 6, 0, 0]);
        bitmap
    }

    fn check_picture(stream: &[u8], picture: Option<Picture>, extension: &str, file: &[u8]) {
        let picture = picture.unwrap();
        let data = usize::try_from(picture.data.start).unwrap()
            ..usize::try_from(picture.data.end).unwrap();
        let found = [&picture.header, &stream[data]].concat();
        assert_eq!((picture.extension, found.as_slice()), (extension, file));
    }

    fn check_contents(stream: &[u8], extension: &str, file: &[u8]) {
        check_picture(stream, contents(stream, stream.len() as u64), extension, file);
    }

    #[test]
    fn embedded_files_are_found() {
        let stream = native_stream(b"Offer.txt", b"data");
        let len = stream.len() as u64;
        let expected = Native { label: b"Offer.txt".to_vec(), data: len - 4..len };
        assert_eq!(native(&stream), Some(expected.clone()));
        // A stream that is cut is told by who has the stream.
        assert_eq!(native(&stream[..stream.len() - 2]), Some(expected));
        assert_eq!(native(&stream[..20]), None);
        assert_eq!(native(&[4, 0, 0, 0, 1, 0, 0, 0]), None);
        assert_eq!(native(&[]), None);
    }

    #[test]
    fn pictures_become_files() {
        let file = |bits, colours: u32| {
            let bitmap = bitmap(bits, usize::try_from(colours).unwrap());
            let len = u32::try_from(bitmap.len()).unwrap() + 14;
            let offset = 54 + colours * 4;
            let header = [b"BM".as_slice(), &len.to_le_bytes(), &[0; 4], &offset.to_le_bytes()];
            [header.concat(), bitmap].concat()
        };
        check_contents(&bitmap(24, 0), ".bmp", &file(24, 0));
        check_contents(&bitmap(8, 256), ".bmp", &file(8, 256));
        check_contents(b"BM-already", ".bmp", b"BM-already");
        check_contents(b"\x89PNG...", ".png", b"\x89PNG...");
        check_contents(&[1, 0, 9, 0, 0, 3, 7], ".wmf", &[1, 0, 9, 0, 0, 3, 7]);
        assert_eq!(contents(b"anything else", 13), None);
        assert_eq!(contents(&[], 0), None);
    }

    #[test]
    fn presentations_become_files() {
        let metafile = [1, 0, 9, 0, 0, 3, 7, 7];
        let stream = presentation_stream(3, &metafile);
        let words = [0xCDD7, 0x9AC6, 0, 0, 0, 2540, 1270, 2540, 0, 0];
        let sum = words.iter().fold(0_u16, |sum, word| sum ^ word);
        let header = words.into_iter().chain([sum]).flat_map(u16::to_le_bytes);
        let file: Vec<_> = header.chain(metafile).collect();
        check_picture(&stream, presentation(&stream), ".wmf", &file);
        assert_eq!(file.len(), 30);
        let mut metafile = vec![0; 50];
        metafile[0] = 1;
        metafile[40..44].copy_from_slice(b" EMF");
        let stream = presentation_stream(14, &metafile);
        check_picture(&stream, presentation(&stream), ".emf", &metafile);
        assert_eq!(presentation(&[0; 64]), None);
        assert_eq!(presentation(&stream[..30]), None);
    }

    #[test]
    fn damaged_streams_never_panic() {
        let sound = [
            native_stream(b"Offer.txt", b"data"),
            presentation_stream(8, &bitmap(24, 0)),
            bitmap(8, 2),
        ];
        for stream in &sound {
            for damaged in mutations(stream, 10_000) {
                let len = damaged.len() as u64;
                native(&damaged);
                contents(&damaged, len);
                presentation(&damaged);
            }
        }
    }
}
