//! The numbers of the files and directories of a message.
//!
//! Every node belongs to one entry in the directory of the compound file, and each entry has a run
//! of numbers. So the number of a node follows from the bytes of the source alone: it is the same
//! when the message is opened again, and no table of nodes is needed. Knows nothing of names or
//! contents.

use crate::storage::{CompoundFile, EntryNumber};

use super::row::{self, File, Within};

/// The number of a node within its message file. The message itself has number 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// How many bits a number has at most. If a message has more nodes, not all of them are shown.
    pub const BITS: u32 = 26;
}

/// The path of the file that has this number in every message; `None` if the file of this number
/// differs from message to message.
pub fn fixed_path(id: NodeId) -> Option<&'static str> {
    if id.0 == MESSAGE {
        return Some("");
    }
    File::of_number(id.0).filter(|file| file.within == Within::Message).map(|file| file.name)
}

/// The number that a file has in every message, by its path.
pub fn fixed_number(path: &str) -> Option<NodeId> {
    if path.is_empty() {
        return Some(NodeId(MESSAGE));
    }
    File::in_message(path).map(|file| NodeId(file.number))
}

/// The numbers that stand for the same file in every message.
pub fn fixed_numbers() -> impl Iterator<Item = NodeId> {
    (0..=RAW).map(NodeId).filter(|id| fixed_path(*id).is_some())
}

/// A set of files by their names in a message directory, whatever the message. All files that are
/// not in the directory of the outermost message count as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeSet(u64);

impl NodeSet {
    /// Adds a file.
    pub fn insert(&mut self, id: NodeId) {
        self.0 |= Self::bit(id);
    }

    /// Whether a file is in it.
    pub fn contains(self, id: NodeId) -> bool {
        self.0 & Self::bit(id) != 0
    }

    /// The files that are in either of two sets.
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Its files but one.
    pub fn without(self, id: NodeId) -> Self {
        Self(self.0 & !Self::bit(id))
    }

    /// The only file in it, which lies in the directory of the outermost message.
    pub fn single(self) -> Option<NodeId> {
        let id = NodeId(self.0.trailing_zeros());
        (self.0.count_ones() == 1 && id.0 < RAW).then_some(id)
    }

    /// Whether it has no file.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In every file, the numbers below `RAW` are those of the outermost message.
    fn bit(id: NodeId) -> u64 {
        1 << id.0.min(RAW)
    }
}

/// A file or directory of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Node {
    /// A message directory, by the message's storage.
    Message(EntryNumber),
    /// A file of the table, by the storage of the message, recipient or attachment it belongs to.
    File(EntryNumber, &'static File),
    /// A file in `attachments/`, by the attachment's storage.
    Attachment(EntryNumber),
    /// `mapi/named/SET/`, by the first property of the set.
    NamedSet(EntryNumber, u32),
    /// A property in `mapi/`, by its position among those of its storage.
    Property(EntryNumber, u32),
    /// One value of a property that is shown as a directory, by the value's stream.
    Element(EntryNumber),
    /// A storage or stream in `raw/`. The second part is how deep the message is embedded that this
    /// `raw/` belongs to, because the messages around it show the same storages again.
    Raw(EntryNumber, u32),
    /// What is made from the content of an attachment, by the storage of the attachment. The second
    /// part is 0 for a file; for a directory it is the number of a node in the tree inside.
    Derived(EntryNumber, u32),
}

impl Node {
    /// The entry of the compound file that the node belongs to.
    pub(super) fn entry(self) -> EntryNumber {
        match self {
            Self::Message(entry)
            | Self::File(entry, _)
            | Self::Attachment(entry)
            | Self::NamedSet(entry, _)
            | Self::Property(entry, _)
            | Self::Element(entry)
            | Self::Raw(entry, _)
            | Self::Derived(entry, _) => entry,
        }
    }
}

/// The runs of numbers that the entries of a compound file have.
#[derive(Debug)]
pub(super) struct Numbering {
    /// The first number of each entry, and behind the last entry the end of its run.
    starts: Vec<u32>,
    /// The attachments, in order.
    attachments: Vec<EntryNumber>,
    /// How many numbers at the end of the run of an attachment are for the message inside of it.
    derived_len: u32,
    /// All numbers are below it.
    end: u32,
}

/// Offsets in the run of an entry. Those between them are the numbers of the rows of the table.
const MESSAGE: u32 = 0;
const ATTACHMENT: u32 = 4;
const ELEMENT: u32 = 9;
const RAW: u32 = row::NUMBER_MAX;
/// As many as messages can be embedded in each other, and one for the outermost.
const RAW_LEN: u32 = 65;
/// Two numbers for each property: the property, and the set whose first property it is.
const PROPERTY: u32 = RAW + RAW_LEN;
/// At most this many numbers at the end of the run of an attachment are for the message inside of
/// it, which may have attachments of its own.
const DERIVED_LEN_MAX: u32 = 1 << 22;

