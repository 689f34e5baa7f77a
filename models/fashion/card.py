#!/usr/bin/env -S python3 -B
"""Writes the model card (README.md and its SVG plots) from the results of `reproduce`.

Usage: card.py [WORK [OUT]]      WORK: folder of results (default: work beside this file)
                                 OUT: where the card goes (default: beside this file)
Standard library only.  What was not measured is said to be so: nothing is assumed.
"""

import json
import math
import sys
from pathlib import Path

import card_plots

HERE = Path(__file__).resolve().parent
MISSING = "not measured"


class Results:
    """What `reproduce` left in its folder; a missing file is None."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.net = self.read("inspect.json")
        self.predictor = (self.net or {}).get("predictor")
        self.recipe = ((self.net or {}).get("lineage") or {}).get("recipe")
        self.log = self.read_log("trained")
        self.front = self.read("front.json")
        self.front_eval = self.read_list("eval-front.json")
        self.corners = self.read_list("eval-corners.json")
        self.costs = self.read_list("cost-archs.json")
        self.supernet = self.read_list("eval-archs.json")
        self.shrinking = self.read_list("eval-shrinking.json")
        self.at_once = self.read_list("eval-at-once.json")
        self.alone = [self.alone_accuracy(i) for i in range(5)]
        self.predicted = self.read_list("predicted.json")
        self.measured = self.read_pairs()
        self.bench = self.read_text("bench.txt")
        self.notes = None  # what a plain run of `reproduce` would do otherwise

    def read_text(self, name):
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else None

    def read(self, name):
        text = self.read_text(name)
        return json.loads(text) if text else None

    def read_list(self, name):
        """`ofa` answers one arch with an object, several with an array."""
        answer = self.read(name)
        return [answer] if isinstance(answer, dict) else answer

    def read_log(self, name):
        """Events in order.  Those that a resumed run repeated are dropped; a run begun --from the network of the
        one before counts its seconds from that one's end."""
        events, before = [], 0
        for line in (self.read_text(f"{name}.jsonl") or "").splitlines():
            event = json.loads(line)
            if event["event"] == "start" and events:
                before = events.pop()["seconds"]
            event["seconds"] += before
            if event["event"] == "resume":
                events = [e for e in events if e["seconds"] <= event["seconds"]]
            events.append(event)
        return events or None

    def read_pairs(self):
        """Measured hold-out accuracies in percent, in the order of predicted.json."""
        lines = (self.read_text("pairs.csv") or "").splitlines()[2:]
        return [float(line.rsplit(",", 1)[1]) for line in lines if line] or None

    def alone_accuracy(self, i):
        """The better of recalibrated and running statistics: the baseline gets the benefit of the doubt."""
        arch = self.supernet[i]["arch"] if self.supernet and i < len(self.supernet) else None
        return next((max(a["recalibrated"], a["running"]) for a in self.read("alone.json") or [] if a["arch"] == arch),
                    None)

    def seconds(self, name):
        log = self.read_log(name)
        return log[-1]["seconds"] if log and log[-1]["event"] == "end" else None

    def cpu_seconds(self, name):
        text = self.read_text(f"{name}.cpu")
        return sum(float(v) for v in text.split()) if text else None

    def budget(self, name):
        """(epochs, subnet passes forth and back) of a training."""
        log = self.read_log(name)
        phases = [e for e in log or [] if e["event"] == "phase"]
        epoch = self.epoch_steps()
        if not phases or not epoch:
            return None, None
        return sum(p["steps"] for p in phases) / epoch, sum(p["archs"] for p in phases)

    def epoch_steps(self):
        lineage = (self.net or {}).get("lineage") or {}
        return lineage["train_images"] // lineage["recipe"]["batch"] if lineage else None

    def test_images(self):
        return self.corners[0]["images"] if self.corners else ""

    def largest(self):
        """Test accuracy of the largest subnet."""
        return next((e["accuracy"] for e in self.corners or [] if e["arch"] == self.net["largest"]["arch"]), None)


def percent(value, digits=2):
    return MISSING if value is None else f"{100 * value:.{digits}f} %"


def points(value):
    return MISSING if value is None else f"{100 * value:+.2f}"


def mega(macs):
    return f"{macs / 1e6:.2f} M"


def duration(seconds):
    if seconds is None:
        return MISSING
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min ({seconds:.0f} s)"


