"""What BLEU on DailyDialog's test set is worth: the paper's score beside replies that no model wrote.

    python examples/paper/leak.py EVALUATION.json OUT.svg

EVALUATION.json: of `emo-mtl evaluate --overlap --json` over what `emo-mtl baselines` replies. Extra `report`.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from emo_mtl.cli.flags import add_overwrite_argument
from emo_mtl.errors import UserError
from emo_mtl.evaluation.report.plots import COLOURS, save_svg, styled
from emo_mtl.io import check_output

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER = 32.35  # row R of its Table 2, on the whole test set
TITLES = {  # folder of baselines
    "another-person": "another person's reply",
    "copy": "the utterance itself",
    "exact-match": "training reply, same utterance",
    "tfidf-nearest": "training reply, nearest utterance",
}
PARTS = {"all": "all 6,740 test pairs", "clean": "without pairs that stand in training data"}


def read(path: Path) -> dict[str, dict[str, float]]:
    """Folder of a baseline -> part of the test set -> paper BLEU, %.

    Raises:
        UserError: not every baseline was scored, or not in parts
    """
    scores: dict[str, dict[str, float]] = {name: {} for name in TITLES}
    for row in json.loads(path.read_text("utf-8"))["rows"]:
        scores.setdefault(Path(row["hypotheses"]).parent.name, {})[row["part"]] = row["paper_bleu"]
    for name in TITLES:
        if missing := PARTS.keys() - scores[name].keys():
            raise UserError(
                f"{path}: found no row {name}, part {sorted(missing)[0]}: give emo-mtl evaluate "
                f"the replies of {', '.join(TITLES)}, and --overlap"
            )
    return scores


def draw(scores: Mapping[str, Mapping[str, float]]) -> "Figure":
    """A pair of bars a baseline, and one of the paper."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    axes = figure.subplots()
    for i, (part, label) in enumerate(PARTS.items()):
        values = [scores[name][part] for name in TITLES]
        places = [row + 0.38 * (i - 0.5) for row in range(len(values))]
        bars = axes.barh(places, values, 0.36, color=COLOURS[i + 1], label=label)
        axes.bar_label(bars, fmt="%.1f", padding=3)
    published = axes.barh([len(TITLES)], [PAPER], 0.36, color=COLOURS[-1], label="as published")
    axes.bar_label(published, fmt="%.1f", padding=3)
    axes.set_yticks(range(len(TITLES) + 1), [*TITLES.values(), "the paper's model (R)"])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("BLEU-4 of the paper [%], one reference")
    axes.legend(loc="upper right", frameon=False)
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("evaluation", type=Path, metavar="EVALUATION.json")
    parser.add_argument("out", type=Path, metavar="OUT.svg")
    add_overwrite_argument(parser, "an earlier figure")
    args = parser.parse_args()
    check_output(args.out, args.overwrite)
    with styled():
        save_svg(draw(read(args.evaluation)), args.out)


if __name__ == "__main__":
    main()
