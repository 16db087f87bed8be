//! Changes a document so that a browser that opens it contacts nobody, and undoes these changes.
//!
//! A Content-Security-Policy stops scripts, frames, forms and everything that a page loads from
//! elsewhere. Browsers obey it only in the head, and only for what follows it, so msgfs makes it
//! the first element of the document. Some URLs of other machines look like files to a browser;
//! `remote_urls` changes them. No policy stops these tags, so they are defused: `<base>`, which
//! would turn the paths of attachments into addresses of a server; `<meta http-equiv=refresh>`; and
//! `<link>`, with which a page makes the browser connect to a server in advance. `<noscript>` is
//! defused so that its content is shown, because no script runs.
//!
//! A defused tag becomes `<bgsound msgfs-removed=NAME-tag …>`. `bgsound` has no content, may stand
//! in the head, and today's browsers ignore it. The search for such tags covers every byte of the
//! document, also comments and scripts: inside `<svg>` or `<select>`, for example, a browser may
//! see a tag where this parser sees a comment, and hostile mail makes use of that.

use memchr::memchr;

use super::decode;
use super::remote_urls;
use super::tokens::{HtmlToken, HtmlTokens, SourceText, Tag};

/// Whether a browser may load files from other machines for the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Remote {
    /// The browser loads only files that lie beside the document.
    #[default]
    Blocked,
    /// The browser loads what the document asks for. So the sender learns when the mail is read,
    /// and from where.
    Allowed,
}

/// Allows files beside the document, but no style sheet files, because nobody has checked what they
/// load. `file:` is for Firefox, where `'self'` does not include files; in other browsers `'self'`
/// means any file.
const POLICY: &str = "default-src 'none'; img-src 'self' file: data:; \
    media-src 'self' file: data:; font-src 'self' file: data:; \
    style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// Allows no files: for documents in which not all URLs of other machines can be found with
/// certainty.
const POLICY_WITHOUT_FILES: &str = "default-src 'none'; img-src data:; media-src data:; \
    font-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// Keeps browsers from looking up the host names of links before anybody clicks.
const NO_LOOKUPS: &str = "<meta http-equiv=\"x-dns-prefetch-control\" content=\"off\">";
/// Stands in the place of the policy with [`Remote::Allowed`], so that [`added`] recognises the
/// addition.
const ALLOWED: &str = "<meta name=\"msgfs\" content=\"remote=allow\">";
const CHARSET: &str = "<meta charset=utf-8>";

/// What is added to a document, and where.
pub(super) fn additions(html: &str, remote: Remote) -> (usize, String) {
    let policy = if remote_urls::is_plain(html) { POLICY } else { POLICY_WITHOUT_FILES };
    let policy = match remote {
        Remote::Blocked => format!(
            "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">{NO_LOOKUPS}"
        ),
        Remote::Allowed => String::new(),
    };
    // The addition must not move a declaration beyond the place where browsers look for it.
    let declared = decode::declares_charset(html, policy.len() + "\n".len());
    let added = match (remote, declared) {
        (Remote::Allowed, true) => String::new(),
        (Remote::Allowed, false) => format!("{ALLOWED}{CHARSET}\n"),
        (Remote::Blocked, true) => format!("{policy}\n"),
        (Remote::Blocked, false) => format!("{policy}{CHARSET}\n"),
    };
    (head_start(html), added)
}

/// Where to add the first element of the head: after the document type if only comments precede it,
/// else at the start. A browser begins the head at this element, and adds the content of the
/// document's own head to it.
fn head_start(html: &str) -> usize {
    for token in HtmlTokens::new(html) {
        match token {
            HtmlToken::Text(text) if text.trim_matches(BLANKS).is_empty() => {}
            HtmlToken::Instruction(_) | HtmlToken::Comment(_) => {}
            HtmlToken::Doctype(source) if source.text.ends_with('>') => {
                return source.start + source.text.len();
            }
            _ => break,
        }
    }
    0
}

/// What may stand before the document type: a byte order mark and white space.
const BLANKS: [char; 6] = ['\u{FEFF}', '\t', '\n', '\x0C', '\r', ' '];

/// What [`additions`] added, if this tag is the first of it.
pub(super) fn added<'a>(html: &'a str, tag: &Tag<'_>) -> Option<SourceText<'a>> {
    let has = |name, expected: &str| {
        let value = tag.attribute(name).map(|value| htmlize::unescape_attribute(value.text));
        value.is_some_and(|value| value.trim().eq_ignore_ascii_case(expected))
    };
    let is_policy = has("http-equiv", "content-security-policy")
        && [POLICY, POLICY_WITHOUT_FILES].iter().any(|policy| has("content", policy));
    let is_marker = has("name", "msgfs") && has("content", "remote=allow");
    if !tag.is("meta") || !(is_policy || is_marker) {
        return None;
    }
    let after = html.get(tag.end()..).unwrap_or_default();
    // An editor may have inserted line ends between the parts.
    let mut rest = after.trim_ascii_start().strip_prefix(NO_LOOKUPS).unwrap_or(after);
    for addition in [CHARSET, "\r", "\n"] {
        rest = rest.strip_prefix(addition).unwrap_or(rest);
    }
    let end = html.len() - rest.len();
    Some(SourceText { text: html.get(tag.start()..end)?, start: tag.start() })
}

