//! Edits of bodies. When one body is set, the others are rewritten or removed, unless they were set
//! together with it. Otherwise a program could show an old body (Outlook prefers RTF,
//! \[MS-OXBBODY\] 2.1.3).

use std::time::{Duration, Instant};

use crate::body::{compressed_rtf, html, rtf};
use crate::imsg::{MapiProp as _, MapiPropMut, Message};
use crate::mail::bodies::{Bodies, BodyKind};
use crate::mail::error::Error;
use crate::mail::values::text::{crlf_lines, unix_lines};
use crate::mapi::{PropertyTag, PropertyType, Value, tags};
use crate::storage::Source;

use super::body_times::Times;

/// Bodies that are set within this time belong together: none replaces another. A program that
/// copies a message sets all its bodies one after the other.
const TOGETHER: Duration = Duration::from_secs(10);

/// When the bodies of one message were set, to decide which of them a new body replaces.
#[derive(Clone, Copy, Debug)]
pub struct SetBodies {
    times: Times,
    now: Instant,
    /// Whether the message has never been saved. Then all bodies that were set in it belong
    /// together.
    is_new: bool,
}

impl SetBodies {
    pub fn new(times: Times, now: Instant, is_new: bool) -> Self {
        Self { times, now, is_new }
    }

    /// When each body was set, including the one that is being set.
    pub fn times(self) -> Times {
        self.times
    }

    fn text(&self) -> bool {
        self.is_recent(self.times.text)
    }

    fn html(&self) -> bool {
        self.is_recent(self.times.html)
    }

    fn rtf(&self) -> bool {
        self.is_recent(self.times.rtf)
    }

    /// Whether a body that was set at this time belongs together with the one that is being set.
    fn is_recent(&self, set: Option<Instant>) -> bool {
        let recent = |set| self.is_new || self.now.saturating_duration_since(set) < TOGETHER;
        set.is_some_and(recent)
    }
}

/// The code page number of UTF-8 (`PR_INTERNET_CPID`).
const UTF_8: i32 = 65001;
/// Values of `PR_NATIVE_BODY_INFO` (\[MS-OXCMSG\] 2.2.1.58.2).
const NATIVE_TEXT: i32 = 1;
const NATIVE_RTF: i32 = 2;
const NATIVE_HTML: i32 = 3;

/// Sets a body to the content of `body.txt`, `body.html` or `body.rtf`.
pub fn set(
    message: &Message,
    set: &mut SetBodies,
    file: BodyKind,
    bytes: &[u8],
) -> Result<(), Error> {
    match file {
        BodyKind::Html => set_html(message, set, bytes)?,
        BodyKind::Rtf => set_rtf(message, set, bytes)?,
        BodyKind::Text => {
            let text = super::utf8(bytes)?;
            if has_words(message, text) {
                set.times.text = Some(set.now);
                return put_text(message, &unix_lines(text));
            }
            set_text(message, set, text)?;
        }
    }
    let native = if set.html() {
        NATIVE_HTML
    } else if set.rtf() {
        NATIVE_RTF
    } else {
        NATIVE_TEXT
    };
    Ok(message.set_property(tags::PR_NATIVE_BODY_INFO, &Value::Integer32(native))?)
}

/// Whether a property is a body.
pub fn is_body(tag: PropertyTag) -> bool {
    let bodies = [tags::PR_BODY, tags::PR_HTML, tags::PR_RTF_COMPRESSED];
    bodies.iter().any(|body| body.id() == tag.id())
}

/// Whether the formatted body stays when this property is set to these bytes.
pub fn keeps_formatting(
    message: &Message,
    tag: PropertyTag,
    bytes: &Source,
) -> Result<bool, Error> {
    if tag.id() != tags::PR_BODY.id() {
        return Ok(false);
    }
    Ok(has_words(message, super::utf8(&super::text(bytes)?)?))
}

/// Rewrites or removes the other bodies after somebody has set the property `tag` of one body.
pub fn update_other_bodies(
    message: &Message,
    set: &mut SetBodies,
    tag: PropertyTag,
    keeps_formatting: bool,
) -> Result<(), Error> {
    let now = Some(set.now);
    let is = |body: PropertyTag| tag.id() == body.id();
    if is(tags::PR_BODY) {
        set.times.text = now;
    } else if is(tags::PR_HTML) {
        (set.times.html, set.times.has_paths) = (now, false);
    } else {
        set.times.rtf = now;
    }
    if keeps_formatting {
        return Ok(());
    }
    if !set.html() {
        drop_html(message)?;
    }
    if !set.rtf() {
        super::delete(message, tags::PR_RTF_COMPRESSED)?;
    }
    if !set.text() {
        super::delete(message, tags::PR_BODY)?;
        let bodies = Bodies::new(message);
        // The text would be saved without its end.
        if let Some(cut) = bodies.cut_off() {
            return Err(Error::invalid(&cut));
        }
        let text = bodies.text();
        put_text(message, &text.unwrap_or_default())?;
    }
    super::delete(message, tags::PR_NATIVE_BODY_INFO)
}

