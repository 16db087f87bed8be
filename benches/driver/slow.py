"""An archive behind a file system that answers each read late, as one on another machine does."""
import subprocess

from . import measure
from .report import Row
from .tree import GREP

DELAY_MS = 5
SECONDS = 40
MOUNTED = [("find", ["find", "."]), ("grep -r", GREP)]
# A quarter of what the reads take one after the other: one for a small message, about three for
# one over 256 KiB.
AT_MOST_MS = 2


def run(bench, figures):
    if not measure.drop_caches():
        bench.note("only root can drop the kernel's caches: no figures of a slow source")
        return []
    archive = bench.mailbox() / "2012"
    messages = sum(1 for _ in archive.glob("*/*.msg"))
    server = bench.null_server(archive, "--plain")
    source = bench.mounts / "slow"
    source.mkdir(exist_ok=True)
    server.tell(f"mount-slow {DELAY_MS} {source}")
    program, msgfs = str(bench.programs / "msgfs"), bench.msgfs(source)
    for _ in bench.rounds("slow", SECONDS):
        for name, command in MOUNTED:
            measure.drop_caches()
            with msgfs as path:
                elapsed, _ = measure.seconds(command, bench.out, cwd=path)
            figures.add(f"{name} in a mount, {late(messages)}", "msgfs", elapsed)
        measure.drop_caches()
        elapsed, _ = measure.seconds([program, "find", "--subject", "none", str(source)], bench.out)
        figures.add(f"msgfs find, {late(messages)}", "msgfs", elapsed)
    server.tell("unmount")
    server.close()
    names = [f"{name} in a mount" for name, _ in MOUNTED] + ["msgfs find"]
    at_most = messages * AT_MOST_MS / 1000
    return [Row.value(figures, f"{name}, {late(messages)}", "s", at_most=at_most) for name in names]


def late(messages):
    return f"{messages:,} messages, each read {DELAY_MS} ms late"
