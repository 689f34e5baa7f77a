#!/usr/bin/env python3
"""Predicted against measured latency as an SVG: bench/plot_latency.py OUT.svg LABEL=FILE.csv..

FILE.csv is what bench/latency prints; doc/latency.svg was drawn from its runs for float32 and int8."""

import csv
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "models" / "fashion"))

from svgplot import Axes, COLOURS, Figure, GRID, INK  # noqa: E402  (a module of the model card's)


def read(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(line.split(",{")[0] for line in file)
        next(rows)
        return [(float(predicted), float(measured)) for predicted, measured in rows]


def errors(points):
    return sorted(abs(p - m) / m for p, m in points)


def main(arguments):
    if len(arguments) < 2 or any("=" not in a for a in arguments[1:]):
        sys.exit(__doc__.splitlines()[0])
    series = [(label, read(path)) for label, path in (a.split("=", 1) for a in arguments[1:])]
    highest = max(max(pair) for _, points in series for pair in points) * 1.06
    figure = Figure(760, 560, "Latency of random subnets: the table's sum against whole runs")
    axes = Axes(figure, (74, 66, 660, 430), (0, highest), (0, highest), "predicted, ms", "measured, ms")
    axes.draw_grid()
    axes.line([(0, 0), (highest, highest)], INK, width=1)
    for slope in (0.92, 1.08):
        axes.line([(0, 0), (min(highest, highest / slope), min(highest, highest * slope))], GRID, "4 3")
    entries = []
    for i, (label, points) in enumerate(series):
        axes.points(points, COLOURS[i], ("dot", "square", "triangle")[i % 3], opacity=0.75)
        found = errors(points)
        entries.append((f"{label}: median error {100 * statistics.median(found):.1f} %, "
                        f"95 % of them below {100 * found[-(-95 * len(found) // 100) - 1]:.1f} %",
                        COLOURS[i], ("dot", "square", "triangle")[i % 3], None))
    figure.legend(90, 80, entries)
    Path(arguments[0]).write_text(figure.svg(), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
