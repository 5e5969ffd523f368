"""Agreement of ratings, as a pure function over arrays."""

import numpy as np
from numpy.typing import ArrayLike

from emo_mtl.errors import UserError


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
