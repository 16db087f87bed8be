//! Makes the rows of one file: the row of the message and, with `embedded`, those of the messages
//! embedded in it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use outlook_msg::Mail;
use outlook_msg::imsg::{Access, Session};
use outlook_msg::mail::{Attachment, AttachmentKind, Error};
use outlook_msg::storage::{CompoundFile, Source};

use crate::batch::{BatchBuilder, Batches};
use crate::cell::Cell;
use crate::columns::{COLUMNS, Column};
use crate::facts::{Facts, FileBytes, MessagePosition};
use crate::input::Input;
use crate::options::Options;
use crate::schema::schema_of;

/// Messages that are embedded more deeply do not become rows.
const DEPTH_MAX: i32 = 64;
/// The values of one file take at most this many bytes, plus a multiple of its size, because a
/// hostile file can use one text for thousands of messages.
const BYTES_MIN: usize = 64 << 20;
const BYTES_FACTOR: u64 = 8;
/// They never take more than this, so that the 32-bit offsets of Arrow do not overflow.
const BYTES_MAX: usize = 1 << 30;
/// The bytes that even an empty row counts.
const ROW_BYTES: usize = 512;

/// Turns messages into rows, all in one message session. Threads may share it.
pub struct Table {
    options: Options,
    session: Session,
    schema: SchemaRef,
    /// The columns in the order in which they are filled, each with its position in the row.
    filled: Vec<(usize, &'static Column)>,
}

/// A row, which a [`BatchBuilder`] takes.
#[derive(Clone, Debug)]
pub struct Record {
    pub(crate) cells: Vec<Cell>,
    has_defects: bool,
}

impl Record {
    /// Whether a part of the message cannot be read. If the table lacks the column `defects`, this
    /// covers only the values of the chosen columns.
    #[must_use]
    pub fn has_defects(&self) -> bool {
        self.has_defects
    }
}

impl Table {
    /// A table with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let columns = options.columns.iter().copied();
        let mut filled: Vec<_> = columns.enumerate().collect();
        filled.sort_by_key(|(_, column)| COLUMNS.iter().position(|one| one.name == column.name));
        Self {
            session: Session::open(options.session.clone()),
            schema: schema_of(&options.columns),
            filled,
            options,
        }
    }

    /// The Arrow schema.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The rows of messages in batches. Each message is read only when the iterator needs it.
    pub fn batches<I: IntoIterator<Item = Input>>(self, inputs: I) -> Batches<I::IntoIter> {
        Batches::new(self, inputs.into_iter())
    }

    /// A builder of batches with these columns.
    #[must_use]
    pub fn builder(&self) -> BatchBuilder {
        BatchBuilder::new(self.schema(), self.options.columns.iter().map(|column| column.kind()))
    }

    /// The rows of a message, its own first. There is always that row, whatever is wrong with the
    /// file.
    #[must_use]
    pub fn records(&self, input: Input) -> Vec<Record> {
        let at =
            MessagePosition { path: input.path.clone(), parent: input.parent.clone(), depth: 0 };
        // If the library panics, only the rows of this file are lost, not the hours of work before
        // it.
        let records = catch_unwind(AssertUnwindSafe(|| self.read(input, &at)));
        records.unwrap_or_else(|_| vec![self.unreadable(&at, FileBytes::None, FAULT)])
    }

    fn read(&self, input: Input, at: &MessagePosition) -> Vec<Record> {
        let source = match Input::source(input) {
            Ok(source) => source,
            Err(error) => return vec![self.unreadable(at, FileBytes::None, &error.to_string())],
        };
        let bytes = FileBytes::Source(&source);
        match self.open(&source) {
            Err(error) => vec![self.unreadable(at, bytes, &error.to_string())],
            Ok(mail) => {
                let mut rows = Rows { table: self, records: Vec::new(), room: room(source.len()) };
                rows.add(at, bytes, &mail);
                rows.records
            }
        }
    }

    fn open(&self, source: &Arc<Source>) -> Result<Mail, Error> {
        let file = CompoundFile::open(Arc::clone(source))?;
        Ok(Mail::of(self.session.open_message(&file.root(), Access::Read)?))
    }

    /// The row of a message that cannot be opened.
    fn unreadable(&self, at: &MessagePosition, bytes: FileBytes<'_>, cause: &str) -> Record {
        let facts = Facts::new(at, bytes, self.options.hashes);
        facts.add_defect("/", cause);
        self.record(&facts, &mut { BYTES_MAX })
    }

