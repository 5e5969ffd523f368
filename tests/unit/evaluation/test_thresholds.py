"""The thresholds of labels, against every possible one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from emo_mtl.evaluation.thresholds import best_thresholds


def test_by_hand():
    gold = np.array([[1, 0], [0, 0], [1, 0], [0, 0]], dtype=bool)
    probabilities = np.array([[0.9, 0.1], [0.5, 0.2], [0.4, 0.3], [0.1, 0.4]])
    assert best_thresholds(gold, probabilities).tolist() == [0.4, 0.5]  # F1 4/5; no example


def test_of_equal_scores_the_largest():
    """Both 0.9 and 0.2 have an F1 of 2 / 3 (1 of 1 and 2; 2 of 4 and 2)."""
    gold = np.array([[1], [0], [0], [1]], dtype=bool)
    probabilities = np.array([[0.9], [0.5], [0.4], [0.2]])
    assert best_thresholds(gold, probabilities).tolist() == [0.9]


@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 4))
def test_no_threshold_is_better(seed, size, classes):
    rng = np.random.default_rng(seed)
    gold = rng.random((size, classes)) < 0.3
    probabilities = rng.integers(0, 9, (size, classes)) / 8  # with equal ones
    thresholds = best_thresholds(gold, probabilities)
    for label in range(classes):
        column = probabilities[:, label]
        scores = [f1_score(gold[:, label], column >= t, zero_division=0) for t in set(column)]
        found = f1_score(gold[:, label], column >= thresholds[label], zero_division=0)
        assert found == pytest.approx(max(scores))
