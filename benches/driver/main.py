"""The course of a run: what is needed, the archive, the sections, the report."""
import argparse, atexit, fcntl, hashlib, os, shutil, signal, subprocess, sys, time
from pathlib import Path

from . import attachment, commands, contenders, folder, growth, instructions, measure, peers, readme, report, slow, tree, writable

SECTIONS = {
    "tree": tree.run, "folder": folder.run, "attachment": attachment.run, "growth": growth.run,
    "peers": peers.run, "writable": writable.run, "commands": commands.run, "slow": slow.run}
MAILBOXES, MAILBOX_BYTES = 10, 1_300 << 20


class Bench:
    def __init__(self, root, arguments):
        self.root, self.arguments = root, arguments
        self.target = root / "target" / "bench"
        self.mounts = self.target / "mnt"
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
        self.work = Path(memory) / f"msgfs-bench-{os.getpid()}"
        self.out = self.work / "out"
        self.programs = Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "release"
        self.servers, self.notes = [], []

    def prepare(self):
        self.mounts.mkdir(parents=True, exist_ok=True)
        self.lock = open(self.target / "lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SystemExit("bench: another run is going on in this folder")
        # What a run left behind that was killed.
        contenders.unmount_below(self.mounts)
        for left in self.work.parent.glob("msgfs-bench-*"):
            if not Path("/proc", left.name.rpartition("-")[2]).exists():
                shutil.rmtree(left, ignore_errors=True)
        self.work.mkdir()
        atexit.register(self.clean)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))

    def clean(self):
        for server in self.servers:
            server.process.kill()
        contenders.unmount_below(self.mounts)
        shutil.rmtree(self.work, ignore_errors=True)

    def say(self, text):
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def note(self, text):
        self.notes.append(text)

    def rounds(self, what, seconds):
        """The numbers of the rounds: as many as fit the time, so that a busy machine has fewer."""
        least, most = (1, 1) if self.arguments.quick else (2, 5)
        start = time.monotonic()
        for number in range(most):
            spent = time.monotonic() - start
            if number >= least and spent * (number + 1) / number > seconds:
                return
            self.say(f"{what}, round {number + 1}")
            yield number

    def memory_left(self):
        with open("/proc/meminfo") as file:
            figures = dict(line.split(":") for line in file)
        return int(figures["MemAvailable"].split()[0]) << 10

    def archive(self, what, name, number, size_bytes):
        """A part of the archive, written if what writes it has not written it yet."""
        target, mark = self.target / name, self.mark(name)
        if not self.is_written(name):
            free = shutil.disk_usage(self.target).free
            if free < size_bytes * 5 // 4:
                raise SystemExit(
                    f"bench: {name} needs {size_bytes >> 20} MiB in {self.target}, "
                    f"which has {free >> 20} MiB left")
            self.say(f"writing {name}, {size_bytes >> 20} MiB")
            shutil.rmtree(target, ignore_errors=True)
            subprocess.run([self.programs / "examples" / "archive", what, target, str(number)], check=True)
            mark.write_text(self.generator())
        return target

    def mark(self, name):
        return self.target / f"{name.replace('/', '-')}.complete"

    def is_written(self, name):
        return self.mark(name).exists() and self.mark(name).read_text() == self.generator()

    def generator(self):
        """A digest of all that the archive's bytes depend on."""
        folders = [self.root / "benches" / "archive", self.root / "tests" / "fixture"]
        sources = [file for folder in folders for file in sorted(folder.glob("*.rs"))]
        sources += [self.root / "crates/outlook-msg/src" / file for file in ("storage/writer.rs", "body/compressed_rtf.rs")]
        return hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()

    def mailbox(self, number=0):
        return self.archive("mailbox", f"mailboxes/{number}", number, MAILBOX_BYTES)

    def mailboxes(self):
        """The large archive; only what is still missing needs room."""
        names = [number for number in range(MAILBOXES) if not self.is_written(f"mailboxes/{number}")]
        if shutil.disk_usage(self.target).free < len(names) * MAILBOX_BYTES * 5 // 4:
            raise SystemExit(f"bench: --large needs {len(names) * MAILBOX_BYTES >> 20} MiB in {self.target}")
        return [self.mailbox(number) for number in range(MAILBOXES)][0].parent

    def msgfs(self, source):
        return contenders.Msgfs(self.programs / "msgfs", source, self.mounts / "msgfs")

    def null_server(self, source, *options):
        self.say(f"loading {source.name} into the null filesystem")
        server = contenders.NullServer(self.programs / "examples" / "nullfs", source, *options)
        self.servers.append(server)
        return server

    def null(self, server, loops, name="null"):
        return contenders.Null(server, self.mounts / "null", loops, name)


def run(root, words, usage):
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", metavar="WORD", default="")
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--publish", action="store_true")
    bench = Bench(root, parser.parse_args(words))
    if not any(bench.arguments.only in name for name in SECTIONS):
        parser.error(f"--only: expected one of {', '.join(SECTIONS)}")
    needs(bench)
    build(bench)
    if bench.arguments.instructions:
        return instructions.run(bench)
    bench.prepare()
    figures, rows = measure.Figures(), []
    busy = os.getloadavg()[0]
    if busy > (os.cpu_count() or 1):
        bench.note(f"others use this machine (load {busy:.0f}): waiting for them is in every figure")
    try:
        for name, section in SECTIONS.items():
            if bench.arguments.only in name:
                rows += section(bench, figures)
    finally:
        # Also what was measured before a run was broken off.
        if rows:
            report.write(bench, rows)
    if bench.arguments.publish:
        for name in ("results.tsv", "chart.svg"):
            shutil.copy(bench.target / name, bench.root / "benches" / name)
        readme.publish(bench.root / "benches" / "README.md", bench.target / "results.tsv")
    return 0


def needs(bench):
    if not shutil.which("cargo"):
        raise SystemExit("bench: no cargo: install the Rust toolchain with rustup")
    if not os.path.exists("/dev/fuse"):
        raise SystemExit("bench: no /dev/fuse: 'modprobe fuse', or start the container with "
                         "--device /dev/fuse --cap-add SYS_ADMIN")
    if os.geteuid() != 0 and not shutil.which("fusermount3"):
        raise SystemExit("bench: no fusermount3, without which only root can mount: "
                         "'sudo apt-get install fuse3'")


def build(bench):
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "--bins", "--examples"],
                   cwd=bench.root, check=True)
