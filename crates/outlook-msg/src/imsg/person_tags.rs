//! The tags of the properties that name one person: the sender, the person on whose behalf a message
//! is sent, a recipient.

use crate::mapi::{PropertyTag, tags};

/// The properties of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PersonTags {
    /// The display name.
    pub name: PropertyTag,
    /// The address, which may be an X.500 name.
    pub address: PropertyTag,
    /// The type of the address.
    pub address_type: PropertyTag,
    /// The SMTP address.
    pub smtp_address: PropertyTag,
    /// The EntryID, which has name and address too.
    pub entry_id: PropertyTag,
    /// The key that a search compares, which has the address too.
    pub search_key: PropertyTag,
}

impl PersonTags {
    /// The sender of a message.
    pub const SENDER: Self = Self {
        name: tags::PR_SENDER_NAME,
        address: tags::PR_SENDER_EMAIL_ADDRESS,
        address_type: tags::PR_SENDER_ADDRTYPE,
        smtp_address: tags::PR_SENDER_SMTP_ADDRESS,
        entry_id: tags::PR_SENDER_ENTRYID,
        search_key: tags::PR_SENDER_SEARCH_KEY,
    };
    /// The person on whose behalf a message is sent.
    pub const SENT_REPRESENTING: Self = Self {
        name: tags::PR_SENT_REPRESENTING_NAME,
        address: tags::PR_SENT_REPRESENTING_EMAIL_ADDRESS,
        address_type: tags::PR_SENT_REPRESENTING_ADDRTYPE,
        smtp_address: tags::PR_SENT_REPRESENTING_SMTP_ADDRESS,
        entry_id: tags::PR_SENT_REPRESENTING_ENTRYID,
        search_key: tags::PR_SENT_REPRESENTING_SEARCH_KEY,
    };
    /// A recipient, in its own storage.
    pub const RECIPIENT: Self = Self {
        name: tags::PR_DISPLAY_NAME,
        address: tags::PR_EMAIL_ADDRESS,
        address_type: tags::PR_ADDRTYPE,
        smtp_address: tags::PR_SMTP_ADDRESS,
        entry_id: tags::PR_ENTRYID,
        search_key: tags::PR_SEARCH_KEY,
    };

    /// The properties that people are shown: name and addresses.
    pub const fn shown(self) -> [PropertyTag; 3] {
        [self.name, self.address, self.smtp_address]
    }

    /// All of them.
    pub const fn all(self) -> [PropertyTag; 6] {
        let Self { name, address, address_type, smtp_address, entry_id, search_key } = self;
        [name, address, address_type, smtp_address, entry_id, search_key]
    }
}
