"""Parses the header of a message in the way of the other packages."""

from __future__ import annotations

import email.message
import email.parser
import email.policy

from .. import _msgfs
from .._errors import DamagedError

#: Exchange writes this line before the fields. A parser would take it for the end of the header.
_FIRST_LINE = "Microsoft Mail Internet Headers"


def parsed(message: _msgfs.Message) -> email.message.Message | None:
    """The transport header of a message; ``None`` if it has none, or it cannot be read."""
    try:
        text = message.property("PR_TRANSPORT_MESSAGE_HEADERS")
    except DamagedError:
        return None
    if text is None:
        return None
    text = text.lstrip()
    if text.startswith(_FIRST_LINE):
        _, _, text = text.partition("\n")
    return email.parser.HeaderParser(policy=email.policy.compat32).parsestr(text)
