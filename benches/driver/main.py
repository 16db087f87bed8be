"""The course of a run: what is needed, the archive, the sections, the report."""
import argparse, atexit, os, shutil, signal, subprocess, sys, time

from . import contenders, measure, report, tree

MAILBOX_BYTES, FOLDER_BYTES = 1_300 << 20, 900 << 20


class Bench:
    def __init__(self, root, arguments):
        self.root, self.arguments = root, arguments
        self.target = root / "target" / "bench"
        self.mounts = self.target / "mnt"
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
        self.work = type(root)(memory) / f"msgfs-bench-{os.getpid()}"
        self.out = self.work / "out"
        self.programs = root / "target" / "release"
        self.rounds = 1 if arguments.quick else 3
        self.closing = []

    def prepare(self):
        self.mounts.mkdir(parents=True, exist_ok=True)
        contenders.unmount_below(self.mounts)
        self.work.mkdir()
        atexit.register(self.clean)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda number, _: sys.exit(128 + number))

    def clean(self):
        for null in self.closing:
            null.process.kill()
        contenders.unmount_below(self.mounts)
        shutil.rmtree(self.work, ignore_errors=True)

    def say(self, text):
        print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    def archive(self, what, name, number, size_bytes):
        """A part of the archive, written if it is not there yet."""
        folder, mark = self.target / name, self.target / f"{name}.complete"
        if not mark.exists():
            free = shutil.disk_usage(self.target).free
            if free < size_bytes * 5 // 4:
                raise SystemExit(
                    f"bench: {name} needs {size_bytes >> 20} MiB in {self.target}, "
                    f"which has {free >> 20} MiB left")
            self.say(f"writing {name}")
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([self.programs / "examples" / "archive", what, folder, str(number)], check=True)
            mark.touch()
        return folder

    def msgfs(self, source, name="msgfs"):
        return contenders.Msgfs(self.programs / "msgfs", source, self.mounts / name)

    def null(self, source, threads, **options):
        self.say(f"loading {source.name} into the null filesystem")
        name = options.get("name", "null")
        null = contenders.Null(
            self.programs / "examples" / "nullfs", source, self.mounts / name, threads, **options)
        self.closing.append(null)
        return null


def run(root, words, usage):
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=usage, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", metavar="WORD", default="")
    parser.add_argument("--instructions", action="store_true")
    bench = Bench(root, parser.parse_args(words))
    needs(bench)
    build(bench)
    bench.prepare()
    figures = measure.Figures()
    measure_tree(bench, figures)
    report.write(bench, figures)
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


def measure_tree(bench, figures):
    source = bench.archive("mailbox", "mailbox-0", 0, MAILBOX_BYTES)
    msgfs = bench.msgfs(source)
    with msgfs:
        threads = msgfs.event_loops()
    null = bench.null(source, threads)
    bench.say(f"{null.loaded}; {threads} event loops each")
    rivals = [msgfs, null]
    tree.run(bench, figures, rivals, bench.rounds)
    null.close()
