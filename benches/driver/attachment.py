"""One large attachment, and whether it holds up the messages beside it."""
import os, random, subprocess, sys, time

from . import measure
from .report import Row
from .tree import look_at

RANDOM_READS, RANDOM_BYTES = 4_000, 4096
SECONDS = 50
# Reads a file again and again, each time through the filesystem.
READ_AGAIN = """
import os, sys
while True:
    with open(sys.argv[1], 'rb', buffering=0) as file:
        while file.read(1 << 20):
            pass
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
"""


def run(bench, figures):
    # Twice in page caches, once in the null filesystem, and the source's own pages.
    size = next((size for size in (1 << 30, 256 << 20) if bench.memory_left() > size * 5), 64 << 20)
    name = f"{size >> 20} MiB attachment"
    if size < 1 << 30:
        bench.note(f"the attachment has only {size >> 20} MiB: there is too little memory for 1 GiB")
    source = bench.archive("large", f"large-{size}", size, size + (30 << 20))
    msgfs = bench.msgfs(source)
    with msgfs:
        loops = msgfs.event_loops()
    server = bench.null_server(source)
    rivals = [msgfs, bench.null(server, loops)]
    for number in bench.rounds("attachment", SECONDS):
        for rival in rivals if number % 2 == 0 else rivals[::-1]:
            read(bench, figures, rival, name, size)
            read_beside(bench, figures, rival)
    server.close()
    return [
        Row.ratio(figures, f"{name}, start to end", "s", at_most=1 / 0.8),
        Row.ratio(figures, measure.cpu(f"{name}, start to end"), "s"),
        Row.ratio(figures, f"{name}, 4 KiB at random", "us", at_most=2.0),
        Row.value(figures, f"peak RSS after the {name}", "MiB", at_most=128 << 20),
        Row.ratio(figures, "small message, idle, median", "us"),
        Row.ratio(figures, "small message, beside a large one, median", "us", at_most=2.0),
        Row.ratio(figures, "small message, beside a large one, p99", "us", at_most=2.0),
    ]


def large(path):
    return path / "Large.msg" / "attachments" / "Large.bin"


def read(bench, figures, rival, name, size):
    with rival as path:
        elapsed, _ = measure.seconds(["dd", f"if={large(path)}", f"of={os.devnull}", "bs=1M"], bench.out)
        figures.add(f"{name}, start to end", rival.name, elapsed)
        figures.add(measure.cpu(f"{name}, start to end"), rival.name, rival.cpu_seconds())
        if rival.name == "msgfs":
            figures.add(f"peak RSS after the {name}", rival.name, rival.status("VmHWM") * 1024)
    places = random.Random(0)
    with rival as path, open(large(path), "rb", buffering=0) as file:
        start = time.perf_counter()
        for _ in range(RANDOM_READS):
            os.pread(file.fileno(), RANDOM_BYTES, places.randrange(size // RANDOM_BYTES) * RANDOM_BYTES)
        elapsed = time.perf_counter() - start
    figures.add(f"{name}, 4 KiB at random", rival.name, elapsed / RANDOM_READS)


def read_beside(bench, figures, rival):
    """The same first look at small messages, alone and while another process reads the large one."""
    with rival as path:
        seconds = list(map(sum, look_at(sorted(path.glob("Message*.msg")))))
    figures.add("small message, idle, median", rival.name, measure.percentile(seconds, 50))
    with rival as path:
        reader = subprocess.Popen([sys.executable, "-c", READ_AGAIN, str(large(path))])
        try:
            time.sleep(0.3)
            seconds = list(map(sum, look_at(sorted(path.glob("Message*.msg")))))
        finally:
            reader.kill()
            reader.wait()
    for figure, percent in (("median", 50), ("p99", 99)):
        figures.add(f"small message, beside a large one, {figure}", rival.name,
                    measure.percentile(seconds, percent))
