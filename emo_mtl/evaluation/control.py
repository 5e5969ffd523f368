"""Do responses have the emotion that was asked for? Answered by a judge, beside what it says of gold ones."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from emo_mtl.evaluation.baselines import tfidf_logistic
from emo_mtl.evaluation.metrics import different, distinct_n, most_frequent_share
from emo_mtl.formats import markdown
from emo_mtl.formats.typed_json import Score

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin

NOTES = """
judged so: share of the responses in which the judge reads the emotion; macro: the mean over emotions
no wish: the same utterances without a wanted emotion: for each emotion the share of responses that are judged
  so; its macro is 100 / emotions whatever the model does
gold: the test set's own responses of the emotion (their recall): what the judge can tell at best
different, most frequent, dist-2: of the responses of a row; they count equally many utterances. In the row
  `macro` they are means over the emotions for what was wanted
A model that says one stock phrase for each emotion pleases the judge: look at `different` as well."""

Judge = Callable[[Sequence[str]], list[str]]  # texts -> label of each


@dataclass(kw_only=True)
class Variety:
    """How different some responses are."""

    different: Score  # responses
    most_frequent: Score  # percent
    distinct_2: Score  # percent


@dataclass(kw_only=True)
class Row:
    """The responses of which one emotion was wanted, in percent; the mean over all emotions for `macro`."""

    emotion: str
    wanted: Score  # judged as it was asked for
    no_wish: Score
    gold: Score  # NaN where the test set has no response of the emotion
    variety: Variety


@dataclass(kw_only=True)
class ControlScores:
    """What `--json` of `emo-mtl control` holds."""

    judge: str
    utterances: int
    seed: int
    rows: list[Row]  # of each emotion, then `macro`
    no_wish: Variety


def draw(count: int, most: int, seed: int) -> list[int]:
    """Positions, from 0, of at most `most` of `count` utterances, in order; drawn by a seed."""
    chosen = np.random.default_rng(seed).permutation(count)[:most]
    return sorted(map(int, chosen))


def variety(responses: Sequence[str]) -> Variety:
    """How different responses are; words are what stands between white space, in lower case."""
    return Variety(
        different=different(responses),
        most_frequent=most_frequent_share(responses),
        distinct_2=distinct_n([response.lower().split() for response in responses], 2),
    )


def share(labels: Sequence[str], label: str) -> float:
    """Percentage of the labels that are this one; NaN of none."""
    return 100 * sum(found == label for found in labels) / len(labels) if labels else float("nan")


def score(
    judge: Judge,
    wanted: dict[str, list[str]],
    no_wish: list[str],
    gold: Sequence[tuple[str, str]],
) -> tuple[list[Row], Variety]:
    """A row for each emotion, and their means.

    Args:
        wanted: emotion -> the responses to the same utterances
        no_wish: the responses to them without a wanted emotion
        gold: the test set's responses, each with its emotion
    """
    free, of_gold = judge(no_wish), judge([text for text, _ in gold])
    rows = [
        Row(
            emotion=emotion,
            wanted=share(judge(responses), emotion),
            no_wish=share(free, emotion),
            gold=share(
                [
                    found
                    for found, (_, label) in zip(of_gold, gold, strict=True)
                    if label == emotion
                ],
                emotion,
            ),
            variety=variety(responses),
        )
        for emotion, responses in wanted.items()
    ]
    macro = Row(
        emotion="macro",
        **{
            name: mean(getattr(row, name) for row in rows) for name in ("wanted", "no_wish", "gold")
        },
        variety=Variety(
            **{
                name: mean(getattr(row.variety, name) for row in rows)
                for name in ("different", "most_frequent", "distinct_2")
            }
        ),
    )
    return [*rows, macro], variety(no_wish)


def mean(values: Iterable[float]) -> float:
    """The mean of those that are numbers."""
    return float(np.nanmean(list(values)))


def tfidf_judge(train: Sequence[tuple[str, str]]) -> "ClassifierMixin":
    """Logistic regression over TF-IDF vectors of one and two words, each label of equal weight.

    Args:
        train: texts, each with its label
    """
    classifier = tfidf_logistic(longest=2, class_weight="balanced")
    return classifier.fit(*map(list, zip(*train, strict=True)))


def table(scores: ControlScores) -> str:
    """Markdown: a line for each emotion, their means, and the responses without a wish."""
    header = [
        "wanted",
        "judged so",
        "no wish",
        "gold",
        "different",
        "most frequent",
        "dist-2",
    ]

    def of(what: Variety) -> list[str]:
        return [f"{what.different:,.0f}", f"{what.most_frequent:.1f}", f"{what.distinct_2:.2f}"]

    cells = [
        [
            markdown.text(row.emotion),
            *(f"{number:.1f}" for number in (row.wanted, row.no_wish, row.gold)),
            *of(row.variety),
        ]
        for row in scores.rows
    ]
    cells.append(["no wish", "", "", "", *of(scores.no_wish)])
    about = f"Judge: {markdown.text(scores.judge)}; {scores.utterances:,} utterances (seed {scores.seed})"
    return f"{about}\n\n{markdown.table(header, cells)}"
