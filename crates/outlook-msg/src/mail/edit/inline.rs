//! Turns the paths of attachments in an HTML body that somebody has set into `cid:` URLs.
//!
//! `body.html` contains paths (`attachments/logo.png`), but mail programs find a picture only by
//! the content id of its attachment (\[MS-OXCMSG\] 2.2.2.9).

use std::cell::RefCell;

use crate::body::html;
use crate::imsg::{MapiProp as _, MapiPropMut as _, Message};
use crate::mail::attachments::ShownAttachment;
use crate::mail::attachments::names::ATTACHMENTS;
use crate::mail::error::Error;
use crate::mapi::{Value, tags};

/// Replaces the paths of these attachments in the HTML body by `cid:` URLs. An attachment that has
/// no content id gets one.
pub fn refer(message: &Message, attachments: &[ShownAttachment]) -> Result<(), Error> {
    let Ok(Value::Binary(bytes)) = message.property(tags::PR_HTML) else { return Ok(()) };
    let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(()) };
    let given: RefCell<Vec<(u32, String)>> = RefCell::default();
    let resolve = |url: &str| {
        let path = url.strip_prefix("./").unwrap_or(url);
        let name = path.strip_prefix(ATTACHMENTS)?.strip_prefix('/')?;
        let named = |one: &&ShownAttachment| one.entry.as_ref().is_some_and(|(n, _)| n == name);
        let attachment = &attachments.iter().find(named)?.attachment;
        let content_id = match stored_content_id(attachment) {
            Some(content_id) => content_id,
            None => {
                let number = attachment.number().ok()?;
                let content_id = format!("attachment{number}@msgfs");
                given.borrow_mut().push((number, content_id.clone()));
                content_id
            }
        };
        Some(html::content_id_url(&content_id))
    };
    let restored = html::restore(text, &resolve);
    if restored == text {
        return Ok(());
    }
    for (number, content_id) in given.into_inner() {
        super::edit_part(&message.attachment(number)?, |attachment| {
            Ok::<_, Error>(
                attachment.set_property(tags::PR_ATTACH_CONTENT_ID, &Value::String(content_id))?,
            )
        })?;
    }
    Ok(message.set_property(tags::PR_HTML, &Value::Binary(restored.into_bytes()))?)
}

fn stored_content_id(attachment: &crate::imsg::Attachment) -> Option<String> {
    let stored = attachment.text(tags::PR_ATTACH_CONTENT_ID)?;
    let bare = stored.trim().trim_start_matches('<').trim_end_matches('>');
    (!bare.is_empty()).then(|| bare.to_owned())
}
