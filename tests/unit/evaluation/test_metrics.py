"""Hand-computed values, and equality with NLTK and scikit-learn."""

import math
import random
import sys
import warnings
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.errors import UserError
from emo_mtl.evaluation.metrics import (
    WORD_TOKENIZERS,
    accuracy,
    average_length,
    bleu,
    class_counts,
    compression_ratio,
    confusion_matrix,
    different,
    distinct_n,
    macro_f1_of_counts,
    most_frequent_share,
    paper_bleu,
    scores_by_class,
    word_tokenizer,
)

# few words and short lines, so that lines share n-grams, are empty, or have no 4-gram
WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8)
LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40)


class TestBleu:
    def test_hand_computed(self):
        # "the cat sat on a mat": 5 of 6 words, 3 of 5 bigrams, 2 of 4 trigrams, 1 of 3 4-grams
        score, signature = bleu(["the cat sat on a mat"], ["the cat sat on the mat"])
        expected = 100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
        assert score == pytest.approx(expected)
        assert "tok:13a" in signature
        assert "smooth:exp" in signature
        assert "case:mixed" in signature

    def test_13a_separates_punctuation_and_keeps_case(self):
        assert bleu(["so it is, now."], ["so it is , now ."])[0] == pytest.approx(100)
        assert bleu(["SO IT IS NOW"], ["so it is now"])[0] == 0

    def test_smoothing(self):
        hypotheses, references = ["a b c d"], ["a b c e"]
        assert bleu(hypotheses, references, smooth_method="none")[0] == 0
        assert bleu(hypotheses, references, smooth_method="exp")[0] > 0

    @pytest.mark.parametrize("function", [bleu, paper_bleu])
    @pytest.mark.parametrize(("hypotheses", "references"), [([], []), (["a"], ["a", "b"])])
    def test_unusable_input(self, function, hypotheses, references):
        with pytest.raises(ValueError, match="expected the same number and at least 1"):
            function(hypotheses, references)


class TestPaperBleu:
    def test_short_hypotheses_count_in_the_denominators(self):
        # words 6/6, bigrams 4/4, trigrams 3/(3 + 1), 4-grams 2/(2 + 1): the first line is short
        hypotheses = [["yes"], ["a", "b", "c", "d", "e"]]
        expected = 100 * (1 * 4 / (4 + 1) * 3 / (3 + 1) * 2 / (2 + 1)) ** 0.25
        assert paper_bleu(hypotheses, hypotheses) == pytest.approx(expected)

    def test_brevity_penalty(self):
        score = paper_bleu([list("abcd")], [list("abcdefgh")])
        assert score == pytest.approx(100 * math.exp(1 - 8 / 4))

    @given(st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=6))
    def test_equals_nltk(self, pairs):
        bleu_score = pytest.importorskip("nltk.translate.bleu_score")
        hypotheses, references = zip(*pairs, strict=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NLTK warns when an n-gram order has no match
            expected = bleu_score.corpus_bleu([[words] for words in references], hypotheses)
        assert paper_bleu(hypotheses, references) == pytest.approx(100 * expected, abs=1e-6)


class TestDistinct:
    LINES = (["i", "do", "i", "do"], ["i", "do"], [])

    def test_denominator_is_all_tokens(self):
        assert distinct_n(self.LINES, 1) == pytest.approx(100 * 2 / 6)
        # (i, do) and (do, i); no bigram spans two lines; 6 tokens, though only 4 bigrams
        assert distinct_n(self.LINES, 2) == pytest.approx(100 * 2 / 6)
        assert distinct_n(self.LINES, 3) == pytest.approx(100 * 2 / 6)

    def test_without_tokens(self):
        assert distinct_n([[], []], 1) == 0

    def test_average_length(self):
        assert average_length(self.LINES) == 2
        with pytest.raises(ValueError, match="no lines"):
            average_length([])


class TestClassification:
    def test_hand_computed(self):
        confusion = confusion_matrix([0, 0, 0, 1, 2], [0, 0, 1, 1, 1], num_classes=3)
        np.testing.assert_array_equal(confusion, [[2, 1, 0], [0, 1, 0], [0, 1, 0]])
        assert accuracy(confusion) == pytest.approx(60)
        # F1 = 2 hits / (gold + predicted): 4 / (3 + 2), 2 / (1 + 3), 0 / (1 + 0)
        assert macro_f1_of_counts(*class_counts(confusion)) == pytest.approx(
            100 * (0.8 + 0.5 + 0) / 3
        )
        by_class = scores_by_class(*class_counts(confusion))
        assert by_class["precision"] == pytest.approx([100, 100 / 3, 0])
        assert by_class["recall"] == pytest.approx([200 / 3, 100, 0])
        assert by_class["f1"] == pytest.approx([80, 50, 0])
        assert by_class["support"] == [3, 1, 1]

    def test_absent_class_counts_as_zero(self):
        confusion = confusion_matrix([0, 1], [0, 1], num_classes=4)
        assert accuracy(confusion) == 100
        assert macro_f1_of_counts(*class_counts(confusion)) == 50

    @given(LABELS, st.integers(5, 7))
    def test_equals_scikit_learn(self, labels, num_classes):
        sklearn_metrics = pytest.importorskip("sklearn.metrics")
        gold, predicted = zip(*labels, strict=True)
        confusion = confusion_matrix(gold, predicted, num_classes)
        expected_f1 = sklearn_metrics.f1_score(
            gold, predicted, labels=range(num_classes), average="macro", zero_division=0
        )
        assert accuracy(confusion) == pytest.approx(
            100 * sklearn_metrics.accuracy_score(gold, predicted)
        )
        assert macro_f1_of_counts(*class_counts(confusion)) == pytest.approx(100 * expected_f1)
        by_class = sklearn_metrics.precision_recall_fscore_support(
            gold, predicted, labels=range(num_classes), zero_division=0
        )
        *expected, support = by_class
        found = scores_by_class(*class_counts(confusion))
        assert found["support"] == list(support)
        for name, values in zip(("precision", "recall", "f1"), expected, strict=True):
            assert found[name] == pytest.approx(100 * values)

    @given(LABELS, st.integers(0, 40))
    def test_sum_over_batches(self, labels, cut):
        def count(part):
            return confusion_matrix([g for g, _ in part], [p for _, p in part], 5)

        np.testing.assert_array_equal(count(labels[:cut]) + count(labels[cut:]), count(labels))

    def test_nothing_seen(self):
        nothing = confusion_matrix([], [], 3)
        assert nothing.shape == (3, 3)
        assert math.isnan(accuracy(nothing))
        assert math.isnan(macro_f1_of_counts(*class_counts(nothing)))

    @pytest.mark.parametrize(
        ("gold", "predicted", "message"),
        [
            ([0, 1], [0], "shape"),
            ([0, 3], [0, 1], "gold classes run from 0 to 3, expected 0 to 2"),
            ([0, 1], [-1, 1], "predicted classes run from -1 to 1"),
        ],
    )
    def test_unusable_input(self, gold, predicted, message):
        with pytest.raises(ValueError, match=message):
            confusion_matrix(gold, predicted, 3)


class TestWordTokenizer:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ("I don \u2019 t know .", "I|don|\u2019|t|know|."),
            ("I don't know. Do you?", "I|do|n't|know|.|Do|you|?"),
            ("", ""),
        ],
    )
    def test_nltk(self, line, expected):
        pytest.importorskip("nltk")
        words, description = word_tokenizer("nltk")
        assert "|".join(words(line)) == expected
        assert "nltk" in description

    @pytest.mark.parametrize(
        ("name", "expected"), [("13a", "I|don't|know|.|Yes"), ("space", "I|don't|know.|Yes")]
    )
    def test_without_nltk(self, name, expected, monkeypatch):
        monkeypatch.setitem(sys.modules, "nltk", None)
        assert "|".join(word_tokenizer(name)[0]("I don't  know. Yes")) == expected

    def test_nltk_is_missing(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "nltk", None)
        with pytest.raises(UserError, match=r"pip install 'emo-mtl\[eval\]'"):
            word_tokenizer("nltk")

    def test_unknown(self):
        with pytest.raises(UserError, match=", ".join(WORD_TOKENIZERS)):
            word_tokenizer("punkt")