/// Whether a number below `RAW` is that of a node that has no row in the table.
pub(super) const fn is_reserved(number: u32) -> bool {
    matches!(number, MESSAGE | ATTACHMENT | ELEMENT)
}

const _: () = assert!(RAW < u64::BITS);
const _: () = assert!(RAW_LEN as usize > crate::imsg::EMBEDDING_DEPTH_MAX);

impl Numbering {
    /// Gives each entry of a compound file its run, below `end`; `None` stands for a file that is
    /// no compound file. The numbers that are left are shared equally by the attachments, for the
    /// messages inside of them.
    pub(super) fn new(file: Option<&std::sync::Arc<CompoundFile>>, end: u32) -> Self {
        let count = file.map_or(1, |file| file.entry_count().max(1));
        let mut lens = Vec::with_capacity(count as usize);
        let mut attachments = Vec::new();
        for id in (0..count).map(EntryNumber) {
            let properties = file.and_then(|file| properties_max(file, id)).unwrap_or(0);
            lens.push(PROPERTY.saturating_add(properties.saturating_mul(2)));
            if file.is_some_and(|file| crate::imsg::is_attachment(file.entry_name(id))) {
                attachments.push(id);
            }
        }
        let used = lens.iter().fold(0_u32, |sum, len| sum.saturating_add(*len));
        let shares = u32::try_from(attachments.len()).unwrap_or(u32::MAX).max(1);
        let derived_len = (end.saturating_sub(used) / shares).min(DERIVED_LEN_MAX);
        let mut numbering = Self { starts: Vec::new(), attachments, derived_len, end };
        let mut next = 0_u32;
        let starts = (0..count).map(EntryNumber).zip(lens).map(|(id, len)| {
            let start = next;
            next = next.saturating_add(len).saturating_add(numbering.derived_len(id));
            start
        });
        let mut starts: Vec<u32> = starts.collect();
        starts.push(next);
        numbering.starts = starts;
        numbering
    }

    /// How many numbers there are for the message inside of an attachment.
    pub(super) fn derived_len(&self, entry: EntryNumber) -> u32 {
        match self.attachments.binary_search(&entry) {
            Ok(_) => self.derived_len,
            Err(_) => 0,
        }
    }

    /// The number of a node; `None` for an entry that does not exist.
    pub(super) fn id(&self, node: Node) -> Option<NodeId> {
        let (entry, offset) = match node {
            Node::Message(entry) => (entry, MESSAGE),
            Node::Attachment(entry) => (entry, ATTACHMENT),
            Node::Element(entry) => (entry, ELEMENT),
            Node::File(entry, file) => (entry, file.number),
            Node::Raw(entry, depth) => (entry, RAW + depth.min(RAW_LEN - 1)),
            Node::Property(entry, index) => (entry, PROPERTY.checked_add(index.checked_mul(2)?)?),
            Node::NamedSet(entry, index) => {
                (entry, PROPERTY.checked_add(index.checked_mul(2)?)?.checked_add(1)?)
            }
            Node::Derived(entry, index) => {
                let (_, derived, end) = self.run(entry)?;
                return self.bounded(derived.checked_add(index)?, end);
            }
        };
        let (start, derived, _) = self.run(entry)?;
        let id = start.checked_add(offset)?;
        self.bounded(id, derived)
    }

    /// The node of a number; `None` if there is none.
    pub(super) fn node(&self, id: NodeId) -> Option<Node> {
        let index = self.starts.partition_point(|start| *start <= id.0).checked_sub(1)?;
        if index + 1 >= self.starts.len() {
            return None;
        }
        let entry = EntryNumber(u32::try_from(index).ok()?);
        let (start, derived, _) = self.run(entry)?;
        if let Some(index) = id.0.checked_sub(derived) {
            return Some(Node::Derived(entry, index));
        }
        let offset = id.0 - start;
        Some(match offset {
            MESSAGE => Node::Message(entry),
            ATTACHMENT => Node::Attachment(entry),
            ELEMENT => Node::Element(entry),
            RAW..PROPERTY => Node::Raw(entry, offset - RAW),
            PROPERTY.. => match (offset - PROPERTY) % 2 {
                0 => Node::Property(entry, (offset - PROPERTY) / 2),
                _ => Node::NamedSet(entry, (offset - PROPERTY) / 2),
            },
            _ => Node::File(entry, File::of_number(offset)?),
        })
    }