def mean(values):
    values = list(values or [])
    return sum(values) / len(values) if values and None not in values else None


def at(answers, i, key="accuracy"):
    return answers[i][key] if answers and i < len(answers) else None


def difference(a, b):
    return None if a is None or b is None else a - b


def table(header, rows, align=None):
    """A Markdown table; align: one of l, r per column."""
    rule = ["---:" if a == "r" else "---" for a in align or "l" * len(header)]
    return "\n".join("| " + " | ".join(str(c) for c in row) + " |" for row in [header, rule, *rows]) + "\n"


def judged(name, asked, value, text, holds):
    reached = MISSING if value is None else text.format(value)
    return name, asked, reached, "–" if value is None else "yes" if holds(value) else "**no**"


def figures(r):
    net = r.net or {}
    smallest = net.get("smallest") or {}
    predictor = r.predictor or {}
    front = r.front or []
    span = front[-1]["macs"] / front[0]["macs"] if front else None
    gap = difference(mean(r.alone), mean(e["accuracy"] for e in r.supernet or []))
    count = net.get("subnets_per_resolution")
    sizes = len(net["space"]["resolutions"]) if net else None
    unseen = predictor.get("unseen")
    weights = smallest.get("params")
    peak = smallest.get("peak_activation_int8_bytes")
    rows = [
        judged("Largest subnet, test accuracy", "at least 94.0 %", r.largest() and 100 * r.largest(), "{:.2f} %",
               lambda v: v >= 94),
        judged("Five archs alone from scratch against the same taken from the network, mean gap",
               "at most 0.5 points", gap and 100 * gap, "{:+.2f} points", lambda v: v <= 0.5),
        judged("Predictor: unseen archs", "at least 200", unseen, "{}", lambda v: v >= 200),
        judged("Predictor: Kendall tau on them", "at least 0.75", predictor.get("kendall_tau"), "{:.3f}",
               lambda v: v >= 0.75),
        judged("Predictor: RMSE on them", "at most 0.35 points", predictor.get("rmse_points"), "{:.3f} points",
               lambda v: v <= 0.35),
        judged("Pareto front, MACs of its dearest by its cheapest", "at least 8", span, "{:.1f}", lambda v: v >= 8),
        judged("Smallest subnet, peak activations at int8", "under 64 KB", peak, "{:,} bytes", lambda v: v < 64000),
        judged("Smallest subnet, weights at int8 (one byte each)", "under 150 KB", weights, "{:,} bytes",
               lambda v: v < 150000),
        judged("Network file", "at most 5 MB", net.get("size_bytes"), "{:,} bytes", lambda v: v <= 5e6),
        judged("Subnets at each image size", "more than 10^19", count and int(count), "{:.3e}",
               lambda v: v > 10 ** 19),
        judged("Image sizes", "at least 4", sizes, "{}", lambda v: v >= 4),
    ]
    return table(["Figure", "Asked", "Reached", "Holds"], rows, "llrl")


def choices(phase, key):
    return ", ".join(f"{v:g}" for v in phase.get(key) or []) or "largest"


def phase_seconds(log):
    """{phase: seconds} from the log."""
    starts = [e for e in log or [] if e["event"] in ("phase", "end")]
    spent = {}
    for event, after in zip(starts, starts[1:]):
        spent[event["phase"]] = after["seconds"] - event["seconds"]
    return spent


def schedule(r):
    spent = phase_seconds(r.log)
    steps = {e["phase"]: e["steps"] for e in r.log or [] if e["event"] == "phase"}
    rows = []
    for p in r.recipe["phases"]:
        subnets = f"{p['subnets']}{' (sandwich)' if p.get('sandwich') else ''}"
        rows.append((p["name"], choices(p, "kernels"), choices(p, "depths"), choices(p, "expands"), subnets,
                     f"{p['epochs']:g}", steps.get(p["name"], MISSING), f"{p['lr']:g}",
                     "in place" if p.get("in_place") else "yes" if p.get("kd") else "no",
                     ("–", "all", "within bands")[p.get("sort", 0)], duration(spent.get(p["name"]))))
    return table(["Phase", "Kernels", "Depths", "Expands", "Subnets a step", "Epochs", "Steps", "Peak rate",
                  "Distilled", "Channels sorted", "Time"], rows, "llllrrrrllr")


