"""Learning curves and the effect of loss weights, as figures of matplotlib (extra `report`)."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from emo_mtl.errors import UserError
from emo_mtl.evaluation.report import paper
from emo_mtl.evaluation.report.runs import Row, Run
from emo_mtl.evaluation.report.tables import (
    TITLES,
    differences_from_paper,
    model_name,
    ordered,
    weighted_rows,
)
from emo_mtl.io import atomic_file
from emo_mtl.names import RESPONSE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito (2008), told apart with colour-blind eyes too; a grey for their yellow
COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C8C8C")
MARKERS = "os^Dv"  # for rows beyond the colours
LINES = {
    "train": {"linestyle": (0, (3, 1.5)), "linewidth": 1.0, "alpha": 0.8, "marker": ""},
    "valid": {},
}
STYLE = {
    "font.size": 10,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.6,
    "svg.hashsalt": "emo_mtl",  # the same file from the same data
}
CURVES = (  # measure, axis label
    ("loss", "loss [bits]"),
    ("ppl", "perplexity"),
    ("accuracy", "accuracy [%]"),
    ("f1", "macro-F1 [%]"),
    ("bleu", "BLEU [%]"),
)


@contextmanager
def styled() -> Iterator[None]:
    """Within it figures are drawn and saved in :data:`STYLE`.

    Raises:
        UserError: matplotlib is not installed
    """
    try:
        import matplotlib
    except ImportError as error:
        raise UserError(
            "the plots need matplotlib, which is not installed; run: pip install 'emo-mtl[report]'"
        ) from error
    with matplotlib.rc_context(STYLE):
        yield


def save_svg(figure: "Figure", path: Path) -> None:
    """Write a figure, as a whole or not at all; the same bytes for the same figure.

    Raises:
        UserError: the file cannot be written
    """
    with atomic_file(path) as draft:
        figure.savefig(draft, format="svg", metadata={"Date": None})


def save_figures(rows: Sequence[Row], folder: Path) -> list[str]:
    """Write each figure as SVG and PNG; returns the names of the PNG files.

    Raises:
        UserError: matplotlib is not installed
    """
    names = []
    with styled():
        figures = {f"curves-{task}": learning_curves(rows, task) for task in _logged_tasks(rows)}
        if weighted_rows(rows):
            figures["loss-weights"] = loss_weights(rows)
        for name, figure in figures.items():
            save_svg(figure, folder / f"{name}.svg")
            figure.savefig(folder / f"{name}.png", dpi=130)
            names.append(f"{name}.png")
    return names


def learning_curves(rows: Sequence[Row], task: str) -> "Figure":
    """A panel a measure, against epochs above and updates below; a line a run, a colour a row."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    # numbered before some are left out: a row has the same colour in every figure
    styled = [
        (row, _style(number))
        for number, row in enumerate(rows)
        if any(task in _tasks(run) for run in row.runs)
    ]
    runs = [(run, style) for row, style in styled for run in row.runs]
    logged = {name for run, _ in runs for point in run.log for name in point.measures}
    panels = [(f"{task}_{name}", label) for name, label in CURVES if f"{task}_{name}" in logged]
    figure = Figure(figsize=(4.2 * len(panels) + 0.6, 6.8), layout="constrained")
    axes = figure.subplots(2, len(panels), squeeze=False)
    for column, (measure, label) in enumerate(panels):
        for run, style in runs:
            for split, line in LINES.items():
                points = [p for p in run.log if p.split == split and measure in p.measures]
                last = list({p.epoch: p for p in points}.values())  # of an epoch
                for axis, x, drawn in (
                    (axes[0, column], [p.epoch for p in last], last),
                    (axes[1, column], [p.updates for p in points], points),
                ):
                    y = [p.measures[measure] for p in drawn]
                    axis.plot(x, y, **style | line, markevery=1 + len(x) // 16)
        for axis, x_label in zip(axes[:, column], ("epoch", "update"), strict=True):
            axis.set(xlabel=x_label, ylabel=label)
            axis.xaxis.get_major_locator().set_params(integer=True)
            if measure.endswith("_ppl"):
                _log_scale(axis)
    handles = [Line2D([], [], **style, label=_text(row.name)) for row, style in styled]
    labels = {"train": "train, mean of the epoch", "valid": "valid"}
    handles += [
        Line2D([], [], **{"color": "#555555"} | line, label=labels[split])
        for split, line in LINES.items()
    ]
    title = "responses" if task == RESPONSE else f"emotions, {_text(task.upper())}"
    figure.suptitle(f"Learning curves: {title}")
    inches = 0.8 + 0.08 * max(len(handle.get_label()) for handle in handles)
    columns = max(1, int(figure.get_figwidth() / inches))
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)
    return figure


