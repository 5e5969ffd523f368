"""`emo-mtl classify`: scores of parts. What needs a checkpoint is in test_fairseq_commands.py."""

import dataclasses
import json

import numpy as np
import pytest

from emo_mtl.cli.classify import read_utterances
from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.evaluation.recognition import (
    Predictions,
    Scores,
    labels_to_ignore,
    parts_table,
    predictions_tsv,
    read_predictions,
    score,
    score_table,
    text_table,
)
from emo_mtl.formats import typed_json

# gold joy, joy, anger, anger; predicted joy, anger, anger, joy
RESULT = Predictions(
    "e6",
    ["anger", "joy"],
    np.array([[0.2, 0.8], [0.7, 0.3], [0.9, 0.1], [0.4, 0.6]]),
    np.array([1, 1, 0, 0]),
)


@pytest.fixture
def overlap(tmp_path):
    path = tmp_path / "overlap.json"
    path.write_text('{"e6": {"test": {"examples": 4, "clean": [0, 2, 3]}}}', encoding="utf-8")
    return path


class TestScore:
    def test_parts(self, overlap):
        whole, clean, seen = score([RESULT], overlap, "test")
        assert [entry.part for entry in (whole, clean, seen)] == ["all", "clean", "seen"]
        assert whole.confusion == [[1, 1], [1, 1]]
        assert (whole.examples, whole.accuracy, whole.macro_f1) == (4, 50, 50)
        assert clean.confusion == [[1, 1], [0, 1]]
        assert clean.accuracy == pytest.approx(200 / 3)
        assert clean.macro_f1 == pytest.approx(200 / 3)  # both classes: 2 / 3
        assert seen.confusion == [[0, 0], [1, 0]]
        assert seen.accuracy == 0
        json.loads(typed_json.to_text([whole]))

        table = parts_table([whole, clean, seen]).splitlines()
        assert table[2:5] == [
            "| e6 | all | 4 | 50.00 | 50.00 |",
            "| e6 | clean | 3 | 66.67 | 66.67 |",
            "| e6 | seen | 1 | 0.00 | 0.00 |",
        ]

    def test_whole(self):
        (whole,) = score([RESULT], None, "test")
        assert whole.part == "all"
        assert whole.labels == ["anger", "joy"]

    def test_other_subset(self, overlap):
        with pytest.raises(UserError, match="of e6 on valid: found no 'valid', expected an object"):
            score([RESULT], overlap, "valid")


class TestIgnoredLabels:
    LABELS = ("none", "anger", "joy", "fear")

    def predictions(self, seed: int) -> Predictions:
        rng = np.random.default_rng(seed)
        return Predictions("dd", list(self.LABELS), rng.random((60, 4)), rng.integers(0, 4, 60))

    def test_by_hand(self):
        """gold none, none, anger, joy; predicted none, anger, anger, none"""
        guesses = np.eye(3)[[0, 1, 1, 0]]
        result = Predictions("dd", ["none", "anger", "joy"], guesses, np.array([0, 0, 1, 2]))
        (whole,) = score([result], None, "test", {"dd": ["none"]})
        assert whole.others.ignored == ["none"]
        assert whole.others.micro_f1 == 50  # 1 hit; 2 gold, 2 predicted
        assert whole.others.macro_f1 == pytest.approx(100 * (2 / 3) / 2)
        assert (
            "without none: micro-F1 50.00 %, macro-F1 33.33 %"
            in score_table(whole, "test").splitlines()
        )
        assert json.loads(typed_json.to_text([whole]))[0]["others"]["micro_f1"] == 50
        assert (
            parts_table([whole]).splitlines()[2].endswith("| micro-F1 50.00 %, macro-F1 33.33 % |")
        )

    @pytest.mark.parametrize("ignored", [["none"], ["joy", "fear"]])
    def test_those_of_scikit_learn(self, ignored):
        from sklearn.metrics import f1_score

        result = self.predictions(len(ignored))
        (whole,) = result.scores({"all": range(60)}, ignored)
        others = [i for i, label in enumerate(self.LABELS) if label not in ignored]
        for average, found in (("micro", whole.others.micro_f1), ("macro", whole.others.macro_f1)):
            expected = f1_score(result.gold, result.predicted, labels=others, average=average)
            assert found == pytest.approx(100 * expected)

    def test_nothing_to_score(self):
        result = Predictions("dd", ["none", "joy"], np.eye(2), np.array([0, 0]))
        (whole,) = result.scores({"all": range(2)}, ["none"])
        assert np.isnan([whole.others.micro_f1, whole.others.macro_f1]).all()

    def test_off(self):
        (whole,) = self.predictions(1).scores({"all": range(60)})
        assert whole.others is None
        assert "others" not in json.loads(typed_json.to_text([whole]))[0]
        assert "without" not in score_table(whole, "test") + parts_table([whole])

    def test_of_the_heads_that_have_it(self):
        heads = {"e2": ["negative", "positive"], "dd": list(self.LABELS)}
        assert labels_to_ignore(heads, ["joy", "none"]) == {"e2": [], "dd": ["none", "joy"]}
        assert labels_to_ignore(heads, []) == {"e2": [], "dd": []}

    def test_a_label_that_no_head_has(self):
        with pytest.raises(UserError, match=r"'neutral': expected .*\(e2: negative, positive\)"):
            labels_to_ignore({"e2": ["negative", "positive"]}, ["neutral"])

    def test_all_labels(self):
        with pytest.raises(UserError, match="found all labels of e2"):
            labels_to_ignore({"e2": ["negative", "positive"]}, ["positive", "negative"])

    def test_of_unlabelled_text(self):
        argv = ["classify", "model.pt", "--input", "-", "--ignore-label", "none"]
        with pytest.raises(UserError, match="--ignore-label: found --input"):
            main(argv)


