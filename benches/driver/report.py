"""The rows of the table, and the table as text and as TSV."""
import os, platform, statistics, subprocess, time
from dataclasses import dataclass, field

from . import chart

SCALES = {"s": 1, "ms": 1e3, "us": 1e6, "MiB": 1 / (1 << 20), "x": 1, "": 1}
HEAD = ["operation", "unit", "msgfs", "against", "its figure", "ratio", "lowest", "highest",
        "target", "met", "tmpfs"]


@dataclass
class Row:
    """One figure of msgfs, with what it is compared with."""
    name: str
    unit: str
    ours: float
    against: str = ""
    theirs: float | None = None
    ratios: list = field(default_factory=list)
    target: str = ""
    met: bool | None = None
    tmpfs: float | None = None
    faster: bool = False

    @property
    def middle(self):
        return statistics.median(self.ratios) if self.ratios else None

    @classmethod
    def ratio(cls, figures, operation, unit, at_most=None, base="null", name=None):
        """Against another contender: the median of the rounds' ratios counts."""
        row = cls(name or operation, unit, figures.median(operation, "msgfs"), base,
                  figures.median(operation, base), figures.ratios(operation, "msgfs", base),
                  tmpfs=figures.median(operation, "tmpfs"))
        if at_most:
            row.target, row.met = f"<= {at_most:.3g} x", row.middle <= at_most
        return row

    @classmethod
    def value(cls, figures, operation, unit, at_most=None):
        """A figure of msgfs alone."""
        row = cls(operation, unit, figures.median(operation, "msgfs"))
        if row.ours is not None and at_most:
            row.target = f"<= {at_most * SCALES[unit]:.4g} {unit}".strip()
            row.met = row.ours <= at_most
        return row

    @classmethod
    def of_itself(cls, figures, operation, unit, base, at_most, called):
        """Against another operation of msgfs, if it was measured."""
        row = cls(operation, unit, figures.median(operation, "msgfs"))
        ratios = figures.ratios(operation, "msgfs", "msgfs", base) if base else []
        if ratios:
            row.against, row.theirs, row.ratios = called, figures.median(base, "msgfs"), ratios
            row.target, row.met = f"<= {at_most:.3g} x", row.middle <= at_most
        return row

    @classmethod
    def peer(cls, figures, operation, base, at_least):
        """Against a reader that users have instead: how many times faster msgfs is."""
        row = cls(f"{operation}: {base}", "ms", figures.median(operation, "msgfs"), base,
                  figures.median(operation, base), figures.ratios(operation, base, "msgfs"), faster=True)
        if at_least:
            row.target, row.met = f">= {at_least} x faster", row.middle >= at_least
        return row

    def cells(self):
        scale = SCALES[self.unit]
        number = lambda value: "" if value is None else digits(value * scale)
        ratio = lambda value: f"{value:.2f}" if value < 100 else f"{value:.0f}"
        return [
            self.name, self.unit, number(self.ours), self.against, number(self.theirs),
            ratio(self.middle) if self.ratios else "",
            *([ratio(min(self.ratios)), ratio(max(self.ratios))] if len(self.ratios) > 1 else ["", ""]),
            self.target, {True: "yes", False: "NO", None: ""}[self.met], number(self.tmpfs)]


def digits(value):
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def write(bench, rows):
    """Prints the table, and writes it with the chart."""
    rows = [row for row in rows if row.ours is not None]
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    print()
    print(about(bench.root))
    print("Medians; a ratio is the median of the rounds' ratios, with the lowest and the highest.")
    print()
    for line in lines:
        cells = [cell.ljust(width) if column in (0, 1, 3, 8, 9) else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())
    print()
    for note in dict.fromkeys(bench.notes):
        print(f"note: {note}")
    missed = [row for row in rows if row.met is False]
    print(f"targets: {sum(row.met is True for row in rows)} met, {len(missed)} missed")
    for row in missed:
        print(f"missed: {row.name}: {row.cells()[5] or row.cells()[2]}, target {row.target}")
    table, picture = bench.target / "results.tsv", bench.target / "chart.svg"
    table.write_text(f"# {about(bench.root)}\n" + "".join("\t".join(line) + "\n" for line in lines))
    picture.write_text(chart.draw(rows, about(bench.root)))
    print(f"written: {table.relative_to(bench.root)}, {picture.relative_to(bench.root)}")


def about(root):
    model = ""
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True,
                            text=True, cwd=root)
    return (f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, {model}, "
            f"load {os.getloadavg()[2]:.0f}, Linux {platform.release().split('-')[0]}, "
            f"msgfs {commit.stdout.strip()}")
