"""Reading binarized files, and every way in which one can be unusable."""

from pathlib import Path

import pytest
import torch
from fairseq.data import Dictionary
from fairseq.data.indexed_dataset import make_builder
from helpers.data import LABELS, WORDS, binarize, make_dictionary
from helpers.refusals import message_of

from emo_mtl.data.binarized import (
    check_complete,
    has_several_labels,
    load_label_numbers,
    load_tokens,
)
from emo_mtl.errors import UserError

LINES = ["w1 w2 w3", "w4", "w5 w6"]


@pytest.fixture
def words(tmp_path: Path) -> Dictionary:
    return make_dictionary(WORDS, tmp_path / "dict.txt")


@pytest.fixture
def tokens(tmp_path: Path, words: Dictionary) -> str:
    """Prefix of a binarized file of `LINES`."""
    binarize(LINES, words, tmp_path / "train")
    return str(tmp_path / "train")


class TestLoadTokens:
    def test_reads_the_lines(self, tokens, words):
        dataset = load_tokens(tokens, words)
        assert [words.string(dataset[i]) for i in range(len(dataset))] == LINES
        assert list(dataset.sizes) == [4, 2, 3]

    @pytest.mark.parametrize("suffix", [".bin", ".idx"])
    def test_missing(self, tokens, words, suffix):
        Path(tokens + suffix).unlink()
        message = message_of(load_tokens, tokens, words)
        assert f"{tokens}{suffix}: no such file: prepare the data again" in message

    def test_cut_bin(self, tokens, words):
        """9 tokens of 2 bytes (3 + 1 + 2 words and 3 `</s>`)."""
        content = Path(tokens + ".bin").read_bytes()
        assert len(content) == 18
        for length in range(18):
            Path(tokens + ".bin").write_bytes(content[:length])
            message = message_of(load_tokens, tokens, words)
            assert f"{tokens}.bin: found {length:,} bytes, expected 18" in message
            assert "cut off" in message
            assert "prepare the data again" in message

    def test_long_bin(self, tokens, words):
        with open(tokens + ".bin", "ab") as file:
            file.write(b"\0\0")
        assert "found 20 bytes, expected 18" in message_of(load_tokens, tokens, words)

    def test_cut_idx(self, tokens, words):
        """Cut anywhere, in the header (34 bytes) or in the tables."""
        content = Path(tokens + ".idx").read_bytes()
        raised = {}
        for length in range(len(content)):
            Path(tokens + ".idx").write_bytes(content[:length])
            with pytest.raises(BaseException) as caught:  # noqa: PT011
                load_tokens(tokens, words)
            raised[length] = caught.value
        assert {k: repr(v) for k, v in raised.items() if not isinstance(v, UserError)} == {}
        assert all(f"{tokens}.idx" in str(error) for error in raised.values())
        assert all("prepare the data again" in str(error) for error in raised.values())

    def test_other_idx(self, tokens, words, tmp_path):
        binarize([*LINES, "w7"], words, tmp_path / "other")
        (tmp_path / "other.idx").rename(tokens + ".idx")
        assert "belongs to another" in message_of(check_complete, tokens)

    def test_no_lines(self, tmp_path, words):
        binarize([], words, tmp_path / "empty")
        message = message_of(load_tokens, str(tmp_path / "empty"), words)
        assert f"{tmp_path / 'empty'}.bin: found no examples, expected one or more" in message

    @pytest.mark.parametrize("line", [1, 2, 4])
    def test_empty_utterance(self, tmp_path, words, line):
        lines = [*LINES]
        lines.insert(line - 1, "")
        binarize(lines, words, tmp_path / "gap")
        message = message_of(load_tokens, str(tmp_path / "gap"), words)
        assert f"{tmp_path / 'gap'}.bin: the utterance in line {line} is empty" in message
        assert "remove the line" in message

    def test_row_of_length_0(self, tmp_path, words):
        """Without even `</s>`, which fairseq-preprocess never writes."""
        builder = make_builder(str(tmp_path / "gap.bin"), "mmap", vocab_size=len(words))
        for row in ([4, 2], []):
            builder.add_item(torch.tensor(row, dtype=torch.int))
        builder.finalize(str(tmp_path / "gap.idx"))
        message = message_of(load_tokens, str(tmp_path / "gap"), words)
        assert "the utterance in line 2 is empty" in message


class TestLoadLabelNumbers:
    @pytest.fixture
    def write(self, tmp_path):
        """Writes a label file; returns its prefix."""
        dictionary = make_dictionary(LABELS["e6"], tmp_path / "dict.txt", padding=2)

        def make(lines) -> str:
            binarize(lines, dictionary, tmp_path / "train")
            return str(tmp_path / "train")

        return make

    def test_numbers_are_positions_in_the_labels(self, write):
        prefix = write(["joy", "anger", "surprise", "joy"])
        assert load_label_numbers(prefix, LABELS["e6"], 4).tolist() == [3, 0, 5, 3]

    @pytest.mark.parametrize("num_inputs", [1, 3])
    def test_other_number_of_lines(self, write, num_inputs):
        prefix = write(["joy", "fear"])
        message = message_of(load_label_numbers, prefix, LABELS["e6"], num_inputs)
        assert f"{prefix}.bin: found 2 labels, expected {num_inputs}, one for each line" in message

    @pytest.mark.parametrize(
        ("line", "found"),
        [("joi", "<unk>"), ("", "nothing"), ("joy fear", "joy fear"), ("madeupword0000",) * 2],
    )
    def test_no_label(self, write, line, found):
        prefix = write(["joy", line])
        message = message_of(load_label_numbers, prefix, LABELS["e6"], 2)
        assert f"{prefix}.bin: line 2: found {found!r}" in message
        assert "expected one of anger, disgust, fear, joy, sadness, surprise" in message
        assert "correct the label file" in message

    def test_several(self, write):
        prefix = write(["joy anger", "anger", "surprise joy fear"])
        assert has_several_labels(prefix)
        found = load_label_numbers(prefix, LABELS["e6"], 3, several=True)
        assert found.int().tolist() == [[1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 1, 1, 0, 1]]

    def test_one_each(self, write, tmp_path):
        assert not has_several_labels(write(["joy", "anger"]))
        assert not has_several_labels(str(tmp_path / "nothing"))

    @pytest.mark.parametrize(("line", "found"), [("joy joi", "joy <unk>"), ("", "nothing")])
    def test_no_label_of_several(self, write, line, found):
        prefix = write(["joy fear", line])
        message = message_of(load_label_numbers, prefix, LABELS["e6"], 2, several=True)
        assert f"line 2: found {found!r}, expected one or more of anger" in message

    def test_cut(self, write):
        prefix = write(["joy", "fear"])
        content = Path(prefix + ".bin").read_bytes()
        Path(prefix + ".bin").write_bytes(content[:-1])
        message = message_of(load_label_numbers, prefix, LABELS["e6"], 2)
        assert f"{prefix}.bin: found {len(content) - 1} bytes, expected {len(content)}" in message
