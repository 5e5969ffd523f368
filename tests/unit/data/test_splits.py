"""Class weights from the labels of the training data."""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.data.splits import balanced_weights

COUNTS = st.lists(st.integers(0, 50), min_size=2, max_size=9).filter(any)


class TestBalancedWeights:
    def test_by_hand(self):
        assert balanced_weights([1, 3]) == [2, pytest.approx(2 / 3)]

    def test_a_class_without_an_example(self):
        assert balanced_weights([1, 0, 3]) == [2, 0, pytest.approx(2 / 3)]

    @given(COUNTS)
    def test_those_of_scikit_learn(self, counts):
        from sklearn.utils.class_weight import compute_class_weight

        labels = np.repeat(np.arange(len(counts)), counts)
        present = np.unique(labels)
        found = np.array(balanced_weights(counts))
        expected = compute_class_weight("balanced", classes=present, y=labels)
        assert found[present] == pytest.approx(expected)
        assert found.sum() == pytest.approx(expected.sum()), "0 elsewhere"

    @given(COUNTS)
    def test_an_example_weighs_1_on_average(self, counts):
        assert np.dot(balanced_weights(counts), counts) == pytest.approx(sum(counts))


class TestInTask:
    def test_known_with_the_training_data(self, build, caplog):
        _, task, _, _ = build(class_weights="e6=balanced")
        task.load_dataset("valid")
        assert task.class_weights == {}
        with caplog.at_level(logging.INFO):
            task.load_dataset("train")
        # 20 examples: 4 of anger and disgust, 3 of the other four
        assert task.class_weights == {"e6": pytest.approx([20 / 24] * 2 + [20 / 18] * 4)}
        assert "e6: class weights anger 0.833, disgust 0.833, fear 1.11" in caplog.text

    def test_only_of_trained_tasks(self, build):
        _, task, _, _ = build(class_weights="balanced", loss_weights="e6=0")
        task.load_dataset("train")
        assert task.class_weights.keys() == {"e2"}

    def test_off(self, build):
        _, task, _, _ = build()
        task.load_dataset("train")
        assert task.class_weights == {}

    def test_a_class_without_an_example_is_named(self, build, data_bin, caplog):
        _, task, _, _ = build(class_weights="balanced")
        task.state.heads["e2"].append("mixed")
        task.load_dataset("train")
        assert task.class_weights["e2"][2] == 0
        assert "e2: no training example of mixed" in caplog.text
