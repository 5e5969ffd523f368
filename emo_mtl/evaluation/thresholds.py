"""Above which probability an utterance gets a label, where it may have several."""

import numpy as np
from numpy.typing import NDArray


def best_thresholds(gold: NDArray, probabilities: NDArray) -> NDArray[np.float64]:
    """The threshold of each label with the largest F1; of equal ones the largest.

    A label is predicted where its probability is at least the threshold, which is one of the probabilities
    given. Choose them on other data than what is scored (Lipton et al. 2014, arXiv 1402.1892).

    Args:
        gold: truth values, N x C
        probabilities: N x C

    Returns:
        shape (C); 0.5 for a label that no example has
    """
    order = np.argsort(-probabilities, axis=0, kind="stable")
    ordered = np.take_along_axis(probabilities, order, axis=0)  # N x C, falling
    hits = np.take_along_axis(gold, order, axis=0).cumsum(
        axis=0
    )  # of the first 1, 2, ... N predicted
    predicted = np.arange(1, len(gold) + 1)[:, None]
    f1 = 2 * hits / (predicted + gold.sum(axis=0))
    # equal probabilities are predicted together
    f1[:-1][ordered[:-1] == ordered[1:]] = -1
    best = ordered[f1.argmax(axis=0), np.arange(gold.shape[1])]
    return np.where(gold.any(axis=0), best, 0.5)
