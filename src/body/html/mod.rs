//! HTML bodies: decoding, rewriting, plain text.
//!
//! Knows nothing of where the HTML came from, or of what is attached to the message.

use crate::mapi::CodePage;

/// A reference of a document to something outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference<'a> {
    /// The content id of a `cid:` URL, percent-escapes decoded, without `<>`.
    ContentId(&'a str),
    /// Any other URL, which may be the content location of an attachment.
    ContentLocation(&'a str),
}

/// Decodes `PR_HTML`.
pub fn decode(bytes: &[u8], _internet_code_page: Option<u32>, ansi: CodePage) -> String {
    ansi.decode(bytes).into_owned()
}

/// Rewrites references and the declared charset.
pub fn rewrite(html: &str, _resolve: &dyn Fn(Reference<'_>) -> Option<String>) -> String {
    html.to_owned()
}

/// Makes readable plain text of HTML.
pub fn to_text(html: &str) -> String {
    html.to_owned()
}
