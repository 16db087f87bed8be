"""The header of a message, parsed as the other packages do."""

from __future__ import annotations

import email.message
import email.parser
import email.policy

from .. import _msgfs
from .._errors import DamagedError

#: Outlook writes it before the fields. A parser takes it for the end of the header.
_FIRST_LINE = "Microsoft Mail Internet Headers"


def parsed(message: _msgfs.Message) -> email.message.Message | None:
    """The header that a message came with; ``None`` if it has none, or it cannot be read."""
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