def loss_weights(rows: Sequence[Row]) -> "Figure":
    """The scores of Table 5: ours above, the paper's below, apart since their models differ."""
    from matplotlib.figure import Figure

    rows = weighted_rows(rows)
    measures = paper.RESPONSE_MEASURES
    figure = Figure(figsize=(3.4 * len(measures), 6.4), layout="constrained")
    halves = figure.subfigures(2, 1)
    models = " and ".join(dict.fromkeys(_text(model_name(row)) for row in rows))
    apart = any(differences_from_paper(row) for row in rows)
    halves[0].suptitle(f"ours ({models}), mean ± standard deviation, and each seed", weight="bold")
    halves[1].suptitle(
        f"paper ({paper.MODEL})" + (", not to be compared with ours" if apart else ""),
        style="italic",
    )
    places = range(len(paper.TABLE_5))
    for half, colour in zip(halves, (COLOURS[1], "#555555"), strict=True):
        for axis, measure in zip(half.subplots(1, len(measures)), measures, strict=True):
            key = (RESPONSE, "all", measure)
            if half is halves[0]:
                for row in rows:
                    place, summary = paper.TABLE_5.index(row.paper), row.summary(key)
                    if summary:
                        seeds = [place] * len(summary.values)
                        axis.plot(seeds, summary.values, "o", color=colour, alpha=0.4, ms=5)
                        axis.errorbar(
                            place, summary.mean, summary.sd, fmt="_", color=colour, ms=16, capsize=4
                        )
            else:
                axis.plot(places, [row.scores()[key] for row in paper.TABLE_5], "D", color=colour)
            unit = "words" if measure == "average_length" else "%"
            axis.set(title=f"{TITLES[measure]} [{unit}]", xlim=(-0.5, len(places) - 0.5))
            axis.set_xticks(places, [row.lambdas for row in paper.TABLE_5], rotation=20, ha="right")
            axis.ticklabel_format(axis="y", useOffset=False)
    figure.supxlabel("loss weights λ of (E6, E2, E12); the axes do not start at 0")
    return figure


def _logged_tasks(rows: Sequence[Row]) -> list[str]:
    tasks = [task for row in rows for run in row.runs for task in _tasks(run)]
    return ordered(tasks, [RESPONSE, *paper.TASKS])


def _tasks(run: Run) -> list[str]:
    """The tasks of a log: those that have a perplexity or an accuracy."""
    suffixes = ("_ppl", "_accuracy")
    return list(
        dict.fromkeys(
            name.removesuffix(suffix)
            for point in run.log
            for name in point.measures
            for suffix in suffixes
            if name.endswith(suffix)
        )
    )


def _text(name: str) -> str:
    """A name for matplotlib.

    It sets what stands between dollars as a formula, and keeps `_name` out of a legend; an SVG cannot hold
    control characters.
    """
    shown = re.sub(r"[\0-\x1f\x7f-\x9f\ufffe\uffff]+", " ", name).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def _style(index: int) -> dict:
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index // len(COLOURS) % len(MARKERS)],
        "markersize": 3.5,
    }


def _log_scale(axis: "Axes") -> None:
    """Logarithmic, with plain numbers at 1, 2, 5, 10, 20 ..."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_yscale("log")
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.yaxis.set_minor_locator(NullLocator())
