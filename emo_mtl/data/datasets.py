"""Datasets of the task: BART's input format, labelled utterances, and several tasks in one."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from fairseq.data import BaseWrapperDataset, FairseqDataset, LanguagePairDataset
from torch import Tensor

from emo_mtl.data.turns import Kept
from emo_mtl.training.preemption import spare_worker


def bart_input(tokens: Tensor, bos: int, eos: int, max_length: int) -> Tensor:
    """`tokens </s>` as fairseq-preprocess writes it -> `<s> tokens </s>`, the format BART was trained on.

    Args:
        tokens: 1-dimensional, ends in `eos`; a `bos` that stands in front already is kept as it is
        max_length: of the result, in tokens; what is cut off stands before `</s>`, which is kept

    Returns:
        1-dimensional, at most `max_length` long
    """
    inner = tokens[int(tokens[0] == bos) : -1][: max_length - 2]
    return torch.cat([tokens.new_tensor([bos]), inner, tokens.new_tensor([eos])])


class ResizedDataset(BaseWrapperDataset):
    """A wrapper whose items have other lengths than those of the data set in it.

    Args:
        sizes: in tokens, shape (number of items)
    """

    def __init__(self, dataset: FairseqDataset, sizes: np.ndarray):
        super().__init__(dataset)
        self._sizes = sizes

    @property
    def sizes(self) -> np.ndarray:
        """Lengths in tokens, shape (number of items)."""
        return self._sizes

    def size(self, index: int) -> int:
        return self._sizes[index]

    def num_tokens(self, index: int) -> int:
        return self._sizes[index]


class BARTInputDataset(ResizedDataset):
    """Each item, or the turns of it that are kept, through :func:`bart_input`.

    Its sizes are those after truncation, 1 more where an item has a `<s>` already.
    """

    def __init__(
        self,
        dataset: FairseqDataset,
        bos: int,
        eos: int,
        max_length: int,
        kept: Kept | None = None,
    ):
        left = np.asarray(dataset.sizes) - (0 if kept is None else kept.starts)
        super().__init__(dataset, np.minimum(left + 1, max_length))
        self.bos, self.eos, self.max_length, self.kept = bos, eos, max_length, kept

    @property
    def turns(self) -> int:
        """The most turns of an item that are kept."""
        return 1 if self.kept is None else int(self.kept.turns.max(initial=1))

    def __getitem__(self, index: int) -> Tensor:
        start = 0 if self.kept is None else self.kept.starts[index]
        return bart_input(self.dataset[index][start:], self.bos, self.eos, self.max_length)


class PairDataset(LanguagePairDataset):
    """fairseq's pairs of sequences, of which no batch is lost.

    fairseq main (after 0.12.2) drops the last batch where its size is no multiple of
    `--required-batch-size-multiple`, 8 by default: up to 7 lines of a test set would go missing.
    """

    def batch_by_size(self, indices: np.ndarray, **limits: Any) -> list[np.ndarray]:
        """Batches of the indices in their order, all of them."""
        batches = list(super().batch_by_size(indices, **limits))
        rest = indices[sum(map(len, batches)) :]
        return [*batches, rest] if len(rest) else batches

    def set_epoch(self, epoch: int) -> None:
        """Tell the utterances, which fairseq's pairs would not."""
        super().set_epoch(epoch)
        self.src.set_epoch(epoch)

    def collater(self, samples: list[dict[str, Any]], *args: Any, **kwargs: Any) -> dict[str, Any]:
        """As of `LanguagePairDataset`; the first thing of ours that runs in a DataLoader's worker."""
        spare_worker()
        return super().collater(samples, *args, **kwargs)


class LabelledDataset(BaseWrapperDataset):
    """Utterances paired with themselves (BART's classification input), with a label as the target.

    Args:
        pairs: the utterance as source and as target, which makes `prev_output_tokens` the
            right-shifted utterance (paper, Section 3.1)
        labels: class numbers, shape (number of items); of several labels an utterance truth values,
            number of items x C
    """

    def __init__(self, pairs: PairDataset, labels: Tensor):
        super().__init__(pairs)
        self.labels = labels

    def collater(self, samples: list[dict[str, Any]]) -> dict[str, Any]:
        """A batch as of `LanguagePairDataset`, with the labels as `target`, shape (batch) or batch x C."""
        batch = self.dataset.collater(samples)
        return {**batch, "target": self.labels[batch["id"]]} if batch else batch


class MultitaskDataset(FairseqDataset):
    """Several tasks behind one running index. A batch holds one task and names it in `batch["task"]`."""

    def __init__(self, datasets: Mapping[str, FairseqDataset]):
        self.datasets = dict(datasets)
        self.names = list(self.datasets)
        self.offsets = np.cumsum([0, *map(len, self.datasets.values())])

    def __len__(self) -> int:
        return int(self.offsets[-1])

    def _locate(self, index: int) -> tuple[str, int]:
        task = int(np.searchsorted(self.offsets, index, side="right")) - 1
        return self.names[task], int(index - self.offsets[task])

    def _per_task(self, indices: np.ndarray) -> Iterator[tuple[FairseqDataset, np.ndarray, int]]:
        """Each task's dataset, those of the indices that are its own, and its offset."""
        indices = np.asarray(indices, dtype=np.int64)
        for name, start, end in zip(self.names, self.offsets[:-1], self.offsets[1:], strict=True):
            own = indices[(indices >= start) & (indices < end)] - start
            if own.size:
                yield self.datasets[name], own, int(start)

    def names_of(self, indices: np.ndarray) -> set[str]:
        """The tasks that some of the indices belong to."""
        return {self._locate(int(own[0]) + start)[0] for _, own, start in self._per_task(indices)}

    def set_epoch(self, epoch: int) -> None:
        """Tell the data set of each task."""
        for dataset in self.datasets.values():
            dataset.set_epoch(epoch)

    def __getitem__(self, index: int) -> tuple[str, Any]:
        name, local = self._locate(index)
        return name, self.datasets[name][local]

    def collater(self, samples: list[tuple[str, Any]]) -> dict[str, Any]:
        """The batch of the task that all samples belong to; `{}` for no samples (an uneven shard)."""
        if not samples:
            return {}
        (name,) = {name for name, _ in samples}
        return {**self.datasets[name].collater([item for _, item in samples]), "task": name}

    def size(self, index: int) -> Any:
        name, local = self._locate(index)
        return self.datasets[name].size(local)

    def num_tokens(self, index: int) -> int:
        name, local = self._locate(index)
        return self.datasets[name].num_tokens(local)

    def task_indices(self, name: str) -> np.ndarray:
        """Running indices of one task, ordered by length, equal lengths shuffled by numpy's seed."""
        return self.datasets[name].ordered_indices() + self.offsets[self.names.index(name)]

    def ordered_indices(self) -> np.ndarray:
        return np.concatenate([self.task_indices(name) for name in self.names])

    def filter_indices_by_size(
        self, indices: np.ndarray, max_sizes: Any
    ) -> tuple[np.ndarray, list[int]]:
        kept: list[np.ndarray] = []
        ignored: list[int] = []
        for dataset, own, offset in self._per_task(indices):
            keep, drop = dataset.filter_indices_by_size(own, max_sizes)
            kept.append(np.asarray(keep) + offset)
            ignored.extend(int(i) + offset for i in drop)
        return np.concatenate(kept), ignored

    def batch_by_size(self, indices: np.ndarray, **limits: Any) -> list[np.ndarray]:
        return [
            np.asarray(batch) + offset
            for dataset, own, offset in self._per_task(indices)
            for batch in dataset.batch_by_size(own, **limits)
        ]
