"""Where in the data a training goes on: at the place that it had reached, or not at all."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emo_mtl.errors import UserError
from emo_mtl.tasks.config import LENGTHS
from emo_mtl.training.checkpoints import saved_flags

logger = logging.getLogger(__name__)

# The batches of an epoch and their order follow from the data and these flags, by group of fairseq's config.
ORDER = {
    "common": ("seed",),
    "dataset": ("max_tokens", "batch_size", "required_batch_size_multiple", "train_subset"),
    "distributed_training": ("distributed_world_size",),
    "task": ("classification_tasks", "task_sampling", "sampling_temperature", *LENGTHS),
}


def check_position(path: Path, content: Mapping[str, Any], cfg: Any, is_ours: bool) -> None:
    """Look at the position in the training data from which training goes on; warn where the order changes.

    fairseq counts updates from the micro-batches that were seen: where these are no whole number of updates,
    it would lose the last ones, and repeat the whole epoch.

    Args:
        content: of a checkpoint
        is_ours: whether it is one of this task

    Raises:
        UserError: a position in other data, or in the middle of an update
    """
    position = content["extra_state"]["train_iterator"]
    epoch, seen = position["epoch"], position.get("iterations_in_epoch", 0)
    anew = "--reset-dataloader, which begins with epoch 1"
    if not is_ours and (epoch > 1 or seen):
        raise UserError(
            f"{path}: not of --task emotion_dialogue, and in epoch {epoch} of other data: add {anew} (and "
            "--reset-optimizer --reset-meters), or use --finetune-from-model"
        )
    if not seen:
        return
    where = f"{path}: in the middle of epoch {epoch}"
    freqs = cfg.optimization.update_freq
    freq = freqs[min(epoch, len(freqs)) - 1]
    if seen % freq:
        before = saved_flags(content, "optimization").get("update_freq", "of before")
        raise UserError(
            f"--update-freq {freq}: {where} after {seen:,} micro-batches, expected a multiple of {freq}: go "
            f"on with --update-freq {before} (or a divisor of it) until the epoch's end, or add {anew}"
        )
    changed = []
    for group, names in ORDER.items():
        saved = saved_flags(content, group)
        changed += [
            f"--{name.replace('_', '-')} {saved[name]} became {cfg[group][name]}"
            for name in names
            if name in saved and str(saved[name]) != str(cfg[group][name])
        ]
    if changed:
        logger.warning(
            f"{where}, and {', '.join(changed)}: the rest of the epoch is drawn "
            "anew, so that some examples come twice in it and others not at all"
        )


def check_room(position: Mapping[str, int], epoch: int, num_batches: int) -> None:
    """Raise `UserError` where an epoch ends before the position from which training is to go on.

    Args:
        position: the state of fairseq's iterator in a checkpoint; {} for none
        num_batches: micro-batches in the epoch, of one rank
    """
    seen = position.get("iterations_in_epoch", 0)
    if position.get("epoch") == epoch and seen >= num_batches:
        raise UserError(
            f"the checkpoint is in the middle of epoch {epoch}, after {seen:,} micro-batches, but this run "
            f"has {num_batches:,} in an epoch: go on with the data and the batch size of before until its "
            "end, or add --reset-dataloader, which begins with epoch 1"
        )
