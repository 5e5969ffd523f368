"""Several turns in one input: which of them a model is given. In tokens each turn ends in `</s>`."""

from typing import NamedTuple

import numpy as np
from fairseq.data import FairseqDataset
from fairseq.data.indexed_dataset import MMapIndexedDataset


class Kept(NamedTuple):
    """The turns that are kept of each of N items, all of shape (N).

    Attributes:
        starts: index of the first token that is kept
        turns: how many turns are kept, one or more
        given: how many turns there are
        dropped: how many of the last turns asked for are too long together
    """

    starts: np.ndarray
    turns: np.ndarray
    given: np.ndarray
    dropped: np.ndarray


def keep_turns(dataset: FairseqDataset, eos: int, most: int, max_length: int) -> Kept:
    """The last turns of each item, at most `most`: the oldest are dropped until the rest has room.

    The last turn is always kept; where it is too long by itself it has to be cut.

    Args:
        dataset: each item `tokens </s> ... tokens </s>`, the last turn last
        eos: the number of `</s>`
        max_length: of an input in tokens, with a `<s>` in front
    """
    sizes = np.asarray(dataset.sizes, dtype=np.int64)
    if not len(sizes):
        return Kept(*[np.zeros(0, dtype=np.int64)] * 4)
    ends = sizes.cumsum()
    is_end = all_tokens(dataset) == eos
    is_end[ends - 1] = True
    stops = np.flatnonzero(is_end)  # from here on: one entry a turn, of all items in a row
    starts = np.concatenate([[0], stops[:-1] + 1])
    items = np.searchsorted(ends, stops, side="right")
    first = np.searchsorted(items, np.arange(len(sizes)))  # number of each item's first turn
    last = np.append(first[1:], len(stops)) - 1
    later = last[items] - np.arange(len(stops))  # turns that follow in the item

    is_asked_for = later < most
    has_room = (ends[items] - starts + 1 <= max_length) | (later == 0)
    dropped = np.bincount(items[is_asked_for & ~has_room], minlength=len(sizes))
    kept = first + np.bincount(items[~is_asked_for], minlength=len(sizes)) + dropped
    return Kept(starts[kept] - (ends - sizes), last - kept + 1, last - first + 1, dropped)


def all_tokens(dataset: FairseqDataset) -> np.ndarray:
    """The tokens of all items in a row; a binarized file holds them so, and is read at once."""
    if isinstance(dataset, MMapIndexedDataset):
        return np.frombuffer(dataset._bin_buffer, dataset._index.dtype)
    return np.concatenate([np.asarray(dataset[i]) for i in range(len(dataset))])
