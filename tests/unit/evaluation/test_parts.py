"""Hand-made examples, and what holds for any."""

from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.evaluation.parts import labelled_otherwise, normalise, overlap

TRAIN = [("Hi .", "Hello ."), ("Why ?", "Why not ?"), ("Bye .", "See you .")]
EXAMPLES = [
    ("Why ?", "Why not ?"),  # word for word
    ("Why ?", "See you ."),  # both stand in train, but not as a pair
    ("hi  .", " HELLO .\t"),  # other case and white space
    ("Hi.", "Hello ."),  # other words
]
texts = st.text(alphabet="aA \t", max_size=3)
pairs = st.lists(st.tuples(texts, texts), max_size=8)


class TestOverlap:
    def test_hand_made(self):
        assert overlap(EXAMPLES, TRAIN) == {
            "examples": 4,
            "exact": [0],
            "normalised": [0, 2],
            "clean": [1, 3],
        }

    def test_texts_do_not_run_into_each_other(self):
        assert overlap([("a b", "c")], [("a", "b c")])["clean"] == [0]

    @given(pairs, pairs)
    def test_clean_and_normalised_make_the_whole(self, examples, train):
        found = overlap(examples, train)
        assert sorted(found["clean"] + found["normalised"]) == list(range(len(examples)))
        assert set(found["exact"]) <= set(found["normalised"])

    @given(pairs)
    def test_nothing_of_train_is_clean(self, train):
        found = overlap(train, train)
        assert found["exact"] == list(range(len(train)))
        assert not found["clean"]


class TestNormalise:
    def test_case_beyond_ascii(self):
        assert normalise(("STRASSE\u00a0 Ä",)) == normalise(("straße ä ",))


class TestLabelledOtherwise:
    def test_hand_made(self):
        train = [("so happy",), ("so sad",), ("SO SAD",), ("so so",)]
        train_labels = ["joy", "sadness", "anger", "joy"]
        examples = [("So happy",), ("so sad",), ("so so",), ("unknown",)]
        labels = ["joy", "anger", "fear", "joy"]
        # "so sad" has its own label in train and another one too
        assert labelled_otherwise(examples, labels, train, train_labels) == [1, 2]
