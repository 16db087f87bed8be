"""Running and timing, and what is made of the figures of several rounds."""
import os, statistics, subprocess, time
from pathlib import Path

# Only bytes are compared: no locale, and output to a file, since grep stops at the first match
# when it writes to /dev/null.
ENVIRONMENT = {**os.environ, "LC_ALL": "C"}


def seconds(command, out, cwd=None):
    """Runs a command to its end; returns the seconds, and the bytes it printed."""
    with open(out, "wb") as file:
        start = time.perf_counter()
        subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, env=ENVIRONMENT, cwd=cwd)
        elapsed = time.perf_counter() - start
    return elapsed, Path(out).read_bytes()


def drop_caches():
    """Drops the pages of every file; returns whether that is allowed."""
    os.sync()
    try:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
        return True
    except OSError:
        return False


def warm(source):
    """Has every file in the page cache, as far as there is room: reading from the disk takes
    processor time too."""
    subprocess.run(["grep", "-rq", "no such text", str(source)])


def cpu(operation):
    """What the file system's own process takes of it; the same on a busy machine."""
    return f"{operation}, processor time of the server"


def percentile(values, percent):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


class Figures:
    """The figures of every round, by operation and contender."""

    def __init__(self):
        self.values = {}

    def add(self, operation, contender, value):
        self.values.setdefault((operation, contender), []).append(value)

    def median(self, operation, contender):
        values = self.values.get((operation, contender))
        return statistics.median(values) if values else None

    def ratios(self, operation, contender, base, base_operation=None):
        """The ratios of the rounds: noise that lasts is in both figures of a round."""
        pairs = zip(self.values.get((operation, contender), []),
                    self.values.get((base_operation or operation, base), []))
        return [value / of for value, of in pairs if of]

    def operations(self):
        return list(dict.fromkeys(operation for operation, _ in self.values))
