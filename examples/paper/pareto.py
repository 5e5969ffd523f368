"""What recognition costs the responses, for all runs of pareto.sh: a table and a figure.

    python examples/paper/pareto.py OUT FIGURE.svg

OUT: what pareto.sh wrote. Prints a row for each temperature and loss weight, mean and standard deviation over
seeds, and whether another row is better in both scores. Extra `report`.
"""

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path
from statistics import fmean, stdev
from typing import TYPE_CHECKING, NamedTuple

from emo_mtl.cli.flags import add_overwrite_argument
from emo_mtl.errors import UserError
from emo_mtl.evaluation.report.plots import COLOURS, MARKERS, save_svg, styled
from emo_mtl.formats import markdown
from emo_mtl.io import check_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUN = re.compile(r"T-([\d.]+)-lambda-([\d.]+)-seed-(\d+)")


class Point(NamedTuple):
    """A temperature and a loss weight, with a value for each seed.

    Attributes:
        nats: of the gold responses that do not stand in the training data, per word
        f1: macro-F1 of E6, %
    """

    temperature: float
    weight: float
    nats: list[float]
    f1: list[float]

    def beats(self, other: "Point") -> bool:
        """Whether it is better in both scores, by their means."""
        return fmean(self.nats) < fmean(other.nats) and fmean(self.f1) > fmean(other.f1)


def read(out: Path) -> list[Point]:
    """The points of a folder, ordered by temperature and weight.

    Raises:
        UserError: no run has scores of the clean part
    """
    nats, f1 = defaultdict(list), defaultdict(list)
    for row in json.loads((out / "likelihood.json").read_text("utf-8"))["rows"]:
        match = RUN.fullmatch(Path(row["scores"]).parent.name)
        if not match or row["part"] != "clean":
            continue
        key = float(match[1]), float(match[2])
        nats[key].append(row["nats_per_word"])
        (scores,) = json.loads((out / match[0] / "e6.json").read_text("utf-8"))
        f1[key].append(scores["macro_f1"])
    if not nats:
        raise UserError(f"{out}/likelihood.json: found no run of pareto.sh with a clean part")
    return [Point(*key, nats[key], f1[key]) for key in sorted(nats)]


def undominated(points: Collection[Point]) -> list[Point]:
    """Those that no other beats, by rising macro-F1."""
    front = [point for point in points if not any(other.beats(point) for other in points)]
    return sorted(front, key=lambda point: fmean(point.f1))


def spread(values: list[float]) -> float:
    """Standard deviation; 0, a bar that is not seen, of one seed."""
    return stdev(values) if len(values) > 1 else 0.0


def shown(values: list[float], digits: int) -> str:
    """Mean, and the standard deviation of several seeds."""
    deviation = f" ± {spread(values):.{digits}f}" if len(values) > 1 else ""
    return f"{fmean(values):.{digits}f}{deviation}"


def draw(points: Collection[Point]) -> "Figure":
    """A line a temperature, along its loss weights; the front that no other point beats behind them."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    axes = figure.subplots()
    front = undominated(points)
    axes.plot(
        [fmean(p.f1) for p in front], [fmean(p.nats) for p in front],
        color="#cccccc", linewidth=6, solid_capstyle="round", label="no point is better in both",
    )  # fmt: skip
    for i, temperature in enumerate(sorted({point.temperature for point in points})):
        line = [point for point in points if point.temperature == temperature]
        axes.errorbar(
            [fmean(p.f1) for p in line], [fmean(p.nats) for p in line],
            xerr=[spread(p.f1) for p in line], yerr=[spread(p.nats) for p in line],
            color=COLOURS[i + 1], marker=MARKERS[i % len(MARKERS)], elinewidth=0.8,
            label=f"T = {temperature:g}",
        )  # fmt: skip
        for point in line:
            axes.annotate(
                f"{point.weight:g}", (fmean(point.f1), fmean(point.nats)),
                xytext=(5, 5), textcoords="offset points", fontsize=8, color=COLOURS[i + 1],
            )  # fmt: skip
    axes.set_xlabel("recognition: macro-F1 of E6 [%]")
    axes.set_ylabel("responses: nats a word, clean part (less is better)")
    axes.legend(frameon=False)
    return figure


def table(points: Collection[Point]) -> str:
    """Markdown; what :func:`undominated` leaves out is beaten."""
    front = undominated(points)
    rows = [
        [
            f"{p.temperature:g}",
            f"{p.weight:g}",
            shown(p.nats, 4),
            shown(p.f1, 2),
            "" if p in front else "yes",
        ]
        for p in points
    ]
    return markdown.table(["T", "lambda", "nats / word", "E6 macro-F1", "beaten in both"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("figure", type=Path, metavar="FIGURE.svg")
    add_overwrite_argument(parser, "an earlier figure")
    args = parser.parse_args()
    check_output(args.figure, args.overwrite)
    points = read(args.out)
    with styled():
        save_svg(draw(points), args.figure)
    print(table(points))


if __name__ == "__main__":
    main()
