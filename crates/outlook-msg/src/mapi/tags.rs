//! The property tags that the code reads or writes, by their MAPI names.
//!
//! The tag of a string has the Unicode type. A property of \[MS-OXPROPS\] without a MAPI name has a
//! name that begins with `PID_TAG`.

use super::{PropertyTag, property_name};

/// 0 low, 1 normal, 2 high.
pub const PR_IMPORTANCE: PropertyTag = PropertyTag(0x0017_0003);
/// Message class, such as `IPM.Note`.
pub const PR_MESSAGE_CLASS: PropertyTag = PropertyTag(0x001A_001F);
/// Whether a delivery report was asked for.
pub const PR_ORIGINATOR_DELIVERY_REPORT_REQUESTED: PropertyTag = PropertyTag(0x0023_000B);
/// Search key of the message that a report is about.
pub const PR_PARENT_KEY: PropertyTag = PropertyTag(0x0025_0102);
/// -1 not urgent, 0 normal, 1 urgent.
pub const PR_PRIORITY: PropertyTag = PropertyTag(0x0026_0003);
/// Whether a read receipt was asked for.
pub const PR_READ_RECEIPT_REQUESTED: PropertyTag = PropertyTag(0x0029_000B);
/// Time by which a reply is due.
pub const PR_REPLY_TIME: PropertyTag = PropertyTag(0x0030_0040);
/// Ties a report to its message.
pub const PR_REPORT_TAG: PropertyTag = PropertyTag(0x0031_0102);
/// Time of the event that a report is about.
pub const PR_REPORT_TIME: PropertyTag = PropertyTag(0x0032_0040);
/// 0 none, 1 personal, 2 private, 3 company-confidential.
pub const PR_SENSITIVITY: PropertyTag = PropertyTag(0x0036_0003);
/// Subject with its prefix.
pub const PR_SUBJECT: PropertyTag = PropertyTag(0x0037_001F);
/// Time of sending.
pub const PR_CLIENT_SUBMIT_TIME: PropertyTag = PropertyTag(0x0039_0040);
/// Search key of the author.
pub const PR_SENT_REPRESENTING_SEARCH_KEY: PropertyTag = PropertyTag(0x003B_0102);
/// Prefix of the subject, such as `RE: `.
pub const PR_SUBJECT_PREFIX: PropertyTag = PropertyTag(0x003D_001F);
/// EntryID of the owner of the mailbox that received the message.
pub const PR_RECEIVED_BY_ENTRYID: PropertyTag = PropertyTag(0x003F_0102);
/// EntryID of the author.
pub const PR_SENT_REPRESENTING_ENTRYID: PropertyTag = PropertyTag(0x0041_0102);
/// Display name of the author, on whose behalf the sender sent.
pub const PR_SENT_REPRESENTING_NAME: PropertyTag = PropertyTag(0x0042_001F);
/// EntryID of the person for whom the message was received.
pub const PR_RCVD_REPRESENTING_ENTRYID: PropertyTag = PropertyTag(0x0043_0102);
/// EntryID of the person who gets the read receipt.
pub const PR_READ_RECEIPT_ENTRYID: PropertyTag = PropertyTag(0x0046_0102);
/// Subject of the message that a report is about.
pub const PR_ORIGINAL_SUBJECT: PropertyTag = PropertyTag(0x0049_001F);
/// EntryIDs to reply to (`FlatEntryList`).
pub const PR_REPLY_RECIPIENT_ENTRIES: PropertyTag = PropertyTag(0x004F_0102);
/// Display names to reply to, separated by `;`.
pub const PR_REPLY_RECIPIENT_NAMES: PropertyTag = PropertyTag(0x0050_001F);
/// Start of an appointment.
pub const PR_START_DATE: PropertyTag = PropertyTag(0x0060_0040);
/// End of an appointment.
pub const PR_END_DATE: PropertyTag = PropertyTag(0x0061_0040);
/// Number that ties meeting messages to their appointment.
pub const PR_OWNER_APPT_ID: PropertyTag = PropertyTag(0x0062_0003);
/// Whether the organizer asks for a response.
pub const PR_RESPONSE_REQUESTED: PropertyTag = PropertyTag(0x0063_000B);
/// Address type of the author, such as `SMTP` or `EX`.
pub const PR_SENT_REPRESENTING_ADDRTYPE: PropertyTag = PropertyTag(0x0064_001F);
/// Address of the author, in its address type.
pub const PR_SENT_REPRESENTING_EMAIL_ADDRESS: PropertyTag = PropertyTag(0x0065_001F);
/// Topic of the conversation.
pub const PR_CONVERSATION_TOPIC: PropertyTag = PropertyTag(0x0070_001F);
/// Place in the conversation.
pub const PR_CONVERSATION_INDEX: PropertyTag = PropertyTag(0x0071_0102);
/// Address type of the owner of the mailbox that received the message.
pub const PR_RECEIVED_BY_ADDRTYPE: PropertyTag = PropertyTag(0x0075_001F);
/// Address of the owner of the mailbox that received the message, in its address type.
pub const PR_RECEIVED_BY_EMAIL_ADDRESS: PropertyTag = PropertyTag(0x0076_001F);
/// Address type of the person for whom the message was received.
pub const PR_RCVD_REPRESENTING_ADDRTYPE: PropertyTag = PropertyTag(0x0077_001F);
/// Address of the person for whom the message was received, in its address type.
pub const PR_RCVD_REPRESENTING_EMAIL_ADDRESS: PropertyTag = PropertyTag(0x0078_001F);
/// Transport header: the header that the message had on its way over the internet.
pub const PR_TRANSPORT_MESSAGE_HEADERS: PropertyTag = PropertyTag(0x007D_001F);
/// Reason of a failed delivery.
pub const PR_NDR_REASON_CODE: PropertyTag = PropertyTag(0x0C04_0003);
/// Diagnosis of a failed delivery.
pub const PR_NDR_DIAG_CODE: PropertyTag = PropertyTag(0x0C05_0003);
/// Kind of recipient: 0 originator, 1 To, 2 Cc, 3 Bcc, and flags.
pub const PR_RECIPIENT_TYPE: PropertyTag = PropertyTag(0x0C15_0003);
/// EntryID of the sender.
pub const PR_SENDER_ENTRYID: PropertyTag = PropertyTag(0x0C19_0102);
/// Display name of the sender.
pub const PR_SENDER_NAME: PropertyTag = PropertyTag(0x0C1A_001F);
/// Text of a delivery report about a recipient.
pub const PR_SUPPLEMENTARY_INFO: PropertyTag = PropertyTag(0x0C1B_001F);
/// Search key of the sender.
pub const PR_SENDER_SEARCH_KEY: PropertyTag = PropertyTag(0x0C1D_0102);
/// Address type of the sender, such as `SMTP` or `EX`.
pub const PR_SENDER_ADDRTYPE: PropertyTag = PropertyTag(0x0C1E_001F);
/// Address of the sender, in its address type.
pub const PR_SENDER_EMAIL_ADDRESS: PropertyTag = PropertyTag(0x0C1F_001F);
/// Status code of a delivery report.
pub const PR_NDR_STATUS_CODE: PropertyTag = PropertyTag(0x0C20_0003);
/// Server that reported about a delivery.
pub const PR_DSN_REMOTE_MTA: PropertyTag = PropertyTag(0x0C21_001F);
/// Names of the Bcc recipients, separated by `; `.
pub const PR_DISPLAY_BCC: PropertyTag = PropertyTag(0x0E02_001F);
/// Names of the Cc recipients, separated by `; `.
pub const PR_DISPLAY_CC: PropertyTag = PropertyTag(0x0E03_001F);
/// Names of the To recipients, separated by `; `.
pub const PR_DISPLAY_TO: PropertyTag = PropertyTag(0x0E04_001F);
/// Time of delivery.
pub const PR_MESSAGE_DELIVERY_TIME: PropertyTag = PropertyTag(0x0E06_0040);
/// Flags: 0x01 read, 0x08 unsent, 0x10 has attachments, and more.
pub const PR_MESSAGE_FLAGS: PropertyTag = PropertyTag(0x0E07_0003);
/// Size in the store, in bytes.
pub const PR_MESSAGE_SIZE: PropertyTag = PropertyTag(0x0E08_0003);
/// Recipient table; never stored in a file.
pub const PR_MESSAGE_RECIPIENTS: PropertyTag = PropertyTag(0x0E12_000D);
/// Attachment table; never stored in a file.
pub const PR_MESSAGE_ATTACHMENTS: PropertyTag = PropertyTag(0x0E13_000D);
/// Whether the message has attachments.
pub const PR_HASATTACH: PropertyTag = PropertyTag(0x0E1B_000B);
/// Subject without its prefix.
pub const PR_NORMALIZED_SUBJECT: PropertyTag = PropertyTag(0x0E1D_001F);
/// Whether the RTF body is as new as the plain one.
pub const PR_RTF_IN_SYNC: PropertyTag = PropertyTag(0x0E1F_000B);
/// Size of an attachment with its properties, in bytes.
pub const PR_ATTACH_SIZE: PropertyTag = PropertyTag(0x0E20_0003);
/// Number of an attachment within its message.
pub const PR_ATTACH_NUM: PropertyTag = PropertyTag(0x0E21_0003);
/// What the user may do with the object (flags).
pub const PR_ACCESS: PropertyTag = PropertyTag(0x0FF4_0003);
/// 0 read-only, 1 writable.
pub const PR_ACCESS_LEVEL: PropertyTag = PropertyTag(0x0FF7_0003);
/// Only meaningful in a store: tells whether two objects share named properties.
pub const PR_MAPPING_SIGNATURE: PropertyTag = PropertyTag(0x0FF8_0102);
/// Key of an object within its table.
pub const PR_RECORD_KEY: PropertyTag = PropertyTag(0x0FF9_0102);
/// Only meaningful in a store: key of the store.
pub const PR_STORE_RECORD_KEY: PropertyTag = PropertyTag(0x0FFA_0102);
/// Only meaningful in a store: EntryID of the store.
pub const PR_STORE_ENTRYID: PropertyTag = PropertyTag(0x0FFB_0102);
/// 5 message, 6 recipient, 7 attachment.
pub const PR_OBJECT_TYPE: PropertyTag = PropertyTag(0x0FFE_0003);
/// EntryID of the object.
pub const PR_ENTRYID: PropertyTag = PropertyTag(0x0FFF_0102);
/// Plain-text body.
pub const PR_BODY: PropertyTag = PropertyTag(0x1000_001F);
/// Text of a report.
pub const PR_REPORT_TEXT: PropertyTag = PropertyTag(0x1001_001F);
/// Compressed RTF body (\[MS-OXRTFCP\]).
pub const PR_RTF_COMPRESSED: PropertyTag = PropertyTag(0x1009_0102);
/// HTML body as a string.
pub const PR_BODY_HTML: PropertyTag = PropertyTag(0x1013_001F);
/// HTML body as bytes in the internet code page.
pub const PR_HTML: PropertyTag = PropertyTag(0x1013_0102);
/// Best body: 1 plain, 2 RTF, 3 HTML, 4 clear-signed, 0 undefined.
pub const PR_NATIVE_BODY_INFO: PropertyTag = PropertyTag(0x1016_0003);
/// `Message-ID`.
pub const PR_INTERNET_MESSAGE_ID: PropertyTag = PropertyTag(0x1035_001F);
/// `References`.
pub const PR_INTERNET_REFERENCES: PropertyTag = PropertyTag(0x1039_001F);
/// `In-Reply-To`.
pub const PR_IN_REPLY_TO_ID: PropertyTag = PropertyTag(0x1042_001F);
/// `List-Help`.
pub const PR_LIST_HELP: PropertyTag = PropertyTag(0x1043_001F);
/// `List-Subscribe`.
pub const PR_LIST_SUBSCRIBE: PropertyTag = PropertyTag(0x1044_001F);
/// `List-Unsubscribe`.
pub const PR_LIST_UNSUBSCRIBE: PropertyTag = PropertyTag(0x1045_001F);
/// `Message-ID` of the message that a report is about.
pub const PID_TAG_ORIGINAL_MESSAGE_ID: PropertyTag = PropertyTag(0x1046_001F);
/// What was last done with the message: 102 a reply, 103 a reply to all, 104 a forward.
pub const PR_LAST_VERB_EXECUTED: PropertyTag = PropertyTag(0x1081_0003);
/// When that was done.
pub const PR_LAST_VERB_EXECUTION_TIME: PropertyTag = PropertyTag(0x1082_0040);
/// The flag for following up: 1 complete, 2 flagged.
pub const PR_FLAG_STATUS: PropertyTag = PropertyTag(0x1090_0003);
/// When the follow-up was completed.
pub const PR_FLAG_COMPLETE_TIME: PropertyTag = PropertyTag(0x1091_0040);
/// Number of a recipient within its message.
pub const PR_ROWID: PropertyTag = PropertyTag(0x3000_0003);
/// Display name.
pub const PR_DISPLAY_NAME: PropertyTag = PropertyTag(0x3001_001F);
/// Address type, such as `SMTP` or `EX`.
pub const PR_ADDRTYPE: PropertyTag = PropertyTag(0x3002_001F);
/// Address, in its address type.
pub const PR_EMAIL_ADDRESS: PropertyTag = PropertyTag(0x3003_001F);
/// Time of creation.
pub const PR_CREATION_TIME: PropertyTag = PropertyTag(0x3007_0040);
/// Time of the last change.
pub const PR_LAST_MODIFICATION_TIME: PropertyTag = PropertyTag(0x3008_0040);
/// Key that copies of an object share; of a recipient `SMTP:ADDRESS`.
pub const PR_SEARCH_KEY: PropertyTag = PropertyTag(0x300B_0102);
/// Abilities of the store; 0x00040000 says that strings are Unicode.
pub const PR_STORE_SUPPORT_MASK: PropertyTag = PropertyTag(0x340D_0003);
/// Embedded message or OLE storage of an attachment.
pub const PR_ATTACH_DATA_OBJ: PropertyTag = PropertyTag(0x3701_000D);
/// Content of an attachment.
pub const PR_ATTACH_DATA_BIN: PropertyTag = PropertyTag(0x3701_0102);
/// Encoding of the content, set for MacBinary.
pub const PR_ATTACH_ENCODING: PropertyTag = PropertyTag(0x3702_0102);
/// File name extension with its dot.
pub const PR_ATTACH_EXTENSION: PropertyTag = PropertyTag(0x3703_001F);
/// Short file name (8.3).
pub const PR_ATTACH_FILENAME: PropertyTag = PropertyTag(0x3704_001F);
/// Where the content is: 1 by value, 5 embedded message, 6 OLE, and more.
pub const PR_ATTACH_METHOD: PropertyTag = PropertyTag(0x3705_0003);
/// File name.
pub const PR_ATTACH_LONG_FILENAME: PropertyTag = PropertyTag(0x3707_001F);
/// Short path of an attachment by reference.
pub const PR_ATTACH_PATHNAME: PropertyTag = PropertyTag(0x3708_001F);
/// Application that made the attachment.
pub const PR_ATTACH_TAG: PropertyTag = PropertyTag(0x370A_0102);
/// Place in the body; 0xFFFFFFFF if it has none.
pub const PR_RENDERING_POSITION: PropertyTag = PropertyTag(0x370B_0003);
/// Path or URL of an attachment by reference.
pub const PR_ATTACH_LONG_PATHNAME: PropertyTag = PropertyTag(0x370D_001F);
/// MIME type.
pub const PR_ATTACH_MIME_TAG: PropertyTag = PropertyTag(0x370E_001F);
/// `Content-ID`, without angle brackets.
pub const PR_ATTACH_CONTENT_ID: PropertyTag = PropertyTag(0x3712_001F);
/// `Content-Location`.
pub const PR_ATTACH_CONTENT_LOCATION: PropertyTag = PropertyTag(0x3713_001F);
/// Flags; 0x04 says that the HTML body refers to the attachment.
pub const PR_ATTACH_FLAGS: PropertyTag = PropertyTag(0x3714_0003);
/// Provider of a web attachment.
pub const PR_ATTACH_PAYLOAD_PROV_GUID_STR: PropertyTag = PropertyTag(0x3719_001F);
/// Kind of recipient in the address book.
pub const PR_DISPLAY_TYPE: PropertyTag = PropertyTag(0x3900_0003);
/// SMTP address of a recipient.
pub const PR_SMTP_ADDRESS: PropertyTag = PropertyTag(0x39FE_001F);
/// Callback telephone.
pub const PR_CALLBACK_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A02_001F);
/// Suffix of the name, such as `Jr.`.
pub const PR_GENERATION: PropertyTag = PropertyTag(0x3A05_001F);
/// Given name.
pub const PR_GIVEN_NAME: PropertyTag = PropertyTag(0x3A06_001F);
/// Business telephone.
pub const PR_BUSINESS_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A08_001F);
/// Home telephone.
pub const PR_HOME_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A09_001F);
/// Surname.
pub const PR_SURNAME: PropertyTag = PropertyTag(0x3A11_001F);
/// Company.
pub const PR_COMPANY_NAME: PropertyTag = PropertyTag(0x3A16_001F);
/// Job title.
pub const PR_TITLE: PropertyTag = PropertyTag(0x3A17_001F);
/// Department.
pub const PR_DEPARTMENT_NAME: PropertyTag = PropertyTag(0x3A18_001F);
/// Office of a contact.
pub const PR_OFFICE_LOCATION: PropertyTag = PropertyTag(0x3A19_001F);
/// Primary telephone.
pub const PR_PRIMARY_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A1A_001F);
/// Second business telephone.
pub const PR_BUSINESS2_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A1B_001F);
/// Mobile telephone.
pub const PR_MOBILE_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A1C_001F);
/// Radio telephone.
pub const PR_RADIO_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A1D_001F);
/// Car telephone.
pub const PR_CAR_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A1E_001F);
/// Other telephone.
pub const PR_OTHER_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A1F_001F);
/// Pager.
pub const PR_PAGER_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A21_001F);
/// Primary fax.
pub const PR_PRIMARY_FAX_NUMBER: PropertyTag = PropertyTag(0x3A23_001F);
/// Business fax.
pub const PR_BUSINESS_FAX_NUMBER: PropertyTag = PropertyTag(0x3A24_001F);
/// Home fax.
pub const PR_HOME_FAX_NUMBER: PropertyTag = PropertyTag(0x3A25_001F);
/// Telex number of a contact.
pub const PR_TELEX_NUMBER: PropertyTag = PropertyTag(0x3A2C_001F);
/// ISDN number.
pub const PR_ISDN_NUMBER: PropertyTag = PropertyTag(0x3A2D_001F);
/// Assistant's telephone.
pub const PR_ASSISTANT_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A2E_001F);
/// Second home telephone.
pub const PR_HOME2_TELEPHONE_NUMBER: PropertyTag = PropertyTag(0x3A2F_001F);
/// Assistant.
pub const PR_ASSISTANT: PropertyTag = PropertyTag(0x3A30_001F);
/// Wedding anniversary.
pub const PR_WEDDING_ANNIVERSARY: PropertyTag = PropertyTag(0x3A41_0040);
/// Birthday.
pub const PR_BIRTHDAY: PropertyTag = PropertyTag(0x3A42_0040);
/// Hobbies.
pub const PR_HOBBIES: PropertyTag = PropertyTag(0x3A43_001F);
/// Middle name.
pub const PR_MIDDLE_NAME: PropertyTag = PropertyTag(0x3A44_001F);
/// Prefix of the name, such as `Dr.`.
pub const PR_DISPLAY_NAME_PREFIX: PropertyTag = PropertyTag(0x3A45_001F);
/// Profession.
pub const PR_PROFESSION: PropertyTag = PropertyTag(0x3A46_001F);
/// Spouse.
pub const PR_SPOUSE_NAME: PropertyTag = PropertyTag(0x3A48_001F);
/// Text telephone.
pub const PR_TTYTDD_PHONE_NUMBER: PropertyTag = PropertyTag(0x3A4B_001F);
/// 0 unspecified, 1 female, 2 male.
pub const PR_GENDER: PropertyTag = PropertyTag(0x3A4D_0002);
/// Manager.
pub const PR_MANAGER_NAME: PropertyTag = PropertyTag(0x3A4E_001F);
/// Nickname.
pub const PR_NICKNAME: PropertyTag = PropertyTag(0x3A4F_001F);
/// Personal web page.
pub const PR_PERSONAL_HOME_PAGE: PropertyTag = PropertyTag(0x3A50_001F);
/// Business web page.
pub const PR_BUSINESS_HOME_PAGE: PropertyTag = PropertyTag(0x3A51_001F);
/// Company's telephone.
pub const PR_COMPANY_MAIN_PHONE_NUMBER: PropertyTag = PropertyTag(0x3A57_001F);
/// Children.
pub const PR_CHILDRENS_NAMES: PropertyTag = PropertyTag(0x3A58_101F);
/// Home address: city.
pub const PR_HOME_ADDRESS_CITY: PropertyTag = PropertyTag(0x3A59_001F);
/// Home address: country.
pub const PR_HOME_ADDRESS_COUNTRY: PropertyTag = PropertyTag(0x3A5A_001F);
/// Home address: postal code.
pub const PR_HOME_ADDRESS_POSTAL_CODE: PropertyTag = PropertyTag(0x3A5B_001F);
/// Home address: state or province.
pub const PR_HOME_ADDRESS_STATE_OR_PROVINCE: PropertyTag = PropertyTag(0x3A5C_001F);
/// Home address: street.
pub const PR_HOME_ADDRESS_STREET: PropertyTag = PropertyTag(0x3A5D_001F);
/// Home address: post office box.
pub const PR_HOME_ADDRESS_POST_OFFICE_BOX: PropertyTag = PropertyTag(0x3A5E_001F);
/// Other address: city.
pub const PR_OTHER_ADDRESS_CITY: PropertyTag = PropertyTag(0x3A5F_001F);
/// Other address: country.
pub const PR_OTHER_ADDRESS_COUNTRY: PropertyTag = PropertyTag(0x3A60_001F);
/// Other address: postal code.
pub const PR_OTHER_ADDRESS_POSTAL_CODE: PropertyTag = PropertyTag(0x3A61_001F);
/// Other address: state or province.
pub const PR_OTHER_ADDRESS_STATE_OR_PROVINCE: PropertyTag = PropertyTag(0x3A62_001F);
/// Other address: street.
pub const PR_OTHER_ADDRESS_STREET: PropertyTag = PropertyTag(0x3A63_001F);
/// Other address: post office box.
pub const PR_OTHER_ADDRESS_POST_OFFICE_BOX: PropertyTag = PropertyTag(0x3A64_001F);
/// Certificates.
pub const PR_USER_X509_CERTIFICATE: PropertyTag = PropertyTag(0x3A70_1102);
/// Code page of [`PR_HTML`] and of the MIME form.
pub const PR_INTERNET_CPID: PropertyTag = PropertyTag(0x3FDE_0003);
/// Automatic responses not wanted (flags).
pub const PR_AUTO_RESPONSE_SUPPRESS: PropertyTag = PropertyTag(0x3FDF_0003);
/// Locale of the author (LCID).
pub const PR_MESSAGE_LOCALE_ID: PropertyTag = PropertyTag(0x3FF1_0003);
/// Name of the person who created the message.
pub const PR_CREATOR_NAME: PropertyTag = PropertyTag(0x3FF8_001F);
/// EntryID of the person who created the message.
pub const PR_CREATOR_ENTRYID: PropertyTag = PropertyTag(0x3FF9_0102);
/// Name of the person who changed the message last.
pub const PR_LAST_MODIFIER_NAME: PropertyTag = PropertyTag(0x3FFA_001F);
/// EntryID of the person who changed the message last.
pub const PR_LAST_MODIFIER_ENTRYID: PropertyTag = PropertyTag(0x3FFB_0102);
/// Code page of the 8-bit strings.
pub const PR_MESSAGE_CODEPAGE: PropertyTag = PropertyTag(0x3FFD_0003);
/// Spam confidence level, -1 to 9.
pub const PR_CONTENT_FILTER_SCL: PropertyTag = PropertyTag(0x4076_0003);
/// Format of the editor: 1 plain, 2 HTML, 3 RTF.
pub const PR_MSG_EDITOR_FORMAT: PropertyTag = PropertyTag(0x5909_0003);
/// SMTP address of the sender.
pub const PR_SENDER_SMTP_ADDRESS: PropertyTag = PropertyTag(0x5D01_001F);
/// SMTP address of the author.
pub const PR_SENT_REPRESENTING_SMTP_ADDRESS: PropertyTag = PropertyTag(0x5D02_001F);
/// SMTP address that read receipts go to.
pub const PID_TAG_READ_RECEIPT_SMTP_ADDRESS: PropertyTag = PropertyTag(0x5D05_001F);
/// SMTP address of the owner of the mailbox that received the message.
pub const PR_RECEIVED_BY_SMTP_ADDRESS: PropertyTag = PropertyTag(0x5D07_001F);
/// SMTP address of the person for whom the message was received.
pub const PID_TAG_RECEIVED_REPRESENTING_SMTP_ADDRESS: PropertyTag = PropertyTag(0x5D08_001F);
/// Display name of a recipient.
pub const PR_RECIPIENT_DISPLAY_NAME: PropertyTag = PropertyTag(0x5FF6_001F);
/// EntryID of a recipient.
pub const PR_RECIPIENT_ENTRYID: PropertyTag = PropertyTag(0x5FF7_0102);
/// Flags of a meeting's recipient: 0x02 organizer, and more.
pub const PR_RECIPIENT_FLAGS: PropertyTag = PropertyTag(0x5FFD_0003);
/// Response of a recipient: 2 tentative, 3 accepted, 4 declined.
pub const PR_RECIPIENT_TRACKSTATUS: PropertyTag = PropertyTag(0x5FFF_0003);
/// Length of a voice message, in seconds.
pub const PID_TAG_VOICE_MESSAGE_DURATION: PropertyTag = PropertyTag(0x6801_0003);
/// Call of a voice message or fax.
pub const PID_TAG_CALL_ID: PropertyTag = PropertyTag(0x6806_001F);
/// Server that made a report.
pub const PID_TAG_REPORTING_MESSAGE_TRANSFER_AGENT: PropertyTag = PropertyTag(0x6820_001F);
/// Occurrence that an exception attachment replaces.
pub const PR_EXCEPTION_REPLACETIME: PropertyTag = PropertyTag(0x7FF9_0040);
/// Always 0.
pub const PR_ATTACHMENT_LINKID: PropertyTag = PropertyTag(0x7FFA_0003);
/// Start of an exception, in local time.
pub const PR_EXCEPTION_STARTTIME: PropertyTag = PropertyTag(0x7FFB_0040);
/// End of an exception, in local time.
pub const PR_EXCEPTION_ENDTIME: PropertyTag = PropertyTag(0x7FFC_0040);
/// Flags; 0x02 marks an exception to a recurrence.
pub const PR_ATTACHMENT_FLAGS: PropertyTag = PropertyTag(0x7FFD_0003);
/// Whether the attachment is hidden from the user.
pub const PR_ATTACHMENT_HIDDEN: PropertyTag = PropertyTag(0x7FFE_000B);
/// Whether the attachment is the contact's photo.
pub const PR_ATTACHMENT_CONTACTPHOTO: PropertyTag = PropertyTag(0x7FFF_000B);

