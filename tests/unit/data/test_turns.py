"""Which turns of an input a model is given."""

import numpy as np
import torch
from fairseq.data import ListDataset
from hypothesis import given
from hypothesis import strategies as st

from emo_mtl.data.datasets import BARTInputDataset
from emo_mtl.data.turns import keep_turns

BOS, EOS = 0, 2
TURN = st.lists(st.integers(4, 9), min_size=1, max_size=6)
CONTEXTS = st.lists(st.lists(TURN, min_size=1, max_size=5), min_size=1, max_size=6)


def flat(turns: list[list[int]]) -> list[int]:
    return [token for turn in turns for token in (*turn, EOS)]


def dataset(contexts: list[list[list[int]]]) -> ListDataset:
    items = [torch.tensor(flat(turns)) for turns in contexts]
    return ListDataset(items, [len(item) for item in items])


def inputs(contexts: list[list[list[int]]], most: int, max_length: int) -> BARTInputDataset:
    tokens = dataset(contexts)
    return BARTInputDataset(tokens, BOS, EOS, max_length, keep_turns(tokens, EOS, most, max_length))


THREE = [[5, 5], [6], [7, 7, 7]]


class TestByHand:
    def test_all_that_are_asked_for(self):
        found = inputs([THREE, [[8]]], most=2, max_length=64)
        assert found[0].tolist() == [BOS, 6, EOS, 7, 7, 7, EOS]
        assert found[1].tolist() == [BOS, 8, EOS]
        assert found.sizes.tolist() == [7, 3]
        assert found.turns == 2

    def test_oldest_turns_have_no_room(self):
        kept = keep_turns(dataset([THREE]), EOS, most=3, max_length=9)
        assert (kept.turns[0], kept.given[0], kept.dropped[0]) == (2, 3, 1)
        assert inputs([THREE], 3, 9)[0].tolist() == [BOS, 6, EOS, 7, 7, 7, EOS]
        assert inputs([THREE], 3, 10)[0].tolist() == [BOS, 5, 5, EOS, 6, EOS, 7, 7, 7, EOS]

    def test_last_turn_alone_is_cut_at_its_end(self):
        found = inputs([THREE], most=3, max_length=4)
        assert found[0].tolist() == [BOS, 7, 7, EOS]
        assert found.sizes.tolist() == [4]

    def test_no_items(self):
        assert len(keep_turns(ListDataset([], []), EOS, 3, 64).starts) == 0


@given(CONTEXTS, st.integers(1, 6), st.integers(2, 30))
def test_as_one_turn_after_the_other(contexts, most, max_length):
    """The vectorised rule against the same rule in words."""
    found = inputs(contexts, most, max_length)
    for i, turns in enumerate(contexts):
        kept = turns[-1:]
        for turn in reversed(turns[-most:-1]):
            if 1 + sum(len(t) + 1 for t in [turn, *kept]) > max_length:
                break
            kept = [turn, *kept]
        expected = [BOS, *flat(kept)[:-1][: max_length - 2], EOS]
        assert found[i].tolist() == expected
        assert found.sizes[i] == len(expected)


@given(CONTEXTS, st.integers(2, 30))
def test_one_turn_is_as_if_there_were_no_others(contexts, max_length):
    several = inputs(contexts, 1, max_length)
    alone = inputs([turns[-1:] for turns in contexts], 1, max_length)
    assert np.array_equal(several.sizes, alone.sizes)
    assert [several[i].tolist() for i in range(len(several))] == [
        alone[i].tolist() for i in range(len(alone))
    ]
