"""Whose parameters a training is about to take over: looked at before anything is trained.

fairseq compares neither dictionaries nor labels.
"""

import logging
from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from fairseq.criterions import CRITERION_REGISTRY
from fairseq.optim import OPTIMIZER_REGISTRY
from torch import Tensor, nn

from emo_mtl.compat import is_copy
from emo_mtl.data.emotions import Emotions
from emo_mtl.errors import UserError
from emo_mtl.models.emo_bart import EMBEDDING, rows_changed
from emo_mtl.models.heads import check_heads, head_of, head_sizes
from emo_mtl.optim.horizon import count_ahead, keep_horizon
from emo_mtl.tasks.config import parse_class_weights, parse_loss_weights, parse_task_names
from emo_mtl.tasks.state import check_state
from emo_mtl.training.checkpoints import read, saved_flags
from emo_mtl.training.position import check_position
from emo_mtl.training.start import Start

logger = logging.getLogger(__name__)

SIDES = ("encoder", "decoder")
# What a model computes follows from these flags and its parameters.
ARCHITECTURE = (
    *(f"{side}_layers" for side in SIDES),
    *(f"{side}_embed_dim" for side in SIDES),
    *(f"{side}_ffn_embed_dim" for side in SIDES),
    *(f"{side}_attention_heads" for side in SIDES),
    *(f"{side}_learned_pos" for side in SIDES),
    *(f"{side}_normalize_before" for side in SIDES),
    *("max_source_positions", "max_target_positions"),
    *("share_all_embeddings", "share_decoder_input_output_embed", "no_scale_embedding"),
    *("layernorm_embedding", "activation_fn", "pooler_activation_fn", "cross_self_attention"),
)


def check_start(start: Start, cfg: Any, task: Any, model: nn.Module) -> None:
    """Compare the file that a training starts from with the training; tell the model what of it to adapt.

    Args:
        cfg: the config of the whole command
        task: an `EmotionDialogueTask`
        model: as it was built, with its heads

    Raises:
        UserError: no checkpoint, or one of another dictionary, architecture or optimizer, of other heads
            where the optimizer's state is kept, or with a position from which training cannot go on
    """
    path, content = start.path, read(start.path)
    state = content.get("task_state") or {}
    is_ours = "heads" in state
    goes_on = start.with_optimizer and content.get("last_optimizer_state") is not None
    found = head_sizes(content["model"])
    kept = {
        name: labels
        for name, labels in task.heads.items()
        if state.get("heads", {}).get(name) == labels
        and found.get(name) == len(labels)
        and (name in state.get("multi_label", [])) == (name in task.multi_label)
    }
    if start.with_optimizer:
        check_state(state, task.state, task.data_folder())
        check_heads(found, {name: len(labels) for name, labels in task.heads.items()})
        check_kinds(path, state, task)
        check_frozen_heads(path, saved_flags(content, "task"), task.cfg)
        check_turns(path, saved_flags(content, "task"), task.cfg)
        check_emotions(path, state, task.emotions)
        check_class_weights(path, saved_flags(content, "task"), task.cfg)
    else:
        check_state({**state, "heads": kept}, task.state, task.data_folder())
        log_heads(path, found, task.heads, kept)
    if "dictionary_sha256" not in state:
        logger.info(
            f"{path}: does not say which dictionary it belongs to: its rows are taken to be the symbols of "
            f"{task.data_folder()}, in their order"
        )
    flags = vars(cfg.model) if isinstance(cfg.model, Namespace) else dict(cfg.model)
    # With these fairseq takes some of the layers only, which it renumbers.
    is_pruned = any(flags.get(f"{side}_layers_to_keep") for side in SIDES)
    if not is_pruned:
        check_flags(path, saved_flags(content, "model"), flags)
    model.new_heads = task.heads.keys() - kept.keys()
    model.fits_rows = not is_ours and task.source_dictionary.symbols[-1] == "<mask>"
    change = rows_changed(content["model"].get(EMBEDDING), len(task.source_dictionary))
    if model.fits_rows and change:
        if goes_on:
            raise UserError(
                f"{path}: {change}, which the optimizer's state does not fit: add --reset-optimizer"
            )
        logger.warning(f"{path}: {change}")
    if not is_pruned:
        check_parameters(path, content["model"], model)
    if goes_on:
        check_optimizer(path, content["optimizer_history"][-1], cfg)
        keep_horizon(cfg, path, saved_flags(content, "lr_scheduler"))
    else:
        count_ahead(cfg, task, model)
    if start.with_position:
        check_position(path, content, cfg, is_ours)
        task.position = content["extra_state"]["train_iterator"]


