//! The bodies: setting one rewrites or drops those that were not set with it, so that no program
//! shows the old text (\[MS-OXBBODY\] 2.1.3; Outlook prefers RTF).

use crate::body::{compressed_rtf, html, rtf};
use crate::imsg::{MapiPropMut, Message};
use crate::mapi::{PropertyTag, Value, tags};

use super::super::bodies::Bodies;
use super::super::error::Error;
use super::super::reader::ReaderFile;
use super::super::text::unix_lines;
use super::reader::crlf_lines;

/// The bodies of one message set since it was saved.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SetBodies {
    text: bool,
    html: bool,
    rtf: bool,
    /// Whether the HTML refers to attachments by their paths, as it is shown.
    pub(super) has_paths: bool,
}

/// The code page number of UTF-8 (`PR_INTERNET_CPID`).
const UTF_8: i32 = 65001;
/// Values of `PR_NATIVE_BODY_INFO` (\[MS-OXCMSG\] 2.2.1.58.2).
const NATIVE_TEXT: i32 = 1;
const NATIVE_RTF: i32 = 2;
const NATIVE_HTML: i32 = 3;

/// Sets a body, in the form in which the reader's view shows it.
pub(super) fn set(
    message: &Message,
    set: &mut SetBodies,
    file: ReaderFile,
    bytes: &[u8],
) -> Result<(), Error> {
    match file {
        ReaderFile::BodyHtml => set_html(message, set, bytes)?,
        ReaderFile::BodyRtf => set_rtf(message, set, bytes)?,
        _ => set_text(message, set, super::utf8(bytes)?)?,
    }
    let native = match set {
        SetBodies { html: true, .. } => NATIVE_HTML,
        SetBodies { rtf: true, .. } => NATIVE_RTF,
        _ => NATIVE_TEXT,
    };
    Ok(message.set_property(tags::PR_NATIVE_BODY_INFO, &Value::Integer32(native))?)
}

/// Has the other bodies follow one that was set as the property it is.
pub(super) fn follow(
    message: &Message,
    set: &mut SetBodies,
    tag: PropertyTag,
) -> Result<(), Error> {
    let is = |body: PropertyTag| tag.id() == body.id();
    if is(tags::PR_BODY) {
        set.text = true;
    } else if is(tags::PR_HTML) {
        (set.html, set.has_paths) = (true, false);
    } else if is(tags::PR_RTF_COMPRESSED) {
        set.rtf = true;
    } else {
        return Ok(());
    }
    if !set.html {
        drop_html(message)?;
    }
    if !set.rtf {
        super::delete(message, tags::PR_RTF_COMPRESSED)?;
    }
    if !set.text {
        super::delete(message, tags::PR_BODY)?;
        let text = Bodies::new(message).text();
        put_text(message, &text.unwrap_or_default())?;
    }
    super::delete(message, tags::PR_NATIVE_BODY_INFO)
}

/// Removes a body, and what it is made of if nothing else needs that.
pub(super) fn remove(
    message: &Message,
    set: &mut SetBodies,
    file: ReaderFile,
) -> Result<(), Error> {
    let has_rtf = Bodies::new(message).has_rtf();
    match file {
        ReaderFile::BodyHtml => {
            (set.html, set.has_paths) = (false, false);
            drop_html(message)?;
            // An HTML body may lie inside the RTF.
            if !has_rtf {
                super::delete(message, tags::PR_RTF_COMPRESSED)?;
            }
        }
        ReaderFile::BodyRtf => {
            set.rtf = false;
            if has_rtf {
                super::delete(message, tags::PR_RTF_COMPRESSED)?;
            }
        }
        _ => {
            set.text = false;
            super::delete(message, tags::PR_BODY)?;
        }
    }
    super::delete(message, tags::PR_NATIVE_BODY_INFO)
}

fn set_text(message: &Message, set: &mut SetBodies, text: &str) -> Result<(), Error> {
    put_text(message, &unix_lines(text))?;
    set.text = true;
    if !set.html {
        drop_html(message)?;
    }
    if !set.rtf {
        super::delete(message, tags::PR_RTF_COMPRESSED)?;
    }
    Ok(())
}

fn set_html(message: &Message, set: &mut SetBodies, bytes: &[u8]) -> Result<(), Error> {
    let html = html::undo(super::utf8(bytes)?);
    super::delete(message, tags::PR_BODY_HTML)?;
    message.set_property(tags::PR_HTML, &Value::Binary(html.clone().into_bytes()))?;
    message.set_property(tags::PR_INTERNET_CPID, &Value::Integer32(UTF_8))?;
    (set.html, set.has_paths) = (true, true);
    if !set.rtf {
        super::delete(message, tags::PR_RTF_COMPRESSED)?;
    }
    if !set.text {
        put_text(message, &html::to_text(&html, &|_| None))?;
    }
    Ok(())
}

fn set_rtf(message: &Message, set: &mut SetBodies, bytes: &[u8]) -> Result<(), Error> {
    if !bytes.starts_with(b"{\\rtf") {
        return Err(Error::invalid("RTF, which begins with {\\rtf"));
    }
    let compressed = compressed_rtf::compress(bytes);
    message.set_property(tags::PR_RTF_COMPRESSED, &Value::Binary(compressed))?;
    message.set_property(tags::PR_RTF_IN_SYNC, &Value::Boolean(true))?;
    set.rtf = true;
    if !set.html {
        drop_html(message)?;
    }
    if !set.text {
        put_text(message, &rtf::to_text(bytes))?;
    }
    Ok(())
}

fn put_text(message: &Message, text: &str) -> Result<(), Error> {
    Ok(message.set_property(tags::PR_BODY, &Value::String(crlf_lines(text)))?)
}

fn drop_html(message: &Message) -> Result<(), Error> {
    super::delete(message, tags::PR_HTML)?;
    super::delete(message, tags::PR_BODY_HTML)
}