# gold joy, joy + relief, anger; at the thresholds joy, relief, none
SETS = Predictions(
    "goemotions",
    ["anger", "joy", "relief"],
    np.array([[0.1, 0.8, 0.25], [0.2, 0.6, 0.5], [0.4, 0.3, 0.1]]),
    np.array([[0, 1, 0], [0, 1, 1], [1, 0, 0]], dtype=bool),
    thresholds=np.array([0.5, 0.7, 0.3]),
)


class TestSeveralLabels:
    def test_by_hand(self):
        (whole,) = score([SETS], None, "test", {"goemotions": ["anger"]})
        assert whole.accuracy == pytest.approx(100 / 3)  # the first
        assert whole.support == [1, 2, 1]
        assert whole.f1 == pytest.approx([0, 200 / 3, 100])
        assert whole.macro_f1 == pytest.approx(500 / 9)
        assert whole.several.micro_f1 == pytest.approx(100 * 4 / 6)  # 2 hits, 4 gold, 2 predicted
        assert whole.several.macro_f1_at_half == pytest.approx(200 / 3)  # joy twice, relief once
        assert whole.several.thresholds == [0.5, 0.7, 0.3]
        assert whole.others.macro_f1 == pytest.approx(250 / 3)
        assert whole.confusion == []

    def test_those_of_scikit_learn(self):
        from sklearn.metrics import accuracy_score, f1_score

        rng = np.random.default_rng(0)
        gold, probabilities = rng.random((50, 4)) < 0.3, rng.random((50, 4))
        thresholds = np.array([0.2, 0.5, 0.7, 0.9])
        result = Predictions("t", list("abcd"), probabilities, gold, thresholds)
        (whole,) = result.scores({"all": range(50)})
        predicted = probabilities >= thresholds
        for average, found in (("macro", whole.macro_f1), ("micro", whole.several.micro_f1)):
            assert found == pytest.approx(100 * f1_score(gold, predicted, average=average))
        assert whole.accuracy == pytest.approx(100 * accuracy_score(gold, predicted))

    def test_parts(self, tmp_path):
        path = tmp_path / "overlap.json"
        path.write_text('{"goemotions": {"test": {"examples": 3, "clean": [0]}}}')
        _, clean, seen = score([SETS], path, "test")
        assert (clean.examples, clean.accuracy, seen.accuracy) == (1, 100, 0)

    def test_table(self):
        (whole,) = score([SETS], None, "test")
        title, _, header, _, *rows = score_table(whole, "test").splitlines()
        assert title == (
            "goemotions on test: 3 utterances, accuracy 33.33 %, macro-F1 55.56 %, micro-F1 66.67 %: several "
            "labels an utterance, at thresholds chosen on valid (at 0.5 macro-F1 66.67 %)"
        )
        assert header.endswith("| threshold |")
        assert rows[1] == "| joy | 100.00 | 50.00 | 66.67 | 2 | 0.700 |"

    def test_json(self, tmp_path):
        typed_json.write(tmp_path / "scores.json", score([SETS, RESULT], None, "test"))
        first, second = typed_json.read(tmp_path / "scores.json", list[Scores])
        assert first.several.thresholds == [0.5, 0.7, 0.3]
        assert second.several is None
        assert "several" not in json.loads((tmp_path / "scores.json").read_text())[1]

    def test_tsv(self, tmp_path):
        path = tmp_path / "predictions.tsv"
        path.write_text(predictions_tsv([SETS]), encoding="utf-8")
        rows = [line.split("\t")[2:] for line in path.read_text().splitlines()[1:]]
        assert rows == [
            ["joy", "joy", "0.8000"],
            ["joy relief", "relief", "0.5000"],
            ["anger", "", ""],
        ]
        assert read_predictions(path)["goemotions"].right == [True, False, False]

    def test_text(self):
        """Typed text: 0.5, and the most probable label where none has it."""
        typed = dataclasses.replace(SETS, gold=None, thresholds=np.full(3, 0.5))
        assert text_table(["a", "b", "c"], [typed]).splitlines() == [
            "goemotions=joy 0.80\ta",
            "goemotions=joy 0.60, relief 0.50\tb",
            "goemotions=anger 0.40\tc",
        ]


class TestPredictions:
    def test_tsv(self):
        lines = predictions_tsv([RESULT]).splitlines()
        assert lines[0].split("\t") == ["line", "task", "gold", "predicted", "probability"]
        assert lines[2] == "2\te6\tjoy\tanger\t0.7000"


class TestInput:
    def test_line_ends(self, tmp_path):
        path = tmp_path / "in.txt"
        path.write_bytes("one\r\ntwo\u2028\r\n".encode())
        assert read_utterances(str(path)) == ["one", "two\u2028"]
        path.write_bytes(b"one\r\n\r\n")
        with pytest.raises(UserError, match="line 2: found no text"):
            read_utterances(str(path))


class TestFlags:
    @pytest.mark.parametrize("size", ["0", "-3"])
    def test_batch_size(self, size):
        with pytest.raises(UserError, match=f"--batch-size: found {size}, expected 1 or more"):
            main(["classify", "model.pt", "--data", "data-bin", "--batch-size", size])

    def test_overlap_of_unlabelled_text(self, overlap):
        argv = ["classify", "model.pt", "--data", "data-bin", "--input", "-", "--bpe", "gpt2"]
        with pytest.raises(UserError, match="--overlap: found --input"):
            main([*argv, "--overlap", str(overlap)])
