"""Datasets: BART's input format, labels, and several tasks behind one index."""

import numpy as np
import pytest
import torch
from fairseq.data import Dictionary, FairseqDataset, ListDataset
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.data.datasets import (
    BARTInputDataset,
    LabelledDataset,
    MultitaskDataset,
    PairDataset,
    bart_input,
)

BOS, PAD, EOS = 0, 1, 2


def dictionary() -> Dictionary:
    words = Dictionary()
    for i in range(30):
        words.add_symbol(f"w{i}")
    return words


def pairs(lengths, shuffle: bool = False, max_length: int = 64) -> PairDataset:
    """Utterances of so many words, each its own response; item i starts with word i + 4."""
    tokens = [torch.tensor([4 + i % 26, *[5] * (n - 1), EOS]) for i, n in enumerate(lengths)]
    inputs = BARTInputDataset(
        ListDataset(tokens, [len(t) for t in tokens]), BOS, EOS, max_length=max_length
    )
    words = dictionary()
    return PairDataset(
        inputs, inputs.sizes, words, inputs, inputs.sizes, words, False, False, shuffle=shuffle
    )


def labelled(lengths, **kwargs) -> LabelledDataset:
    return LabelledDataset(pairs(lengths, **kwargs), torch.arange(len(lengths)) * 10)


class TestBARTInput:
    @pytest.mark.parametrize(
        ("tokens", "max_length", "expected"),
        [
            ([7, 8, 9, EOS], 64, [BOS, 7, 8, 9, EOS]),
            ([7, 8, 9, EOS], 5, [BOS, 7, 8, 9, EOS]),
            ([7, 8, 9, EOS], 4, [BOS, 7, 8, EOS]),
            ([7, 8, 9, EOS], 3, [BOS, 7, EOS]),
            ([7, 8, 9, EOS], 2, [BOS, EOS]),
            ([EOS], 64, [BOS, EOS]),
            ([7, EOS, 9, EOS], 4, [BOS, 7, EOS, EOS]),
        ],
    )
    def test_examples(self, tokens, max_length, expected):
        result = bart_input(torch.tensor(tokens), BOS, EOS, max_length)
        assert result.tolist() == expected

    def test_keeps_type_and_input(self):
        tokens = torch.tensor([7, 8, EOS], dtype=torch.int32)
        assert bart_input(tokens, BOS, EOS, 3).dtype == torch.int32
        assert tokens.tolist() == [7, 8, EOS]

    @given(st.lists(st.integers(0, 40), min_size=1, max_size=8), st.integers(2, 12))
    def test_sizes_are_the_real_lengths(self, lengths, max_length):
        items = [torch.tensor([7] * n + [EOS]) for n in lengths]
        dataset = BARTInputDataset(
            ListDataset(items, [len(item) for item in items]), BOS, EOS, max_length
        )
        real = [len(dataset[i]) for i in range(len(lengths))]
        assert list(dataset.sizes) == real
        assert [dataset.size(i) for i in range(len(lengths))] == real
        assert [dataset.num_tokens(i) for i in range(len(lengths))] == real
        assert max(real) <= max_length
        assert all(dataset[i][0] == BOS and dataset[i][-1] == EOS for i in range(len(lengths)))


class TestPairDataset:
    def test_right_padded_and_shifted(self):
        data = pairs([1, 3])
        batch = data.collater([data[0], data[1]])  # sorted by length: item 1, item 0
        assert batch["net_input"]["src_tokens"].tolist() == [[0, 5, 5, 5, 2], [0, 4, 2, 1, 1]]
        assert batch["net_input"]["prev_output_tokens"].tolist() == [
            [2, 0, 5, 5, 5],
            [2, 0, 4, 1, 1],
        ]
        assert batch["target"].tolist() == [[0, 5, 5, 5, 2], [0, 4, 2, 1, 1]]

    @given(
        st.lists(st.integers(1, 9), min_size=1, max_size=40),
        st.sampled_from([1, 2, 8]),
        st.one_of(st.none(), st.integers(11, 60)),
        st.one_of(st.none(), st.integers(1, 12)),
    )
    def test_batches_are_complete_and_within_limits(self, lengths, multiple, tokens, sentences):
        data = pairs(lengths)
        indices = data.ordered_indices()
        batches = data.batch_by_size(
            indices,
            max_tokens=tokens,
            max_sentences=sentences,
            required_batch_size_multiple=multiple,
        )
        assert np.concatenate(batches).tolist() == indices.tolist()
        for batch in batches:
            assert sentences is None or len(batch) <= sentences
            assert tokens is None or len(batch) * max(data.num_tokens(i) for i in batch) <= tokens

    def test_last_batch_of_no_multiple_is_kept(self):
        """19 = 8 + 8 + 3: fairseq main after 0.12.2 loses the 3 (its own dataset: 16 of 19)."""
        data = pairs([4] * 19)
        batches = data.batch_by_size(
            data.ordered_indices(), max_sentences=8, required_batch_size_multiple=8
        )
        assert [len(batch) for batch in batches] == [8, 8, 3]

    def test_fewer_than_the_multiple(self):
        data = pairs([4] * 3)
        batches = data.batch_by_size(
            data.ordered_indices(), max_tokens=64, required_batch_size_multiple=8
        )
        assert [len(batch) for batch in batches] == [3]


