//! Links in plain text: decides whether the URL of a link must be shown beside its text.

/// Whether the text of a link differs from its URL, so that the URL must be shown beside it.
pub(super) fn differs(shown: &str, url: &str) -> bool {
    bare(shown.trim()) != bare(url)
}

/// A URL without its scheme and the `/` at its end, which people leave out in text.
fn bare(url: &str) -> &str {
    const SCHEMES: [&str; 5] = ["http://", "https://", "mailto:", "tel:", "file://"];
    let scheme = SCHEMES.iter().find(|scheme| starts_with(url, scheme));
    url.get(scheme.map_or(0, |scheme| scheme.len())..).unwrap_or(url).trim_end_matches('/')
}

/// Whether a URL starts with `start`, in upper or lower case.
pub(super) fn starts_with(url: &str, start: &str) -> bool {
    url.get(..start.len()).is_some_and(|found| found.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::differs;

    fn check(shown: &str, url: &str, expected: bool) {
        assert_eq!(differs(shown, url), expected, "{shown} {url}");
    }

    #[test]
    fn what_a_url_is_written_as() {
        check(" http://a.org/x ", "http://a.org/x", false);
        check("www.a.org", "http://www.a.org/", false);
        check("a@b.org", "MAILTO:a@b.org", false);
        check("+49 1", "tel:+49 1", false);
        check("a.org", "http://b.org", true);
        check("here", "http://a.org", true);
        check("\u{E9}", "\u{E9}\u{E9}://", true);
    }
}
