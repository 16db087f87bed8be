//! Composes new objects with the properties that Outlook expects: a message in a file of its own,
//! an embedded message, an attachment, a recipient.

use crate::mapi::{CodePage, FileTime, Guid, PropertyTag, Value, tags};
use crate::storage::Transaction;

use super::address::Address;
use super::encode::{encode, stored_tag};
use super::error::Error;
use super::name_registry;
use super::property_editor::{PropertyEditor, put};
use super::property_list::{PROPATTR_READABLE, PROPERTY_STREAM, StreamHeader};
use super::recipient_type::RecipientType;

/// The CLSID of the root of a `.msg` file (\[MS-OXMSG\] 2.3.1).
pub(super) const MESSAGE_CLSID: Guid = Guid::from_u128(0x00020D0B_0000_0000_C000_000000000046);
/// The value of `PR_STORE_SUPPORT_MASK` that Outlook writes; its bit [`UNICODE_OK`] says that
/// strings are Unicode.
const STORE_SUPPORT_MASK: i32 = 0x0004_0E79;
/// `STORE_UNICODE_OK`.
pub(super) const UNICODE_OK: i32 = 0x0004_0000;
/// `MSGFLAG_READ` and `MSGFLAG_UNSENT`: a draft.
const MESSAGE_FLAGS: i32 = 0x09;
/// `MAPI_ACCESS_MODIFY`.
const ACCESS: i32 = 2;
/// Locale English (United States), and UTF-8 as the code page of HTML.
const LOCALE: i32 = 1033;
const INTERNET_CODE_PAGE: i32 = 65001;
/// Values of `PR_OBJECT_TYPE`: `MAPI_MAILUSER` and `MAPI_ATTACH`.
const MAIL_USER: i32 = 6;
const ATTACHMENT: i32 = 7;
/// Values of `PR_ATTACH_METHOD` (\[MS-OXCMSG\] 2.2.2.9): `afByValue`, `afEmbeddedMessage` and
/// `afStorage`.
pub(super) const BY_VALUE: i32 = 1;
pub(super) const EMBEDDED_MESSAGE: i32 = 5;
pub(super) const OLE: i32 = 6;

/// Composes a message in a file of its own.
pub(super) fn top_level_message() -> Result<Transaction, Error> {
    let mut transaction = message(StreamHeader::TopLevelMessage, StringForm::UNICODE)?;
    transaction.set_clsid(&[], MESSAGE_CLSID)?;
    name_registry::create(&mut transaction)?;
    Ok(transaction)
}

/// Composes a message inside an attachment. `form` is that of the outer message, because a file
/// stores all strings in one form.
pub(super) fn embedded_message(form: StringForm) -> Result<Transaction, Error> {
    message(StreamHeader::EmbeddedMessage, form)
}

fn message(header: StreamHeader, form: StringForm) -> Result<Transaction, Error> {
    let mut search_key = [0; 16];
    getrandom::fill(&mut search_key).map_err(|error| Error::Target {
        name: "a random number".to_owned(),
        source: error.into(),
    })?;
    let now = Value::Time(FileTime::now());
    let mut properties = vec![
        (tags::PR_MESSAGE_CLASS, Value::String("IPM.Note".to_owned())),
        (tags::PR_MESSAGE_FLAGS, Value::Integer32(MESSAGE_FLAGS)),
        (tags::PR_IMPORTANCE, Value::Integer32(1)),
        (tags::PR_STORE_SUPPORT_MASK, Value::Integer32(form.store_support_mask())),
        (tags::PR_INTERNET_CPID, Value::Integer32(INTERNET_CODE_PAGE)),
        (tags::PR_MESSAGE_LOCALE_ID, Value::Integer32(LOCALE)),
        (tags::PR_CREATION_TIME, now.clone()),
        (tags::PR_LAST_MODIFICATION_TIME, now),
        (tags::PR_SEARCH_KEY, Value::Binary(search_key.to_vec())),
        (tags::PR_ACCESS, Value::Integer32(ACCESS)),
        (tags::PR_ACCESS_LEVEL, Value::Integer32(1)),
        (tags::PR_HASATTACH, Value::Boolean(false)),
    ];
    if form.ansi {
        let code_page = i32::try_from(form.code_page.number()).unwrap_or(0);
        properties.push((tags::PR_MESSAGE_CODEPAGE, Value::Integer32(code_page)));
    }
    compose(header, &properties, form)
}

