"""Read and write Outlook .msg files.

>>> import msgfs
>>> with msgfs.Message("Lunch on Friday.msg") as message:      # doctest: +SKIP
...     print(message.subject, message.from_, message.date)
...     print(message.text)
...     for attachment in message.attachments:
...         attachment.save("out")

If the message does not have a value, its getter returns ``None`` or an empty list. Damaged values
are read as far as possible, and ``message.defects`` lists the damage; a getter raises
``DamagedError`` only if nothing can be read. Every exception is a ``msgfs.Error``.
"""

from ._errors import (
    ClosedError,
    DamagedError,
    Error,
    InvalidError,
    OpenError,
    SaveError,
    UnsavedWarning,
)
from ._msgfs import Attachment, Batches, Message, Session, __version__, read_batches
from ._types import Address, Attendee, ChangedOccurrence, Defect, Event, Note, Recipient

__all__ = [
    "Address",
    "Attachment",
    "Attendee",
    "ChangedOccurrence",
    "Batches",
    "ClosedError",
    "DamagedError",
    "Defect",
    "Error",
    "Event",
    "InvalidError",
    "Message",
    "Note",
    "OpenError",
    "Recipient",
    "SaveError",
    "Session",
    "UnsavedWarning",
    "__version__",
    "read_batches",
]
