"""The scores of Ide & Kawahara (2021), to be shown beside ours, with corpora and model: Tables 1, 2, 4 and 5.

Their model is bart.large, pretrained. Scores are in percent, the average length is in words, ratings by
people are from 1 to 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from emo_mtl.names import RESPONSE

MODEL = "bart.large, pretrained"
TASKS = ("e6", "e2", "e12")  # the order of λ in Table 5
WEIGHT_TOLERANCE = 0.005  # .33 stands for 1/3

RESPONSE_MEASURES = ("paper_bleu", "distinct_1", "distinct_2", "average_length")
E6_MEASURES = ("accuracy", "macro_f1")


@dataclass(frozen=True)
class Corpus:
    """What a task is trained and scored on; its examples in each split."""

    name: str
    train: int
    valid: int
    test: int


CORPORA = {  # Table 1
    RESPONSE: Corpus("DailyDialog", 76052, 7069, 6740),
    "e6": Corpus("TEC", 16841, 2105, 2105),
    "e2": Corpus("SST-2", 16837, 872, 1822),
    "e12": Corpus("CrowdFlower", 15670, 1958, 1958),
}
DIMENSIONS = {  # of bart.large, as fairseq's flags name them
    f"{side}_{name}": value
    for side in ("encoder", "decoder")
    for name, value in (
        ("layers", 12),
        ("embed_dim", 1024),
        ("ffn_embed_dim", 4096),
        ("attention_heads", 16),
    )
}


@dataclass(frozen=True)
class PaperRow:
    """A system of the paper: a row of Tables 2 and 4, or one of Table 5."""

    name: str
    weights: tuple[float, float, float]  # λ of e6, e2, e12
    responses: tuple[float, float, float, float]  # RESPONSE_MEASURES
    e6: tuple[float, float] | None  # E6_MEASURES; not given in Table 5
    people: tuple[float, float, float, float]  # Emo, Flu, Info, Relv

    @property
    def lambdas(self) -> str:
        """λ as Table 5 writes it, e.g. `(.5,.5,0)`."""
        return "(" + ",".join(f"{weight:g}".replace("0.", ".") for weight in self.weights) + ")"

    def scores(self) -> dict[tuple[str, str, str], float]:
        """The scores by (task, part of the test set, measure), as those of a run."""
        scores = {
            (RESPONSE, "all", measure): score
            for measure, score in zip(RESPONSE_MEASURES, self.responses, strict=True)
        }
        if self.e6:
            scores |= {
                ("e6", "all", measure): score
                for measure, score in zip(E6_MEASURES, self.e6, strict=True)
            }
        return scores


TABLE_2 = (  # and Table 4
    PaperRow("R", (0, 0, 0), (32.35, 5.87, 30.48, 14.12), (17.29, 12.25), (3.44, 3.48, 3.63, 3.55)),
    PaperRow(
        "R+E6", (1, 0, 0), (32.29, 5.93, 30.48, 14.12), (64.32, 56.53), (3.59, 3.82, 3.62, 3.96)
    ),
    PaperRow(
        "R+E6+E2", (1, 1, 0), (32.39, 6.00, 30.77, 14.11), (63.23, 54.88), (3.58, 3.75, 3.74, 3.70)
    ),
    PaperRow(
        "R+E6+E12", (1, 0, 1), (32.55, 5.89, 30.57, 14.14), (66.27, 57.86), (3.52, 3.48, 3.55, 3.58)
    ),
    PaperRow(
        "R+E6+E2+E12",
        (1, 1, 1),
        (32.29, 5.91, 30.47, 14.12),
        (64.85, 56.09),
        (3.59, 3.75, 3.57, 3.64),
    ),
)
_WEIGHTED = (
    PaperRow(
        "R+E6+E2 λ=(.5,.5,0)",
        (0.5, 0.5, 0),
        (32.48, 5.86, 30.54, 14.15),
        None,
        (4.00, 4.16, 4.01, 3.96),
    ),
    PaperRow(
        "R+E6+E12 λ=(.5,0,.5)",
        (0.5, 0, 0.5),
        (32.52, 5.93, 30.62, 14.04),
        None,
        (3.37, 3.60, 3.37, 3.36),
    ),
    PaperRow(
        "R+E6+E2+E12 λ=(.33,.33,.33)",
        (0.33, 0.33, 0.33),
        (32.43, 5.97, 30.81, 14.01),
        None,
        (3.63, 3.37, 3.49, 3.66),
    ),
)
TABLE_5 = (TABLE_2[1], *_WEIGHTED)  # "(1,0,0) is equivalent to R+E6 in Table 2"
ROWS = (*TABLE_2, *_WEIGHTED)


def find_row(name: str, loss_weights: Mapping[str, float] | None) -> PaperRow | None:
    """The paper's row that one of ours repeats: its name, or the loss weights of Table 5.

    Args:
        loss_weights: λ by task, 0 for tasks not named; None where unknown
    """
    by_name = next((row for row in ROWS if row.name == name), None)
    if loss_weights is None:
        return by_name
    weights = {task: weight for task, weight in loss_weights.items() if weight}
    weights.pop(RESPONSE, None)  # always 1

    def matches(row: PaperRow) -> bool:
        return weights.keys() <= set(TASKS) and all(
            abs(weights.get(task, 0) - weight) <= WEIGHT_TOLERANCE
            for task, weight in zip(TASKS, row.weights, strict=True)
        )

    if by_name and matches(by_name):
        return by_name
    return next((row for row in _WEIGHTED if matches(row)), None)
