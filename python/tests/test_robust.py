"""Threads, memory, and files that are damaged in every way."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgfs


def read_all(message: msgfs.Message) -> int:
    """Calls every getter of a message. Returns how many of them failed."""
    failed = 0
    for name in dir(msgfs.Message):
        if name.startswith(("_", "set_", "add_", "remove_", "save", "close", "create", "property")):
            continue
        try:
            value = getattr(message, name)
            if callable(value):
                value()
        except msgfs.Error:
            failed += 1
    for attachment in message.attachments:
        try:
            attachment.read()
        except msgfs.Error:
            failed += 1
    return failed


def test_the_corpus_is_read(corpus_files: list[Path]) -> None:
    opened = 0
    for path in corpus_files:
        try:
            message = msgfs.Message(path)
        except msgfs.OpenError:
            continue
        read_all(message)
        opened += 1
    assert opened > 200


def test_threads_share_a_message(samples: Path) -> None:
    message = msgfs.Message(samples / "Minutes of the committee.msg")
    expected = message.to_json()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: message.to_json(), range(64)))
    assert set(found) == {expected}


def test_other_threads_run_while_a_message_is_read(samples: Path) -> None:
    content = (samples / "Drawing of the jetty.msg").read_bytes()
    ended = threading.Event()

    def work() -> None:
        for _ in range(200):
            msgfs.Message(content).to_eml()
        ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    turns = 0
    while not ended.is_set():
        turns += 1
        time.sleep(0)
    thread.join()
    assert turns > 10


def test_damage_is_an_error_and_nothing_else(samples: Path) -> None:
    content = (samples / "Fwd Lost parcel.msg").read_bytes()
    for seed in range(300):
        numbers = random.Random(seed)
        damaged = bytearray(content)
        for _ in range(numbers.randrange(1, 30)):
            damaged[numbers.randrange(len(damaged))] = numbers.randrange(256)
        try:
            message = msgfs.Message(damaged[: numbers.randrange(512, len(damaged) + 1)])
        except msgfs.Error:
            continue
        read_all(message)


def test_memory_stays_flat(samples: Path) -> None:
    """Runs in a process of its own, because earlier tests have grown the memory of this one."""
    script = """
import resource, sys, msgfs
content = open(sys.argv[1], "rb").read()
def read(count):
    for _ in range(count):
        with msgfs.Message(content) as message:
            message.to_dict(), message.to_eml(), [one.read() for one in message.attachments]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = read(200)
print(read(2000) - before)
"""
    path = samples / "Drawing of the jetty.msg"
    command = [sys.executable, "-c", script, str(path)]
    grown = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert int(grown) < 16 << 10, f"{grown} KiB more after ten times as many"
