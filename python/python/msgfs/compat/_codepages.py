"""Finds code pages by the names of encodings in Python."""

from __future__ import annotations

import codecs
import re

#: Encodings whose names do not contain the number of the code page.
_PAGES = {
    "ascii": 20127,
    "big5": 950,
    "euc_jp": 51932,
    "euc_kr": 51949,
    "gb18030": 54936,
    "gb2312": 936,
    "gbk": 936,
    "iso2022_jp": 50220,
    "koi8-r": 20866,
    "koi8-u": 21866,
    "shift_jis": 932,
    "utf-8": 65001,
}


def code_page(encoding: str) -> int:
    """The number of the code page of an encoding. Raises LookupError if Python does not know the
    encoding, or it has no code page."""
    name = codecs.lookup(encoding).name
    if name in _PAGES:
        return _PAGES[name]
    if found := re.fullmatch(r"cp(\d+)", name):
        return int(found[1])
    if found := re.fullmatch(r"iso8859-(\d+)", name):
        return 28590 + int(found[1])
    raise LookupError(f"the encoding {encoding} has no code page")