def augmentation(augment):
    return ", ".join(f"{k.replace('_', ' ')} {v:g}" if not isinstance(v, bool) else k
                     for k, v in (augment or {}).items() if v) or "none"


def listing(numbers):
    return ", ".join(map(str, numbers))


def recipe_table(r):
    recipe, lineage = r.recipe, r.net["lineage"]
    rows = [
        ("Images", f"{lineage['train_images']} to train on, {lineage['holdout_images']} held out of the training part "
                   "(predictor); the test part is only ever reported"),
        ("Batch, seed, threads", f"{recipe['batch']}, {recipe['seed']}, {lineage['threads']}"),
        ("SGD", f"momentum {recipe['momentum']:g}, weight decay {recipe['weight_decay']:g}, cosine rate after a "
                "linear warm-up in each phase"),
        ("Label smoothing", f"{recipe['label_smoothing']:g}"),
        ("Augmentation", augmentation(recipe.get("augment"))),
        *((f"Augmentation in phase {p['name']}", augmentation(p["augment"]))
          for p in recipe["phases"] if "augment" in p),
        ("Image size", "drawn anew each step from " + listing(recipe["space"]["resolutions"])),
        *((f"Image size in phase {p['name']}", "drawn from " + listing(p["resolutions"]))
          for p in recipe["phases"] if "resolutions" in p),
        ("Batch norm", f"recalibrated for every subnet on {recipe['calibration_images']} training images, which "
                       "the file carries"),
        ("Whole training", duration(r.seconds("trained"))),
    ]
    return table(["What", "Value"], rows)


def arch_text(arch):
    depths = " ".join(map(str, arch["d"]))
    return f"{arch['image_size']} px, depths {depths}"


def five_archs(r):
    rows = []
    for i in range(5):
        kept, alone = at(r.supernet, i), r.alone[i]
        cost = r.costs[i] if r.costs and i < len(r.costs) else None
        rows.append((i + 1, arch_text(cost["arch"]) if cost else MISSING, mega(cost["macs"]) if cost else MISSING,
                     percent(cost["predicted_accuracy"]) if cost else MISSING, percent(kept), percent(alone),
                     points(difference(alone, kept))))
    kept, alone = mean(e["accuracy"] for e in r.supernet or []), mean(r.alone)
    rows.append(("mean", "", "", "", percent(kept), percent(alone), points(difference(alone, kept))))
    return table(["Arch", "", "MACs", "Predicted (hold-out)", "From the network", "Alone from scratch", "Gap, points"],
                 rows, "rlrrrrr")


def ablation_budget(r):
    rows = []
    for name, label in (("shrinking", "progressive shrinking"), ("at-once", "all open from the first step")):
        epochs, passes = r.budget(name)
        cpu = r.cpu_seconds(name)
        rows.append((label, f"{epochs:.2f}" if epochs else MISSING, passes or MISSING,
                     f"{cpu:.0f}" if cpu else MISSING, duration(r.seconds(name))))
    return table(["Side", "Epochs", "Subnet passes forth and back", "CPU seconds", "Time"], rows, "lrrrr")


def ablation_scale(r):
    """Of the recipe's epochs, what the shrinking side got."""
    epochs, _ = r.budget("shrinking")
    return f"{epochs / sum(p['epochs'] for p in r.recipe['phases']):.2g}" if epochs and r.recipe else "SCALE"


def ablation(r):
    rows = []
    for i in range(5):
        a, b = at(r.shrinking, i), at(r.at_once, i)
        cost = at(r.costs, i, "macs")
        rows.append((i + 1, mega(cost) if cost else MISSING, percent(a), percent(b), points(difference(a, b))))
    a, b = (mean(e["accuracy"] for e in side or []) for side in (r.shrinking, r.at_once))
    rows.append(("mean", "", percent(a), percent(b), points(difference(a, b))))
    return table(["Arch", "MACs", "Progressive shrinking", "All at once", "Difference, points"], rows, "rrrrr")


def front_table(r):
    rows = [(mega(p["macs"]), f"{p['params']:,}", arch_text(p["arch"]), percent(p["predicted_accuracy"]),
             percent(at(r.front_eval, i))) for i, p in enumerate(r.front)]
    return table(["MACs", "Parameters", "Arch", "Predicted (hold-out)", "Test"], rows, "rrlrr")


