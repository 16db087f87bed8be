//! Finds the attachment that an HTML body refers to by a content id or a location.

use std::collections::HashMap;

use crate::body::html::Reference;

use super::names::attachment_path;

/// One body gets at most this many bytes of paths to attachments, because a few bytes of HTML can
/// refer to an attachment with a long name.
pub const REFERENCES_BYTES_MAX: usize = 4 << 20;

/// The names of attachments by content id and by content location. If two attachments have the same
/// id or location, the first one counts.
#[derive(Debug, Default)]
pub struct References {
    by_content_id: HashMap<String, String>,
    by_location: HashMap<String, String>,
}

impl References {
    /// Adds an attachment, by its name in `attachments/`.
    pub fn insert(&mut self, content_id: Option<&str>, location: Option<&str>, name: &str) {
        let content_id = content_id.unwrap_or_default();
        let content_id = content_id.trim_start_matches('<').trim_end_matches('>');
        if !content_id.is_empty() {
            let known = self.by_content_id.entry(content_id.to_ascii_lowercase());
            known.or_insert_with(|| name.to_owned());
        }
        if let Some(location) = location.filter(|location| !location.is_empty()) {
            self.by_location.entry(location.to_owned()).or_insert_with(|| name.to_owned());
        }
    }

    /// The relative path of the attachment that a reference leads to.
    pub fn path(&self, reference: &Reference<'_>) -> Option<String> {
        let name = match reference {
            Reference::ContentId(id) => self.by_content_id.get(&id.to_ascii_lowercase()),
            Reference::ContentLocation(location) => self.by_location.get(*location),
        };
        Some(attachment_path(name?))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reference, References};

    #[test]
    fn the_first_of_equal_ones_is_meant() {
        let mut references = References::default();
        references.insert(Some("<Logo@X>"), None, "a.png");
        references.insert(Some("logo@x"), Some("http://example.org/b"), "b.png");
        references.insert(Some(""), Some(""), "c.png");
        let path = |reference| references.path(&reference);
        assert_eq!(path(Reference::ContentId("LOGO@x")).as_deref(), Some("attachments/a.png"));
        let location = Reference::ContentLocation("http://example.org/b");
        assert_eq!(path(location).as_deref(), Some("attachments/b.png"));
        assert_eq!(path(Reference::ContentId("")), None);
        assert_eq!(path(Reference::ContentLocation("")), None);
    }
}
