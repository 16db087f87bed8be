"""Counts instructions, which is the same however busy the machine is."""
import re, shutil, subprocess

FEW, MANY = 1, 6


def run(bench):
    if not shutil.which("valgrind"):
        print("bench: no valgrind: 'apt-get install valgrind'")
        return 1
    for what, meaning in (("names", "open a message and list its names, as find does"),
                          ("list", "the same, and tell every size, as ls -lR does"),
                          ("read", "the same, and read every file")):
        (few, messages), (many, _) = count(bench, what, FEW), count(bench, what, MANY)
        print(f"{(many - few) // ((MANY - FEW) * messages):>12,} instructions: {meaning}")
    return 0


def count(bench, what, rounds):
    """The instructions of a run, and the messages that it has in a round."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
         str(bench.programs / "examples" / "instructions"), what, str(rounds)],
        capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1]), int(done.stdout)
