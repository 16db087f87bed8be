//! Finds URLs with which a document in a folder would make the browser contact another machine.
//!
//! The Content-Security-Policy (`policy`) allows files, because the attachments beside a document
//! are files. But for a browser on Windows `//server/share/x.png` is a file too: the browser asks
//! the server, and the server learns who opens the mail. The same holds for
//! `file://server/share/x.png`, and perhaps for `/%5Cserver/share/x.png`. No reference to an
//! attachment begins like this, so msgfs puts a scheme that no browser knows before such a URL.

use super::tokens::{Attribute, Tag};

/// Stands before such a URL in a style sheet, and before the name of an attribute that has such a
/// URL.
pub(super) const MARK: &str = "msgfs-blocked:";

/// Whether browsers find the tags of a document in the same places as [`super::tokens`] does.
/// Inside the elements `OTHER`, and in the attribute `srcdoc` of a frame, they follow other rules.
pub(super) fn is_plain(html: &str) -> bool {
    const OTHER: [&[u8]; 5] = [b"svg", b"math", b"select", b"frameset", b"iframe"];
    let bytes = html.as_bytes();
    !memchr::memchr_iter(b'<', bytes).any(|at| {
        let after = bytes.get(at + 1..).unwrap_or_default();
        let is = |name: &&[u8]| {
            after.get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name))
        };
        OTHER.iter().any(is)
    })
}

/// Whether a browser would load something from outside the folder because of an attribute.
pub(super) fn loads_remote(tag: &Tag<'_>, attribute: &Attribute<'_>) -> bool {
    let is = |name: &str| attribute.name.eq_ignore_ascii_case(name);
    if WORDS.iter().any(|name| is(name)) {
        return false;
    }
    // A link is followed only if somebody clicks on it.
    if is("href") && (tag.is("a") || tag.is("area")) {
        return false;
    }
    let value = htmlize::unescape_attribute(attribute.value.text);
    if is("style") {
        return url_starts(&value).any(|at| begins_remote_in_css(&value, at));
    }
    if is("srcset") || is("imagesrcset") {
        return value.split([',', ' ', '\t', '\n', '\x0C', '\r']).any(begins_remote);
    }
    begins_remote(&value)
}

/// Attributes whose value a browser shows or searches, but never loads.
const WORDS: [&str; 10] =
    ["alt", "title", "id", "name", "class", "value", "content", "summary", "label", "placeholder"];

/// The byte positions after each quote and each `(` of a style sheet. A URL can begin only there.
pub(super) fn url_starts(css: &str) -> impl Iterator<Item = usize> {
    memchr::memchr3_iter(b'(', b'"', b'\'', css.as_bytes()).map(|at| at + 1)
}

/// Whether a URL to another machine begins there in a style sheet.
pub(super) fn begins_remote_in_css(css: &str, at: usize) -> bool {
    begins(Unescaped { css: css.get(at..).unwrap_or_default().chars() })
}

fn begins_remote(url: &str) -> bool {
    begins(url.chars())
}

fn begins(url: impl Iterator<Item = char>) -> bool {
    // Browsers ignore tabs and line ends in a URL, and control characters and blanks before it
    // (WHATWG URL 4.4).
    let mut url = url.filter(|c| !matches!(c, '\t' | '\n' | '\r')).skip_while(|c| *c <= ' ');
    match url.next() {
        // Two slashes or backslashes begin the name of a machine. `/*` begins a comment in a style
        // sheet, and is no path to another machine.
        Some('/' | '\\') => url.next() != Some('*'),
        Some(first @ ('f' | 'F')) => {
            let scheme = std::iter::once(first).chain(url).map(|c| c.to_ascii_lowercase());
            scheme.take("file:".len()).eq("file:".chars())
        }
        _ => false,
    }
}

/// The characters of a style sheet, with its escapes decoded (CSS Syntax 4.3.7).
struct Unescaped<'a> {
    css: std::str::Chars<'a>,
}