def corner_table(r):
    by_size = {}
    for e in r.corners:
        by_size.setdefault(e["arch"]["image_size"], []).append(e["accuracy"])
    rows = [(size, percent(pair[0]), percent(pair[-1])) for size, pair in sorted(by_size.items())]
    return table(["Image size", "Largest", "Smallest"], rows, "rrr")


def promises(r):
    """What float16 and int8 packages lose, as the network's file has it."""
    rows = []
    for dtype, p in sorted(((r.predictor or {}).get("dtypes") or {}).items()):
        slope = "" if p["slope"] == 1 else f"{p['slope']:.4f} x "
        promise = f"{slope}float32 {100 * p['offset']:+.3f} points"
        errors = p["error_points"]
        rows.append((dtype, p["samples"], f"{p['mean_drop_points']:.3f}", f"{p['largest_drop_points']:.2f}", promise,
                     f"{errors['none']:.3f}", f"{errors['constant']:.3f}", f"{errors['line']:.3f}",
                     f"{errors['by_image_size']:.3f}", f"{p['accuracy_error_points']:.3f}"))
    return rows and table(["Type", "Subnets", "Mean loss", "Largest", "Promised", "Error: nothing said", "a constant",
                           "a line", "by image size", "Error of the accuracy"], rows, "lrrrlrrrrr")


def sections(r, plots):
    """(title, text or None, how it was made) of the card, in order."""
    def plot(name, alt):
        return f"![{alt}]({name})\n" if name in plots else None

    def join(*parts):
        return "\n".join(p for p in parts if p) or None

    scale = ablation_scale(r)
    return [
        ("Figures", figures(r) + f"\nAccuracies are on the {r.test_images()} test images unless said otherwise.", None),
        ("How it was made", r.recipe and join(recipe_table(r), schedule(r), r.notes),
         "ofa train recipe.json --data DIR -o fashion.safetensors --log train.jsonl"),
        ("Training", join(
            plot("training.svg", "Hold-out accuracy at each phase's end and the running loss"),
            "Measured after each phase, with recalibrated batch norm: the largest subnet and the smallest of those "
            "that the\nphase opened, at the largest and the smallest image size. A distilled phase's loss has the "
            "teacher's term in it.\nThe network's file tells the accuracies at the largest size.\n"),
         "ofa card fashion.safetensors"),
        ("Pareto front", r.front and join(plot("front.svg", "Accuracy against MACs"), front_table(r)),
         "ofa search fashion.safetensors --limit macs=N --json\n"
         "ofa eval fashion.safetensors --arch front.json --data DIR --split test --json"),
        ("Largest and smallest subnet", r.corners and corner_table(r),
         "ofa eval fashion.safetensors --arch corners.json --data DIR --split test --json"),
        ("Accuracy predictor", plot("predictor.svg", "Predicted against measured accuracy"),
         "ofa predictor fit fashion.safetensors --data DIR --pairs-out pairs.csv"),
        ("Packages of other types", promises(r) and join(
            "What they lose against float32, in points, on the same hold-out images, over subnets that the predictor was "
            "not fitted\non; errors of the loss are cross-validated "
            "([predictor.md](../../doc/predictor.md)).\n", promises(r),
            "\nOn the test images, with the memory that each needs, and how many times more layer by layer would:\n"
            "[int8.md](int8.md), by `models/fashion/int8`."),
         "ofa predictor fit fashion.safetensors --data DIR --dtype int8 --samples 100 --pairs-out int8.csv\n"
         "ofa predictor fit fashion.safetensors --data DIR --dtype float16 --samples 50 --pairs-out float16.csv"),
        ("Taken from the network, or trained alone", join(
            "Five archs from the front (`archs.json`), not retrained, against the same arch trained alone from "
            "scratch by\nthe same recipe for the epochs of the phase `full`. Of the one trained alone the better "
            "of recalibrated and\nrunning batch norm statistics counts. A positive gap: alone is better.\n",
            five_archs(r)),
         "ofa eval fashion.safetensors --arch archs.json --data DIR --split test --json\n"
         "ofa train recipe.json --arch one.json --data DIR -o alone.safetensors\n"
         "ofa eval alone.safetensors --arch one.json --data DIR --split test --json   # and with --sliced"),
        ("Ablation: without progressive shrinking", join(
            f"Both sides on {scale} of the budget. One is the recipe with every phase's epochs scaled by it; "
            "the other\nopens all choices from the first step (`ablation.json`: four random subnets a step, no "
            "teacher, no sorting, the\nlast phase's augmentation, the full phase's peak rate shared by the four whose "
            "gradients add up) for as "
            "many epochs as use the same CPU\nseconds, found from the cost of a step.\n",
            ablation_budget(r), ablation(r)),
         f"ofa train recipe.json --epochs-scale {scale} --data DIR -o shrinking.safetensors\n"
         "ofa train at-once.json --data DIR -o at-once.safetensors\n"
         "ofa eval NET --arch archs.json --data DIR --split test --json"),
        ("Training speed", r.bench and f"```\n{r.bench.rstrip()}\n```", "bench/train"),
    ]


