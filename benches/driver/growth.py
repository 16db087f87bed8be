"""What a message costs among few and many, and how readers share the cores."""
import os, subprocess, time

from . import measure
from .report import Row
from .tree import GREP

FIND = ["find", "."]
SECONDS = 30


def run(bench, figures):
    mailbox = bench.mailbox()
    points = [(1_000, mailbox / "2012"), (10_000, mailbox)]
    if bench.arguments.large:
        points.append((100_000, bench.mailboxes()))
    for number in bench.rounds("growth", SECONDS):
        for messages, source in points if number == 0 else points[:2]:
            walk(bench, figures, bench.msgfs(source), messages)
    cores = os.cpu_count() or 1
    msgfs = bench.msgfs(mailbox)
    with msgfs:
        loops = msgfs.event_loops()
    rivals = [msgfs, bench.null(bench.null_server(mailbox), loops)]
    for number in bench.rounds("readers", SECONDS):
        for rival in rivals if number % 2 == 0 else rivals[::-1]:
            single, many = (readers(bench, rival, count) for count in (1, cores))
            figures.add(scaling(cores), rival.name, cores * single / many)
    rivals[1].server.close()
    found = []
    for name in ("find", "grep -r"):
        for messages, _ in points:
            base = operation(name, 1_000) if messages > 1_000 else None
            found.append(Row.of_itself(figures, operation(name, messages), "us", base, 1.25, "1,000 messages"))
    found += [Row.value(figures, rss(messages), "MiB", at_most=128 << 20) for messages, _ in points]
    found.append(Row.ratio(figures, scaling(cores), "x"))
    return found


def walk(bench, figures, msgfs, messages):
    """Counts the processor time of msgfs, since the cost is to be told from the noise."""
    measure.warm(msgfs.source)
    for name, command in (("find", FIND), ("grep -r", GREP)):
        with msgfs as path:
            measure.seconds(command, bench.out, cwd=path)
            figures.add(operation(name, messages), "msgfs", msgfs.cpu_seconds() / messages)
            figures.add(rss(messages), "msgfs", msgfs.status("VmHWM") * 1024)


def operation(name, messages):
    return f"{name} in {messages:,} messages, processor time a message"


def rss(messages):
    return f"peak RSS, find or grep in {messages:,} messages"


def scaling(cores):
    return f"speed of {cores} readers, of one = 1"


def readers(bench, rival, count):
    """The seconds that so many take to search a year each, on a fresh mount."""
    with rival as path, open(bench.out, "wb") as out:
        start = time.perf_counter()
        started = [
            subprocess.Popen(GREP, stdout=out, env=measure.ENVIRONMENT, cwd=path / f"{2013 + number}")
            for number in range(min(count, 7))]
        for process in started:
            process.wait()
        return time.perf_counter() - start
