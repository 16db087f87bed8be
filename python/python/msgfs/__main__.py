"""``python -m msgfs FILE…`` prints messages, as ``msgfs show --utc --color=never`` does."""

from __future__ import annotations

import io
import sys

from . import Error, Message


def main(paths: list[str]) -> int:
    if not paths:
        print("usage: python -m msgfs FILE…", file=sys.stderr)
        return 2
    # The program msgfs writes UTF-8 in every locale.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    status = 0
    for number, path in enumerate(paths):
        try:
            with Message(path) as message:
                text, is_whole = message.to_text(), not message.defects
        except Error as error:
            print(f"msgfs: {path}: {error.__cause__ or error}", file=sys.stderr)
            status = 2
            continue
        if number > 0:
            sys.stdout.write("\n")
        sys.stdout.write(text)
        if not is_whole:
            status = max(status, 1)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
