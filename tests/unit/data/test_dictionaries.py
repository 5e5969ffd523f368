"""Reading dictionaries of symbols and of labels, and every way in which they can be unusable."""

import pytest
import torch
from fairseq.data import Dictionary
from helpers.data import LABELS, WORDS, make_dictionary
from helpers.refusals import message_of

from emo_mtl.data.dictionaries import load_dictionary, load_labels


class TestLoadDictionary:
    def test_mask_is_last(self, tmp_path):
        words = make_dictionary(WORDS, tmp_path / "dict.txt")
        loaded = load_dictionary(tmp_path / "dict.txt")
        assert loaded.symbols == [*words.symbols, "<mask>"]

    def test_mask_of_the_file_is_kept(self, tmp_path):
        make_dictionary([*WORDS, "<mask>"], tmp_path / "dict.txt")
        assert load_dictionary(tmp_path / "dict.txt").symbols[4:] == [*WORDS, "<mask>"]

    def test_missing(self, tmp_path):
        message = message_of(load_dictionary, tmp_path / "dict.txt")
        assert f"{tmp_path / 'dict.txt'}: no such file, expected a dictionary" in message
        assert "prepare the data again" in message


class TestLoadLabels:
    def test_order_of_the_file(self, tmp_path):
        make_dictionary(LABELS["e6"], tmp_path / "dict.txt")
        assert load_labels(tmp_path / "dict.txt") == LABELS["e6"]

    @pytest.mark.parametrize("padding", [1, 6])
    def test_padding_is_no_label(self, tmp_path, padding):
        dictionary = make_dictionary(LABELS["e2"], tmp_path / "dict.txt", padding=padding)
        assert len(dictionary) == 4 + 2 + padding
        assert load_labels(tmp_path / "dict.txt") == ["neg", "pos"]

    @pytest.mark.parametrize("labels", [[], ["joy"]])
    def test_too_few(self, tmp_path, labels):
        make_dictionary(labels, tmp_path / "dict.txt", padding=2)
        message = message_of(load_labels, tmp_path / "dict.txt")
        assert (
            f"{tmp_path / 'dict.txt'}: found {len(labels)} label(s), expected 2 or more" in message
        )

    def test_missing(self, tmp_path):
        message = message_of(load_labels, tmp_path / "e7" / "label" / "dict.txt")
        assert "e7" in message
        assert "no such file" in message
        assert "--classification-tasks" in message


class TestTurns:
    """What fairseq-generate and fairseq-interactive print on S- lines."""

    @pytest.fixture
    def path(self, tmp_path):
        make_dictionary(["▁a", "▁b", "c"], tmp_path / "dict.txt")
        return tmp_path / "dict.txt"

    @pytest.fixture
    def words(self, path):
        return load_dictionary(path)

    def test_turns_stand_apart(self, words):
        tokens = words.encode_line("<s> ▁a c </s> ▁b", add_if_not_exist=False)
        assert words.string(tokens) == "▁a c </s> ▁b"
        assert words.string(tokens, "sentencepiece") == "ac __eou__ b"
        assert words.string(torch.stack([tokens, tokens])) == "\n".join(["▁a c </s> ▁b"] * 2)

    def test_one_turn_is_as_fairseqs(self, words, path):
        plain = Dictionary.load(str(path))
        for line in ("▁a c", "▁a", ""):
            tokens = words.encode_line(line, add_if_not_exist=False)
            for flags in ({}, {"bpe_symbol": "sentencepiece"}, {"include_eos": True}):
                assert words.string(tokens, **flags) == plain.string(tokens, **flags)
