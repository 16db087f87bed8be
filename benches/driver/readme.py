"""The table of benches/README.md, out of the table of a run."""
import re

BEGIN, END = "<!-- scripts/bench --publish writes this -->", "<!-- until here -->"
COLUMNS = ["operation", "msgfs", "compared with", "ratio", "target"]


def publish(readme, results):
    """Puts the rows that have a target, and every other reader, between the marks."""
    about, head, *lines = results.read_text().splitlines()
    rows = [dict(zip(head.split("\t"), line.split("\t"))) for line in lines]
    shown = [row for row in rows if row["target"] or row["operation"].startswith("search")]
    table = [f"{about.removeprefix('# ')}:", "", line(COLUMNS), line(["---"] * len(COLUMNS))]
    table += [line(cells(row)) for row in shown]
    text = readme.read_text()
    inside = "\n".join([BEGIN, "", *table, "", END])
    # A function, so that nothing in the table is taken for a reference.
    readme.write_text(re.sub(f"{BEGIN}.*?{END}", lambda _: inside, text, flags=re.DOTALL))


def cells(row):
    unit = row["unit"]
    figure = lambda value: f"{value} {unit}".strip()
    faster = row["operation"].startswith("search")
    other = f"{row['against']}: {figure(row['its figure'])}" if row["against"] else ""
    ratio = f"{row['ratio']} x{' faster' if faster else ''}" if row["ratio"] else ""
    target = row["target"] + (" (missed)" if row["met"] == "NO" else "")
    return [row["operation"].partition(":")[0], figure(row["msgfs"]), other, ratio, target]


def line(cells):
    # A bar would begin the next cell.
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
