"""The commands that need no mount: against the tools that people know, on the extracted tree."""
import os, re, shutil, subprocess

from . import measure
from .report import Row
from .tree import NEEDLE

SECONDS = 60
GREP, EXTRACT = "msgfs grep", "msgfs extract"
FIND, SHOW = "msgfs find --subject, a message", "msgfs show of one message"
CALLS, READS = "msgfs grep, system calls a message", "cat subject of a large message, reads of the source"
CALLS_MAX, READS_MAX, TRACES = 12, 16, 3
LARGE_BYTES, LARGE_MESSAGES = 256 << 10, 20


def run(bench, figures):
    source, program = bench.mailbox() / "2012", str(bench.programs / "msgfs")
    messages = sorted(source.glob("*/*.msg"))
    needed = 4 * sum(message.stat().st_size for message in messages)
    if not str(bench.work).startswith("/dev/shm") or bench.memory_left() < needed:
        bench.note("no commands: they need /dev/shm and four times the messages in memory")
        return []
    mail, tree = bench.work / "mail", bench.work / "extracted"
    shutil.copytree(source, mail)
    subprocess.run([program, "extract", str(mail), str(tree)], check=True, capture_output=True)
    for number in bench.rounds("commands", SECONDS):
        alternate(bench, figures, number, GREP, [program, "grep", NEEDLE, str(mail)], "rg",
                  ["rg", "--no-ignore", "--hidden", NEEDLE, str(tree)])
        copy = str(bench.work / "copy")
        alternate(bench, figures, number, EXTRACT, [program, "extract", str(mail), copy], "cp -r",
                  ["cp", "-r", str(tree), copy], copy)
        elapsed, _ = measure.seconds([program, "find", "--subject", NEEDLE, str(mail)], bench.out)
        figures.add(FIND, "msgfs", elapsed / len(messages))
        elapsed, _ = measure.seconds([program, "show", str(messages[0])], bench.out)
        figures.add(SHOW, "msgfs", elapsed)
    traced(bench, figures, program, mail)
    for folder in (mail, tree):
        shutil.rmtree(folder)
    found = [
        Row.ratio(figures, EXTRACT, "s", at_most=0.7, base="cp -r"),
        Row.value(figures, FIND, "us"), Row.value(figures, SHOW, "ms"),
        Row.value(figures, CALLS, "", at_most=CALLS_MAX),
        Row.value(figures, READS, "", at_most=READS_MAX)]
    if figures.median(GREP, "rg") is not None:
        found.insert(0, Row.ratio(figures, GREP, "s", at_most=2.0, base="rg"))
    return found


def alternate(bench, figures, number, operation, ours, name, theirs, made=None):
    """Runs both, each first in every second round; what they make is removed after each."""
    rivals = [("msgfs", ours), (name, theirs)]
    for rival, command in rivals if number % 2 == 0 else rivals[::-1]:
        if not shutil.which(command[0]):
            bench.note(f"{command[0]} is not installed")
            continue
        elapsed, _ = measure.seconds(command, bench.out)
        figures.add(operation, rival, elapsed)
        if made:
            shutil.rmtree(made)


def traced(bench, figures, program, mail):
    """Calls and reads, which are the same on every machine."""
    if not shutil.which("strace"):
        return bench.note("strace is not installed: no system calls are counted")
    # What the program does once is in both counts.
    years = sorted(folder for folder in mail.iterdir() if folder.is_dir())
    few, many = [years[0]], years
    added = sum(len(list(folder.glob("*.msg"))) for folder in many) - len(list(few[0].glob("*.msg")))
    # How often the threads wait for each other differs from run to run.
    for _ in range(TRACES):
        counts = [calls(bench, [program, "grep", NEEDLE, *map(str, folders)]) for folders in (few, many)]
        figures.add(CALLS, "msgfs", (counts[1] - counts[0]) / max(added, 1))
    large = [file for file in mail.glob("*/*.msg") if file.stat().st_size > LARGE_BYTES]
    reads = [reads_of(bench, program, file) for file in large[:LARGE_MESSAGES]]
    if reads:
        figures.add(READS, "msgfs", max(reads))


def calls(bench, command):
    trace = bench.work / "trace"
    subprocess.run(["strace", "-f", "-c", "-U", "calls", "-o", str(trace), *command], capture_output=True)
    total = re.search(r"^\s*(\d+)\s+total$", trace.read_text(), re.MULTILINE)
    return int(total.group(1)) if total else 0


def reads_of(bench, program, message):
    trace = bench.work / "trace"
    subprocess.run(["strace", "-f", "-y", "-e", "trace=pread64,read,preadv", "-o", str(trace), program,
                    "cat", f"{message}/subject"], capture_output=True, env=os.environ)
    return sum(str(message) in line for line in trace.read_text().splitlines())
