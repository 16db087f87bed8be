//! Finds the code page of the `PT_STRING8` values of a message, and decodes them.
//!
//! Files state the code page in several properties, which may contradict each other. `find_stated`
//! asks them in the order that was right for most real files. If most strings are not valid in the
//! stated page, the page is guessed, and a note says so. Does not know which property a string
//! belongs to.

use std::sync::{Arc, OnceLock};

use crate::mapi::detect::{self, Guess};
use crate::mapi::utf16::{decode_utf16, trim_nuls};
use crate::mapi::{CodePage, PropertyType};
use crate::storage::{Entry, Storage};

use super::stream_name::StreamName;

/// Decodes the strings of one message: in the code page that it states, else in that of the outer
/// message.
#[derive(Debug)]
pub struct Strings {
    storage: Storage,
    hints: CodePageHints,
    chosen: Option<CodePage>,
    outer: Option<Arc<Strings>>,
    stated: OnceLock<Option<CodePage>>,
    chosen_for_all: OnceLock<(CodePage, Option<Guess>)>,
}

/// The properties of a message that state its code page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CodePageHints {
    /// `PR_MESSAGE_CODEPAGE`.
    pub(super) message: Option<u32>,
    /// `PR_MESSAGE_LOCALE_ID`.
    pub(super) locale: Option<u32>,
    /// `PR_INTERNET_CPID`.
    pub(super) internet: Option<u32>,
}

impl CodePageHints {
    /// The number of the stated page, even if there is no decoder for it. Only a note mentions it.
    fn stated_number(self) -> Option<u32> {
        self.message.or(self.internet).filter(|number| !matches!(number, 0 | 1200 | 1201))
    }
}

impl Strings {
    /// A decoder for the message on a storage. `chosen` overrides what the message states; `outer`
    /// belongs to the message that contains it.
    pub(super) fn new(
        storage: &Storage,
        hints: CodePageHints,
        chosen: Option<CodePage>,
        outer: Option<Arc<Strings>>,
    ) -> Self {
        Self {
            storage: storage.clone(),
            hints,
            chosen,
            outer,
            stated: OnceLock::new(),
            chosen_for_all: OnceLock::new(),
        }
    }

    /// A decoder for the same message after an edit.
    pub(super) fn reloaded(&self, storage: &Storage, hints: CodePageHints) -> Self {
        Self::new(storage, hints, self.chosen, self.outer.clone())
    }

    /// The properties of this message that state its code page.
    pub(super) fn hints(&self) -> CodePageHints {
        self.hints
    }

    /// The code page of the `PT_STRING8` values.
    pub fn code_page(&self) -> CodePage {
        self.page_and_guess().0
    }

    /// The code page that this message, or an outer one, states for them; `None` if none does.
    pub fn stated_code_page(&self) -> Option<CodePage> {
        *self.stated.get_or_init(|| self.chosen.or_else(|| self.find_stated()))
    }

    /// Whether the code page is told without a look at the strings.
    pub(super) fn is_told_code_page(&self) -> bool {
        self.chosen.is_some() || self.hints.message.and_then(ansi_code_page).is_some()
    }

    /// Whether these strings, after an edit, are read in the page in which they were before, and
    /// that is no guess if it was none.
    pub(super) fn is_read_as(&self, before: &Self) -> bool {
        let (page, guess) = self.page_and_guess();
        page == before.code_page() && (guess.is_none() || guess == before.guess())
            || self.strings_to_examine().next().is_none()
    }

    /// The guessed code page, if the page for all 8-bit strings is a guess.
    pub(super) fn guess(&self) -> Option<Guess> {
        self.page_and_guess().1
    }

    /// The code page for all 8-bit strings. The strings are examined only when this is first
    /// needed.
    fn page_and_guess(&self) -> (CodePage, Option<Guess>) {
        *self.chosen_for_all.get_or_init(|| {
            let stated = self.stated_code_page();
            match self.chosen.or_else(|| stated.filter(|page| self.is_stated_right(*page))) {
                Some(page) => (page, None),
                None => self.guess_for_all(stated),
            }
        })
    }

    /// The code page of `PR_HTML`: `PR_INTERNET_CPID` of this message, else of the outer one. A
    /// chosen code page overrides it too.
    pub fn internet_code_page(&self) -> Option<u32> {
        self.chosen
            .map(CodePage::number)
            .or(self.hints.internet)
            .or_else(|| self.outer.as_ref()?.internet_code_page())
    }

    /// Whether the code page is that of the outer message, because this one states none.
    pub(super) fn is_inherited(&self) -> bool {
        let CodePageHints { message, locale, internet } = self.hints;
        self.outer.is_some() && message.is_none() && locale.is_none() && internet.is_none()
    }

    /// Decodes a `PT_STRING8` value, without the NULs at its end.
    pub(super) fn decode(&self, bytes: &[u8]) -> String {
        if is_disguised_utf16(bytes) {
            return trim_nuls(decode_utf16(bytes));
        }
        trim_nuls(self.page_of(bytes).0.decode(bytes).into_owned())
    }

    /// The code page of a value, and the guess if it was guessed for this value alone.
    pub(super) fn page_of(&self, bytes: &[u8]) -> (CodePage, Option<Guess>) {
        if let Some(chosen) = self.chosen {
            return (chosen, None);
        }
        let stated = self.stated_code_page();
        // ASCII is the same in nearly every page, so the other strings need not be examined.
        let page = match bytes.is_ascii() && stated.is_none_or(CodePage::has_ascii) {
            true => stated.unwrap_or(CodePage::WINDOWS_1252),
            false => self.code_page(),
        };
        let (page, guess) = detect::page_of(bytes, Some(page));
        (page, guess.map(|guess| Guess { stated: stated.map(CodePage::number), ..guess }))
    }

