//! A person or a company as a vCard 3.0 (\[MS-OXVCARD\] 2.1.3, RFC 2426).

use crate::imsg::{AttachMethod, Attachment, MapiProp as _, Note};
use crate::mail::bodies::{Bodies, BodyKind};
use crate::mail::calendar::content_lines::{ContentLine, ContentLines, escaped};
use crate::mail::calendar::ics::utc;
use crate::mail::values::base64;
use crate::mail::values::marks::{self, Sensitivity};
use crate::mail::values::named::{PID_NAME_KEYWORDS, Values, lid};
use crate::mail::values::text::unix_lines_of;
use crate::mapi::{FileTime, PropertyType, Value, tags};

use super::addresses;

/// A picture with more bytes is left out of the card, where base64 would make it a third larger.
const BINARY_BYTES_MAX: u64 = 16 << 20;

/// The value of FN, which every card must have: the display name, or what can replace it.
pub(super) fn name(values: Values<'_>) -> Option<String> {
    let joined = || {
        let parts = [
            tags::PR_DISPLAY_NAME_PREFIX,
            tags::PR_GIVEN_NAME,
            tags::PR_MIDDLE_NAME,
            tags::PR_SURNAME,
            tags::PR_GENERATION,
        ];
        let parts: Vec<_> = parts.into_iter().filter_map(|tag| values.text(tag)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    values
        .text(tags::PR_DISPLAY_NAME)
        .or_else(|| values.text(tags::PR_NORMALIZED_SUBJECT))
        .or_else(|| values.text(tags::PR_SUBJECT))
        .or_else(joined)
        .or_else(|| values.text(lid::FILE_UNDER))
        .or_else(|| values.text(tags::PR_COMPANY_NAME))
        .or_else(|| addresses::emails(values).next())
}

/// Writes a contact; `None` if it has no name.
pub(super) fn write(lines: &mut ContentLines, values: Values<'_>) -> Option<()> {
    let name = name(values)?;
    lines.put("VERSION", "3.0");
    lines.put("PRODID", "-//msgfs//msgfs//EN");
    lines.text("FN", Some(&name));
    write_name(lines, values);
    write_organization(lines, values);
    addresses::write(lines, values);
    write_pages(lines, values);
    write_dates(lines, values);
    write_family(lines, values);
    if let Some(photo) = photo(values) {
        lines.line(photo);
    }
    write_rest(lines, values);
    Some(())
}

/// What people are shown of a contact: named lines.
pub(super) fn shown(values: Values<'_>) -> Vec<(&'static str, Vec<String>)> {
    let one = |tag| values.text(tag).into_iter().collect::<Vec<_>>();
    let (birthday, anniversary) = dates(values);
    vec![
        ("Name", name(values).into_iter().collect()),
        ("Nickname", one(tags::PR_NICKNAME)),
        ("Company", one(tags::PR_COMPANY_NAME)),
        ("Department", one(tags::PR_DEPARTMENT_NAME)),
        ("Office", one(tags::PR_OFFICE_LOCATION)),
        ("Title", one(tags::PR_TITLE)),
        ("Profession", one(tags::PR_PROFESSION)),
        ("Manager", one(tags::PR_MANAGER_NAME)),
        ("Assistant", one(tags::PR_ASSISTANT)),
        ("Mail", addresses::emails(values).collect()),
        ("IM", values.text(lid::INSTANT_MESSAGING_ADDRESS).into_iter().collect()),
        ("Telephone", addresses::telephones(values)),
        ("Address", addresses::postal_addresses(values)),
        ("Web", [tags::PR_BUSINESS_HOME_PAGE, tags::PR_PERSONAL_HOME_PAGE].map(one).concat()),
        ("Birthday", birthday.into_iter().collect()),
        ("Anniversary", anniversary.into_iter().collect()),
        ("Spouse", one(tags::PR_SPOUSE_NAME)),
    ]
}

fn write_name(lines: &mut ContentLines, values: Values<'_>) {
    let parts = [
        tags::PR_SURNAME,
        tags::PR_GIVEN_NAME,
        tags::PR_MIDDLE_NAME,
        tags::PR_DISPLAY_NAME_PREFIX,
        tags::PR_GENERATION,
    ];
    let parts = parts.map(|tag| values.text(tag).unwrap_or_default());
    // A card must have N (RFC 2426 3.1.2), even if no part of the name is known.
    lines.line(ContentLine::new("N").parts(&parts.each_ref().map(String::as_str)));
    lines.text("NICKNAME", values.text(tags::PR_NICKNAME).as_deref());
}

fn write_organization(lines: &mut ContentLines, values: Values<'_>) {
    let company = values.text(tags::PR_COMPANY_NAME);
    let department = values.text(tags::PR_DEPARTMENT_NAME);
    if company.is_some() || department.is_some() {
        let company = company.unwrap_or_default();
        let line = ContentLine::new("ORG");
        lines.line(match &department {
            Some(department) => line.parts(&[&company, department]),
            None => line.parts(&[&company]),
        });
    }
    lines.text("TITLE", values.text(tags::PR_TITLE).as_deref());
    lines.text("ROLE", values.text(tags::PR_PROFESSION).as_deref());
}

fn write_pages(lines: &mut ContentLines, values: Values<'_>) {
    let home = values.text(tags::PR_PERSONAL_HOME_PAGE);
    let work = values.text(tags::PR_BUSINESS_HOME_PAGE);
    let page = values.text(lid::HTML).filter(|page| Some(page) != work.as_ref());
    for (types, page) in [("HOME", home), ("WORK", work), ("PREF", page)] {
        if let Some(page) = page {
            lines.line(addresses::typed("URL", types).value(page.trim()));
        }
    }
    lines.text("X-MS-IMADDRESS", values.text(lid::INSTANT_MESSAGING_ADDRESS).as_deref());
    if let Some(place) = values.text(lid::FREE_BUSY_LOCATION) {
        lines.put("FBURL", place.trim());
    }
}

fn write_dates(lines: &mut ContentLines, values: Values<'_>) {
    let (birthday, anniversary) = dates(values);
    lines.text("BDAY", birthday.as_deref());
    lines.text("X-MS-ANNIVERSARY", anniversary.as_deref());
}

/// The days of birth and of the wedding.
fn dates(values: Values<'_>) -> (Option<String>, Option<String>) {
    // The local properties have the day that the user typed; the other properties have its
    // midnight, converted to UTC.
    let birthday = values.time(lid::BIRTHDAY_LOCAL).or_else(|| values.time(tags::PR_BIRTHDAY));
    let anniversary = values
        .time(lid::WEDDING_ANNIVERSARY_LOCAL)
        .or_else(|| values.time(tags::PR_WEDDING_ANNIVERSARY));
    (birthday.and_then(day), anniversary.and_then(day))
}

fn write_family(lines: &mut ContentLines, values: Values<'_>) {
    for (name, tag) in [
        ("X-MS-SPOUSE", tags::PR_SPOUSE_NAME),
        ("X-MS-MANAGER", tags::PR_MANAGER_NAME),
        ("X-MS-ASSISTANT", tags::PR_ASSISTANT),
    ] {
        lines.text(name, values.text(tag).as_deref());
    }
    for child in values.texts(tags::PR_CHILDRENS_NAMES) {
        lines.text("X-MS-CHILD", Some(&child));
    }
    lines.text("X-MS-INTERESTS", values.text(tags::PR_HOBBIES).as_deref());
    let gender = match values.value(tags::PR_GENDER, PropertyType::INTEGER16) {
        Some(Value::Integer16(1)) => Some("F"),
        Some(Value::Integer16(2)) => Some("M"),
        _ => None,
    };
    lines.text("GENDER", gender);
}

fn write_rest(lines: &mut ContentLines, values: Values<'_>) {
    write_note(lines, values);
    write_categories(lines, values);
    let class = marks::sensitivity(values).map(|sensitivity| match sensitivity {
        Sensitivity::Normal => "PUBLIC",
        Sensitivity::Personal | Sensitivity::Private => "PRIVATE",
        Sensitivity::Confidential => "CONFIDENTIAL",
    });
    lines.text("CLASS", class);
    for certificate in values.binaries(tags::PR_USER_X509_CERTIFICATE) {
        if let Some(der) = certificate_der(&certificate) {
            lines.line(
                ContentLine::new("KEY")
                    .parameter("ENCODING", "b")
                    .parameter("TYPE", "X509")
                    .value(&base64::encode(der)),
            );
        }
    }
    write_revision(lines, values);
}

/// Writes the body as a note.
pub(super) fn write_note(lines: &mut ContentLines, values: Values<'_>) {
    let bodies = Bodies::new(values.message());
    values.add_missing(|| bodies.missing(BodyKind::Text));
    let note = bodies.text().map(unix_lines_of);
    lines.text("NOTE", note.filter(|note| !note.trim().is_empty()).as_deref());
}

/// Writes the categories.
pub(super) fn write_categories(lines: &mut ContentLines, values: Values<'_>) {
    let categories: Vec<_> =
        values.texts(PID_NAME_KEYWORDS).iter().map(|category| escaped(category)).collect();
    if !categories.is_empty() {
        lines.put("CATEGORIES", &categories.join(","));
    }
}

/// Writes the time of the last change. The form without punctuation is valid in both versions of
/// vCard.
pub(super) fn write_revision(lines: &mut ContentLines, values: Values<'_>) {
    let changed = values.time(tags::PR_LAST_MODIFICATION_TIME).and_then(utc);
    if let Some(changed) = changed {
        lines.put("REV", &changed.strftime("%Y%m%dT%H%M%SZ").to_string());
    }
}

/// The day whose midnight is nearest to a time. A local midnight that is stored in UTC is up to
/// half a day away from midnight.
fn day(time: FileTime) -> Option<String> {
    let half_a_day = jiff::SignedDuration::from_hours(12);
    let day = utc(time)?.checked_add(half_a_day).ok()?.date();
    Some(day.to_string())
}

/// The picture of the contact (`PR_ATTACHMENT_CONTACTPHOTO`, \[MS-OXOCNTC\] 2.2.1.8).
fn photo(values: Values<'_>) -> Option<ContentLine> {
    let (photo, len) = photo_attachment(values)?;
    if len > BINARY_BYTES_MAX {
        return None;
    }
    values.add_missing(|| photo.missing_part(tags::PR_ATTACH_DATA_BIN).ok().flatten());
    let Value::Binary(bytes) = photo.salvage(tags::PR_ATTACH_DATA_BIN).ok()?.value? else {
        return None;
    };
    let kind = match bytes.get(..4)? {
        [0xFF, 0xD8, ..] => "JPEG",
        [0x89, b'P', b'N', b'G'] => "PNG",
        [b'G', b'I', b'F', b'8'] => "GIF",
        [b'B', b'M', ..] => "BMP",
        _ => "JPEG",
    };
    let line = ContentLine::new("PHOTO").parameter("ENCODING", "b").parameter("TYPE", kind);
    Some(line.value(&base64::encode(&bytes)))
}

/// The note that a picture was left out of the card, if it was.
pub(super) fn note(values: Values<'_>) -> Option<Note> {
    let (photo, len) = photo_attachment(values).filter(|(_, len)| *len > BINARY_BYTES_MAX)?;
    let text =
        format!("the picture of {len} bytes is not in the card, at most {BINARY_BYTES_MAX} are");
    Some(Note { place: photo.storage().ok()?.path(), text })
}

/// The attachment with the picture, and its length in bytes.
fn photo_attachment(values: Values<'_>) -> Option<(Attachment, u64)> {
    let message = values.message();
    let attachments = message.attachments().ok()?.into_iter();
    let mut attachments = attachments.filter_map(|number| message.attachment(number).ok());
    let photo = attachments.find(is_photo)?;
    let len = photo.open_property(tags::PR_ATTACH_DATA_BIN, None).ok()?.len().ok()?;
    Some((photo, len))
}

fn is_photo(attachment: &Attachment) -> bool {
    attachment.method().ok() == Some(AttachMethod::ByValue)
        && attachment.property(tags::PR_ATTACHMENT_CONTACTPHOTO).ok() == Some(Value::Boolean(true))
}

/// The certificate in a value of `PR_USER_X509_CERTIFICATE`. The value is a list of entries, each
/// with a tag, a length that includes tag and length, and data. Tag 3 is the certificate. Some
/// values are the certificate itself.
fn certificate_der(value: &[u8]) -> Option<&[u8]> {
    const CERTIFICATE: u16 = 3;
    if value.first() == Some(&0x30) {
        return Some(value);
    }
    let mut rest = value;
    while let Some(([t0, t1, l0, l1], _)) = rest.split_first_chunk::<4>() {
        let len = usize::from(u16::from_le_bytes([*l0, *l1]));
        let field = rest.get(4..len)?;
        if u16::from_le_bytes([*t0, *t1]) == CERTIFICATE {
            return Some(field);
        }
        rest = rest.get(len..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{certificate_der, day};

    #[test]
    fn certificates_are_found_in_their_list() {
        let list = [1, 0, 6, 0, b'x', 0, 3, 0, 7, 0, 0x30, 1, 2];
        assert_eq!(certificate_der(&list), Some(&[0x30, 1, 2][..]));
        assert_eq!(certificate_der(&list[..12]), None);
        assert_eq!(certificate_der(&[0x30, 0]), Some(&[0x30, 0][..]));
        // An entry with a length of 0 must not make the loop endless.
        assert_eq!(certificate_der(&[1, 0, 0, 0, 1, 0]), None);
        assert_eq!(certificate_der(&[]), None);
    }

    #[test]
    fn days_are_the_nearest() {
        let check = |time: &str, expected: &str| {
            assert_eq!(day(time.parse().unwrap()).as_deref(), Some(expected));
        };
        check("1980-05-17T00:00:00Z", "1980-05-17");
        check("1980-05-16T22:00:00Z", "1980-05-17");
        check("1980-05-17T05:00:00Z", "1980-05-17");
        check("1980-05-17T11:59:00Z", "1980-05-17");
    }
}
