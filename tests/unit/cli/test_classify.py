"""`emo-mtl classify`: scores of parts. What needs a checkpoint is in test_fairseq_commands.py."""

import json

import numpy as np
import pytest

from emo_mtl.cli.classify import read_utterances
from emo_mtl.cli.main import main
from emo_mtl.errors import UserError
from emo_mtl.evaluation.recognition import Predictions, parts_table, predictions_tsv, score
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
