"""Line and scatter plots as SVG text: just what the model card draws."""

import math
from xml.sax.saxutils import escape

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
INK, GRID, PAPER = "#24292f", "#e3e7ec", "#ffffff"
FONT = "system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif"


def number(value):
    """Short text of a tick: no exponent, no trailing zeros."""
    return f"{value:.6f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"


def linear_ticks(low, high, about=6):
    rough = (high - low) / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    return [round(i * step, 10) for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def log_ticks(low, high):
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [m * 10.0 ** p for p in powers for m in (1, 2, 5)]
    return [t for t in ticks if low * 0.999 <= t <= high * 1.001]


def padded(values, share=0.06, log=False):
    """Lowest and highest of the values with some room on both sides."""
    if log:
        low, high = padded([math.log(v) for v in values], share)
        return math.exp(low), math.exp(high)
    low, high = min(values), max(values)
    room = (high - low) * share or abs(high) * 0.05 or 1
    return low - room, high + room


class Figure:
    """Elements in drawing order; y grows downwards, in pixels."""

    def __init__(self, width, height, title):
        self.width, self.height, self.items = width, height, []
        self.add(f'<rect width="{width}" height="{height}" rx="6" fill="{PAPER}" stroke="{GRID}"/>')
        self.text(width / 2, 26, title, size=16, anchor="middle", weight="600")

    def add(self, element):
        self.items.append(element)

    def text(self, x, y, text, size=13, anchor="start", weight="400", turn=0, fill=INK):
        turned = f' transform="rotate({turn} {x:.1f} {y:.1f})"' if turn else ""
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
                 f'font-weight="{weight}" fill="{fill}"{turned}>{escape(text)}</text>')

    def marker(self, shape, x, y, colour, size=4.5, opacity=1.0):
        style = f'fill="{colour}" fill-opacity="{opacity}"'
        if shape == "ring":
            self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{PAPER}" stroke="{colour}" '
                     'stroke-width="1.8"/>')
        elif shape == "square":
            self.add(f'<rect x="{x - size:.1f}" y="{y - size:.1f}" width="{2 * size}" height="{2 * size}" {style}/>')
        elif shape == "triangle":
            corners = ((0, -1.25), (1.15, 0.9), (-1.15, 0.9))
            points = " ".join(f"{x + a * size:.1f},{y + b * size:.1f}" for a, b in corners)
            self.add(f'<polygon points="{points}" {style}/>')
        else:
            self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" {style}/>')

    def legend(self, x, y, entries):
        """entries: (label, colour, shape or None, dash or None); a dash draws a line, "" a solid one."""
        width = 46 + max(len(e[0]) for e in entries) * 7.1
        self.add(f'<rect x="{x}" y="{y}" width="{width:.0f}" height="{20 * len(entries) + 8}" rx="4" '
                 f'fill="{PAPER}" fill-opacity="0.9" stroke="{GRID}"/>')
        for i, (label, colour, shape, dash) in enumerate(entries):
            middle = y + 14 + 20 * i
            if dash is not None:
                self.add(f'<path d="M{x + 8} {middle}h24" stroke="{colour}" stroke-width="2" '
                         f'stroke-dasharray="{dash or "none"}"/>')
            if shape:
                self.marker(shape, x + 20, middle, colour)
            self.text(x + 38, middle + 4.5, label)

    def svg(self):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
                f'viewBox="0 0 {self.width} {self.height}" font-family="{FONT}">')
        return "\n".join([head, *self.items, "</svg>", ""])


class Axes:
    """A rectangle of a figure with its own scales."""

    def __init__(self, figure, box, x_range, y_range, x_label="", y_label="", x_log=False):
        self.figure, self.box, self.x_range, self.y_range = figure, box, x_range, y_range
        self.x_label, self.y_label, self.x_log = x_label, y_label, x_log

    def x(self, value):
        left, _, width, _ = self.box
        low, high = self.x_range
        if self.x_log:
            value, low, high = math.log(value), math.log(low), math.log(high)
        return left + width * (value - low) / (high - low)

    def y(self, value):
        _, top, _, height = self.box
        low, high = self.y_range
        return top + height * (high - value) / (high - low)

    def draw_grid(self, x_ticks=None):
        """x_ticks: [] draws none, None finds them."""
        left, top, width, height = self.box
        if x_ticks is None:
            x_ticks = log_ticks(*self.x_range) if self.x_log else linear_ticks(*self.x_range)
        for tick in x_ticks:
            at = self.x(tick)
            self.figure.add(f'<path d="M{at:.1f} {top}v{height}" stroke="{GRID}"/>')
            self.figure.text(at, top + height + 18, number(tick), anchor="middle")
        for tick in linear_ticks(*self.y_range):
            at = self.y(tick)
            self.figure.add(f'<path d="M{left} {at:.1f}h{width}" stroke="{GRID}"/>')
            self.figure.text(left - 8, at + 4.5, number(tick), anchor="end")
        self.figure.add(f'<path d="M{left} {top}v{height}h{width}" fill="none" stroke="{INK}" stroke-width="1.2"/>')
        if self.x_label:
            self.figure.text(left + width / 2, top + height + 40, self.x_label, anchor="middle")
        self.figure.text(left - 50, top + height / 2, self.y_label, anchor="middle", turn=-90)

    def band(self, start, end, label, shaded):
        """A stretch of the x axis, named at its top."""
        _, top, _, height = self.box
        left, right = self.x(start), self.x(end)
        if shaded:
            self.figure.add(f'<rect x="{left:.1f}" y="{top}" width="{right - left:.1f}" height="{height}" '
                            'fill="#f3f6fa"/>')
        if label:
            self.figure.text((left + right) / 2, top - 6, label, size=12, anchor="middle", fill="#57606a")

    def line(self, points, colour, dash="", width=2):
        path = "M" + "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)
        self.figure.add(f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}" '
                        f'stroke-linejoin="round" stroke-dasharray="{dash or "none"}"/>')

    def points(self, points, colour, shape="dot", size=4.5, opacity=1.0):
        for x, y in points:
            self.figure.marker(shape, self.x(x), self.y(y), colour, size, opacity)