INTRODUCTION = """# fashion: a once-for-all network for Fashion-MNIST

A supernet of MBConv blocks that classifies 28x28 grey images of clothes into ten classes:
{classes}.
It was trained once, by progressive shrinking, on Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017; Debian package
`dataset-fashion-mnist`). Subnets of it, from {smallest} to {largest} MACs, are taken out without training them
again: `ofa search` finds one for given limits, `ofa pack` writes it for a device, `ofad` serves them over HTTP.
Licence: {license}. It knows nothing but images like these: centred, light on black.

`fashion.safetensors` is the network, `recipe.json` how it was trained, `train.jsonl` the log of it. This page is
written by `card.py` from the results of `reproduce`, which repeats all of it; DIR stands for the folder of images.
"""


def introduction(r):
    net = r.net or {}
    return INTRODUCTION.format(classes=", ".join(net.get("classes") or [MISSING]),
                               smallest=mega(net["smallest"]["macs"]) if net else MISSING,
                               largest=mega(net["largest"]["macs"]) if net else MISSING,
                               license=net.get("license") or MISSING)


def card(r, plots):
    parts = [introduction(r)]
    for title, text, command in sections(r, plots):
        parts.append(f"## {title}\n\n{(text or MISSING.capitalize() + '.').rstrip()}\n")
        if command:
            parts.append(f"```\n{command}\n```\n")
    return "\n".join(parts)


def scatter_pairs(r):
    """(pairs to fit on, unseen pairs), each (measured, predicted) in percent.  The survey measures the unseen ones
    last; only if their error is the one that the fit reported are they drawn apart."""
    if not r.measured or not r.predicted or len(r.measured) != len(r.predicted):
        return None
    pairs = [(m, 100 * p["predicted_accuracy"]) for m, p in zip(r.measured, r.predicted)]
    unseen = (r.predictor or {}).get("unseen") or 0
    last = pairs[-unseen:] if unseen else []
    rmse = math.sqrt(sum((m - p) ** 2 for m, p in last) / len(last)) if last else None
    if rmse is None or abs(rmse - r.predictor["rmse_points"]) > 0.01:
        return pairs, []
    return pairs[:-unseen], last


def draw(r):
    """{file name: SVG} of what there are results for."""
    plots = {}
    if r.log and any(e["event"] == "evaluation" for e in r.log):
        plots["training.svg"] = card_plots.training(r.log)
    if r.front:
        alone = [(c["macs"], a) for c, a in zip(r.costs or [], r.alone) if a is not None]
        plots["front.svg"] = card_plots.front(r.front, r.front_eval, alone)
    pairs = scatter_pairs(r)
    if pairs:
        plots["predictor.svg"] = card_plots.predictor(*pairs, r.predictor)
    return plots


def main(arguments):
    if len(arguments) > 2 or any(a.startswith("-") for a in arguments):
        sys.exit(__doc__)
    results = Results(arguments[0] if arguments else HERE / "work")
    out = Path(arguments[1]) if len(arguments) > 1 else HERE
    if out.resolve() == HERE and (HERE / "notes.md").exists():
        results.notes = (HERE / "notes.md").read_text(encoding="utf-8")
    plots = draw(results)
    for name, svg in plots.items():
        (out / name).write_text(svg, encoding="utf-8")
    (out / "README.md").write_text(card(results, plots), encoding="utf-8")
    print(f"wrote {out / 'README.md'} and {len(plots)} plots")


if __name__ == "__main__":
    main(sys.argv[1:])
