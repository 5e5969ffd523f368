"""What is wrong with the flags of a command: pure functions of fairseq's config, called before any work.

A flag that the task has from fairseq works as there, or is refused here with one line (`docs/flags.md`).
"""

import json
from collections.abc import Collection, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from fairseq.dataclass.configs import GenerationConfig

from emo_mtl.errors import UserError
from emo_mtl.names import RESPONSE
from emo_mtl.tasks.config import DEGREE, LENGTHS


class Refused(NamedTuple):
    """A flag that is refused where its value is neither `off` nor None nor False."""

    group: str  # of fairseq's config
    name: str  # of the field
    why: str
    off: Any = None
    with_tasks: bool = False  # refused beside --classification-tasks only


PADDING = "BART is padded on the right, and a head's answer would depend on its batch"
ONE_FILE = "each split is one file: join the texts before fairseq-preprocess"
NAME_THEM = "name the subsets with --valid-subset valid,valid1"
TWO_PASSES = "of speech translation in two passes"
REFINEMENT = "of iterative refinement, which is another kind of model"
OWN_SCHEDULE = "the order of the tasks' mini-batches is --task-sampling's"

REFUSED = (
    Refused("task", "left_pad_source", PADDING),
    Refused("task", "left_pad_target", PADDING),
    Refused("task", "load_alignments", "responses have no alignments"),
    Refused("task", "upsample_primary", ONE_FILE, -1),
    Refused("task", "num_batch_buckets", "is for TPUs, and fails with numpy 2", 0),
    Refused("dataset", "dataset_impl", "the format is read from the files: leave it out", "mmap"),
    Refused("dataset", "combine_valid_subsets", NAME_THEM),
    Refused("dataset", "num_shards", "use --distributed-world-size N --distributed-rank I", 1),
    Refused("dataset", "shard_id", "use --distributed-world-size N --distributed-rank I", 0),
    Refused(
        "dataset",
        "max_valid_steps",
        "the first batches are all of responses: use a smaller validation set",
        with_tasks=True,
    ),
    Refused("dataset", "curriculum", OWN_SCHEDULE, 0, with_tasks=True),
    Refused("dataset", "grouped_shuffling", OWN_SCHEDULE, with_tasks=True),
    Refused("dataset", "update_epoch_batch_itr", OWN_SCHEDULE, with_tasks=True),
    Refused("dataset", "update_ordered_indices_seed", OWN_SCHEDULE, with_tasks=True),
    Refused("criterion", "report_accuracy", "the accuracy of tokens is not computed"),
    Refused(
        "model",
        "spectral_norm_classification_head",
        "fairseq cannot load such heads from a checkpoint",
    ),
    Refused("generation", "beam_mt", TWO_PASSES, 0),
    Refused("generation", "max_len_a_mt", TWO_PASSES, 0),
    Refused("generation", "max_len_b_mt", TWO_PASSES, 200),
    Refused("generation", "lenpen_mt", TWO_PASSES, 1),
    Refused("generation", "eos_token", "of speech translation; a response ends with </s>"),
    Refused("generation", "replace_unk", "needs data in fairseq's format raw"),
    Refused(
        "generation", "constraints", "fairseq's search fails beside the first <s> of a response"
    ),
    Refused("generation", "print_step", REFINEMENT),
    Refused("generation", "iter_decode_eos_penalty", REFINEMENT, 0),
    Refused("generation", "iter_decode_max_iter", REFINEMENT, 10),
    Refused("generation", "iter_decode_force_max_iter", REFINEMENT),
    Refused("generation", "iter_decode_with_beam", REFINEMENT, 1),
    Refused("generation", "iter_decode_with_external_reranker", REFINEMENT),
    Refused("generation", "retain_iter_history", REFINEMENT),
    Refused("generation", "decoding_format", REFINEMENT),
)
# Flags of the task that mean nothing to fairseq-generate and fairseq-interactive, and their defaults.
TRAINING_ONLY = {
    "classification_tasks": "",
    "loss_weights": "",
    "class_weights": "",
    "task_sampling": "round-robin",
    "sampling_temperature": DEGREE,
    "emotion_task": "",
    "emotion_dropout": 0.1,
    "eval_bleu": False,
}


def setting(group: Any, name: str) -> Any:
    """A value of a config's group, which may be a namespace or missing; None for one that is not there."""
    return getattr(group, name, None)


def flag(name: str) -> str:
    """A field's name as a flag."""
    return f"--{name.replace('_', '-')}"


