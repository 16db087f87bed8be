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

/// What ends the parts of a multipart body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PartsEnd {
    /// The closing boundary.
    Closed,
    /// The end of the body, without a closing boundary: the last part may be cut.
    Missing,
    /// The end of the body within or right behind a boundary, so the part before it is whole.
    InBoundary,
    /// As many parts as were asked for; what follows is not read.
    Limit,
}

/// The parts of a multipart body, at most `count_max`, and what ends them.
/// The line end before a boundary belongs to the boundary, not to the part.
pub(super) fn parts<'a>(
    body: &'a [u8],
    boundary: &[u8],
    count_max: u32,
) -> (Vec<&'a [u8]>, PartsEnd) {
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
            if tail.starts_with(b"--") {
                return (found, PartsEnd::Closed);
            }
            if u32::try_from(found.len()).is_ok_and(|count| count >= count_max) {
                return (found, PartsEnd::Limit);
            }
        }
        start = end;
    }
    let Some(rest) = part_start.and_then(|from| body.get(from..)) else {
        return (found, PartsEnd::Missing);
    };
    if rest.is_empty() && !found.is_empty() {
        return (found, PartsEnd::InBoundary);
    }
    let line = rest.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if is_start_of_delimiter(line, boundary) {
        found.push(without_line_end(rest.strip_suffix(line).unwrap_or(rest)));
        return (found, PartsEnd::InBoundary);
    }
    found.push(rest);
    (found, PartsEnd::Missing)
}

/// Whether a last line without a line end is a boundary that was cut.
fn is_start_of_delimiter(line: &[u8], boundary: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"--").filter(|rest| !rest.is_empty()) else { return false };
    boundary.starts_with(rest) || rest.strip_suffix(b"-") == Some(boundary)
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
    use super::{PartsEnd, parts, split_header};

    fn check_header(entity: &str, header: &str, body: &str) {
        assert_eq!(split_header(entity.as_bytes()), (header.as_bytes(), body.as_bytes()));
    }

    fn check_parts(body: &str, expected: &[&str], end: PartsEnd) {
        check_parts_between("b", body, expected, end);
    }

    fn check_parts_between(boundary: &str, body: &str, expected: &[&str], end: PartsEnd) {
        let (found, found_end) = parts(body.as_bytes(), boundary.as_bytes(), 3);
        let found: Vec<_> = found.into_iter().map(|part| str::from_utf8(part).unwrap()).collect();
        assert_eq!((found.as_slice(), found_end), (expected, end));
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
            PartsEnd::Closed,
        );
        check_parts("--b\none\n--b  \ntwo\n--b--", &["one", "two"], PartsEnd::Closed);
        check_parts("--b\none\n--bc\ntwo\n", &["one\n--bc\ntwo\n"], PartsEnd::Missing);
        check_parts("--b\n--b--", &[""], PartsEnd::Closed);
        check_parts("--b--", &[], PartsEnd::Closed);
        check_parts("none", &[], PartsEnd::Missing);
        check_parts("--b\none\n--b\n", &["one"], PartsEnd::InBoundary);
        check_parts("--b\none\n--b", &["one"], PartsEnd::InBoundary);
        check_parts("--b\none\n--b-", &["one"], PartsEnd::InBoundary);
        check_parts("--b\n", &[""], PartsEnd::Missing);
        check_parts_between("bcd", "--bcd\r\n1\r\n--bc", &["1"], PartsEnd::InBoundary);
        check_parts_between("bcd", "--bcd\r\n1\r\n--", &["1\r\n--"], PartsEnd::Missing);
        check_parts("--b\n1\n--b\n2\n--b\n3\n--b--", &["1", "2", "3"], PartsEnd::Closed);
        check_parts("--b\n1\n--b\n2\n--b\n3\n--b\n4\n--b--", &["1", "2", "3"], PartsEnd::Limit);
    }
}
