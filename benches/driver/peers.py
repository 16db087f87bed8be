"""What users have instead of msgfs: a search with each on the same sample of messages."""
import os, shutil, subprocess, sys

from . import measure
from .report import Row
from .tree import NEEDLE

SEARCH = "search a message"
SAMPLE, SLOW_SAMPLE = 200, 20
SECONDS = 50
# A whole process for all messages, so that only the reading counts.
EXTRACT_MSG = """
import extract_msg, logging, sys
logging.disable(logging.CRITICAL)
found = 0
for path in sys.argv[2:]:
    with extract_msg.openMsg(path) as message:
        texts = [message.subject, message.sender, message.body, message.htmlBody]
        texts += [recipient.email for recipient in message.recipients]
        texts += [attachment.data for attachment in message.attachments]
        for text in texts:
            if isinstance(text, str):
                text = text.encode()
            found += isinstance(text, bytes) and sys.argv[1].encode() in text
print(found)
"""


def run(bench, figures):
    sample = sample_folder(bench)
    msgfs = bench.msgfs(sample)
    # Of every size as many, also in the small sample.
    messages = sorted(sample.iterdir(), key=lambda file: file.stat().st_size)
    step = len(messages) // SLOW_SAMPLE
    slow = messages[step // 2::step]
    peers = {
        name: (run_peer, messages if fast else slow, at_least)
        for name, (run_peer, fast, at_least) in PEERS.items() if present(bench, name)}
    for number in bench.rounds("peers", SECONDS):
        with msgfs as path:
            elapsed, _ = measure.seconds(["grep", "-r", NEEDLE, "."], bench.out, cwd=path)
        figures.add(SEARCH, "msgfs", elapsed / len(messages))
        for name, (run_peer, files, _) in peers.items():
            scratch = bench.work / "peer"
            scratch.mkdir()
            try:
                elapsed = run_peer(bench, [str(file) for file in files], scratch)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            figures.add(SEARCH, name, elapsed / len(files))
    return [Row.peer(figures, SEARCH, name, at_least) for name, (_, _, at_least) in peers.items()]


def sample_folder(bench):
    """Messages from everywhere in the archive, as further names of the same files."""
    folder = bench.target / "sample"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    messages = sorted(bench.mailbox().glob("*/*/*.msg"))
    for message in messages[::len(messages) // SAMPLE][:SAMPLE]:
        os.link(message, folder / message.name)
    return folder


def msgfs_grep(bench, files, _):
    """The same search without the kernel."""
    elapsed, _ = measure.seconds([str(bench.programs / "msgfs"), "grep", NEEDLE, *files], bench.out)
    return elapsed


def shell(bench, script, *words):
    elapsed, _ = measure.seconds(["sh", "-c", script, "sh", NEEDLE, *words], bench.out)
    return elapsed


def seven_zip(bench, files, scratch):
    script = 'needle=$1 to=$2; shift 2; for f; do 7zz x -y -o"$to/${f##*/}" "$f"; grep -r "$needle" "$to/${f##*/}"; done'
    return shell(bench, script.replace("7zz", seven_zip_program()), str(scratch), *files)


def seven_zip_program():
    return next((name for name in ("7zz", "7z", "7za") if shutil.which(name)), None)


def strings(bench, files, _):
    return shell(bench, 'needle=$1; shift; for f; do strings -el "$f" | grep "$needle"; done', *files)


def olecfmount(bench, files, _):
    point = bench.mounts / "olecf"
    point.mkdir(exist_ok=True)
    script = ('needle=$1 at=$2; shift 2; for f; do olecfmount "$f" "$at" && grep -r "$needle" "$at"; '
              'umount "$at" || fusermount3 -u "$at"; done')
    return shell(bench, script, str(point), *files)


def msgconvert(bench, files, scratch):
    script = 'needle=$1 to=$2; shift 2; for f; do msgconvert --outfile - "$f" | grep "$needle"; done'
    return shell(bench, script, str(scratch), *files)


def msgconvert_at_once(bench, files, scratch):
    script = 'needle=$1; cd "$2"; shift 2; msgconvert "$@"; grep -r "$needle" .'
    return shell(bench, script, str(scratch), *files)


def extract_msg(bench, files, _):
    elapsed, out = measure.seconds([python(bench), "-c", EXTRACT_MSG, NEEDLE, *files], bench.out)
    if not out.strip().isdigit():
        bench.note("extract-msg failed on the sample; its figure means nothing")
    return elapsed


def python(bench):
    """The interpreter that has extract-msg: our own, or the one that scripts/compare installs."""
    own = bench.root / "target" / "compare" / "venv" / "bin" / "python"
    for program in (sys.executable, str(own)):
        if os.path.exists(program) and subprocess.run(
                [program, "-c", "import extract_msg"], capture_output=True).returncode == 0:
            return program
    subprocess.run([sys.executable, "-m", "venv", str(own.parent.parent)], capture_output=True)
    done = subprocess.run([own, "-m", "pip", "install", "--quiet", "extract-msg"], capture_output=True)
    return str(own) if done.returncode == 0 else None


# Each with whether it is fast enough for the whole sample, and how many times faster we must be.
PEERS = {
    "msgfs grep": (msgfs_grep, True, None),
    "7z x + grep": (seven_zip, True, 10),
    "strings -el | grep": (strings, True, 5),
    "olecfmount + grep": (olecfmount, False, None),
    "msgconvert": (msgconvert, False, 300),
    "msgconvert, one process": (msgconvert_at_once, False, None),
    "extract-msg": (extract_msg, False, 300),
}
PACKAGES = {
    "7z x + grep": (seven_zip_program, "7zip"),
    "strings -el | grep": (lambda: shutil.which("strings"), "binutils"),
    "olecfmount + grep": (lambda: shutil.which("olecfmount"), "libolecf-utils"),
    "msgconvert": (lambda: shutil.which("msgconvert"), "libemail-outlook-message-perl"),
}


def present(bench, name):
    """Whether a peer is there, or can be installed."""
    if name == "msgfs grep":
        return True
    if name == "extract-msg":
        if not python(bench):
            bench.note("extract-msg is absent: 'pip install extract-msg'")
            return False
        return True
    find, package = PACKAGES[name.split(",")[0]]
    if not find() and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", package], capture_output=True)
    if not find():
        bench.note(f"{name} is absent: 'apt-get install {package}'")
    return bool(find())
