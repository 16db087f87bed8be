//! The media types of attachments.

use crate::imsg::{Attachment, MapiProp as _};
use crate::mapi::tags;

/// The type of an unknown file.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// The type of an attachment: the stored one, else the usual one for the extension of its name.
pub(in crate::mail) fn media_type(attachment: &Attachment, name: &str) -> String {
    let stored = attachment.text(tags::PR_ATTACH_MIME_TAG).unwrap_or_default();
    stored_type(&stored).unwrap_or_else(|| by_extension(name).to_owned())
}

/// The stored type, if it is valid for a part in base64. RFC 2046 section 5 allows no base64 for
/// multiparts and messages.
fn stored_type(stored: &str) -> Option<String> {
    let media_type = stored.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (kind, subtype) = media_type.split_once('/')?;
    let is_token = |text: &str| {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let is_leaf = is_token(kind) && is_token(subtype) && !["multipart", "message"].contains(&kind);
    is_leaf.then_some(media_type)
}

/// The usual type for the extension of a file name.
pub fn by_extension(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "bmp" => "image/bmp",
        "csv" => "text/csv",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "emf" => "image/emf",
        "gif" => "image/gif",
        "htm" | "html" => "text/html",
        "ics" => "text/calendar",
        "jpe" | "jpeg" | "jpg" => "image/jpeg",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "msg" => "application/vnd.ms-outlook",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "rtf" => "application/rtf",
        "svg" => "image/svg+xml",
        "tif" | "tiff" => "image/tiff",
        "txt" => "text/plain",
        "vcf" => "text/vcard",
        "wav" => "audio/wav",
        "wmf" => "image/wmf",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xml" => "text/xml",
        "zip" => "application/zip",
        _ => OCTET_STREAM,
    }
}

#[cfg(test)]
mod tests {
    use super::stored_type;

    #[test]
    fn only_the_type_of_a_leaf_is_taken() {
        let check = |stored, expected: Option<&str>| {
            assert_eq!(stored_type(stored).as_deref(), expected, "{stored:?}");
        };
        check("image/PNG", Some("image/png"));
        check("text/plain; charset=x", Some("text/plain"));
        check("multipart/signed", None);
        check("message/rfc822", None);
        check("image", None);
        check("a/b\r\nX: y", None);
        check("", None);
    }
}
