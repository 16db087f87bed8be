"""The exceptions, all subclasses of ``Error``. ``__cause__`` has the cause, such as a
``FileNotFoundError``."""

from __future__ import annotations

import os


class Error(Exception):
    """An error of a message."""

    #: The path of the message, if it has one.
    path: os.PathLike[str] | None = None


class OpenError(Error):
    """The file does not exist, or is not a message."""


class SaveError(Error):
    """The message, or a file made from it, cannot be written. An existing file is unchanged."""


class DamagedError(Error):
    """Nothing of a value can be read, or a part of an attachment cannot."""

    #: The path of the value in the file.
    place: str = ""


class ClosedError(Error):
    """The message, or its session, was closed."""


class InvalidError(Error, ValueError):
    """The message cannot have this value, or is not what was asked for, such as a contact."""


class UnsavedWarning(UserWarning):
    """A ``with`` block of a message ended with edits that were not saved."""
