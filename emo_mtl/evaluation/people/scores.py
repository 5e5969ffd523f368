"""The ratings in Mechanical Turk's results, averaged (Emo, Flu, Info, Relv of Table 2)."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from emo_mtl.errors import UserError
from emo_mtl.evaluation.bootstrap import CONFIDENCE, RESAMPLES, Interval, interval, resample_means
from emo_mtl.evaluation.people.folder import KEY, checksum
from emo_mtl.evaluation.people.key import Key, read_key
from emo_mtl.evaluation.people.results import read_results
from emo_mtl.evaluation.people.statistics import krippendorff_alpha
from emo_mtl.evaluation.people.study import (
    HIGHEST,
    LOWEST,
    QUESTIONS,
)
from emo_mtl.formats import markdown, typed_json

logger = logging.getLogger(__name__)


@dataclass(kw_only=True)
class System:
    """The mean rating of a system for each of `QUESTIONS`, from 1 to 5."""

    name: str
    emotion: Interval
    fluency: Interval
    informativeness: Interval
    relevance: Interval


@dataclass(kw_only=True)
class Difference(System):
    """By how much a system's ratings are above those of another."""

    minus: str


@dataclass(kw_only=True)
class PeopleScores:
    """What `--json` of `emo-mtl human-eval score` holds."""

    systems: list[System]
    differences: list[Difference]  # of each but the first system to the first
    alpha: dict[str, float | None]  # Krippendorff's, by question; None where it is not defined
    items: int
    items_left_out: int  # where a system has no rating
    ratings: int
    rejected: int  # assignments
    workers: int
    raters_asked: int
    raters: dict[str, int]  # of each HIT
    confidence: int = CONFIDENCE
    resamples: int = RESAMPLES
    seed: int
    # Mechanical Turk's file, with its SHA-256
    results: dict[str, str] = field(default_factory=dict)


def score(folder: Path, file: Path, seed: int) -> PeopleScores:
    """Average the ratings.

    A system's score is, as in the paper, the mean over items of the mean over an item's raters.

    Args:
        folder: of `emo_mtl.evaluation.people.folder.make`
        file: Mechanical Turk's results
        seed: of the bootstrap's draws

    Raises:
        UserError: a file cannot be read, or the results are not those of the folder.
    """
    key = read_key(folder / KEY)
    results = read_results(file, key.hits)
    systems = key.systems
    # HIT -> raters x questions
    ratings: dict[str, list[list[int]]] = {item_id: [] for item_id in key.hits}
    for rating in results.ratings:
        ratings[rating.item_id].append(rating.answers)

    scores, items_left_out = _item_scores(key, ratings)
    resampled = resample_means(scores.reshape(len(scores), -1), seed)
    resampled = resampled.reshape(RESAMPLES, *scores.shape[1:])
    return PeopleScores(
        systems=[
            System(name=name, **_intervals(scores[:, s], resampled[:, s]))
            for s, name in enumerate(systems)
        ],
        differences=[
            Difference(
                name=name,
                minus=systems[0],
                **_intervals(scores[:, s] - scores[:, 0], resampled[:, s] - resampled[:, 0]),
            )
            for s, name in enumerate(systems)
            if s > 0
        ],
        alpha={
            question.name: krippendorff_alpha(_counts(ratings, q))
            for q, question in enumerate(QUESTIONS)
        },
        items=len(scores),
        items_left_out=items_left_out,
        ratings=len(results.ratings),
        rejected=results.rejected,
        workers=len({rating.worker for rating in results.ratings}),
        raters_asked=key.raters,
        raters={item_id: len(given) for item_id, given in ratings.items()},
        seed=seed,
        results=checksum(file),
    )


def read_scores(path: Path) -> PeopleScores:
    """Read what `emo-mtl human-eval score --json` wrote.

    Raises:
        UserError: the file cannot be read, or lacks the raters or the agreement of a question
    """
    found = typed_json.read(path, PeopleScores)
    names = {question.name for question in QUESTIONS}
    if not found.raters or not names <= found.alpha.keys():
        raise UserError(
            f"{path}: found {len(found.raters)} HITs in 'raters' and {len(found.alpha)} questions in "
            f"'alpha', expected one or more, and {', '.join(sorted(names))}; make it again"
        )
    return found