    /// Whether at least half of the strings that are not ASCII are valid in the stated page.
    fn is_stated_right(&self, stated: CodePage) -> bool {
        let (mut wrong, mut all) = (0_usize, 0_usize);
        for bytes in self.strings_to_examine() {
            all += 1;
            wrong += usize::from(!detect::fits(stated, &bytes));
        }
        wrong * 2 <= all
    }

    fn guess_for_all(&self, stated: Option<CodePage>) -> (CodePage, Option<Guess>) {
        let strings: Vec<_> = self.strings_to_examine().collect();
        let guessed = match strings.is_empty() {
            true => None,
            false => detect::guess(strings.iter().map(Vec::as_slice)),
        };
        match guessed {
            Some(page) => {
                let stated = stated.map(CodePage::number).or_else(|| self.hints.stated_number());
                (page, Some(Guess { page, stated }))
            }
            None => (stated.unwrap_or(CodePage::WINDOWS_1252), None),
        }
    }

    fn find_stated(&self) -> Option<CodePage> {
        self.locale_over_message_code_page()
            .or_else(|| self.hints.message.and_then(ansi_code_page))
            .or_else(|| self.valid_utf8())
            .or_else(|| self.hints.locale.and_then(CodePage::of_locale))
            .or_else(|| self.hints.internet.and_then(CodePage::of_internet_code_page))
            .or_else(|| {
                let outer = self.outer.as_ref()?;
                // A guess for the outer message counts as stated for this one.
                outer.guess().map(|guess| guess.page).or_else(|| outer.stated_code_page())
            })
    }

    /// A file was seen with `PR_MESSAGE_CODEPAGE` 1252, a Chinese locale and GBK strings. So the
    /// page of a double-byte locale wins over another stated page if all strings are valid in it.
    fn locale_over_message_code_page(&self) -> Option<CodePage> {
        let locale = self.hints.locale.and_then(CodePage::of_locale)?;
        let contradicted = self.hints.message.is_some_and(|number| number != locale.number());
        if !locale.is_double_byte() || !contradicted {
            return None;
        }
        let mut strings = self.non_ascii_strings().peekable();
        let proved = strings.peek().is_some() && strings.all(|bytes| locale.is_valid(&bytes));
        proved.then_some(locale)
    }

    /// UTF-8, if `PR_INTERNET_CPID` is 65001 and all strings are valid UTF-8. The property alone
    /// proves nothing: it is about the HTML body.
    fn valid_utf8(&self) -> Option<CodePage> {
        let mut strings = self.strings_to_examine().peekable();
        let says_utf8 = self.hints.internet == Some(CodePage::UTF_8.number());
        let is_utf8 = says_utf8
            && strings.peek().is_some()
            && strings.all(|bytes| std::str::from_utf8(&bytes).is_ok());
        is_utf8.then_some(CodePage::UTF_8)
    }

    /// The strings that help to find the code page.
    fn strings_to_examine(&self) -> impl Iterator<Item = Vec<u8>> {
        self.non_ascii_strings().filter(|bytes| !is_disguised_utf16(bytes))
    }

    /// The non-ASCII `PT_STRING8` values of the message, its recipients and attachments.
    fn non_ascii_strings(&self) -> impl Iterator<Item = Vec<u8>> {
        let is_string = |name: &str| {
            StreamName::parse(name)
                .is_some_and(|name| name.tag.property_type() == PropertyType::STRING8)
        };
        let own = self.storage.entries();
        let parts = own.filter_map(|entry| match entry {
            Entry::Storage(storage) => Some(storage),
            Entry::Stream(_) => None,
        });
        std::iter::once(self.storage.clone())
            .chain(parts)
            .flat_map(|storage| storage.entries().collect::<Vec<_>>())
            .filter_map(move |entry| match entry {
                Entry::Stream(stream) if is_string(stream.name()) => Some(stream.read_salvage().0),
                _ => None,
            })
            .filter(|bytes| !bytes.is_ascii())
    }
}

/// The code page of a number. 0 (none) and 1200 and 1201 (UTF-16) cannot be the page of 8-bit
/// strings.
fn ansi_code_page(number: u32) -> Option<CodePage> {
    match number {
        0 | 1200 | 1201 => None,
        number => CodePage::new(number),
    }
}

/// Whether bytes are plainly UTF-16LE although the type of the property says 8-bit: the second byte
/// of every pair is NUL, and no first byte is. Two of 337 real files have such strings. A single
/// pair proves nothing: it may be one 8-bit character and its terminating NUL.
fn is_disguised_utf16(bytes: &[u8]) -> bool {
    let (pairs, rest) = bytes.as_chunks::<2>();
    pairs.len() > 1 && rest.is_empty() && pairs.iter().all(|[low, high]| *low != 0 && *high == 0)
}

#[cfg(test)]
mod tests {
    use super::is_disguised_utf16;

    #[test]
    fn utf16_behind_an_8_bit_type_is_recognised() {
        assert!(is_disguised_utf16(b"a\0b\0"));
        assert!(!is_disguised_utf16(b"ab"));
        assert!(!is_disguised_utf16(b"a\0b"));
        assert!(!is_disguised_utf16(b"a\0\0\0"));
        assert!(!is_disguised_utf16(b"a\0"));
        assert!(!is_disguised_utf16(b""));
    }
}
