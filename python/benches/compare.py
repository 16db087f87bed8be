"""Compares the processor time that msgfs and other packages need for subject, sender, body and
names of attachments, on the files of a folder that all of them can open.

Usage: compare.py FOLDER [ROUNDS]    (with a Python that has msgfs, extract-msg and python-oxmsg)
"""

from __future__ import annotations

import logging
import sys
import time
import warnings
from pathlib import Path
from statistics import median
from typing import Any, Callable

import extract_msg
import oxmsg

import msgfs


def of_msgfs(path: str) -> Any:
    with msgfs.Message(path) as message:
        return message.subject, message.sender, message.text, [a.name for a in message.attachments]


def of_extract_msg(path: str) -> Any:
    with extract_msg.openMsg(path) as message:
        names = [one.longFilename for one in message.attachments]
        return message.subject, message.sender, message.body, names


def of_oxmsg(path: str) -> Any:
    message = oxmsg.Message.load(path)
    names = [one.file_name for one in message.attachments]
    return message.subject, message.sender, message.body, names


READERS: dict[str, Callable[[str], Any]] = {
    "msgfs": of_msgfs,
    "python-oxmsg": of_oxmsg,
    "extract-msg": of_extract_msg,
}


def opens(reader: Callable[[str], Any], path: str) -> bool:
    try:
        reader(path)
    except Exception:  # noqa: BLE001
        return False
    return True


def main(folder: str, rounds: int = 3) -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    paths = [str(path) for path in sorted(Path(folder).rglob("*.msg"))]
    paths = [path for path in paths if all(opens(one, path) for one in READERS.values())]
    times: dict[str, list[float]] = {name: [] for name in READERS}
    for _ in range(rounds):
        for name, reader in READERS.items():
            start = time.process_time()
            for path in paths:
                reader(path)
            times[name].append((time.process_time() - start) / len(paths))
    print(f"{len(paths)} files, processor time a message, median of {rounds} rounds")
    own = median(times["msgfs"])
    for name, found in times.items():
        print(f"{name:14} {median(found) * 1e3:8.3f} ms  {median(found) / own:7.1f} x")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