def log_heads(
    path: Path,
    found: Collection[str],
    heads: Mapping[str, Sequence[str]],
    kept: Collection[str],
) -> None:
    """Say what becomes of a checkpoint's heads, where they are not all taken over."""
    lost = [name for name in found if name not in heads]
    other = [name for name in heads if name in found and name not in kept]
    if lost:
        logger.warning(
            f"{path}: its heads {', '.join(lost)} are left out: this run has no such task"
        )
    if other:
        logger.warning(
            f"{path}: the heads {', '.join(other)} begin anew: its labels are others, in another order, "
            "not known, or one an utterance in place of several"
        )


def check_kinds(path: Path, saved: Mapping[str, Any], task: Any) -> None:
    """Raise `UserError` where a training goes on with one label an utterance, and began with several, or so.

    Args:
        saved: the task's state of that training; old ones say nothing of several labels
        task: an `EmotionDialogueTask`
    """
    kinds = {True: "several labels", False: "one label"}
    for name in task.heads.keys() & saved.get("heads", {}).keys():
        then, now = name in saved.get("multi_label", []), name in task.multi_label
        if then != now:
            raise UserError(
                f"{task.data_folder() / name}: found {kinds[now]} an utterance, but {path} was trained with "
                f"{kinds[then]}: use the data of before, or begin another training with "
                f"--finetune-from-model {path} and another --save-dir"
            )


def check_frozen_heads(path: Path, saved: Mapping[str, Any], cfg: Any) -> None:
    """Raise `UserError` where a weight has changed from or to 0 since the checkpoint to resume from.

    Args:
        saved: the task's flags of that training
        cfg: the task's flags of this one
    """
    names = parse_task_names(saved.get("classification_tasks", ""))
    before = parse_loss_weights(saved.get("loss_weights", ""), names)
    weights = parse_loss_weights(cfg.loss_weights, parse_task_names(cfg.classification_tasks))
    for name, now in weights.items():
        then = before.get(name, now)
        if (now == 0) != (then == 0):
            raise UserError(
                f"--loss-weights {cfg.loss_weights!r}: found {name}={now:g}, but {path} was trained "
                f"with {name}={then:g}: a head of weight 0 has no part in the optimizer's state, which "
                "does not fit therefore. Go on with the weight as it was, or add --reset-optimizer once, "
                "which keeps the parameters and starts the optimizer and the learning rate anew"
            )


def check_turns(path: Path, saved: Mapping[str, Any], cfg: Any) -> None:
    """Raise `UserError` where a training goes on with another number of turns in its inputs.

    Args:
        saved: the task's flags of the training before; old ones have none
        cfg: the task's flags of this one
    """
    before = saved.get("context_turns", 1)
    if cfg.context_turns != before:
        raise UserError(
            f"--context-turns {cfg.context_turns}: {path} was trained with {before}: go on with "
            f"--context-turns {before}, or begin a training of other inputs with "
            f"--finetune-from-model {path} and another --save-dir"
        )


def check_emotions(path: Path, state: Mapping[str, Any], emotions: Emotions) -> None:
    """Raise `UserError` where a training goes on with other emotions in its inputs.

    Args:
        state: of the task in the training before; old ones have none
        emotions: of this one
    """
    before = Emotions(state.get("emotion_task", ""), state.get("emotions", {}))
    if before != emotions:
        found, expected = (
            f"--emotion-task {it.task} ({', '.join(it.tokens)})" if it.task else "no --emotion-task"
            for it in (emotions, before)
        )
        raise UserError(
            f"{path}: was trained with {expected}, but this run has {found}: go on with the task of before, "
            f"or begin a training of other inputs with --finetune-from-model {path} and another --save-dir"
        )


