"""Hand-computed p-values and corrections."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.errors import UserError
from emo_mtl.evaluation.comparison import accuracy_difference_interval, holm, mcnemar


class TestMcNemar:
    @pytest.fixture(autouse=True)
    def scipy(self):
        pytest.importorskip("scipy")

    def test_hand_computed(self):
        # 1 of 6 coins, both tails: 2 * (C(6, 0) + C(6, 1)) / 2**6
        assert mcnemar(1, 5) == pytest.approx(14 / 64)
        assert mcnemar(0, 8) == pytest.approx(2 / 256)

    def test_no_difference(self):
        assert mcnemar(0, 0) == mcnemar(4, 4) == 1

    def test_without_scipy(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "scipy.stats", None)
        with pytest.raises(UserError, match=r"pip install 'emo-mtl\[eval\]'"):
            mcnemar(1, 5)

    @given(st.integers(0, 40), st.integers(0, 40))
    def test_symmetric(self, only_a, only_b):
        assert mcnemar(only_a, only_b) == pytest.approx(mcnemar(only_b, only_a))


class TestHolm:
    def test_hand_computed(self):
        # sorted: .01 * 3, .02 * 2, then .03 * 1, which may not fall below .04
        assert holm([0.02, 0.01, 0.03]) == pytest.approx([0.04, 0.03, 0.04])
        assert holm([0.5, 0.6]) == [1, 1]
        assert holm([0.2]) == [0.2]

    @given(st.lists(st.floats(0, 1), min_size=1))
    def test_between_p_and_bonferroni_in_the_same_order(self, p_values):
        corrected = holm(p_values)
        for p, q in zip(p_values, corrected, strict=True):
            assert p <= q <= min(1, len(p_values) * p)
        order = np.argsort(p_values, kind="stable")
        assert np.all(np.diff(np.array(corrected)[order]) >= 0)


class TestInterval:
    def test_near_the_normal_interval(self):
        # B alone is right in 60, A alone in 40, of 1,000: 2 points, variance (.1 - .02**2) / 1000
        right_a = [False] * 60 + [True] * 40 + [True] * 900
        right_b = [True] * 60 + [False] * 40 + [True] * 900
        half = 100 * 1.96 * ((0.1 - 0.02**2) / 1000) ** 0.5
        interval = accuracy_difference_interval(right_a, right_b, seed=1)
        assert interval == pytest.approx((2 - half, 2 + half), abs=0.15)
        assert interval == accuracy_difference_interval(right_a, right_b, seed=1)

    def test_drawing_examples_gives_the_same(self):
        rng = np.random.default_rng(0)
        right_a, right_b = rng.random(200) < 0.6, rng.random(200) < 0.7
        drawn = rng.integers(200, size=(10_000, 200))
        differences = 100 * (right_b[drawn].mean(axis=1) - right_a[drawn].mean(axis=1))
        expected = np.percentile(differences, [2.5, 97.5])
        assert accuracy_difference_interval(right_a, right_b, 1) == pytest.approx(expected, abs=0.6)

    def test_equal_answers(self):
        assert accuracy_difference_interval([True, False], [True, False], seed=1) == (0, 0)

    def test_shapes(self):
        with pytest.raises(ValueError, match="expected the same"):
            accuracy_difference_interval([True], [True, False], seed=1)
        with pytest.raises(ValueError, match="not empty"):
            accuracy_difference_interval([], [], seed=1)