/// The tags of this list whose values have a fixed size, sorted.
static FIXED_SIZE: [PropertyTag; 58] = [
    PR_IMPORTANCE,
    PR_ORIGINATOR_DELIVERY_REPORT_REQUESTED,
    PR_PRIORITY,
    PR_READ_RECEIPT_REQUESTED,
    PR_REPLY_TIME,
    PR_REPORT_TIME,
    PR_SENSITIVITY,
    PR_CLIENT_SUBMIT_TIME,
    PR_START_DATE,
    PR_END_DATE,
    PR_OWNER_APPT_ID,
    PR_RESPONSE_REQUESTED,
    PR_NDR_REASON_CODE,
    PR_NDR_DIAG_CODE,
    PR_RECIPIENT_TYPE,
    PR_NDR_STATUS_CODE,
    PR_MESSAGE_DELIVERY_TIME,
    PR_MESSAGE_FLAGS,
    PR_MESSAGE_SIZE,
    PR_HASATTACH,
    PR_RTF_IN_SYNC,
    PR_ATTACH_SIZE,
    PR_ATTACH_NUM,
    PR_ACCESS,
    PR_ACCESS_LEVEL,
    PR_OBJECT_TYPE,
    PR_NATIVE_BODY_INFO,
    PR_LAST_VERB_EXECUTED,
    PR_LAST_VERB_EXECUTION_TIME,
    PR_FLAG_STATUS,
    PR_FLAG_COMPLETE_TIME,
    PR_ROWID,
    PR_CREATION_TIME,
    PR_LAST_MODIFICATION_TIME,
    PR_STORE_SUPPORT_MASK,
    PR_ATTACH_METHOD,
    PR_RENDERING_POSITION,
    PR_ATTACH_FLAGS,
    PR_DISPLAY_TYPE,
    PR_WEDDING_ANNIVERSARY,
    PR_BIRTHDAY,
    PR_GENDER,
    PR_INTERNET_CPID,
    PR_AUTO_RESPONSE_SUPPRESS,
    PR_MESSAGE_LOCALE_ID,
    PR_MESSAGE_CODEPAGE,
    PR_CONTENT_FILTER_SCL,
    PR_MSG_EDITOR_FORMAT,
    PR_RECIPIENT_FLAGS,
    PR_RECIPIENT_TRACKSTATUS,
    PID_TAG_VOICE_MESSAGE_DURATION,
    PR_EXCEPTION_REPLACETIME,
    PR_ATTACHMENT_LINKID,
    PR_EXCEPTION_STARTTIME,
    PR_EXCEPTION_ENDTIME,
    PR_ATTACHMENT_FLAGS,
    PR_ATTACHMENT_HIDDEN,
    PR_ATTACHMENT_CONTACTPHOTO,
];

