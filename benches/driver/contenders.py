"""The filesystems that are compared: msgfs, the null filesystem, and a folder as it is."""
import os, subprocess, time
from pathlib import Path


def unmount_below(folder):
    """Takes away every mount below a folder, in use or not."""
    with open("/proc/self/mounts") as mounts:
        points = [line.split()[1].encode().decode("unicode_escape") for line in mounts]
    for point in reversed([point for point in points if point.startswith(f"{folder}/")]):
        command = ["umount", "-l"] if os.geteuid() == 0 else ["fusermount3", "-u", "-z"]
        subprocess.run([*command, point], stderr=subprocess.DEVNULL)


def cpu_seconds(pid):
    """The processor time that a process has taken, which waiting for others does not change."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"no {what} within {seconds} s")
        time.sleep(0.002)


class Mount:
    """A contender: `with contender as path` is a fresh mount, of which the kernel knows nothing."""

    def __init__(self, name, point):
        self.name, self.point = name, Path(point)
        self.point.mkdir(parents=True, exist_ok=True)

    def __enter__(self):
        self.mount()
        return self.point

    def __exit__(self, *_):
        self.unmount()


class Msgfs(Mount):
    def __init__(self, program, source, point):
        super().__init__("msgfs", point)
        self.command = [str(program), str(source), str(point)]
        self.program, self.source, self.pid, self.environment = str(program), source, None, None

    def mount(self):
        """Returns the seconds until the mount has answered."""
        start = time.perf_counter()
        subprocess.run(self.command, check=True, env=self.environment)
        os.stat(self.point)
        seconds = time.perf_counter() - start
        self.pid = self.find_process()
        return seconds

    def unmount(self):
        subprocess.run([self.program, "umount", str(self.point)], check=True)
        wait_for(lambda: not Path(f"/proc/{self.pid}").exists(), "end of msgfs")

    def find_process(self):
        wanted = [word.encode() for word in self.command]
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if entry.read_bytes().rstrip(b"\0").split(b"\0") == wanted:
                    return int(entry.parent.name)
            except OSError:
                pass
        raise RuntimeError("the process of the mount is not there")

    def cpu_seconds(self):
        return cpu_seconds(self.pid)

    def status(self, key):
        """A figure of /proc/PID/status, in KiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def event_loops(self):
        names = [task.read_text() for task in Path(f"/proc/{self.pid}/task").glob("*/comm")]
        return sum(name.startswith("fuser-") and name[6:7].isdigit() for name in names)


class NullServer:
    """The process that holds a tree in memory and serves every mount of it."""

    def __init__(self, program, source, *options):
        self.process = subprocess.Popen(
            [str(program), *options, str(source)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.loaded = self.answer()

    def answer(self):
        line = self.process.stdout.readline().strip()
        if not line:
            raise RuntimeError("the null filesystem has failed")
        return line

    def tell(self, line):
        start = time.perf_counter()
        self.process.stdin.write(f"{line}\n")
        self.answer()
        return time.perf_counter() - start

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


class Null(Mount):
    """The ceiling: what FUSE itself costs, with so many event loops."""

    def __init__(self, server, point, threads, name="null"):
        super().__init__(name, point)
        self.server, self.threads = server, threads

    def mount(self):
        self.cpu_before = cpu_seconds(self.server.process.pid)
        return self.server.tell(f"mount {self.threads} {self.point}")

    def cpu_seconds(self):
        """Since it was mounted."""
        return cpu_seconds(self.server.process.pid) - self.cpu_before

    def unmount(self):
        self.server.tell("unmount")


class WritableNull(Null):
    """What FUSE itself costs where the kernel asks for each `open` and `release`."""

    def mount(self):
        self.cpu_before = cpu_seconds(self.server.process.pid)
        return self.server.tell(f"mount-writable {self.threads} {self.point}")


class Folder(Mount):
    """A tree that is no mount of ours: nothing of it is ever cold."""

    def mount(self):
        return 0.0

    def cpu_seconds(self):
        return 0.0

    def unmount(self):
        pass
