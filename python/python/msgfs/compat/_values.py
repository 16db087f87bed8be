"""Gets values in the way of the other packages: a damaged value is no exception."""

from __future__ import annotations

from typing import Any, Callable

from .._errors import DamagedError, InvalidError


def found(ask: Callable[[], Any]) -> Any:
    """The result of ``ask``; ``None`` if nothing of the value can be read."""
    try:
        return ask()
    except (DamagedError, InvalidError):
        return None


def with_crlf(text: str | None) -> str | None:
    """A text with the line ends of MAPI properties."""
    return None if text is None else text.replace("\n", "\r\n")
