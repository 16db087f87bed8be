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

def decompress_rtf(compressed: bytes, /) -> bytes:
    """Compressed RTF ([MS-OXRTFCP]), decompressed."""

class Message:
    """A message: of a ``.msg`` file, of the bytes of one, or embedded in an attachment.

    Opening reads the tables of the file; a getter reads what it is asked for. Getters give
    ``None``, or an empty list, for what the message does not have, and raise ``DamagedError``
    only if there is something of which nothing can be read. Setters are saved by ``save`` or
    ``save_as``. Threads may share a message.
    """

    def __init__(self, source: _Source, *, codepage: int | None = None) -> None:
        """Opens a message. ``codepage`` is the page of every 8-bit string, whatever the message
        says, as 932.

        Raises ``OpenError`` with the cause if there is no such file, or no message in it.
        """
    @classmethod
    def create(cls) -> Message:
        """A new message: an empty mail that is not sent. ``save_as`` gives it a path."""
    @property
    def path(self) -> Path | None:
        """The file it was opened from, or saved to."""
    @property
    def subject(self) -> str | None: ...
    @subject.setter
    def subject(self, value: str | None) -> None: ...
    @property
    def from_(self) -> Address | None:
        """On whose behalf it was sent, else who sent it."""
    @from_.setter
    def from_(self, value: _One) -> None: ...
    @property
    def sender(self) -> Address | None:
        """Who sent it."""
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
        """Everybody in the recipient table, in its order."""
    @property
    def date(self) -> datetime | None:
        """When it was sent, in UTC, cut to microseconds."""
    @date.setter
    def date(self, value: datetime) -> None: ...
    @property
    def received(self) -> datetime | None:
        """When it arrived, in UTC, cut to microseconds."""
    @received.setter
    def received(self, value: datetime) -> None: ...
    @property
    def message_class(self) -> str | None:
        """What kind of item it is, as ``IPM.Note``."""
    @message_class.setter
    def message_class(self, value: str | None) -> None: ...
    @property
    def message_id(self) -> str | None:
        """The ``Message-ID``, in its angle brackets."""
    @message_id.setter
    def message_id(self, value: str | None) -> None: ...
    @property
    def in_reply_to(self) -> str | None:
        """The ``Message-ID`` of what it answers."""
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
        """The header that it came with over the internet."""
    @headers.setter
    def headers(self, value: str | None) -> None: ...
    @property
    def text(self) -> str | None:
        """The body as plain text: ``PR_BODY``, else made from the HTML or the RTF body."""
    @text.setter
    def text(self, value: str) -> None: ...
    @property
    def html(self) -> str | None:
        """The body as HTML that runs no script and loads nothing from elsewhere."""
    @html.setter
    def html(self, value: str) -> None: ...
    @property
    def mailed_html(self) -> str | None:
        """The body as HTML as it is mailed: references to attachments stay ``cid:``, and nothing
        keeps a browser from loading what lies elsewhere."""
    @property
    def rtf(self) -> bytes | None:
        """The body as RTF, if that is what it was written in."""
    @rtf.setter
    def rtf(self, value: _Buffer) -> None: ...
    @property
    def event(self) -> Event | None:
        """The appointment or meeting that it is, or is about."""
    @property
    def size(self) -> int | None:
        """The length of its file in bytes."""
    @property
    def attachments(self) -> list[Attachment]: ...
    @property
    def defects(self) -> list[Defect]:
        """What cannot be read. What is embedded in it has defects of its own."""
    @property
    def notes(self) -> list[Note]:
        """What was read otherwise than the file has it, where nothing is lost."""
    def property(self, key: str | int, /) -> Any:
        """A property by its name or tag: ``PR_SUBJECT``, ``0x0037001F``, or of a named property
        ``PSETID_Appointment/PidLidLocation``; ``None`` if there is none.

        A time is a ``datetime``, a GUID a ``uuid.UUID``, an amount of money a ``Decimal``, a
        multiple value a list. Raises ``InvalidError`` for a name that no property has.
        """
    def set_property(self, key: str | int, value: Any, /) -> None: ...
    def remove_property(self, key: str | int, /) -> None: ...
    def add_attachment(self, name: str, content: _Buffer) -> None: ...
    def set_attachment(self, attachment: Attachment, content: _Buffer) -> None: ...
    def remove_attachment(self, attachment: Attachment) -> None: ...
    def save(self) -> None:
        """Saves the edits in the file that it was opened from. The file is replaced as a whole,
        and only if no other program has changed it meanwhile. Raises ``SaveError``."""
    def save_as(self, path: str | os.PathLike[str]) -> None:
        """Saves it with its edits in another file, and goes on as the message in that."""
    def to_eml(self) -> bytes:
        """The message as RFC 5322 and MIME."""
    def to_ics(self) -> bytes:
        """The appointment, meeting or task as iCalendar; ``InvalidError`` if it is none."""
    def to_vcf(self) -> bytes:
        """The contact as a vCard; ``InvalidError`` if it is none."""
    def to_msg(self) -> bytes:
        """The message as a ``.msg`` file."""
    def to_json(self) -> str:
        """Every property of the message, its recipients and its attachments."""
    def to_text(self) -> str:
        """The message as a person reads it."""
    def to_dict(self, *, hashes: bool = False) -> dict[str, Any]:
        """The message as one row: what ``msgfs find --json`` prints. With ``hashes`` each
        attachment has its SHA-256."""
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
    """An attachment. It holds its message open."""

    @property
    def name(self) -> str:
        """A file name of one component, which no other attachment of the message has."""
    @property
    def kind(self) -> Literal["file", "message", "ole", "link"]: ...
    @property
    def mime_type(self) -> str: ...
    @property
    def size(self) -> int:
        """The length in bytes; of a message that of its ``.msg`` file."""
    @property
    def content_id(self) -> str | None: ...
    @property
    def is_inline(self) -> bool:
        """Whether it belongs into the HTML body."""
    @property
    def target(self) -> str | None:
        """The path or address of a link. It is never followed."""
    @property
    def message(self) -> Message | None:
        """The message that it is."""
    def read(self) -> bytes:
        """All of its bytes; ``DamagedError`` if a part of them cannot be read."""
    def read_partial(self) -> tuple[bytes, list[Defect]]:
        """Its bytes as far as they can be read, and what is missing."""
    def open(self) -> io.BufferedReader:
        """Its bytes as a file."""
    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Writes it into a new file in a folder, and gives its path, which never lies outside."""
    def property(self, key: str | int, /) -> Any: ...

class Batches:
    """Messages as Arrow record batches, which are made as they are asked for, once. PyArrow, Polars
    and DuckDB take it as it is: ``pyarrow.RecordBatchReader.from_stream(batches)``."""

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
    """Messages as a table, a row a message: what ``msgfs table`` writes.

    ``inputs`` are paths, or pairs of a path and the bytes of the file. What cannot be read is a row
    with its ``defects``; so is a path that comes with an exception. ``columns`` are names, as a list
    or with commas; without ``hashes`` nothing has a SHA-256; with ``html`` there is ``body_html``;
    with ``embedded`` embedded messages have rows of their own. The GIL is released while messages
    are read. Raises ``ValueError`` for a column that there is not.
    """

class AttachmentReader:
    def read(self, size: int) -> bytes: ...
    def seek(self, offset: int, whence: int) -> int: ...

class Session:
    """A message session (``OpenIMsgSession``): messages that end together. Leaving it saves what
    is unsaved, and raises ``SaveError`` if something could not be saved."""

    def __init__(self, *, codepage: int | None = None) -> None: ...
    def open(self, source: _Source) -> Message: ...
    @property
    def open_messages(self) -> int: ...
    def close(self) -> list[tuple[str, str | None]]:
        """Saves what is unsaved and ends every message. Gives each message that had edits, and
        ``None`` or why they were not saved."""
    def __enter__(self) -> Session: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...
