import io
import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Iterable, Literal, TypeAlias

from ._types import Address, Defect, Event, Note, Recipient

__version__: str

_Buffer: TypeAlias = bytes | bytearray | memoryview
_Path: TypeAlias = str | os.PathLike[str]
_Source: TypeAlias = str | os.PathLike[str] | _Buffer | BinaryIO
_One: TypeAlias = Address | tuple[str, str] | str
_Many: TypeAlias = _One | Iterable[_One] | None

def address_text(name: str, address: str, /) -> str:
    """An address as it is shown: the text of :class:`msgfs.Address`."""

def decompress_rtf(compressed: bytes, /) -> bytes:
    """Decompresses compressed RTF ([MS-OXRTFCP]). Raises ``ValueError`` for other bytes."""

class Message:
    """A message: from a ``.msg`` file, from the bytes of one, or embedded in an attachment.

    Opening a message reads only the tables of the file; each getter reads what it needs. If the
    message does not have a value, its getter returns ``None`` or an empty list. A getter raises
    ``DamagedError`` only if the message has a value of which nothing can be read. ``save`` and
    ``save_as`` write what setters have set. Threads may share a message.
    """

    def __init__(self, source: _Source, *, codepage: int | None = None) -> None:
        """Opens a message. ``codepage``, such as 932, is the Windows code page of all 8-bit
        strings; it overrides what the message states.

        Raises ``OpenError``, with the cause, if the file does not exist or is not a message.
        """
    @classmethod
    def create(cls) -> Message:
        """Creates a new message: an empty, unsent mail. ``save_as`` gives it a path."""
    @property
    def path(self) -> Path | None:
        """The file that the message was opened from, or last saved in."""
    @property
    def subject(self) -> str | None: ...
    @subject.setter
    def subject(self, value: str | None) -> None: ...
    @property
    def from_(self) -> Address | None:
        """The person on whose behalf the message was sent, else the sender."""
    @from_.setter
    def from_(self, value: _One) -> None: ...
    @property
    def sender(self) -> Address | None:
        """The person who sent the message."""
    @sender.setter
    def sender(self, value: _One) -> None: ...
    @property
    def to(self) -> list[Address]: ...
    @to.setter
    def to(self, value: _Many) -> None: ...
    @property
    def cc(self) -> list[Address]: ...
    @cc.setter
    def cc(self, value: _Many) -> None: ...
    @property
    def bcc(self) -> list[Address]: ...
    @bcc.setter
    def bcc(self, value: _Many) -> None: ...
    @property
    def reply_to(self) -> list[Address]: ...
    @reply_to.setter
    def reply_to(self, value: _Many) -> None: ...
    @property
    def recipients(self) -> list[Recipient]:
        """All recipients, in the order of the recipient table."""
    @property
    def date(self) -> datetime | None:
        """When the message was sent, in UTC, cut to microseconds."""
    @date.setter
    def date(self, value: datetime) -> None: ...
    @property
    def received(self) -> datetime | None:
        """When the message arrived, in UTC, cut to microseconds."""
    @received.setter
    def received(self, value: datetime) -> None: ...
    @property
    def message_class(self) -> str | None:
        """The message class, such as ``IPM.Note`` for a mail."""
    @message_class.setter
    def message_class(self, value: str | None) -> None: ...
    @property
    def message_id(self) -> str | None:
        """The ``Message-ID``, in its angle brackets."""
    @message_id.setter
    def message_id(self, value: str | None) -> None: ...
    @property
    def in_reply_to(self) -> str | None:
        """The ``Message-ID`` of the message that this one answers."""
    @property
    def conversation(self) -> str | None:
        """The topic of its conversation."""
    @property
    def importance(self) -> str | None:
        """``low``, ``normal`` or ``high``."""
    @importance.setter
    def importance(self, value: Literal["low", "normal", "high"]) -> None: ...
    @property
    def categories(self) -> list[str]: ...
    @categories.setter
    def categories(self, value: list[str]) -> None: ...
    @property
    def headers(self) -> str | None:
        """The header that the message had on its way over the internet."""
    @headers.setter
    def headers(self, value: str | None) -> None: ...
    @property
    def text(self) -> str | None:
        """The body as plain text: ``PR_BODY``, else text made from the HTML or RTF body."""
    @text.setter
    def text(self, value: str) -> None: ...
    @property
    def html(self) -> str | None:
        """The body as HTML that is safe in a browser: it runs no script and loads nothing from
        other machines."""
    @html.setter
    def html(self, value: str) -> None: ...
    @property
    def shown_text(self) -> str | None:
        """The text that mail programs show: that of a message which this one only wraps, if it has
        no body of its own, as signed mail often has none."""
    @property
    def shown_html(self) -> str | None:
        """The HTML body that mail programs show, as :attr:`shown_text`."""
    @property
    def shown_event(self) -> Event | None:
        """The appointment or meeting that mail programs show: that of a message which this one only
        wraps, if it is about none itself."""
    @property
    def wrapped(self) -> list[tuple[str, Message]]:
        """The messages in signed mail and in ``winmail.dat``, each after its path in the directory
        of this message: ``signed``, ``attachments/winmail.dat.d``."""
    @property
    def details(self) -> list[tuple[str, list[str]]]:
        """What people are shown of a contact, a list, a task, a journal entry or an item of a feed:
        names of fields, each with its values. Empty for other messages."""
    @property
    def mailed_html(self) -> str | None:
        """The HTML body as it was mailed: references to attachments stay ``cid:`` URLs, and a
        browser would load whatever the body asks for."""
    @property
    def rtf(self) -> bytes | None:
        """The body as RTF, if the message was written in RTF."""
    @rtf.setter
    def rtf(self, value: _Buffer) -> None: ...
    @property
    def event(self) -> Event | None:
        """The appointment or meeting that the message is, or is about."""
    @property
    def size(self) -> int | None:
        """The length of the file in bytes."""
    @property
    def attachments(self) -> list[Attachment]: ...
    @property
    def defects(self) -> list[Defect]:
        """What cannot be read, of the message and of those that are embedded in it."""
    @property
    def notes(self) -> list[Note]:
        """What was read in another way than the file states, although nothing is lost."""
    def property(self, key: str | int, /) -> Any:
        """A property by its name or its tag: ``PR_SUBJECT``, ``0x0037001F``, or for a named
        property ``PSETID_Appointment/PidLidLocation``; ``None`` if the message does not have it.

        A time is a ``datetime``, a GUID a ``uuid.UUID``, a currency value a ``Decimal``, and a
        multi-valued property a list. Raises ``InvalidError`` if no property has the name.
        """
    def set_property(self, key: str | int, value: Any, /) -> None: ...
    def remove_property(self, key: str | int, /) -> None: ...
    def add_attachment(self, name: str, content: _Buffer) -> None: ...
    def set_attachment(self, attachment: Attachment, content: _Buffer) -> None: ...
    def remove_attachment(self, attachment: Attachment) -> None: ...
    def save(self) -> None:
        """Saves the edits in the file that the message was opened from. The file is replaced as a
        whole, and only if no other program has changed it meanwhile. Raises ``SaveError``."""
    def save_as(self, path: str | os.PathLike[str]) -> None:
        """Saves the message with its edits in another file. From then on, ``path`` is that file."""
    def to_eml(self) -> bytes:
        """The message as RFC 5322 and MIME: its attachments too, and an appointment, task or contact
        as iCalendar or vCard."""
    def to_ics(self) -> bytes:
        """The appointment, meeting or task as iCalendar. Raises ``InvalidError`` if the message is
        none of these."""
    def to_vcf(self) -> bytes:
        """The contact as a vCard. Raises ``InvalidError`` if the message is no contact."""
    def to_msg(self) -> bytes:
        """The message as a ``.msg`` file."""
    def to_json(self) -> str:
        """Every property of the message, its recipients and its attachments, as JSON."""
    def to_text(self) -> str:
        """The message as text for a person, as ``msgfs show`` prints it."""
    def to_dict(self, *, hashes: bool = False) -> dict[str, Any]:
        """The message as one row, as ``msgfs find --json`` prints it. With ``hashes``, the row
        has the SHA-256 of each attachment."""
    def close(self) -> None:
        """Closes the message. Edits that are not saved are lost."""
    def __enter__(self) -> Message: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

