"""A mount that may write and has nothing unsaved, against one that may not, and against a null
filesystem that may; and many attachments."""
import os, shutil, subprocess, time

from . import contenders, measure
from .report import Row
from .tree import COMMANDS

SECONDS = 60
ATTACHMENTS = 2_000
ATTACH = f"{ATTACHMENTS:,} attachments copied into one message"
# A writable mount is asked `open` and `release` for every file, also for those that the kernel has.
AT_MOST = {"grep -r, warm": 2.5}
NULL = "null, writable"


class Writable(contenders.Msgfs):
    """A mount with its own state folder, so that nobody's edits are taken up."""

    def __init__(self, program, source, point, state):
        super().__init__(program, source, point)
        self.command[1:1] = ["-o", "edit"]
        self.environment = {**os.environ, "XDG_STATE_HOME": str(state)}


def run(bench, figures):
    source = bench.mailbox() / "2012"
    reading = bench.msgfs(source)
    reading.name = "read-only"
    writable = Writable(reading.program, source, bench.mounts / "msgfs", bench.work / "state")
    with reading:
        loops = reading.event_loops()
    null = contenders.WritableNull(bench.null_server(source), bench.mounts / "null", loops, NULL)
    rivals = [writable, reading, null]
    for number in bench.rounds("writable", SECONDS):
        for commands in COMMANDS:
            for rival in rivals if number % 2 == 0 else rivals[::-1]:
                with rival as path:
                    for operation, command in commands:
                        elapsed, _ = measure.seconds(command, bench.out, cwd=path)
                        figures.add(writing(operation), rival.name, elapsed)
        figures.add(ATTACH, writable.name, attach(bench))
    operations = dict.fromkeys(name for commands in COMMANDS for name, _ in commands)
    measured = [name for name in operations if figures.median(writing(name), writable.name) is not None]
    found = [
        Row.ratio(figures, writing(name), "s", at_most=AT_MOST.get(name, 1.3), base="read-only")
        for name in measured]
    found += [Row.ratio(figures, writing(name), "s", at_most=1.3, base=NULL) for name in measured]
    return [*found, Row.value(figures, ATTACH, "s", at_most=5.0)]


def writing(operation):
    return f"writable mount, {operation}"


def attach(bench):
    """Copies small files into a message; the save at the end of the mount is in the seconds."""
    source, files = bench.work / "one", bench.work / "files"
    for folder in (source, files):
        folder.mkdir()
    message = next((bench.mailbox() / "2012").glob("*/*.msg"))
    shutil.copy(message, source / "A.msg")
    (source / "A.msg").chmod(0o644)
    for number in range(ATTACHMENTS):
        (files / f"{number}.txt").write_text(f"file {number}\n")
    mount = Writable(bench.programs / "msgfs", source, bench.mounts / "msgfs", bench.work / "state")
    start = time.perf_counter()
    with mount as path:
        target = path / "A.msg" / "attachments"
        target.mkdir(exist_ok=True)
        subprocess.run(["cp", "-r", f"{files}/.", str(target)], check=True)
    elapsed = time.perf_counter() - start
    for folder in (source, files):
        shutil.rmtree(folder)
    return elapsed
