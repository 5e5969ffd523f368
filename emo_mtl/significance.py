"""Paired tests of two classifiers, and the correction for several comparisons, as pure functions."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from emo_mtl.errors import UserError

RESAMPLES = 10_000


def mcnemar(only_a: int, only_b: int) -> float:
    """Return the p-value of McNemar's exact test (two-sided).

    Where A and B are equally good, an example that only one of them gets right is as likely A's as B's:
    the counts are tested against a fair coin (McNemar 1947, exact form).

    Args:
        only_a: examples that A gets right and B gets wrong
        only_b: the reverse

    Raises:
        UserError: SciPy is not installed
    """
    try:
        from scipy.stats import binomtest
    except ImportError as error:
        raise UserError(
            "McNemar's exact test needs SciPy, which is not installed; run: pip install 'emo-mtl[eval]'"
        ) from error
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_a, only_a + only_b).pvalue)


def accuracy_difference_interval(
    right_a: ArrayLike, right_b: ArrayLike, seed: int, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval (percentiles) of accuracy(B) - accuracy(A), in points.

    Examples are drawn with replacement, A's and B's answer together. An example adds -1, 0 or 1 to the
    difference, so that drawing how many there are of each (a multinomial) is drawing examples.

    Args:
        right_a: whether A is right, shape (examples,)
        right_b: the same of B
        seed: of the random numbers

    Raises:
        ValueError: the shapes differ, or there is no example
    """
    right_a, right_b = np.asarray(right_a, dtype=bool), np.asarray(right_b, dtype=bool)
    if right_a.ndim != 1 or right_a.shape != right_b.shape or not right_a.size:
        raise ValueError(
            f"shapes {right_a.shape} and {right_b.shape}, expected the same, not empty"
        )
    only_a, only_b = np.sum(right_a & ~right_b), np.sum(right_b & ~right_a)
    count = right_a.size
    shares = np.array([only_a, only_b, count - only_a - only_b]) / count
    drawn = np.random.default_rng(seed).multinomial(count, shares, size=resamples)  # resamples x 3
    low, high = np.percentile(100 * (drawn[:, 1] - drawn[:, 0]) / count, [2.5, 97.5])
    return float(low), float(high)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in their order (Holm 1979).

    The smallest of m is multiplied by m, the next by m - 1, and so on; none falls below one before it.
    """
    corrected = [0.0] * len(p_values)
    largest = 0.0
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
