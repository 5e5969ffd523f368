"""Hand-made pairs, and retrieval against a plain computation in numpy."""

import random

import numpy as np
import pytest

from emo_mtl.evaluation import baselines
from emo_mtl.evaluation.baselines import constant, copy, exact_match, nearest, probabilities

pytest.importorskip("sklearn")

TRAIN = [
    ("how are you ?", "fine ."),
    ("what is your name ?", "bob ."),
    ("how are you ?", "well ."),
    ("where is the station ?", "over there ."),
    ("how are you ?", "well ."),
    ("bye bye", "fine ."),
]
UTTERANCES = ["how are you ?", "How are you ?", "is the big station open ?", "xyzzy !", "bye bye"]


class TestResponses:
    def test_constant_is_the_most_frequent_of_which_the_first(self):
        assert constant(TRAIN, UTTERANCES) == ["fine ."] * 5  # twice, as "well ." later

    def test_copy(self):
        assert copy(TRAIN, UTTERANCES) == UTTERANCES

    def test_exact_match(self):
        expected = ["well .", "fine .", "fine .", "fine .", "fine ."]
        assert exact_match(TRAIN, UTTERANCES) == expected

    def test_nearest(self):
        # of the same utterances the first; no word of "xyzzy" is known
        expected = ["fine .", "fine .", "over there .", "fine .", "fine ."]
        assert nearest(TRAIN, UTTERANCES) == expected
        assert nearest(TRAIN[1:], ["are you ?", "xyzzy"]) == ["well .", "well ."]


class TestNearest:
    def test_equals_a_plain_computation(self, monkeypatch):
        monkeypatch.setattr(baselines, "BLOCK_MIB", 1)
        rng = random.Random(0)
        words = [f"w{i}" for i in range(60)]
        texts = [" ".join(rng.choices(words, k=rng.randint(1, 6))) for _ in range(1400)]
        train, queries = texts[:1000], texts[1000:]  # 1 MiB of distances: 131 queries of 400
        chosen = nearest([(text, str(i)) for i, text in enumerate(train)], queries)

        counts = np.array([[text.split().count(word) for word in words] for text in texts])
        documents = (counts[:1000] > 0).sum(axis=0)
        vectors = counts * (np.log(1001 / (1 + documents)) + 1)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        similarity = vectors[1000:] @ vectors[:1000].T  # queries x train
        found = similarity[np.arange(400), list(map(int, chosen))]
        assert np.allclose(found, similarity.max(axis=1), atol=1e-9)
        assert all(int(i) == train.index(train[int(i)]) for i in chosen)  # the first of equals

    def test_training_data_without_words(self):
        with pytest.raises(ValueError, match="empty vocabulary"):
            nearest([("? !", "what ?")], ["why ?"])


class TestProbabilities:
    TRAIN = (("so happy", "joy"), ("very happy", "joy"), ("so sad", "anger"))

    def test_majority(self):
        found = probabilities(
            baselines.majority(), self.TRAIN, ["so sad", "?"], ["anger", "fear", "joy"]
        )
        assert found == pytest.approx(np.array([[1 / 3, 0, 2 / 3]] * 2))

    def test_logistic(self):
        labels = ["joy", "fear", "anger"]
        found = probabilities(baselines.tfidf_logistic(), self.TRAIN, ["happy", "sad"], labels)
        assert found.sum(axis=1) == pytest.approx([1, 1])
        assert (found[:, 1] == 0).all()
        assert found[0, 0] > found[1, 0] > 0
        assert found[1, 2] > found[0, 2] > 0
