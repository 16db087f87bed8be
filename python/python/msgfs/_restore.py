"""Called by ``pickle`` to restore a message."""

from __future__ import annotations

import os

from ._msgfs import Message


def restore(source: os.PathLike[str] | str | bytes, codepage: int | None) -> Message:
    return Message(source, codepage=codepage)