    /// The run of an entry: its start, the start of the part for the message inside of an
    /// attachment, and its end.
    fn run(&self, entry: EntryNumber) -> Option<(u32, u32, u32)> {
        let index = usize::try_from(entry.0).ok()?;
        let (start, end) = (*self.starts.get(index)?, *self.starts.get(index + 1)?);
        Some((start, end.saturating_sub(self.derived_len(entry)), end))
    }

    /// The number, if it is within its run and within the numbers that there are.
    fn bounded(&self, id: u32, end: u32) -> Option<NodeId> {
        (id < end && id < self.end).then_some(NodeId(id))
    }

    /// How much memory it takes, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        (self.starts.capacity() + self.attachments.capacity()) * size_of::<u32>()
    }
}

/// At most how many properties a storage has: those in its property stream, and one for each child,
/// because values without an entry there are shown too; `None` for a stream.
fn properties_max(file: &std::sync::Arc<CompoundFile>, id: EntryNumber) -> Option<u32> {
    let children = u32::try_from(file.child_count(id)?).unwrap_or(0);
    let stream = file.storage(id)?.stream(crate::imsg::PROPERTY_STREAM);
    let listed = stream.map_or(0, |stream| stream.len() / 16);
    Some(u32::try_from(listed).unwrap_or(u32::MAX).saturating_add(children))
}

#[cfg(test)]
mod tests {
    use super::{Node, NodeId, Numbering, PROPERTY, RAW_LEN};
    use crate::storage::EntryNumber;
    use crate::view::row::File;

    const DERIVED_LEN: u32 = 4096;

    fn numbering(starts: Vec<u32>, attachments: Vec<EntryNumber>) -> Numbering {
        Numbering { starts, attachments, derived_len: DERIVED_LEN, end: 1 << NodeId::BITS }
    }

    fn check(numbering: &Numbering, node: Node, expected: Option<u32>) {
        let id = numbering.id(node);
        assert_eq!(id, expected.map(NodeId), "{node:?}");
        if let Some(id) = id {
            assert_eq!(numbering.node(id), Some(node));
        }
    }

    #[test]
    fn numbers_lead_back_to_their_nodes() {
        let second = PROPERTY + 4;
        let numbering = numbering(vec![0, second, second + PROPERTY], vec![]);
        check(&numbering, Node::Message(EntryNumber(0)), Some(0));
        for file in File::in_message("ERRORS").into_iter().chain(File::in_message("subject")) {
            check(&numbering, Node::File(EntryNumber(1), file), Some(second + file.number));
        }
        check(&numbering, Node::Raw(EntryNumber(1), RAW_LEN - 1), Some(second + PROPERTY - 1));
        check(&numbering, Node::Property(EntryNumber(0), 1), Some(PROPERTY + 2));
        check(&numbering, Node::NamedSet(EntryNumber(0), 1), Some(PROPERTY + 3));
        check(&numbering, Node::Property(EntryNumber(0), 2), None);
        check(&numbering, Node::Property(EntryNumber(0), u32::MAX), None);
        check(&numbering, Node::Message(EntryNumber(2)), None);
        assert_eq!(numbering.node(NodeId(second + PROPERTY)), None);
        assert_eq!(numbering.node(NodeId(15)), None);
    }

    #[test]
    fn derived_nodes_lie_behind_the_properties() {
        let end = PROPERTY + 4 + DERIVED_LEN;
        let starts = vec![0, end, end + PROPERTY, u32::MAX, u32::MAX];
        let numbering = numbering(starts, vec![EntryNumber(0), EntryNumber(2), EntryNumber(3)]);
        check(&numbering, Node::Property(EntryNumber(0), 1), Some(PROPERTY + 2));
        check(&numbering, Node::NamedSet(EntryNumber(0), 1), Some(PROPERTY + 3));
        check(&numbering, Node::Property(EntryNumber(0), 2), None);
        check(&numbering, Node::Derived(EntryNumber(0), 0), Some(PROPERTY + 4));
        check(&numbering, Node::Derived(EntryNumber(0), DERIVED_LEN - 1), Some(end - 1));
        check(&numbering, Node::Derived(EntryNumber(0), DERIVED_LEN), None);
        check(&numbering, Node::Derived(EntryNumber(0), u32::MAX), None);
        check(&numbering, Node::Derived(EntryNumber(1), 0), None);
        check(&numbering, Node::Message(EntryNumber(1)), Some(end));
        check(&numbering, Node::Derived(EntryNumber(2), DERIVED_LEN - 1), None);
        check(&numbering, Node::Derived(EntryNumber(3), 0), None);
        check(&numbering, Node::Message(EntryNumber(3)), None);
    }
}