/// What stands before and after the name of a defused tag. It has no quotes, because the tag may
/// lie inside the value of an attribute.
const DEFUSED: [&str; 2] = ["bgsound msgfs-removed=", "-tag"];

/// The name of the tag at a `<`, and its replacement, if the tag must be defused.
pub(super) fn defused(html: &str, at: usize, remote: Remote) -> Option<(&str, String)> {
    let rest = html.get(at + 1..)?;
    // A document may have such a tag itself. It is defused too, so that undoing restores it.
    let is_ours = rest.starts_with(DEFUSED[0]);
    let name = ["bgsound", "base", "meta", "link", "noscript"].iter().find_map(|name| {
        let (found, after) = rest.split_at_checked(name.len())?;
        let ends = after.starts_with(['\t', '\n', '\x0C', '\r', ' ', '/', '>']);
        (ends && found.eq_ignore_ascii_case(name)).then_some(found)
    })?;
    let is_blocked = remote == Remote::Blocked;
    let is_dangerous = match name.to_ascii_lowercase().as_str() {
        "bgsound" => is_ours,
        "base" => true,
        "noscript" => is_blocked,
        _ => is_blocked && contacts_server(rest, at + 1),
    };
    is_dangerous.then(|| (name, format!("{}{name}{}", DEFUSED[0], DEFUSED[1])))
}

/// The name of the defused tag at a `<`, and the length of its replacement.
pub(super) fn restored(html: &str, at: usize) -> Option<(&str, usize)> {
    let name = html.get(at + 1..)?.strip_prefix(DEFUSED[0])?;
    let length = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (name, after) = name.split_at_checked(length)?;
    after.starts_with(DEFUSED[1]).then(|| (name, DEFUSED[0].len() + length + DEFUSED[1].len()))
}

/// Whether a `<meta>` or `<link>` makes a browser contact a server as soon as it reads the tag.
fn contacts_server(tag: &str, start: usize) -> bool {
    // A tag is read up to the next `<` only, so that each byte is read once.
    let text = tag.get(..memchr(b'<', tag.as_bytes()).unwrap_or(tag.len())).unwrap_or_default();
    let Some(tag) = Tag::parse(SourceText { text, start }) else { return true };
    let is_link = tag.is("link");
    tag.attributes().any(|attribute| {
        let value = htmlize::unescape_attribute(attribute.value.text);
        if is_link {
            attribute.name.eq_ignore_ascii_case("rel")
                && !value.split_ascii_whitespace().all(|kind| is_one_of(kind, &QUIET_LINKS))
        } else {
            attribute.name.eq_ignore_ascii_case("http-equiv")
                && is_one_of(value.trim(), &CALLING_PRAGMAS)
        }
    })
}

fn is_one_of(found: &str, names: &[&str]) -> bool {
    names.iter().any(|name| found.eq_ignore_ascii_case(name))
}

const CALLING_PRAGMAS: [&str; 2] = ["refresh", "x-dns-prefetch-control"];

/// Kinds of links (`rel`) that the policy stops, and those of Office, which no browser follows.
const QUIET_LINKS: [&str; 13] = [
    "stylesheet",
    "icon",
    "shortcut",
    "alternate",
    "File-List",
    "Edit-Time-Data",
    "OLE-Object-Data",
    "Preview",
    "dataStoreItem",
    "themeData",
    "colorSchemeMapping",
    "Main-File",
    "Original-File",
];

#[cfg(test)]
mod tests {
    use super::super::{for_browser, undo};
    use super::{ALLOWED, CHARSET, NO_LOOKUPS, POLICY, POLICY_WITHOUT_FILES, Remote};

