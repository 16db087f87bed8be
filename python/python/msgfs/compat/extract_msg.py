"""The part of the interface of extract-msg that programs use. msgfs reads the messages.

>>> from msgfs.compat import extract_msg
>>> message = extract_msg.openMsg("Lunch on Friday.msg")      # doctest: +SKIP

``tests/differences_extract_msg.json`` lists what differs from extract-msg, and why.
"""

from __future__ import annotations

import email.message
import email.utils
import html
import os
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Iterator

from .. import _msgfs
from .._errors import Error
from .._types import Address
from ._codepages import code_page
from ._headers import parsed
from ._values import found, with_crlf

__all__ = ["Attachment", "Message", "MSGFile", "openMsg"]

#: Options of extract-msg that decide which errors are raised, and when. They are accepted and
#: ignored: here a damaged value raises no exception when the message is opened.
_IGNORED = frozenset(
    {
        "attachmentErrorBehavior",
        "autoUnlock",
        "deencapsulationFunc",
        "delayAttachments",
        "errorBehavior",
        "filename",
        "ignoreRtfDeErrors",
        "prefix",
        "recipientSeparator",
        "strict",
    }
)


def openMsg(path: Any, **kwargs: Any) -> Message:
    """Opens a message from a path, from bytes, or from an open file."""
    return Message(path, **kwargs)


class Message:
    """A message, with the attributes of ``extract_msg.Message``."""

    def __init__(
        self,
        path: str | os.PathLike[str] | bytes | BinaryIO | _msgfs.Message,
        *,
        overrideEncoding: str | None = None,
        **kwargs: Any,
    ) -> None:
        if unknown := kwargs.keys() - _IGNORED:
            raise TypeError(f"unknown options: {', '.join(sorted(unknown))}")
        self._separator: str = kwargs.get("recipientSeparator") or ";"
        self.filename: str | None = None
        if isinstance(path, _msgfs.Message):
            self._message = path
            return
        if isinstance(path, (str, os.PathLike)):
            self.filename = os.fspath(path)
        page = None if overrideEncoding is None else code_page(overrideEncoding)
        self._message = _msgfs.Message(path, codepage=page)

    def __enter__(self) -> Message:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._message.close()

    @property
    def subject(self) -> str | None:
        return found(lambda: self._message.subject)

    @property
    def sender(self) -> str | None:
        sender = found(lambda: self._message.sender) or found(lambda: self._message.from_)
        return None if sender is None else str(sender)

    @property
    def to(self) -> str | None:
        return self._joined(found(lambda: self._message.to))

    @property
    def cc(self) -> str | None:
        return self._joined(found(lambda: self._message.cc))

    @property
    def bcc(self) -> str | None:
        return self._joined(found(lambda: self._message.bcc))

    @property
    def date(self) -> datetime | None:
        return found(lambda: self._message.date)

    @property
    def receivedTime(self) -> datetime | None:
        return found(lambda: self._message.received)

    @property
    def classType(self) -> str | None:
        return found(lambda: self._message.message_class)

    @property
    def body(self) -> str | None:
        """The body as plain text, with CRLF."""
        return with_crlf(found(lambda: self._message.text))

    @property
    def htmlBody(self) -> bytes | None:
        """The HTML body; if there is none, HTML made from the plain text."""
        stored = found(lambda: self._message.mailed_html)
        if stored is not None:
            return stored.encode()
        if self.body is None:
            return None
        lines = html.escape(self.body).replace("\r\n", "<br />")
        return f"<html><body>{lines}</body></html>".encode("ascii", "xmlcharrefreplace")

    @property
    def rtfBody(self) -> bytes | None:
        compressed = found(lambda: self._message.property("PR_RTF_COMPRESSED"))
        try:
            return None if compressed is None else _msgfs.decompress_rtf(compressed)
        except ValueError:
            return None

    @cached_property
    def header(self) -> email.message.Message:
        """The transport header, else a header made from the values of the message."""
        if (header := parsed(self._message)) is not None:
            return header
        made = email.message.Message()
        fields = {"From": self.sender, "To": self.to, "Cc": self.cc, "Bcc": self.bcc}
        fields |= {"Subject": self.subject, "Message-Id": self.messageId}
        if self.date is not None:
            fields["Date"] = email.utils.format_datetime(self.date)
        for name, value in fields.items():
            if value is not None:
                made[name] = value
        return made

    @property
    def messageId(self) -> str | None:
        return found(lambda: self._message.message_id)

    @property
    def inReplyTo(self) -> str | None:
        return found(lambda: self._message.in_reply_to)

    @cached_property
    def attachments(self) -> list[Attachment]:
        return [Attachment(one) for one in self._message.attachments]

    def getJson(self) -> str:
        return self._message.to_json()

    def _joined(self, addresses: list[Address] | None) -> str | None:
        return f"{self._separator} ".join(map(str, addresses)) if addresses else None


#: The name of the base class in extract-msg.
MSGFile = Message


class Attachment:
    """An attachment, with the attributes of ``extract_msg.Attachment``."""

    def __init__(self, attachment: _msgfs.Attachment) -> None:
        self._attachment = attachment

    @property
    def longFilename(self) -> str | None:
        return _text(self._attachment, "PR_ATTACH_LONG_FILENAME")

    @property
    def shortFilename(self) -> str | None:
        return _text(self._attachment, "PR_ATTACH_FILENAME")

    @property
    def displayName(self) -> str | None:
        return _text(self._attachment, "PR_DISPLAY_NAME")

    @property
    def name(self) -> str:
        return self._attachment.name

    def getFilename(self, **_: Any) -> str:
        return self._attachment.name

    @property
    def mimetype(self) -> str | None:
        return _text(self._attachment, "PR_ATTACH_MIME_TAG")

    @property
    def cid(self) -> str | None:
        return _text(self._attachment, "PR_ATTACH_CONTENT_ID")

    contentId = cid

    @property
    def hidden(self) -> bool:
        return bool(found(lambda: self._attachment.property("PR_ATTACHMENT_HIDDEN")))

    @cached_property
    def data(self) -> bytes | Message | None:
        """The bytes that can be read; an embedded message as a ``Message``."""
        if self._attachment.kind == "message":
            message = self._attachment.message
            return None if message is None else Message(message)
        return self._attachment.read_partial()[0]

    @property
    def dataType(self) -> type | None:
        return type(self.data)

    def save(
        self,
        *,
        customPath: str | os.PathLike[str] = ".",
        customFilename: str | None = None,
        **_: Any,
    ) -> str:
        """Writes it into a new file in a folder, and creates the folder. Returns the path."""
        folder = Path(customPath)
        folder.mkdir(parents=True, exist_ok=True)
        if customFilename is None:
            return str(self._attachment.save(folder))
        path = folder / Path(customFilename).name
        with path.open("xb") as file:
            file.write(self._attachment.read())
        return str(path)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._attachment.open())


def _text(attachment: _msgfs.Attachment, name: str) -> str | None:
    return found(lambda: attachment.property(name)) or None



#: The exception that programs catch when a file is not a message.
InvalidFileFormatError = Error
