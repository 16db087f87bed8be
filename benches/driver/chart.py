"""The chart that the README shows: ratios on a logarithmic scale, one bar a row."""
import math
from xml.sax.saxutils import escape

WIDTH, LABELS, BAR, TOP = 860, 330, 22, 62
INK, GOOD, BAD, PLAIN = "#24292f", "#2da44e", "#cf222e", "#6e7781"


def draw(rows, about):
    """The chart as SVG."""
    ceiling = [row for row in rows if row.against == "null" and row.ratios and row.unit != "x"]
    peers = [row for row in rows if row.faster and row.ratios]
    parts, at = [], TOP
    at = group(parts, at, "Time of msgfs as a multiple of the null filesystem's (less is better)", ceiling)
    at = group(parts, at + 16, "How many times faster msgfs searches a message (more is better)", peers)
    height = at + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13" fill="{INK}">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
        f'<text x="16" y="26" font-size="17" font-weight="bold">Speed of msgfs</text>\n'
        f'<text x="16" y="46" fill="{PLAIN}">{escape(about)}; a mark is a target</text>\n' + "".join(parts) + "</svg>\n")


def group(parts, at, title, rows):
    if not rows:
        return at
    parts.append(f'<text x="16" y="{at + 14}" font-weight="bold">{escape(title)}</text>\n')
    at += 24
    longest = max(10, *(max(row.middle, bound(row)) for row in rows)) * 1.3
    shortest = min(1.0, *(row.middle for row in rows)) / 2
    place = lambda ratio: LABELS + (WIDTH - LABELS - 90) * (
        math.log(max(ratio, shortest) / shortest) / math.log(longest / shortest))
    one = place(1)
    parts.append(f'<line x1="{one:.1f}" y1="{at}" x2="{one:.1f}" y2="{at + BAR * len(rows)}" stroke="{PLAIN}"/>\n')
    for row in rows:
        colour = {True: GOOD, False: BAD, None: PLAIN}[row.met]
        left, right = sorted((one, place(row.middle)))
        label = row.against if row.faster else row.name
        parts.append(
            f'<text x="{LABELS - 8}" y="{at + 15}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{left:.1f}" y="{at + 4}" width="{max(right - left, 1):.1f}" height="{BAR - 8}" fill="{colour}"/>')
        if row.met is not None:
            mark = place(bound(row))
            parts.append(
                f'<line x1="{mark:.1f}" y1="{at + 1}" x2="{mark:.1f}" y2="{at + BAR - 1}" '
                f'stroke="{INK}" stroke-width="2"/>')
        end = max(right, place(bound(row)) if row.met is not None else 0)
        parts.append(f'<text x="{end + 6:.1f}" y="{at + 15}">{row.cells()[5]} x</text>\n')
        at += BAR
    return at


def bound(row):
    """The target of a row as a number."""
    return float(row.target.split()[1]) if row.target else 1.0