impl Iterator for Unescaped<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let first = self.css.next()?;
        if first != '\\' {
            return Some(first);
        }
        let text = self.css.as_str();
        let digits = text.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        let Some((digits, rest)) = text.split_at_checked(digits).filter(|(d, _)| !d.is_empty())
        else {
            // Any other escaped character stands for itself; an escaped line end stands for
            // nothing.
            return self.css.next().or(Some(first));
        };
        let rest = match rest.as_bytes() {
            [b'\r', b'\n', ..] => rest.get(2..),
            [b' ' | b'\t' | b'\n' | b'\x0C' | b'\r', ..] => rest.get(1..),
            _ => Some(rest),
        };
        self.css = rest.unwrap_or_default().chars();
        let code = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
        Some(code.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Reference, Remote, for_browser, undo};
    use super::MARK;

    /// The body as a browser gets it, without the first line, which is added.
    fn shown(html: &str) -> String {
        let shown = for_browser(html, &|_| None, Remote::Blocked);
        assert_eq!(undo(&shown), html, "{shown}");
        shown.split_once('\n').unwrap().1.to_owned()
    }

    fn check(html: &str, expected: &str) {
        assert_eq!(shown(html), expected.replace('§', MARK), "{html}");
    }

    #[test]
    fn urls_of_other_machines_are_blocked() {
        for url in [
            "//host/x.png",
            "\\\\host\\x.png",
            "/\\host/x.png",
            "\\/host/x.png",
            " \t//host/x",
            "\u{1}//host/x",
            "/\n/host/x",
            "file://host/x",
            "FILE:////host/x",
            "file:x",
            "/%5Chost/x",
            "&#47;&#x2f;host/x",
            "&sol;&bsol;host/x",
            "&Tab;//host/x",
            "&#102;ile&colon;//host/x",
        ] {
            check(&format!("<img src=\"{url}\">"), &format!("<img §src=\"{url}\">"));
            check(
                &format!("<img srcset='a 1x, {url} 2x'>"),
                &format!("<img §srcset='a 1x, {url} 2x'>"),
            );
        }
        check("<img src='fi\tle:\\\\host\\x'>", "<img §src='fi\tle:\\\\host\\x'>");
        check("<img/src=//h/x alt=a>", "<img/§src=//h/x alt=a>");
        check("<td BACKGROUND=//h/x>", "<td §BACKGROUND=//h/x>");
        check("<video poster='//h/x' src=a>", "<video §poster='//h/x' src=a>");
        check("<link rel=icon href=//h/x>", "<link rel=icon §href=//h/x>");
        check("<input type=image src=//h/x>", "<input type=image §src=//h/x>");
        check("<img src=a src=//h/x>", "<img src=a §src=//h/x>");
        check("<img =src=//h/x =//h/x>", "<img §=src=//h/x =//h/x>");
    }

    #[test]
    fn style_sheets_of_other_machines_are_blocked() {
        for url in [
            "//host/x",
            " //host/x",
            "\\\\host\\x",
            "\\2f\\2fhost/x",
            "\\00002f /host/x",
            "\\/\\/host/x",
            "/\\\n/host/x",
            "\\66 ile://host/x",
            "\\46\r\nILE:x",
            "f\\i\\l\\65://host/x",
        ] {
            check(
                &format!("<style>a{{b:url({url})}}</style>"),
                &format!("<style>a{{b:url(§{url})}}</style>"),
            );
            check(
                &format!("<style>@import '{url}';</style>"),
                &format!("<style>@import '§{url}';</style>"),
            );
            check(
                &format!("<p style=\"b:u\\72l({url})\">"),
                &format!("<p §style=\"b:u\\72l({url})\">"),
            );
        }
        check(
            "<style>a{b:image-set(\"//h/x\" 1x)}</style>",
            "<style>a{b:image-set(\"§//h/x\" 1x)}</style>",
        );
        check("<style>url(x url(//h/x)</style>", "<style>url(x url(§//h/x)</style>");
        check("<style>url(\"x url(//h/x)</style>", "<style>url(\"x url(§//h/x)</style>");
        check(
            "<p style='b:url(&quot;&#92;2f /h/x&quot;)'>",
            "<p §style='b:url(&quot;&#92;2f /h/x&quot;)'>",
        );
    }

    #[test]
    fn what_lies_beside_the_document_stays() {
        for html in [
            "<img src='attachments/a.png' alt='//server/share' title='file://x'>",
            "<a href='file://server/share/plan.doc'>\\\\server\\share</a><area href=//h/x>",
            "<img src='http://h//x'><img src='x//y'><img src=../x><img src=filex>",
            "<style>p{font:12px/1.5 \"Arial\" /* a */;b:url(a//b)}q{c:calc((1px)/2)}</style>",
            "<p style='font:12px / 14px \"\\@SimSun\"'>// file://x</p>",
            "<!-- <img src=//h/x> --><script>'//h/x'</script><title>//h</title>",
            "</p src=//h/x>",
            "<p charset=\"\"></p>",
        ] {
            check(html, html);
        }
    }

    #[test]
    fn marks_that_come_with_a_mail_come_back() {
        for html in [
            "msgfs-blocked:",
            "msgfs-blocked:msgfs-blocked:x msgfs-blocked:",
            "<img msgfs-blocked:src=//h/x><img src='msgfs-blocked://h/x'>",
            "<style>url(msgfs-blocked:msgfs-blocked://h/x) url(//h/x)</style>",
            "<img msgfs-src=//h/xblocked:=a><base/src=//h/x>",
        ] {
            shown(html);
        }
    }

    #[test]
    fn a_document_whose_tags_are_not_certain_loads_no_file() {
        let policy = |html: &str| {
            let shown = for_browser(html, &|_| None, Remote::Blocked);
            assert_eq!(undo(&shown), html, "{shown}");
            shown.split_once('\n').unwrap().0.to_owned()
        };
        assert!(policy("<p>a").contains("img-src 'self' file: data:;"));
        for html in [
            "<svg><style><img alt=\"</style> src=\"//h/x\">",
            "<MATH><mi//><title><img src='</title>//h/x'>",
            "<select><textarea><img src=//h/x></textarea>",
            "<iframe srcdoc='<img src=&amp;#47;/h/x>'>",
            "<frameset><title><frame src=//h/x>",
        ] {
            let policy = policy(html);
            assert!(policy.contains("img-src data:;"), "{policy}");
            assert!(!policy.contains("file:") && !policy.contains("'self'"), "{policy}");
        }
        // No style sheet is loaded: what it loads itself is not known.
        assert!(policy("<p>").contains("style-src 'unsafe-inline';"));
    }

    #[test]
    fn a_picture_that_is_attached_is_shown_whatever_it_was_called() {
        let resolve = |reference: Reference<'_>| match reference {
            Reference::ContentLocation("file:///C:/x.png" | "//h/y.png") => {
                Some("attachments/x.png".to_owned())
            }
            _ => None,
        };
        let html = "<img src='file:///C:/x.png'><style>a{b:url(//h/y.png)}</style>";
        let shown = for_browser(html, &resolve, Remote::Blocked);
        let expected = "<img src='attachments/x.png'><style>a{b:url(attachments/x.png)}</style>";
        assert!(shown.ends_with(expected), "{shown}");
        let charset = for_browser("<meta charset=\\\"x\">", &resolve, Remote::Blocked);
        assert!(charset.ends_with("<meta charset=utf-8>"), "{charset}");
        let allowed = for_browser("<img src=//h/x>", &|_| None, Remote::Allowed);
        assert!(allowed.ends_with("<img src=//h/x>"), "{allowed}");
    }
}
