"""Values of a message, as the other packages give them: nothing fails that is only damaged."""

from __future__ import annotations

from typing import Any, Callable

from .._errors import DamagedError, InvalidError


def found(ask: Callable[[], Any]) -> Any:
    """What is asked for; ``None`` if nothing of it can be read."""
    try:
        return ask()
    except (DamagedError, InvalidError):
        return None


def with_crlf(text: str | None) -> str | None:
    """A text with the line ends that the property has."""
    return None if text is None else text.replace("\n", "\r\n")
