"""The interface of python-oxmsg. msgfs reads the messages.

>>> from msgfs.compat.oxmsg import Message
>>> message = Message.load("Lunch on Friday.msg")      # doctest: +SKIP

``tests/differences_oxmsg.json`` lists what differs from python-oxmsg, and why.
"""

from __future__ import annotations

import email.utils
import os
from datetime import datetime
from functools import cached_property
from typing import Any, BinaryIO

from .. import _msgfs
from ._headers import parsed
from ._values import found, with_crlf

__all__ = ["Attachment", "Message", "Properties", "Recipient"]


class Message:
    """A message, with the attributes of ``oxmsg.Message``."""

    def __init__(self, message: _msgfs.Message) -> None:
        self._message = message

    @classmethod
    def load(cls, msg_file: str | os.PathLike[str] | bytes | BinaryIO) -> Message:
        """Opens a message from a path, from bytes, or from an open file."""
        return cls(_msgfs.Message(msg_file))

    @property
    def attachment_count(self) -> int:
        return len(self.attachments)

    @cached_property
    def attachments(self) -> tuple[Attachment, ...]:
        return tuple(Attachment(one) for one in self._message.attachments)

    @property
    def body(self) -> str | None:
        """The body as plain text, with CRLF."""
        return with_crlf(found(lambda: self._message.text))

    @property
    def html_body(self) -> str | None:
        """The HTML body, even if it is inside of compressed RTF."""
        return found(lambda: self._message.mailed_html)

    @property
    def message_class(self) -> str:
        return found(lambda: self._message.message_class) or "IPM"

    @cached_property
    def message_headers(self) -> dict[str, str]:
        header = parsed(self._message)
        if header is None:
            return {}
        # If a field occurs several times, the first one counts.
        return {name: str(header[name]) for name in header}

    @cached_property
    def recipients(self) -> tuple[Recipient, ...]:
        return tuple(Recipient(one.name, one.address) for one in self._message.recipients)

    @property
    def sender(self) -> str | None:
        """The ``From`` of the transport header, else the sender of the message."""
        if "From" in self.message_headers:
            return self.message_headers["From"]
        sender = found(lambda: self._message.sender) or found(lambda: self._message.from_)
        if sender is None:
            return None
        # formataddr takes no other address.
        return email.utils.formataddr(sender) if sender.address.isascii() else str(sender)

    @property
    def sent_date(self) -> datetime | None:
        return found(lambda: self._message.date)

    @property
    def subject(self) -> str:
        return found(lambda: self._message.subject) or ""

    @cached_property
    def properties(self) -> Properties:
        return Properties(self._message)


class Recipient:
    """A recipient, with the attributes of ``oxmsg.recipient.Recipient``."""

    def __init__(self, name: str, email_address: str) -> None:
        self.name = name
        self.email_address = email_address


class Attachment:
    """An attachment, with the attributes of ``oxmsg.attachment.Attachment``."""

    def __init__(self, attachment: _msgfs.Attachment) -> None:
        self._attachment = attachment

    @property
    def attached_by_value(self) -> bool:
        return self._attachment.kind == "file"

    @cached_property
    def file_bytes(self) -> bytes | None:
        """The bytes; of what is damaged, what can be read. ``None`` unless attached by value."""
        return self._attachment.read_partial()[0] if self.attached_by_value else None

    @property
    def file_name(self) -> str | None:
        for name in ("PR_ATTACH_LONG_FILENAME", "PR_ATTACH_FILENAME", "PR_DISPLAY_NAME"):
            if stored := found(lambda: self._attachment.property(name)):
                return stored
        return self._attachment.name

    @property
    def last_modified(self) -> datetime | None:
        return found(lambda: self._attachment.property("PR_LAST_MODIFICATION_TIME"))

    @property
    def mime_type(self) -> str:
        return self._attachment.mime_type

    @property
    def size(self) -> int:
        return self._attachment.size

    @cached_property
    def properties(self) -> Properties:
        return Properties(self._attachment)


class Properties:
    """The properties of an object by their 16-bit ids: ``0x0037`` is the subject."""

    def __init__(self, owner: _msgfs.Message | _msgfs.Attachment) -> None:
        self._owner = owner

    def binary_prop_value(self, pid: int) -> bytes | None:
        return self._of(pid, 0x0102)

    def date_prop_value(self, pid: int) -> datetime | None:
        return self._of(pid, 0x0040)

    def int_prop_value(self, pid: int) -> int | None:
        return self._of(pid, 0x0003)

    def str_prop_value(self, pid: int) -> str | None:
        unicode = self._of(pid, 0x001F)
        return self._of(pid, 0x001E) if unicode is None else unicode

    @property
    def string_props_are_unicode(self) -> bool:
        return bool((self.int_prop_value(0x340D) or 0) & 0x00040000)

    def _of(self, pid: int, kind: int) -> Any:
        return found(lambda: self._owner.property((pid << 16) | kind))
