"""Where `polynomial_decay` ends: with the training, unless --total-num-update says otherwise.

fairseq asks for the number of updates, which depends on the data, the tasks and the batches. Too few, and
the rest of the training has the final rate, 0 by default, and changes nothing.
"""

import logging
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fairseq import utils
from torch import nn

from emo_mtl.errors import UserError

logger = logging.getLogger(__name__)


def count_updates(
    steps: int, update_freq: Sequence[int], max_epoch: int, max_update: int
) -> int | None:
    """Updates of a whole training; None where nothing ends it.

    Args:
        steps: mini-batches of an epoch, of one process
        update_freq: mini-batches of an update in epoch 1, 2, ...; the last goes on
        max_epoch: epochs; 0 for no limit
        max_update: the most updates; 0 for no limit
    """
    ends = [max_update] if max_update else []
    if max_epoch:
        in_epoch = [math.ceil(steps / freq) for freq in update_freq[:max_epoch]]
        ends.append(sum(in_epoch) + in_epoch[-1] * (max_epoch - len(in_epoch)))
    return min(ends, default=None)


def decays(cfg: Any) -> bool:
    """Whether a command's config has a scheduler, and it is `polynomial_decay`."""
    return "lr_scheduler" in cfg and cfg.lr_scheduler._name == "polynomial_decay"


def keep_horizon(cfg: Any, path: Path, saved: Mapping[str, Any]) -> None:
    """Let a decay without --total-num-update go on as it was in the checkpoint's training.

    With the optimizer's state fairseq builds the scheduler before it knows the number of batches.

    Args:
        cfg: fairseq-train's whole config
        path: of the checkpoint
        saved: the flags of its scheduler

    Raises:
        UserError: that training had no such decay
    """
    if not decays(cfg) or cfg.lr_scheduler.total_num_update:
        return
    if saved.get("_name") != "polynomial_decay" or not saved.get("total_num_update"):
        raise UserError(
            f"--lr-scheduler polynomial_decay: {path} was not trained with it, expected --total-num-update: "
            "the update at which the decay ends"
        )
    cfg.lr_scheduler.total_num_update = saved["total_num_update"]


def count_ahead(cfg: Any, task: Any, model: nn.Module) -> None:
    """Let a decay without --total-num-update begin anew with a checkpoint's parameters.

    fairseq builds the scheduler when it loads the file, before it asks for the training's batches: they are
    made once more, before, for their number alone.

    Args:
        cfg: fairseq-train's whole config
        task: whose `get_batch_iterator` calls :func:`set_horizon`
        model: whose longest sequences count

    Raises:
        UserError: as of :func:`set_horizon`, or data that is missing or damaged
    """
    if not decays(cfg) or cfg.lr_scheduler.total_num_update:
        return
    data = cfg.dataset
    task.load_dataset(data.train_subset, combine=True)
    task.get_batch_iterator(
        task.dataset(data.train_subset),
        max_tokens=data.max_tokens,
        max_sentences=data.batch_size,
        max_positions=utils.resolve_max_positions(
            task.max_positions(), model.max_positions(), data.max_tokens
        ),
        ignore_invalid_inputs=True,
        required_batch_size_multiple=data.required_batch_size_multiple,
        seed=cfg.common.seed,
        num_shards=cfg.distributed_training.distributed_world_size,
        skip_remainder_batch=cfg.optimization.skip_remainder_batch,
        disable_iterator_cache=True,
    )


def set_horizon(cfg: Any, steps: int) -> None:
    """Let `polynomial_decay` end with the training where --total-num-update is not given.

    Where it is given and ends before, say so.

    Args:
        cfg: fairseq-train's whole config, from which the scheduler is built afterwards; or an empty one
        steps: mini-batches of an epoch, of one process

    Raises:
        UserError: neither --total-num-update nor an end of the training is given
    """
    if not decays(cfg):
        return
    optimization = cfg.optimization
    updates = count_updates(
        steps, optimization.update_freq, optimization.max_epoch, optimization.max_update
    )
    total = cfg.lr_scheduler.total_num_update
    if not total and updates is None:
        raise UserError(
            "--lr-scheduler polynomial_decay: found none of --total-num-update, --max-epoch and "
            "--max-update, expected one: it decays to the end of the training"
        )
    if not total:
        logger.info(f"--total-num-update {updates}: not given, so it is the whole training")
        cfg.lr_scheduler.total_num_update = updates
    elif updates is None or total < updates:
        rate = cfg.lr_scheduler.end_learning_rate
        warn_once(
            f"--total-num-update {total:.0f}: the learning rate is {rate:g} from there on, and the training "
            f"goes on {'without end' if updates is None else f'to update {updates}'}. Leave the flag out "
            "from the start of a training: it is then the whole training"
        )


@cache
def warn_once(message: str) -> None:
    """Warn, but not again in the next epoch."""
    logger.warning(message)