/// Composes an attachment by value, still without content.
pub(super) fn attachment(number: u32, form: StringForm) -> Result<Transaction, Error> {
    let index = i32::try_from(number).unwrap_or(i32::MAX);
    let properties = [
        (tags::PR_ATTACH_NUM, Value::Integer32(index)),
        (tags::PR_ATTACH_METHOD, Value::Integer32(BY_VALUE)),
        (tags::PR_RENDERING_POSITION, Value::Integer32(-1)),
        (tags::PR_OBJECT_TYPE, Value::Integer32(ATTACHMENT)),
        (tags::PR_STORE_SUPPORT_MASK, Value::Integer32(form.store_support_mask())),
        (tags::PR_RECORD_KEY, Value::Binary(number.to_le_bytes().to_vec())),
    ];
    compose(StreamHeader::Part, &properties, form)
}

/// How an object stores its strings: as 8-bit strings in a code page, or as Unicode.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringForm {
    pub(super) ansi: bool,
    pub(super) code_page: CodePage,
}

impl StringForm {
    pub(super) const UNICODE: Self = Self { ansi: false, code_page: CodePage::WINDOWS_1252 };

    fn store_support_mask(self) -> i32 {
        if self.ansi { STORE_SUPPORT_MASK & !UNICODE_OK } else { STORE_SUPPORT_MASK }
    }
}

/// The properties of a recipient that follow from its address and type.
pub(super) fn address_properties(address: &Address, form: StringForm) -> Vec<(PropertyTag, Value)> {
    let (display_name, address_type) = (address.shown_name(), address.address_type());
    let text = |text: &str| Value::String(text.to_owned());
    let mut properties = vec![
        (tags::PR_DISPLAY_NAME, text(display_name)),
        (tags::PR_RECIPIENT_DISPLAY_NAME, text(display_name)),
    ];
    if address.address.is_empty() {
        return properties;
    }
    let key = search_key(address_type, &address.address, form);
    properties.extend([
        (tags::PR_ADDRTYPE, text(address_type)),
        (tags::PR_EMAIL_ADDRESS, text(&address.address)),
        (tags::PR_SEARCH_KEY, Value::Binary(key)),
        (tags::PR_ENTRYID, Value::Binary(address.to_one_off_entry_id())),
    ]);
    if address.is_smtp() {
        properties.push((tags::PR_SMTP_ADDRESS, text(&address.address)));
    }
    properties
}

/// Composes a recipient.
pub(super) fn recipient(
    row: u32,
    recipient_type: RecipientType,
    address: &Address,
    form: StringForm,
) -> Result<Transaction, Error> {
    let row = i32::try_from(row).unwrap_or(i32::MAX);
    let mut properties = vec![
        (tags::PR_ROWID, Value::Integer32(row)),
        (tags::PR_RECIPIENT_TYPE, Value::Integer32(recipient_type.number())),
        (tags::PR_OBJECT_TYPE, Value::Integer32(MAIL_USER)),
        (tags::PR_DISPLAY_TYPE, Value::Integer32(0)),
    ];
    properties.extend(address_properties(address, form));
    compose(StreamHeader::Part, &properties, form)
}

fn compose(
    header: StreamHeader,
    properties: &[(PropertyTag, Value)],
    form: StringForm,
) -> Result<Transaction, Error> {
    let mut transaction = Transaction::new();
    transaction.write_stream(&[PROPERTY_STREAM], vec![0; header.len()])?;
    let mut editor = PropertyEditor::new(&mut transaction, &[], header)?;
    for (tag, value) in properties {
        let tag = stored_tag(*tag, form.ansi);
        put(&mut editor, tag, encode(tag, value, form.code_page)?)?;
    }
    // Outlook gives only this attribute to the properties that only a message store may set.
    for tag in [tags::PR_STORE_SUPPORT_MASK, tags::PR_ACCESS, tags::PR_ACCESS_LEVEL] {
        editor.set_flags(tag.id(), PROPATTR_READABLE);
    }
    editor.finish()?;
    Ok(transaction)
}

/// The `PR_SEARCH_KEY` of an address (\[MS-OXCMSG\] 2.2.1.9 and others): type, colon and address in
/// upper case, and a NUL.
fn search_key(address_type: &str, address: &str, form: StringForm) -> Vec<u8> {
    let key = format!("{address_type}:{}", address.to_uppercase());
    let mut key = form.code_page.encode(&key).unwrap_or_else(|| key.into_bytes());
    key.push(0);
    key
}
