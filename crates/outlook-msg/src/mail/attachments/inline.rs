//! Finds out which attachments the HTML body shows; most of them are pictures.

use std::collections::HashSet;

use crate::body::html::Reference;
use crate::imsg::{Attachment, MapiProp as _};
use crate::mapi::tags;

/// `PR_ATTACH_FLAGS`: the HTML body refers to it (`attRenderedInBody`).
const RENDERED_IN_BODY: i32 = 4;

/// What an HTML body refers to: content ids, in lower case, and content locations.
#[derive(Debug, Default)]
pub(in crate::mail) struct Referred {
    content_ids: HashSet<String>,
    locations: HashSet<String>,
}

impl Referred {
    pub(in crate::mail) fn insert(&mut self, reference: Reference<'_>) {
        match reference {
            Reference::ContentId(id) => self.content_ids.insert(id.to_lowercase()),
            Reference::ContentLocation(location) => self.locations.insert(location.to_owned()),
        };
    }
}

/// Whether the HTML body shows an attachment.
pub(in crate::mail) fn is_inline(attachment: &Attachment, referred: &Referred) -> bool {
    let is_rendered = || {
        attachment.integer(tags::PR_ATTACH_FLAGS).is_some_and(|flags| flags & RENDERED_IN_BODY != 0)
    };
    let has_location = || {
        let location = attachment.text(tags::PR_ATTACH_CONTENT_LOCATION);
        location.is_some_and(|location| referred.locations.contains(&location))
    };
    match content_id(attachment) {
        Some(id) if referred.content_ids.contains(&id.to_lowercase()) => true,
        Some(_) if is_rendered() => true,
        _ => has_location(),
    }
}

/// The content id without angle brackets, if there is one.
pub(in crate::mail) fn content_id(attachment: &Attachment) -> Option<String> {
    let id = crate::mail::values::text::one_line(&attachment.text(tags::PR_ATTACH_CONTENT_ID)?);
    let id = id.trim().trim_start_matches('<').trim_end_matches('>');
    (!id.is_empty()).then(|| id.to_owned())
}
