"""The three plots of the model card."""

from svgplot import Axes, COLOURS, Figure, linear_ticks, padded

WIDTH = 760


def time_unit(seconds):
    return next((size, name) for size, name in ((3600, "hours"), (60, "minutes"), (1, "seconds"))
                if seconds >= 3 * size or size == 1)


def evaluation_series(log):
    """{label: [(seconds, percent)]} of the subnets that each phase's end measures: the largest and the smallest
    opened so far, at the largest and the smallest image size."""
    series = {}
    phases = {}
    for event in log:
        if event["event"] == "evaluation":
            phases.setdefault(event["phase"], []).append(event)
    for events in phases.values():
        seen = {}
        for event in events:
            size = event["arch"]["image_size"]
            kind = "smallest opened" if size in seen else "largest"
            seen[size] = event
            series.setdefault(f"{kind}, {size} px", []).append((event["seconds"], 100 * event["holdout_accuracy"]))
    return series


def phase_spans(log):
    marks = [e for e in log if e["event"] == "phase"]
    ends = [e["seconds"] for e in marks[1:]] + [log[-1]["seconds"]]
    return [(e["phase"], e["seconds"], end) for e, end in zip(marks, ends)]


def draw_bands(axes, spans, unit, named):
    whole = spans[-1][2] - spans[0][1]
    for i, (name, start, end) in enumerate(spans):
        room = (end - start) / whole * axes.box[2]
        label = name if named and room >= 7 * len(name) else ""
        axes.band(start / unit, end / unit, label, i % 2 == 0)


def training(log):
    """Hold-out accuracy at each phase's end above, running mean of the loss below, over time."""
    spans = phase_spans(log)
    unit, unit_name = time_unit(log[-1]["seconds"])
    x_range = (0, log[-1]["seconds"] / unit)
    series = evaluation_series(log)
    losses = [(e["seconds"], e["mean_loss"], e["phase"]) for e in log if e["event"] in ("step", "epoch")]
    figure = Figure(WIDTH, 600, "Training by progressive shrinking")
    upper = Axes(figure, (74, 66, 660, 250), x_range,
                 padded([p for points in series.values() for _, p in points], 0.1), y_label="hold-out accuracy, %")
    lower = Axes(figure, (74, 360, 660, 180), x_range, padded([v for _, v, _ in losses] or [0, 1]),
                 f"training time, {unit_name}", "running mean of the loss")
    for axes in (upper, lower):
        draw_bands(axes, spans, unit, axes is upper)
    upper.draw_grid([])
    lower.draw_grid()
    entries = []
    for i, (label, points) in enumerate(series.items()):
        dash = "5 4" if label.startswith("smallest") else ""
        points = [(x / unit, y) for x, y in points]
        upper.line(points, COLOURS[i % len(COLOURS)], dash)
        upper.points(points, COLOURS[i % len(COLOURS)])
        entries.append((label, COLOURS[i % len(COLOURS)], "dot", dash))
    for name, _, _ in spans:
        stretch = [(x / unit, y) for x, y, phase in losses if phase == name]
        if stretch:
            lower.line(stretch, COLOURS[0], width=1.6)
    figure.legend(524, 308 - 20 * len(entries) - 8, entries)
    return figure.svg()


def front(predicted, measured, alone):
    """Accuracy against MACs.  predicted: search answers; measured: evaluations of the same archs or None;
    alone: (macs, accuracy) of archs trained from scratch."""
    series = [("predicted (hold-out images)", COLOURS[5], "ring", "5 4",
               [(p["macs"] / 1e6, 100 * p["predicted_accuracy"]) for p in predicted])]
    if measured:
        series.append(("from the network (test images)", COLOURS[0], "dot", "",
                       [(p["macs"] / 1e6, 100 * e["accuracy"]) for p, e in zip(predicted, measured)]))
    if alone:
        series.append(("alone from scratch (test images)", COLOURS[1], "triangle", None,
                       [(m / 1e6, 100 * a) for m, a in alone]))
    xs = [x for s in series for x, _ in s[4]]
    ys = [y for s in series for _, y in s[4]]
    figure = Figure(WIDTH, 440, "Pareto front: accuracy against MACs, no subnet retrained")
    axes = Axes(figure, (74, 50, 660, 320), padded(xs, 0.05, log=True), padded(ys, 0.08),
                "multiply-accumulates per image, millions (log scale)", "accuracy, %", x_log=True)
    axes.draw_grid()
    for _, colour, shape, dash, points in series:
        if dash is not None and len(points) > 1:
            axes.line(points, colour, dash)
        axes.points(points, colour, shape)
    figure.legend(450, 362 - 20 * len(series) - 8, [s[:4] for s in series])
    return figure.svg()


def predictor(fitted, unseen, figures):
    """Predicted against measured accuracy on the hold-out, in percent, with the line where both agree."""
    values = [v for pair in fitted + unseen for v in pair]
    span = padded(values, 0.05)
    figure = Figure(WIDTH, 560, "Accuracy predictor: predicted against measured (hold-out images)")
    axes = Axes(figure, (164, 50, 450, 450), span, span, "measured accuracy, %", "predicted accuracy, %")
    axes.draw_grid(linear_ticks(*span))
    entries = [(f"{len(fitted)} archs measured" if not unseen else f"{len(fitted)} archs fitted on", COLOURS[5], "dot",
                None)]
    axes.points(fitted, COLOURS[5], size=3, opacity=0.55)
    if unseen:
        axes.points(unseen, COLOURS[1], size=3.4, opacity=0.85)
        entries.append((f"{len(unseen)} archs unseen", COLOURS[1], "dot", None))
    axes.line([(span[0], span[0]), (span[1], span[1])], "#57606a", "4 4", 1.5)
    entries.append(("predicted = measured", "#57606a", None, "4 4"))
    figure.legend(178, 62, entries)
    if figures and figures.get("unseen"):
        figure.text(600, 488, f"unseen: RMSE {figures['rmse_points']:.3f} points, Kendall tau "
                    f"{figures['kendall_tau']:.3f}", anchor="end")
    return figure.svg()