/// Whether a body is not stored but made from another one, so that it cannot be removed.
pub fn is_made(message: &Message, file: BodyKind) -> bool {
    file == BodyKind::Text
        && !Bodies::new(message).has_stored_text()
        && Bodies::new(message).has_text()
}

/// Removes a body, and the property from which it is made, unless another body needs that.
pub fn remove(message: &Message, file: BodyKind) -> Result<(), Error> {
    let has_rtf = Bodies::new(message).has_rtf();
    match file {
        BodyKind::Html => {
            drop_html(message)?;
            // The HTML body may be inside of the RTF.
            if !has_rtf {
                super::delete(message, tags::PR_RTF_COMPRESSED)?;
            }
        }
        BodyKind::Rtf => {
            if has_rtf {
                super::delete(message, tags::PR_RTF_COMPRESSED)?;
            }
        }
        BodyKind::Text => super::delete(message, tags::PR_BODY)?,
    }
    super::delete(message, tags::PR_NATIVE_BODY_INFO)
}

/// Whether a text has the same words as the formatted body, or as the plain text that is shown now.
/// Then it says nothing new, and the formatted body stays.
fn has_words(message: &Message, text: &str) -> bool {
    let bodies = Bodies::new(message);
    let has = |other: Option<String>| {
        other.is_some_and(|other| text.split_whitespace().eq(other.split_whitespace()))
    };
    (bodies.has_html() || bodies.has_rtf()) && (has(bodies.formatted_text()) || has(bodies.text()))
}

fn set_text(message: &Message, set: &mut SetBodies, text: &str) -> Result<(), Error> {
    put_text(message, &unix_lines(text))?;
    set.times.text = Some(set.now);
    if !set.html() {
        drop_html(message)?;
    }
    if !set.rtf() {
        super::delete(message, tags::PR_RTF_COMPRESSED)?;
    }
    Ok(())
}

fn set_html(message: &Message, set: &mut SetBodies, bytes: &[u8]) -> Result<(), Error> {
    let html = html::undo(super::utf8(bytes)?);
    super::delete(message, tags::PR_BODY_HTML)?;
    keep_code_page(message)?;
    message.set_property(tags::PR_HTML, &Value::Binary(html.clone().into_bytes()))?;
    message.set_property(tags::PR_INTERNET_CPID, &Value::Integer32(UTF_8))?;
    (set.times.html, set.times.has_paths) = (Some(set.now), true);
    if !set.rtf() {
        super::delete(message, tags::PR_RTF_COMPRESSED)?;
    }
    if !set.text() {
        put_text(message, &html::to_text(&html, &|_| None))?;
    }
    Ok(())
}

/// States the code page of the 8-bit strings of a message, if only `PR_INTERNET_CPID` states it,
/// which is about to become that of the HTML body. Strings in ASCII are the same in every page.
fn keep_code_page(message: &Message) -> Result<(), Error> {
    let (set, strings) = message.property_set()?;
    let is_8_bit = |tag: &PropertyTag| tag.property_type() == PropertyType::STRING8;
    let mut tags = set.properties().iter().map(|one| one.tag).filter(is_8_bit);
    let is_asked = |tag| message.text(tag).is_some_and(|text| !text.is_ascii());
    if set.get(tags::PR_MESSAGE_CODEPAGE).is_some() || !tags.any(is_asked) {
        return Ok(());
    }
    let page = strings.code_page().number().cast_signed();
    Ok(message.set_property(tags::PR_MESSAGE_CODEPAGE, &Value::Integer32(page))?)
}

fn set_rtf(message: &Message, set: &mut SetBodies, bytes: &[u8]) -> Result<(), Error> {
    if !bytes.starts_with(b"{\\rtf") {
        return Err(Error::invalid("RTF, which begins with {\\rtf"));
    }
    let compressed = compressed_rtf::compress(bytes);
    message.set_property(tags::PR_RTF_COMPRESSED, &Value::Binary(compressed))?;
    message.set_property(tags::PR_RTF_IN_SYNC, &Value::Boolean(true))?;
    set.times.rtf = Some(set.now);
    if !set.html() {
        drop_html(message)?;
    }
    if !set.text() {
        put_text(message, &rtf::to_text(bytes, usize::MAX).text)?;
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
