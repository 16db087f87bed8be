"""What users do with a tree of 10,000 messages, as msgfs, the ceiling and tmpfs serve it."""
import os, shutil, subprocess, time

from . import contenders, measure
from .report import Row

# One message in a hundred has it (benches/archive/prose.rs).
NEEDLE = "quarterdeck"
GREP = ["grep", "-r", NEEDLE, "."]
LATENCY_MESSAGES = 400
COPIED_MESSAGES = 100
SECONDS = 180
AFTER_FIND, COLD_DISK = "grep -r, after find", "grep -r, cold, disk"
# The operations that begin with a fresh mount, each as the commands run on that mount.
COMMANDS = [
    [("find, cold", ["find", "."])],
    [("ls -lR, cold", ["ls", "-lR"])],
    [("grep -r, cold", GREP), ("grep -r, warm", GREP), ("grep -r, warm", GREP)],
    [("find, before grep -r", ["find", "."]), (AFTER_FIND, GREP)],
    [("rg -j2, cold", ["rg", "-j2", "--no-ignore", "--hidden", NEEDLE, "."])],
]
COPY = f"cp -r of {COPIED_MESSAGES} messages"
# The steps of a first look at a message.
STEPS = ("open", "list", "read")
MOUNT = "mount to first answer"
AT_MOST = {"find, cold": 2.0, "ls -lR, cold": 2.0, "grep -r, cold": 2.0, "grep -r, warm": 1.2}
CPU_AT_MOST = {"find, cold": 2.5, "rg -j2, cold": 1.5}
P99_AT_MOST = 4.0


def run(bench, figures):
    source = bench.mailbox()
    msgfs = bench.msgfs(source)
    with msgfs:
        loops = msgfs.event_loops()
    server = bench.null_server(source)
    bench.say(f"{server.loaded}; {loops} event loops each")
    rivals = [msgfs, bench.null(server, loops), *extracted(bench, server)]
    shown = {}
    for number in bench.rounds("tree", SECONDS):
        order = rivals if number % 2 == 0 else rivals[::-1]
        for commands in COMMANDS:
            for rival in order:
                run_on_fresh_mount(bench, figures, rival, commands, shown)
        single = bench.null(server, 1, "null, 1 loop")
        run_on_fresh_mount(bench, figures, single, COMMANDS[0], shown)
        run_on_fresh_mount(bench, figures, single, COMMANDS[2][:1], shown)
        for rival in order:
            copy(bench, figures, rival)
            latency(figures, rival)
        for rival in order[:2]:
            figures.add(MOUNT, rival.name, rival.mount())
            rival.unmount()
    cold_disk(bench, figures, msgfs, shown)
    server.close()
    shutil.rmtree(bench.work / "tree", ignore_errors=True)
    return rows(figures)


def rows(figures):
    found = [Row.value(figures, MOUNT, "ms", at_most=0.050)]
    for operation in dict.fromkeys(name for commands in COMMANDS for name, _ in commands):
        if figures.median(operation, "msgfs") is not None:
            found.append(Row.ratio(figures, operation, "s", at_most=AT_MOST.get(operation)))
            if operation.endswith("cold"):
                at_most = CPU_AT_MOST.get(operation)
                found.append(Row.ratio(figures, measure.cpu(operation), "s", at_most=at_most))
    for operation in (AFTER_FIND, COLD_DISK):
        cold = "grep -r, cold"
        found.append(Row.of_itself(figures, operation, "s", cold, 1.3, f"{cold}, of msgfs"))
    for operation in ("find, cold", "grep -r, cold"):
        found.append(Row.ratio(figures, operation, "s", base="null, 1 loop",
                               name=f"{operation}, against one event loop"))
    found.append(Row.ratio(figures, COPY, "s"))
    for step in STEPS:
        for figure in ("median", "p99"):
            at_most = P99_AT_MOST if figure == "p99" else None
            found.append(Row.ratio(figures, f"{step} one message, {figure}", "us", at_most=at_most))
    return found


def extracted(bench, server):
    """The tree as a folder on tmpfs, copied from the null filesystem, if there is room."""
    size = int(server.loaded.split()[3])
    if not str(bench.work).startswith("/dev/shm") or bench.memory_left() < size * 3:
        bench.note("no tmpfs column: it needs /dev/shm and three times the tree in memory")
        return []
    null, tree = bench.null(server, 1), bench.work / "tree"
    with null as path:
        subprocess.run(["cp", "-r", str(path), str(tree)], check=True)
    return [contenders.Folder("tmpfs", tree)]


def run_on_fresh_mount(bench, figures, rival, commands, shown):
    with rival as path:
        for operation, command in commands:
            if not shutil.which(command[0]):
                bench.note(f"{command[0]} is not installed")
                continue
            elapsed, out = measure.seconds(command, bench.out, cwd=path)
            figures.add(operation, rival.name, elapsed)
            same(shown, command[0], rival, out)
            if operation.endswith("cold"):
                figures.add(measure.cpu(operation), rival.name, rival.cpu_seconds())


def same(shown, operation, rival, out):
    """Every contender must have shown the same, or the figures mean nothing."""
    lines = sum(not line.startswith(b"total ") for line in out.splitlines())
    name, expected = shown.setdefault(operation, (rival.name, lines))
    if lines != expected:
        raise RuntimeError(f"{operation}: {lines} lines in {rival.name}, {expected} in {name}")


def cold_disk(bench, figures, msgfs, shown):
    """The archive itself has to come from the disk; there is nothing like it to compare with."""
    with msgfs as path:
        if not measure.drop_caches():
            bench.note("only root can drop the kernel's caches: no figure with a cold disk")
            return
        elapsed, out = measure.seconds(GREP, bench.out, cwd=path)
    figures.add(COLD_DISK, msgfs.name, elapsed)
    same(shown, GREP[0], msgfs, out)


def copy(bench, figures, rival):
    target = bench.work / "copy"
    target.mkdir()
    with rival as path:
        messages = message_folders(path, "2012/*", COPIED_MESSAGES)
        elapsed, _ = measure.seconds(["cp", "-r", *map(str, messages), str(target)], bench.out)
    figures.add(COPY, rival.name, elapsed)
    shutil.rmtree(target)


def message_folders(path, pattern, count):
    return sorted(path.glob(f"{pattern}/*.msg"))[:count]


def latency(figures, rival):
    with rival as path:
        looks = look_at(message_folders(path, "2014/*", LATENCY_MESSAGES))
    for step, seconds in zip(STEPS, zip(*looks)):
        for figure, percent in (("median", 50), ("p99", 99)):
            figures.add(f"{step} one message, {figure}", rival.name, measure.percentile(seconds, percent))


def look_at(messages):
    """The first look at each message, step by step: a name in it, the list of its files with
    their attributes, and the text."""
    looks = []
    for message in messages:
        start = time.perf_counter()
        os.stat(message / "subject")
        opened = time.perf_counter()
        with os.scandir(message) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)
        listed = time.perf_counter()
        with open(message / "body.txt", "rb") as file:
            file.read()
        looks.append((opened - start, listed - opened, time.perf_counter() - listed))
    return looks
