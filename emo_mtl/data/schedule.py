"""Which task trains at which micro-step: pure functions of batch counts, ranks, seed and epoch.

A *step* is one micro-step of all ranks together: `num_shards` batches of one task, one for each rank.
A *pass* is one reshuffled run over all batches of a task; passes are numbered from 0.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class BatchId(NamedTuple):
    """The `position`-th batch in pass number `cycle` over task number `task`."""

    task: int
    cycle: int
    position: int


Step = list[BatchId]


def pass_steps(task: int, cycle: int, num_batches: int, num_shards: int) -> list[Step]:
    """One pass over a task: every batch once.

    Where the last step would be short, it is filled from the start of the pass, so that every rank
    always has a batch (as in torch's `DistributedSampler`).
    """
    return [
        [
            BatchId(task, cycle, (step * num_shards + shard) % num_batches)
            for shard in range(num_shards)
        ]
        for step in range(math.ceil(num_batches / num_shards))
    ]


def endless_steps(
    task: int, num_batches: int, num_shards: int, first: int, count: int
) -> list[Step]:
    """Steps `first` to `first + count` of pass after pass over a task, without a gap between passes."""
    return [
        [
            BatchId(task, *divmod(step * num_shards + shard, num_batches))
            for shard in range(num_shards)
        ]
        for step in range(first, first + count)
    ]


def round_robin(num_batches: Sequence[int], num_shards: int, epoch: int) -> list[Step]:
    """Task 0, 1, 2, ..., 0, 1, 2, ...: an epoch is one pass over task 0, the others are cycled.

    Args:
        num_batches: batches in a pass of each task
        num_shards: number of ranks
        epoch: counted from 1; the cycled tasks go on where the epoch before ended
    """
    primary = pass_steps(0, epoch - 1, num_batches[0], num_shards)
    cycled = [
        endless_steps(task, num, num_shards, (epoch - 1) * len(primary), len(primary))
        for task, num in enumerate(num_batches[1:], start=1)
    ]
    return [step for turn in zip(primary, *cycled, strict=True) for step in turn]


def proportional(num_batches: Sequence[int], num_shards: int, epoch: int, seed: int) -> list[Step]:
    """All batches of all tasks in random order (MT-DNN, Liu et al. 2019, Algorithm 1; the paper).

    An epoch is one pass over every task, so that a task is seen in proportion to its size.
    """
    steps = [
        step
        for task, num in enumerate(num_batches)
        for step in pass_steps(task, epoch - 1, num, num_shards)
    ]
    return shuffled(steps, epoch, seed)


def temperature(
    num_batches: Sequence[int], num_shards: int, epoch: int, seed: int, degree: float
) -> list[Step]:
    """Tasks in random order, seen in proportion to their size to the power of 1 / `degree`.

    An epoch is one pass over task 0; the others are cycled. A degree of 1 gives the counts of
    :func:`proportional`, a large one those of :func:`round_robin`. In Arivazhagan et al. 2019, "Massively
    Multilingual Neural Machine Translation in the Wild", each batch's task is drawn; here only the order is.

    Args:
        num_batches: batches in a pass of each task
        num_shards: number of ranks
        epoch: counted from 1; the cycled tasks go on where the epoch before ended
        degree: T, 1 or more
    """
    steps = pass_steps(0, epoch - 1, num_batches[0], num_shards)
    primary = len(steps)
    for task, num in enumerate(num_batches[1:], start=1):
        rate = primary * (num / num_batches[0]) ** (1 / degree)  # steps an epoch
        first, end = round((epoch - 1) * rate), round(epoch * rate)
        steps = steps + endless_steps(task, num, num_shards, first, end - first)
    return shuffled(steps, epoch, seed)


def shuffled(steps: Sequence[Step], epoch: int, seed: int) -> list[Step]:
    """Steps in an order that depends on the seed and the epoch alone."""
    order = np.random.default_rng([seed, epoch]).permutation(len(steps))
    return [steps[i] for i in order]
