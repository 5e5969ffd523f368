"""Averages, bootstrap intervals and agreement of ratings, as pure functions over arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emo_mtl.errors import UserError

RESAMPLES = 10_000
CONFIDENCE = 95  # percent


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its confidence interval."""

    mean: float
    low: float
    high: float


def resample_means(scores: ArrayLike, seed: int) -> NDArray[np.float64]:
    """Bootstrap means: items are drawn with replacement, the same ones for all columns.

    Args:
        scores: shape (items, columns)
        seed: of the draws

    Returns:
        means of shape (`RESAMPLES`, columns)
    """
    scores = np.asarray(scores, dtype=np.float64)
    items = len(scores)
    # how often each item is drawn: R x items
    counts = np.random.default_rng(seed).multinomial(items, [1 / items] * items, size=RESAMPLES)
    return counts @ scores / items


def interval(scores: ArrayLike, resampled: ArrayLike) -> Interval:
    """The mean of one column of scores, with the percentile interval of its bootstrap means.

    Args:
        scores: shape (items)
        resampled: shape (R), a column of `resample_means`
    """
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail])
    return Interval(float(np.mean(scores)), float(low), float(high))


def krippendorff_alpha(counts: ArrayLike) -> float | None:
    """Krippendorff's alpha for ordered ratings (ordinal): 1 is perfect agreement, 0 that of chance.

    Args:
        counts: how many raters gave each rating, shape (HITs, ratings); raters may differ and be
            more or fewer from HIT to HIT

    Returns:
        None where it is not defined: no HIT has two raters, or all ratings are the same

    Raises:
        UserError: the package krippendorff is missing, which comes with the extra ``human-eval``.
    """
    try:
        import krippendorff
    except ImportError as error:
        raise UserError(
            "inter-rater agreement needs krippendorff, which is not installed; "
            "run: pip install 'emo-mtl[human-eval]'"
        ) from error
    counts = np.asarray(counts)
    pairable = counts[counts.sum(axis=1) > 1]
    if np.count_nonzero(pairable.sum(axis=0)) < 2:
        return None
    return float(krippendorff.alpha(value_counts=pairable, level_of_measurement="ordinal"))
