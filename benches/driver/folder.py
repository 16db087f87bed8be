"""One folder with 100,000 messages, and what walking it costs msgfs in memory."""
import threading

from . import measure
from .report import Row

MESSAGES = 100_000
MESSAGE_BYTES = 9_000
SECONDS = 30
LS, MOUNT = "ls of 100,000 messages", "mount to first answer, 100,000 messages"
WALK = "find in 100,000 messages, a message"
RSS, DESCRIPTORS = "peak RSS after 100,000 messages", "peak descriptors in 100,000 messages"
MIB = 1 << 20
# 64 MiB, and the cache that is given if none is asked for.
RSS_MAX = (64 + 64) * MIB


def run(bench, figures):
    source = bench.archive("folder", "folder-100000", MESSAGES, MESSAGES * MESSAGE_BYTES)
    msgfs = bench.msgfs(source)
    with msgfs:
        loops = msgfs.event_loops()
    server = bench.null_server(source, "--shallow")
    rivals = [msgfs, bench.null(server, loops)]
    for number in bench.rounds("folder", SECONDS):
        for rival in rivals if number % 2 == 0 else rivals[::-1]:
            figures.add(MOUNT, rival.name, rival.mount())
            try:
                elapsed, out = measure.seconds(["ls"], bench.out, cwd=rival.point)
                figures.add(measure.cpu(LS), rival.name, rival.cpu_seconds())
            finally:
                rival.unmount()
            if len(out.splitlines()) != MESSAGES:
                raise RuntimeError(f"{LS}: {len(out.splitlines())} lines in {rival.name}")
            figures.add(LS, rival.name, elapsed)
    server.close()
    bench.say("folder, walking it")
    walk(bench, figures, msgfs)
    return [
        Row.value(figures, MOUNT, "ms", at_most=0.050),
        Row.ratio(figures, LS, "s", at_most=2.0),
        Row.ratio(figures, measure.cpu(LS), "s"),
        Row.value(figures, WALK, "us"),
        Row.value(figures, RSS, "MiB", at_most=RSS_MAX),
        Row.value(figures, DESCRIPTORS, "", at_most=64),
    ]


def walk(bench, figures, msgfs):
    with msgfs as path:
        peak, ended = [], threading.Event()

        def watch():
            while not ended.wait(0.02):
                peak.append(msgfs.descriptors())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            elapsed, _ = measure.seconds(["find", "."], bench.out, cwd=path)
        finally:
            ended.set()
            watcher.join()
        figures.add(WALK, "msgfs", elapsed / MESSAGES)
        figures.add(RSS, "msgfs", msgfs.status("VmHWM") * 1024)
        figures.add(DESCRIPTORS, "msgfs", max(peak))
