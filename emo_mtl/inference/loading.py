"""From a checkpoint to a model: what `EmoBART` and the commands share."""

import contextlib
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from fairseq import checkpoint_utils, tasks, utils
from fairseq.dataclass.configs import FairseqConfig
from fairseq.dataclass.utils import overwrite_args_by_name
from torch import nn

from emo_mtl.errors import UserError
from emo_mtl.inference import bpe
from emo_mtl.inference.model_files import dictionary_folder
from emo_mtl.tasks.emotion_dialogue import EmotionDialogueTask
from emo_mtl.training.checkpoints import read


def checkpoint_file(path: Path) -> Path:
    """A checkpoint for itself, and `checkpoint_best.pt` for a `--save-dir`.

    Raises:
        UserError: there is no such file
    """
    file = path / "checkpoint_best.pt" if path.is_dir() else path
    if not file.is_file():
        raise UserError(f"{file}: no such file, expected a checkpoint of fairseq-train")
    return file


def load_checkpoint(path: Path) -> dict[str, Any]:
    """What fairseq makes of a checkpoint of `emotion_dialogue`; nothing of it is run.

    Raises:
        UserError: not a checkpoint, a damaged one, one of another task, or one that would run code when it
            is loaded
    """
    if "heads" not in (read(path).get("task_state") or {}):
        raise UserError(
            f"{path}: found no classification heads, expected a checkpoint of "
            "fairseq-train --task emotion_dialogue"
        )
    state = checkpoint_utils.load_checkpoint_to_cpu(str(path))
    state["cfg"].common_eval.path = str(path)  # as in fairseq's commands
    return state


def data_folder(state: dict[str, Any], data: str | Path | None) -> Path:
    """A folder with a model's dictionary.

    It is `data`, or by default what training left beside the checkpoint, or the folder that it was trained on
    (the first of several).

    Args:
        state: of :func:`load_checkpoint`

    Raises:
        UserError: there is no such folder
    """
    cfg = state["cfg"]
    trained_on = Path(utils.split_paths(cfg.task.data)[0])
    folders = [Path(data)] if data else [Path(cfg.common_eval.path).parent, trained_on]
    folder = dictionary_folder(folders)
    if folder is None:
        raise UserError(
            f"{' and '.join(map(str, folders))}: found no dictionary, expected "
            + (
                "prepared data or a save folder"
                if data
                else "what training left beside the checkpoint, or the data that it names: give data (--data)"
            )
        )
    return folder


def build_model(
    state: dict[str, Any], data: Path, classification_tasks: Sequence[str] = (), seed: int = 1
) -> tuple[EmotionDialogueTask, nn.Module]:
    """The task on a data folder and the model of a checkpoint, with its heads, for inference.

    Args:
        state: of :func:`load_checkpoint`
        classification_tasks: also read these tasks' labels from `data`, and compare them with the
            checkpoint's; a head that the checkpoint lacks is initialised with `seed`

    Raises:
        UserError: data that does not fit the checkpoint
    """
    overrides = {
        "data": str(data),
        "classification_tasks": ",".join(classification_tasks),
        "loss_weights": "",
        "emotion_task": "",
        "emotion": "",
        "class_weights": "",
        "eval_bleu": False,
    }
    cfg = state["cfg"]
    overwrite_args_by_name(cfg, overrides)
    task = tasks.setup_task(cfg.task)
    task.load_state_dict(state["task_state"])
    with seeded(seed, torch.device("cpu")):
        model = task.build_model(cfg.model, from_checkpoint=True)
    model.new_heads = set(classification_tasks) - state["task_state"]["heads"].keys()
    model.load_state_dict(state["model"], strict=True, model_cfg=cfg.model)
    model.eval()
    model.prepare_for_inference_(FairseqConfig())  # as fairseq's commands do
    return task, model


def load_heads(
    path: Path, data: Path | None, names: list[str] | None, untrained_head: bool, seed: int = 1
) -> tuple[EmotionDialogueTask, nn.Module]:
    """The task on a data folder and the model of a checkpoint, ready to classify.

    Args:
        data: None for what the checkpoint needs, see :func:`data_folder`
        names: tasks that are needed; all heads of the checkpoint for None
        untrained_head: make heads that the checkpoint lacks, initialised with `seed`

    Raises:
        UserError: no such file, not a checkpoint of `emotion_dialogue`, no such head, or data that does not
            fit the checkpoint
    """
    state = load_checkpoint(checkpoint_file(path))
    trained = state["task_state"]["heads"]
    wanted = list(trained) if names is None else names
    missing = [name for name in wanted if name not in trained]
    if (missing and not untrained_head) or not wanted:
        raise UserError(
            f"{path}: found the heads {', '.join(trained) or 'none'}, expected "
            f"{', '.join(missing) or 'one or more'}: choose another checkpoint or --task, or score a "
            "head as it is initialised with --task NAME --untrained-head"
        )
    # where no data is named, the labels of the checkpoint are enough
    return build_model(state, data_folder(state, data), wanted if data else missing, seed)


def find_bpe(task: EmotionDialogueTask, given: Mapping[str, Any]) -> Namespace:
    """fairseq's flags of a model's BPE: what was given, else what lies beside the data or the checkpoint.

    Args:
        task: of :func:`build_model`
        given: fairseq's flags, of which any may be missing or None

    Raises:
        UserError: no BPE was given or found, or another one than the model's
    """
    return bpe.find(task.state.bpe, given, task.bpe_folders())


@contextlib.contextmanager
def seeded(seed: int | None, device: torch.device) -> Iterator[None]:
    """Seed torch within the block and restore its state behind it; nothing for None."""
    if seed is None:
        yield
        return
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
