"""The ratings in Mechanical Turk's results, averaged (Emo, Flu, Info, Relv of Table 2)."""

import logging
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np

from emo_mtl.errors import UserError
from emo_mtl.evaluation.people.folder import KEY, checksum
from emo_mtl.evaluation.people.key import Key, read_key
from emo_mtl.evaluation.people.results import read_results
from emo_mtl.evaluation.people.statistics import (
    CONFIDENCE,
    RESAMPLES,
    interval,
    krippendorff_alpha,
    resample_means,
)
from emo_mtl.evaluation.people.study import (
    HIGHEST,
    LOWEST,
    QUESTIONS,
)
from emo_mtl.formats import markdown

logger = logging.getLogger(__name__)


def score(folder: Path, file: Path, seed: int) -> dict:
    """Average the ratings.

    A system's score is, as in the paper, the mean over items of the mean over an item's raters.

    Args:
        folder: of `emo_mtl.evaluation.people.folder.make`
        file: Mechanical Turk's results
        seed: of the bootstrap's draws

    Returns:
        what `--json` holds

    Raises:
        UserError: a file cannot be read, or the results are not those of the folder.
    """
    key = read_key(folder / KEY)
    results = read_results(file, key.hits)
    systems = key.systems
    ratings = {item_id: [] for item_id in key.hits}  # HIT -> raters x questions
    for rating in results.ratings:
        ratings[rating.item_id].append(rating.answers)

    scores, items_left_out = _item_scores(key, ratings)
    resampled = resample_means(scores.reshape(len(scores), -1), seed)
    resampled = resampled.reshape(RESAMPLES, *scores.shape[1:])
    return {
        "systems": [
            {"name": name, **_intervals(scores[:, s], resampled[:, s])}
            for s, name in enumerate(systems)
        ],
        "differences": [
            {
                "name": name,
                "minus": systems[0],
                **_intervals(scores[:, s] - scores[:, 0], resampled[:, s] - resampled[:, 0]),
            }
            for s, name in enumerate(systems)
            if s > 0
        ],
        "alpha": {
            question.name: krippendorff_alpha(_counts(ratings, q))
            for q, question in enumerate(QUESTIONS)
        },
        "items": len(scores),
        "items_left_out": items_left_out,
        "ratings": len(results.ratings),
        "rejected": results.rejected,
        "workers": len({rating.worker for rating in results.ratings}),
        "raters_asked": key.raters,
        "raters": {item_id: len(given) for item_id, given in ratings.items()},
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "seed": seed,
        "results": checksum(file),
    }


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


def _intervals(scores: np.ndarray, resampled: np.ndarray) -> dict[str, dict[str, float]]:
    """The interval of each question; scores: items x questions, resampled: R x questions."""
    return {
        question.name: asdict(interval(scores[:, q], resampled[:, q]))
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


def warn(content: dict) -> None:
    """Log what speaks against the scores: HITs with too few raters, items left out."""
    asked, raters = content["raters_asked"], content["raters"]
    few = Counter(number for number in raters.values() if number < asked)
    if few:
        numbers = ", ".join(f"{few[number]} with {number}" for number in sorted(few))
        logger.warning(
            f"warning: {sum(few.values())} of {len(raters)} HITs have fewer than {asked} raters: {numbers}"
        )
    if content["items_left_out"]:
        logger.warning(
            f"warning: items left out, since a system has no rating there: {content['items_left_out']}"
        )


def table(content: dict) -> str:
    """Markdown: the scores, their differences, the raters' agreement, and what they are."""
    columns = [question.column for question in QUESTIONS]
    names = [question.name for question in QUESTIONS]

    rows = [
        [markdown.text(row["name"]), *(_cell(row[name], "{:.2f}") for name in names)]
        for row in content["systems"]
    ]
    lines = [markdown.table(["system", *columns], rows)]
    rows = []
    for row in content["differences"]:
        cells = [
            _cell(row[name], "{:+.2f}")
            + (" *" if row[name]["low"] > 0 or row[name]["high"] < 0 else "")
            for name in names
        ]
        rows.append([markdown.text(f"{row['name']} - {row['minus']}"), *cells])
    if rows:
        lines += ["", markdown.table(["difference", *columns], rows)]
    alphas = [content["alpha"][name] for name in names]
    cells = ["undefined" if alpha is None else f"{alpha:.2f}" for alpha in alphas]
    lines += ["", markdown.table(["agreement", *columns], [["Krippendorff's alpha", *cells]]), ""]

    raters = content["raters"].values()
    lines += [
        f"ratings from {LOWEST} to {HIGHEST}: mean over {content['items']} items of the mean over an "
        "item's raters",
        f"[low, high]: {CONFIDENCE} % interval of a bootstrap over items (percentiles of {RESAMPLES:,} "
        f"resamples, seed {content['seed']}; the same items for both systems of a difference)",
        "*: 0 lies outside of the interval",
        "Krippendorff's alpha: ordinal, over HITs",
        f"{content['ratings']} ratings of {content['workers']} workers; {content['rejected']} rejected "
        "assignments dropped",
        f"raters a HIT: {min(raters)} to {max(raters)}, {content['raters_asked']} asked for; "
        f"{len(raters)} HITs",
    ]
    return "\n".join(lines)


def _cell(values: dict[str, float], number: str) -> str:
    mean, low, high = (number.format(values[end]) for end in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"
