"""Whose parameters a training is about to take over: looked at before anything is trained.

fairseq starts with random weights where a file is missing, and compares neither dictionaries nor labels.
"""

import logging
from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fairseq.criterions import CRITERION_REGISTRY
from fairseq.optim import OPTIMIZER_REGISTRY
from fairseq.utils import split_paths
from torch import Tensor, nn

from emo_mtl.data.loading import parse_loss_weights, parse_task_names
from emo_mtl.errors import UserError
from emo_mtl.models.emo_bart import EMBEDDING, check_heads, head_of, head_sizes, rows_changed
from emo_mtl.training.checkpoints import damage, read, saved_flags

logger = logging.getLogger(__name__)

LAST = "checkpoint_last.pt"  # default of --restore-file
RESETS = ("reset_optimizer", "reset_lr_scheduler", "reset_meters", "reset_dataloader")
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
# The batches of an epoch and their order follow from the data and these flags, by group of fairseq's config.
ORDER = {
    "common": ("seed",),
    "dataset": ("max_tokens", "batch_size", "required_batch_size_multiple", "train_subset"),
    "distributed_training": ("distributed_world_size",),
    "task": ("classification_tasks", "task_sampling", "max_source_length", "max_target_length"),
}


class Start(NamedTuple):
    """The file that a training takes parameters from, and what else of it."""

    path: Path
    with_optimizer: bool  # and its state, where the file has one
    with_position: bool  # in the training data


# ---- which file


def choose_start(cfg: Any) -> Start | None:
    """The file that fairseq-train is about to load, by fairseq's rules; None for random weights.

    fairseq writes a checkpoint under another name first, but then copies it onto `checkpoint_last.pt`: killed
    in between, or with a full disk, it leaves a part of that file, beside the one that was copied. Training
    goes on from the newest whole one then.

    Args:
        cfg: fairseq's `CheckpointConfig`; its `restore_file` and `finetune_from_model` may be changed

    Raises:
        UserError: a file that was named is missing or damaged, as are all checkpoints of `--save-dir`, or the
            flags contradict each other
    """
    save_dir = Path(cfg.save_dir)
    last = save_dir / LAST
    is_named = cfg.restore_file != LAST and Path(cfg.restore_file).resolve() != last.resolve()
    others = [name for name in RESETS if cfg[name]] + ["restore_file"] * is_named
    if cfg.finetune_from_model is not None and others:
        raise UserError(
            f"--finetune-from-model {cfg.finetune_from_model}: found --{others[0].replace('_', '-')} beside "
            "it, expected one of the two: it starts anew by itself the first time, and resumes afterwards"
        )
    if is_named:
        path = existing("--restore-file", cfg.restore_file, save_dir)
        if last.is_file():
            logger.warning(
                f"{last}: will be overwritten, since --restore-file {path} starts from another checkpoint. "
                "To go on from it, leave out --restore-file and the --reset-* flags; --finetune-from-model "
                "starts from a file the first time only"
            )
    elif last.exists():
        path = whole_one(existing("--save-dir", last, save_dir))
        if path != last:
            cfg.restore_file = str(path)
            cfg.finetune_from_model = None  # fairseq refuses it beside a restore file
    elif cfg.get("continue_once"):  # fairseq 0.12.2 has no such flag
        path = existing("--continue-once", cfg.continue_once, save_dir)
    elif cfg.finetune_from_model:
        path = existing("--finetune-from-model", cfg.finetune_from_model, save_dir)
        return Start(path, with_optimizer=False, with_position=False)
    else:
        return None
    return Start(path, not cfg.reset_optimizer, not cfg.reset_dataloader)


