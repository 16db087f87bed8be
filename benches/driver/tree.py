"""What users do with a tree of 10,000 messages, as msgfs, the ceiling and tmpfs serve it."""
import os, shutil, time
from pathlib import Path

from . import measure

# One message in a hundred has it (benches/archive/prose.rs).
NEEDLE = "quarterdeck"
LATENCY_MESSAGES = 400


def commands(path):
    """The operations that begin with a fresh mount, each as the commands run on that mount."""
    grep = ["grep", "-r", NEEDLE, "."]
    return {
        "find, cold": [("find, cold", ["find", "."])],
        "ls -lR, cold": [("ls -lR, cold", ["ls", "-lR"])],
        "grep -r": [("grep -r, cold", grep), ("grep -r, warm", grep)],
        "rg": [("rg -j2, cold", ["rg", "-j2", "--no-ignore", "--hidden", NEEDLE, "."])],
    }


def run(bench, figures, contenders, rounds):
    """Measures the contenders in turn, in each round in another order."""
    shown = {}
    for number in range(rounds):
        order = contenders if number % 2 == 0 else list(reversed(contenders))
        for contender in order:
            for name in commands("."):
                bench.say(f"round {number + 1}: {contender.name}: {name}")
                with contender as path:
                    for operation, command in commands(path)[name]:
                        if shutil.which(command[0]):
                            elapsed, out = measure.seconds(command, bench.out, cwd=path)
                            figures.add(operation, contender.name, elapsed)
                            same(shown, operation, contender, out)
            with contender as path:
                copy(bench, figures, contender, path)
            with contender as path:
                latency(figures, contender, path)


def same(shown, operation, contender, out):
    """Every contender must have shown the same, or the figures mean nothing."""
    lines = len(out.splitlines())
    first = shown.setdefault(operation, (contender.name, lines))
    if first[1] != lines:
        raise RuntimeError(f"{operation}: {lines} lines in {contender.name}, {first[1]} in {first[0]}")


def copy(bench, figures, contender, path):
    target = bench.work / "copy"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    messages = message_folders(path, "2012/*", 100)
    start = time.perf_counter()
    measure.seconds(["cp", "-r", *map(str, messages), str(target)], bench.out)
    figures.add("cp -r, 100 messages", contender.name, time.perf_counter() - start)
    shutil.rmtree(target)


def message_folders(path, pattern, count):
    return sorted(path.glob(f"{pattern}/*.msg"))[:count]


def latency(figures, contender, path):
    """The first look at a message: list it with its files' attributes, then read its subject."""
    messages = message_folders(path, "2014/*", LATENCY_MESSAGES)
    seconds = []
    for message in messages:
        start = time.perf_counter()
        with os.scandir(message) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)
        for name in ("subject", "body.txt"):
            with open(message / name, "rb") as file:
                file.read()
        seconds.append(time.perf_counter() - start)
    figures.add("list and read one message, median", contender.name, measure.percentile(seconds, 50))
    figures.add("list and read one message, p99", contender.name, measure.percentile(seconds, 99))
