"""fairseq's iterator over batches, following a schedule of several tasks."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from fairseq.data import data_utils, iterators

from emo_mtl.data.datasets import MultitaskDataset
from emo_mtl.data.schedule import Step, proportional, round_robin, temperature

Batches = Sequence[np.ndarray]


def shuffled_pass(
    dataset: MultitaskDataset,
    task: int,
    cycle: int,
    seed: int,
    keep: Callable[[np.ndarray], np.ndarray],
    **limits: Any,
) -> list[np.ndarray]:
    """The batches of one pass over a task: equal lengths are mixed anew, then the batches are.

    Args:
        keep: leaves out indices of examples that are too long for the model
        limits: `max_tokens` and so on, see `FairseqDataset.batch_by_size`
    """
    with data_utils.numpy_seed(seed, task, cycle):
        indices = keep(dataset.task_indices(dataset.names[task]))
        batches = dataset.batch_by_size(indices, **limits)
        return [batches[i] for i in np.random.permutation(len(batches))]


def epoch_batches(steps: Sequence[Step], one_pass: Callable[[int, int], Batches]) -> Batches:
    """The batches of all steps, those of a step's ranks side by side.

    Args:
        one_pass: the batches of (task, cycle)
    """
    once = cache(one_pass)
    return [once(batch.task, batch.cycle)[batch.position] for step in steps for batch in step]


class ScheduledBatchIterator(iterators.EpochBatchIterator):
    """Batches in the order given for each epoch, which fairseq must not shuffle; one pool of workers.

    `EpochBatchIterator` would shuffle them, and takes the batches of its first epoch for all.

    Args:
        batches_of: the batches of an epoch, those of a step's ranks side by side
        kwargs: of `EpochBatchIterator`
    """

    def __init__(self, batches_of: Callable[[int], Batches], epoch: int, **kwargs: Any):
        super().__init__(
            batch_sampler=batches_of(epoch),
            epoch=epoch,
            disable_shuffling=True,
            reuse_dataloader=True,
            **kwargs,
        )
        self.batches_of = batches_of

    def ordered_batches(self, epoch: int, fix_batches_to_gpus: bool, shuffle: bool) -> Batches:
        """This rank's batches of an epoch."""
        self._frozen_batches = tuple(self.batches_of(epoch))
        return super().ordered_batches(epoch, fix_batches_to_gpus, shuffle=False)


def scheduled_iterator(
    dataset: MultitaskDataset,
    sampling: str,
    degree: float,
    keep: Callable[[np.ndarray], np.ndarray],
    *,
    max_tokens: int | None = None,
    max_sentences: int | None = None,
    required_batch_size_multiple: int = 1,
    seed: int = 1,
    num_shards: int = 1,
    shard_id: int = 0,
    num_workers: int = 0,
    epoch: int = 1,
    data_buffer_size: int = 0,
    skip_remainder_batch: bool = False,
    **unused: Any,
) -> ScheduledBatchIterator:
    """An iterator over the schedule, whose order depends on seed and epoch only.

    Args:
        sampling: the value of `--task-sampling`
        degree: that of `--sampling-temperature`
        keep: see :func:`shuffled_pass`
        num_shards: ranks, of which this is number `shard_id`
        unused: other arguments of `FairseqTask.get_batch_iterator`; those above are as there
    """
    one_pass = partial(
        shuffled_pass,
        dataset,
        seed=seed,
        keep=keep,
        max_tokens=max_tokens,
        max_sentences=max_sentences,
        required_batch_size_multiple=required_batch_size_multiple,
    )
    num_batches = [len(one_pass(task, cycle=0)) for task in range(len(dataset.names))]

    def batches_of(epoch: int) -> Batches:
        if sampling == "proportional":
            steps = proportional(num_batches, num_shards, epoch, seed)
        elif sampling == "temperature":
            steps = temperature(num_batches, num_shards, epoch, seed, degree)
        else:
            steps = round_robin(num_batches, num_shards, epoch)
        return epoch_batches(steps, one_pass)

    return ScheduledBatchIterator(
        batches_of,
        epoch,
        dataset=dataset,
        collate_fn=dataset.collater,
        seed=seed,
        num_shards=num_shards,
        shard_id=shard_id,
        num_workers=num_workers,
        buffer_size=data_buffer_size,
        skip_remainder_batch=skip_remainder_batch,
    )