/// The tag that a property is due to have whose type is not that of the time, number or flag that
/// its id stands for. `None` if its type is right, or the id stands for this property, too.
pub(crate) fn due(tag: PropertyTag) -> Option<PropertyTag> {
    fixed_size(tag.id()).filter(|due| *due != tag && property_name(tag).is_none())
}

/// The tag of a property of this id that has a value of a fixed size: a time, a number or a flag.
fn fixed_size(id: u16) -> Option<PropertyTag> {
    let index = FIXED_SIZE.binary_search_by_key(&id, |tag| tag.id()).ok()?;
    FIXED_SIZE.get(index).copied()
}

#[cfg(test)]
mod tests {
    use super::{FIXED_SIZE, fixed_size};
    use crate::mapi::{Location, PropertyTag, property_name};

    #[test]
    fn constants_are_sorted_and_named_as_their_tags() {
        let mut last = PropertyTag(0);
        let mut fixed = FIXED_SIZE.iter();
        let source = include_str!("tags.rs");
        for line in source.lines().filter_map(|line| line.strip_prefix("pub const ")) {
            let (constant, tag) = line.split_once(": PropertyTag = PropertyTag(0x").unwrap();
            let tag = tag.strip_suffix(");").unwrap().replace('_', "");
            let tag = PropertyTag(u32::from_str_radix(&tag, 16).unwrap());
            let name = property_name(tag).unwrap_or_else(|| panic!("{constant} has no name"));
            let canonical = name.strip_prefix("PidTag").map(str::to_uppercase);
            match canonical {
                None => assert_eq!(constant, name),
                Some(canonical) => {
                    assert_eq!(constant.replace('_', ""), format!("PIDTAG{canonical}"))
                }
            }
            assert!(last < tag, "{constant} is out of order");
            last = tag;
            if tag.property_type().location() == Location::Entry {
                assert_eq!(fixed.next(), Some(&tag), "{constant}");
                assert_eq!(fixed_size(tag.id()), Some(tag));
            }
        }
        assert_eq!(last, super::PR_ATTACHMENT_CONTACTPHOTO);
        assert_eq!(fixed.next(), None);
    }
}
