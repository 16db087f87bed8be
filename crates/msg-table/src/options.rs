//! Which columns a table has, and how they are filled.

use outlook_msg::imsg::SessionOptions;

use crate::columns::{COLUMNS, Column};

/// Which columns a table has, and how they are filled.
///
/// By default: every column but `body_html`, with hashes, without rows for embedded messages.
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
    /// Every column but `body_html`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            columns: COLUMNS.iter().filter(|column| !column.is_extra()).collect(),
            hashes: true,
            embedded: false,
            session: SessionOptions::default(),
        }
    }

    /// The columns of a list with commas between their names, in its order.
    ///
    /// # Errors
    /// [`UnknownColumn`] for an unknown name. A repeated name counts once.
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

    /// Adds `body_html`, if it is not there.
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

    /// Whether files and attachments are read for their SHA-256. Without, those columns are null.
    #[must_use]
    pub fn hashes(mut self, hashes: bool) -> Self {
        self.hashes = hashes;
        self
    }

    /// Whether embedded messages have rows of their own, after that of the message around them.
    #[must_use]
    pub fn embedded(mut self, embedded: bool) -> Self {
        self.embedded = embedded;
        self
    }

    /// The code page of 8-bit strings.
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
