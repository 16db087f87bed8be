//! The addresses of a contact: mail, telephone and postal addresses.

use crate::imsg::Address;
use crate::imsg::structures::Member;
use crate::mail::calendar::content_lines::{ContentLine, ContentLines};
use crate::mail::values::named::{NamedKey, Values, lid};
use crate::mapi::{PropertyTag, tags};

/// The type of an address that is an X.500 name of an Exchange organization.
const EXCHANGE: &str = "EX";

/// The properties of a mail address: type, address, EntryID and display name.
const EMAILS: [[NamedKey; 4]; 3] = [
    [
        lid::EMAIL1_ADDRESS_TYPE,
        lid::EMAIL1_EMAIL_ADDRESS,
        lid::EMAIL1_ORIGINAL_ENTRY_ID,
        lid::EMAIL1_ORIGINAL_DISPLAY_NAME,
    ],
    [
        lid::EMAIL2_ADDRESS_TYPE,
        lid::EMAIL2_EMAIL_ADDRESS,
        lid::EMAIL2_ORIGINAL_ENTRY_ID,
        lid::EMAIL2_ORIGINAL_DISPLAY_NAME,
    ],
    [
        lid::EMAIL3_ADDRESS_TYPE,
        lid::EMAIL3_EMAIL_ADDRESS,
        lid::EMAIL3_ORIGINAL_ENTRY_ID,
        lid::EMAIL3_ORIGINAL_DISPLAY_NAME,
    ],
];

/// The telephone numbers: name, type and property (\[MS-OXVCARD\] 2.1.3.4).
const TELEPHONES: [(&str, &str, PropertyTag); 18] = [
    ("TEL", "HOME,VOICE", tags::PR_HOME_TELEPHONE_NUMBER),
    ("TEL", "HOME,VOICE", tags::PR_HOME2_TELEPHONE_NUMBER),
    ("TEL", "WORK,VOICE", tags::PR_BUSINESS_TELEPHONE_NUMBER),
    ("TEL", "WORK,VOICE", tags::PR_BUSINESS2_TELEPHONE_NUMBER),
    ("TEL", "CELL", tags::PR_MOBILE_TELEPHONE_NUMBER),
    ("TEL", "PAGER", tags::PR_PAGER_TELEPHONE_NUMBER),
    ("TEL", "CAR", tags::PR_CAR_TELEPHONE_NUMBER),
    ("TEL", "ISDN", tags::PR_ISDN_NUMBER),
    ("TEL", "PREF", tags::PR_PRIMARY_TELEPHONE_NUMBER),
    ("TEL", "VOICE", tags::PR_OTHER_TELEPHONE_NUMBER),
    ("TEL", "HOME,FAX", tags::PR_HOME_FAX_NUMBER),
    ("TEL", "WORK,FAX", tags::PR_BUSINESS_FAX_NUMBER),
    ("TEL", "FAX", tags::PR_PRIMARY_FAX_NUMBER),
    ("X-MS-TEL", "ASSISTANT", tags::PR_ASSISTANT_TELEPHONE_NUMBER),
    ("X-MS-TEL", "CALLBACK", tags::PR_CALLBACK_TELEPHONE_NUMBER),
    ("X-MS-TEL", "COMPANY", tags::PR_COMPANY_MAIN_PHONE_NUMBER),
    ("X-MS-TEL", "RADIO", tags::PR_RADIO_TELEPHONE_NUMBER),
    ("X-MS-TEL", "TELEX", tags::PR_TELEX_NUMBER),
];

/// The properties of a postal address: its type, the value of `PidLidPostalAddressId` that makes it
/// the preferred one, its parts in the order of vCard, and the whole address as one text.
struct Postal {
    kind: &'static str,
    id: i32,
    parts: [NamedKey; 6],
    whole: NamedKey,
}

const POSTAL: [Postal; 3] = [
    Postal {
        kind: "WORK",
        id: 2,
        parts: [
            lid::WORK_ADDRESS_POST_OFFICE_BOX,
            lid::WORK_ADDRESS_STREET,
            lid::WORK_ADDRESS_CITY,
            lid::WORK_ADDRESS_STATE,
            lid::WORK_ADDRESS_POSTAL_CODE,
            lid::WORK_ADDRESS_COUNTRY,
        ],
        whole: lid::WORK_ADDRESS,
    },
    Postal {
        kind: "HOME",
        id: 1,
        parts: [
            NamedKey::Tag(tags::PR_HOME_ADDRESS_POST_OFFICE_BOX),
            NamedKey::Tag(tags::PR_HOME_ADDRESS_STREET),
            NamedKey::Tag(tags::PR_HOME_ADDRESS_CITY),
            NamedKey::Tag(tags::PR_HOME_ADDRESS_STATE_OR_PROVINCE),
            NamedKey::Tag(tags::PR_HOME_ADDRESS_POSTAL_CODE),
            NamedKey::Tag(tags::PR_HOME_ADDRESS_COUNTRY),
        ],
        whole: lid::HOME_ADDRESS,
    },
    Postal {
        kind: "POSTAL",
        id: 3,
        parts: [
            NamedKey::Tag(tags::PR_OTHER_ADDRESS_POST_OFFICE_BOX),
            NamedKey::Tag(tags::PR_OTHER_ADDRESS_STREET),
            NamedKey::Tag(tags::PR_OTHER_ADDRESS_CITY),
            NamedKey::Tag(tags::PR_OTHER_ADDRESS_STATE_OR_PROVINCE),
            NamedKey::Tag(tags::PR_OTHER_ADDRESS_POSTAL_CODE),
            NamedKey::Tag(tags::PR_OTHER_ADDRESS_COUNTRY),
        ],
        whole: lid::OTHER_ADDRESS,
    },
];

