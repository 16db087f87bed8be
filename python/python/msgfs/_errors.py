"""The exceptions: one family. Causes, as ``FileNotFoundError``, are in ``__cause__``."""

from __future__ import annotations

import os


class Error(Exception):
    """An error of a message."""

    #: The path of the message, if it has one.
    path: os.PathLike[str] | None = None


class OpenError(Error):
    """There is no such file, or no message in it."""


class SaveError(Error):
    """The message, or a file made of it, cannot be written. What was there is there still."""


class DamagedError(Error):
    """Nothing of a value can be read."""

    #: The path of the value in the file.
    place: str = ""


class ClosedError(Error):
    """The message, or its session, was closed."""


class InvalidError(Error, ValueError):
    """A value that the message cannot have, or something that it is not."""


class UnsavedWarning(UserWarning):
    """A message was left with edits that were not saved."""