    fn record(&self, facts: &Facts<'_>, room: &mut usize) -> Record {
        let mut cells = vec![Cell::Null; self.filled.len()];
        let mut has_defects = false;
        for (place, column) in &self.filled {
            let cell = column.fill(facts);
            let bytes = cell.bytes();
            if bytes > *room {
                facts.add_defect(column.name, "too long for a table of a file of this size");
                continue;
            }
            *room -= bytes;
            has_defects |= column.name == "defects" && cell != Cell::List(Vec::new());
            if let Some(slot) = cells.get_mut(*place) {
                *slot = cell;
            }
        }
        Record { cells, has_defects: has_defects || facts.has_defect() }
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The defect in the row of a file on which the library panicked.
const FAULT: &str = "msgfs has a fault that this file brings out; please report it";

/// Collects the rows of one file.
struct Rows<'a> {
    table: &'a Table,
    records: Vec<Record>,
    /// How many bytes are left for values.
    room: usize,
}

impl Rows<'_> {
    fn add(&mut self, at: &MessagePosition, bytes: FileBytes<'_>, mail: &Mail) {
        let attachments = mail.attachments();
        let known = attachments.as_deref().unwrap_or_default();
        let facts = Facts::new(at, bytes, self.table.options.hashes).of_mail(mail, known);
        if let Err(error) = &attachments {
            facts.add_defect("attachments", &error.to_string());
        }
        let is_deepest = at.depth >= DEPTH_MAX;
        let has_embedded = known.iter().any(|one| one.kind() == AttachmentKind::Message);
        if self.table.options.embedded && is_deepest && has_embedded {
            facts.add_defect(
                "attachments",
                "messages embedded deeper than 64 levels are not opened",
            );
        }
        self.push(&facts);
        if self.table.options.embedded && !is_deepest {
            self.add_embedded(at, known);
        }
    }

    fn add_embedded(&mut self, at: &MessagePosition, attachments: &[Attachment]) {
        let embedded = attachments.iter().filter(|one| one.kind() == AttachmentKind::Message);
        for attachment in embedded {
            if self.room == 0 {
                return;
            }
            let inside = MessagePosition {
                path: at.path.join("attachments").join(Path::new(attachment.name())),
                parent: Some(at.path.clone()),
                depth: at.depth + 1,
            };
            let bytes = FileBytes::Embedded(attachment);
            match attachment.message() {
                Ok(Some(mail)) => self.add(&inside, bytes, &mail),
                Ok(None) => {}
                Err(error) => {
                    let record =
                        self.table.unreadable(&inside, FileBytes::None, &error.to_string());
                    self.records.push(record);
                }
            }
        }
    }

    fn push(&mut self, facts: &Facts<'_>) {
        self.room = self.room.saturating_sub(ROW_BYTES);
        if self.room == 0 {
            facts.add_defect(
                "/",
                "too many embedded messages for a file of this size; more are left out",
            );
        }
        let mut room = self.room;
        self.records.push(self.table.record(facts, &mut room));
        self.room = room;
    }
}

/// How many bytes the values of a file of this size may take.
fn room(size: u64) -> usize {
    let factor = usize::try_from(size.saturating_mul(BYTES_FACTOR)).unwrap_or(BYTES_MAX);
    BYTES_MIN.saturating_add(factor).min(BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::{Table, room};
    use crate::cell::Cell;
    use crate::facts::{Facts, FileBytes, MessagePosition};
    use crate::options::Options;

    /// A value that exceeds the limit becomes null, and a defect says so.
    #[test]
    fn values_have_limited_room() {
        let at = MessagePosition { path: PathBuf::from("a".repeat(1000)), parent: None, depth: 0 };
        let table = Table::new(Options::new().columns("path,depth,defects").unwrap());
        let record = |mut room: usize| {
            let record = table.record(&Facts::new(&at, FileBytes::None, false), &mut room);
            (record.has_defects(), record.cells)
        };
        let (has_defects, cells) = record(2000);
        assert!(!has_defects && cells[0] != Cell::Null);
        let (has_defects, cells) = record(500);
        assert!(has_defects && cells[0] == Cell::Null && cells[1] == Cell::Integer(0));
        assert!(matches!(&cells[2], Cell::List(defects) if defects.len() == 1));
    }

    #[test]
    fn room_follows_the_file() {
        assert_eq!(room(0), 64 << 20);
        assert_eq!(room(1 << 20), 72 << 20);
        assert_eq!(room(u64::MAX), 1 << 30);
    }
}