def existing(flag: str, name: str | Path, save_dir: Path) -> Path:
    """The file that a flag names; one that is not the last checkpoint must be whole.

    Raises:
        UserError: it is no file, or damaged; with the file that was meant, where there is one
    """
    path = Path(name)
    if not path.is_file():
        meant = [path / "model.pt", path / "checkpoint_best.pt", save_dir / path]
        hint = next((f": give {flag} {file}" for file in meant if file.is_file()), "")
        kind = "is a folder" if path.is_dir() else "no such file"
        raise UserError(f"{flag} {path}: {kind}, expected a checkpoint{hint}")
    if path != save_dir / LAST and (found := damage(path)):
        other = newest_whole(path.parent, but=path)
        hint = f": use the newest one beside it, {flag} {other}" if other else ": get it again"
        raise UserError(f"{path}: {found}, expected a whole checkpoint{hint}")
    return path


def whole_one(last: Path) -> Path:
    """The last checkpoint of a training, or the newest whole one beside it where it is damaged.

    Raises:
        UserError: there is none
    """
    if not (found := damage(last)):
        return last
    other = newest_whole(last.parent, but=last)
    if other is None:
        raise UserError(
            f"{last}: {found}, and no whole checkpoint lies beside it: remove it to start anew, or name "
            "another with --restore-file"
        )
    logger.warning(f"{last}: {found}: going on from {other}, the newest whole checkpoint")
    return other


def newest_whole(folder: Path, but: Path) -> Path | None:
    """The newest undamaged checkpoint of a folder, other than `but`."""
    files = [file for file in folder.glob("checkpoint*.pt") if file != but]
    newest_first = sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)
    return next((file for file in newest_first if damage(file) is None), None)


# ---- whose it is


def check_models(cfg: Mapping[str, Any]) -> None:
    """Raise `UserError` where `--path` names something else than checkpoints, before fairseq loads them.

    Args:
        cfg: the config of a whole command, or a part of it; the several files that FSDP makes of one
            checkpoint are left to fairseq
    """
    paths = (cfg.get("common_eval") or {}).get("path")
    files = cfg.get("checkpoint") or {}
    if paths and not files.get("checkpoint_suffix") and files.get("checkpoint_shard_count", 1) == 1:
        for path in map(Path, split_paths(paths)):
            read(existing("--path", path, path.parent))


def check_state(saved: Mapping[str, Any], own: Any, data: Path) -> None:
    """Compare the task's state in a checkpoint with that of this run.

    Args:
        saved: the checkpoint's
        own: of this run: `bpe`, `dictionary_sha256`, `heads`
        data: its folder

    Raises:
        UserError: another dictionary, or other labels of a head
    """
    bpe_saved = saved.get("bpe") or own.bpe
    if own.bpe and bpe_saved != own.bpe:
        raise UserError(
            f"{data}: its text was encoded with another BPE ({own.bpe['kind']}) "
            f"than that of the checkpoint ({bpe_saved['kind']}): use the data folder of the training, or "
            "prepare the data with the checkpoint's BPE"
        )
    if saved.get("dictionary_sha256", own.dictionary_sha256) != own.dictionary_sha256:
        raise UserError(
            f"{data}: its dictionary is not the one that the checkpoint was trained "
            "with (the symbols differ): use the data folder of the training, or prepare the data "
            "with the same dict.txt and the same BPE"
        )
    heads = saved.get("heads", {})
    for name, labels in own.heads.items():
        if heads.get(name, labels) != labels:
            raise UserError(
                f"{data / name / 'label' / 'dict.txt'}: found the labels "
                f"{', '.join(labels)}, expected those of the checkpoint: {', '.join(heads[name])}"
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
        if state.get("heads", {}).get(name) == labels and found.get(name) == len(labels)
    }
    if start.with_optimizer:
        check_state(state, task.state, task.data_folder())
        check_heads(found, {name: len(labels) for name, labels in task.heads.items()})
        check_frozen_heads(path, saved_flags(content, "task"), task.cfg)
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
            f"{path}: the heads {', '.join(other)} begin anew: its labels are others, in another order or "
            "not known"
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
        if shape(own, name) != shape(adapted, name)
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
