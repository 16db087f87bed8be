#!/usr/bin/env python3
"""Usage: scripts/licences.py [MANIFEST...]    checks the licences and Rust versions of all dependencies

This covers every package that a workspace may build, with all features and on every system. Its
licence must allow its use in a program under MIT. Its Rust version must not be newer than the one
that the packages of the workspace promise. Without MANIFEST: each Cargo.toml of this repository
that is the root of a workspace. The list of licences is `licenses.allow` of deny.toml.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent


def workspaces():
    """The Cargo.toml files in the repository that are roots of workspaces."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "Cargo.toml", "*/Cargo.toml"],
        cwd=ROOT, capture_output=True, text=True)
    # A tree without git, such as an unpacked archive.
    names = listed.stdout.split() if listed.returncode == 0 else ["Cargo.toml", "fuzz/Cargo.toml"]
    roots = set()
    for name in names:
        located = cargo("locate-project", "--workspace", "--manifest-path", str(ROOT / name))
        roots.add(json.loads(located)["root"])
    return sorted(roots)


def cargo(*arguments):
    """The output of a cargo command. Ends the script if it fails: cargo has printed the reason."""
    done = subprocess.run(["cargo", *arguments], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"licences: 'cargo {arguments[0]}' failed")
    return done.stdout


def is_allowed(expression, allowed):
    """Whether an SPDX expression can be satisfied with allowed licences alone.

    AND binds closer than OR. Older manifests have '/' for OR.
    """
    words = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def term():
        word = words.pop(0)
        if word == "(":
            value = either()
            if not words or words.pop(0) != ")":
                raise IndexError
            return value
        if words[:1] == ["WITH"]:
            word += " WITH " + words[1]
            del words[:2]
        return word in allowed

    def both():
        value = term()
        while words[:1] == ["AND"]:
            words.pop(0)
            value = term() and value
        return value

    def either():
        value = both()
        while words[:1] == ["OR"]:
            words.pop(0)
            value = both() or value
        return value

    try:
        value = either()
    except IndexError:
        return False
    return value and not words


def version(text):
    """A Rust version as numbers that compare: 1.91 is 1.91.0."""
    numbers = [int(number) for number in text.split("-")[0].split(".")]
    return tuple(numbers + [0] * (3 - len(numbers)))


def faults(manifest, allowed):
    """What is wrong with the packages of one workspace, a line each."""
    metadata = json.loads(cargo(
        "metadata", "--format-version=1", "--all-features", "--locked", "--manifest-path", manifest))
    own = set(metadata["workspace_members"])
    promised = [p["rust_version"] for p in metadata["packages"] if p["id"] in own and p["rust_version"]]
    # A workspace that is not published, as that of the fuzz targets, promises no version.
    minimum = min(map(version, promised), default=None)
    for package in metadata["packages"]:
        name = f"{package['name']} {package['version']}"
        licence = package["license"]
        if licence is None and package["id"] in own and package["publish"] == []:
            continue
        if licence is None:
            yield f"{name} states no licence"
        elif not is_allowed(licence, allowed):
            yield f"{name} is under {licence}, which deny.toml does not allow"
        needed = package["rust_version"]
        if minimum and needed and version(needed) > minimum:
            yield f"{name} needs Rust {needed}, and the workspace promises less ('rust-version')"


def main():
    allowed = set(tomllib.loads((ROOT / "deny.toml").read_text())["licenses"]["allow"])
    manifests = sys.argv[1:] or workspaces()
    found = [(manifest, fault) for manifest in manifests for fault in faults(manifest, allowed)]
    for manifest, fault in found:
        print(f"licences: {manifest}: {fault}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