class Attachment:
    """An attachment. It keeps its message open."""

    @property
    def name(self) -> str:
        """The file name: one path component, which no other attachment of the message has."""
    @property
    def kind(self) -> Literal["file", "message", "ole", "link"]: ...
    @property
    def mime_type(self) -> str: ...
    @property
    def size(self) -> int:
        """The length in bytes; for an embedded message, that of a ``.msg`` file of its own."""
    @property
    def content_id(self) -> str | None: ...
    @property
    def is_inline(self) -> bool:
        """Whether the HTML body shows it."""
    @property
    def target(self) -> str | None:
        """The path or URL that a link leads to. msgfs never follows it."""
    @property
    def message(self) -> Message | None:
        """The embedded message; ``None`` for an attachment of another kind."""
    def read(self) -> bytes:
        """All of its bytes. Raises ``DamagedError`` if a part of them cannot be read."""
    def read_partial(self) -> tuple[bytes, list[Defect]]:
        """The bytes that can be read, and what is missing."""
    def open(self) -> io.BufferedReader:
        """Opens its bytes as a file."""
    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Writes it into a new file in a folder, and returns the path of the file, which is never
        outside of the folder."""
    def property(self, key: str | int, /) -> Any: ...

class Batches:
    """Messages as Arrow record batches. A batch is made when the consumer asks for it, and the
    batches can be taken only once. PyArrow, Polars and DuckDB accept the object, for example
    ``pyarrow.RecordBatchReader.from_stream(batches)``."""

    @property
    def columns(self) -> list[str]: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def read_batches(
    inputs: Iterable[_Path | tuple[_Path, _Buffer | BaseException]],
    *,
    columns: str | Iterable[str] | None = None,
    hashes: bool = True,
    html: bool = False,
    embedded: bool = False,
    codepage: int | None = None,
) -> Batches:
    """Messages as a table with one row per message, as ``msgfs table`` writes it.

    ``inputs`` are paths, or pairs of a path and the bytes of the file. A message that cannot be
    read becomes a row with its ``defects``. If the caller could not read a file, it can give the
    path with the exception, which becomes a defect too. ``columns`` are the names of the columns,
    as a list or as a text with commas. Without ``hashes``, the columns with a SHA-256 are null.
    With ``html``, the table also has the column ``body_html``. With ``embedded``, embedded messages
    have rows of their own. The GIL is released while messages are read. Raises ``ValueError`` if
    there is no column of a name.
    """

class AttachmentReader:
    def read(self, size: int) -> bytes: ...
    def seek(self, offset: int, whence: int) -> int: ...

class Session:
    """A message session (``OpenIMsgSession``), which closes all its messages together. At the end
    of a ``with`` block, it saves what is unsaved, and raises ``SaveError`` if that fails."""

    def __init__(self, *, codepage: int | None = None) -> None: ...
    def open(self, source: _Source) -> Message: ...
    @property
    def open_messages(self) -> int: ...
    def close(self) -> list[tuple[str, str | None]]:
        """Saves what is unsaved, and closes every message. Returns a pair for each message that
        had edits: its name, and ``None`` or the reason why they were not saved."""
    def __enter__(self) -> Session: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