class TestSeveralReferences:
    HYPOTHESES = ("a b c d e", "f g h i")
    FIRST = ("a b c d x", "f g h j")
    SECOND = ("y b c q e z", "f g h i k")

    def test_bleu_is_sacrebleus(self):
        from sacrebleu.metrics import BLEU

        found, signature = bleu(self.HYPOTHESES, self.FIRST, self.SECOND, tokenize="none")
        metric = BLEU(tokenize="none", force=True)
        assert found == metric.corpus_score(self.HYPOTHESES, [self.FIRST, self.SECOND]).score
        assert "nrefs:2" in signature
        assert found > bleu(self.HYPOTHESES, self.FIRST, tokenize="none")[0]

    def test_paper_bleu_is_nltks(self):
        bleu_score = pytest.importorskip("nltk.translate.bleu_score")
        words = [[line.split() for line in lines] for lines in (self.FIRST, self.SECOND)]
        hypotheses = [line.split() for line in self.HYPOTHESES]
        expected = bleu_score.corpus_bleu(list(zip(*words, strict=True)), hypotheses)
        assert 0 < expected < 1
        assert paper_bleu(hypotheses, *words) == pytest.approx(100 * expected, abs=1e-6)

    def test_numbers_differ(self):
        with pytest.raises(ValueError, match=r"2 hypotheses and \[2, 1\] references"):
            bleu(self.HYPOTHESES, self.FIRST, ("a",))
        with pytest.raises(ValueError, match="expected the same number and at least 1"):
            bleu(self.HYPOTHESES)


class TestVariety:
    LINES = ("yes .", "no .", "yes .", "yes .")

    def test_by_hand(self):
        assert different(self.LINES) == 2
        assert most_frequent_share(self.LINES) == 75
        assert math.isnan(most_frequent_share([]))

    def test_compression(self):
        """Lines that repeat each other become smaller; the same for any order of equal lines."""
        rng = random.Random(1)
        random_lines = ["".join(rng.choices("abcdefgh", k=20)) for _ in range(100)]
        assert compression_ratio(random_lines) < 3 < 10 < compression_ratio(random_lines[:1] * 100)
        text = "\n".join(random_lines).encode()
        assert compression_ratio(random_lines) == len(text) / len(zlib.compress(text, 9))


def test_simple_words():
    """The same words, however their marks are written."""
    words, _ = word_tokenizer("simple")
    assert words("I’m SAD, really!") == words("i ' m sad , really !") == words("I 'm sad ,really !")
    assert words("I’m sad.") == ["i", "'", "m", "sad", "."]