def check_group(group: str, values: Any, has_tasks: bool = False) -> None:
    """Raise `UserError` for a flag of `REFUSED`.

    Args:
        values: the group of the config, a namespace or None
        has_tasks: whether there are classification tasks
    """
    for refused in REFUSED:
        value = setting(values, refused.name)
        if (
            refused.group == group
            and value not in (None, False, refused.off)
            and (has_tasks or not refused.with_tasks)
        ):
            where = " beside --classification-tasks" if refused.with_tasks else ""
            raise UserError(f"{flag(refused.name)}: cannot be used{where}: {refused.why}")


def check_sampling(cfg: Any) -> None:
    """Raise `UserError` for a temperature below 1, or without the sampling that it is of.

    Args:
        cfg: of the task
    """
    degree = cfg.sampling_temperature
    if not degree >= 1:
        raise UserError(f"--sampling-temperature {degree}: expected 1 or more")
    if degree != DEGREE and cfg.task_sampling != "temperature":
        raise UserError(
            f"--sampling-temperature {degree}: found --task-sampling {cfg.task_sampling}, expected "
            "temperature: give that, or leave the temperature out"
        )


def check_lengths(cfg: Any) -> None:
    """Raise `UserError` where an input or a response would have no turn, or no room for `<s>` and `</s>`.

    Args:
        cfg: of the task
    """
    for name, least in LENGTHS.items():
        if getattr(cfg, name) < least:
            why = ", since <s> and </s> are 2 tokens" if least == 2 else ""
            raise UserError(f"{flag(name)} {getattr(cfg, name)}: expected {least} or more{why}")


def check_class_weighted(text: str, names: Sequence[str], multi_label: Collection[str]) -> None:
    """Raise `UserError` for class weights of tasks with several labels an utterance.

    Args:
        text: of `--class-weights`
        names: of the tasks that it gives weights
        multi_label: of those with several labels
    """
    for name in names:
        if name in multi_label:
            raise UserError(
                f"--class-weights {text!r}: found {name}, whose utterances have several labels: each label "
                "has a loss of its own there, and no weight: name the other tasks only (TASK=balanced)"
            )


# ---- training


def check_training(command: Any, folder: Path, tasks: Sequence[str]) -> None:
    """Check the config of fairseq-train or fairseq-hydra-train.

    Args:
        command: fairseq's config
        folder: the data
        tasks: the names of the classification tasks

    Raises:
        UserError: a flag that would have no effect or another one than in fairseq, or that would fail late
    """
    check_criterion(command.criterion._name, tasks)
    for group in ("task", "dataset", "model"):
        check_group(group, command[group], bool(tasks))
    check_subsets(command.dataset, folder, tasks)
    check_precision(command)
    check_answers(command.task)
    check_bleu(command)
    if command.criterion._name == "multitask_nll":
        check_group("criterion", command.criterion)
        if not command.dataset.disable_validation:
            has_gain = command.dataset.batch_size_valid != 1  # it needs another utterance at hand
            names = metric_names(tasks, command.task.eval_bleu, has_gain)
            check_best_metric(command.checkpoint, names)


def check_criterion(name: str, tasks: Sequence[str]) -> None:
    """Raise `UserError` where the criterion knows nothing of the tasks."""
    if tasks and name != "multitask_nll":
        raise UserError(
            f"--criterion {name}: cannot train --classification-tasks {','.join(tasks)}: use "
            "--criterion multitask_nll"
        )


def check_subsets(dataset: Any, folder: Path, tasks: Sequence[str]) -> None:
    """Raise `UserError` where data would be left out, or trained and validated on at once.

    `fairseq-preprocess --trainpref a,b` writes `train` and `train1`, which fairseq's `translation` joins.
    """
    valid = [] if dataset.disable_validation else dataset.valid_subset.split(",")
    if dataset.train_subset in valid:
        raise UserError(
            f"--valid-subset {dataset.valid_subset}: found {dataset.train_subset}, which is the "
            "--train-subset: a subset has one order of its batches: validate on a copy of its files"
        )
    for part in (folder / RESPONSE, *(folder / name / "input0" for name in tasks)):
        splits = {file.name.split(".")[0] for file in part.glob("*.idx")} - set(valid)
        for split in sorted(splits):
            base = split.rstrip("0123456789")
            if split != base == dataset.train_subset:
                raise UserError(f"{part}: found {split}: {ONE_FILE}")
            if split != base and base in valid and not dataset.ignore_unused_valid_subsets:
                raise UserError(
                    f"{part}: found {split}, which --valid-subset {dataset.valid_subset} leaves out: name "
                    f"it too (--valid-subset {','.join([*valid, split])}), or add "
                    "--ignore-unused-valid-subsets"
                )


