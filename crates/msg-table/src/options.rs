//! Which columns a table has, and how they are filled.

use outlook_msg::imsg::SessionOptions;

use crate::columns::{COLUMNS, Column};

/// Which columns a table has, and how they are filled.
///
/// The default is every column except `body_html`, with hashes, and without rows for embedded
/// messages.
#[derive(Clone, Debug)]
pub struct Options {
    pub(crate) columns: Vec<&'static Column>,
    pub(crate) hashes: bool,
    pub(crate) embedded: bool,
    pub(crate) session: SessionOptions,
}

/// There is no column of this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no column is called '{0}'")]
pub struct UnknownColumn(
    /// The name.
    pub String,
);

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// The default options: every column except `body_html`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            columns: COLUMNS.iter().filter(|column| !column.is_extra()).collect(),
            hashes: true,
            embedded: false,
            session: SessionOptions::default(),
        }
    }

    /// Chooses the columns from a list of names with commas between them, in the order of the list.
    /// A repeated name counts once.
    ///
    /// # Errors
    /// [`UnknownColumn`] for an unknown name.
    pub fn columns(mut self, list: &str) -> Result<Self, UnknownColumn> {
        self.columns.clear();
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let found = COLUMNS.iter().find(|column| column.name == name);
            let column = found.ok_or_else(|| UnknownColumn(name.to_owned()))?;
            if !self.columns.iter().any(|known| known.name == name) {
                self.columns.push(column);
            }
        }
        if self.columns.is_empty() {
            return Err(UnknownColumn(list.to_owned()));
        }
        Ok(self)
    }

    /// Adds `body_html`, unless it is chosen already.
    #[must_use]
    pub fn html(mut self) -> Self {
        if !self.columns.iter().any(|column| column.is_extra()) {
            let at = self.columns.iter().position(|column| column.name == "body");
            let extra = COLUMNS.iter().filter(|column| column.is_extra());
            let at = at.map_or(self.columns.len(), |at| at + 1);
            self.columns.splice(at..at, extra);
        }
        self
    }

    /// Whether the SHA-256 of files and attachments is computed, for which they are read. Otherwise
    /// these columns are null.
    #[must_use]
    pub fn hashes(mut self, hashes: bool) -> Self {
        self.hashes = hashes;
        self
    }

    /// Whether embedded messages have rows of their own, after the row of the message that contains
    /// them.
    #[must_use]
    pub fn embedded(mut self, embedded: bool) -> Self {
        self.embedded = embedded;
        self
    }

    /// Sets how messages are read: the code page of 8-bit strings.
    #[must_use]
    pub fn session(mut self, session: SessionOptions) -> Self {
        self.session = session;
        self
    }

    /// The columns in their order.
    pub fn column_names(&self) -> impl Iterator<Item = &'static str> {
        self.columns.iter().map(|column| column.name)
    }
}
