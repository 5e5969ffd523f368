"""Reading data folders: flags, labels, and every way in which a file can be unusable."""

from pathlib import Path

import pytest
import torch
from fairseq.data import Dictionary
from fairseq.data.indexed_dataset import make_builder
from helpers.data import LABELS, WORDS, binarize, make_dictionary
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.data.loading import (
    check_complete,
    load_dictionary,
    load_label_numbers,
    load_labels,
    load_tokens,
    parse_loss_weights,
    parse_task_names,
)
from emo_mtl.errors import UserError

LINES = ["w1 w2 w3", "w4", "w5 w6"]


def message_of(function, *args, **kwargs) -> str:
    """The message with which a `UserError` refuses the call."""
    with pytest.raises(UserError) as caught:
        function(*args, **kwargs)
    return str(caught.value)


@pytest.fixture
def words(tmp_path: Path) -> Dictionary:
    return make_dictionary(WORDS, tmp_path / "dict.txt")


@pytest.fixture
def tokens(tmp_path: Path, words: Dictionary) -> str:
    """Prefix of a binarized file of `LINES`."""
    binarize(LINES, words, tmp_path / "train")
    return str(tmp_path / "train")


class TestParseTaskNames:
    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("", []),
            ("  ", []),
            ("e6", ["e6"]),
            ("e6,e2,e12", ["e6", "e2", "e12"]),
            (" e6 , my-task_1 ", ["e6", "my-task_1"]),
        ],
    )
    def test_names(self, text, names):
        assert parse_task_names(text) == names

    @pytest.mark.parametrize(
        "bad",
        ["", "e 6", "../e6", "e6.1", "keys", "forward", "é", "_e6", "response_nll", "best_e6"],
    )
    def test_refused(self, bad):
        message = message_of(parse_task_names, f"e6,{bad}")
        assert "--classification-tasks" in message
        assert f"found {bad!r}" in message
        assert "for example e6,e2,e12" in message

    def test_twice(self):
        assert "found 'e6' twice" in message_of(parse_task_names, "e6,e2,e6")

    def test_response_is_taken(self):
        assert "which is the generation task" in message_of(parse_task_names, "e6,response")

    @given(st.lists(st.from_regex(r"[a-z][a-z0-9]{0,3}_", fullmatch=True), unique=True, max_size=4))
    def test_names_can_be_heads(self, names):
        assert parse_task_names(",".join(names)) == names
        torch.nn.ModuleDict({name: torch.nn.Identity() for name in names})


class TestParseLossWeights:
    @pytest.mark.parametrize(
        ("text", "weights"),
        [
            ("", {"e6": 1, "e2": 1}),
            ("e6=0.5", {"e6": 0.5, "e2": 1}),
            ("e2=0,e6=2", {"e6": 2, "e2": 0}),
            (" e6 = 1e-3 , e2=0.0 ", {"e6": 0.001, "e2": 0}),
        ],
    )
    def test_weights(self, text, weights):
        result = parse_loss_weights(text, ["e6", "e2"])
        assert result == weights
        assert list(result) == ["e6", "e2"]

    def test_no_tasks(self):
        assert parse_loss_weights("", []) == {}
        assert "there are none" in message_of(parse_loss_weights, "e6=1", [])

    @pytest.mark.parametrize("bad", ["e12=1", "response=1", "e6", "0.5", "", "=1", "e6:1"])
    def test_no_task_and_weight(self, bad):
        message = message_of(parse_loss_weights, f"e2=1,{bad}", ["e6", "e2"])
        assert f"found {bad!r}, expected TASK=WEIGHT" in message
        assert "(e6, e2; the weight of response is always 1)" in message

    def test_twice(self):
        assert "at most once" in message_of(parse_loss_weights, "e6=1,e6=2", ["e6"])

    @pytest.mark.parametrize("bad", ["-0.5", "nan", "inf", "-inf", "one", "", "0;5", "1=2"])
    def test_no_finite_number(self, bad):
        message = message_of(parse_loss_weights, f"e6={bad}", ["e6"])
        assert "--loss-weights" in message
        assert f"found 'e6={bad}'" in message
        assert "expected a finite number >= 0 as the weight of e6" in message


class TestLoadDictionary:
    def test_mask_is_last(self, tmp_path, words):
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

    def test_cut(self, write):
        prefix = write(["joy", "fear"])
        content = Path(prefix + ".bin").read_bytes()
        Path(prefix + ".bin").write_bytes(content[:-1])
        message = message_of(load_label_numbers, prefix, LABELS["e6"], 2)
        assert f"{prefix}.bin: found {len(content) - 1} bytes, expected {len(content)}" in message
