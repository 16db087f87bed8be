"""The table of all figures."""


def write(bench, figures):
    for operation in figures.operations():
        ours, ceiling = figures.median(operation, "msgfs"), figures.median(operation, "null")
        ratios = figures.ratios(operation, "msgfs", "null")
        spread = f"{min(ratios):.2f}-{max(ratios):.2f}" if ratios else ""
        ratio = sorted(ratios)[len(ratios) // 2] if ratios else 0
        print(f"{operation:36} {ours:10.4f} {ceiling:10.4f} {ratio:6.2f} {spread}")