def check_class_weights(path: Path, saved: Mapping[str, Any], cfg: Any) -> None:
    """Raise `UserError` where a training goes on with other class weights: the losses would be others.

    Args:
        saved: the task's flags of the training before; old ones have none
        cfg: the task's flags of this one
    """
    names = parse_task_names(cfg.classification_tasks)
    before = parse_task_names(saved.get("classification_tasks", ""))
    then = parse_class_weights(saved.get("class_weights", ""), before)
    if parse_class_weights(cfg.class_weights, names) != [name for name in names if name in then]:
        raise UserError(
            f"--class-weights {cfg.class_weights!r}: {path} was trained with "
            f"{saved.get('class_weights', '')!r}: go on with the same, or begin a training of other losses "
            f"with --finetune-from-model {path} and another --save-dir"
        )


def check_flags(path: Path, saved: Mapping[str, Any], flags: Mapping[str, Any]) -> None:
    """Raise `UserError` where flags of the model's architecture are not those of the checkpoint."""
    differ = [
        name
        for name in ARCHITECTURE
        if name in saved and name in flags and saved[name] != flags[name]
    ]
    if differ:
        there, here = (shown(differ, values) for values in (saved, flags))
        raise UserError(
            f"{path}: a model of another architecture: found {there}, but this run has {here}: give the "
            "flags and the --arch of the checkpoint, or start from another (another --save-dir)"
        )


def shown(names: Sequence[str], values: Mapping[str, Any]) -> str:
    """Flags as they are typed."""
    return " ".join(f"--{name.replace('_', '-')} {values[name]}" for name in names)


def check_parameters(path: Path, state_dict: Mapping[str, Tensor], model: nn.Module) -> None:
    """Raise `UserError` where the parameters are not the model's, after what it adapts when it loads them."""
    own = model.state_dict()
    heads = {name: value for name, value in own.items() if head_of(name)}
    adapted = {name: value for name, value in state_dict.items() if not head_of(name)} | heads
    model.upgrade_state_dict(adapted)
    differ = [
        name
        for name in sorted(own.keys() | adapted.keys())
        if shape(own, name) != shape(adapted, name) and not is_copy(name)
    ]
    if differ:
        name = differ[0]
        raise UserError(
            f"{path}: a model of another architecture: found {shape(adapted, name) or 'nothing'} as {name}, "
            f"expected {shape(own, name) or 'nothing'} ({len(differ)} such parameters): give the flags and "
            "the --arch of the checkpoint, or start from another (another --save-dir)"
        )


def shape(state_dict: Mapping[str, Tensor], name: str) -> str:
    """Such as `45 x 16`; empty where there is no such parameter."""
    if name not in state_dict:
        return ""
    return " x ".join(map(str, state_dict[name].shape)) or "1"


def check_optimizer(path: Path, saved: Mapping[str, Any], cfg: Any) -> None:
    """Raise `UserError` where the optimizer's state is that of another criterion or optimizer.

    Args:
        saved: the last entry of a checkpoint's `optimizer_history`
    """
    expected = {
        "criterion": CRITERION_REGISTRY[cfg.criterion._name].__name__,
        "optimizer": optimizer_class(cfg),
    }
    for kind, name in expected.items():
        found = saved.get(f"{kind}_name")
        if found != name:
            raise UserError(
                f"{path}: trained with the {kind} {found}, but this run has {name}: go on with the --{kind} "
                "and the precision (--fp16 ...) of before, or add --reset-optimizer once, which keeps the "
                "parameters and starts the optimizer and the learning rate anew"
            )


def optimizer_class(cfg: Any) -> str:
    """The class of the optimizer that fairseq's trainer builds: in half precision, of what is around it."""
    common = cfg.common
    if not (common.fp16 or common.bf16 or common.amp):
        return OPTIMIZER_REGISTRY[cfg.optimizer._name].__name__
    is_sharded = common.fp16 and cfg.distributed_training.ddp_backend == "fully_sharded"
    if is_sharded or common.memory_efficient_fp16 or common.memory_efficient_bf16:
        return "MemoryEfficientFP16Optimizer"
    return "AMPOptimizer" if common.amp else "FP16Optimizer"
