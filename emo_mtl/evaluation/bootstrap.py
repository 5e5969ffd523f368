"""Bootstrap intervals, as pure functions over arrays: how much a mean would change with other examples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
CONFIDENCE = 95  # percent


@dataclass(frozen=True)
class Interval:
    """A mean with the ends of its confidence interval."""

    mean: float
    low: float
    high: float


def resample_means(
    scores: ArrayLike, seed: int, counts: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Bootstrap means: examples are drawn with replacement, the same ones for all columns.

    Drawing how many there are of each row (a multinomial) is drawing examples.

    Args:
        scores: shape (rows, columns)
        seed: of the draws
        counts: how many examples have the scores of each row, shape (rows); one by default

    Returns:
        means of shape (`RESAMPLES`, columns)
    """
    scores = np.asarray(scores, dtype=np.float64)
    counts = np.ones(len(scores)) if counts is None else np.asarray(counts)
    total = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=RESAMPLES)
    return drawn @ scores / total


def interval(scores: NDArray, resampled: NDArray) -> Interval:
    """The mean of one column of scores, with the percentile interval of its bootstrap means.

    Args:
        scores: shape (examples)
        resampled: shape (R), a column of `resample_means`
    """
    tail = (100 - CONFIDENCE) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail])
    return Interval(float(np.mean(scores)), float(low), float(high))