class TestLabelledDataset:
    def test_labels_follow_the_sorting_of_collate(self):
        data = labelled([2, 5, 1, 4])
        batch = data.collater([data[i] for i in (2, 0, 3, 1)])
        assert batch["id"].tolist() == [1, 3, 0, 2]  # longest first
        assert batch["target"].tolist() == [10, 30, 0, 20]
        assert batch["net_input"]["src_tokens"][:, 1].tolist() == [5, 7, 4, 6]

    def test_decoder_reads_the_utterance(self):
        data = labelled([2])
        batch = data.collater([data[0]])
        assert batch["net_input"]["src_tokens"].tolist() == [[BOS, 4, 5, EOS]]
        assert batch["net_input"]["prev_output_tokens"].tolist() == [[EOS, BOS, 4, 5]]

    def test_no_samples(self):
        assert labelled([2]).collater([]) == {}

    def test_last_batch_of_no_multiple_is_kept(self):
        data = labelled([4] * 11)
        batches = data.batch_by_size(
            data.ordered_indices(), max_sentences=8, required_batch_size_multiple=8
        )
        assert [len(batch) for batch in batches] == [8, 3]


@pytest.fixture
def multitask() -> MultitaskDataset:
    """5 responses (indices 0-4), 3 utterances of e6 (5-7), 2 of e2 (8, 9)."""
    return MultitaskDataset(
        {"response": pairs([3, 1, 9, 2, 2]), "e6": labelled([4, 8, 1]), "e2": labelled([2, 2])}
    )


class TestMultitaskDataset:
    def test_index(self, multitask):
        assert len(multitask) == 10
        located = [(name, item["id"]) for name, item in (multitask[i] for i in range(10))]
        assert located == [
            *(("response", i) for i in range(5)),
            *(("e6", i) for i in range(3)),
            *(("e2", i) for i in range(2)),
        ]
        assert multitask.num_tokens(2) == 11
        assert multitask.num_tokens(6) == 10
        assert multitask.size(6) == (10, 10)

    def test_accepts_numpy_indices(self, multitask):
        assert multitask[np.int64(5)][0] == "e6"

    def test_orders_by_length_within_a_task(self, multitask):
        assert multitask.task_indices("response").tolist() == [1, 3, 4, 0, 2]
        assert multitask.task_indices("e6").tolist() == [7, 5, 6]
        assert multitask.ordered_indices().tolist() == [1, 3, 4, 0, 2, 7, 5, 6, 8, 9]

    def test_collate_names_the_task(self, multitask):
        batch = multitask.collater([multitask[5], multitask[6]])
        assert batch["task"] == "e6"
        assert batch["id"].tolist() == [1, 0]
        assert batch["target"].tolist() == [10, 0]
        assert multitask.collater([multitask[0]])["task"] == "response"

    def test_collate_of_nothing(self, multitask):
        assert multitask.collater([]) == {}

    def test_refuses_a_mixed_batch(self, multitask):
        with pytest.raises(ValueError, match="unpack"):
            multitask.collater([multitask[0], multitask[5]])

    @pytest.mark.parametrize("multiple", [1, 8])
    def test_batches_never_mix_tasks_and_are_complete(self, multitask, multiple):
        indices = multitask.ordered_indices()
        batches = multitask.batch_by_size(
            indices, max_tokens=64, required_batch_size_multiple=multiple
        )
        assert sorted(i for batch in batches for i in batch) == list(range(10))
        for batch in batches:
            assert len({multitask[i][0] for i in batch}) == 1

    def test_batches_of_a_part(self, multitask):
        batches = multitask.batch_by_size(np.array([9, 5]), max_sentences=4)
        assert [batch.tolist() for batch in batches] == [[5], [9]]

    def test_filter_by_size(self, multitask):
        """The response of 9 + 2 tokens and the utterance of 8 + 2 do not fit 9."""
        kept, ignored = multitask.filter_indices_by_size(multitask.ordered_indices(), (9, 9))
        assert kept.tolist() == [1, 3, 4, 0, 7, 5, 8, 9]
        assert sorted(ignored) == [2, 6]
        assert all(type(i) is int for i in ignored)

    def test_filter_keeps_all(self, multitask):
        kept, ignored = multitask.filter_indices_by_size(multitask.ordered_indices(), 1024)
        assert (len(kept), ignored) == (10, [])

    def test_filter_drops_all(self, multitask):
        kept, ignored = multitask.filter_indices_by_size(multitask.ordered_indices(), 1)
        assert (len(kept), len(ignored)) == (0, 10)

    @given(st.lists(st.integers(1, 9), min_size=1, max_size=5))
    def test_every_index_is_found(self, counts):
        data = MultitaskDataset({f"t{i}": labelled([2] * n) for i, n in enumerate(counts)})
        expected = [(f"t{i}", j) for i, n in enumerate(counts) for j in range(n)]
        assert [
            (name, item["id"]) for name, item in (data[k] for k in range(len(data)))
        ] == expected

    def test_is_a_fairseq_dataset(self, multitask):
        assert isinstance(multitask, FairseqDataset)
