//! Finds the end of the header of an entity, and its parts (RFC 2046 section 5.1).

use memchr::memchr;

/// Splits an entity at the first empty line into its header and its body. An entity that does not
/// begin with a header field has only a body.
pub(super) fn split_header(entity: &[u8]) -> (&[u8], &[u8]) {
    let mut start = 0;
    for line in Lines::of(entity) {
        let end = start + line.len();
        if start == 0 && !is_blank(line) && !line.contains(&b':') {
            return (&[], entity);
        }
        if is_blank(line) {
            return (
                entity.get(..start).unwrap_or_default(),
                entity.get(end..).unwrap_or_default(),
            );
        }
        start = end;
    }
    (entity, &[])
}

/// The parts of a multipart body, at most `count_max`, and whether the closing boundary is there.
/// The line end before a boundary belongs to the boundary, not to the part.
pub(super) fn parts<'a>(body: &'a [u8], boundary: &[u8], count_max: u32) -> (Vec<&'a [u8]>, bool) {
    let mut found = Vec::new();
    let mut part_start = None;
    let mut start = 0;
    for line in Lines::of(body) {
        let end = start + line.len();
        if let Some(tail) = delimiter(line, boundary) {
            if let Some(from) = part_start {
                found.push(without_line_end(body.get(from..start).unwrap_or_default()));
            }
            part_start = Some(end);
            let is_last = tail.starts_with(b"--");
            if is_last || u32::try_from(found.len()).is_ok_and(|count| count >= count_max) {
                return (found, is_last);
            }
        }
        start = end;
    }
    if let Some(from) = part_start {
        found.push(body.get(from..).unwrap_or_default());
    }
    (found, false)
}

/// What follows the boundary on its line; `None` if the line is no boundary.
fn delimiter<'a>(line: &'a [u8], boundary: &[u8]) -> Option<&'a [u8]> {
    let tail = line.strip_prefix(b"--")?.strip_prefix(boundary)?;
    // The boundary of an inner multipart may begin with this one.
    let closes = tail.strip_prefix(b"--").unwrap_or(tail);
    is_blank(closes).then_some(tail)
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(u8::is_ascii_whitespace)
}

fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

/// Lines with their line ends.
struct Lines<'a>(&'a [u8]);

impl<'a> Lines<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.0.is_empty() {
            return None;
        }
        let len = memchr(b'\n', self.0).map_or(self.0.len(), |at| at + 1);
        let (line, rest) = self.0.split_at(len);
        self.0 = rest;
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::{parts, split_header};

    fn check_header(entity: &str, header: &str, body: &str) {
        assert_eq!(split_header(entity.as_bytes()), (header.as_bytes(), body.as_bytes()));
    }

    fn check_parts(body: &str, expected: &[&str], is_closed: bool) {
        let (found, closed) = parts(body.as_bytes(), b"b", 10);
        let found: Vec<_> = found.into_iter().map(|part| str::from_utf8(part).unwrap()).collect();
        assert_eq!((found.as_slice(), closed), (expected, is_closed));
    }

    #[test]
    fn headers_end_at_an_empty_line() {
        check_header("A: 1\r\n\r\nbody", "A: 1\r\n", "body");
        check_header("A: 1\n\nbody\n\n", "A: 1\n", "body\n\n");
        check_header("\r\nbody", "", "body");
        check_header("A: 1", "A: 1", "");
        check_header("", "", "");
        check_header("no field\n\nbody", "", "no field\n\nbody");
    }

    #[test]
    fn parts_lie_between_boundaries() {
        check_parts(
            "pre\r\n--b\r\none\r\n--b\r\n\r\ntwo\r\n\r\n--b--\r\npost",
            &["one", "\r\ntwo\r\n"],
            true,
        );
        check_parts("--b\none\n--b  \ntwo\n--b--", &["one", "two"], true);
        check_parts("--b\none\n--bc\ntwo\n", &["one\n--bc\ntwo\n"], false);
        check_parts("--b\n--b--", &[""], true);
        check_parts("--b--", &[], true);
        check_parts("none", &[], false);
    }
}
