"""Makes a Python file object for the content of an attachment."""

from __future__ import annotations

import io

from ._msgfs import AttachmentReader


class _Raw(io.RawIOBase):
    def __init__(self, reader: AttachmentReader, name: str) -> None:
        super().__init__()
        self._reader = reader
        self.name = name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        found = self._reader.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._reader.seek(offset, whence)


def opened(reader: AttachmentReader, name: str) -> io.BufferedReader:
    return io.BufferedReader(_Raw(reader, name))