def check_precision(command: Any) -> None:
    """Raise `UserError` for half precision without a GPU, or with an optimizer that does not support it.

    fairseq takes the flag `--bf16` for a TPU: where there is a GPU and no TPU, that is taken back.
    """
    common = command.common
    names = ("fp16", "memory_efficient_fp16", "bf16", "memory_efficient_bf16", "amp")
    given = [name for name in names if setting(common, name)]
    has_gpu = torch.cuda.is_available() and not common.cpu
    has_tpu = common.tpu and find_spec("torch_xla") is not None
    if given and not has_gpu and not has_tpu:
        raise UserError(f"{flag(given[-1])}: found no GPU: leave it out on CPUs")
    if has_gpu and not has_tpu:
        common.tpu = False
    if setting(command.optimizer, "_name") == "fused_adam":
        for name in ("memory_efficient_fp16", "memory_efficient_bf16"):
            if setting(common, name):
                half = name.removeprefix("memory_efficient_")
                raise UserError(
                    f"{flag(name)}: cannot be used beside --optimizer fused_adam, which needs parameters in "
                    f"32 bits: use --{half}, or --optimizer adam"
                )


def check_answers(task: Any) -> None:
    """Raise `UserError` for flags of how answers are to be that make no sense in training."""
    if task.mmi_weight:
        raise UserError(
            f"--mmi-weight {task.mmi_weight}: is a flag of fairseq-generate and fairseq-interactive"
        )
    if task.emotion:
        raise UserError(
            f"--emotion {task.emotion}: is a flag of fairseq-generate and fairseq-interactive: train with "
            "--emotion-task"
        )
    if not 0 <= task.emotion_dropout < 1:
        raise UserError(
            f"--emotion-dropout {task.emotion_dropout}: expected 0 or more, less than 1"
        )


def check_bleu(command: Any) -> None:
    """Raise `UserError` for flags of `--eval-bleu` that contradict each other or do not exist."""
    task = command.task
    if not task.eval_bleu:
        return
    if command.get("bpe") is not None:
        for name, off in (("eval_bleu_detok", "space"), ("eval_bleu_remove_bpe", None)):
            if setting(task, name) != off:
                raise UserError(
                    f"{flag(name)}: cannot be used beside --bpe, which undoes the BPE before BLEU already: "
                    "leave one of the two out"
                )
    try:
        names = set(json.loads(task.eval_bleu_args))
    except (TypeError, ValueError) as error:
        raise UserError(
            f"--eval-bleu-args {task.eval_bleu_args!r}: found no JSON ({error}), expected for example "
            "'{\"beam\": 5}'"
        ) from error
    unknown = sorted(names - set(GenerationConfig.__dataclass_fields__))
    if unknown:
        raise UserError(
            f"--eval-bleu-args {task.eval_bleu_args!r}: found {unknown[0]!r}, expected names of flags of "
            "fairseq-generate with _ for -, such as no_repeat_ngram_size"
        )


def metric_names(tasks: Sequence[str], has_bleu: bool, has_gain: bool) -> list[str]:
    """What `multitask_nll` logs in validation that can choose a checkpoint."""
    of_tasks = [f"{name}_{kind}" for name in tasks for kind in ("loss", "accuracy", "f1")]
    responses = ["response_loss", "response_nll_loss", "response_ppl"]
    optional = [*(["response_gain"] if has_gain else []), *(["bleu"] if has_bleu else [])]
    return ["loss", *responses, *optional, *of_tasks]


def check_best_metric(checkpoint: Any, metrics: Sequence[str]) -> None:
    """Raise `UserError` where `--best-checkpoint-metric` is not logged, or the worst would be kept."""
    metric, maximize = checkpoint.best_checkpoint_metric, checkpoint.maximize_best_checkpoint_metric
    if metric not in metrics:
        raise UserError(
            f"--best-checkpoint-metric {metric}: is not logged in this training, expected one of "
            f"{', '.join(metrics)}" + ("" if "bleu" in metrics else " (and bleu with --eval-bleu)")
        )
    more_is_better = metric in ("bleu", "response_gain") or metric.endswith(("_accuracy", "_f1"))
    if more_is_better != maximize:
        raise UserError(
            f"--best-checkpoint-metric {metric}: the worst checkpoint would be kept as the best: "
            + ("add" if more_is_better else "leave out")
            + " --maximize-best-checkpoint-metric"
        )


# ---- generation


def check_generation(command: Any) -> None:
    """Check the config of fairseq-generate or fairseq-interactive; that of any other command passes.

    Raises:
        UserError: a flag that would have no effect, or another one than in fairseq
    """
    is_generation = setting(command.get("common_eval"), "path") and command.get("optimizer") is None
    if not is_generation:
        return
    for group in ("task", "dataset", "generation"):
        check_group(group, command.get(group))
    for name, default in TRAINING_ONLY.items():
        if str(setting(command.task, name)) != str(default):
            raise UserError(
                f"{flag(name)}: is a flag of fairseq-train: leave it out, the checkpoint knows its heads "
                "(emo-mtl classify asks them)"
            )