    fn policy() -> String {
        format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">{NO_LOOKUPS}")
    }

    fn shown(html: &str, remote: Remote) -> String {
        let shown = for_browser(html, &|_| None, remote);
        assert_eq!(undo(&shown), html, "{shown}");
        shown
    }

    fn check(html: &str, expected: &str) {
        let shown = shown(html, Remote::Blocked);
        let shown = shown.replace(POLICY_WITHOUT_FILES, POLICY);
        assert_eq!(shown.replace(&policy(), "P").replace(CHARSET, "C"), expected, "{html}");
    }

    #[test]
    fn the_policy_comes_first() {
        check("<p>a", "PC\n<p>a");
        check("", "PC\n");
        check("a<html><head>", "PC\na<html><head>");
        check(" <!DOCTYPE html>\r\n<html>", " <!DOCTYPE html>PC\n\r\n<html>");
        let xhtml = "<?xml version='1.0'?><!-- a --!><!DOCTYPE html PUBLIC \"";
        check(&format!("{xhtml}\"><html>"), &format!("{xhtml}\">PC\n<html>"));
        // A browser ends the document type at the first `>`.
        check(&format!("{xhtml}>\"><html>"), &format!("{xhtml}>PC\n\"><html>"));
        check("<!-- a <!doctype html>", "PC\n<!-- a <!doctype html>");
        check("<p><!doctype html>", "PC\n<p><!doctype html>");
        check("<!doctype", "PC\n<!doctype");
    }

    #[test]
    fn a_charset_is_added_if_none_is_declared() {
        check("<meta charset=utf-8>", "P\n<meta charset=utf-8>".replace(CHARSET, "C").as_str());
        check("<meta charset='utf-8'>\n", "P\n<meta charset='utf-8'>\n");
        check("<title><meta charset='utf-8'></title>", "PC\n<title><meta charset='utf-8'></title>");
        let far = format!("<!--{}--><meta charset='utf-8'>", " ".repeat(1000));
        check(&far, &format!("PC\n{far}"));
    }

    #[test]
    fn a_document_that_was_here_before_comes_back() {
        let once = shown("<base href=x><p>a", Remote::Blocked);
        let twice = shown(&once, Remote::Blocked);
        assert_eq!(twice.matches("Content-Security-Policy").count(), 2);
    }

    #[test]
    fn what_the_reader_allows_is_loaded() {
        assert_eq!(shown("<p>", Remote::Allowed), format!("{ALLOWED}{CHARSET}\n<p>"));
        let html = "<meta charset='utf-8'><link rel=preload><noscript>";
        assert_eq!(shown(html, Remote::Allowed), html);
        let defused = "<bgsound msgfs-removed=base-tag href=http://a/>";
        assert!(shown("<base href=http://a/>", Remote::Allowed).ends_with(defused));
    }

    #[test]
    fn what_no_policy_stops_is_defused() {
        for tag in [
            "<base href=x>",
            "<BASE\nHREF=x>",
            "<base/href=x>",
            "<meta http-equiv=refresh content='0;url=x'>",
            "<META content=x HTTP-EQUIV=' Re&#102;resh '>",
            "<meta http-equiv=x http-equiv=refresh>",
            "<meta http-equiv=X-DNS-Prefetch-Control content=on>",
            "<meta content='<' http-equiv=refresh>",
            "<meta",
            "<link rel=dns-prefetch href=//x>",
            "<link href=x rel='stylesheet preconnect'>",
            "<noscript>",
            "<bgsound msgfs-removed=base-tag href=x>",
        ] {
            let end = tag.find(|c: char| !c.is_ascii_alphabetic() && c != '<').unwrap_or(tag.len());
            let (name, rest) = tag.split_at(end);
            let name = &name[1..];
            let defused = format!("<bgsound msgfs-removed={name}-tag{rest}");
            // In places that a browser may understand in another way.
            for around in ["", "<!--", "<script>", "<svg><style>", "<a title='", "<![CDATA[><!--"] {
                let html = format!("{around}{tag}");
                if tag != "<meta" {
                    check(&html, &format!("PC\n{around}{defused}"));
                }
            }
        }
    }

    #[test]
    fn what_does_no_harm_stays() {
        for html in [
            "<meta name=viewport content=x><meta http-equiv=X-UA-Compatible content=x>",
            "<link rel='File-List' href=x><link rel=stylesheet href=x><link>",
            "<basefont><metal><linked><baseline><bgsound src=x>",
            "</noscript></base>",
            "<bgsound msgfs-removed-tag>",
        ] {
            check(html, &format!("PC\n{html}"));
        }
    }

    #[test]
    fn what_an_editor_made_of_the_addition_is_found() {
        let shown = for_browser("<p>a", &|_| None, Remote::Blocked).replace("><", ">\n  <");
        let shown = shown
            .replace("<meta http-equiv=\"Content-Security-Policy\" content=", "<META CONTENT=");
        let shown = shown.replacen("\">", "\" HTTP-EQUIV='content-security-policy' />", 1);
        let restored = undo(&shown);
        assert!(!restored.contains("default-src"), "{restored}");
        assert!(!restored.contains("prefetch"), "{restored}");
        assert!(restored.trim().ends_with("<p>a"), "{restored}");
    }
}