/// The mail addresses of a contact, the first one first.
pub(super) fn emails(values: Values<'_>) -> impl Iterator<Item = String> {
    EMAILS.into_iter().filter_map(move |keys| email(values, keys))
}

/// The telephone numbers, each after its kind, such as `work fax: 12 34`.
pub(super) fn telephones(values: Values<'_>) -> Vec<String> {
    let number = |(_, types, tag): (&str, &str, PropertyTag)| {
        let number = values.text(tag)?;
        let words: Vec<_> = types.split(',').filter(|one| *one != "VOICE").collect();
        Some(match words.join(" ").to_lowercase().replace("pref", "primary").as_str() {
            "" => number,
            kind => format!("{kind}: {number}"),
        })
    };
    TELEPHONES.into_iter().filter_map(number).collect()
}

/// The postal addresses, each in one line after its kind.
pub(super) fn postal_addresses(values: Values<'_>) -> Vec<String> {
    let line = |postal: &Postal| {
        let parts: Vec<_> = postal.parts.iter().filter_map(|part| values.text(*part)).collect();
        let whole = match parts.is_empty() {
            true => values.text(postal.whole)?,
            false => parts.join("\n"),
        };
        let lines: Vec<_> = whole.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let kind = if postal.kind == "POSTAL" { "other" } else { &postal.kind.to_lowercase() };
        Some(format!("{kind}: {}", lines.join(", ")))
    };
    POSTAL.iter().filter_map(line).collect()
}

/// Writes all addresses.
pub(super) fn write(lines: &mut ContentLines, values: Values<'_>) {
    for (index, address) in emails(values).enumerate() {
        // As Outlook writes them. No program can send mail to an X.500 name.
        let kind = if Address::new("", &address).is_smtp() { "INTERNET" } else { EXCHANGE };
        let types = if index == 0 { format!("{kind},PREF") } else { kind.to_owned() };
        lines.line(typed("EMAIL", &types).parts(&[&address]));
    }
    for (name, types, tag) in TELEPHONES {
        if let Some(number) = values.text(tag) {
            lines.line(typed(name, types).parts(&[&number]));
        }
    }
    // This is the spelling of the type in \[MS-OXVCARD\].
    if let Some(number) = values.text(tags::PR_TTYTDD_PHONE_NUMBER) {
        lines.line(typed("X-MS-TEL", "TTYTDD").parts(&[&number]));
    }
    let preferred = values.integer(lid::POSTAL_ADDRESS_ID);
    for postal in &POSTAL {
        write_postal(lines, values, postal, preferred == Some(postal.id));
    }
}

/// A line with a parameter TYPE for each of `types`, which are separated by commas.
pub(super) fn typed(name: &str, types: &str) -> ContentLine {
    let line = ContentLine::new(name);
    types.split(',').fold(line, |line, one| line.parameter("TYPE", one))
}

/// A mail address. If it is an X.500 name of an Exchange organization, looks for the SMTP address
/// in the EntryID and in the display name.
fn email(
    values: Values<'_>,
    [address_type, address, entry_id, display_name]: [NamedKey; 4],
) -> Option<String> {
    let own = values.text(address).map(|address| address.trim().to_owned());
    let is_smtp = values.text(address_type).is_none_or(|one| one.eq_ignore_ascii_case("SMTP"));
    let is_mail = |text: &String| text.contains('@');
    if let Some(own) = own.clone().filter(|own| is_smtp || is_mail(own)) {
        return Some(own);
    }
    let of_entry_id = || Some(Member::decode(&values.binary(entry_id)?)?.address.address);
    let found = of_entry_id().filter(is_mail);
    found.or_else(|| values.text(display_name).filter(is_mail)).or(own)
}

/// Writes ADR, or LABEL if the address is known only as one text. Like Outlook, writes the office
/// as the extended address of the work address.
fn write_postal(lines: &mut ContentLines, values: Values<'_>, postal: &Postal, preferred: bool) {
    let parts = postal.parts.map(|part| values.text(part).unwrap_or_default());
    let types = if preferred { format!("{},PREF", postal.kind) } else { postal.kind.to_owned() };
    let [post_office_box, rest @ ..] = parts.each_ref().map(String::as_str);
    let office = match postal.kind {
        "WORK" => values.text(tags::PR_OFFICE_LOCATION).unwrap_or_default(),
        _ => String::new(),
    };
    if !office.is_empty() || parts.iter().any(|part| !part.is_empty()) {
        let mut all = vec![post_office_box, &office];
        all.extend(rest);
        lines.line(typed("ADR", &types).parts(&all));
    }
    if parts.iter().all(String::is_empty)
        && let Some(whole) = values.text(postal.whole)
    {
        lines.line(typed("LABEL", &types).parts(&[&whole]));
    }
}