def _item_scores(key: Key, ratings: dict[str, list[list[int]]]) -> tuple[np.ndarray, int]:
    """Mean ratings, shape (items, systems, questions), of the items where every system was rated.

    Second comes the number of the other items.
    """
    hit_of = key.hit_of
    rated = [
        item for item in key.items if all(ratings[hit_of[system, item]] for system in key.systems)
    ]
    if not rated:
        raise UserError(
            "no item has a rating for every system; expected at least one; download the results "
            "when the whole batch is done"
        )
    means = [
        [np.mean(ratings[hit_of[system, item]], axis=0) for system in key.systems] for item in rated
    ]
    return np.array(means), len(key.items) - len(rated)


def _intervals(scores: np.ndarray, resampled: np.ndarray) -> dict[str, Interval]:
    """The interval of each question; scores: items x questions, resampled: R x questions."""
    return {
        question.name: interval(scores[:, q], resampled[:, q])
        for q, question in enumerate(QUESTIONS)
    }


def _counts(ratings: dict[str, list[list[int]]], question: int) -> np.ndarray:
    """How many raters of a HIT gave each rating, shape (HITs, ratings)."""
    return np.array(
        [
            np.bincount([answers[question] for answers in given], minlength=HIGHEST + 1)[LOWEST:]
            for given in ratings.values()
        ]
    )


def warn(scores: PeopleScores) -> None:
    """Log what speaks against the scores: HITs with too few raters, items left out."""
    asked, raters = scores.raters_asked, scores.raters
    few = Counter(number for number in raters.values() if number < asked)
    if few:
        numbers = ", ".join(f"{few[number]} with {number}" for number in sorted(few))
        logger.warning(
            f"warning: {sum(few.values())} of {len(raters)} HITs have fewer than {asked} raters: {numbers}"
        )
    if scores.items_left_out:
        logger.warning(
            f"warning: items left out, since a system has no rating there: {scores.items_left_out}"
        )


def table(scores: PeopleScores) -> str:
    """Markdown: the scores, their differences, the raters' agreement, and what they are."""
    columns = [question.column for question in QUESTIONS]
    names = [question.name for question in QUESTIONS]

    rows = [
        [markdown.text(row.name), *(_cell(getattr(row, name), "{:.2f}") for name in names)]
        for row in scores.systems
    ]
    lines = [markdown.table(["system", *columns], rows)]
    rows = []
    for row in scores.differences:
        cells = [
            _cell(value, "{:+.2f}") + (" *" if value.low > 0 or value.high < 0 else "")
            for value in (getattr(row, name) for name in names)
        ]
        rows.append([markdown.text(f"{row.name} - {row.minus}"), *cells])
    if rows:
        lines += ["", markdown.table(["difference", *columns], rows)]
    alphas = [scores.alpha[name] for name in names]
    cells = ["undefined" if alpha is None else f"{alpha:.2f}" for alpha in alphas]
    lines += ["", markdown.table(["agreement", *columns], [["Krippendorff's alpha", *cells]]), ""]

    raters = scores.raters.values()
    lines += [
        f"ratings from {LOWEST} to {HIGHEST}: mean over {scores.items} items of the mean over an "
        "item's raters",
        f"[low, high]: {CONFIDENCE} % interval of a bootstrap over items (percentiles of {RESAMPLES:,} "
        f"resamples, seed {scores.seed}; the same items for both systems of a difference)",
        "*: 0 lies outside of the interval",
        "Krippendorff's alpha: ordinal, over HITs",
        f"{scores.ratings} ratings of {scores.workers} workers; {scores.rejected} rejected "
        "assignments dropped",
        f"raters a HIT: {min(raters)} to {max(raters)}, {scores.raters_asked} asked for; "
        f"{len(raters)} HITs",
    ]
    return "\n".join(lines)


def _cell(value: Interval, number: str) -> str:
    mean, low, high = map(number.format, (value.mean, value.low, value.high))
    return f"{mean} [{low}, {high}]"
