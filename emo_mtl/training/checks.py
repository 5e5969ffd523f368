"""What is looked at before and while a model is trained: launcher, lengths, clipping, gradients."""

import logging
from collections.abc import Collection, Mapping
from typing import Any

from torch import nn

from emo_mtl.errors import UserError

logger = logging.getLogger(__name__)

# Bits per token. A model that reads has some tenths, one whose encoder gives all texts the same states 0.000.
LEAST_GAIN = 0.005


def check_launcher(environment: Mapping[str, str], world_size: int) -> None:
    """Raise `UserError` where a launcher (torchrun) started several processes, each training alone.

    fairseq main (after 0.12.2) reads the launcher's variables only on a machine with several GPUs.
    Elsewhere every process would be a training of its own, and all would write the same checkpoints.
    """
    launched = int(environment.get("WORLD_SIZE", "1"))
    if launched > 1 and world_size == 1 and "RANK" in environment:
        raise UserError(
            f"found WORLD_SIZE={launched} in the environment, but fairseq is about to train on 1 process: "
            f"add --distributed-world-size {launched} --distributed-rank $RANK --distributed-no-spawn "
            "--distributed-init-method env:// (and --distributed-backend gloo on CPUs)"
        )


def fit_lengths(cfg: Any, model: nn.Module, has_heads: bool, from_checkpoint: bool) -> None:
    """Keep sequences within the positions of a model, which the decoder of a head has for utterances too.

    Args:
        cfg: of the task, whose lengths are set
        has_heads: whether the model classifies
        from_checkpoint: whether it is loaded to be used, not to be trained

    Raises:
        UserError: in training, lengths beyond the positions: all longer texts would be left out
    """
    encoder, decoder = model.max_positions()
    positions = {
        "source": min(encoder, decoder) if has_heads else encoder,
        "target": decoder,
    }
    for side, most in positions.items():
        flag = f"max_{side}_length"
        length = getattr(cfg, flag)
        if length > most and not from_checkpoint:
            raise UserError(
                f"--{flag.replace('_', '-')} {length}: the model has {most} positions for them, "
                f"expected as many or more: give --max-{side}-length {most}, or more positions "
                "(--max-source-positions, --max-target-positions)"
            )
        setattr(cfg, flag, min(length, most))


def warn_of_clipping(cfg: Any, tasks: int, weights: Collection[float]) -> None:
    """Warn where gradient clipping undoes the weights.

    Args:
        cfg: of the task
        tasks: how many are trained
        weights: of the classification tasks
    """
    weighted = any(weight not in (0, 1) for weight in weights)
    holds_all = cfg.task_sampling == "round-robin" and min(cfg.update_freq) >= tasks
    if weighted and 0 < cfg.clip_norm <= 1 and not holds_all:
        logger.warning(
            f"--loss-weights {cfg.loss_weights} will hardly act: with --clip-norm {cfg.clip_norm} every "
            f"update is rescaled to the same norm, and not every update holds all {tasks} tasks. Use "
            f"--task-sampling round-robin with --update-freq {tasks} or a multiple"
        )


def warn_of_gain(stats: Mapping[str, Any]) -> None:
    """Warn where responses are as probable after the utterances of others: it can pass as a good model.

    Args:
        stats: of a validation, see `MultitaskNLLCriterion.reduce_metrics`
    """
    gain = stats.get("response_gain")
    if gain is not None and gain < LEAST_GAIN:
        logger.warning(
            f"response_gain {gain} bits per token: the responses of the validation set are as probable after "
            "other utterances, so that the model does not read what it answers. At the start of a training "
            "that may pass; where it stays or comes back, lower --lr or give more --warmup-updates, whatever "
            "response_ppl says"
        )


def check_gradient(handled: BaseException | None, model: nn.Module) -> None:
    """Raise `UserError` where fairseq's trainer is handling a gradient that is NaN or infinite.

    It runs the update again then, to see where the numbers come from, with hooks that fail at BART's encoder
    (`StopIteration`: it returns a dictionary of lists).

    Args:
        handled: the exception that is being handled (`sys.exc_info`)
    """
    if isinstance(handled, FloatingPointError):
        raise UserError(
            f"update {getattr(model, 'num_updates', 0) + 1}: {handled}, expected finite numbers; the "
            "checkpoints are as they were (crash.pt holds the parameters before it): continue from the last "
            "good one with a lower --lr, with --clip-norm 1 or with --reset-optimizer"
        ) from handled
